# SPDX-License-Identifier: Apache-2.0
"""Real daemons for tests and the demo: containerd, Docker, docker-registry, Prometheus, the exporter.

Everything is private (a temporary folder, loopback, free ports), started by this process and
ended by its pid. `with Lab() as lab:` owns all of it; when the block ends nothing is left: no
process, no mount, no file. containerd needs root, the rest does not.

The daemons' binaries are found in $DAEMONS (a folder with usr/bin, see deploy/lib.sh), then in
~/.cache/containerd_exporter, then on PATH.
"""
import contextlib
import pathlib
import tempfile

from lab.daemons import Containerd, Docker, DockerRegistry, Prometheus
from lab.disks import remove_tree
from lab.exporter import Exporter
from lab.fake.registry import FakeRegistry
from lab.fake.tokens import TokenServer
from lab.images import ImageMaker
from lab.programs import folder_of


class Lab(contextlib.AbstractContextManager):
    """Owner of daemons and of the temporary folder they live in."""

    def __init__(self, prefix="containerd_exporter-"):
        self.temp = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.stack = contextlib.ExitStack()
        self.stack.callback(remove_tree, self.temp)
        self.maker = ImageMaker()
        self.count = 0

    def folder(self, name):
        self.count += 1
        return self.temp / f"{name}{self.count}"

    def own(self, process):
        self.stack.callback(process.close)
        return process.start()

    def containerd(self, **options):
        return self.own(Containerd(self.folder("containerd"), **options))

    def containerd_of(self, version, **options):
        """A containerd of VERSIONS; LabError where it could not be had."""
        return self.containerd(folder=folder_of(version), **options)

    def docker(self, containerd, **options):
        return self.own(Docker(self.folder("docker"), containerd, **options))

    def registry(self, **options):
        return self.own(DockerRegistry(self.folder("registry"), **options))

    def fake_registry(self, **options):
        """A registry inside this process that answers with faults on demand: lab/fake/registry.py."""
        return self.stack.enter_context(FakeRegistry(**options))

    def token_server(self, **options):
        """A token server that a docker-registry trusts: lab/fake/tokens.py."""
        return self.stack.enter_context(TokenServer(self.folder("tokens"), **options))

    def prometheus(self, targets, **options):
        return self.own(Prometheus(self.folder("prometheus"), targets, **options))

    def exporter(self, config=None, **options):
        return self.own(Exporter(self.folder("exporter"), config, **options))

    def close(self):
        self.stack.close()

    def __exit__(self, *exc):
        self.close()

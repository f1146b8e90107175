# SPDX-License-Identifier: Apache-2.0
"""Pushes through a mirror of hosts.toml: what ctr of each version and the exporter send to it.

containerd names the registry (?ns=) in no request of a push before 2.3, and in all of them since then.
"""
import pathlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from lab.probes import config_for, probe, run_once

SINCE = (2, 3)


class Mirrored:
    """A registry that has an image, its mirror, which takes pushes, and their certs.d."""

    def __init__(self, lab):
        self.registry, self.mirror = lab.fake_registry(), lab.fake_registry()
        self.registry.add_image("canary/image", "v1")
        self.root = pathlib.Path(lab.folder("certs.d"))
        (self.root / self.registry.address).mkdir(parents=True)
        self.write(None)

    def write(self, mirror):
        (self.root / self.registry.address / "hosts.toml").write_text(
            f'server = "http://{self.registry.address}"\n[host]\n' +
            (f'[host."http://{mirror.address}"]\n' if mirror else ""), encoding="utf-8")

    def sent(self):
        """{(method, kind): the value of ns} of what the mirror got; nothing went to the registry."""
        found = {}
        for request in self.mirror.log:
            url = urlsplit(request.path)
            kind = re.search(r"/(manifests|blobs/uploads|blobs)/", url.path).group(1)
            found.setdefault((request.method, kind), set()).add(parse_qs(url.query).get("ns", [""])[0])
        assert not self.registry.log, self.registry.log
        return found

    def expected(self, version, *kinds):
        new = tuple(map(int, re.findall(r"\d+", version)[:2])) >= SINCE if version else True
        return {kind: {self.registry.address if new else ""} for kind in kinds}


@pytest.fixture
def mirrored(lab):
    return Mirrored(lab)


PUSH = (("HEAD", "blobs"), ("POST", "blobs/uploads"), ("PUT", "blobs/uploads"), ("PUT", "manifests"))


def server_version(containerd):
    return containerd.ctr("version").split("Server:")[1].split("Version:")[1].split()[0]


def test_ctr_names_the_registry_as_its_version_does(mirrored, containerd_of_version, version):
    local = [] if version == "1.6" else ["--local"]
    where = ["--plain-http", "--hosts-dir", mirrored.root]
    name = f"{mirrored.registry.address}/canary/image"
    containerd_of_version.ctr("images", "pull", *local, *where, f"{name}:v1", namespace="push-hosts")
    mirrored.write(mirrored.mirror)
    mirrored.registry.log.clear()
    containerd_of_version.ctr("images", "push", *local, *where, f"{name}:v2", f"{name}:v1", namespace="push-hosts")
    sent = mirrored.sent()
    want = mirrored.expected(server_version(containerd_of_version), *sent)
    assert sent == want and ("PUT", "blobs/uploads") in sent


@pytest.mark.parametrize("settings", [{}, {"upload": {"chunk_size": "4KiB"}}], ids=["whole", "chunks"])
def test_client_engine_names_it_as_ctr(lab, mirrored, containerd_of_version, settings):
    mirrored.write(mirrored.mirror)
    exporter = run_once(lab, config_for(
        containerd_of_version, probe(f"{mirrored.registry.address}/canary/push:v1", operation="push", engine="client",
                                     content={"size": "20KiB"}, **settings), hosts_dir=mirrored.root))
    assert exporter.value("image_canary_success") == 1, exporter.log
    sent = mirrored.sent()
    assert sent == mirrored.expected(server_version(containerd_of_version), *sent)
    assert {*PUSH[1:]} <= {*sent}


@pytest.mark.unprivileged
def test_registry_engine_names_it_as_the_newest_containerd(lab, mirrored, socketless):
    mirrored.write(mirrored.mirror)
    config = config_for(None, probe(f"{mirrored.registry.address}/canary/push:v1", operation="push", engine="registry",
                                    content={"size": "4KiB"}))
    config["containerd"] = {**socketless["containerd"], "hosts_dir": str(mirrored.root)}
    exporter = run_once(lab, config)
    assert exporter.value("image_canary_success") == 1, exporter.log
    sent = mirrored.sent()
    assert sent == mirrored.expected("", *sent)
    assert {*PUSH[1:]} <= {*sent}


def test_upload_that_leads_elsewhere_names_the_registry_there(lab, mirrored, socketless):
    mirrored.registry.fault("location", path="/uploads/", value="cdn")
    config = config_for(None, probe(f"{mirrored.registry.address}/canary/push:v1", operation="push", engine="registry",
                                    content={"size": "4KiB"}))
    config["containerd"] = {**socketless["containerd"], "hosts_dir": str(mirrored.root)}
    run_once(lab, config)
    puts = [request for request in mirrored.registry.log if request.method == "PUT" and "/uploads/" in request.path]
    assert puts and all("ns=" in request.path for request in puts)

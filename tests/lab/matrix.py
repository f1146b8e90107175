# SPDX-License-Identifier: Apache-2.0
"""The shared part of the fault matrices: all engines against all faults of a field.

Each cell is a reason and the seconds it took. The tables stand at the end of pytest's output.
"""
import os
import time

import pytest

from lab.daemons import Containerd, Docker
from lab.disks import limit_disk
from lab.probes import config_for, probe, reasons
from lab.programs import folder_of
from lab.wait import LabError

TIMEOUT = {"docker": 30}  # seconds; dockerd takes its time for 32 pushes, and tries most things again after 5, 10, 15
WORKERS = {"docker": 8}
SLACK = 5  # seconds beyond the deadline
OK = "-"

# Which containerd an engine meets here.
VERSION = {"client": "1.6", "cri": "1.6", "transfer": "2"}


def need(engine):
    """Skips the test where the machine has no such daemon."""
    try:
        folder_of(VERSION.get(engine, "1.6"))
    except LabError as error:
        pytest.skip(f"{engine.upper()} IS NOT TESTED: {error}")


class Daemon:
    """What these engines need: a containerd, a Docker, both or nothing. `room`: bytes of the disk below."""

    def __init__(self, lab, engines, field, room=0, version=None):
        self.processes, self.settings = [], {}
        served = [engine for engine in engines if engine in VERSION]
        if served:
            containerd = self.make_containerd(lab, field, served, room, version or VERSION[served[0]])
            self.settings["containerd"] = {"address": containerd.address, "hosts_dir": str(field.hosts_dir)}
            self.processes.append(containerd)
        if "docker" in engines:
            docker = self.make_docker(lab, field, room)
            self.settings["docker"] = {"address": docker.address}
            self.processes.append(docker)

    def state(self):
        return [process.census() for process in self.processes]

    def make_containerd(self, lab, field, engines, room, version):
        cri = "cri" in engines
        containerd = Containerd(lab.folder("containerd"), folder=folder_of(version), cri=cri)
        containerd.env.update(field.proxy_env)
        path = containerd.dir / "config.toml"
        if cri:
            path.write_text(path.read_text() + '  [plugins."io.containerd.grpc.v1.cri".registry]\n'
                            f'    config_path = "{field.hosts_dir}"\n')
        if version == "2":  # by default all transfers share three layers: those that hang would stop the rest
            path.write_text(path.read_text() + '[plugins."io.containerd.transfer.v1.local"]\n'
                            '  max_concurrent_downloads = 64\n  max_concurrent_uploaded_layers = 64\n')
        limit_disk(containerd.root, room)
        lab.own(containerd)
        if cri:
            containerd.ctr("namespaces", "create", "k8s.io")  # else the first pull makes it, and it stays
        return containerd

    def make_docker(self, lab, field, room):
        plain = [host for host, settings in field.registries.items() if settings.get("plain_http")]
        docker = Docker(lab.folder("docker"), lab.containerd(), config={
            "insecure-registries": plain, "max-concurrent-downloads": 64,  # the default is three for all pulls
            "max-concurrent-uploads": 64})  # and five for all pushes: those that hang would stop the rest
        docker.env.update(field.proxy_env)
        limit_disk(docker.dir / "root", room)
        return lab.own(docker)


def reason_of(exporter, name):
    """OK, or the reasons of a probe's failures."""
    if exporter.value("image_canary_success", probe=name) == 1:
        return OK
    return ",".join(sorted(reasons(exporter, name)))


def matrix_config(field, daemon, engine, names, operation="pull", **more):
    """A probe for each of these faults of the field, by one engine."""
    options = {"engine": engine, "timeout": f"{TIMEOUT.get(engine, 5)}s", **more}
    probes = (probe(field.references[name], name, operation, **options) for name in names)
    return config_for(daemon, *probes, registries=field.registries)


class Table:
    """`rows`: {fault: {engine: (reason, seconds)}}. `expected`: {fault: reason}, the same for all engines but
    for those of `different`: {engine: {fault: reason}}. A tuple of reasons means any of them."""

    def __init__(self, expected, different):
        self.expected, self.different, self.engines, self.rows = expected, different, list(different), {}

    def allowed(self, engine, fault):
        allowed = self.different[engine].get(fault, self.expected[fault])
        return allowed if isinstance(allowed, tuple) else (allowed,)

    def note(self, exporter, engine, name):
        """A cell."""
        seconds = exporter.value("image_canary_last_duration_seconds", probe=name)
        self.rows.setdefault(name, {})[engine] = (reason_of(exporter, name), seconds)
        return self.rows[name][engine]

    def text(self):
        engines = [engine for engine in self.engines if any(engine in row for row in self.rows.values())]
        lines = [f"{'fault':24}" + "".join(f"{engine:>29}" for engine in engines)]
        for fault, row in self.rows.items():
            cells = ("{:>21} {:5.2f}s".format(*row[e]) if e in row else "" for e in engines)
            lines.append(f"{fault:24}" + "".join(f"{cell:>29}" for cell in cells))
        return "\n".join(lines)


def log_of(exporter, names):
    return "\n".join(line for line in exporter.log.splitlines() if any(f"probe {name} " in line for name in names))


def open_files(exporter):
    """The minimum within a second: running probes open and close files."""
    counts = []
    for _ in range(50):
        counts.append(len(os.listdir(f"/proc/{exporter.pid}/fd")))
        time.sleep(0.02)
    return min(counts)

# SPDX-License-Identifier: Apache-2.0
"""The matrix: everything that can be wrong with a registry, through every engine that there is.

Each cell is a reason and the seconds it took. All probes of an engine run in one exporter; the
deadline is kept, nothing is left behind, and no cell says `internal`. The table stands at the end of
pytest's output.
"""
import os
import subprocess
import time

import pytest

from field import Field
from lab import MIB, Containerd, Docker, LabError, exporter_binary, folder_of, wait_until
from registry import make_bomb

TIMEOUT = {"docker": 10}  # seconds; dockerd tries most things again after 5
WORKERS = {"docker": 8}
SLACK = 1  # beyond the deadline
OK = "-"
TABLE = {}  # {fault: {engine: (reason, seconds)}}

# What comes out, whoever pulls.
EXPECTED = {
    "good": OK, "token": OK, "https": OK, "no-digest-header": OK,
    "refused": "connect", "reset": "connect", "close": "connect", "reset-middle": "connect",
    "close-middle": "connect", "token-down": "connect", "token-reset": "connect", "proxy-reset": "connect",
    "proxy-reset-plain": "connect",
    "hang-manifest": "timeout", "hang-token": "timeout", "hang-blob": "timeout", "hang-headers": "timeout",
    "hang-middle": "timeout", "hang-handshake": "timeout", "drip": "timeout", "proxy-hang": "timeout",
    "proxy-hang-plain": "timeout",
    "no-such-host": "dns",
    "expired": "tls", "not-yet-valid": "tls", "wrong-host": "tls", "self-signed": "tls", "http-as-https": "tls",
    "401-loop": "unauthorized", "401-basic": "unauthorized", "401-bare": "unauthorized", "token-401": "unauthorized",
    "403": "forbidden", "403-denied": "forbidden", "403-blob": "forbidden", "token-403": "forbidden",
    "proxy-forbidden-plain": "forbidden",  # a proxy's own 403 to a GET looks like the registry's
    "404": "not_found", "404-blob": "not_found", "no-repository": "not_found", "no-tag": "not_found",
    "no-digest": "not_found", "no-platform": "not_found", "misleading": "not_found",
    "429": "rate_limited", "429-retry-after": "rate_limited", "429-blob": "rate_limited", "token-429": "rate_limited",
    "500": "server_error", "503": "server_error", "500-blob": "server_error", "token-500": "server_error",
    "loop": "protocol", "loop-blob": "protocol", "token-garbage": "protocol", "token-empty": "protocol",
    "garbage-manifest": "protocol",
    "content-type": "protocol", "huge-manifest": "limit",
    "wrong-digest-header": "digest_mismatch", "bad-json": "digest_mismatch", "wrong-bytes": "digest_mismatch",
    "truncated": "size_mismatch", "longer": "size_mismatch",
    "proxy-forbidden": "proxy", "proxy-password": "proxy", "proxy-password-plain": "proxy",
    "reset-once": OK,
}

# containerd fetches, and its words say no more than this.
CONTAINERD = {
    "truncated": "connect",  # "unexpected EOF": as if the connection had broken
    "wrong-digest-header": "not_found",  # it believes the header, and asks for that digest
    "reset-once": ("connect", OK),  # 1.6 does not go on where it broke off
}

# dockerd fetches. It takes every 127.0.0.1 for a registry without TLS, and looks at digests, never at
# sizes.
DOCKER = {
    "truncated": "digest_mismatch", "longer": "digest_mismatch",
    "huge-manifest": "protocol", "bad-json": "protocol",  # read before it is verified
    "wrong-digest-header": "not_found",  # it believes the header, and asks for that digest
    **{name: OK for name in ("expired", "not-yet-valid", "wrong-host", "self-signed", "http-as-https")},
}

DIFFERENT = {"client": {}, "registry": {}, "cri": CONTAINERD, "transfer": CONTAINERD, "docker": DOCKER}


# Which containerd an engine meets here.
VERSION = {"client": "1.6", "cri": "1.6", "transfer": "2"}


def knows(lab, engine):
    """The exporter itself says which engines it has."""
    config = lab.temp / "engine.yml"
    config.write_text(f"probes: [{{name: p, operation: pull, engine: {engine}, image: a/b}}]\n")
    done = subprocess.run([exporter_binary(), f"--config.file={config}", "--config.check"], capture_output=True,
                          text=True, timeout=20, check=False)
    return "engine" not in done.stderr


def need(lab, engine):
    """Skips what this binary or this machine has not."""
    if not knows(lab, engine):
        pytest.skip(f"no engine {engine} in this binary")
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
        if version == "2":  # by default all transfers share three downloads: those that hang would stop the rest
            path.write_text(path.read_text() + '[plugins."io.containerd.transfer.v1.local"]\n'
                            '  max_concurrent_downloads = 64\n')
        limit_disk(containerd.root, room)
        lab.own(containerd)
        if cri:
            containerd.ctr("namespaces", "create", "k8s.io")  # else the first pull makes it, and it stays
        return containerd

    def make_docker(self, lab, field, room):
        plain = [host for host, settings in field.registries.items() if settings.get("plain_http")]
        docker = Docker(lab.folder("docker"), lab.containerd(), config={
            "insecure-registries": plain, "max-concurrent-downloads": 64})  # the default is three for all pulls
        docker.env.update(field.proxy_env)
        limit_disk(docker.dir / "root", room)
        return lab.own(docker)


def limit_disk(folder, room):
    if room:
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", folder], check=True)


def reason_of(exporter, name):
    if exporter.value("image_canary_success", probe=name) == 1:
        return OK
    found = exporter.samples("image_canary_failure_reasons_total", probe=name)
    return ",".join(sorted(dict(labels)["reason"] for labels in found))


def config_for(field, daemon, engine, names, **more):
    probes = [{"name": name, "operation": "pull", "engine": engine, "image": field.references[name], "interval": "1h",
               "timeout": f"{TIMEOUT.get(engine, 5)}s", **more} for name in names]
    return {**daemon.settings, "probes": probes, "registries": field.registries}


def table_text():
    engines = [engine for engine in DIFFERENT if any(engine in row for row in TABLE.values())]
    lines = [f"{'fault':24}" + "".join(f"{engine:>29}" for engine in engines)]
    for fault, row in TABLE.items():
        cells = ("{:>21} {:5.2f}s".format(*row[e]) if e in row else "" for e in engines)
        lines.append(f"{fault:24}" + "".join(f"{cell:>29}" for cell in cells))
    return "\n".join(lines)


@pytest.fixture(scope="module", autouse=True)
def table(pytestconfig):
    yield
    pytestconfig.tables.append(table_text())


def may_be(engine, fault):
    want = DIFFERENT[engine].get(fault, EXPECTED[fault])
    return want if isinstance(want, tuple) else (want,)


def note(exporter, engine, name):
    """A cell of the table."""
    TABLE.setdefault(name, {})[engine] = (
        reason_of(exporter, name), exporter.value("image_canary_last_duration_seconds", probe=name))
    return TABLE[name][engine]


def log_of(exporter, names):
    return "\n".join(line for line in exporter.log.splitlines() if any(f"probe={name} " in line for name in names))


@pytest.mark.parametrize("engine", DIFFERENT)
def test_every_fault_has_its_reason(lab, engine):
    need(lab, engine)
    with Field(lab.folder("field")) as field:
        assert set(field.references) == set(EXPECTED)
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        exporter = lab.exporter(config_for(field, daemon, engine, EXPECTED), env=field.proxy_env,
                                args=["--probe.spread=0s", f"--probe.workers={WORKERS.get(engine, 16)}"])
        count = len(field.references)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= count, timeout=120)
        cells = {name: note(exporter, engine, name) for name in EXPECTED}
        wrong = {name: reason for name, (reason, _) in cells.items() if reason not in may_be(engine, name)}
        late = {name: seconds for name, (_, seconds) in cells.items() if seconds > TIMEOUT.get(engine, 5) + SLACK}
        assert not wrong, log_of(exporter, wrong)
        assert not late
        assert "internal" not in {reason for reason, _ in cells.values()}
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")


@pytest.mark.parametrize("engine", ("client", "cri", "transfer", "docker"))
def test_a_disk_that_is_full(lab, engine):
    """An image that is larger than the disk, then one that only becomes so when it is unpacked."""
    need(lab, engine)
    with Field(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field, room=48 * MIB)
        field.registry.add_image("canary/large", "v1", [{"large": os.urandom(64 * MIB)}])
        field.registry.add_image("canary/bomb", "v1", [make_bomb(1024 * MIB)])
        for name in ("large", "bomb"):
            field.references[name] = f"{field.registry.address}/canary/{name}:v1"
        before = daemon.state()
        for name in ("large", "bomb"):
            exporter = lab.exporter(config_for(field, daemon, engine, [name], timeout="30s"),
                                    args=["--probe.spread=0s"])
            exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1, timeout=40)
            assert note(exporter, engine, name)[0] == "no_space", exporter.log
            assert exporter.stop()[0] == 0
            wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")


@pytest.mark.parametrize("engine", ("client", "cri", "transfer", "docker"))
def test_a_daemon_that_is_killed_in_the_middle(lab, engine):
    """It is seen at once, not at the deadline; with the daemon, the probe comes back and cleans up."""
    need(lab, engine)
    with Field(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        image = field.registry.add_image("canary/killed", "v1", [{"slow": os.urandom(4 * MIB)}])
        layer = image["layers"][0]["digest"]
        field.registry.fault("slow", path=layer, value=0.25)  # 16 s in all
        field.references["killed"] = f"{field.registry.address}/canary/killed:v1"
        exporter = lab.exporter(config_for(field, daemon, engine, ["killed"], timeout="30s", interval="31s",
                                           retry_interval="2s"), args=["--probe.spread=0s"])
        wait_until(lambda: field.registry.requests("GET", layer), what="the layer that takes its time")
        daemon.processes[0].kill()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1, timeout=10)
        assert note(exporter, engine, "killed")[0] == "runtime_unavailable", exporter.log
        field.registry.unfault()
        daemon.processes[0].start()
        if engine in ("cri", "transfer"):
            return  # what the daemon itself had begun stays under a lease of its own for a day
        exporter.wait_for("image_canary_success", {}, 1, timeout=20)
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")


@pytest.mark.parametrize("engine", DIFFERENT)
def test_a_proxy_that_is_not_there(lab, engine):
    need(lab, engine)
    with Field(lab.folder("field")) as field:
        nowhere = f"http://{field.closed}"
        field.proxy_env.update({name: nowhere for name in field.proxy_env if name.lower() != "no_proxy"})
        daemon = Daemon(lab, [engine], field)
        names = {"proxy-closed": "proxy-reset", "proxy-closed-plain": "proxy-reset-plain"}
        field.references.update({name: field.references[like] for name, like in names.items()})
        exporter = lab.exporter(config_for(field, daemon, engine, names), args=["--probe.spread=0s"],
                                env=field.proxy_env)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 2, timeout=30)
        assert {note(exporter, engine, name)[0] for name in names} == {"proxy"}, exporter.log


def open_files(exporter):
    """The fewest of a second: those of the probes that run at the moment come and go."""
    counts = []
    for _ in range(50):
        counts.append(len(os.listdir(f"/proc/{exporter.pid}/fd")))
        time.sleep(0.02)
    return min(counts)


def test_five_hundred_mixed_probes_leave_everything_as_it_was(lab):
    """Quick faults and good pulls, through every engine in one exporter, until 500 have run."""
    mixed = ("good", "token", "https", "reset-middle", "404-blob", "429", "500", "401-loop", "loop", "wrong-bytes",
             "truncated", "garbage-manifest", "expired", "refused", "no-platform")
    need(lab, "transfer")
    with Field(lab.folder("field")) as field:
        engines = list(DIFFERENT)
        daemon = Daemon(lab, engines, field, version="2")
        config = config_for(field, daemon, "client", [])
        for engine in engines:
            config["probes"] += [{**probe, "name": f"{engine}-{probe['name']}", "cold": "preferred"}
                                 for probe in config_for(field, daemon, engine, mixed, interval="2s",
                                                         timeout="2s")["probes"]]
        before = daemon.state()
        exporter = lab.exporter(config, args=["--probe.spread=0s", "--probe.workers=4"], env=field.proxy_env)

        def ran(wanted):
            exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= wanted, timeout=120)
            return exporter.rss_kb(), open_files(exporter)

        early, late = ran(150), ran(500)
        print(f"RSS {early[0]} -> {late[0]} KiB, open files {early[1]} -> {late[1]}")
        assert late[0] < early[0] + 3 * 1024, "RSS is flat"
        assert late[1] < early[1] + 12, "open files are flat"
        assert exporter.value("image_canary_failure_reasons_total", reason="internal") is None, exporter.log
        for engine in engines:
            assert exporter.value("image_canary_failures_total", probe=f"{engine}-404-blob") > 0
            assert exporter.value("image_canary_last_success_timestamp_seconds", probe=f"{engine}-good"), exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")

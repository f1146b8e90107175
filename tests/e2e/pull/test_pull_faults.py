# SPDX-License-Identifier: Apache-2.0
"""The matrix: everything that can be wrong with a registry, through every engine that there is.

Each cell is a reason and the seconds it took. All probes of an engine run in one exporter; the
deadline is kept, nothing is left behind, and no cell says `internal`. The table stands at the end of
pytest's output.
"""
import os
import signal

import pytest

from lab.fake.registry import make_bomb
from lab.field import Field
from lab.images import MIB
from lab.matrix import OK, SLACK, TIMEOUT, WORKERS, Daemon, Table, log_of, matrix_config, need, open_files
from lab.probes import AT_ONCE, config_for
from lab.wait import wait_until

# The reason of each fault, for every engine that has no other in DIFFERENT.
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
    "common-name": "tls", "close-handshake": "connect", "garbage": "protocol", "garbage-status": "protocol",
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
    **{name: OK for name in ("expired", "not-yet-valid", "wrong-host", "self-signed", "http-as-https", "common-name")},
}

DIFFERENT = {"client": {}, "registry": {}, "cri": CONTAINERD, "transfer": CONTAINERD, "docker": DOCKER}


TABLE = Table(EXPECTED, DIFFERENT)


@pytest.fixture(scope="module", autouse=True)
def table(pytestconfig):
    yield
    pytestconfig.tables.append(TABLE.text())


@pytest.mark.parametrize("engine", DIFFERENT)
def test_reports_the_reason_of_every_fault(lab, engine):
    need(engine)
    with Field(lab.folder("field")) as field:
        assert set(field.references) == set(EXPECTED)
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        exporter = lab.exporter(matrix_config(field, daemon, engine, EXPECTED), env=field.proxy_env,
                                args=[AT_ONCE, f"--probe.workers={WORKERS.get(engine, 16)}"])
        count = len(field.references)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= count, timeout=240)
        cells = {name: TABLE.note(exporter, engine, name) for name in EXPECTED}
        wrong = {name: reason for name, (reason, _) in cells.items() if reason not in TABLE.allowed(engine, name)}
        late = {name: seconds for name, (_, seconds) in cells.items() if seconds > TIMEOUT.get(engine, 5) + SLACK}
        assert not wrong, log_of(exporter, wrong)
        assert not late
        assert "internal" not in {reason for reason, _ in cells.values()}
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=30, what="a daemon as it was before")


@pytest.mark.parametrize("engine", ("client", "cri", "transfer", "docker"))
def test_reports_a_full_disk_and_cleans_up(lab, engine):
    """An image that is larger than the disk, then one that only becomes so when it is unpacked."""
    need(engine)
    with Field(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field, room=48 * MIB)
        field.registry.add_image("canary/large", "v1", [{"large": os.urandom(64 * MIB)}])
        field.registry.add_image("canary/bomb", "v1", [make_bomb(1024 * MIB)])
        for name in ("large", "bomb"):
            field.references[name] = f"{field.registry.address}/canary/{name}:v1"
        before = daemon.state()
        for name in ("large", "bomb"):
            exporter = lab.exporter(matrix_config(field, daemon, engine, [name], timeout="30s"),
                                    args=[AT_ONCE])
            exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1, timeout=40)
            assert TABLE.note(exporter, engine, name)[0] == "no_space", exporter.log
            assert exporter.stop()[0] == 0
            wait_until(lambda: daemon.state() == before, timeout=30, what="a daemon as it was before")


def leftovers(daemon, engine):
    """What a run of the probe `killed` has put into the daemon so far, by kind."""
    state = daemon.processes[0].census()
    if engine == "docker":
        return state
    space = state.get("k8s.io" if engine == "cri" else "containerd-exporter.killed", {})
    return {kind: found - {"containerd-exporter.alive"} for kind, found in space.items()}  # without the claim of the run


def check_leftovers(left, engine, layer):
    """Everything that stays when a daemon is killed carries the name of the probe."""
    assert not left["images"], left
    if engine == "docker":  # dockerd itself removes half an image when it starts
        assert left["volumes"] == ["containerd-exporter.killed"] and left["bytes"] == 0 and not left["containers"], left
        return
    assert left["leases"] == {"containerd-exporter.killed"}, left
    owner = "containerd-exporter.killed" if engine == "client" else "layer"
    assert left["ingests"] == {f"{owner}-{layer}"}, left
    assert left["content"] and layer not in left["content"], "the manifest is whole, the layer is not"


@pytest.mark.parametrize("engine", ("client", "cri", "transfer", "docker"))
def test_reports_a_killed_daemon_and_removes_its_leftovers(lab, engine):
    """The run fails at once, not at the deadline. Until the next run, what the daemon had fetched stays under
    the lease of the probe; the next run removes it."""
    need(engine)
    with Field(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        image = field.registry.add_image("canary/killed", "v1", [{"slow": os.urandom(4 * MIB)}])
        layer = image["layers"][0]["digest"]
        field.registry.fault("slow", path=layer, value=0.25)  # 16 s in all
        field.references["killed"] = f"{field.registry.address}/canary/killed:v1"
        exporter = lab.exporter(matrix_config(field, daemon, engine, ["killed"], timeout="30s", interval="31s",
                                              retry_interval="2s"), args=[AT_ONCE])
        wait_until(lambda: field.registry.requests("GET", layer), what="the layer that takes its time")
        if engine != "docker":
            wait_until(lambda: leftovers(daemon, engine).get("ingests"), what="an ingest of that layer")
        daemon.processes[0].kill()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1, timeout=10)
        assert TABLE.note(exporter, engine, "killed")[0] == "runtime_unavailable", exporter.log
        exporter.send(signal.SIGSTOP)  # no second run until the leftovers are seen
        field.registry.unfault()
        daemon.processes[0].start()
        check_leftovers(leftovers(daemon, engine), engine, layer)
        exporter.send(signal.SIGCONT)
        exporter.wait_for("image_canary_success", {}, 1, timeout=20)
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=30, what="a daemon as it was before")


@pytest.mark.parametrize("engine", DIFFERENT)
def test_reports_a_proxy_that_is_down(lab, engine):
    need(engine)
    with Field(lab.folder("field")) as field:
        nowhere = f"http://{field.closed}"
        field.proxy_env.update({name: nowhere for name in field.proxy_env if name.lower() != "no_proxy"})
        daemon = Daemon(lab, [engine], field)
        names = {"proxy-closed": "proxy-reset", "proxy-closed-plain": "proxy-reset-plain"}
        field.references.update({name: field.references[like] for name, like in names.items()})
        exporter = lab.exporter(matrix_config(field, daemon, engine, names), args=[AT_ONCE],
                                env=field.proxy_env)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 2, timeout=30)
        assert {TABLE.note(exporter, engine, name)[0] for name in names} == {"proxy"}, exporter.log


def test_five_hundred_runs_leave_daemons_and_memory_unchanged(lab):
    """Quick faults and good pulls, through every engine in one exporter, until 500 have run."""
    mixed = ("good", "token", "https", "reset-middle", "404-blob", "429", "500", "401-loop", "loop", "wrong-bytes",
             "truncated", "garbage-manifest", "expired", "refused", "no-platform")
    need("transfer")
    with Field(lab.folder("field")) as field:
        engines = list(DIFFERENT)
        daemon = Daemon(lab, engines, field, version="2")
        config = config_for(daemon, *(
            {**one, "name": f"{engine}-{one['name']}", "cold": "preferred"} for engine in engines
            for one in matrix_config(field, daemon, engine, mixed, interval="2s", timeout="2s")["probes"]),
            registries=field.registries)
        before = daemon.state()
        exporter = lab.exporter(config, args=[AT_ONCE, "--probe.workers=4"], env=field.proxy_env)

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
        wait_until(lambda: daemon.state() == before, timeout=30, what="a daemon as it was before")

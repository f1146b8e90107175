# SPDX-License-Identifier: Apache-2.0
"""The matrix of pushes: everything that can be wrong with a registry that is pushed to, through every engine
that pushes. The table stands at the end of pytest's output."""

import pytest

from lab.field import PushField
from lab.images import MIB
from lab.matrix import (OK, SLACK, TIMEOUT, Daemon, Table, log_of, matrix_config, need, open_files,
                        reason_of)
from lab.probes import AT_ONCE, config_for, probe
from lab.wait import wait_until

# The reason of each fault, for every engine that has no other in DIFFERENT.
EXPECTED = {
    "good": OK, "token": OK, "https": OK, "no-digest-header": OK, "far-location": OK, "reset-body-once": OK,
    "401-body-once": OK,
    "refused": "connect", "reset-post": "connect", "close-post": "connect", "reset-body": "connect",
    "close-body": "connect", "reset-commit": "connect", "close-commit": "connect", "closed-location": "connect",
    "token-down": "connect", "token-reset": "connect", "proxy-reset": "connect", "proxy-reset-plain": "connect",
    "hang-head": "timeout", "hang-post": "timeout", "hang-body": "timeout", "hang-answer": "timeout",
    "hang-commit": "timeout", "hang-token": "timeout", "hang-handshake": "timeout", "slow-body": "timeout",
    "proxy-hang": "timeout", "proxy-hang-plain": "timeout",
    "no-such-host": "dns",
    "expired": "tls", "not-yet-valid": "tls", "wrong-host": "tls", "self-signed": "tls", "http-as-https": "tls",
    "common-name": "tls",
    "401-loop": "unauthorized", "401-bare": "unauthorized", "401-body": "unauthorized", "token-401": "unauthorized",
    "no-password": "unauthorized", "wrong-password": "unauthorized", "read-only-token": "unauthorized",
    "403-post": "forbidden", "403-quota": "forbidden", "403-commit": "forbidden", "token-403": "forbidden",
    "proxy-forbidden-plain": "forbidden",  # a proxy's own 403 looks like the registry's
    "404-post": "not_found",
    "404-upload": "server_error", "404-commit-blob": "server_error",  # the registry lost what it had accepted
    "405-post": "unsupported", "405-bare": "unsupported",
    "429-post": "rate_limited", "429-body": "rate_limited", "429-commit": "rate_limited", "token-429": "rate_limited",
    "500-head": "server_error", "500-post": "server_error", "500-body": "server_error", "500-commit": "server_error",
    "503-post": "server_error", "token-500": "server_error",
    "507-body": "no_space",
    "413-body": "limit", "413-commit": "limit",
    "416-body": "protocol", "no-location": "protocol", "bad-location": "protocol", "loop-post": "protocol",
    "loop-commit": "protocol", "token-garbage": "protocol",
    "400-digest": "digest_mismatch", "wrong-digest-header": "digest_mismatch", "wrong-blob-digest": "digest_mismatch",
    "400-size": "size_mismatch",
    "400-manifest": "invalid", "somebody-elses": "invalid",
    "has-it-all": "not_cold",
    "proxy-forbidden": "proxy", "proxy-password": "proxy", "proxy-password-plain": "proxy",
}

# dockerd sends. What it takes for a passing trouble it tries again, after 5, 10, 15 and 20 seconds, and says
# nothing meanwhile: our deadline comes first. It believes no digest but its own.
DOCKER = {
    **{name: "timeout" for name in (
        "reset-post", "close-post", "reset-body", "close-body", "closed-location", "500-head", "500-post", "500-body",
        "503-post", "507-body", "404-upload", "no-location", "bad-location", "loop-post", "400-digest", "400-size")},
    # Only a refusal whose message is not the usual one it takes for final.
    **{name: "timeout" for name in ("403-quota", "404-post", "405-post")},
    "reset-body-once": (OK, "timeout"),  # the second attempt comes after 5 seconds
    "wrong-digest-header": OK, "wrong-blob-digest": OK,
    "no-digest-header": "protocol",  # "invalid checksum digest format"
    "401-body-once": "unauthorized",  # a body is not sent a second time
    "has-it-all": OK,  # a layer that it has never pushed it does not ask for
}

# containerd sends, and its words say no more than this.
CONTAINERD = {
    "no-digest-header": "protocol",  # "invalid checksum digest format"
    "reset-body-once": "connect",  # a body is not sent a second time
}

DIFFERENT = {"client": {}, "registry": {}, "transfer": CONTAINERD, "docker": DOCKER}
WORKERS = 32  # nearly all of them at once: what hangs, hangs for the whole deadline
OURS = ("client", "registry")  # the exporter itself sends
LEFT = {"no-location", "bad-location", "closed-location"}  # without its location an upload cannot be canceled
TABLE = Table(EXPECTED, DIFFERENT)
CONTENT = {"layers": 2, "size": "80KiB"}
BLOBS = 4  # with configuration and manifest


@pytest.fixture(scope="module", autouse=True)
def table(pytestconfig):
    yield
    pytestconfig.tables.append("pushes\n" + TABLE.text())


@pytest.mark.parametrize("engine", DIFFERENT)
def test_reports_the_reason_of_every_fault(lab, engine):
    need(engine)
    with PushField(lab.folder("field")) as field:
        assert set(field.references) == set(EXPECTED)
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        exporter = lab.exporter(matrix_config(field, daemon, engine, EXPECTED, "push", content=CONTENT),
                                args=[AT_ONCE, f"--probe.workers={WORKERS}"],
                                env=field.proxy_env)
        count = len(field.references)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= count, timeout=240)
        cells = {name: TABLE.note(exporter, engine, name) for name in EXPECTED}
        wrong = {name: reason for name, (reason, _) in cells.items() if reason not in TABLE.allowed(engine, name)}
        late = {name: seconds for name, (_, seconds) in cells.items() if seconds > TIMEOUT.get(engine, 5) + SLACK}
        assert not wrong, log_of(exporter, wrong)
        assert not late
        assert "internal" not in {reason for reason, _ in cells.values()}
        assert "secret-" not in exporter.log, "what starts both passwords"
        left = {name for name in EXPECTED if exporter.value("image_canary_cleanup_failures_total", probe=name)}
        assert left == (LEFT if engine in OURS else set()), log_of(exporter, left)
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")
        if engine in OURS:
            assert not any(field.registry.uploads.values()), "what was begun in vain is taken back"


@pytest.mark.parametrize("engine", ("client", "transfer", "docker"))
def test_reports_a_full_disk_and_cleans_up(lab, engine):
    need(engine)
    with PushField(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field, room=48 * MIB)
        before = daemon.state()
        exporter = lab.exporter(matrix_config(field, daemon, engine, ["good"], "push", timeout="30s",
                                              content={"layers": 1, "size": "64MiB"}), args=[AT_ONCE])
        exporter.wait_for("image_canary_attempts_total", {}, 1, timeout=40)
        assert reason_of(exporter, "good") == "no_space", exporter.log
        assert not field.registry.requests("POST", "/uploads/")
        assert exporter.stop()[0] == 0
        wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")


@pytest.mark.parametrize("engine", ("client", "transfer", "docker"))
def test_reports_a_killed_daemon_and_removes_its_leftovers(lab, engine):
    """The run fails at once, not at the deadline; the next run cleans up. An engine that reads the files of
    the blobs finishes the push without the daemon."""
    need(engine)
    with PushField(lab.folder("field")) as field:
        daemon = Daemon(lab, [engine], field)
        before = daemon.state()
        for method in ("PUT", "PATCH"):
            field.registry.fault("slow_body", method=method, path="/canary/good/blobs/uploads/", value=0.02)
        exporter = lab.exporter(matrix_config(field, daemon, engine, ["good"], "push", timeout="9s", interval="10s",
                                              retry_interval="2s", content={"layers": 1, "size": "8MiB"}),
                                args=[AT_ONCE])
        wait_until(lambda: field.registry.requests("POST", "/uploads/"), what="an upload")
        daemon.processes[0].kill()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1, timeout=20)
        assert reason_of(exporter, "good") in ("runtime_unavailable", *([OK] if engine == "client" else []))
        field.registry.unfault()
        daemon.processes[0].start()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 2, timeout=30)
        exporter.wait_for("image_canary_success", {}, 1, timeout=30)  # a run may have begun before the daemon answered
        assert exporter.stop()[0] == 0
        if engine != "transfer":  # what the daemon itself had begun stays under a lease of its own for a day
            wait_until(lambda: daemon.state() == before, timeout=5, what="a daemon as it was before")


class Rounds:
    """Quick faults and good pushes, each removed again, to a fake registry and to two real ones, of which one
    deletes nothing."""

    FAULTS = ("good", "token", "reset-body", "reset-commit", "401-body", "403-quota", "404-upload", "429-post",
              "500-body", "500-commit", "wrong-digest-header", "413-body", "no-location", "somebody-elses")

    WORKERS = 4

    def __init__(self, lab, field):
        self.field, self.engines = field, list(DIFFERENT)
        self.daemon = Daemon(lab, self.engines, field, version="2")
        self.before = self.daemon.state()
        self.deletes, self.keeps = lab.registry(), lab.registry(delete=False)
        for registry in (self.deletes, self.keeps):
            field.know(registry.host)
        config = config_for(self.daemon, *(one for engine in self.engines for one in self.probes(engine)),
                            registries=field.registries)
        self.lab, self.config = lab, config
        self.exporter = self.start(config)

    def start(self, config):
        return self.lab.exporter(config, args=[AT_ONCE, f"--probe.workers={self.WORKERS}"],
                                 env=self.field.proxy_env)

    def probes(self, engine):
        """A repository of its own for each, or they would remove each other's."""
        names = {name: self.field.references[name].replace("/canary/", f"/{engine}/canary/") for name in self.FAULTS
                 if "timeout" not in TABLE.allowed(engine, name)}
        names.update({"gone": f"{self.deletes.host}/{engine}/gone:v1", "stays": f"{self.keeps.host}/{engine}/stays:v1",
                      "somebody-elses": self.field.references["somebody-elses"]})
        return [probe(reference, f"{engine}-{name}", "push", engine=engine, interval="2s", timeout="10s",
                      delete_remote=True, content=CONTENT) for name, reference in names.items()]

    def ran(self, wanted):
        """Waits for so many pushes, of every probe at least one."""
        def enough():
            tried = self.exporter.samples("image_canary_attempts_total").values()
            return sum(tried) >= wanted and min(tried) > 0

        wait_until(enough, timeout=90, what=f"{wanted} pushes", every=0.2)
        return self.exporter.rss_kb(), open_files(self.exporter)

    def stop(self):
        """dockerd finishes a load after its client has left: the next run of the same probe removes that image."""
        assert self.exporter.stop()[0] == 0
        late = [{**one, "interval": "1h"} for one in self.config["probes"] if one["engine"] == "docker"]
        if late:
            again = self.start({**self.config, "probes": late})
            again.wait_for("image_canary_attempts_total", {}, lambda n: n >= len(late), timeout=60)
            assert again.stop()[0] == 0
        wait_until(lambda: self.daemon.state() == self.before, timeout=5, what="daemons as they were before")

    def check_counters(self):
        """Reads all counters from one page, because they go on. dockerd does not report what it had sent
        before a failure: the exporter counts it as left."""
        metrics = self.exporter.metrics()

        def value(name, probe):
            return sum(n for labels, n in metrics.get(name, {}).items() if ("probe", probe) in labels)

        for engine in self.engines:
            for one in (one["name"] for one in self.probes(engine)):
                tried, failed, left = (value(f"image_canary_{name}_total", one)
                                       for name in ("attempts", "failures", "cleanup_failures"))
                name = one.removeprefix(f"{engine}-")
                works = name in ("gone", "stays") or OK in TABLE.allowed(engine, name)
                assert tried > 0 and (failed == 0 if works else failed == tried), log_of(self.exporter, [one])
                may_stay = {tried} if name == "stays" or name in LEFT and engine in OURS else {0}
                may_stay |= {tried} if failed and engine == "docker" else set()
                assert left in may_stay, log_of(self.exporter, [one])
        assert self.exporter.value("image_canary_failure_reasons_total", reason="internal") is None

    def check_registries(self):
        """A daemon that is cut off in the middle of a push, as some are when the exporter ends, may have put the
        manifest there all the same."""
        manifests = {repository for repository, _ in [*self.field.registry.manifests, *self.field.private.manifests]}
        assert "canary/somebody-elses" in manifests
        assert not [name for name in manifests if name.split("/")[0] in OURS]
        assert len(manifests) <= 1 + self.WORKERS, manifests
        links = {repository for repository, _ in [*self.field.registry.links, *self.field.private.links]}
        assert not [name for name in links if name.split("/")[0] in OURS], "what was sent before the fault goes, too"
        assert {name: self.keeps.tags(name) for name in self.keeps.repositories()} == \
            {f"{engine}/stays": ["v1"] for engine in self.engines}
        tagged = {name for name in self.deletes.repositories() if self.deletes.tags(name)}
        assert not [name for name in tagged if name.split("/")[0] in OURS]
        self.deletes.collect_garbage()
        assert len(self.deletes.blobs()) == BLOBS * len(tagged)


def test_two_hundred_pushes_leave_only_what_registries_do_not_delete(lab):
    with PushField(lab.folder("field")) as field:
        rounds = Rounds(lab, field)
        early, late = rounds.ran(60), rounds.ran(200)
        print(f"RSS {early[0]} -> {late[0]} KiB, open files {early[1]} -> {late[1]}")
        assert late[0] < early[0] + 3 * 1024, "RSS is flat"
        assert late[1] < early[1] + 12, "open files are flat"
        rounds.check_counters()
        rounds.stop()
        rounds.check_registries()

# SPDX-License-Identifier: Apache-2.0
"""Pull probes against a real containerd and real (or, for faults, fake) registries."""
import time

import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.wait import unchanged, wait_until


@pytest.fixture(autouse=True)
def nothing_is_left(containerd):
    """Each test leaves the daemon as it was."""
    with unchanged(containerd.census):
        yield


@pytest.mark.parametrize("docker", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_pulls_an_image_of_two_layers(lab, containerd, registry, maker, docker, compress):
    image = maker.image(layers=2, docker=docker, compress=compress)
    reference = image.push(registry, "pull/two", f"{docker}-{compress}")
    exporter = run_once(lab, config_for(containerd, probe(
        reference, expected={"digest": image.digest, "manifest_digest": image.digest,
                             "size": image.size + len(image.data)}, labels={"team": "platform"}), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert reasons(exporter) == {}
    fetched = exporter.value("image_canary_fetched_bytes_total")
    assert fetched == image.size + len(image.data), "every byte crossed the network, and none twice"
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.value("image_canary_image_bytes", kind="declared") == image.size + len(image.data)
    assert exporter.value("image_canary_image_bytes", kind="unpacked") >= 2 * 64 * 1024
    for check in ("digest", "manifest_digest", "size"):
        assert exporter.value("image_canary_expectation", check=check) == 1
    for phase in ("resolve", "fetch", "unpack", "cleanup"):
        assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == 1
    (info,) = exporter.samples("image_canary_info")
    assert dict(info) == {"probe": "canary", "operation": "pull", "engine": "client", "registry": registry.host,
                          "image": reference, "platform": "linux/amd64", "team": "platform"}
    assert exporter.value("image_canary_image_info", digest=image.digest, media_type=image.media_type) == 1
    assert exporter.value("image_canary_served_by_info", host=registry.host) == 1
    assert exporter.value("image_canary_duration_seconds_count") == 1
    assert exporter.value("image_canary_last_network_seconds", stage="connect") >= 0
    assert exporter.value("image_canary_cleanup_failures_total") == 0


def test_pulls_the_configured_platform(lab, containerd, registry, maker):
    index = maker.multi_platform()
    reference = index.push(registry, "pull/multi", "1")
    expected = {"digest": index.digest, "manifest_digest": index.manifests[0].digest}
    exporter = run_once(lab, config_for(
        containerd, probe(reference, expected=expected),
        probe(reference, "arm", platform="linux/arm64", expected={"manifest_digest": index.manifests[1].digest}),
        probe(reference, "none", platform="linux/riscv64"), plain=registry.host))
    exporter.wait_for("image_canary_success", {"probe": "canary"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "arm"}, 1)
    assert reasons(exporter, "none") == {"not_found": 1}
    declared = len(index.data) + len(index.manifests[0].data) + index.manifests[0].size
    assert exporter.value("image_canary_image_bytes", probe="canary", kind="declared") == declared


def test_distinguishes_reasons_of_failure(lab, containerd, registry, maker):
    image = maker.image()
    reference = image.push(registry, "pull/wrong", "1")
    other = "sha256:" + "0" * 64
    exporter = run_once(lab, config_for(
        containerd, probe(reference, "digest", expected={"digest": other}),
        probe(reference, "manifest", expected={"manifest_digest": other}),
        probe(reference, "size", expected={"size": 1}),
        probe(reference, "tolerated", expected={"size": image.size, "size_tolerance": "10KiB"}),
        probe(reference.rpartition(":")[0] + ":missing", "tag"),
        probe(reference.rpartition(":")[0] + "@" + other, "by-digest"),
        probe(f"{registry.host}/pull/nothing:1", "repository"), plain=registry.host))
    for name in ("digest", "manifest", "size", "tag", "by-digest"):
        exporter.wait_for("image_canary_attempts_total", {"probe": name}, 1)
    exporter.wait_for("image_canary_success", {"probe": "tolerated"}, 1)
    assert reasons(exporter, "digest") == {"digest_mismatch": 1}
    assert reasons(exporter, "manifest") == {"digest_mismatch": 1}
    assert reasons(exporter, "size") == {"size_mismatch": 1}
    for name in ("tag", "by-digest", "repository"):
        assert reasons(exporter, name) == {"not_found": 1}
    assert exporter.value("image_canary_expectation", probe="digest", check="digest") == 0
    assert exporter.value("image_canary_expectation", probe="tag") is None, "what was not looked at is absent"
    assert exporter.value("image_canary_failures_total", probe="digest") == 1
    assert exporter.value("image_canary_duration_seconds_count", probe="tag") == 1, "failures have a duration, too"
    assert exporter.value("image_canary_last_success_timestamp_seconds", probe="tag") is None


def test_pulls_cold_although_another_namespace_has_the_image(lab, containerd, registry, maker):
    image = maker.image(layers=2, size=256 * 1024)
    reference = image.push(registry, "pull/cold", "1")
    image.load(containerd, "neighbour", reference)
    try:
        config = config_for(containerd, probe(reference, interval="2s"), plain=registry.host)
        exporter = run_once(lab, config)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 2)
        runs = exporter.value("image_canary_attempts_total")
        assert exporter.value("image_canary_fetched_bytes_total") >= runs * image.size
        exporter.stop()
        assert {row["status"] for row in containerd.check("neighbour").values()} == {"complete"}, "untouched"
    finally:
        containerd.ctr("images", "rm", "--sync", reference, namespace="neighbour")
        containerd.ctr("namespaces", "rm", "neighbour")


def test_uses_passwords(lab, containerd, maker):
    registry = lab.registry(htpasswd={"user": "secret-word"})
    image = maker.image()
    reference = image.push(registry, "pull/private", "1")
    password_file = lab.temp / "password"
    password_file.write_text("secret-word\n")
    exporter = run_once(lab, config_for(
        containerd, probe(reference, "right", auth={"username": "user", "password": "secret-word"}),
        probe(reference, "file", auth={"username": "user", "password_file": str(password_file)}),
        probe(reference, "wrong", auth={"username": "user", "password": "wrong-word"}),
        probe(reference, "anonymous"),
        probe(reference, "no-file", auth={"username": "user", "password_file": "/nowhere"}), plain=registry.host))
    exporter.wait_for("image_canary_success", {"probe": "right"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "file"}, 1)
    for name, reason in (("wrong", "unauthorized"), ("anonymous", "unauthorized"), ("no-file", "invalid")):
        exporter.wait_for("image_canary_attempts_total", {"probe": name}, 1)
        assert reasons(exporter, name) == {reason: 1}
    for text in (exporter.log, exporter.raw()):
        assert "secret-word" not in text and "wrong-word" not in text


def test_uses_the_credentials_of_the_registry_entry(lab, containerd, maker):
    registry = lab.registry(htpasswd={"user": "word"})
    reference = maker.image().push(registry, "pull/private", "1")
    exporter = run_once(lab, config_for(containerd, probe(reference), registries={
        registry.host: {"plain_http": True, "auth": {"username": "user", "password": "word"}}}))
    assert exporter.value("image_canary_success") == 1, exporter.log


def test_uses_tokens(lab, containerd):
    with FakeRegistry(auth="bearer", users={"user": "word"}, anonymous_pull=False) as private, \
            FakeRegistry(auth="bearer") as public:
        for registry in (private, public):
            registry.add_image("canary/image", "v1")
        config = config_for(
            containerd, probe(f"{private.address}/canary/image:v1", "known", auth={"username": "user", "password": "word"}),
            probe(f"{private.address}/canary/image:v1", "unknown", auth={"username": "user", "password": "no"}),
            probe(f"{public.address}/canary/image:v1", "anonymous"))
        config["registries"] = {r.address: {"plain_http": True} for r in (private, public)}
        exporter = run_once(lab, config)
        exporter.wait_for("image_canary_success", {"probe": "known"}, 1)
        exporter.wait_for("image_canary_success", {"probe": "anonymous"}, 1)
        assert reasons(exporter, "unknown") == {"unauthorized": 1}
        assert exporter.value("image_canary_last_network_seconds", probe="known", stage="token") > 0


def test_trusts_a_configured_authority(lab, containerd, maker):
    registry = lab.registry(tls=True)
    reference = maker.image().push(registry, "pull/tls", "1")
    for settings, outcome in (({"ca_file": registry.cafile}, {}), ({"skip_verify": True}, {}),
                              ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, {"tls": 1})):
        config = config_for(containerd, probe(reference))
        config["registries"] = {registry.host: settings}
        exporter = run_once(lab, config)
        assert reasons(exporter) == outcome, exporter.log
        if not outcome:
            assert exporter.value("image_canary_last_network_seconds", stage="tls") > 0
        exporter.stop()


FAULTS = [
    ("missing-blob", dict(kind="status", path="/blobs/", status=404), "not_found"),
    ("server-error", dict(kind="status", path="/manifests/", status=500), "server_error"),
    ("rate-limited", dict(kind="status", path="/manifests/", status=429, headers={"Retry-After": "1"}), "rate_limited"),
    ("forbidden", dict(kind="status", path="/manifests/", status=403), "forbidden"),
    ("wrong-bytes", dict(kind="wrong_bytes", path="/blobs/"), "digest_mismatch"),
    ("truncated", dict(kind="truncate", path="/blobs/"), "size_mismatch"),
    ("longer", dict(kind="longer", path="/blobs/"), "size_mismatch"),
    ("reset", dict(kind="reset", path="/manifests/"), "connect"),
    ("wrong-digest-header", dict(kind="digest_header", path="/manifests/", value="sha256:" + "0" * 64), "digest_mismatch"),
]


@pytest.mark.parametrize("name, fault, reason", FAULTS, ids=[row[0] for row in FAULTS])
def test_reports_the_reason_of_a_fault(lab, containerd, name, fault, reason):
    with FakeRegistry() as registry:
        registry.add_image("canary/image", "v1")
        registry.fault(**fault)
        exporter = run_once(lab, config_for(containerd, probe(f"{registry.address}/canary/image:v1", name),
                                            plain=registry.address))
        assert reasons(exporter, name) == {reason: 1}, exporter.log


@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
def test_times_out_on_a_hanging_registry(lab, containerd, path):
    with FakeRegistry() as registry:
        registry.add_image("canary/image", "v1")
        registry.fault("hang", path=path)
        exporter = run_once(lab, config_for(containerd, probe(f"{registry.address}/canary/image:v1", timeout="2s"),
                                            plain=registry.address))
        assert reasons(exporter) == {"timeout": 1}, exporter.log
        assert 0 < exporter.value("image_canary_last_duration_seconds") < 4  # without what preparation took of 2 s


def test_distinguishes_refused_connections_and_unknown_hosts(lab, containerd):
    exporter = run_once(lab, config_for(containerd, probe("127.0.0.1:1/canary/image:v1"),
                                        probe("no-such-host.invalid/canary/image:v1", "dns")))
    exporter.wait_for("image_canary_attempts_total", {"probe": "dns"}, 1)
    assert reasons(exporter) == {"connect": 1}
    assert reasons(exporter, "dns") == {"dns": 1}


def test_hanging_registries_do_not_delay_collectors(lab, containerd):
    """Eight probes hang on four workers; inventory, daemon state and scrapes stay on time."""
    with FakeRegistry() as registry:
        registry.fault("hang", path="/v2/")
        quick = {name: {"interval": "1s"} for name in ("daemon", "images", "namespaces", "plugins")}
        probes = [probe(f"{registry.address}/canary/image:v{i}", f"hang-{i}", timeout="60s") for i in range(8)]
        exporter = lab.exporter(config_for(containerd, *probes,
                                           plain=registry.address, collectors=quick), args=[AT_ONCE])
        wait_until(lambda: len(registry.requests()) >= 4, what="four hanging probes")

        def update():
            return exporter.value("containerd_inventory_last_update_timestamp_seconds", collector="images")
        for _ in range(3):
            before = update()
            wait_until(lambda: update() > before, timeout=5, what="the next inventory")
            started = time.monotonic()
            exporter.raw()
            assert time.monotonic() - started < 2
        assert exporter.value("containerd_up") == 1
        assert exporter.value("image_canary_attempts_total", probe="hang-0") == 0
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5


def test_sigterm_during_a_pull_leaves_nothing(lab, containerd):
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1", layers=[{"a": b"a" * 100000}, {"b": b"b" * 100000}])
        registry.fault("hang", path=image["layers"][1]["digest"])
        before = containerd.census()
        exporter = lab.exporter(config_for(containerd, probe(f"{registry.address}/canary/image:v1", timeout="60s"),
                                           plain=registry.address), args=[AT_ONCE])
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the second layer")
        assert containerd.census() != before, "something is there to be removed"
        code, seconds = exporter.stop()
        assert code == 0, exporter.log
        assert seconds < 2.5
        assert containerd.census() == before, exporter.log


def test_restart_removes_leftovers_of_a_killed_exporter(lab, containerd):
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1", layers=[{"a": b"a" * 100000}, {"b": b"b" * 100000}])
        hang = registry.fault("hang", path=image["layers"][1]["digest"])
        before = containerd.census()
        config = config_for(containerd, probe(f"{registry.address}/canary/image:v1", interval="5s", timeout="60s"),
                            plain=registry.address)
        exporter = lab.exporter(config)
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the second layer")
        exporter.kill()
        assert containerd.census() != before
        registry.unfault(hang)
        started = time.monotonic()
        exporter.start()
        exporter.wait_for("image_canary_success", {}, 1)
        wait_until(lambda: containerd.census() == before, timeout=5, what="a clean daemon")
        print(f"clean {time.monotonic() - started:.1f} s after the restart")
        assert exporter.value("image_canary_cleanup_failures_total") == 0


def test_removes_leftovers_of_probes_that_are_not_configured(lab, containerd, registry, maker):
    """Namespaces of probes carry the time after which any exporter may remove them."""
    reference = maker.image().push(registry, "pull/leftover", "1")
    containerd.ctr("namespaces", "create", "containerd-exporter.gone", "containerd-exporter/expires=1")
    containerd.ctr("namespaces", "create", "containerd-exporter.alive", "containerd-exporter/expires=99999999999")
    maker.image().load(containerd, "containerd-exporter.gone", "lab.example/leftover:1")
    exporter = run_once(lab, config_for(containerd, probe(reference), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert containerd.namespaces() >= {"containerd-exporter.alive"}
    assert "containerd-exporter.gone" not in containerd.namespaces()
    containerd.ctr("namespaces", "rm", "containerd-exporter.alive")


def test_fifty_runs_leave_the_daemon_unchanged(lab, containerd, registry, maker):
    two = maker.image().push(registry, "pull/fifty", "two")
    multi = maker.multi_platform().push(registry, "pull/fifty", "multi")
    before = containerd.census()
    with FakeRegistry() as fake:
        image = fake.add_image("canary/image", "v1")
        fake.fault("truncate", path=image["layers"][1]["digest"])
        probes = [probe(two, "two", interval="1s"), probe(multi, "multi", interval="1s"),
                  probe(f"{fake.address}/canary/image:v1", "broken", interval="1s"),
                  probe(two, "wrong", interval="1s", expected={"size": 1})]
        config = config_for(containerd, *probes, plain=registry.host)
        config["registries"][fake.address] = {"plain_http": True}
        exporter = lab.exporter(config)
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 50, timeout=120)
        assert exporter.value("image_canary_failures_total", probe="two") == 0, exporter.log
        assert exporter.value("image_canary_failures_total", probe="multi") == 0, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert exporter.stop()[0] == 0
    assert containerd.census() == before

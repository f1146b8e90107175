# SPDX-License-Identifier: Apache-2.0
"""Pulls by containerd's Transfer service: what 2.x does, and what the exporter does not ask of older versions."""
import functools
import secrets
import signal
import time

import pytest

from lab.daemons import Containerd
from lab.fake.registry import FakeRegistry
from lab.network import free_port
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.programs import folder_of
from lab.wait import LabError, unchanged, wait_until

pull = functools.partial(probe, engine="transfer")

IMAGE = "canary/image"


@pytest.fixture
def nothing_is_left(daemon):
    """Each test leaves the daemon as it was."""
    with unchanged(daemon.census):
        yield


@pytest.mark.usefixtures("nothing_is_left")
def test_pulls_cold(lab, daemon):
    with FakeRegistry() as registry:
        image = registry.add_image(IMAGE, "v1")
        exporter = run_once(lab, config_for(daemon, pull(f"{registry.address}/{IMAGE}:v1", expected={
            "digest": image["manifest"]["digest"], "size": image["size"]}), plain=registry.address))
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert exporter.value("image_canary_fetched_bytes_total") == image["size"]
        assert exporter.value("image_canary_cached_bytes_total") == 0
        assert exporter.value("image_canary_image_bytes", kind="declared") == image["size"]
        assert exporter.value("image_canary_image_bytes", kind="unpacked") > 0
        for phase in ("resolve", "fetch", "cleanup"):
            assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == 1
        assert not exporter.value("image_canary_phase_duration_seconds_count", phase="unpack"), "2.1 does not report it"
        assert exporter.value("image_canary_served_by_info", host=registry.address) == 1
        assert exporter.value("image_canary_cleanup_failures_total") == 0
        paths = [request.path for request in registry.requests()]
        assert len(paths) == len(set(paths)) and len(registry.requests("HEAD")) == 1, "nothing is asked twice"


@pytest.mark.usefixtures("nothing_is_left")
def test_pulls_by_index_digest_and_platform(lab, daemon):
    """At once, so that one may get what another has fetched."""
    with FakeRegistry() as registry:
        made = registry.add_index(IMAGE, "v1", ("amd64", "arm64"))
        amd64, arm64 = (made["images"][a]["manifest"]["digest"] for a in ("amd64", "arm64"))
        name = f"{registry.address}/{IMAGE}"
        exporter = run_once(lab, config_for(
            daemon, pull(f"{name}:v1", expected={"digest": made["index"]["digest"], "manifest_digest": amd64}, cold="no"),
            pull(f"{name}@{amd64}", "digest", expected={"digest": amd64}, cold="no"),
            pull(f"{name}:v1@{made['index']['digest']}", "both", expected={"manifest_digest": amd64}, cold="no"),
            pull(f"{name}:v1", "none", platform="linux/riscv64"),
            pull(f"{name}:v1", "arm", platform="linux/arm64", unpack=False,
                 expected={"manifest_digest": arm64}, cold="no"), plain=registry.address))
        for one in ("canary", "digest", "both", "arm"):
            assert exporter.value("image_canary_success", probe=one) == 1, (one, exporter.log)
        assert reasons(exporter, "none") == {"not_found": 1}
        assert not exporter.value("image_canary_image_bytes", probe="arm", kind="unpacked")


@pytest.mark.usefixtures("nothing_is_left")
def test_reports_a_snapshotter_that_the_daemon_does_not_unpack_into(lab, daemon):
    """The transfer service unpacks only into the snapshotters of its configuration."""
    with FakeRegistry() as registry:
        registry.add_image(IMAGE, "v1")
        exporter = run_once(lab, config_for(
            daemon, pull(f"{registry.address}/{IMAGE}:v1", snapshotter="native"), plain=registry.address))
        assert reasons(exporter) == {"unsupported": 1}, exporter.log
        assert "no unpack platforms" in exporter.log


@pytest.mark.usefixtures("nothing_is_left")
def test_pulls_all_platforms(lab, daemon):
    with FakeRegistry() as registry:
        made = registry.add_index(IMAGE, "v1", ("amd64", "arm64"))
        exporter = run_once(lab, config_for(
            daemon, pull(f"{registry.address}/{IMAGE}:v1", platform="all"), plain=registry.address))
        assert exporter.value("image_canary_success") == 1, exporter.log
        for image in made["images"].values():
            for layer in image["layers"]:
                assert registry.requests("GET", layer["digest"])
        size = made["index"]["size"] + sum(image["size"] for image in made["images"].values())
        assert exporter.value("image_canary_image_bytes", kind="declared") == size


@pytest.mark.usefixtures("nothing_is_left")
def test_content_of_another_namespace_is_not_cold(lab, daemon, registry, maker):
    image = maker.image(layers=2)
    reference = image.push(registry, "transfer/shared", "1")
    image.load(daemon, "neighbour", reference)
    try:
        exporter = run_once(lab, config_for(
            daemon, pull(reference, "required", cold="required"), pull(reference, "no", cold="no"),
            plain=registry.host))
        assert reasons(exporter, "required") == {"not_cold": 1}
        assert exporter.value("image_canary_success", probe="no") == 1, exporter.log
        for name in ("required", "no"):
            assert exporter.value("image_canary_cached_bytes_total", probe=name) == image.size + len(image.data)
            assert exporter.value("image_canary_fetched_bytes_total", probe=name) == 0
        assert {row["status"] for row in daemon.check("neighbour").values()} == {"complete"}, "untouched"
    finally:
        daemon.ctr("images", "rm", "--sync", reference, namespace="neighbour")
        daemon.ctr("namespaces", "rm", "neighbour")


@pytest.mark.usefixtures("nothing_is_left")
def test_a_repeated_layer_is_not_counted_as_cached(lab, daemon, registry, maker):
    layer = maker.layer()
    reference = maker.image(layers=[layer, maker.layer(), layer]).push(registry, "transfer/twice", "1")
    exporter = run_once(lab, config_for(daemon, pull(reference), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == 0


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("auth, by_post", [("basic", False), ("bearer", False), ("bearer", True)])
def test_uses_passwords_and_tokens(lab, daemon, auth, by_post):
    with FakeRegistry(auth=auth, users={"user": "secret-word"}, anonymous_pull=False, token_by_post=by_post) as registry:
        for name in ("right", "wrong", "nobody"):
            registry.add_image(f"canary/{name}", "v1")
        base = f"{registry.address}/canary"
        exporter = run_once(lab, config_for(
            daemon, pull(f"{base}/right:v1", "right", auth={"username": "user", "password": "secret-word"}),
            pull(f"{base}/wrong:v1", "wrong", auth={"username": "user", "password": "wrong-word"}),
            pull(f"{base}/nobody:v1", "nobody"), plain=registry.address))
        assert exporter.value("image_canary_success", probe="right") == 1, exporter.log
        assert reasons(exporter, "wrong") == {"unauthorized": 1}
        assert reasons(exporter, "nobody") == {"unauthorized": 1}
        for text in (exporter.log, exporter.raw()):
            assert "secret-word" not in text and "wrong-word" not in text


@pytest.mark.usefixtures("nothing_is_left")
def test_exchanges_an_identity_token(lab, daemon):
    with FakeRegistry(auth="bearer", anonymous_pull=False) as registry:
        registry.identity_tokens.add("secret-word")
        for name in ("right", "wrong"):
            registry.add_image(f"canary/{name}", "v1")
        exporter = run_once(lab, config_for(
            daemon, pull(f"{registry.address}/canary/right:v1", "right", auth={"identity_token": "secret-word"}),
            pull(f"{registry.address}/canary/wrong:v1", "wrong", auth={"identity_token": "wrong-word"}),
            plain=registry.address))
        assert exporter.value("image_canary_success", probe="right") == 1, exporter.log
        assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
        assert "secret-word" not in exporter.log and "wrong-word" not in exporter.log


@pytest.mark.usefixtures("nothing_is_left")
def test_rejects_a_registry_token(lab, daemon):
    exporter = run_once(lab, config_for(
        daemon, pull("127.0.0.1:1/canary/image:v1", auth={"registry_token": "some-token"}), plain="127.0.0.1:1"))
    assert reasons(exporter) == {"unsupported": 1}
    assert "some-token" not in exporter.log


def mirror_of(folder, registry, *mirrors):
    """A hosts.toml for a registry that does not answer itself."""
    where = folder / registry
    where.mkdir(parents=True)
    (where / "hosts.toml").write_text("".join(f'[host."http://{mirror}"]\n' for mirror in mirrors))
    return folder


@pytest.mark.usefixtures("nothing_is_left")
def test_reports_the_mirror_that_served(lab, daemon):
    with FakeRegistry() as mirror, FakeRegistry() as broken:
        image = mirror.add_image(IMAGE, "v1")
        broken.fault("status", path="/v2/", status=503)
        dead = f"registry.invalid:{free_port()}"
        hosts = mirror_of(lab.temp / "certs.d", dead, broken.address, mirror.address)
        exporter = run_once(lab, config_for(daemon, pull(f"{dead}/{IMAGE}:v1"), hosts_dir=hosts))
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert exporter.value("image_canary_fetched_bytes_total") == image["size"]
        assert exporter.value("image_canary_served_by_info", host=mirror.address) == 1, exporter.log
        assert len(mirror.requests("GET", "/blobs/")) == 3, "finding the serving host fetches nothing twice"


@pytest.mark.usefixtures("nothing_is_left")
def test_trusts_the_authority_of_hosts_toml(lab, daemon, maker):
    """The daemon knows it from hosts.toml alone, however the exporter is set up."""
    registry = lab.registry(tls=True)
    image = maker.image()
    reference = image.push(registry, "transfer/tls", "1")
    name = "registry.invalid" + reference.removeprefix(registry.host)  # of loopback it would not ask for a good one
    hosts = lab.temp / "certs.d"
    (hosts / "registry.invalid").mkdir(parents=True)
    for ca, outcome in ((f'ca = "{registry.cafile}"\n', {}), ("", {"tls": 1})):
        (hosts / "registry.invalid/hosts.toml").write_text(
            f'server = "https://{registry.host}"\n[host."https://{registry.host}"]\n{ca}')
        exporter = run_once(lab, config_for(daemon, pull(name), hosts_dir=hosts))
        assert reasons(exporter) == outcome, exporter.log
        if not outcome:
            assert exporter.value("image_canary_fetched_bytes_total") == image.size + len(image.data)
            assert exporter.value("image_canary_served_by_info", host=registry.host) == 1
        exporter.stop()


@pytest.mark.usefixtures("nothing_is_left")
def test_does_not_send_the_password_to_a_mirror(lab, daemon):
    with FakeRegistry(auth="basic", users={"user": "secret-word"}) as mirror:
        mirror.add_image(IMAGE, "v1")
        dead = f"registry.invalid:{free_port()}"
        hosts = mirror_of(lab.temp / "certs.d", dead, mirror.address)
        exporter = run_once(lab, config_for(
            daemon, pull(f"{dead}/{IMAGE}:v1", auth={"username": "user", "password": "secret-word"}), hosts_dir=hosts))
        assert exporter.value("image_canary_success") == 0
        assert {request.status for request in mirror.requests()} == {401}, "it would have let the password in"


FAULTS = [
    ("missing-tag", None, "not_found"),
    ("forbidden", dict(kind="status", path="/manifests/", status=403), "forbidden"),
    ("rate-limited", dict(kind="status", path="/manifests/", status=429), "rate_limited"),
    ("server-error", dict(kind="status", path="/manifests/", status=500), "server_error"),
    ("missing-blob", dict(kind="status", path="/blobs/", status=404), "not_found"),
    ("forbidden-blob", dict(kind="status", path="/blobs/", status=403), "forbidden"),
    ("rate-limited-blob", dict(kind="status", path="/blobs/", status=429), "rate_limited"),
    ("server-error-blob", dict(kind="status", path="/blobs/", status=500), "server_error"),
    ("wrong-bytes", dict(kind="wrong_bytes", path="/blobs/"), "digest_mismatch"),
    ("longer", dict(kind="longer", path="/blobs/"), "size_mismatch"),
    ("reset", dict(kind="reset", path="/blobs/"), "connect"),
]


@pytest.mark.usefixtures("nothing_is_left")
def test_reports_the_reason_of_every_fault(lab, daemon):
    with FakeRegistry() as registry:
        probes, expected = [], {}
        for name, fault, reason in FAULTS:
            registry.add_image(f"canary/{name}", "v1", layers=[{"random": secrets.token_bytes(4096)}])
            if fault:
                registry.fault(**{**fault, "path": f"/canary/{name}{fault['path']}"})
            probes.append(pull(f"{registry.address}/canary/{name}:{'v1' if fault else 'v2'}", name))
            expected[name] = {reason: 1}
        probes += [pull("127.0.0.1:1/canary/image:v1", "refused"), pull("no-host.invalid/canary/image:v1", "dns")]
        expected |= {"refused": {"connect": 1}, "dns": {"dns": 1}}
        exporter = run_once(lab, config_for(daemon, *probes, plain=registry.address))
        assert {name: reasons(exporter, name) for name in expected} == expected, exporter.log


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("kind", ["hang", "hang_middle"])
def test_times_out_on_a_hanging_registry(lab, daemon, kind, path):
    with FakeRegistry() as registry:
        registry.add_image(IMAGE, "v1")
        registry.fault(kind, path=path)
        exporter = run_once(lab, config_for(
            daemon, pull(f"{registry.address}/{IMAGE}:v1", timeout="2s"), plain=registry.address))
        assert reasons(exporter) == {"timeout": 1}, exporter.log
        assert 1 <= exporter.value("image_canary_last_duration_seconds") < 3, "of 2 s, without the preparation"
        assert exporter.value("image_canary_cleanup_failures_total") == 0


@pytest.mark.usefixtures("nothing_is_left")
def test_omits_signed_urls_from_the_log(lab, daemon):
    """Where blobs are elsewhere, addresses have a signature: secret, and longer than a message."""
    with FakeRegistry() as registry:
        registry.add_image(IMAGE, "v1")
        signature = "secret-word" * 80
        registry.fault("status", path="signed", status=403)
        registry.fault("redirect", path="/blobs/", value=f"http://{registry.cdn_address}/signed?signature={signature}")
        exporter = run_once(lab, config_for(daemon, pull(f"{registry.address}/{IMAGE}:v1"), plain=registry.address))
        assert reasons(exporter) == {"forbidden": 1}, exporter.log
        assert "secret-word" not in exporter.log and "/signed" in exporter.log


@pytest.mark.usefixtures("nothing_is_left")
def test_sigterm_during_a_pull_leaves_nothing(lab, daemon):
    with FakeRegistry() as registry:
        image = registry.add_image(IMAGE, "v1")
        registry.fault("hang", path=image["layers"][1]["digest"])
        exporter = lab.exporter(config_for(
            daemon, pull(f"{registry.address}/{IMAGE}:v1", timeout="60s"),
            plain=registry.address), args=[AT_ONCE])
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the last layer")
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5


def test_reports_a_killed_daemon_and_removes_its_leftovers(lab):
    try:
        daemon = lab.containerd_of("2")
    except LabError as error:
        pytest.skip(f"CONTAINERD 2 IS NOT TESTED: {error}")
    with FakeRegistry() as registry:
        image = registry.add_image(IMAGE, "v1")
        fault = registry.fault("hang", path=image["layers"][1]["digest"])
        exporter = lab.exporter(config_for(
            daemon, pull(f"{registry.address}/{IMAGE}:v1", interval="3s", timeout="60s"), plain=registry.address),
            args=[AT_ONCE])
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the last layer")
        daemon.send(signal.SIGKILL)
        daemon.child.wait()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
        assert set(reasons(exporter)) == {"runtime_unavailable"}, exporter.log
        registry.unfault(fault)
        daemon.start()
        exporter.wait_for("image_canary_success", {}, 1, timeout=30)
        exporter.stop()
        assert daemon.census() == {}


def test_reports_daemons_without_the_transfer_service(lab, containerd_of_version, version):
    if version == "2":
        return
    with FakeRegistry() as registry:
        registry.add_image(IMAGE, "v1")
        before = containerd_of_version.census()
        name = f"{registry.address}/{IMAGE}:v1"
        exporter = run_once(lab, config_for(containerd_of_version, pull(name), plain=registry.address))
        assert reasons(exporter) == {"unsupported": 1}
        assert ("https only" if version == "1.7" else "no transfer service") in exporter.log
        assert registry.requests() == []
        exporter.stop()
        if version == "1.7":
            exporter = run_once(lab, config_for(containerd_of_version, pull(name)))
            assert reasons(exporter) == {"tls": 1}, "it tries https: " + exporter.log
            exporter.stop()
        assert containerd_of_version.census() == before


def test_pulls_by_https_from_1_7(lab, version, maker):
    """Signed by an authority that the daemon's machine trusts; Go takes that of the environment."""
    if version != "1.7":
        return
    registry = lab.registry(tls=True)
    image = maker.image()
    reference = image.push(registry, "transfer/tls", "1")
    daemon = Containerd(lab.folder("containerd"), folder=folder_of(version))
    daemon.env["SSL_CERT_FILE"] = registry.cafile
    lab.own(daemon)
    exporter = run_once(lab, config_for(daemon, pull(reference)))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_fetched_bytes_total") == image.size + len(image.data)
    assert exporter.value("image_canary_image_bytes", kind="unpacked") > 0
    for phase in ("resolve", "fetch"):
        assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == 1
    exporter.stop()
    assert daemon.census() == {}


def test_reports_that_1_7_does_not_read_hosts_toml(lab, containerd_of_version, version):
    if version != "1.7":
        return
    registry = f"registry.invalid:{free_port()}"
    hosts = mirror_of(lab.temp / "certs.d", registry, "127.0.0.1:1")
    started = time.monotonic()
    exporter = run_once(lab, config_for(containerd_of_version, pull(f"{registry}/{IMAGE}:v1"), hosts_dir=hosts))
    assert reasons(exporter) == {"unsupported": 1}, exporter.log
    assert "hosts.toml" in exporter.log and time.monotonic() - started < 15

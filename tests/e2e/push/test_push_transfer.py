# SPDX-License-Identifier: Apache-2.0
"""Pushes by containerd's Transfer service: what 2.x sends, and what the exporter does not ask of older versions."""
import functools
import json
import signal
import subprocess

import pytest

from lab.daemons import Containerd
from lab.fake.registry import FakeRegistry
from lab.images import as_json, sha256
from lab.network import free_port
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.programs import folder_of
from lab.wait import LabError, unchanged, wait_until

push = functools.partial(probe, operation="push", engine="transfer")

HELD = "held"  # a namespace that is not the probe's


@pytest.fixture
def nothing_is_left(daemon):
    """Each test leaves the daemon as it was."""
    with unchanged(daemon.census):
        yield


@pytest.fixture
def held(daemon):
    """A namespace that belongs to no probe."""
    yield HELD
    daemon.remove_images(HELD)
    daemon.ctr("namespaces", "rm", HELD)


def from_namespace(image):
    return {"image": image, "namespace": HELD}


@pytest.mark.usefixtures("nothing_is_left")
def test_pushed_image_can_be_pulled(lab, daemon, registry):
    reference = f"{registry.host}/transfer/push:probe"
    exporter = run_once(lab, config_for(daemon, push(reference, content={"layers": 3, "size": "300KiB"}),
                                        plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    digest, media_type, body = registry.manifest("transfer/push", "probe")
    manifest = json.loads(body)
    declared = len(body) + manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
    assert len(manifest["layers"]) == 3 and declared > 3 * 300 * 1024
    assert exporter.value("image_canary_uploaded_bytes_total") == declared
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.value("image_canary_image_bytes", kind="declared") == declared
    assert exporter.value("image_canary_image_info", digest=digest, manifest_digest=digest, media_type=media_type) == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="upload") == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="cleanup") == 1
    assert exporter.value("image_canary_served_by_info", host=registry.host) == 1
    exporter.stop()

    target = lab.folder("skopeo")
    subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", "--preserve-digests",
                    f"docker://{reference}", f"dir:{target}"], check=True, capture_output=True)
    assert sha256((target / "manifest.json").read_bytes()) == digest
    daemon.ctr("images", "pull", "--plain-http", reference, namespace="pulled")
    (row,) = daemon.check("pulled").values()
    assert row == {"status": "complete", "have": "4", "want": "4", "unpacked": True}
    daemon.ctr("images", "rm", "--sync", reference, namespace="pulled")
    daemon.ctr("namespaces", "rm", "pulled")


@pytest.mark.usefixtures("nothing_is_left")
def test_pushes_an_index_of_both_formats(lab, daemon, registry):
    names = {"oci": "application/vnd.oci.image.index.v1+json",
             "docker": "application/vnd.docker.distribution.manifest.list.v2+json"}
    exporter = run_once(lab, config_for(daemon, *[
        push(f"{registry.host}/transfer/index:{name}", name, content={"index": True, "format": name})
        for name in names], plain=registry.host))
    for name, kind in names.items():
        assert exporter.value("image_canary_success", probe=name) == 1, exporter.log
        digest, media_type, body = registry.manifest("transfer/index", name)
        (entry,) = json.loads(body)["manifests"]
        assert media_type == kind
        assert exporter.value("image_canary_image_info", probe=name, digest=digest, manifest_digest=entry["digest"]) == 1
        size = exporter.value("image_canary_image_bytes", probe=name, kind="declared")
        assert exporter.value("image_canary_uploaded_bytes_total", probe=name) == size > len(body) + entry["size"]


@pytest.mark.usefixtures("nothing_is_left")
def test_overwrites_only_its_own_tags(lab, daemon, registry, maker):
    reference = f"{registry.host}/transfer/again:probe"
    seen = set()
    for _ in range(2):
        exporter = run_once(lab, config_for(daemon, push(reference), plain=registry.host))
        assert exporter.value("image_canary_success") == 1, exporter.log
        exporter.stop()
        seen.add(registry.manifest("transfer/again", "probe")[0])
    assert len(seen) == 2, "new bytes every time"
    precious = maker.image().push(registry, "transfer/precious", "1")
    before = registry.manifest("transfer/precious", "1")
    exporter = run_once(lab, config_for(daemon, push(precious), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert registry.manifest("transfer/precious", "1") == before


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_uses_passwords_and_tokens(lab, daemon, auth):
    with FakeRegistry(auth=auth, users={"user": "secret-word"}) as registry:
        base = f"{registry.address}/canary"
        exporter = run_once(lab, config_for(
            daemon, push(f"{base}/right:v1", "right", auth={"username": "user", "password": "secret-word"}),
            push(f"{base}/wrong:v1", "wrong", auth={"username": "user", "password": "wrong-word"}),
            push(f"{base}/nobody:v1", "nobody"), plain=registry.address))
        assert exporter.value("image_canary_success", probe="right") == 1, exporter.log
        assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
        assert reasons(exporter, "nobody") == {"unauthorized": 1}, exporter.log
        for text in (exporter.log, exporter.raw()):
            assert "secret-word" not in text and "wrong-word" not in text


@pytest.mark.usefixtures("nothing_is_left")
def test_pushes_to_a_real_registry_with_a_password(lab, daemon):
    registry = lab.registry(htpasswd={"user": "secret-word"})
    reference = f"{registry.host}/transfer/private:probe"
    exporter = run_once(lab, config_for(
        daemon, push(reference, auth={"username": "user", "password": "secret-word"}), push(reference, "nobody"),
        plain=registry.host))
    assert exporter.value("image_canary_success", probe="canary") == 1, exporter.log
    assert reasons(exporter, "nobody") == {"unauthorized": 1}, exporter.log
    assert registry.tags("transfer/private") == ["probe"]


@pytest.mark.usefixtures("nothing_is_left")
def test_trusts_the_authority_of_hosts_toml(lab, daemon):
    registry = lab.registry(tls=True)
    hosts = lab.temp / "certs.d"
    (hosts / "registry.invalid").mkdir(parents=True)
    for ca, outcome in ((f'ca = "{registry.cafile}"\n', {}), ("", {"tls": 1})):
        (hosts / "registry.invalid/hosts.toml").write_text(
            f'server = "https://{registry.host}"\n[host."https://{registry.host}"]\n{ca}')
        exporter = run_once(lab, config_for(daemon, push("registry.invalid/transfer/tls:probe"), hosts_dir=hosts))
        assert reasons(exporter) == outcome, exporter.log
        exporter.stop()
    assert registry.tags("transfer/tls") == ["probe"]


@pytest.mark.usefixtures("nothing_is_left")
def test_pushes_to_the_first_host_with_push_capability(lab, daemon):
    with FakeRegistry() as mirror, FakeRegistry() as taker, FakeRegistry() as last:
        name = f"registry.invalid:{free_port()}"
        (lab.temp / "certs.d" / name).mkdir(parents=True)
        (lab.temp / "certs.d" / name / "hosts.toml").write_text(
            f'server = "http://{last.address}"\n'
            f'[host."http://{mirror.address}"]\n  capabilities = ["pull", "resolve"]\n'
            f'[host."http://{taker.address}"]\n  capabilities = ["pull", "push"]\n')
        exporter = run_once(lab, config_for(daemon, push(f"{name}/canary/image:v1"), hosts_dir=lab.temp / "certs.d"))
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert exporter.value("image_canary_served_by_info", host=taker.address) == 1
        assert ("canary/image", "v1") in taker.tags
        assert mirror.requests() == [] == last.requests(), "no other host is asked"


FAULTS = [
    ("head-forbidden", dict(kind="status", method="HEAD", path="blobs/sha256", status=403), "forbidden"),
    ("start-forbidden", dict(kind="status", method="POST", path="blobs/uploads/", status=403), "forbidden"),
    ("start-rate-limited", dict(kind="status", method="POST", path="blobs/uploads/", status=429), "rate_limited"),
    ("start-nowhere", dict(kind="status", method="POST", path="blobs/uploads/", status=202), "protocol"),
    ("blob-forbidden", dict(kind="status", method="PUT", path="blobs/uploads/", status=403), "forbidden"),
    ("blob-too-large", dict(kind="status", method="PUT", path="blobs/uploads/", status=413), "limit"),
    ("blob-rate-limited", dict(kind="status", method="PUT", path="blobs/uploads/", status=429), "rate_limited"),
    ("blob-server-error", dict(kind="status", method="PUT", path="blobs/uploads/", status=500), "server_error"),
    ("blob-invalid", dict(kind="status", method="PUT", path="blobs/uploads/", status=400, body=as_json(
        {"errors": [{"code": "DIGEST_INVALID", "message": "digest invalid"}]})), "digest_mismatch"),
    ("blob-other", dict(kind="digest_header", method="PUT", path="blobs/uploads/", value="sha256:" + "0" * 64),
     "digest_mismatch"),
    ("blob-reset", dict(kind="reset", method="PUT", path="blobs/uploads/"), "connect"),
    ("commit-forbidden", dict(kind="status", method="PUT", path="manifests/", status=403), "forbidden"),
    ("commit-server-error", dict(kind="status", method="PUT", path="manifests/", status=503), "server_error"),
    ("commit-other", dict(kind="digest_header", method="PUT", path="manifests/", value="sha256:" + "0" * 64),
     "digest_mismatch"),
    ("commit-reset", dict(kind="reset", method="PUT", path="manifests/"), "connect"),
]


@pytest.mark.usefixtures("nothing_is_left")
def test_reports_the_reason_of_every_fault(lab, daemon):
    with FakeRegistry() as registry:
        probes, expected = [], {}
        for name, fault, reason in FAULTS:
            registry.fault(**{**fault, "path": f"/canary/{name}/{fault['path']}"})
            probes.append(push(f"{registry.address}/canary/{name}:v1", name, overwrite=True, content={"size": "64KiB"}))
            expected[name] = {reason: 1}
        probes += [push("127.0.0.1:1/canary/image:v1", "refused"), push("no-host.invalid/canary/image:v1", "dns")]
        expected |= {"refused": {"connect": 1}, "dns": {"dns": 1}}
        exporter = run_once(lab, config_for(daemon, *probes, plain=registry.address))
        assert {name: reasons(exporter, name) for name in expected} == expected, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("path, phase", [("/uploads/", "upload"), ("/manifests/", "commit")])
def test_times_out_on_a_hanging_registry(lab, daemon, path, phase):
    with FakeRegistry() as registry:
        registry.fault("hang", method="PUT", path=path)
        exporter = run_once(lab, config_for(
            daemon, push(f"{registry.address}/canary/image:v1", timeout="3s", content={"size": "64KiB"}),
            plain=registry.address))
        assert reasons(exporter) == {"timeout": 1}, exporter.log
        assert 1 <= exporter.value("image_canary_last_duration_seconds") < 4
        assert exporter.value("image_canary_phase_duration_seconds_sum", phase=phase) >= 1, "that it hangs in"
        assert exporter.value("image_canary_cleanup_failures_total") == 0


@pytest.mark.usefixtures("nothing_is_left")
def test_pushes_the_present_platform_of_a_partial_index(lab, daemon, held, registry, maker):
    """The registry would refuse the index: what it names is not there."""
    index = maker.multi_platform()
    source = index.push(registry, "transfer/source", "1")
    daemon.ctr("images", "pull", "--plain-http", "--platform", "linux/amd64", source, namespace=held)
    before = daemon.census()
    target = f"{registry.host}/transfer/copy:1"
    exporter = run_once(lab, config_for(
        daemon, push(target, content=from_namespace(source), platform="linux/amd64"),
        push(f"{target}-arm", "arm", content=from_namespace(source), platform="linux/arm64"),
        push(f"{target}-s390x", "s390x", content=from_namespace(source), platform="linux/s390x"),
        push(f"{target}-none", "none", content=from_namespace("example.org/no/image:1")), plain=registry.host))
    assert exporter.value("image_canary_success", probe="canary") == 1, exporter.log
    amd64 = index.manifests[0]
    assert registry.manifest("transfer/copy", "1")[0] == amd64.digest
    assert exporter.value("image_canary_image_info", probe="canary", digest=amd64.digest, manifest_digest=amd64.digest) == 1
    assert exporter.value("image_canary_uploaded_bytes_total", probe="canary") == amd64.size + len(amd64.data)
    for name in ("arm", "s390x", "none"):
        assert reasons(exporter, name) == {"not_found": 1}, exporter.log
    assert registry.tags("transfer/copy") == ["1"]
    exporter.stop()
    assert daemon.census() == before, "and nothing of the neighbour's is touched"


@pytest.mark.usefixtures("nothing_is_left")
def test_content_of_the_registry_is_not_cold(lab, daemon, held, registry, maker):
    image = maker.image()
    source = image.push(registry, "transfer/twice", "1")
    image.load(daemon, held, source)
    exporter = run_once(lab, config_for(
        daemon, push(source, "required", content=from_namespace(source)),
        push(source, "no", content=from_namespace(source), cold="no"), plain=registry.host))
    assert reasons(exporter, "required") == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_success", probe="no") == 1, exporter.log
    for name in ("required", "no"):
        assert exporter.value("image_canary_cached_bytes_total", probe=name) == image.size + len(image.data)
        assert exporter.value("image_canary_uploaded_bytes_total", probe=name) == 0


@pytest.mark.usefixtures("nothing_is_left")
def test_uploads_a_repeated_layer_once(lab, daemon, held, registry, maker):
    layer = maker.layer()
    image = maker.image(layers=[layer, maker.layer(), layer])
    image.load(daemon, held, "example.org/twice:1")
    exporter = run_once(lab, config_for(
        daemon, push(f"{registry.host}/transfer/double:1", content=from_namespace("example.org/twice:1"), cold="no"),
        plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_uploaded_bytes_total") == image.size + len(image.data)


@pytest.mark.usefixtures("nothing_is_left")
def test_mounts_blobs_only_with_mount_from(lab, daemon, held, registry, maker):
    """The daemon remembers where an image came from, and would have the registry mount it."""
    image = maker.image()
    source = image.push(registry, "transfer/origin", "1")
    daemon.ctr("images", "pull", "--plain-http", source, namespace=held)
    exporter = run_once(lab, config_for(
        daemon, push(f"{registry.host}/transfer/sent:1", "sent", content=from_namespace(source)),
        push(f"{registry.host}/transfer/mounted:1", "mounted", content=from_namespace(source), cold="no",
             upload={"mount_from": "transfer/origin"}), plain=registry.host))
    for name in ("sent", "mounted"):
        assert exporter.value("image_canary_success", probe=name) == 1, exporter.log
    assert exporter.value("image_canary_uploaded_bytes_total", probe="sent") == image.size + len(image.data)
    assert exporter.value("image_canary_cached_bytes_total", probe="mounted") == image.size
    assert exporter.value("image_canary_uploaded_bytes_total", probe="mounted") == len(image.data)


def test_pushes_from_isolated_namespaces(lab, registry, maker):
    try:
        daemon = lab.containerd_of("2", extra_config="""[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"
""")
    except LabError as error:
        pytest.skip(f"CONTAINERD 2 IS NOT TESTED: {error}")
    image = maker.image()
    image.load(daemon, HELD, "example.org/isolated:1")
    before = daemon.check(HELD)
    exporter = run_once(lab, config_for(
        daemon, push(f"{registry.host}/transfer/isolated:1", content=from_namespace("example.org/isolated:1")),
        plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert registry.manifest("transfer/isolated", "1")[0] == image.digest
    exporter.stop()
    assert daemon.namespaces() == {HELD} and daemon.check(HELD) == before


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("path", ["/uploads/", "/manifests/"])
def test_sigterm_during_a_push_leaves_nothing(lab, daemon, path):
    with FakeRegistry() as registry:
        registry.fault("hang", method="PUT", path=path)
        exporter = lab.exporter(config_for(
            daemon, push(f"{registry.address}/canary/image:v1", timeout="60s"),
            plain=registry.address), args=[AT_ONCE])
        wait_until(lambda: registry.requests("PUT", path), what="the upload")
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5


def test_reports_a_killed_daemon_and_removes_its_leftovers(lab):
    try:
        daemon = lab.containerd_of("2")
    except LabError as error:
        pytest.skip(f"CONTAINERD 2 IS NOT TESTED: {error}")
    with FakeRegistry() as registry:
        fault = registry.fault("hang", method="PUT", path="/uploads/")
        exporter = lab.exporter(config_for(
            daemon, push(f"{registry.address}/canary/image:v1", interval="3s", timeout="60s"), plain=registry.address),
            args=[AT_ONCE])
        wait_until(lambda: registry.requests("PUT"), what="the upload")
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
        before = containerd_of_version.census()
        name = f"{registry.address}/canary/image:v1"
        exporter = run_once(lab, config_for(containerd_of_version, push(name, overwrite=True), plain=registry.address))
        assert reasons(exporter) == {"unsupported": 1}, exporter.log
        assert ("https only" if version == "1.7" else "no transfer service") in exporter.log
        assert registry.requests() == []
        exporter.stop()
        assert containerd_of_version.census() == before


def test_pushes_by_https_from_1_7(lab, version):
    """Signed by an authority that the daemon's machine trusts; Go takes that of the environment."""
    if version != "1.7":
        return
    registry = lab.registry(tls=True)
    daemon = Containerd(lab.folder("containerd"), folder=folder_of(version))
    daemon.env["SSL_CERT_FILE"] = registry.cafile
    lab.own(daemon)
    config = config_for(daemon, push(f"{registry.host}/transfer/tls:probe"))
    config["registries"] = {registry.host: {"ca_file": registry.cafile}}
    exporter = run_once(lab, config)
    assert exporter.value("image_canary_success") == 1, exporter.log
    size = exporter.value("image_canary_image_bytes", kind="declared")
    uploaded = exporter.value("image_canary_uploaded_bytes_total")
    assert size - 1000 <= uploaded <= size, "on a busy machine 1.7 may not tell the last bytes"
    assert registry.tags("transfer/tls") == ["probe"]
    exporter.stop()
    assert daemon.census() == {}

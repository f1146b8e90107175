# SPDX-License-Identifier: Apache-2.0
"""Push probes: what arrives at the registry is whole, new on every run, and gone from containerd."""
import json
import pathlib
import subprocess
import sys

import pytest

from lab import sha256, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fake"))
from registry import FakeRegistry  # noqa: E402  pylint: disable=wrong-import-position


def probe(image, name="canary", **more):
    return {"name": name, "operation": "push", "image": image, "interval": "1h", "timeout": "20s", **more}


def config_for(containerd, registry, *probes, **settings):
    return {"containerd": {"address": containerd.address}, "probes": list(probes),
            "registries": {registry: {"plain_http": True, **settings}}}


def run_once(lab, config, attempts=1):
    exporter = lab.exporter(config, args=["--probe.spread=0s"])
    exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= attempts, timeout=40)
    return exporter


def reasons(exporter):
    return {dict(labels)["reason"]: value
            for labels, value in exporter.samples("image_canary_failure_reasons_total").items()}


@pytest.fixture(autouse=True)
def nothing_is_left(containerd):
    before = containerd.census()
    yield
    assert containerd.census() == before


def test_what_was_pushed_is_pulled_back_whole(lab, containerd, registry):
    reference = f"{registry.host}/push/whole:probe"
    exporter = run_once(lab, config_for(containerd, registry.host,
                                        probe(reference, content={"layers": 3, "size": "300KiB"})))
    assert exporter.value("image_canary_success") == 1, exporter.log
    digest, media_type, body = registry.manifest("push/whole", "probe")
    manifest = json.loads(body)
    declared = len(body) + manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
    assert len(manifest["layers"]) == 3
    assert all(layer["size"] > 300 * 1024 for layer in manifest["layers"])
    assert exporter.value("image_canary_uploaded_bytes_total") == declared
    assert exporter.value("image_canary_image_bytes", kind="declared") == declared
    assert exporter.value("image_canary_image_info", digest=digest, media_type=media_type) == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="upload") == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="fetch") is None
    assert exporter.value("image_canary_info", operation="push") == 1
    exporter.stop()

    target = lab.folder("skopeo")
    subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", "--preserve-digests",
                    f"docker://{reference}", f"dir:{target}"], check=True, capture_output=True)
    assert sha256((target / "manifest.json").read_bytes()) == digest
    containerd.ctr("images", "pull", "--plain-http", reference, namespace="pulled")
    (row,) = containerd.check("pulled").values()
    assert row == {"status": "complete", "have": "4", "want": "4", "unpacked": True}, "valid, and it unpacks"
    containerd.ctr("images", "rm", "--sync", reference, namespace="pulled")
    containerd.ctr("namespaces", "rm", "pulled")


def test_every_run_pushes_new_bytes(lab, containerd, registry):
    reference = f"{registry.host}/push/again:probe"
    exporter = run_once(lab, config_for(containerd, registry.host,
                                        probe(reference, interval="1s", content={"size": "200KiB"})), attempts=3)
    exporter.stop()
    pushed = {line.split()[-1] for line in registry.log.splitlines() if "blob upload" in line.lower()}
    blobs = list((registry.dir / "data").glob("docker/registry/v2/blobs/sha256/*/*/data"))
    big = [blob for blob in blobs if 200 * 1024 < blob.stat().st_size < 210 * 1024]
    assert len(big) >= 3, (pushed, "each run left a layer of its own")


def test_what_no_probe_made_is_not_replaced(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "push/precious", "1")
    before = registry.manifest("push/precious", "1")[0]
    exporter = run_once(lab, config_for(containerd, registry.host, probe(reference)))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "overwrite: true" in exporter.log
    assert registry.manifest("push/precious", "1")[0] == before
    exporter.stop()
    exporter = run_once(lab, config_for(containerd, registry.host, probe(reference, overwrite=True)))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert registry.manifest("push/precious", "1")[0] != before
    exporter.stop()
    exporter = run_once(lab, config_for(containerd, registry.host, probe(reference)))  # its own now
    assert exporter.value("image_canary_success") == 1, exporter.log
    exporter.stop()


def test_push_and_pull_of_the_same_reference(lab, containerd, registry):
    """What the demo shows: a push probe feeds a pull probe."""
    reference = f"{registry.host}/push/both:probe"
    config = config_for(containerd, registry.host, probe(reference, "push", interval="1s"),
                        {**probe(reference, "pull", interval="1s"), "operation": "pull"})
    exporter = run_once(lab, config)
    exporter.wait_for("image_canary_success", {"probe": "pull"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "push"}, 1)
    exporter.stop()


def test_passwords_and_rights(lab, containerd):
    registry = lab.registry(htpasswd={"user": "word"})
    reference = f"{registry.host}/push/private:probe"
    exporter = run_once(lab, config_for(
        containerd, registry.host, probe(reference, "right", auth={"username": "user", "password": "word"}),
        probe(reference, "wrong", auth={"username": "user", "password": "no"}), probe(reference, "anonymous")), 3)
    assert exporter.value("image_canary_success", probe="right") == 1, exporter.log
    assert reasons(exporter) == {"unauthorized": 1}
    assert exporter.value("image_canary_failures_total") == 2
    exporter.stop()
    with FakeRegistry(auth="bearer", users={"user": "word"}) as tokens:
        exporter = run_once(lab, config_for(
            containerd, tokens.address, probe(f"{tokens.address}/push/token:probe"),
            auth={"username": "user", "password": "word"}))
        assert exporter.value("image_canary_success") == 1, exporter.log
        exporter.stop()


@pytest.mark.parametrize("fault, reason", [
    (dict(kind="status", method="POST", path="/uploads/", status=403), "forbidden"),
    (dict(kind="status", method="PUT", path="/uploads/", status=500), "server_error"),
    (dict(kind="status", method="PUT", path="/uploads/", status=429), "rate_limited"),
    (dict(kind="status", method="PUT", path="/manifests/", status=503), "server_error"),
    (dict(kind="reset", method="PUT", path="/uploads/"), "connect"),
    (dict(kind="digest_header", method="PUT", path="/manifests/", value="sha256:" + "0" * 64), "digest_mismatch"),
    (dict(kind="status", method="HEAD", path="/blobs/", status=200), "not_cold"),
    (dict(kind="hang", method="PUT", path="/uploads/"), "timeout"),
], ids=lambda value: value if isinstance(value, str) else f"{value['method']}-{value['kind']}")
def test_faults_have_their_reasons(lab, containerd, fault, reason):
    with FakeRegistry() as registry:
        registry.fault(**fault)
        exporter = run_once(lab, config_for(containerd, registry.address,
                                            probe(f"{registry.address}/push/fault:probe", timeout="3s")))
        assert reasons(exporter) == {reason: 1}, exporter.log
        exporter.stop()


def test_sigterm_in_the_middle_of_a_push(lab, containerd):
    with FakeRegistry() as registry:
        registry.fault("hang", method="PUT", path="/uploads/")
        before = containerd.census()
        exporter = lab.exporter(config_for(containerd, registry.address,
                                           probe(f"{registry.address}/push/hang:probe", timeout="60s")),
                                args=["--probe.spread=0s"])
        wait_until(lambda: registry.requests("PUT"), what="an upload")
        assert containerd.census() != before
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5
        assert containerd.census() == before

# SPDX-License-Identifier: Apache-2.0
"""Tag probes: a manifest under another tag, with three requests, and without overwriting foreign tags."""
import re

import pytest

from lab.probes import config_for, probe, reasons, run_once
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged


def tag(image, name, **more):
    return probe(image, operation="tag", tag=name, **more)


@pytest.fixture
def real(lab):
    return lab.registry()


@pytest.mark.parametrize("make", [lambda maker: maker.image(), lambda maker: maker.multi_platform(),
                                  lambda maker: maker.image(docker=True)], ids=["oci", "index", "docker"])
def test_tags_the_same_manifest(lab, real, maker, make):
    image = make(maker)
    reference = image.push(real, "tag/a", "1")
    exporter = run_once(lab, config_for(None, tag(reference, "canary-{node}"),
                                        plain=real.host), env={"NODE_NAME": "Worker 1"})
    assert exporter.value("image_canary_success", operation="tag", engine="registry") == 1, exporter.log
    assert sorted(real.tags("tag/a")) == ["1", "canary-worker-1"]
    assert real.manifest("tag/a", "canary-worker-1") == real.manifest("tag/a", "1")
    assert exporter.value("image_canary_image_info", digest=image.digest, media_type=image.media_type) == 1
    for phase in ("resolve", "commit", "read_back"):
        assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="upload") is None
    assert exporter.value("image_canary_uploaded_bytes_total") == len(image.data)
    assert exporter.value("image_canary_fetched_bytes_total") == 2 * len(image.data)
    exporter.stop()


def test_makes_three_requests(lab):
    with lab.fake_registry() as registry:
        registry.add_image("tag/cheap", "1")
        exporter = run_once(lab, config_for(None, tag(
            f"{registry.address}/tag/cheap:1", "canary", overwrite=True), plain=registry.address))
        assert exporter.value("image_canary_success") == 1, exporter.log
        asked = [(entry.method, entry.path) for entry in registry.requests(path="/manifests/")]
        assert asked == [("GET", "/v2/tag/cheap/manifests/1"), ("PUT", "/v2/tag/cheap/manifests/canary"),
                         ("GET", "/v2/tag/cheap/manifests/canary")]
        assert not registry.requests(path="/blobs/")
        exporter.stop()


def test_does_not_overwrite_foreign_tags(lab, real, maker):
    reference = maker.image().push(real, "tag/own", "1")
    maker.image().push(real, "tag/own", "precious")
    before = real.manifest("tag/own", "precious")
    exporter = run_once(lab, config_for(None, tag(reference, "precious"), plain=real.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "overwrite: true" in exporter.log and "precious" in exporter.log
    assert real.manifest("tag/own", "precious") == before
    exporter.stop()
    exporter = run_once(lab, config_for(None, tag(reference, "precious", overwrite=True), plain=real.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert real.manifest("tag/own", "precious") == real.manifest("tag/own", "1")
    exporter.stop()


def test_follows_a_moving_tag(lab, real, maker):
    """What it put there itself it may replace, when the image's tag moves on."""
    reference = maker.image().push(real, "tag/moving", "latest")
    exporter = run_once(lab, config_for(None, tag(reference, "canary", interval="1s"), plain=real.host), attempts=2)
    maker.image().push(real, "tag/moving", "latest")
    wait_until(lambda: real.manifest("tag/moving", "canary") == real.manifest("tag/moving", "latest"), what="the new one")
    assert reasons(exporter) == {}, exporter.log
    exporter.stop()


@pytest.mark.parametrize("fault, reason", [
    (dict(kind="status", method="GET", path="/manifests/1", status=404), "not_found"),
    (dict(kind="status", method="PUT", path="/manifests/", status=403), "forbidden"),
    (dict(kind="status", method="PUT", path="/manifests/", status=429), "rate_limited"),
    (dict(kind="hang", method="PUT", path="/manifests/"), "timeout"),
    (dict(kind="digest_header", method="PUT", path="/manifests/", value="sha256:" + "0" * 64), "digest_mismatch"),
    (dict(kind="wrong_bytes", method="GET", path="/manifests/canary"), "digest_mismatch"),
    (dict(kind="status", method="GET", path="/manifests/canary", status=404), "not_found"),
], ids=lambda value: value if isinstance(value, str) else f"{value['method']}-{value['kind']}")
def test_reports_the_reason_of_a_fault(lab, fault, reason):
    with lab.fake_registry() as registry:
        registry.add_image("tag/fault", "1")
        registry.fault(**fault)
        exporter = run_once(lab, config_for(None, tag(
            f"{registry.address}/tag/fault:1", "canary", timeout="3s", overwrite=True), plain=registry.address))
        assert reasons(exporter) == {reason: 1}, exporter.log
        assert re.search(r"tag \S+/tag/fault:1: ", exporter.log), exporter.log
        exporter.stop()

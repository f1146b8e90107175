# SPDX-License-Identifier: Apache-2.0
"""Registries that name uploads, redirect them and count their bytes in ways of their own."""
import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import probe, reason, run_once

UPLOADS = "/canary/image/blobs/uploads/"
PIECES = {"upload": {"chunk_size": "32KiB"}}


@pytest.fixture
def registry():
    with FakeRegistry() as fake:
        yield fake


def push(lab, socketless, registry, **more):
    one = probe(f"{registry.address}/canary/image:v1", operation="push", engine="registry",
                content={"layers": 1, "size": "100KiB"}, **more)
    return run_once(lab, {**socketless, "probes": [one], "registries": {registry.address: {"plain_http": True}}})


@pytest.mark.unprivileged
@pytest.mark.parametrize("more", ({}, PIECES), ids=("at-once", "in-pieces"))
@pytest.mark.parametrize("value", ("relative", "dot"))
def test_follows_relative_locations(lab, socketless, registry, value, more):
    registry.fault("location", path=UPLOADS, value=value)
    assert reason(push(lab, socketless, registry, **more)) is None
    assert not registry.uploads


@pytest.mark.unprivileged
@pytest.mark.parametrize("status", (307, 308))
def test_repeats_redirected_writes(lab, socketless, registry, status):
    for method, location in (("POST", "?moved=1"), ("PATCH", "?moved=1"), ("PUT", "/v2/canary/image/manifests/v1")):
        path = "/manifests/" if method == "PUT" else UPLOADS
        registry.fault("status", method=method, path=path, times=1, status=status, headers={"Location": location})
    assert reason(push(lab, socketless, registry, **PIECES)) is None
    assert registry.requests("PATCH", "moved=1") and registry.requests("POST", "moved=1")
    assert ("canary/image", "v1") in registry.tags


@pytest.mark.unprivileged
@pytest.mark.parametrize("status", (301, 302, 303))
def test_a_get_in_place_of_a_write_is_no_success(lab, socketless, registry, status):
    registry.add_image("canary/image", "other")
    registry.fault("status", method="PUT", path="/manifests/", status=status,
                   headers={"Location": "/v2/canary/image/manifests/other"})
    assert reason(push(lab, socketless, registry)) == "protocol"


@pytest.mark.unprivileged
@pytest.mark.parametrize("said", ("0-0", "0-9", "bytes 0-9", "x", ""))
def test_goes_on_if_the_range_lags_behind(lab, socketless, registry, said):
    registry.fault("range", path=UPLOADS, value=said)
    exporter = push(lab, socketless, registry, **PIECES)
    assert reason(exporter) is None, exporter.log
    assert not registry.uploads


@pytest.mark.unprivileged
def test_goes_on_where_half_of_a_piece_was_kept(lab, socketless, registry):
    registry.fault("keep_half", method="PATCH", path=UPLOADS, times=3)
    assert reason(push(lab, socketless, registry, **PIECES)) is None


@pytest.mark.unprivileged
@pytest.mark.parametrize("by_tag", (202, 405))
def test_asks_for_the_tag_after_its_deletion(lab, socketless, registry, by_tag):
    registry.fault("status", method="DELETE", path="/manifests/sha256:", status=202)
    if by_tag != 202:
        registry.fault("status", method="DELETE", path="/manifests/v1", status=by_tag)
    exporter = push(lab, socketless, registry, delete_remote=True)
    assert reason(exporter) is None
    left = exporter.value("image_canary_cleanup_failures_total", probe="canary") or 0
    assert (left, ("canary/image", "v1") in registry.tags) == ((0, False) if by_tag == 202 else (1, True)), exporter.log

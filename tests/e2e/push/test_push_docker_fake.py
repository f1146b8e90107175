# SPDX-License-Identifier: Apache-2.0
"""Push probes through an engine that does what the real one at hand cannot be made to do: other
versions, broken answers, loads that come to no end."""
import base64
import io
import json
import tarfile

import pytest

from lab.fake.docker import FakeDocker
from lab.probes import config_for, probe, reason, run_once

pytestmark = pytest.mark.unprivileged

REFERENCE = "registry.example/canary/image:v1"
DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
AUX = {"progressDetail": {}, "aux": {"Tag": "v1", "Digest": DIGEST, "Size": 949}}
DONE = [{"status": f"v1: digest: {DIGEST} size: 949"}, AUX]
PUSHED = [{"status": "Preparing", "id": "a"}, {"status": "Pushing", "progressDetail": {"current": 7, "total": 5}, "id": "a"},
          {"status": "Pushed", "id": "a"}, *DONE]


def image(name=REFERENCE, number=3):
    return {"Name": name, "Id": f"sha256:{number}" + "0" * 63, "RepoTags": [name], "RepoDigests": [], "Size": 70}


@pytest.fixture
def engine(lab):
    with FakeDocker(lab.temp) as fake:
        fake.makes, fake.stream = image(), PUSHED
        yield fake


def run(lab, engine, **more):
    push = {"engine": "docker", "timeout": "5s", "content": {"size": "10KiB", "layers": 2}, "overwrite": True, **more}
    return run_once(lab, config_for(engine, probe(REFERENCE, operation="push", **push)))


STREAMS = [
    ("docker", PUSHED, None, 7),
    ("aux-only", [*PUSHED[:3], AUX], None, 7),
    ("no-digest", PUSHED[:3], "protocol", 7),
    ("two-digests", [*PUSHED[:4], {"aux": {"Digest": OTHER}}], "digest_mismatch", 7),
    ("layer-was-there", [{"status": "Preparing", "id": "b"}, {"status": "Layer already exists", "id": "b"}, *PUSHED],
     "not_cold", 7),
    ("mounted", [{"status": "Mounted from library/x", "id": "b"}, *PUSHED], "not_cold", 7),
    ("error-at-the-end", [*PUSHED[:3], {"error": "denied: no", "errorDetail": {"message": "denied: no"}}], "forbidden", 7),
    ("error-in-the-middle", [PUSHED[0], {"errorDetail": {"message": "toomanyrequests: slowly"}}, *PUSHED], "rate_limited", 0),
    ("nothing", [], "protocol", 0),
    ("garbage", [b"<html>\r\n"], "protocol", 0),
    ("endless-line", [b"x" * 100_000], "limit", 0),
]


@pytest.mark.parametrize("name, stream, expected, uploaded", STREAMS, ids=[row[0] for row in STREAMS])
def test_reads_push_streams(lab, engine, name, stream, expected, uploaded):
    engine.stream = stream
    exporter = run(lab, engine, name=name)
    assert reason(exporter, name) == expected, exporter.log
    assert exporter.value("image_canary_uploaded_bytes_total") == uploaded
    assert engine.images == {}, "removed"


def test_loads_a_valid_archive_and_sends_credentials(lab, engine):
    run(lab, engine, auth={"username": "us\"er", "password": "pass?>~wörd"})
    with tarfile.open(fileobj=io.BytesIO(engine.loaded)) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    (entry,) = json.loads(files.pop("manifest.json"))
    assert entry["RepoTags"] == [REFERENCE]
    assert files.keys() == {entry["Config"], *entry["Layers"]} and len(entry["Layers"]) == 2
    (_, path, query, headers), = engine.requests("POST", "/push")
    assert path == "/v1.47/images/registry.example/canary/image/push"
    assert query == {"tag": ["v1"]}, "of what was made there is one platform only"
    assert json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"])) == {
        "username": "us\"er", "password": "pass?>~wörd", "serveraddress": "registry.example"}


@pytest.mark.parametrize("version, platform", [("1.45", False), ("1.46", True)])
def test_pushes_one_platform_of_an_image(lab, engine, version, platform):
    """Of an index that is there in part, from where Docker can choose."""
    engine.version["ApiVersion"] = version
    engine.images["docker.io/library/held:1"] = image("docker.io/library/held:1")
    exporter = run(lab, engine, content={"image": "held:1"}, platform="linux/arm/v7")
    assert exporter.value("image_canary_success") == 1, exporter.log
    (_, _, query, headers), = engine.requests("POST", "/push")
    assert ("platform" in query) == platform
    if platform:
        assert json.loads(query["platform"][0]) == {"os": "linux", "architecture": "arm", "variant": "v7"}
    assert headers["X-Registry-Auth"], "Docker refuses a push without"
    assert list(engine.images) == ["docker.io/library/held:1"], "our name is gone"


@pytest.mark.parametrize("loading, expected", [
    ([{"errorDetail": {"message": "write /x: no space left on device"}}], "no_space"), ([b"<html>"], "protocol")])
def test_reports_the_reason_of_a_failed_load(lab, engine, loading, expected):
    engine.loading = loading
    exporter = run(lab, engine)
    assert reason(exporter) == expected, exporter.log
    assert "load the image" in exporter.log
    assert not engine.requests("POST", "/push") and engine.images == {}


def test_reports_a_load_without_an_image(lab, engine):
    engine.makes = None
    exporter = run(lab, engine)
    assert reason(exporter) == "runtime", exporter.log


def test_keeps_the_mark_of_a_load_that_has_not_ended(lab, engine):
    """Docker has the whole archive and creates the image after the client has left."""
    engine.load_seconds = 60
    exporter = run(lab, engine, timeout="1s")
    assert reason(exporter) == "timeout", exporter.log
    assert engine.requests("POST", "/volumes/create")
    assert not engine.requests("DELETE", "/volumes"), "the next run looks again"
    assert exporter.value("image_canary_cleanup_failures_total") == 0


def test_removes_leftovers_of_an_earlier_load(lab, engine):
    ours, others = {"com.github.containerd-exporter.probe": "true"}, {"some": "label"}
    engine.images[REFERENCE] = {**image(), "Labels": ours, "Config": {"Labels": ours}}
    for number, tags, labels in ((4, ["<none>:<none>"], ours), (5, None, ours), (6, ["<none>:<none>"], others),
                                 (7, ["else:1"], ours)):
        one = image(number=number)
        engine.images[one["Id"]] = {**one, "Name": one["Id"], "RepoTags": tags, "Labels": labels,
                                    "Config": {"Labels": labels}}
    exporter = run(lab, engine)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert [name[7] for name in engine.images] == ["6", "7"], "of others, or with a name of its own"


def test_removes_a_mark_that_was_not_confirmed(lab, engine):
    engine.hangs = "/volumes/create"
    exporter = run(lab, engine, timeout="1s")
    assert reason(exporter) == "timeout", exporter.log
    assert engine.requests("DELETE", "/volumes"), "it may be there"
    assert engine.loaded is None


def test_pushes_without_marks_where_volumes_are_forbidden(lab, engine):
    engine.answers["GET", "/volumes"] = engine.answers["POST", "/volumes"] = 403, {"message": "authorization denied by plugin"}
    exporter = run(lab, engine)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert not engine.requests("DELETE", "/volumes")


def test_counts_an_image_that_docker_does_not_remove(lab, engine):
    engine.answers["DELETE", "/images"] = 409, {"message": "conflict: unable to remove repository reference"}
    exporter = run(lab, engine)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_cleanup_failures_total") == 1
    assert "conflict: unable to remove" in exporter.log


def test_reports_the_reason_of_a_refused_push(lab, engine):
    engine.answers["POST", "/images/registry.example"] = 500, {"message": "toomanyrequests: slowly"}
    assert reason(run(lab, engine)) == "rate_limited"
    assert engine.images == {}

# SPDX-License-Identifier: Apache-2.0
"""Pull probes through an engine that does what the real one at hand cannot be made to do: other
versions, other makers' streams, broken answers."""
import base64
import json

import pytest

from lab.fake.docker import FakeDocker
from lab.probes import config_for, probe, reason, run_once

pytestmark = pytest.mark.unprivileged

REFERENCE = "registry.example/canary/image:v1"
DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
DONE = [{"status": f"Digest: {DIGEST}"}, {"status": f"Status: Downloaded newer image for {REFERENCE}"}]
PULLED = [{"status": "Pulling from canary/image", "id": "v1"}, {"status": "Pulling fs layer", "id": "a"},
          {"status": "Downloading", "progressDetail": {"current": 7, "total": 7}, "id": "a"},
          {"status": "Pull complete", "id": "a"}, *DONE]


def image(name=REFERENCE, digests=(f"registry.example/canary/image@{DIGEST}",), size=70, tags=(REFERENCE,)):
    return {"Name": name, "Id": DIGEST.replace("1", "3"), "RepoTags": list(tags), "RepoDigests": list(digests), "Size": size}


@pytest.fixture
def engine(lab):
    with FakeDocker(lab.temp) as fake:
        yield fake


def run(lab, engine, reference=REFERENCE, **more):
    return run_once(lab, config_for(engine, probe(reference, **{"engine": "docker", "timeout": "5s", **more})))


STREAMS = [
    ("docker", PULLED, image(), None, 7),
    ("podman", [{"status": "Copying blob", "id": "a"}, {"status": "Download complete", "id": "b"}], image(), None, 0),
    ("containerd-store", [{"status": "Pulling fs layer", "id": "a"},
                          {"status": "Downloading", "progressDetail": {"current": 5, "total": 9}, "id": "a"},
                          {"status": "Download complete", "id": "a", "progressDetail": {"hidecounts": True}},
                          {"status": "Extracting", "progressDetail": {"current": 1, "units": "s"}, "id": "a"},
                          {"status": "Pull complete", "id": "a"}, *DONE], image(), None, 9),
    ("layer-was-there", [{"status": "Already exists", "id": "b"}, *PULLED], image(), "not_cold", 7),
    ("error-at-the-end", [*PULLED, {"error": "toomanyrequests: slowly", "errorDetail": {"message": "toomanyrequests: slowly"}}],
     image(), "rate_limited", 7),
    ("error-in-the-middle", [PULLED[0], {"errorDetail": {"message": "write /x: no space left on device"}}, *PULLED], None,
     "no_space", 0),
    ("other-digest", PULLED, image(digests=[f"registry.example/canary/image@{OTHER}"]), "digest_mismatch", 7),
    ("other-repository", PULLED, image(digests=[f"registry.example/canary/other@{DIGEST}"]), "digest_mismatch", 7),
    ("no-digest", PULLED, image(digests=[]), "digest_mismatch", 7),
    ("no-image", PULLED, None, "protocol", 7),
    ("nothing", [], None, "protocol", 0),
    ("empty-error", [*[{**line, "error": ""} for line in PULLED[:-1]], {**PULLED[-1], "error": "", "errorDetail": None}], image(), None, 7),
    ("code-without-text", [*PULLED[:2], {"error": "", "errorDetail": {"code": 401}}], None, "unauthorized", 0),
    ("late-message", [*PULLED[:2], {"cause": "x", "message": "no such host", "response": 500}], None, "dns", 0),
    ("no-status", [{"id": "a"}, {}], image(), "protocol", 0),
    ("garbage", [b"<html>\r\n"], None, "protocol", 0),
    ("half-a-line", [b'{"status":"Pull'], None, "protocol", 0),
    ("endless-line", [b"x" * 100_000], None, "limit", 0),
]


@pytest.mark.parametrize("name, stream, makes, expected, fetched", STREAMS, ids=[row[0] for row in STREAMS])
def test_reads_pull_streams(lab, engine, name, stream, makes, expected, fetched):
    engine.stream, engine.makes = stream, makes
    exporter = run(lab, engine, name=name)
    assert reason(exporter, name) == expected, exporter.log
    assert exporter.value("image_canary_fetched_bytes_total") == fetched
    assert engine.images == {}, "removed"


def test_reports_a_stream_that_is_cut(lab, engine):
    engine.stream, engine.cut = PULLED, True
    assert reason(run(lab, engine)) == "runtime_unavailable"


@pytest.mark.parametrize("theirs, least, spoken", [("1.41", "1.12", "/v1.41/"), ("1.99", "1.24", "/v1.47/"),
                                                   ("1.24", "1.12", "/v1.24/"), ("1.23", "1.12", None),
                                                   ("1.99", "1.48", None), ("2.0", "2.0", ""), ("", "", "")])
def test_speaks_the_highest_common_api_version(lab, engine, theirs, least, spoken):
    engine.version = {"Version": "9", "ApiVersion": theirs, "MinAPIVersion": least}
    engine.stream, engine.makes = PULLED, image()
    exporter = run(lab, engine)
    if spoken:
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert {path[:len(spoken)] for _, path, _, _ in engine.log if path != "/version"} == {spoken}
    else:
        assert reason(exporter) == ("unsupported" if spoken is None else "protocol"), exporter.log


@pytest.mark.parametrize("status, message, expected", [
    (401, "who are you", "unauthorized"), (403, "plugin said no", "forbidden"), (404, "no such thing", "not_found"),
    (500, "something broke", "runtime"), (500, "toomanyrequests: slowly", "rate_limited"), (501, "cannot", "unsupported")])
def test_reports_the_reason_of_a_refusal(lab, engine, status, message, expected):
    engine.answers["POST", "/images/create"] = status, {"message": message}
    exporter = run(lab, engine)
    assert reason(exporter) == expected
    assert message in exporter.log


def test_pulls_without_marks_where_volumes_are_forbidden(lab, engine):
    engine.answers["GET", "/volumes"] = engine.answers["POST", "/volumes"] = 403, {"message": "authorization denied by plugin"}
    engine.stream, engine.makes = PULLED, image()
    exporter = run(lab, engine)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert not engine.requests("DELETE", "/volumes")


def test_counts_an_image_that_docker_does_not_remove(lab, engine):
    engine.stream, engine.makes = PULLED, image()
    engine.answers["DELETE", "/images"] = 409, {"message": "conflict: unable to remove repository reference"}
    exporter = run(lab, engine)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_cleanup_failures_total") == 1
    assert "conflict: unable to remove" in exporter.log


def test_limits_the_list_of_images(lab, engine):
    engine.answers["GET", "/images/json"] = 200, b"[" + b" " * (40 << 20) + b"]"
    assert reason(run(lab, engine)) == "limit"


def test_sends_credentials_and_platform(lab, engine):
    """Docker's own names for a place and for the default registry."""
    engine.stream = DONE
    run(lab, engine, "busybox:1.31", auth={"username": "us\"er", "password": "pass?>~wörd"}, platform="linux/arm/v7")
    (_, path, query, headers), = engine.requests("POST", "/images/create")
    assert path == "/v1.47/images/create"
    assert query == {"fromImage": ["docker.io/library/busybox"], "tag": ["1.31"], "platform": ["linux/arm/v7"]}
    assert json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"])) == {
        "username": "us\"er", "password": "pass?>~wörd", "serveraddress": "https://index.docker.io/v1/"}


@pytest.mark.parametrize("kind, member", [("identity_token", "identitytoken"), ("registry_token", "registrytoken")])
def test_sends_tokens_in_their_own_members(lab, engine, kind, member):
    engine.stream = DONE
    exporter = run(lab, engine, auth={kind: "secret-token"})
    (_, _, _, headers), = engine.requests("POST", "/images/create")
    assert json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"])) == {
        member: "secret-token", "serveraddress": "registry.example"}
    assert "secret-token" not in exporter.log


def test_sends_no_credentials_where_none_are_configured(lab, engine):
    engine.stream = DONE
    run(lab, engine, f"registry.example:5000/a/b:v1@{DIGEST}")
    (_, _, query, headers), = engine.requests("POST", "/images/create")
    assert query == {"fromImage": ["registry.example:5000/a/b"], "tag": [DIGEST]}
    assert "X-Registry-Auth" not in headers

# SPDX-License-Identifier: Apache-2.0
"""Push probes through a real dockerd, to real (or, for faults, fake) registries on loopback, which
Docker treats as insecure: plain HTTP works. Docker 20.10 retries a failed upload five times within 50
seconds and reports no reason meanwhile. The faults here are those that it does not retry."""
import functools
import json
import subprocess

import pytest

from lab.fake.registry import FakeRegistry
from lab.images import as_json
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.wait import unchanged, wait_until

push = functools.partial(probe, operation="push", engine="docker", content={"size": "200KiB"})


@pytest.fixture(autouse=True)
def nothing_is_left(docker):
    """Each test leaves the dockerd as it was. A hanging push keeps its layers until the registry ends it."""
    with unchanged(docker.census, timeout=20):
        yield


def test_pushed_image_can_be_pulled(lab, docker, registry):
    reference = f"{registry.host}/docker-push/whole:probe"
    exporter = run_once(lab, config_for(docker,
                                        push(reference, content={"layers": 3, "size": "1MiB"}), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    digest, _, body = registry.manifest("docker-push/whole", "probe")
    layers = json.loads(body)["layers"]
    assert len(layers) == 3 and all(layer["size"] > 1 << 20 for layer in layers), "nothing was to be compressed"
    uploaded = exporter.value("image_canary_uploaded_bytes_total")
    assert 3 << 20 < uploaded < (3 << 20) * 1.01
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.value("image_canary_image_info", digest=digest, manifest_digest=digest) == 1
    assert exporter.value("image_canary_image_bytes", kind="unpacked") == 3 << 20
    for phase, count in (("upload", 1), ("commit", 1), ("cleanup", 1), ("fetch", None)):
        assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == count
    assert exporter.value("image_canary_cleanup_failures_total") == 0
    exporter.stop()
    target = lab.folder("skopeo")
    subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", "--preserve-digests",
                    f"docker://{reference}", f"dir:{target}"], check=True, capture_output=True)
    docker.remove(docker.pull(reference))


def test_pushes_new_bytes_in_every_run(lab, docker, registry):
    reference = f"{registry.host}/docker-push/again:probe"
    exporter = run_once(lab, config_for(docker,
                                        push(reference, interval="1s"), plain=registry.host), attempts=3)
    assert exporter.value("image_canary_failures_total") == 0, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.stop()[0] == 0
    exporter = run_once(lab, config_for(docker, push(reference), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, f"it knows its own after a restart\n{exporter.log}"


def test_does_not_overwrite_foreign_images(lab, docker, registry, maker):
    reference = maker.image(docker=True).push(registry, "docker-push/precious", "1")
    before = registry.manifest("docker-push/precious", "1")
    exporter = run_once(lab, config_for(docker, push(reference), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "overwrite: true" in exporter.log
    assert registry.manifest("docker-push/precious", "1") == before


@pytest.mark.parametrize("engine", ["docker", "registry"])
def test_pushes_and_reads_back(lab, docker, registry, engine):
    exporter = run_once(lab, config_for(docker, push(
        f"{registry.host}/docker-push/round-{engine}:probe", operation="roundtrip", read_back=engine,
        delete_remote=True), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="read_back") == 1
    assert exporter.value("image_canary_fetched_bytes_total") > 200 << 10
    assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
    assert registry.tags(f"docker-push/round-{engine}") == []


def test_uses_passwords(lab, docker):
    registry = lab.registry(htpasswd={"user": "secret-wörd"})

    def one(name, **auth):
        return push(f"{registry.host}/docker-push/{name}:1", name, **({"auth": auth} if auth else {}))

    exporter = run_once(lab, config_for(
        docker, one("right", username="user", password="secret-wörd"),
        one("wrong", username="user", password="wrong-word"), one("anonymous"), plain=registry.host))
    exporter.wait_for("image_canary_success", {"probe": "right"}, 1)
    exporter.wait_for("image_canary_attempts_total", {"probe": "wrong"}, 1)
    assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
    assert reasons(exporter, "anonymous") == {"unauthorized": 1}, exporter.log
    for text in (exporter.log, exporter.raw()):
        assert "secret-w" not in text and "wrong-word" not in text


def test_uses_tokens(lab, docker):
    with FakeRegistry(auth="bearer", users={"user": "word"}) as registry:
        exporter = run_once(lab, config_for(
            docker,
            push(f"{registry.address}/canary/known:v1", "known", auth={"username": "user", "password": "word"}),
            push(f"{registry.address}/canary/unknown:v1", "unknown"), plain=registry.address))
        exporter.wait_for("image_canary_success", {"probe": "known"}, 1)
        assert reasons(exporter, "unknown") == {"unauthorized": 1}, exporter.log


def errors(code, message):
    return as_json({"errors": [{"code": code, "message": message}]})


FAULTS = [
    ("denied", dict(kind="status", method="POST", path="/uploads/", status=403, body=errors("DENIED", "no")), "forbidden"),
    ("forbidden", dict(kind="status", method="PATCH", path="/uploads/", status=403), "forbidden"),
    ("quota", dict(kind="status", method="PUT", path="/uploads/", status=403, body=errors("DENIED", "quota")), "forbidden"),
    ("read-only", dict(kind="status", method="POST", path="/uploads/", status=405,
                       body=errors("UNSUPPORTED", "the operation is unsupported")), "unsupported"),
    ("too-many-uploads", dict(kind="status", method="POST", path="/uploads/", status=429), "rate_limited"),
    ("too-many-bytes", dict(kind="status", method="PATCH", path="/uploads/", status=429,
                            body=errors("TOOMANYREQUESTS", "slowly")), "rate_limited"),
    ("too-many-manifests", dict(kind="status", method="PUT", path="/manifests/", status=429), "rate_limited"),
    ("too-large", dict(kind="status", method="PATCH", path="/uploads/", status=413), "limit"),
    ("broken-commit", dict(kind="status", method="PUT", path="/manifests/", status=500), "server_error"),
    ("unknown-blob", dict(kind="status", method="PUT", path="/manifests/", status=400,
                          body=errors("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")), "server_error"),
    ("unauthorized", dict(kind="status", method="PUT", path="/manifests/", status=401), "unauthorized"),
    ("reset-commit", dict(kind="reset", method="PUT", path="/manifests/"), "connect"),
    ("no-digest", dict(kind="digest_header", method="PUT", path="/manifests/", value=""), "protocol"),
    ("hang", dict(kind="hang", method="PATCH", path="/uploads/"), "timeout"),
    ("hanging-commit", dict(kind="hang", method="PUT", path="/manifests/"), "timeout"),
    ("tried-again", dict(kind="status", method="POST", path="/uploads/", status=500), "timeout"),
]


def test_reports_the_reason_of_every_fault(lab, docker):
    with FakeRegistry() as registry:
        probes = []
        for name, fault, _ in FAULTS:
            registry.fault(**{**fault, "path": f"/canary/{name}(/.*)?{fault['path']}"})
            probes.append(push(f"{registry.address}/canary/{name}:v1", name, timeout="8s", overwrite=True))
        exporter = lab.exporter(config_for(docker, *probes, plain=registry.address), args=[AT_ONCE])
        for name, _, _ in FAULTS:
            exporter.wait_for("image_canary_attempts_total", {"probe": name}, 1, timeout=60)
        assert {name: reasons(exporter, name) for name, _, _ in FAULTS} == \
            {name: {reason: 1} for name, _, reason in FAULTS}, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert "Docker restarted 1 uploads" in exporter.log
        for name in ("hanging-commit", "broken-commit"):
            assert exporter.value("image_canary_phase_duration_seconds_count", probe=name, phase="commit") == 1
        assert exporter.value("image_canary_phase_duration_seconds_count", probe="hang", phase="commit") is None
        assert exporter.stop()[0] == 0


def test_distinguishes_refused_connections_and_unknown_hosts(lab, docker):
    exporter = run_once(lab, config_for(
        docker, push("127.0.0.1:1/canary/image:v1", overwrite=True),
        push("no-such-host.invalid/canary/image:v1", "dns", overwrite=True), plain="127.0.0.1:1"))
    for name, reason in (("canary", "connect"), ("dns", "dns")):
        exporter.wait_for("image_canary_attempts_total", {"probe": name}, 1)
        assert reasons(exporter, name) == {reason: 1}, exporter.log


def test_sigterm_during_a_push_leaves_nothing(lab, docker):
    with FakeRegistry() as registry:
        registry.fault("hang", method="PATCH", path="/uploads/")
        exporter = lab.exporter(config_for(docker,
                                           push(f"{registry.address}/canary/image:v1", timeout="60s", overwrite=True),
                                           plain=registry.address),
                                args=[AT_ONCE])
        wait_until(lambda: registry.requests("PATCH"), what="an upload")
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5, exporter.log
        assert docker.census()["images"] == {}


def test_restart_removes_leftovers_of_a_killed_exporter(lab, docker):
    with FakeRegistry() as registry:
        hang = registry.fault("hang", method="PUT", path="/manifests/")
        config = config_for(docker,
                            push(f"{registry.address}/canary/image:v1", interval="5s", timeout="60s", overwrite=True),
                            plain=registry.address)
        exporter = lab.exporter(config, args=[AT_ONCE])
        wait_until(lambda: registry.requests("PUT", "/manifests/"), what="the manifest")
        exporter.kill()
        census = docker.census()
        assert census["volumes"] == ["containerd-exporter.canary"], "the mark"
        assert len(census["images"]) == 1
        registry.unfault(hang)
        exporter.start()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert exporter.stop()[0] == 0


def test_reports_a_killed_daemon_and_removes_its_leftovers(lab):
    docker = lab.docker(lab.containerd())
    with FakeRegistry() as registry:
        fault = registry.fault("hang", method="PATCH", path="/uploads/")
        exporter = lab.exporter(config_for(docker,
                                           push(f"{registry.address}/canary/image:v1", interval="2s", timeout="60s",
                                                overwrite=True), plain=registry.address), args=[AT_ONCE])
        wait_until(lambda: registry.requests("PATCH"), what="an upload")
        docker.kill()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
        assert reasons(exporter).keys() == {"runtime_unavailable"}, exporter.log
        (docker.dir / "docker.pid").unlink(missing_ok=True)
        registry.unfault(fault)
        docker.start()
        exporter.wait_for("image_canary_success", {}, 1)
        assert exporter.stop()[0] == 0
        census = docker.census()
        assert census["images"] == {} and census["bytes"] == 0 and census["volumes"] == []


def test_keeps_a_name_that_docker_has_already(lab, docker, registry, maker):
    reference = docker.pull(maker.image().push(registry, "docker-push/before", "1"))
    before = docker.census()
    exporter = run_once(lab, config_for(docker, push(reference, overwrite=True), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "was not made by a probe" in exporter.log
    assert docker.census() == before
    exporter.stop()
    docker.remove(reference)


def test_pushes_an_image_of_docker(lab, docker, registry, maker):
    """Pushed as it is, under another name, which goes again; the second time nothing crosses the network."""
    target = lab.registry()
    source = docker.pull(maker.image(layers=2, size=200_000).push(registry, "docker-push/held", "1"))
    before = docker.census()
    reference = f"{target.host}/docker-push/copy:probe"
    config = config_for(docker, push(reference, content={"image": source}), plain=target.host)
    exporter = run_once(lab, config)
    assert exporter.value("image_canary_success") == 1, exporter.log
    uploaded = exporter.value("image_canary_uploaded_bytes_total")
    assert 400_000 < uploaded < 420_000
    digest = target.manifest("docker-push/copy", "probe")[0]
    assert exporter.value("image_canary_image_info", digest=digest) == 1
    assert docker.census() == before
    exporter.stop()
    exporter = run_once(lab, config)
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_uploaded_bytes_total") == 0
    assert exporter.value("image_canary_cached_bytes_total") in (0, 400_000), "the history has the sizes, where there is one"
    assert "the registry had 2 of them" in exporter.log
    assert docker.census() == before
    exporter.stop()
    docker.remove(source)


@pytest.mark.parametrize("history", [False, True])
def test_detects_a_layer_that_the_registry_has(lab, docker, registry, maker, history):
    """Docker has it mounted from where it was pulled from."""
    shared, own = maker.layer(100_000), maker.layer(50_000)
    config = {"history": [{"created_by": "one"}, {"created_by": "nothing", "empty_layer": True},
                          {"created_by": "two"}]} if history else {}
    other = lab.registry()
    neighbour = docker.pull(maker.image([shared]).push(other, "docker-push/neighbour", str(history)))
    source = docker.pull(maker.image([shared, own], config=config).push(registry, "docker-push/shared", str(history)))
    before = docker.census()
    exporter = run_once(lab, config_for(docker, push(
        f"{other.host}/docker-push/mounted:probe", content={"image": source}, cold="no"), plain=other.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == (100_000 if history else 0)  # bytes that Docker does not tell
    assert docker.census() == before
    exporter.stop()
    docker.remove(source)
    docker.remove(neighbour)


def test_pushes_an_image_under_its_own_name(lab, docker, registry, maker):
    """Nothing is tagged and nothing removed, but a digest that came with the push."""
    image = maker.image()
    source = docker.pull(image.push(registry, "docker-push/own", "1"))
    local = docker.tag(source, f"{registry.host}/docker-push/local:1")
    before = docker.census()
    exporter = run_once(lab, config_for(docker,
                                        push(local, content={"image": local}, cold="no"), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert registry.tags("docker-push/local") == ["1"]
    assert docker.census() == before
    exporter.stop()
    docker.remove(local)
    docker.remove(source)


def test_does_not_retag_another_image(lab, docker, registry, maker):
    source = docker.pull(maker.image().push(registry, "docker-push/one", "1"))
    other = docker.pull(maker.image().push(registry, "docker-push/two", "1"))
    before = docker.census()
    exporter = run_once(lab, config_for(docker,
                                        push(other, content={"image": source}, overwrite=True), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "another image in Docker" in exporter.log
    assert docker.census() == before
    exporter.stop()
    for name in (source, other):
        docker.remove(name)


def test_refuses_an_image_that_has_only_a_digest(lab, docker, registry, maker):
    """With the only tag of a repository Docker would remove the digest that was there, too."""
    image = maker.image()
    reference = image.push(registry, "docker-push/nameless", "1")
    source = docker.pull(f"{reference.rpartition(':')[0]}@{image.digest}")
    before = docker.census()
    exporter = run_once(lab, config_for(docker, push(
        f"{registry.host}/docker-push/nameless:probe", content={"image": source}), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert docker.census() == before
    exporter.stop()
    docker.remove(source)


def test_reports_an_image_that_docker_does_not_hold(lab, docker, registry):
    exporter = run_once(lab, config_for(docker, push(
        f"{registry.host}/docker-push/none:probe", content={"image": f"{registry.host}/docker-push/nothing:1"}),
                                        plain=registry.host))
    assert reasons(exporter) == {"not_found": 1}, exporter.log

# SPDX-License-Identifier: Apache-2.0
"""Pull probes through a real dockerd, from real (or, for faults, fake) registries on loopback, which
Docker takes for insecure ones: plain HTTP works."""
import functools
import json
import os
import subprocess

import pytest
import yaml

from lab.fake.registry import FakeRegistry
from lab.images import as_json
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.programs import exporter_binary
from lab.wait import unchanged, wait_until

pull = functools.partial(probe, engine="docker")


@pytest.fixture(autouse=True)
def nothing_is_left(docker):
    """Each test leaves the dockerd as it was."""
    with unchanged(docker.census):
        yield


@pytest.mark.parametrize("kind", ["docker", "oci", "index"])
def test_pulls_cold(lab, docker, registry, maker, kind):
    image = maker.image(layers=3, size=1 << 20, docker=kind == "docker") if kind != "index" else maker.multi_platform()
    reference = image.push(registry, "docker/cold", kind)
    exporter = run_once(lab, config_for(docker, pull(reference, expected={"digest": image.digest})))
    assert exporter.value("image_canary_success") == 1, exporter.log
    layers = (image.manifests[0] if image.manifests else image).layers
    fetched = exporter.value("image_canary_fetched_bytes_total")
    assert 0 < fetched <= sum(len(layer.data) for layer in layers), "progress counts bytes of layers"
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.value("image_canary_image_bytes", kind="unpacked") == \
        sum(1 << 20 if kind != "index" else 64 << 10 for _ in layers)
    assert exporter.value("image_canary_image_info", digest=image.digest) == 1
    assert exporter.value("image_canary_expectation", check="digest") == 1
    for phase in ("resolve", "fetch", "unpack", "cleanup"):
        assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase) == 1
    assert exporter.value("image_canary_cleanup_failures_total") == 0
    assert docker.image(reference) is None


def test_every_run_is_cold(lab, docker, registry, maker):
    reference = maker.image().push(registry, "docker/again", "1")
    exporter = run_once(lab, config_for(docker, pull(reference, interval="1s")))
    exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 4)
    assert exporter.value("image_canary_failures_total") == 0, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.stop()[0] == 0


def test_pulls_by_digest_and_by_tag_with_digest(lab, docker, registry, maker):
    image = maker.image()
    reference = image.push(registry, "docker/digest", "1")
    name = reference.rpartition(":")[0]
    exporter = run_once(lab, config_for(docker, pull(f"{name}@{image.digest}"),
                                        pull(f"{name}:1@{image.digest}", "both"),
                                        pull(f"{name}@sha256:{'0' * 64}", "none")))
    exporter.wait_for("image_canary_success", {"probe": "both"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "canary"}, 1)
    assert reasons(exporter, "none") == {"not_found": 1}
    assert docker.image(f"{name}@{image.digest}") is None


def test_pulls_another_platform(lab, docker, registry, maker):
    index = maker.multi_platform(("linux/arm64", "linux/s390x"))
    reference = index.push(registry, "docker/platform", "1")
    exporter = run_once(lab, config_for(docker, pull(reference, "node")))
    assert reasons(exporter, "node") == {"not_found": 1}
    exporter.stop()
    exporter = run_once(lab, config_for(docker, pull(reference, platform="linux/arm64")))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_image_info", digest=index.digest) == 1


def test_uses_passwords(lab, docker, maker):
    registry = lab.registry(htpasswd={"user": "secret-wörd"})
    for name in ("right", "wrong", "anonymous"):
        maker.image().push(registry, f"docker/{name}", "1")

    def reference(name):
        return f"{registry.host}/docker/{name}:1"

    exporter = run_once(lab, config_for(
        docker, pull(reference("right"), "right", auth={"username": "user", "password": "secret-wörd"}),
        pull(reference("wrong"), "wrong", auth={"username": "user", "password": "wrong-word"}),
        pull(reference("anonymous"), "anonymous")))
    exporter.wait_for("image_canary_success", {"probe": "right"}, 1)
    exporter.wait_for("image_canary_attempts_total", {"probe": "wrong"}, 1)
    assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
    assert reasons(exporter, "anonymous") == {"unauthorized": 1}, exporter.log
    for text in (exporter.log, exporter.raw()):
        assert "secret-w" not in text and "wrong-word" not in text


def test_uses_tokens(lab, docker):
    with FakeRegistry(auth="bearer", users={"user": "word"}, anonymous_pull=False) as private, \
            FakeRegistry(auth="bearer") as public:
        for registry in (private, public):
            for name in ("known", "unknown"):
                registry.add_image(f"canary/{name}", "v1")
        exporter = run_once(lab, config_for(
            docker,
            pull(f"{private.address}/canary/known:v1", "known", auth={"username": "user", "password": "word"}),
            pull(f"{private.address}/canary/unknown:v1", "unknown", auth={"username": "user", "password": "no"}),
            pull(f"{public.address}/canary/known:v1", "anonymous")))
        exporter.wait_for("image_canary_success", {"probe": "known"}, 1)
        exporter.wait_for("image_canary_success", {"probe": "anonymous"}, 1)
        assert reasons(exporter, "unknown") == {"unauthorized": 1}, exporter.log


def test_refuses_and_keeps_an_existing_image(lab, docker, registry, maker):
    reference = docker.pull(maker.image().push(registry, "docker/before", "1"))
    before = docker.census()
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert docker.census() == before
    exporter.stop()
    exporter = run_once(lab, config_for(docker, pull(reference, cold="no")))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_fetched_bytes_total") == 0
    assert exporter.value("image_canary_cached_bytes_total") == 2 * 64 * 1024, "as it is unpacked"
    assert docker.census() == before
    exporter.stop()
    docker.remove(reference)


@pytest.mark.parametrize("other", ["docker/named:2", "elsewhere/named:1"])
@pytest.mark.parametrize("by_digest", [False, True])
def test_keeps_an_existing_image_with_another_name(lab, docker, registry, maker, other, by_digest):
    image = maker.image()
    reference = image.push(registry, "docker/named", "1")
    other = docker.pull(image.push(registry, *other.split(":")))
    if by_digest:
        reference = f"{registry.host}/docker/named@{image.digest}"
        if docker.image(reference):
            docker.remove(other)
            return
    before = docker.census()
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == 2 * 64 * 1024
    assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
    assert docker.census() == before
    exporter.stop()
    docker.remove(other)


def test_keeps_an_existing_image_without_a_name(lab, docker, registry, maker):
    """Docker would remove it with our name: so our name stays, and is counted as a leftover."""
    image, other = maker.image(), maker.image()
    reference = docker.pull(image.push(registry, "docker/nameless", "1"))
    identity = docker.image(reference)["Id"]
    other.push(registry, "docker/nameless", "1")
    docker.pull(reference)  # the tag moves: only a digest of the same repository is left of the first
    image.push(registry, "docker/nameless", "back")
    reference = f"{registry.host}/docker/nameless:back"
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_cleanup_failures_total") == 1
    assert docker.image(identity)["RepoTags"] == [reference]
    exporter.stop()
    docker.remove(reference)
    docker.remove(f"{registry.host}/docker/nameless:1")


@pytest.mark.parametrize("history", [False, True])
def test_detects_a_layer_of_another_image(lab, docker, registry, maker, history):
    shared, own = maker.layer(100_000), maker.layer(50_000)
    config = {"history": [{"created_by": "one"}, {"created_by": "nothing", "empty_layer": True},
                          {"created_by": "two"}]} if history else {}
    neighbour = docker.pull(maker.image([shared]).push(registry, "docker/neighbour", str(history)))
    reference = maker.image([shared, own], config=config).push(registry, "docker/shared", str(history))
    docker_config = config_for(docker, pull(reference))
    exporter = run_once(lab, docker_config)
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == (100_000 if history else 1)
    exporter.stop()
    docker_config["probes"] = [pull(reference, cold="no")]
    exporter = run_once(lab, docker_config)
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == (100_000 if history else 1)
    exporter.stop()
    docker.remove(neighbour)


def test_keeps_an_existing_image_with_a_local_tag(lab, docker, registry, maker):
    reference = docker.pull(maker.image().push(registry, "docker/local", "1"))
    kept = docker.tag(reference, "somebody/else:1")
    docker.remove(reference)
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert reasons(exporter) == {"not_cold": 1}
    assert docker.image(kept)["RepoTags"] == [kept]
    docker.remove(kept)


def test_restart_removes_leftovers_of_a_killed_exporter(lab, docker):
    with FakeRegistry() as registry:
        registry.add_image("canary/image", "v1")
        # Not a layer: Docker 20.10 never hangs up on one, and lets later pulls of it wait, too.
        hang = registry.fault("hang", path="/manifests/")
        reference = f"{registry.address}/canary/image:v1"
        exporter = lab.exporter(config_for(docker, pull(reference, interval="5s", timeout="60s")),
                                args=[AT_ONCE])
        wait_until(lambda: registry.requests(path="/manifests/"), what="the manifest")
        exporter.kill()
        assert docker.census()["volumes"] == ["containerd-exporter.canary"], "the mark"
        registry.unfault(hang)
        docker.pull(reference)  # as if it had come to its end before the kill
        exporter.start()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
        assert exporter.value("image_canary_success") == 1, exporter.log
        assert exporter.stop()[0] == 0


def test_respects_marks_of_other_exporters(lab, docker, registry, maker):
    """Expired ones are cleared up, with the image unless that was there; the others are left alone."""
    names = ("expired", "spared", "alive")
    images = {name: docker.pull(maker.image().push(registry, f"docker/{name}", "1")) for name in names}
    for name, reference in images.items():
        docker.api("/volumes/create", "POST", {"Name": f"containerd-exporter.{name}", "Labels": {
            "containerd-exporter/image": reference,
            "containerd-exporter/spared": "sha256:0," + docker.image(images["spared"])["Id"],
            "containerd-exporter/expires": "99999999999" if name == "alive" else "1"}})
    docker.api("/volumes/create", "POST", {"Name": "somebody", "Labels": {"other": "label"}})
    reference = maker.image().push(registry, "docker/marks", "1")
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert [name for name in names if docker.image(images[name])] == ["spared", "alive"]
    assert docker.census()["volumes"] == ["containerd-exporter.alive", "somebody"]
    for name in ("spared", "alive"):
        docker.remove(images[name])
    for name in ("containerd-exporter.alive", "somebody"):
        docker.api(f"/volumes/{name}", "DELETE")


FAULTS = [
    ("missing-blob", dict(kind="status", path="LAYER", status=404), "not_found"),
    ("server-error", dict(kind="status", path="/manifests/", status=500), "server_error"),
    ("server-error-layer", dict(kind="status", path="LAYER", status=500), "server_error"),
    ("rate-limited", dict(kind="status", path="/manifests/", status=429,
                          body=as_json({"errors": [{"code": "TOOMANYREQUESTS", "message": "slowly"}]})), "rate_limited"),
    ("rate-limited-layer", dict(kind="status", path="LAYER", status=429,
                                body=as_json({"errors": [{"code": "TOOMANYREQUESTS", "message": "slowly"}]})), "rate_limited"),
    ("rate-limited-without-words", dict(kind="status", path="LAYER", status=429), "rate_limited"),
    ("forbidden", dict(kind="status", path="/manifests/", status=403), "forbidden"),
    ("denied", dict(kind="status", path="/manifests/", status=403,
                    body=as_json({"errors": [{"code": "DENIED", "message": "no"}]})), "forbidden"),
    ("wrong-config", dict(kind="wrong_bytes", path="CONFIG"), "digest_mismatch"),
    ("wrong-bytes", dict(kind="wrong_bytes", path="LAYER"), "digest_mismatch"),
    ("truncated", dict(kind="truncate", path="LAYER"), "digest_mismatch"),
    ("longer", dict(kind="longer", path="LAYER"), "digest_mismatch"),
    ("reset", dict(kind="reset", path="/manifests/"), "connect"),
    ("garbage", dict(kind="wrong_bytes", path="/manifests/"), "protocol"),
    ("content-type", dict(kind="content_type", path="/manifests/", value="text/html"), "protocol"),
]


@pytest.mark.parametrize("name, fault, reason", FAULTS, ids=[row[0] for row in FAULTS])
def test_reports_the_reason_of_a_fault(lab, docker, name, fault, reason):
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1")
        places = {"LAYER": image["layers"][1]["digest"], "CONFIG": image["config"]["digest"]}
        registry.fault(**{**fault, "path": places.get(fault["path"], fault["path"])})
        exporter = run_once(lab, config_for(docker, pull(f"{registry.address}/canary/image:v1", name)))
        assert reasons(exporter, name) == {reason: 1}, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0


def test_distinguishes_refused_connections_unknown_hosts_and_missing_images(lab, docker, registry):
    exporter = run_once(lab, config_for(docker, pull("127.0.0.1:1/canary/image:v1"),
                                        pull("no-such-host.invalid/canary/image:v1", "dns"),
                                        pull(f"{registry.host}/docker/nothing:1", "missing")))
    for name, reason in (("canary", "connect"), ("dns", "dns"), ("missing", "not_found")):
        exporter.wait_for("image_canary_attempts_total", {"probe": name}, 1)
        assert reasons(exporter, name) == {reason: 1}, exporter.log


@pytest.mark.parametrize("path", ["/manifests/", "LAYER"])
def test_times_out_on_a_hanging_registry(lab, docker, path):
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1")
        registry.fault("hang", path=path.replace("LAYER", image["layers"][1]["digest"]))
        exporter = run_once(lab, config_for(docker, pull(f"{registry.address}/canary/image:v1", timeout="2s")))
        assert reasons(exporter) == {"timeout": 1}, exporter.log
        assert 0 < exporter.value("image_canary_last_duration_seconds") < 4  # without what preparation took of 2 s


def test_sigterm_during_a_pull_leaves_nothing(lab, docker):
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1")
        registry.fault("hang", path=image["layers"][1]["digest"])
        exporter = lab.exporter(config_for(docker, pull(f"{registry.address}/canary/image:v1", timeout="60s")),
                                args=[AT_ONCE])
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the second layer")
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5, exporter.log


def test_reports_a_daemon_killed_during_a_pull(lab, maker):
    docker = lab.docker(lab.containerd())
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1")
        fault = registry.fault("hang", path=image["layers"][1]["digest"])
        config = config_for(docker, pull(f"{registry.address}/canary/image:v1", interval="2s", timeout="60s"))
        config["collectors"] = {"docker": {"interval": "1s"}}
        exporter = lab.exporter(config, args=[AT_ONCE])
        wait_until(lambda: registry.requests(path=image["layers"][1]["digest"]), what="the second layer")
        docker.kill()
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
        assert reasons(exporter).keys() == {"runtime_unavailable"}, exporter.log
        exporter.wait_for("docker_engine_up", {}, 0, timeout=30)
        (docker.dir / "docker.pid").unlink(missing_ok=True)
        registry.unfault(fault)
        docker.start()
        exporter.wait_for("image_canary_success", {}, 1)
        assert exporter.stop()[0] == 0
        census = docker.census()
        assert census["images"] == {} and census["bytes"] == 0


def test_fifty_runs_leave_docker_unchanged(lab, docker, registry, maker):
    good = maker.image().push(registry, "docker/fifty", "good")
    index = maker.multi_platform().push(registry, "docker/fifty", "index")
    missing = f"{registry.host}/docker/fifty:missing"
    with FakeRegistry() as fake:
        image = fake.add_image("canary/image", "v1")
        fake.fault("truncate", path=image["layers"][1]["digest"])
        probes = [pull(good, "good", interval="1s"), pull(index, "index", interval="1s"),
                  pull(missing, "missing", interval="1s"),
                  pull(f"{fake.address}/canary/image:v1", "broken", interval="1s"),
                  pull(good, "same", interval="1s", cold="no"), pull(good, "again", interval="1s")]
        exporter = lab.exporter(config_for(docker, *probes), args=[AT_ONCE])
        exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 50, timeout=90)
        assert exporter.value("image_canary_failures_total", probe="index") == 0, exporter.log
        for name in ("good", "same", "again"):
            assert reasons(exporter, name) == {}, f"those of one image do not meet\n{exporter.log}"
        assert reasons(exporter, "missing").keys() == {"not_found"}
        assert reasons(exporter, "broken").keys() == {"digest_mismatch"}
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        assert exporter.stop()[0] == 0


def test_reports_a_missing_socket_and_a_missing_setting(lab, docker):
    config = config_for(docker, pull("127.0.0.1:1/canary/image:v1"))
    config["docker"]["address"] = "/nowhere/docker.sock"
    exporter = run_once(lab, config)
    assert reasons(exporter) == {"runtime_unavailable": 1}
    assert "no such socket" in exporter.log
    exporter.wait_for("docker_engine_up", {}, 0)
    exporter.stop()
    del config["docker"]
    exporter = run_once(lab, config)
    assert reasons(exporter) == {"unsupported": 1}
    assert "no Docker socket is configured" in exporter.log
    assert not [name for name in exporter.metrics() if name.startswith("docker_")]


def test_reports_a_socket_that_is_not_docker(lab, docker):
    """containerd's socket speaks, but something else."""
    config = config_for(docker, pull("127.0.0.1:1/canary/image:v1"))
    config["docker"]["address"] = docker.containerd.address
    exporter = run_once(lab, config)
    assert reasons(exporter) == {"protocol": 1}, exporter.log
    assert "not Docker" in exporter.log


def test_reports_the_inventory_of_docker(lab, docker, registry, maker):
    reference = docker.pull(maker.image().push(registry, "docker/inventory", "1"))
    exporter = lab.exporter({**config_for(docker), "collectors": {"docker": {"interval": "1s"}}})
    exporter.wait_for("docker_engine_images", {}, 1)
    assert exporter.value("docker_engine_up") == 1
    (info,) = exporter.samples("docker_engine_info")
    assert dict(info)["version"].startswith("20.10")
    docker.remove(reference)
    exporter.wait_for("docker_engine_images", {}, 0)


@pytest.mark.parametrize("first", ["exporter", "command"])
def test_serialises_exporter_and_probe_command(lab, docker, first):
    """Both pull the same image cold, each after the other: neither sees what the other pulled."""
    def marks():
        return {volume["Name"] for volume in docker.api("/volumes").get("Volumes") or []
                if volume["Name"].startswith("containerd-exporter.")}

    with FakeRegistry() as fake:
        fake.add_image("docker/turns", "1", layers=[{"random": os.urandom(256 << 10)}])
        fake.fault("slow", path="/blobs/", method="GET", value=0.2)
        config = config_for(docker, pull(f"{fake.address}/docker/turns:1", timeout="60s"))
        path = lab.temp / "turns.yml"
        path.write_text(yaml.dump(config))

        def start_command():
            return subprocess.Popen([exporter_binary(), "probe", f"--config.file={path}", "canary", "--json"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        command = start_command() if first == "command" else None
        if command:
            wait_until(marks, what="the command's mark")
            assert all(name.endswith("--visitor") for name in marks())
        exporter = lab.exporter(config, args=[AT_ONCE])
        if not command:
            wait_until(marks, what="the exporter's mark")
            assert marks() == {"containerd-exporter.canary"}
            command = start_command()
        out, _ = command.communicate(timeout=90)
        exporter.wait_for("image_canary_attempts_total", {"probe": "canary"}, lambda n: n >= 1, timeout=90)
    assert json.loads(out)["reason"] == "", out
    assert reasons(exporter) == {}, exporter.log

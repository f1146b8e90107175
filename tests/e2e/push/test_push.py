# SPDX-License-Identifier: Apache-2.0
"""Push probes: what arrives at the registry is whole, new on every run, and gone from containerd."""
import functools
import json
import re
import subprocess

import pytest

from lab.fake.registry import FakeRegistry
from lab.images import sha256
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.wait import unchanged, wait_until

push = functools.partial(probe, operation="push")


@pytest.fixture(autouse=True)
def nothing_is_left(containerd):
    with unchanged(containerd.census):
        yield


def test_pushed_image_can_be_pulled(lab, containerd, registry):
    reference = f"{registry.host}/push/whole:probe"
    exporter = run_once(lab, config_for(containerd,
                                        push(reference, content={"layers": 3, "size": "300KiB"}), plain=registry.host))
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


MEDIA_TYPES = {
    "oci": ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"),
    "docker": ("application/vnd.docker.distribution.manifest.v2+json",
               "application/vnd.docker.distribution.manifest.list.v2+json"),
}


def test_every_kind_of_image_is_valid_for_skopeo_and_containerd(lab, containerd, registry):
    kinds = {f"{engine}-{form}-{'index' if index else 'image'}": (engine, form, index)
             for engine in ("client", "registry") for form in MEDIA_TYPES for index in (False, True)}
    probes = [push(f"{registry.host}/push/kinds:{name}", name, engine=engine,
                   content={"layers": 4, "size": "100001", "format": form, "index": index})
              for name, (engine, form, index) in kinds.items()]
    exporter = run_once(lab, config_for(containerd, *probes, plain=registry.host))
    for name, (_, form, index) in kinds.items():
        reference = f"{registry.host}/push/kinds:{name}"
        exporter.wait_for("image_canary_success", {"probe": name}, lambda n: n == 1, timeout=40)
        digest, media_type, body = registry.manifest("push/kinds", name)
        assert media_type == MEDIA_TYPES[form][index]
        image_digest, declared = digest, len(body)
        if index:
            (entry,) = json.loads(body)["manifests"]
            image_digest, kind, body = registry.manifest("push/kinds", entry["digest"])
            declared += len(body)
            assert kind == entry["mediaType"] == MEDIA_TYPES[form][False]
        manifest = json.loads(body)
        declared += manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
        assert len({layer["digest"] for layer in manifest["layers"]}) == 4
        assert exporter.value("image_canary_image_info", probe=name, digest=digest, manifest_digest=image_digest,
                              media_type=media_type) == 1
        assert exporter.value("image_canary_uploaded_bytes_total", probe=name) == declared
        assert exporter.value("image_canary_image_bytes", probe=name, kind="declared") == declared
        assert exporter.value("image_canary_cached_bytes_total", probe=name) == 0
        assert exporter.value("image_canary_phase_duration_seconds_count", probe=name, phase="commit") == 1
        assert exporter.value("image_canary_served_by_info", probe=name, host=registry.host) == 1

        target = lab.folder("skopeo")
        subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", "--preserve-digests", "--all",
                        f"docker://{reference}", f"dir:{target}"], check=True, capture_output=True)
        assert sha256((target / "manifest.json").read_bytes()) == digest
        containerd.ctr("images", "pull", "--plain-http", reference, namespace="pulled")
        (row,) = containerd.check("pulled").values()
        assert row["status"] == "complete" and row["unpacked"]
        containerd.ctr("images", "rm", "--sync", reference, namespace="pulled")
    containerd.ctr("namespaces", "rm", "pulled")
    exporter.stop()


def test_registry_engine_needs_no_runtime(lab, registry):
    config = config_for(None, *(push(f"{registry.host}/push/alone:{engine}", engine, engine=engine)
                                for engine in ("registry", "auto", "client")),
                        plain=registry.host, containerd={"address": "/nowhere/containerd.sock"})
    exporter = run_once(lab, config)
    exporter.wait_for("image_canary_success", {"probe": "registry"}, lambda n: n == 1)
    exporter.wait_for("image_canary_success", {"probe": "auto"}, lambda n: n == 1)
    exporter.wait_for("image_canary_success", {"probe": "client"}, lambda n: n == 0)
    assert reasons(exporter, "client") == {"runtime_unavailable": 1}, exporter.log
    assert exporter.value("image_canary_failures_total") == 1
    exporter.stop()


def test_pushes_the_maximum_of_layers(lab, containerd, registry):
    probes = [push(f"{registry.host}/push/many:{engine}", engine, engine=engine,
                   content={"layers": 64, "size": "1KiB"}) for engine in ("client", "registry")]
    exporter = run_once(lab, config_for(containerd, *probes, plain=registry.host))
    for engine in ("client", "registry"):
        exporter.wait_for("image_canary_success", {"probe": engine}, lambda n: n == 1)
        layers = json.loads(registry.manifest("push/many", engine)[2])["layers"]
        assert len({layer["digest"] for layer in layers}) == 64
    exporter.stop()


def test_uploads_layers_in_parallel(lab, containerd):
    """None of the first three is answered before all of them have come."""
    with FakeRegistry() as registry:
        registry.fault("hang", method="PUT", path="/uploads/")
        probes = [push(f"{registry.address}/push/{engine}:probe", engine, engine=engine, timeout="3s",
                       content={"layers": 5, "size": "1KiB"}) for engine in ("client", "registry")]
        exporter = lab.exporter(config_for(containerd, *probes, plain=registry.address), args=[AT_ONCE])
        wait_until(lambda: len(registry.requests("PUT")) == 6, what="three uploads of each")
        exporter.wait_for("image_canary_failure_reasons_total", {"probe": "client", "reason": "timeout"}, lambda n: n == 1)
        exporter.wait_for("image_canary_failure_reasons_total", {"probe": "registry", "reason": "timeout"},
                          lambda n: n == 1)
        assert len(registry.requests("PUT")) == 6
        exporter.stop()


@pytest.fixture
def held(containerd):
    """A namespace that is not the probe's."""
    yield "held"
    containerd.remove_images("held")
    containerd.ctr("namespaces", "rm", "held")


HIDE = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']


@pytest.mark.parametrize("visible", [True, False], ids=["files", "daemon"])
def test_pushes_an_image_of_containerd(lab, containerd, registry, maker, held, visible):
    """One platform of it, though of the other nothing is there; and nothing of it is touched."""
    index = maker.multi_platform()
    name = index.load(containerd, held, "example.org/held/image:1", unpack=False, all_platforms=True)
    ours, other = index.manifests[:2]
    for digest in (other.digest, *other.blobs):
        containerd.remove_blob(digest, held)
    maker.image().load(containerd, held, "example.org/held/gone:1", unpack=False)
    containerd.ctr("images", "rm", "--sync", "example.org/held/gone:1", namespace=held)  # what the imports have left
    before = containerd.census()
    repository = f"push/held-{int(visible)}"
    target = f"{registry.host}/{repository}:probe"
    config = config_for(containerd, push(target, interval="1s", cold="no", content={
        "image": name, "namespace": held}), plain=registry.host)
    content = containerd.root / "io.containerd.content.v1.content"
    exporter = lab.exporter(config, args=[AT_ONCE], wrap=[] if visible else [*HIDE, str(content)])
    exporter.wait_for("image_canary_attempts_total", {}, lambda n: n >= 1)
    exporter.wait_for("image_canary_success", {}, lambda n: n == 1)
    size = len(ours.data) + ours.size
    assert registry.manifest(repository, "probe")[0] == ours.digest
    assert exporter.value("image_canary_image_info", digest=ours.digest, manifest_digest=ours.digest) == 1
    assert exporter.value("image_canary_image_bytes", kind="declared") == size
    exporter.wait_for("image_canary_cached_bytes_total", {}, lambda n: n >= ours.size)  # of the second run
    exporter.stop()
    assert not re.search(r"level=WARN source=(?!reload\.c)", exporter.log), exporter.log  # of runs
    assert containerd.census() == before
    subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", f"docker://{target}",
                    f"dir:{lab.folder('skopeo')}"], check=True, capture_output=True)


def test_reports_images_that_containerd_does_not_hold(lab, containerd, registry, maker, held):
    whole = maker.image().load(containerd, held, "example.org/held/whole:1", unpack=False)
    foreign = maker.image(platform="linux/s390x").load(containerd, held, "example.org/held/foreign:1", unpack=False,
                                                       all_platforms=True)
    broken = maker.image(layers=2)
    broken.load(containerd, held, "example.org/held/broken:1", unpack=False)
    containerd.remove_blob(broken.layers[1].digest, held)
    probes = [push(f"{registry.host}/push/{name}:probe", name, content={"image": image, "namespace": space})
              for name, image, space in (("missing", "example.org/held/none:1", held), ("elsewhere", whole, "k8s.io"),
                                         ("broken", "example.org/held/broken:1", held), ("foreign", foreign, held))]
    exporter = run_once(lab, config_for(containerd, *probes, plain=registry.host))
    for name in ("missing", "elsewhere", "broken"):
        exporter.wait_for("image_canary_failure_reasons_total", {"probe": name, "reason": "not_found"}, lambda n: n == 1)
    exporter.wait_for("image_canary_success", {"probe": "foreign"}, lambda n: n == 1)  # no index: nothing to choose
    exporter.stop()


def test_pushes_new_bytes_in_every_run(lab, containerd, registry):
    reference = f"{registry.host}/push/again:probe"
    exporter = run_once(lab, config_for(containerd,
                                        push(reference, interval="1s", content={"size": "200KiB"}),
                                        plain=registry.host), attempts=3)
    exporter.stop()
    pushed = {line.split()[-1] for line in registry.log.splitlines() if "blob upload" in line.lower()}
    blobs = list((registry.dir / "data").glob("docker/registry/v2/blobs/sha256/*/*/data"))
    big = [blob for blob in blobs if 200 * 1024 < blob.stat().st_size < 210 * 1024]
    assert len(big) >= 3, (pushed, "each run left a layer of its own")


def test_does_not_overwrite_foreign_images(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "push/precious", "1")
    before = registry.manifest("push/precious", "1")[0]
    exporter = run_once(lab, config_for(containerd, push(reference), plain=registry.host))
    assert reasons(exporter) == {"invalid": 1}, exporter.log
    assert "overwrite: true" in exporter.log
    assert registry.manifest("push/precious", "1")[0] == before
    exporter.stop()
    exporter = run_once(lab, config_for(containerd, push(reference, overwrite=True), plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert registry.manifest("push/precious", "1")[0] != before
    exporter.stop()
    exporter = run_once(lab, config_for(containerd, push(reference), plain=registry.host))  # its own now
    assert exporter.value("image_canary_success") == 1, exporter.log
    exporter.stop()


def test_push_and_pull_probe_share_a_reference(lab, containerd, registry):
    """What the demo shows: a push probe feeds a pull probe."""
    reference = f"{registry.host}/push/both:probe"
    config = config_for(containerd, push(reference, "push", interval="1s"),
                        {**push(reference, "pull", interval="1s"), "operation": "pull"}, plain=registry.host)
    exporter = run_once(lab, config)
    exporter.wait_for("image_canary_success", {"probe": "pull"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "push"}, 1)
    exporter.stop()


def test_distinguishes_right_and_wrong_passwords(lab, containerd):
    registry = lab.registry(htpasswd={"user": "word"})
    reference = f"{registry.host}/push/private:probe"
    exporter = run_once(lab, config_for(
        containerd, push(reference, "right", auth={"username": "user", "password": "word"}),
        push(reference, "wrong", auth={"username": "user", "password": "no"}), push(reference, "anonymous"),
        plain=registry.host))
    assert exporter.value("image_canary_success", probe="right") == 1, exporter.log
    for name in ("wrong", "anonymous"):
        assert reasons(exporter, name) == {"unauthorized": 1}
    assert exporter.value("image_canary_failures_total") == 2
    exporter.stop()
    with FakeRegistry(auth="bearer", users={"user": "word"}) as tokens:
        exporter = run_once(lab, config_for(
            containerd, push(f"{tokens.address}/push/token:probe"), registries={
                tokens.address: {"plain_http": True, "auth": {"username": "user", "password": "word"}}}))
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
def test_reports_the_reason_of_a_fault(lab, containerd, fault, reason):
    with FakeRegistry() as registry:
        registry.fault(**fault)
        exporter = run_once(lab, config_for(containerd,
                                            push(f"{registry.address}/push/fault:probe", timeout="3s"),
                                            plain=registry.address))
        assert reasons(exporter) == {reason: 1}, exporter.log
        exporter.stop()


def test_deletes_the_blobs_of_a_failed_push(lab, containerd):
    with FakeRegistry() as registry:
        registry.fault("status", method="PUT", path="/manifests/", status=503)
        probes = [push(f"{registry.address}/push/rest-{engine}:probe", engine, engine=engine, delete_remote=True,
                       content={"layers": 2}) for engine in ("client", "registry")]
        exporter = run_once(lab, config_for(containerd, *probes, plain=registry.address))
        for engine in ("client", "registry"):
            exporter.wait_for("image_canary_failure_reasons_total", {"probe": engine, "reason": "server_error"},
                              lambda n: n == 1)
            deleted = {one.path for one in registry.requests("DELETE") if f"rest-{engine}/blobs/sha256" in one.path}
            assert len(deleted) == 3
            assert exporter.value("image_canary_cleanup_failures_total", probe=engine) == 0, exporter.log
        exporter.stop()


def test_sigterm_during_a_push_leaves_nothing(lab, containerd):
    with FakeRegistry() as registry:
        registry.fault("hang", method="PUT", path="/uploads/")
        before = containerd.census()
        exporter = lab.exporter(config_for(containerd,
                                           push(f"{registry.address}/push/hang:probe", timeout="60s"),
                                           plain=registry.address),
                                args=[AT_ONCE])
        wait_until(lambda: registry.requests("PUT"), what="an upload")
        assert containerd.census() != before
        code, seconds = exporter.stop()
        assert code == 0 and seconds < 2.5
        assert containerd.census() == before

# SPDX-License-Identifier: Apache-2.0
"""Pushes by every engine to docker-registry in its usual set-ups: with passwords, tokens and a private
authority, read-only, full, with and without deletion. skopeo, containerd and Docker can read the result."""
import json
import subprocess

import pytest

from lab.field import Ground
from lab.images import DOCKER, MIB, OCI, sha256
from lab.matrix import Daemon, need
from lab.probes import config_for, probe, reasons, run_once
from lab.wait import unchanged

ENGINES = ("client", "registry", "transfer", "docker")
LAYERS = 3
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # of the system; without a CA, dockerd trusts 127.0.0.1


class Node:
    """What an engine needs, and what it knows of registries."""

    def __init__(self, lab, engine):
        self.engine, self.ground = engine, Ground(lab.folder("ground"))
        self.daemon = Daemon(lab, [engine], self.ground)

    def knows(self, registry, trust=""):
        trust = (trust or registry.cafile) if registry.cafile else ""
        self.ground.know(registry.host, plain=not registry.cafile, trust=trust)
        return registry

    def push(self, reference, name="canary", **more):
        return probe(reference, name, "push", **{
            "engine": self.engine, "content": {"layers": LAYERS, "size": "200KiB"}, **more})

    def config(self, *probes):
        return config_for(self.daemon, *probes, registries=self.ground.registries)


@pytest.fixture(scope="module", params=ENGINES)
def node(module_lab, request):
    need(request.param)
    return Node(module_lab, request.param)


@pytest.fixture(autouse=True)
def nothing_is_left(node):
    with unchanged(node.daemon.state, timeout=5):
        yield


def succeeded(exporter, name="canary"):
    return exporter.value("image_canary_success", probe=name) == 1


# ---- What arrives


@pytest.fixture(scope="module")
def reader(module_lab):
    """A containerd and a dockerd that pull the image and took no part in the push."""
    containerd = module_lab.containerd()
    return containerd, module_lab.docker(containerd)


def read_by_skopeo(lab, reference, digest):
    folder = lab.folder("skopeo")
    subprocess.run(["skopeo", "--tmpdir", lab.temp, "copy", "--src-tls-verify=false", "--preserve-digests",
                    f"docker://{reference}", f"dir:{folder}"], check=True, capture_output=True)
    manifest = (folder / "manifest.json").read_bytes()
    assert sha256(manifest) == digest
    for blob in [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]:
        data = (folder / blob["digest"].removeprefix("sha256:")).read_bytes()
        assert (sha256(data), len(data)) == (blob["digest"], blob["size"])


def read_by_containerd(containerd, reference):
    containerd.ctr("images", "pull", "--plain-http", reference, namespace="pulled")
    (row,) = containerd.check("pulled").values()
    blobs = str(1 + LAYERS)  # the manifest is not counted
    assert row == {"status": "complete", "have": blobs, "want": blobs, "unpacked": True}
    containerd.ctr("images", "rm", "--sync", reference, namespace="pulled")


def read_by_docker(docker, reference, digest):
    docker.pull(reference)
    image = docker.image(reference)
    assert image["RepoDigests"] == [f"{reference.rpartition(':')[0]}@{digest}"]
    assert len(image["RootFS"]["Layers"]) == LAYERS
    docker.remove(reference)


@pytest.mark.parametrize("kind", ("oci", "docker"))
def test_pushed_image_is_valid_for_skopeo_containerd_and_docker(lab, node, reader, registry, kind):
    if (node.engine, kind) == ("docker", "oci"):
        pytest.skip("dockerd knows its own format only")
    node.knows(registry)
    reference = f"{registry.host}/valid/{node.engine}:{kind}"
    content = {"layers": LAYERS, "size": "200KiB", **({} if node.engine == "docker" else {"format": kind})}
    exporter = run_once(lab, node.config(node.push(reference, content=content)))
    assert succeeded(exporter), exporter.log
    digest, media_type, body = registry.manifest(f"valid/{node.engine}", kind)
    assert media_type == {"oci": OCI, "docker": DOCKER}[kind]["manifest"]
    manifest = json.loads(body)
    assert len(manifest["layers"]) == LAYERS
    assert all(layer["size"] > 200 * 1024 for layer in manifest["layers"]), "nothing makes random bytes smaller"
    assert exporter.value("image_canary_image_info", digest=digest) == 1
    if node.engine != "docker":  # which does not report it
        assert exporter.value("image_canary_image_info", media_type=media_type) == 1
    assert exporter.value("image_canary_uploaded_bytes_total") >= LAYERS * 200 * 1024
    assert exporter.value("image_canary_cached_bytes_total", 0) == 0
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="upload") == 1
    assert exporter.value("image_canary_cleanup_failures_total") == 0
    assert registry.uploads() == {}
    containerd, docker = reader
    read_by_skopeo(lab, reference, digest)
    read_by_containerd(containerd, reference)
    read_by_docker(docker, reference, digest)


# ---- Credentials


def test_trusts_only_the_configured_authority(lab, node):
    registry = node.knows(lab.registry(tls=True))
    reference = f"{registry.host}/push/tls:probe"
    exporter = run_once(lab, node.config(node.push(reference)))
    assert succeeded(exporter), exporter.log
    assert registry.tags("push/tls") == ["probe"]
    exporter.stop()
    node.knows(registry, trust=AUTHORITIES)
    exporter = run_once(lab, node.config(node.push(reference)))
    assert reasons(exporter) == {"tls": 1}, exporter.log


def test_uses_passwords(lab, node):
    registry = node.knows(lab.registry(htpasswd={"user": "word"}))
    who = {"right": {"username": "user", "password": "word"}, "wrong": {"username": "user", "password": "secret-no"},
           "nobody": {}}
    exporter = run_once(lab, node.config(*(node.push(f"{registry.host}/push/{name}:probe", name, auth=auth)
                                           for name, auth in who.items())))
    assert succeeded(exporter, "right"), exporter.log
    assert registry.repositories() == ["push/right"]
    for name in ("wrong", "nobody"):
        assert reasons(exporter, name) == {"unauthorized": 1}, exporter.log
    assert "secret-no" not in exporter.log


def test_uses_tokens(lab, node):
    """The token server gives a reader a token, but none that lets them push."""
    tokens = lab.token_server(users={"writer": "word", "reader": "word"}, rights={"reader": {"pull"}})
    registry = node.knows(lab.registry(tokens=tokens))
    who = {"writer": {"username": "writer", "password": "word"}, "reader": {"username": "reader", "password": "word"},
           "wrong": {"username": "writer", "password": "secret-no"}, "nobody": {}}
    exporter = run_once(lab, node.config(*(node.push(f"{registry.host}/push/{name}:probe", name, auth=auth)
                                           for name, auth in who.items())))
    assert succeeded(exporter, "writer"), exporter.log
    assert registry.repositories() == ["push/writer"]
    assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
    for name in ("reader", "nobody"):  # dockerd makes "denied" of a token that is not enough
        assert reasons(exporter, name) == {"forbidden" if node.engine == "docker" else "unauthorized": 1}, exporter.log
    assert any("push" in scope for name, scopes in tokens.asked for scope in scopes if name == "reader")


# ---- Registries that take nothing


def test_reports_a_read_only_registry(lab, node):
    """It answers 405 to every write."""
    registry = node.knows(lab.registry(readonly=True))
    exporter = run_once(lab, node.config(node.push(f"{registry.host}/push/readonly:probe")))
    assert reasons(exporter) == {"unsupported": 1}, exporter.log
    assert exporter.value("image_canary_last_duration_seconds") < 10


def test_reports_a_registry_with_a_full_disk(lab, node):
    """docker-registry answers 500 to an upload that does not fit on its disk. dockerd retries until the
    deadline."""
    registry = node.knows(lab.registry(room=2 * MIB))
    large = node.push(f"{registry.host}/push/large:probe", timeout="8s", content={"layers": 1, "size": "4MiB"})
    exporter = run_once(lab, node.config(large))
    assert reasons(exporter) == {"timeout" if node.engine == "docker" else "server_error": 1}, exporter.log
    assert not registry.tags("push/large")


# ---- What is removed again


@pytest.mark.parametrize("delete", (True, False))
def test_delete_remote_reports_what_the_registry_keeps(lab, node, delete):
    """What stays is one tag, counted and said."""
    registry = node.knows(lab.registry(delete=delete))
    exporter = run_once(lab, node.config(node.push(f"{registry.host}/push/gone:probe", delete_remote=True)))
    assert succeeded(exporter), exporter.log
    assert registry.tags("push/gone") == ([] if delete else ["probe"])
    assert exporter.value("image_canary_cleanup_failures_total") == (0 if delete else 1)
    assert ("not removed from the registry" in exporter.log) == (not delete), exporter.log
    assert exporter.value("image_canary_phase_duration_seconds_count", phase="cleanup") == 1
    registry.collect_garbage()
    assert bool(registry.blobs()) == (not delete)

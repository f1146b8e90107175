# SPDX-License-Identifier: Apache-2.0
"""The files that canary-checker's users have, given to the exporter as they are."""
import json
import re
import subprocess
import textwrap

import pytest

from lab.probes import AT_ONCE, config_for, probe, reasons, wait_for_runs
from lab.programs import exporter_binary
from lab.wait import unchanged

API_VERSION = "canaries.flanksource.com/v1"

PULL_EXAMPLE = """\
apiVersion: canaries.flanksource.com/v1
kind: Canary
metadata:
  name: containerd-pull-check
spec:
  interval: 30
  containerd: # use docker if running outside kubernetes / docker
    - image: docker.io/library/busybox:1.31.1
      expectedDigest: sha256:95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209
      expectedSize: 764556

"""
PUSH_EXAMPLE = """\
apiVersion: canaries.flanksource.com/v1
kind: Canary
metadata:
  name: containerd-push-check
spec:
  interval: 30
  containerdPush:  # use dockerPush if running outside kubernetes / docker
    - name: ContainerdPush Check
      image: docker.io/library/busybox:1.31.1
      username: <insert-username>
      password: <insert-password>
"""


# As newer versions of the documentation write it.
SCHEDULE_EXAMPLE = """\
apiVersion: canaries.flanksource.com/v1
kind: Canary
metadata:
  name: containerd-pull-check
spec:
  schedule: '@every 30s'
  containerd: # use docker if running outside kubernetes / docker
    - name: pull image
      image: docker.io/library/busybox:1.31.1
      expectedDigest: sha256:95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209
      expectedSize: 764556
"""


def check_file(tmp_path, text):
    path = tmp_path / "canaries.yml"
    path.write_text(textwrap.dedent(text))
    return subprocess.run([exporter_binary(), f"--config.file={path}", "--config.check"], text=True,
                          capture_output=True, timeout=30, check=False)


def canary(name, spec, **metadata):
    return {"apiVersion": API_VERSION, "kind": "Canary", "metadata": {"name": name, **metadata}, "spec": spec}


def as_text(*documents):
    """json leaves no anchors where two documents share an object."""
    return "---\n".join(json.dumps(document) + "\n" for document in documents)


def run_documents(lab, *documents):
    return lab.exporter(as_text(*documents), args=[AT_ONCE])


@pytest.fixture
def nothing_is_left(containerd):
    """Each test leaves the daemon as it was."""
    with unchanged(containerd.census):
        yield


@pytest.mark.unprivileged
@pytest.mark.parametrize("text, documents", [
    (PULL_EXAMPLE, 1), (PUSH_EXAMPLE, 1), (SCHEDULE_EXAMPLE, 1), (f"{PULL_EXAMPLE}---\n{PUSH_EXAMPLE}", 2),
    (f"{PUSH_EXAMPLE}---\nregistries:\n---\n{PULL_EXAMPLE}---\n", 2)])
def test_accepts_the_examples_of_the_documentation(tmp_path, text, documents):
    done = check_file(tmp_path, text)
    assert done.returncode == 0, done.stderr
    assert f"Canary documents: {documents} (0 suspended), their probes: {documents}\n" in done.stdout


@pytest.mark.unprivileged
def test_reports_unsupported_fields_with_their_position(tmp_path):
    done = check_file(tmp_path, """\
        apiVersion: canaries.flanksource.com/v1
        kind: Canary
        spec:
          interval: 30s
          http:
            - url: https://example.com
          containerd:
            - image: registry.example/x:1
              expectedDigest: latest
              metrics: [{name: x}]
              expectedSise: 5
        ---
        apiVersion: canaries.flanksource.com/v1
        kind: Canary
        metadata: {name: empty}
        spec: {interval: 30}
        ---
        apiVersion: canaries.flanksource.com/v1
        kind: Canary
        spec: {schedule: "61 * * * *", docker: [{image: registry.example/x:1}]}
        ---
        apiVersion: apps/v1
        kind: Deployment
        """)
    assert done.returncode == 1
    places = [tuple(map(int, m.groups())) for m in re.finditer(r"canaries\.yml:(\d+):(\d+): ", done.stderr)]
    assert places == [(4, 13), (5, 3), (9, 23), (10, 7), (11, 7), (13, 1), (20, 18), (22, 13), (23, 7)], done.stderr
    for words in ("expected an image check", "or \"expectedSize\"?", "no image check"):
        assert words in done.stderr


@pytest.mark.unprivileged
def test_rejects_a_file_without_image_checks(tmp_path):
    done = check_file(tmp_path, "{apiVersion: canaries.flanksource.com/v1, kind: Canary, spec: {dns: [{}]}}")
    assert done.returncode == 1 and "expected an image check" in done.stderr


@pytest.mark.usefixtures("nothing_is_left")
def test_pulls_images_of_canaries(lab, containerd, registry, maker):
    image = maker.image(layers=2)
    reference = image.push(registry, "canaries/pull", "1")
    size = image.size + len(image.data)
    other = "sha256:" + "0" * 64
    exporter = run_documents(
        lab, canary("named", {"schedule": "@every 1h", "interval": 1, "owner": "ops", "severity": "high", "containerd": [
            {"image": reference, "expectedDigest": image.digest, "expectedSize": size, "labels": {"Tier": "1"}},
            {"name": "Wrong digest", "image": reference, "expectedDigest": other},
            {"name": "Wrong size", "image": reference, "expectedSize": size - 1, "description": "too small"},
            {"image": reference, "expectedDigest": "", "expectedSize": 0}]},
            namespace="default", labels={"app.kubernetes.io/part-of": "tests"}),
        config_for(containerd, probe(reference, "own"), plain=registry.host))
    names = {"named": set(), "Wrong-digest": {"digest_mismatch"}, "Wrong-size": {"size_mismatch"}, "named-2": set(),
             "own": set()}
    for name, expected in names.items():
        wait_for_runs(exporter, name)
        assert set(reasons(exporter, name)) == expected, exporter.log
    assert {dict(labels)["probe"] for labels in exporter.samples("image_canary_info")} == set(names)
    (info,) = exporter.samples("image_canary_info", probe="named")
    assert dict(info) == {"probe": "named", "operation": "pull", "engine": "client", "registry": registry.host,
                          "image": reference, "platform": "linux/amd64", "canary_name": "named", "owner": "ops",
                          "canary_namespace": "default", "severity": "high", "tier": "1",
                          "app_kubernetes_io_part_of": "tests"}
    assert exporter.samples("image_canary_info", probe="Wrong-size", name="Wrong size", description="too small")
    assert exporter.value("image_canary_expectation", probe="named", check="digest") == 1
    assert exporter.value("image_canary_expectation", probe="named", check="size") == 1
    assert not exporter.samples("image_canary_expectation", probe="named-2"), "nothing was expected"


@pytest.mark.usefixtures("nothing_is_left")
def test_reads_passwords_from_mounted_secrets(lab, containerd, maker):
    registry = lab.registry(htpasswd={"user": "secret-word"})
    reference = maker.image().push(registry, "canaries/private", "1")
    secrets = lab.folder("secrets") / "hub"
    secrets.mkdir(parents=True)
    (secrets / "user").write_text("user")
    (secrets / "password").write_text("secret-word")

    def check(name, password):
        return {"name": name, "image": reference, "auth": {
            "username": {"valueFrom": {"secretKeyRef": {"name": "hub", "key": "user"}}}, "password": password}}

    exporter = run_documents(
        lab, canary("private", {"interval": 3600, "containerd": [
            check("from-secret", {"valueFrom": {"secretKeyRef": {"name": "hub", "key": "password"}}}),
            check("missing", {"valueFrom": {"configMapKeyRef": {"name": "hub", "key": "password"}}}),
            check("inline", {"value": "secret-word"}),
            {"name": "anonymous", "image": reference}]}),
        config_for(containerd, plain=registry.host, kubernetes={"secrets_dir": str(secrets.parent),
                                                                "config_maps_dir": str(lab.folder("maps"))}))
    for name, expected in (("from-secret", set()), ("missing", {"invalid"}), ("inline", set()),
                           ("anonymous", {"unauthorized"})):
        wait_for_runs(exporter, name)
        assert set(reasons(exporter, name)) == expected, exporter.log
    for text in (exporter.log, exporter.raw()):
        assert "secret-word" not in text


def push_documents(kind, image, username="user"):
    return canary("push", {"interval": 3600, kind: [
        {"name": "ContainerdPush Check", "image": image, "username": username, "password": "secret-word"}]})


def test_pushes_an_image_of_containerd(lab, containerd, maker):
    """The image of that name in the namespace `default`, and over nothing that is another."""
    registry = lab.registry(htpasswd={"user": "secret-word"})
    held, target = maker.image(), f"{registry.host}/canaries/push:1"
    before = containerd.census()
    held.load(containerd, "default", target)
    loaded = containerd.census()
    who = {"probe": "ContainerdPush-Check", "operation": "push", "engine": "client"}
    settings = config_for(containerd, plain=registry.host)
    for cached in (False, True):  # the second time the registry has all of it: cold: no
        exporter = run_documents(lab, push_documents("containerdPush", target), settings)
        exporter.wait_for("image_canary_success", who, 1, timeout=30)
        assert registry.manifest("canaries/push", "1")[0] == held.digest
        assert (exporter.value("image_canary_cached_bytes_total", **who) > 0) == cached
        exporter.stop()
    assert containerd.census() == loaded, "nothing that the node holds is touched"

    other = maker.image()
    other.push(registry, "canaries/push", "1")
    exporter = run_documents(lab, push_documents("containerdPush", target), settings)
    wait_for_runs(exporter, who["probe"])
    assert set(reasons(exporter, who["probe"])) == {"invalid"}, exporter.log
    assert registry.manifest("canaries/push", "1")[0] == other.digest
    exporter.stop()

    exporter = run_documents(lab, push_documents("containerdPush", f"{registry.host}/canaries/none:1"), settings)
    wait_for_runs(exporter, who["probe"])
    assert set(reasons(exporter, who["probe"])) == {"not_found"}, exporter.log
    exporter.stop()
    containerd.ctr("images", "rm", "--sync", target, namespace="default")
    containerd.ctr("namespaces", "rm", "default")
    assert containerd.census() == before


def test_pushes_an_image_of_docker(lab, containerd, maker):
    registry = lab.registry()
    docker = lab.docker(containerd)
    target = f"{registry.host}/canaries/docker:1"
    maker.image(docker=True).push(registry, "canaries/source", "1")
    docker.pull(f"{registry.host}/canaries/source:1")
    docker.tag(f"{registry.host}/canaries/source:1", target)
    before = docker.census()
    settings = config_for(docker, plain=registry.host)
    document = canary("push", {"interval": 3600, "dockerPush": [{"name": "docker", "image": target}]})
    for _ in range(2):
        exporter = run_documents(lab, document, settings)
        wait_for_runs(exporter, "docker")
        assert set(reasons(exporter, "docker")) == set(), exporter.log
        exporter.stop()
    assert registry.tags("canaries/docker") == ["1"]
    assert docker.census() == before
    maker.image(docker=True).push(registry, "canaries/docker", "1")
    exporter = run_documents(lab, document, settings)
    wait_for_runs(exporter, "docker")
    assert set(reasons(exporter, "docker")) == {"invalid"}, exporter.log
    exporter.stop()


def test_does_not_run_suspended_canaries(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "canaries/suspended", "1")
    spec = {"interval": 3600, "containerd": [{"image": reference}]}
    settings = config_for(containerd, plain=registry.host)
    exporter = run_documents(lab, settings, canary("one", spec), canary("two", {**spec, "replicas": 0}),
                             canary("three", spec, annotations={"suspend": "true"}))
    wait_for_runs(exporter, "one")
    assert {dict(labels)["probe"] for labels in exporter.samples("image_canary_info")} == {"one"}
    exporter.reload(as_text({"apiVersion": "v1", "kind": "List", "items": [
        canary("one", spec), canary("two", spec)]}, settings))
    wait_for_runs(exporter, "two")
    assert exporter.value("image_canary_attempts_total", probe="one") == 1, "it did not change, so it goes on"

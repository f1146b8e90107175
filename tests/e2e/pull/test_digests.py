# SPDX-License-Identifier: Apache-2.0
"""Images by sha384 and sha512. containerd 2.3 and later store such content; older ones compute sha256 only,
so that a pull is `unsupported` where the daemon would have to store it."""
import pytest

from lab.cri_node import Node
from lab.fake.registry import FakeRegistry, digest_of
from lab.probes import config_for, probe, reason, run_once
from lab.wait import unchanged

ALGORITHMS = {"layer": ("sha512", "sha256"), "manifest": ("sha256", "sha512"), "both": ("sha384", "sha384")}


@pytest.fixture(scope="module")
def images():
    with FakeRegistry() as fake:
        yield fake, {name: fake.add_image("canary/digests", f"{name}1", algorithms=both) for name, both in ALGORITHMS.items()}


def references(images):
    fake, made = images
    for name, image in made.items():
        yield f"{name}-by-digest", f"{fake.address}/canary/digests@{image['manifest']['digest']}"
        yield f"{name}-by-tag", f"{fake.address}/canary/digests:{name}1"


@pytest.mark.unprivileged
def test_the_registry_engine_verifies_every_algorithm(lab, socketless, images):
    probes = [probe(reference, name, engine="registry") for name, reference in references(images)]
    exporter = run_once(lab, {**socketless, "probes": probes, "registries": {images[0].address: {"plain_http": True}}})
    for one in probes:
        assert reason(exporter, one["name"]) is None
    for name, image in images[1].items():
        assert exporter.value("image_canary_image_info", probe=f"{name}-by-tag", digest=image["manifest"]["digest"]) == 1


@pytest.mark.unprivileged
@pytest.mark.parametrize("path", ["/manifests/sha", "/blobs/sha512"])
def test_the_registry_engine_finds_wrong_bytes(lab, socketless, images, path):
    fake, made = images
    name = "manifest" if "manifests" in path else "layer"
    fault = fake.fault("wrong_bytes", path=path)
    reference = f"{fake.address}/canary/digests@{made[name]['manifest']['digest']}"
    exporter = run_once(lab, {**socketless, "probes": [probe(reference, engine="registry")],
                              "registries": {fake.address: {"plain_http": True}}})
    fake.unfault(fault)
    assert reason(exporter) == "digest_mismatch"


@pytest.mark.parametrize("engine", ("client", "transfer", "cri"))
def test_daemons_store_what_they_can(lab, version, images, engine):
    if engine == "transfer" and version != "2":
        pytest.skip("no transfer over plain http")
    node = Node(lab, version)
    node.knows(images[0])
    containerd = node.containerd
    able = containerd.ingest(digest_of(b"x", "sha512"), "x", "digests")
    with unchanged(containerd.census):
        probes = [probe(reference, name, engine=engine) for name, reference in references(images)]
        exporter = run_once(lab, config_for(containerd, *probes, plain=images[0].address))
        found = {one["name"]: reason(exporter, one["name"]) for one in probes}
    assert found == {one["name"]: None if able else "unsupported" for one in probes}, exporter.log

# SPDX-License-Identifier: Apache-2.0
"""Images that docs/engines.md calls unsupported, by every engine. Where a daemon converts or reads them all the same, its
answer is right."""
import secrets

import pytest

from lab.fake.registry import FakeRegistry, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST, make_layer
from lab.field import Ground
from lab.matrix import Daemon, need
from lab.probes import probe, reason, run_once

DOCKER = "application/vnd.docker."
SCHEMA_1 = {"signed": f"{DOCKER}distribution.manifest.v1+prettyjws", "unsigned": f"{DOCKER}distribution.manifest.v1+json",
            "plain-text": "text/plain", "mistyped": "application/vnd.oci.image.manifest.v1+json"}
LAYERS = {"erofs": "application/vnd.erofs.layer.v1", "erofs-suffix": "application/vnd.oci.image.layer.v1.erofs",
          "encrypted": f"{OCI_LAYER_GZIP}+encrypted", "unknown": "application/vnd.example.layer.v1"}
FOREIGN = {"foreign": f"{DOCKER}image.rootfs.foreign.diff.tar.gzip",
           "nondistributable": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}

NAMES = [*SCHEMA_1, *LAYERS, *FOREIGN, "nested"]

# Where a daemon does something else than to refuse: its answer is right. containerd 1.6 and dockerd convert schema 1
# and miss a signature here.
DIFFERENT = {
    "client": {},
    "registry": dict.fromkeys(LAYERS),  # nothing is unpacked
    "transfer": dict.fromkeys(["erofs", "unknown"]),  # containerd 2 unpacks only what it takes for a layer
    "cri": {"signed": "protocol", "plain-text": "protocol"},
    "docker": {**{name: "protocol" for name in SCHEMA_1}, **{name: "not_found" for name in FOREIGN},
               "erofs-suffix": None, "encrypted": None,  # it goes by the first bytes of a layer, not by its type
               "mistyped": "runtime_unavailable"},  # dockerd drops the connection
}


def fill(registry):
    """An image for each name, under a repository of its own."""
    for name, media_type in SCHEMA_1.items():
        repository = f"canary/{name}"
        layer = registry.add_blob(make_layer({"x": secrets.token_bytes(100)})[0], repository)
        registry.add_manifest(repository, {"schemaVersion": 1, "mediaType": media_type, "name": repository, "tag": "v1",
                                           "architecture": "amd64", "fsLayers": [{"blobSum": layer}],
                                           "history": [{"v1Compatibility": "{}"}]}, "v1")
    for name, media_type in {**LAYERS, **FOREIGN}.items():
        repository = f"canary/{name}"
        image = registry.add_image(repository, layers=[{"x": secrets.token_bytes(100)}])
        layers = [{**image["layers"][0], "mediaType": media_type}]
        registry.add_manifest(repository, {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": image["config"],
                                           "layers": layers}, "v1")
        if name in FOREIGN:
            registry.fault("status", status=404, path=f"/v2/{repository}/blobs/{layers[0]['digest']}")
    inner = registry.add_index("canary/nested", None)["index"]
    registry.add_manifest("canary/nested", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        dict(inner, platform={"os": "linux", "architecture": "amd64"})]}, "v1")


@pytest.mark.parametrize("engine", DIFFERENT)
def test_says_what_is_not_supported(lab, engine):
    need(engine)
    with Ground(lab.folder("field")) as field:
        registry = field.stack.enter_context(FakeRegistry())
        field.know(registry.address)
        fill(registry)
        daemon = Daemon(lab, [engine], field)
        probes = [probe(f"{registry.address}/canary/{name}:v1", name, engine=engine, timeout="30s") for name in NAMES]
        exporter = run_once(lab, {**daemon.settings, "probes": probes, "registries": field.registries}, timeout=60)
        assert {name: reason(exporter, name) for name in NAMES} == \
            {**dict.fromkeys(NAMES, "unsupported"), **DIFFERENT[engine]}, exporter.log

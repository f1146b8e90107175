# SPDX-License-Identifier: Apache-2.0
"""Build, push and set the image: the commands of docs/quick-start.md, verbatim, against a registry."""
import json

import pytest
import yaml

from lab.docs import blocks
from lab.image import NAME, version
from lab.machine import Machine
from lab.programs import ROOT, daemons_dir, find

REGISTRY = "registry.example:5000"
IMAGE = f"{REGISTRY}/{NAME}"
INSECURE = f'[[registry]]\nlocation = "{REGISTRY}"\ninsecure = true\n'


@pytest.fixture(name="machine")
def machine_with_registry(lab):
    with Machine(lab.folder("machine"), {"registry.example": "127.0.0.2"}) as machine:
        config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": "/run/registry"}},
                  "http": {"addr": "127.0.0.2:5000", "secret": "lab"}}
        machine.write("/run/registry.yml", yaml.safe_dump(config))
        machine.write("/etc/containers/registries.conf.d/lab.conf", INSECURE)
        machine.service([find("docker-registry"), "serve", "/run/registry.yml"], f"curl -sf http://{REGISTRY}/v2/")
        yield machine


def inspect(machine, name, *flags):
    return json.loads(machine.run(f"skopeo inspect {' '.join(flags)} {name}"))


def test_commands_of_the_page(machine):
    """The page pushes two architectures. A cross build takes minutes, so ARCHS leaves this machine's own."""
    (commands,) = [block.text for block in blocks("docs/quick-start.md", "Container image", "sh")]
    assert "make image\n" in commands and f"make image-push IMAGE={IMAGE}\n" in commands
    architecture = machine.run("dpkg --print-architecture").strip()
    machine.env["ARCHS"] = architecture
    machine.run(commands, timeout=900)
    built = inspect(machine, f"oci-archive:{ROOT}/build/image-{architecture}.tar")
    (entry,) = inspect(machine, f"docker://{IMAGE}", "--raw")["manifests"]
    assert entry["platform"] == {"architecture": architecture, "os": "linux"} and entry["digest"] == built["Digest"]
    assert inspect(machine, f"docker://{IMAGE}")["Labels"]["org.opencontainers.image.version"] == version()
    machine.run(f"make image-set IMAGE={IMAGE}")
    kubectl = daemons_dir() / "kubectl/usr/bin/kubectl"
    if kubectl.is_file():
        assert f"image: {IMAGE}\n" in machine.run(f"{kubectl} kustomize deploy/kubernetes")


@pytest.mark.parametrize("image", ["registry.example/name", "name:1", f"{REGISTRY}/name"])
def test_image_without_a_tag_is_refused(machine, image):
    before = machine.run("cat deploy/kubernetes/kustomization.yaml")
    done = machine.try_run(f"make image-set IMAGE={image}")
    assert done.returncode != 0 and "expected registry/name:tag" in done.stderr
    assert machine.run("cat deploy/kubernetes/kustomization.yaml") == before

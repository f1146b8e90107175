# SPDX-License-Identifier: Apache-2.0
"""What `kubectl kustomize` makes of deploy/kubernetes with components."""
import shutil
import subprocess

import pytest
import yaml

from lab.programs import ROOT, daemons_dir

MANIFESTS = ROOT / "deploy/kubernetes"
COMPONENTS = sorted(path.parent.name for path in MANIFESTS.glob("components/*/kustomization.yaml"))


def kustomize(folder):
    """The objects as a list. The kubectl of Debian 12 knows no components, so the unpacked one is used, whatever is on the PATH."""
    kubectl = daemons_dir() / "kubectl/usr/bin/kubectl"
    if not kubectl.is_file():
        pytest.skip(f"KUSTOMIZE IS NOT TESTED: no {kubectl}: run deploy/lib.sh need_newer_daemons")
    done = subprocess.run([str(kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def overlay(temp, *components, configuration=None, files=None, **more):
    """The objects of an overlay as users write it: with components, and with configuration files {name: text} that
    replace the empty one. `files`: further files of its folder; `more`: other keys of the kustomization."""
    shutil.copytree(MANIFESTS, temp / "deploy/kubernetes", dirs_exist_ok=True)
    shutil.copytree(ROOT / "dashboards", temp / "dashboards", dirs_exist_ok=True)
    folder = temp / "deploy/overlay"
    folder.mkdir(exist_ok=True)
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                     "namespace": "containerd-exporter", "resources": ["../kubernetes"],
                     "components": [f"../kubernetes/components/{name}" for name in components], **more}
    for name, text in {**(configuration or {}), **(files or {})}.items():
        (folder / name).write_text(text, encoding="utf-8")
    if configuration:
        kustomization.setdefault("configMapGenerator", []).append(
            {"name": "containerd-exporter", "behavior": "replace", "files": list(configuration)})
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return kustomize(folder)


def find_object(objects, kind, name=None):
    """The only object of that kind, or the one whose name begins so."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"].startswith(name or "")]
    return found


def pod_of(objects):
    """The pod of the DaemonSet, as {"metadata", "spec"}."""
    return find_object(objects, "DaemonSet")["spec"]["template"]

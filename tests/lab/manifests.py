# SPDX-License-Identifier: Apache-2.0
"""The objects that kustomize makes of deploy/kubernetes."""
import pathlib
import subprocess

import yaml

from lab.programs import ROOT, daemons_dir
from lab.wait import LabError

KUSTOMIZATION = ROOT / "deploy/kubernetes"
COMPONENTS = sorted(path.name for path in (KUSTOMIZATION / "components").iterdir())


def kustomize(folder):
    """The objects of a kustomization. The kubectl of Debian 12 knows no components, so the unpacked one is used."""
    kubectl = daemons_dir() / "kubectl/usr/bin/kubectl"
    if not kubectl.is_file():
        raise LabError(f"no {kubectl}: run deploy/lib.sh need_newer_daemons")
    done = subprocess.run([kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", folder], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise LabError(done.stderr)
    return list(yaml.safe_load_all(done.stdout))


def with_components(folder, components, **more):
    """The objects of an overlay, which is written into the folder; `more` is added to its kustomization."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": [str(relative(folder, ""))],
        "components": [str(relative(folder, f"components/{name}")) for name in components], **more}), encoding="utf-8")
    return kustomize(folder)


def relative(folder, name):
    """kustomize takes relative paths alone."""
    return pathlib.Path(*[".."] * (len(folder.resolve().parts) - 1)) / (KUSTOMIZATION / name).relative_to("/")

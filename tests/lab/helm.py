# SPDX-License-Identifier: Apache-2.0
"""The chart of deploy/helm, rendered by tests/helm, which does what `helm template` does."""
import os
import pathlib
import shutil
import subprocess

import yaml

from lab.programs import ROOT
from lab.wait import LabError

CHART = ROOT / "deploy/helm/containerd-exporter"
GOCODE = pathlib.Path("/usr/share/gocode")
PACKAGES = ("github.com/Masterminds/sprig", "github.com/xeipuuv/gojsonschema", "sigs.k8s.io/yaml")


class Refused(Exception):
    """helm would refuse the values or the chart."""


class Helm:
    """A release `containerd-exporter` in a namespace of that name, if nothing else is asked for."""

    def __init__(self, folder):
        """Builds the renderer in the folder, of Debian's packages alone."""
        missing = [name for name in PACKAGES if not (GOCODE / "src" / name).is_dir()]
        if missing or not shutil.which("go"):
            raise LabError(f"no {missing or 'go'}: deploy/lib.sh has the packages")
        self.folder, self.program = folder, folder / "helm_render"
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOCODE)}
        done = subprocess.run(["go", "build", "-o", self.program, "."], cwd=ROOT / "tests/helm", env=environment,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(done.stderr)

    def text(self, *arguments, values=None, chart=CHART, name="containerd-exporter", namespace="containerd-exporter"):
        if values is not None:
            path = self.folder / "values.yaml"
            path.write_text(yaml.safe_dump(values), encoding="utf-8")
            arguments = ("-f", path, *arguments)
        command = [self.program, "-name", name, "-namespace", namespace, *arguments, chart]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(done.stderr)
        return done.stdout

    def objects(self, *arguments, **options):
        return [one for one in yaml.safe_load_all(self.text(*arguments, **options)) if one]


def find(objects, kind, name="containerd-exporter"):
    (found,) = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return found

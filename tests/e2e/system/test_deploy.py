# SPDX-License-Identifier: Apache-2.0
"""The files in deploy/: they render, they say what they promise, and the exporter accepts them."""
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

from lab.programs import ROOT, exporter_binary, find

pytestmark = pytest.mark.unprivileged


def run(*argv, **options):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False, **options)


def test_scrape_configuration_is_valid(tmp_path):
    """Debian's Prometheus knows no Kubernetes: that job is looked at here only."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert [job["job_name"] for job in config["scrape_configs"]] == ["containerd_exporter", "kubernetes-pods",
                                                                     "containerd_exporter_probe"]
    del config["scrape_configs"][1]["kubernetes_sd_configs"]
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(find("promtool"), "check", "config", "--syntax-only", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a containerd of our own needs root")
def test_exporter_works_with_the_privilege_of_the_pod(lab):
    """The user, group and capabilities of the pod, on a real containerd and registry."""
    containerd, registry = lab.containerd(), lab.registry()
    reference = lab.maker.image().push(registry, "deploy/image", "1")
    lab.maker.image().load(containerd, "deploy", "example.org/image:1")
    lab.temp.chmod(0o750)
    exporter = lab.exporter(
        {"containerd": {"address": containerd.address}, "registries": {registry.host: {"plain_http": True}},
         "probes": [{"name": "pull", "operation": "pull", "image": reference, "interval": "5s", "timeout": "5s"}]},
        wrap=["setpriv", "--reuid=65534", "--regid=0", "--clear-groups", "--bounding-set=-all",
              "--inh-caps=-all", "--no-new-privs"])
    exporter.wait_for("containerd_images", {"namespace": "deploy", "status": "complete"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "pull"}, 1, timeout=30)
    status = pathlib.Path(f"/proc/{exporter.pid}/status").read_text(encoding="utf-8")
    assert "Uid:\t65534\t65534\t65534\t65534" in status and "CapEff:\t0000000000000000" in status


@pytest.mark.parametrize("path", ["deploy/containerd_exporter.yml", "deploy/kubernetes/containerd_exporter.yml", "deploy/kubernetes/00-node.yml"])
def test_configuration_is_accepted(path):
    done = run(exporter_binary(), f"--config.file={ROOT / path}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_commented_example_is_accepted(tmp_path):
    """The second probe of the example is valid without its comment signs."""
    lines = []
    for line in (ROOT / "deploy/containerd_exporter.yml").read_text(encoding="utf-8").splitlines():
        hidden = line.startswith("  # - ") or line.startswith("  #   ")
        lines.append("  " + line[4:] if hidden else line)
    text = "\n".join(lines)
    for kind in ("digest of what the tag points at: an index, or a manifest", "digest of the manifest of this platform"):
        text = text.replace(f"<{kind}>", "0" * 64)
    secret = tmp_path / "password"
    secret.write_text("x", encoding="utf-8")
    text = text.replace("/etc/containerd_exporter/secrets/registry.example", str(secret))
    assert len(yaml.safe_load(text)["probes"]) == 6
    path = tmp_path / "example.yml"
    path.write_text(text, encoding="utf-8")
    done = run(exporter_binary(), f"--config.file={path}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", ["deploy/demo.sh", "deploy/lib.sh", "tests/run.sh", "tests/fresh.sh", ".ci/run"])
def test_script_parses(script):
    path = pathlib.Path(ROOT / script)
    assert os.access(path, os.X_OK), script
    assert run("bash", "-n", path).returncode == 0

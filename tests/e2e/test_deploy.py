# SPDX-License-Identifier: Apache-2.0
"""The files in deploy/: they render, they say what they promise, and the exporter accepts them."""
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

from lab import ROOT, find

EXPORTER = os.environ.get("EXPORTER_BIN") or str(ROOT / "build/containerd_exporter")
pytestmark = pytest.mark.unprivileged


def run(*argv, **options):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module", name="objects")
def rendered():
    done = run(shutil.which("kubectl") or find("kubectl"), "kustomize", ROOT / "deploy/kubernetes")
    assert done.returncode == 0, done.stderr
    return {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}


def test_kustomize_renders(objects):
    assert objects.keys() == {"Namespace", "ConfigMap", "Service", "DaemonSet"}
    for kind, document in objects.items():
        if kind != "Namespace":
            assert document["metadata"]["namespace"] == objects["Namespace"]["metadata"]["name"]


def test_pod_has_the_least_privilege(objects):
    pod = objects["DaemonSet"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert not pod.get("hostNetwork") and not pod.get("hostPID") and not pod.get("hostIPC")
    assert pod["securityContext"] == {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 0,
                                      "seccompProfile": {"type": "RuntimeDefault"}}
    (container,) = pod["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "privileged": False,
                                            "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert container["resources"] == {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"memory": "64Mi"}}
    assert container["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
    assert container["readinessProbe"]["httpGet"]["path"] == "/-/ready"


def test_pod_mounts_the_directory_of_the_socket_read_only(objects):
    pod = objects["DaemonSet"]["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert [v["hostPath"] for v in volumes.values() if "hostPath" in v] == [
        {"path": "/run/containerd", "type": "Directory"},
        {"path": "/etc/containerd/certs.d", "type": "DirectoryOrCreate"}]
    assert all(mount["readOnly"] for mount in pod["containers"][0]["volumeMounts"])
    # The generated name carries a hash: a new configuration is a new rollout.
    assert volumes["config"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]


def test_service_finds_the_pods(objects):
    service, template = objects["Service"]["spec"], objects["DaemonSet"]["spec"]["template"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert objects["DaemonSet"]["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (port,) = template["spec"]["containers"][0]["ports"]
    assert service["ports"][0]["targetPort"] == port["name"] and port["containerPort"] == 10048
    assert service["clusterIP"] == "None"


@pytest.mark.skipif(os.geteuid() != 0, reason="a containerd of our own needs root")
def test_that_privilege_is_enough(lab):
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


@pytest.mark.parametrize("path", ["deploy/containerd_exporter.yml", "deploy/kubernetes/containerd_exporter.yml"])
def test_configuration_is_accepted(path):
    done = run(EXPORTER, f"--config.file={ROOT / path}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_commented_example_is_accepted(tmp_path):
    """What a user gets who removes the comment signs before the second probe."""
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
    done = run(EXPORTER, f"--config.file={path}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_unit_is_valid(tmp_path):
    text = (ROOT / "deploy/systemd/containerd_exporter.service").read_text(encoding="utf-8")
    unit = tmp_path / "containerd_exporter.service"
    unit.write_text(text.replace("/usr/local/bin/containerd_exporter", "/bin/true"), encoding="utf-8")
    done = run("systemd-analyze", "verify", "--man=no", unit)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert not ours, done.stderr
    assert "AF_UNIX" in text and "NoNewPrivileges=yes" in text and "CapabilityBoundingSet=\n" in text


@pytest.mark.parametrize("script", ["deploy/demo.sh", "deploy/lib.sh", "tests/run.sh", ".ci/run"])
def test_script_parses(script):
    path = pathlib.Path(ROOT / script)
    assert os.access(path, os.X_OK), script
    assert run("bash", "-n", path).returncode == 0

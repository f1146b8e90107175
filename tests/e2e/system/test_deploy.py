# SPDX-License-Identifier: Apache-2.0
"""The files in deploy/: they render, they say what they promise, and the exporter accepts them."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from lab.fake.tls import Authority
from lab.programs import ROOT, daemons_dir, exporter_binary, find

pytestmark = pytest.mark.unprivileged


def run(*argv, **options):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False, **options)


def kustomize(folder):
    """The objects by kind. The kubectl of Debian 12 knows no components, so the unpacked one is used, whatever is on the PATH."""
    kubectl = daemons_dir() / "kubectl/usr/bin/kubectl"
    if not kubectl.is_file():
        pytest.skip(f"KUSTOMIZE IS NOT TESTED: no {kubectl}: run deploy/lib.sh need_newer_daemons")
    done = run(kubectl, "kustomize", folder)
    assert done.returncode == 0, done.stderr
    return {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}


@pytest.fixture(scope="module", name="objects")
def rendered():
    return kustomize(ROOT / "deploy/kubernetes")


COMPONENTS = ("podmonitor", "networkpolicy", "web-config")


@pytest.fixture(scope="module", name="complete")
def rendered_with_components(tmp_path_factory):
    """What an overlay with all of the components makes of it, with the container alone for short."""
    folder = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(ROOT / "deploy/kubernetes", folder / "kubernetes")
    (folder / "overlay").mkdir()
    (folder / "overlay/kustomization.yaml").write_text(yaml.safe_dump({
        "namespace": "containerd-exporter", "resources": ["../kubernetes"],
        "components": [f"../kubernetes/components/{name}" for name in COMPONENTS]}), encoding="utf-8")
    return kustomize(folder / "overlay")


def test_components_are_added(complete):
    assert complete.keys() == {"Namespace", "ConfigMap", "Service", "DaemonSet", "PodMonitor", "NetworkPolicy", "Secret"}
    for folder in (ROOT / "deploy/kubernetes/components").iterdir():
        assert folder.name in COMPONENTS and (folder / "kustomization.yaml").is_file()
    for kind, document in complete.items():
        if kind != "Namespace":
            assert document["metadata"]["namespace"] == "containerd-exporter", kind


def test_component_changes_only_the_web_configuration_of_the_pod(objects, complete):
    plain, secure = (o["DaemonSet"]["spec"]["template"]["spec"] for o in (objects, complete))
    for key in ("securityContext", "automountServiceAccountToken", "tolerations", "nodeSelector", "hostNetwork", "hostPID"):
        assert plain[key] == secure[key]
    (before,), (after,) = plain["containers"], secure["containers"]
    assert before["securityContext"] == after["securityContext"] and before["resources"] == after["resources"]
    assert after["args"] == before["args"] + ["--web.config.file=/etc/containerd_exporter_web/web.yml"]
    assert all(mount["readOnly"] for mount in after["volumeMounts"])
    for name in ("livenessProbe", "readinessProbe"):
        assert after[name] == {**before[name], "httpGet": {**before[name]["httpGet"], "scheme": "HTTPS"}}
    secrets = {v["name"]: v["secret"] for v in secure["volumes"] if "secret" in v}
    assert secrets.keys() == {"web", "tls"} and {s["defaultMode"] for s in secrets.values()} == {0o440}
    assert secrets["web"]["secretName"] == complete["Secret"]["metadata"]["name"]
    notes = complete["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]
    assert notes == {"prometheus.io/scrape": "true", "prometheus.io/port": "10048", "prometheus.io/path": "/metrics",
                     "prometheus.io/scheme": "https"}


def test_pod_monitor_finds_the_pods(complete):
    spec, template = complete["PodMonitor"]["spec"], complete["DaemonSet"]["spec"]["template"]
    assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] == template["spec"]["containers"][0]["ports"][0]["name"] and endpoint["path"] == "/metrics"
    relabelings = {rule["targetLabel"]: rule for rule in endpoint["relabelings"]}
    assert relabelings["job"]["replacement"] == "containerd_exporter"  # what the rules ask for
    assert relabelings["node"]["sourceLabels"] == ["__meta_kubernetes_pod_node_name"]
    assert "instance" not in relabelings and endpoint["honorLabels"] is False


def test_network_policy_allows_only_prometheus(complete):
    spec, template = complete["NetworkPolicy"]["spec"], complete["DaemonSet"]["spec"]["template"]
    assert spec["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert spec["policyTypes"] == ["Ingress", "Egress"] and spec["egress"] == []
    (rule,) = spec["ingress"]
    assert [port["port"] for port in rule["ports"]] == ["metrics"] and len(rule["from"]) == 1


def web_config_check(path):
    """Whether the exporter starts with it: --config.check reads both files."""
    return run(exporter_binary(), f"--config.file={ROOT / 'deploy/kubernetes/containerd_exporter.yml'}", f"--web.config.file={path}",
               "--config.check")


def test_web_configuration_needs_a_password(tmp_path):
    """The published file has no usable password."""
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("good")
    text = (ROOT / "deploy/kubernetes/components/web-config/web.yml").read_text(encoding="utf-8")
    text = text.replace("/etc/containerd_exporter_tls/tls.crt", str(certificate))
    text = text.replace("/etc/containerd_exporter_tls/tls.key", str(key))
    path = tmp_path / "web.yml"
    path.write_text(text, encoding="utf-8")
    refused = web_config_check(path)
    assert refused.returncode == 1 and "web.yml:" in refused.stderr, refused.stderr
    hash_ = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
    path.write_text(text.replace("REPLACE-ME", f"'{hash_}'"), encoding="utf-8")
    done = web_config_check(path)
    assert done.returncode == 0, done.stdout + done.stderr


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


@pytest.mark.parametrize("path", ["deploy/containerd_exporter.yml", "deploy/kubernetes/containerd_exporter.yml"])
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


def dockerfile_packages():
    """Those to build with, and those to run with."""
    text = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [set(line.split("--no-install-recommends")[1].split("&&")[0].split())
            for line in text.splitlines() if "apt-get install" in line]


def test_image_is_built_with_the_same_packages():
    done = run("bash", "-c", "source deploy/lib.sh && echo $BUILD_PACKAGES", cwd=ROOT)
    assert dockerfile_packages()[0] == set(done.stdout.split())


def test_image_has_every_library():
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", exporter_binary()).stdout)
    assert len(libraries) > 8
    needed = {run("dpkg", "-S", f"*-linux-*/{name}").stdout.partition(":")[0] for name in libraries}
    assert needed - dockerfile_packages()[1] <= {"libc6", "libgcc-s1"}


@pytest.mark.parametrize("script", ["deploy/demo.sh", "deploy/lib.sh", "tests/run.sh", "tests/fresh.sh", ".ci/run"])
def test_script_parses(script):
    path = pathlib.Path(ROOT / script)
    assert os.access(path, os.X_OK), script
    assert run("bash", "-n", path).returncode == 0

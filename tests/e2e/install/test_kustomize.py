# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes with and without its components, as `kubectl kustomize` renders it."""
import functools
import json
import subprocess

import pytest
import yaml

from lab.fake.tls import Authority
from lab.kustomize import COMPONENTS, MANIFESTS, find_object, kustomize, overlay, pod_of
from lab.programs import ROOT, exporter_binary

pytestmark = pytest.mark.unprivileged

DISTRIBUTIONS = {  # component: its containerd, its hosts.toml files
    "k3s": ("/run/k3s/containerd/containerd.sock", "/var/lib/rancher/k3s/agent/etc/containerd/certs.d"),
    "rke2": ("/run/k3s/containerd/containerd.sock", "/var/lib/rancher/rke2/agent/etc/containerd/certs.d"),
    "k0s": ("/run/k0s/containerd.sock", "/etc/containerd/certs.d:/etc/k0s/containerd/certs.d"),
    "microk8s": ("/var/snap/microk8s/common/run/containerd.sock", "/var/snap/microk8s/current/args/certs.d")}
ADDED = {"pod-monitor": {"PodMonitor"}, "service-monitor": {"ServiceMonitor"}, "prometheus-rule": {"PrometheusRule"},
         "network-policy": {"NetworkPolicy"}}
BASE = {"Namespace", "PriorityClass", "ConfigMap", "Service", "DaemonSet"}
# All that can be installed together: one distribution, one source of credentials, one kind of monitor.
APART = ("rke2", "k0s", "microk8s", "kubelet-credentials", "service-monitor")
TOGETHER = [name for name in COMPONENTS if name not in (*APART, "web-tls")] + ["web-tls"]


@pytest.fixture(scope="module", name="objects")
def rendered():
    return kustomize(MANIFESTS)


@pytest.fixture(scope="module", name="complete")
def rendered_with_components(tmp_path_factory):
    """The overlay makes what is its own: proxy and passwords."""
    files = {"proxy.env": "HTTPS_PROXY=http://proxy.example:3128", "web.yml": ""}
    return overlay(tmp_path_factory.mktemp("kubernetes"), *TOGETHER, files=files,
                   configMapGenerator=[{"name": "containerd-exporter-proxy", "envs": ["proxy.env"]}],
                   secretGenerator=[{"name": "containerd-exporter-web", "files": ["web.yml"]}])


@pytest.fixture(scope="module", name="with_component")
def rendered_with_a_component(tmp_path_factory):
    return functools.lru_cache(None)(lambda *names: overlay(tmp_path_factory.mktemp("kubernetes"), *names))


def container_of(objects):
    (container,) = pod_of(objects)["spec"]["containers"]
    return container


def host_paths(objects):
    """{mount in the pod: (folder of the node, type, propagation)}"""
    volumes = {v["name"]: v["hostPath"] for v in pod_of(objects)["spec"]["volumes"] if "hostPath" in v}
    return {m["mountPath"]: (volumes[m["name"]]["path"], volumes[m["name"]]["type"], m.get("mountPropagation"))
            for m in container_of(objects)["volumeMounts"] if m["name"] in volumes}


def test_objects_of_the_base(objects):
    assert {o["kind"] for o in objects} == BASE
    for document in objects:
        expected = None if document["kind"] in ("Namespace", "PriorityClass") else "containerd-exporter"
        assert document["metadata"].get("namespace") == expected, document["kind"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_renders_alone(with_component, objects, name):
    changed = with_component(name)
    assert {o["kind"] for o in changed} == BASE | ADDED.get(name, set())
    assert changed != objects


def test_components_render_together(complete):
    expected = BASE.union(*(ADDED.get(name, set()) for name in TOGETHER))
    assert {o["kind"] for o in complete} == expected | {"Secret"}
    assert len(TOGETHER) == len(COMPONENTS) - len(APART)


def check_references(objects):
    """Every ConfigMap of the pod is there, under the name with its hash, or is optional; every mount has its volume."""
    pod = pod_of(objects)["spec"]
    maps = {o["metadata"]["name"] for o in objects if o["kind"] == "ConfigMap"}
    (config,) = [v["projected"]["sources"] for v in pod["volumes"] if "projected" in v]
    used = {s["configMap"]["name"] for s in config if not s["configMap"].get("optional") or s["configMap"]["name"] in maps}
    used |= {source["configMapRef"]["name"] for source in container_of(objects).get("envFrom", [])}
    assert used == {name for name in maps if "dashboards" not in name}
    volumes = [v["name"] for v in pod["volumes"]]
    mounts = [m["name"] for m in container_of(objects)["volumeMounts"]]
    assert sorted(volumes) == sorted(mounts) and len(set(volumes)) == len(volumes)


def configuration_files(objects, folder):
    """What the pod has in /etc/containerd_exporter."""
    maps = {o["metadata"]["name"]: o["data"] for o in objects if o["kind"] == "ConfigMap"}
    (sources,) = [v["projected"]["sources"] for v in pod_of(objects)["spec"]["volumes"] if "projected" in v]
    for name, text in (pair for source in sources for pair in maps.get(source["configMap"]["name"], {}).items()):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("components", [(), *((name,) for name in COMPONENTS if name != "proxy"), "complete"], ids=str)
def test_configuration_is_accepted(with_component, complete, tmp_path, components):
    """That of each component beside that of the base, and of all together."""
    objects = complete if components == "complete" else with_component(*components)
    folder = configuration_files(objects, tmp_path)
    done = subprocess.run([exporter_binary(), f"--config.file={folder}", "--config.check"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_references_hold(objects, complete, with_component):
    check_references(objects)
    check_references(complete)
    for name in COMPONENTS:
        if name != "proxy":
            check_references(with_component(name))


def test_pod_has_the_least_privilege(objects, complete):
    """With every component but root-user, too."""
    for rendering in (objects, complete):
        pod = pod_of(rendering)["spec"]
        assert pod["automountServiceAccountToken"] is False and "serviceAccountName" not in pod
        assert pod["hostPID"] is False and pod["hostIPC"] is False
        container = container_of(rendering)
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "privileged": False,
                                                "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert container["resources"] == {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
        assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert pod_of(objects)["spec"]["securityContext"] == {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 0,
                                                          "seccompProfile": {"type": "RuntimeDefault"}}
    assert not {"Role", "ClusterRole", "RoleBinding", "ServiceAccount"} & {o["kind"] for o in complete}


def test_component_root_user_is_the_only_one_with_root(with_component):
    for name in COMPONENTS:
        assert (pod_of(with_component(name))["spec"]["securityContext"]["runAsUser"] == 0) == (name == "root-user")


def test_pod_sees_the_node(objects, with_component):
    pod = pod_of(objects)["spec"]
    assert pod["hostNetwork"] is True and pod["dnsPolicy"] == "Default"
    assert container_of(objects)["env"] == [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    assert host_paths(objects) == {"/run/containerd": ("/run/containerd", "Directory", "HostToContainer"),
                                   "/host/etc": ("/etc", "Directory", None), "/host/usr": ("/usr", "Directory", None)}
    pod = pod_of(with_component("pod-network"))["spec"]
    assert pod["hostNetwork"] is False and pod["dnsPolicy"] == "ClusterFirst"


def test_roll_out_without_surge(objects):
    assert find_object(objects, "DaemonSet")["spec"]["updateStrategy"] == {
        "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}}
    priority = find_object(objects, "PriorityClass")
    assert pod_of(objects)["spec"]["priorityClassName"] == priority["metadata"]["name"] and priority["value"] < 10 ** 9


@pytest.mark.parametrize("name", ["base", *DISTRIBUTIONS])
def test_distribution_mounts_what_its_configuration_names(with_component, objects, name):
    """The folder of the socket, and what holds hosts.toml, below /host."""
    rendering = objects if name == "base" else with_component(name)
    text = find_object(rendering, "ConfigMap", "containerd-exporter-node")["data"]["00-node.yml"]
    node = yaml.safe_load(text)["containerd"]
    if name != "base":
        assert (node["address"], node["hosts_dir"]) == DISTRIBUTIONS[name]
    paths = host_paths(rendering)
    assert node["address"].rpartition("/")[0] in [mount for mount in paths if mount == paths[mount][0]]
    for place in node["hosts_dir"].split(":"):
        assert any(mount == "/host" + path and place.startswith(path + "/") for mount, (path, *_) in paths.items()), place
    assert all(kind == "Directory" for _, kind, _ in paths.values()), "a folder that a node lacks is not made there"


def test_probes_ask_for_the_exporter_alone(objects, complete):
    for rendering, scheme in ((objects, None), (complete, "HTTPS")):
        container = container_of(rendering)
        asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {name: get["path"] for name, get in asked.items()} == {
            "startupProbe": "/-/ready", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}
        assert {(get["port"], get.get("scheme")) for get in asked.values()} == {("metrics", scheme)}


def test_web_configuration_is_mounted(complete):
    assert container_of(complete)["args"][-1] == "--web.config.file=/etc/containerd_exporter_web/web.yml"
    secrets = {v["name"]: v["secret"] for v in pod_of(complete)["spec"]["volumes"] if "secret" in v}
    assert secrets.keys() == {"web", "tls", "registry"} and {s["defaultMode"] for s in secrets.values()} == {0o440}
    assert secrets["web"]["secretName"] == find_object(complete, "Secret")["metadata"]["name"]
    assert pod_of(complete)["metadata"]["annotations"]["prometheus.io/scheme"] == "https"


@pytest.mark.parametrize("kind, component, endpoints", [("PodMonitor", "pod-monitor", "podMetricsEndpoints"),
                                                        ("ServiceMonitor", "service-monitor", "endpoints")])
def test_monitor_finds_the_pods(with_component, kind, component, endpoints):
    rendering = with_component(component, "web-tls")
    spec, template = find_object(rendering, kind)["spec"], pod_of(rendering)
    wanted = template if kind == "PodMonitor" else find_object(rendering, "Service")
    assert spec["selector"]["matchLabels"].items() <= wanted["metadata"]["labels"].items()
    (endpoint,) = spec[endpoints]
    assert endpoint["port"] == template["spec"]["containers"][0]["ports"][0]["name"] and endpoint["path"] == "/metrics"
    relabelings = {rule["targetLabel"]: rule for rule in endpoint["relabelings"]}
    assert relabelings["job"]["replacement"] == "containerd_exporter"  # what the rules ask for
    assert relabelings["node"]["sourceLabels"] == ["__meta_kubernetes_pod_node_name"]
    assert "instance" not in relabelings and endpoint["honorLabels"] is False
    assert endpoint["scheme"] == "https" and endpoint["tlsConfig"]["serverName"] and endpoint["basicAuth"]["password"]
    assert "scheme" not in find_object(with_component(component), kind)["spec"][endpoints][0]


def test_network_policy_lets_engines_reach_registries(complete):
    spec = find_object(complete, "NetworkPolicy")["spec"]
    assert spec["podSelector"]["matchLabels"].items() <= pod_of(complete)["metadata"]["labels"].items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = spec["ingress"]
    assert [port["port"] for port in rule["ports"]] == ["metrics"] and len(rule["from"]) == 1
    ports = [(port["protocol"], port["port"], port.get("endPort")) for rule in spec["egress"] for port in rule["ports"]]
    assert ports == [("UDP", 53, None), ("TCP", 53, None), ("TCP", 1, 65535)]
    assert not any("to" in rule for rule in spec["egress"])


def test_prometheus_rule_is_that_of_the_dashboards(complete):
    rules = yaml.safe_load((ROOT / "dashboards/rules.yml").read_text(encoding="utf-8"))
    assert find_object(complete, "PrometheusRule")["spec"] == rules, "run make prometheus-rule"


def test_dashboards_are_in_a_config_map(complete):
    found = find_object(complete, "ConfigMap", "containerd-exporter-dashboards")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = found["data"].values()
    assert json.loads(text) == json.loads((ROOT / "dashboards/overview.json").read_text(encoding="utf-8"))


def test_service_finds_the_pods(objects):
    service, template = find_object(objects, "Service")["spec"], pod_of(objects)
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    selector = find_object(objects, "DaemonSet")["spec"]["selector"]
    assert selector["matchLabels"].items() <= template["metadata"]["labels"].items()
    (port,) = container_of(objects)["ports"]
    assert service["ports"][0]["targetPort"] == port["name"] and port["containerPort"] == 10048
    assert service["clusterIP"] == "None"


def web_config_check(path):
    """Whether the exporter starts with it: --config.check reads both files."""
    return subprocess.run([exporter_binary(), f"--web.config.file={path}", "--config.check"], capture_output=True, text=True,
                          check=False)


def test_web_configuration_needs_a_password(tmp_path):
    """The published file has no usable password."""
    certificate, key = Authority(tmp_path / "tls").issue("good")
    text = (MANIFESTS / "components/web-tls/web.yml").read_text(encoding="utf-8")
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

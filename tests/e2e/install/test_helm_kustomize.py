# SPDX-License-Identifier: Apache-2.0
"""The chart makes the objects that deploy/kubernetes makes with the same choices.

What may differ:
- the Namespace, which helm makes with --create-namespace;
- labels that say which chart and release an object is of, in selectors those of the release;
- checksums in annotations, where kustomize puts a hash into the names of ConfigMaps and Secrets;
- the configuration is one file, where kustomize has one per component, which the exporter lays over each other;
- optional ConfigMaps of components that were not chosen;
- the order of volumes and of mounts, and fields with the value that Kubernetes gives them anyway."""
import base64
import json
import re

import pytest
import yaml

from lab.kustomize import COMPONENTS, MANIFESTS, overlay
from lab.schemas import OPERATOR, mistakes
from lab.wait import LabError

pytestmark = pytest.mark.unprivileged
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
OF_THE_RELEASE = {"helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"}
WEB = {"webConfig": {"tlsSecret": "containerd-exporter-tls", "users": {"prometheus": HASH}, "scrapeSecret": "containerd-exporter-scrape"}}
PROXY = "http://proxy.example:3128"
# The component of kustomize, and the values that mean the same.
CHOICES = {
    **{name: {"distribution": name} for name in ("k3s", "rke2", "k0s", "microk8s", "docker")},
    "grafana-dashboards": {"grafanaDashboard": {"enabled": True}},
    "kubelet-credentials": {"kubeletCredentials": {"enabled": True}},
    "network-policy": {"hostNetwork": False, "networkPolicy": {"enabled": True}},
    "pod-monitor": {"prometheus": {"podMonitor": {"enabled": True}}},
    "pod-network": {"hostNetwork": False},
    "prometheus-rule": {"prometheusRule": {"enabled": True}},
    "proxy": {"proxy": {"httpProxy": PROXY, "httpsProxy": PROXY, "noProxy": "localhost,127.0.0.1,::1,.svc,.cluster.local,10.0.0.0/8"}},
    "registry-secret": {"registrySecret": {"existingSecret": "containerd-exporter-registry"}},
    "root-user": {"securityContext": {"runAsNonRoot": False, "runAsUser": 0}},
    "service-monitor": {"prometheus": {"monitor": {"enabled": True}}},
    "suse": {"hostFolders": [{"name": "ca-certificates", "path": "/var/lib/ca-certificates"}]},
    "web-tls": WEB}
# Components that change each other.
TOGETHER = {
    "nothing": ([], {"distribution": "kubernetes"}),
    "pod-monitor with TLS": (["pod-monitor", "web-tls"], {**WEB, **CHOICES["pod-monitor"]}),
    "service-monitor with TLS": (["service-monitor", "web-tls"], {**WEB, **CHOICES["service-monitor"]}),
    "a Secret, a proxy and root": (["k3s", "registry-secret", "proxy", "root-user"], {
        **CHOICES["k3s"], **CHOICES["registry-secret"], **CHOICES["proxy"], **CHOICES["root-user"]}),
    "microk8s and Docker": (["microk8s", "docker"], {"distribution": "microk8s", "docker": {"enabled": True}})}
ENVIRONMENT = {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "NO_PROXY": CHOICES["proxy"]["proxy"]["noProxy"]}
# What an overlay makes for a component: its own values.
OWN = {"proxy": ("configMapGenerator", "containerd-exporter-proxy", [f"{key}={value}" for key, value in ENVIRONMENT.items()]),
       "web-tls": ("secretGenerator", "containerd-exporter-web", ["web.yml=" + (MANIFESTS / "components/web-tls/web.yml").read_text(
           encoding="utf-8").replace("REPLACE-ME", HASH)])}
NEEDED = {"network-policy": ["pod-network"]}  # by the component's own word
CASES = {**{name: ([*NEEDED.get(name, []), name], values) for name, values in CHOICES.items()}, **TOGETHER}


def merged(base, over):
    """Mappings are merged, all else is replaced, as the exporter lays files over each other."""
    return {**base, **{key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
                       for key, value in over.items()}}


def without_hashes(objects):
    """Names as they are before kustomize adds hashes."""
    text = json.dumps(objects)
    for one in objects:
        name = one["metadata"]["name"]
        if one["kind"] in ("ConfigMap", "Secret") and re.search(r"-[a-z0-9]{10}$", name) and name.count("-") > 1:
            text = text.replace(f'"{name}"', f'"{name[:-11]}"')
    return json.loads(text)


def drop_labels(node, names):
    """Labels and selectors of an object, at whatever depth."""
    if isinstance(node, list):
        for value in node:
            drop_labels(value, names)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("labels", "matchLabels", "selector") and isinstance(value, dict):
                for name in names & value.keys():
                    del value[name]
            drop_labels(value, names)


def configuration(objects):
    """The configuration that the pod reads, file by file in the order of their names."""
    files = {}
    for one in objects:
        if one["kind"] == "ConfigMap":
            files.update({name: text for name, text in one["data"].items() if name.endswith(".yml")})
    config = {}
    for name in sorted(files):
        config = merged(config, yaml.safe_load(files[name]))
    return config


def plain_pod(daemon_set):
    template = daemon_set["spec"]["template"]
    notes = template["metadata"].get("annotations", {})
    template["metadata"]["annotations"] = {key: value for key, value in notes.items() if not key.startswith("checksum/")}
    pod = template["spec"]
    for volume in pod["volumes"]:
        if volume["name"] == "config":
            assert [list(source) for source in volume["projected"]["sources"]] == [["configMap"]] * len(volume["projected"]["sources"])
            del volume["projected"]["sources"]
    pod["volumes"].sort(key=lambda volume: volume["name"])
    pod["containers"][0]["volumeMounts"].sort(key=lambda mount: mount["mountPath"])


def plain(objects):
    """The objects by kind and name, without what may differ."""
    objects = without_hashes(objects)
    drop_labels(objects, OF_THE_RELEASE)
    found = {"configuration": configuration(objects)}
    for one in objects:
        if one["kind"] == "Namespace" or one["kind"] == "ConfigMap" and any(name.endswith(".yml") for name in one["data"]):
            continue
        # kustomize has no labels on what its generators make.
        labels = one["metadata"].pop("labels", {})
        one["metadata"]["labels"] = {key: value for key, value in labels.items() if not key.startswith("app.kubernetes.io/")}
        if one["kind"] == "DaemonSet":
            plain_pod(one)
        if one["kind"] == "Service" and one["spec"].get("type") == "ClusterIP":
            del one["spec"]["type"]
        if one["kind"] == "ConfigMap":
            one["data"] = {name: json.loads(text) if name.endswith(".json") else text for name, text in one["data"].items()}
        if one["kind"] == "Secret":
            one["data"] = {name: yaml.safe_load(base64.b64decode(text)) for name, text in one["data"].items()}
        found[f"{one['kind']} {one['metadata']['name']}"] = one
    return found


def kustomized(temp, components):
    """The objects of an overlay with the components."""
    more = {}
    for component in components:
        if component in OWN:
            field, name, literals = OWN[component]
            more[field] = [{"name": name, "literals": literals}]
    return overlay(temp, *components, **more)


def test_every_component_has_its_values():
    assert CHOICES.keys() == set(COMPONENTS)


@pytest.mark.parametrize("case", CASES)
def test_chart_equals_kustomization(helm, tmp_path, case):
    components, values = CASES[case]
    expected, found = plain(kustomized(tmp_path, components)), plain(helm.objects(values=values))
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        assert found[name] == one, name


def checked(objects):
    """The mistakes of objects, or a skip where there are no schemas."""
    try:
        return {one["kind"]: found for one in objects if (found := mistakes(one))}
    except LabError as error:
        return pytest.skip(f"{', '.join({one['kind'] for one in objects})} ARE NOT CHECKED: {error}")


@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_every_field_of_the_chart(helm, case):
    assert checked([one for one in helm.objects(values=CASES[case][1]) if one["apiVersion"] != OPERATOR]) == {}


def test_prometheus_operator_takes_every_field_of_the_chart(helm):
    objects = [one for _, values in CASES.values() for one in helm.objects(values=values) if one["apiVersion"] == OPERATOR]
    assert {one["kind"] for one in objects} == {"PodMonitor", "ServiceMonitor", "PrometheusRule"}
    assert checked(objects) == {}


@pytest.mark.parametrize("change", [
    {"hostNetwork": False}, {"distribution": "k0s"}, {"docker": {"enabled": True}}, {"extraArgs": ["--log.level=debug"]},
    {"collectors": {"scrub": {"enabled": True}}}, {"service": {"port": 1}}, {"resources": {"limits": {"cpu": "1"}}},
    {"commonLabels": {"a": "b"}}, {"runtime": {"address": "/run/other/containerd.sock"}}])
def test_comparison_sees_a_difference(helm, change):
    assert plain(helm.objects(values=change)) != plain(helm.objects())

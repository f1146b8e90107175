# SPDX-License-Identifier: Apache-2.0
"""The chart: what its values do, which it refuses, and that the exporter accepts what it makes."""
import base64
import json
import re
import subprocess

import pytest
import yaml

from lab.helm import CHART, Refused, find
from lab.programs import ROOT, exporter_binary
from lab.schemas import mistakes
from lab.wait import LabError

pytestmark = pytest.mark.unprivileged
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
# Every value that adds an object or a field.
FULL = {
    "probes": [{"name": "pull", "operation": "pull", "image": "registry.example/a:1", "interval": "5m"}],
    "registries": {"registry.example": {"max_pulls_per_hour": 60, "max_bytes_per_hour": 2000000}},
    "collectors": {"scrub": {"enabled": False}}, "config": {"containerd": {"hosts_dir": "/etc/mirrors"}},
    "configMaps": ["team-a"], "registrySecret": {"auths": {"registry.example": {"username": "u", "password": "pass: word"}}},
    "secretFiles": {"files": {"password": "text"}}, "proxy": {"httpsProxy": "http://proxy.example:3128"},
    "webConfig": {"tlsSecret": "tls", "users": {"prometheus": HASH}, "scrapeSecret": "scrape"},
    "port": 9100, "listenOnAllInterfaces": False, "extraArgs": ["--log.level=debug"],
    "service": {"annotations": {"a": "b"}, "labels": {"c": "d"}, "ipFamilyPolicy": "PreferDualStack"},
    "prometheus": {"podMonitor": {"enabled": True, "additionalLabels": {"release": "r"}, "namespace": "monitoring",
                                  "spec": {"scrapeClassicHistograms": True}, "endpoint": {"followRedirects": False},
                                  "relabelings": [{"targetLabel": "zone", "replacement": "z"}]}},
    "prometheusRule": {"enabled": True, "disabled": ["ContainerdDown"], "labels": {"team": "a"},
                       "groups": [{"name": "more", "rules": [{"record": "a", "expr": "b"}]}]},
    "grafanaDashboard": {"enabled": True}, "networkPolicy": {"enabled": True, "egress": []}, "hostNetwork": False,
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}, "hostUsers": True,
    "serviceAccount": {"create": True, "annotations": {"role": "r"}}, "revisionHistoryLimit": 3,
    "updateStrategy": {"type": "OnDelete"}, "docker": {"enabled": True},
    "extraEnv": [{"name": "A", "value": "1"}], "extraEnvFrom": [{"secretRef": {"name": "env"}}],
    "extraVolumes": [{"name": "tmp", "emptyDir": {}}], "extraVolumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    "extraConfigmapMounts": [{"name": "ca", "mountPath": "/etc/ca", "configMap": "ca-bundle"}],
    "extraSecretMounts": [{"name": "key", "mountPath": "/etc/key", "secretName": "key", "subPath": "k"}],
    "extraInitContainers": [{"name": "init", "image": "a"}], "sidecars": [{"name": "side", "image": "b"}],
    "extraManifests": ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-more'}",
                       {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "object"}}],
    "imagePullSecrets": [{"name": "pull"}], "commonLabels": {"team": "a"}, "podLabels": {"pod": "p"},
    "podAnnotations": {"note": "text"}, "daemonsetAnnotations": {"set": "s"}, "image": {"digest": f"sha256:{'0' * 64}"},
    "global": {"imageRegistry": "mirror.example"}, "startupProbe": {"httpGet": {"httpHeaders": [{"name": "a", "value": "b"}]}}}


@pytest.fixture(scope="module", name="full")
def everything(helm):
    return helm.objects(values=FULL)


def check(path, web=None):
    more = [f"--web.config.file={web}"] if web else []
    return subprocess.run([exporter_binary(), f"--config.file={path}", *more, "--config.check"], capture_output=True,
                          text=True, check=False)


def config_of(objects):
    return yaml.safe_load(find(objects, "ConfigMap")["data"]["containerd_exporter.yml"])


def secret_text(objects, name, key):
    return base64.b64decode(find(objects, "Secret", f"containerd-exporter-{name}")["data"][key]).decode()


def pod_of(objects):
    return find(objects, "DaemonSet")["spec"]["template"]["spec"]


def test_chart_has_the_version_of_the_exporter():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    version = subprocess.run([exporter_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    assert f"version {chart['appVersion']} " in version and chart["version"] == chart["appVersion"]


@pytest.mark.parametrize("name", ["rules.yml", "overview.json"])
def test_files_of_the_chart_are_those_of_the_dashboards(name):
    """`make chart` copies them: a chart reads no file outside of itself."""
    assert (CHART / "files" / name).read_bytes() == (ROOT / "dashboards" / name).read_bytes()
    assert {path.name for path in (CHART / "files").iterdir()} == {"rules.yml", *(p.name for p in (ROOT / "dashboards").glob("*.json"))}


def test_every_value_is_in_the_schema_and_every_key_of_the_schema_is_a_value():
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert values.keys() == schema["properties"].keys()
    for key, value in values.items():
        fields = schema["properties"][key].get("properties")
        assert not fields or not isinstance(value, dict) or value.keys() == fields.keys(), key


def test_full_values_make_valid_objects(full):
    kinds = [one["kind"] for one in full]
    assert sorted(set(kinds)) == ["ConfigMap", "DaemonSet", "NetworkPolicy", "PodMonitor", "PriorityClass", "PrometheusRule",
                                  "Secret", "Service", "ServiceAccount"]
    assert kinds.count("ConfigMap") == 5 and kinds.count("Secret") == 3
    try:
        assert {one["kind"]: mistakes(one) for one in full if mistakes(one)} == {}
    except LabError as error:
        pytest.skip(f"THE SCHEMAS ARE NOT CHECKED: {error}")


def test_newer_helm_reads_numbers_otherwise_and_makes_the_same(helm, full):
    assert helm.objects("-exact-numbers", values=FULL) == full


def test_exporter_accepts_the_configuration(full, tmp_path):
    config = config_of(full)
    assert config["containerd"] == {"address": "/run/containerd/containerd.sock", "hosts_dir": "/etc/mirrors"}
    assert config["docker"] == {"address": "/host/run/docker.sock"}
    assert config["registries"]["registry.example"]["max_bytes_per_hour"] == 2000000
    assert config["registries"]["*"]["docker_config"] == "/etc/containerd_exporter_registry/config.json"
    assert config["collectors"] == {"scrub": {"enabled": False}} and len(config["probes"]) == 1
    # The files of the pod that the check opens.
    docker_config = tmp_path / "config.json"
    docker_config.write_text(secret_text(full, "registry", ".dockerconfigjson"), encoding="utf-8")
    config["registries"]["*"] = {"docker_config": str(docker_config)}
    path = tmp_path / "containerd_exporter.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    done = check(path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_what_kubectl_would_make(full):
    login = json.loads(secret_text(full, "registry", ".dockerconfigjson"))["auths"]["registry.example"]
    assert login == {"username": "u", "password": "pass: word", "auth": base64.b64encode(b"u:pass: word").decode()}
    assert find(full, "Secret", "containerd-exporter-registry")["type"] == "kubernetes.io/dockerconfigjson"
    assert secret_text(full, "files", "password") == "text"
    web = yaml.safe_load(secret_text(full, "web", "web.yml"))
    assert web["basic_auth_users"] == {"prometheus": HASH} and web["health_without_auth"] is True


def test_exporter_accepts_the_web_configuration(helm, tmp_path):
    objects = helm.objects(values={"webConfig": {"users": {"prometheus": HASH}, "config": {"rate_limit": {"burst": 5}}}})
    config, web = tmp_path / "containerd_exporter.yml", tmp_path / "web.yml"
    config.write_text(find(objects, "ConfigMap")["data"]["containerd_exporter.yml"], encoding="utf-8")
    web.write_text(secret_text(objects, "web", "web.yml"), encoding="utf-8")
    done = check(config, web)
    assert done.returncode == 0, done.stdout + done.stderr
    probes = pod_of(objects)["containers"][0]
    assert "scheme" not in probes["livenessProbe"]["httpGet"]  # a password without TLS


def test_full_values_reach_the_pod(full):
    pod, annotations = pod_of(full), find(full, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    container, side = pod["containers"]
    assert container["image"] == f"mirror.example/containerd_exporter@sha256:{'0' * 64}" and side["name"] == "side"
    assert container["args"] == [
        "--config.file=/etc/containerd_exporter", "--path.rootfs=/host", "--web.listen-address=[$(POD_IP)]:9100",
        "--web.config.file=/etc/containerd_exporter_web/web.yml", "--log.level=debug"]
    assert [one["name"] for one in container["env"]] == ["NODE_NAME", "POD_IP", "A"]
    assert container["startupProbe"]["httpGet"] == {"path": "/-/ready", "port": "metrics", "scheme": "HTTPS",
                                                    "httpHeaders": [{"name": "a", "value": "b"}]}
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]} and mounts >= {"run", "registry", "files", "web", "tls", "ca", "key"}
    assert pod["securityContext"]["supplementalGroups"] == [999] and pod["dnsPolicy"] == "ClusterFirst"
    assert annotations["prometheus.io/port"] == "9100" and annotations["note"] == "text"
    sources = next(volume for volume in pod["volumes"] if volume["name"] == "config")["projected"]["sources"]
    assert [one["configMap"]["name"] for one in sources] == ["containerd-exporter", "team-a"]
    assert find(full, "DaemonSet")["spec"]["updateStrategy"] == {"type": "OnDelete"}


def test_monitor_and_rules_follow_the_values(full):
    monitor = find(full, "PodMonitor")
    assert monitor["metadata"]["namespace"] == "monitoring" and monitor["metadata"]["labels"]["release"] == "r"
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["containerd-exporter"]}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert [rule["targetLabel"] for rule in endpoint["relabelings"]] == ["job", "node", "zone"]
    assert endpoint["scheme"] == "https" and endpoint["followRedirects"] is False
    ours, more = find(full, "PrometheusRule")["spec"]["groups"]
    alerts = {rule["alert"]: rule for rule in ours["rules"]}
    assert "ContainerdDown" not in alerts and "ContainerdExporterDown" in alerts and more["name"] == "more"
    assert all(rule["labels"]["team"] == "a" and rule["labels"]["severity"] for rule in alerts.values())


def checksums(objects):
    notes = find(objects, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    return {key: value for key, value in notes.items() if key.startswith("checksum/")}


def test_new_configuration_is_a_new_roll_out_or_a_reload(helm):
    before, after = helm.objects(), helm.objects(values={"collectors": {"scrub": {"enabled": True}}})
    assert checksums(before) != checksums(after)
    kept = [helm.objects(values={"configReload": "auto", **more}) for more in ({}, {"collectors": {"scrub": {"enabled": True}}})]
    assert checksums(kept[0]) == checksums(kept[1]) == {}
    assert "--config.enable-auto-reload" in pod_of(kept[0])["containers"][0]["args"]
    users = [helm.objects(values={"webConfig": {"users": {name: HASH}}}) for name in ("a", "b")]
    assert checksums(users[0])["checksum/web"] != checksums(users[1])["checksum/web"]


def test_last_word_is_that_of_config(helm):
    """Mappings are merged, all else is replaced: false and 0, too."""
    config = config_of(helm.objects(values={
        "distribution": "k3s", "registrySecret": {"existingSecret": "s"}, "collectors": {"images": {"enabled": True, "max_series": 5}},
        "registries": {"*": {"max_concurrent": 1}}, "config": {"collectors": {"images": {"enabled": False}}, "log": {"a": 0}}}))
    assert config["registries"] == {"*": {"docker_config": "/etc/containerd_exporter_registry/config.json", "max_concurrent": 1}}
    assert config["collectors"] == {"images": {"enabled": False, "max_series": 5}} and config["log"] == {"a": 0}


@pytest.mark.parametrize("values, words", [
    ({"distribution": "openshift"}, "distribution: distribution must be one of the following"),
    ({"tolerations": {"operator": "Exists"}}, "tolerations: Invalid type. Expected: array, given: object"),
    ({"hostnetwork": True}, "(root): Additional property hostnetwork is not allowed"),
    ({"image": {"tags": "1"}}, "image: Additional property tags is not allowed"),
    ({"image": {"digest": "sha256:1"}}, "image.digest: Does not match pattern"),
    ({"probes": {"pull": {}}}, "probes: Invalid type. Expected: array, given: object"),
    ({"probes": [{"image": "a"}]}, "probes.0: name is required"),
    ({"webConfig": {"users": {"prometheus": "REPLACE-ME"}}}, "webConfig.users.prometheus: Does not match pattern"),
    ({"registrySecret": {"auths": {"r": {"username": "u"}}}}, "registrySecret.auths.r: password is required"),
    ({"port": 0}, "port: Must be greater than or equal to 1"), ({"port": "10048"}, "port: Invalid type"),
    ({"commonLabels": {"team": "no spaces"}}, "commonLabels.team: Does not match pattern"),
    ({"fullnameOverride": "Upper"}, "fullnameOverride: Does not match pattern"),
    ({"prometheus": {"monitor": {"interval": "30"}}}, "prometheus.monitor.interval: Does not match pattern"),
    ({"extraArgs": ["log.level=debug"]}, "extraArgs.0: Does not match pattern"),
    ({"hostFolders": [{"name": "a", "path": "b"}]}, "hostFolders.0.path: Does not match pattern"),
    ({"updateStrategy": {"type": "Recreate"}}, "updateStrategy.type: updateStrategy.type must be one of"),
    ({"prometheus": {"monitor": {"enabled": True}, "podMonitor": {"enabled": True}}}, "scrape each pod twice"),
    ({"prometheus": {"monitor": {"enabled": True}}, "service": {"enabled": False}}, "needs service.enabled"),
    ({"registrySecret": {"existingSecret": "login"}, "kubeletCredentials": {"enabled": True}},
     "registrySecret and kubeletCredentials.enabled: both set"),
    ({"registrySecret": {"auths": {"a": {"username": "u", "password": "p"}}}, "kubeletCredentials": {"enabled": True}},
     "registrySecret and kubeletCredentials.enabled: both set"),
    ({"networkPolicy": {"enabled": True}}, "expected hostNetwork: false")])
def test_wrong_values_are_refused(helm, values, words):
    with pytest.raises(Refused, match=re.escape(words)):
        helm.text(values=values)


def test_cluster_that_is_too_old_is_refused(helm):
    with pytest.raises(Refused, match="chart requires kubeVersion"):
        helm.text("-kube-version", "1.22.9")
    helm.text("-kube-version", "v1.29.4-eks-1a2b3c")


@pytest.mark.parametrize("arguments, path, value", [
    (["--set", "distribution=k3s,port=9100"], ("containers", 0, "ports", 0, "containerPort"), 9100),
    (["--set", "tolerations[0].key=a,tolerations[0].operator=Exists"], ("tolerations",), [{"key": "a", "operator": "Exists"}]),
    (["--set", "extraArgs={--a,--b}"], ("containers", 0, "args"), ["--config.file=/etc/containerd_exporter", "--path.rootfs=/host", "--a", "--b"]),
    (["--set", r"nodeSelector.kubernetes\.io/arch=arm64"], ("nodeSelector",), {"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"}),
    (["--set-string", "podLabels.a=1", "--set", "tolerations=null"], ("tolerations",), None),
    (["--set", "priorityClass.create=false"], ("priorityClassName",), None),
    (["--set", "priorityClassName=system-node-critical"], ("priorityClassName",), "system-node-critical"),
    (["--set", "docker.enabled=true,docker.group=null"], ("securityContext", "supplementalGroups"), None)])
def test_values_of_the_command_line(helm, arguments, path, value):
    found = pod_of(helm.objects(*arguments))
    for step in path:
        found = found.get(step) if isinstance(found, dict) else found[step]
    assert found == value


@pytest.mark.parametrize("name", ["a", "containerd-exporter", "x" * 53, "my.release-" + "y" * 40 + ".z"])
def test_names_and_labels_are_valid(helm, name):
    objects = helm.objects("--set", "prometheus.monitor.enabled=true", "--set", "grafanaDashboard.enabled=true",
                           "--set", "prometheusRule.enabled=true,proxy.httpProxy=a,secretFiles.files.a=b", name=name)
    for one in objects:
        assert re.fullmatch(r"[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?", one["metadata"]["name"]), one["metadata"]["name"]
        for key, value in one["metadata"]["labels"].items():
            assert re.fullmatch(r"([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?", value), (key, value)
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    template = find(objects, "DaemonSet", objects[0]["metadata"]["name"])["spec"]
    assert template["selector"]["matchLabels"].items() <= template["template"]["metadata"]["labels"].items()
    service = next(one for one in objects if one["kind"] == "Service")
    monitor = next(one for one in objects if one["kind"] == "ServiceMonitor")
    assert service["spec"]["selector"] == template["selector"]["matchLabels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


@pytest.mark.parametrize("values, has, lacks", [
    ({}, "No probe is configured", "Passwords in values"),
    ({"probes": [{"name": "pull"}], "registrySecret": {"auths": {"r": {"username": "u", "password": "p"}}}},
     "/probe?target=pull", "No probe"),
    ({"distribution": "k3s"}, "securityContext.runAsUser: 0", "Passwords"),
    ({"webConfig": {"tlsSecret": "t", "users": {"u": HASH}}}, "https://127.0.0.1:10048/", "without a password")])
def test_notes_tell_what_to_do_next(helm, values, has, lacks):
    notes = helm.text("-notes", values=values)
    assert has in notes and lacks not in notes and "pod-security.kubernetes.io/enforce=privileged" in notes


def test_example_of_the_readme_renders(helm):
    text = (CHART / "README.md").read_text(encoding="utf-8")
    values = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert {one["kind"] for one in helm.objects(values=values)} >= {"PodMonitor", "PrometheusRule", "DaemonSet"}
    sets = re.findall(r"--set (\S+)", text)
    assert "registry.mine/" in pod_of(helm.objects(*[word for one in sets for word in ("--set", one)]))["containers"][0]["image"]


def empty_values(values, path=""):
    """Paths of the values that are empty by default."""
    for key, value in values.items():
        if value in ([], {}, "", None):
            yield path + key
        elif isinstance(value, dict):
            yield from empty_values(value, f"{path}{key}.")


def test_null_is_what_is_left_out(helm):
    """Values that are empty by default may be null, as helm's users reset them."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    paths = list(empty_values(defaults))
    assert len(paths) > 40 and "webConfig.users" in paths
    enabled = ["--set", "prometheus.monitor.enabled=true,prometheusRule.enabled=true"]
    assert helm.objects(*enabled, "--set", ",".join(f"{path}=null" for path in paths)) == helm.objects(*enabled)


@pytest.mark.parametrize("numbers", [[], ["-exact-numbers"]])
def test_zero_is_no_limit(helm, numbers):
    objects = helm.objects(*numbers, values={"prometheus": {"monitor": {"enabled": True, "sampleLimit": 0}}, "revisionHistoryLimit": 0,
                                             "docker": {"enabled": True, "group": 0}, "terminationGracePeriodSeconds": 0})
    assert "sampleLimit" not in find(objects, "ServiceMonitor")["spec"]
    assert find(objects, "DaemonSet")["spec"]["revisionHistoryLimit"] == 0
    assert pod_of(objects)["terminationGracePeriodSeconds"] == 0
    assert pod_of(objects)["securityContext"]["supplementalGroups"] == [0]

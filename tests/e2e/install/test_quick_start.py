# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/quick-start.md, verbatim, on a machine of their own: lab/machine.py.

What cannot run here has a stand-in, and STAND_INS says so: no systemd runs on that machine, and no API server.
"""
import json

import pytest
import yaml

from lab.docs import blocks
from lab.machine import Machine
from lab.programs import daemons_dir, find
from lab.wait import wait_until

PAGE = "docs/quick-start.md"
REGISTRY = "registry.example:5000"

# Starts ExecStart of the installed unit, without its sandbox.
SYSTEMCTL = """#!/bin/bash -e
unit=$(ls /etc/systemd/system/$UNIT.service /usr/local/lib/systemd/system/$UNIT.service /lib/systemd/system/$UNIT.service 2>/dev/null | head -n 1)
case "$1 $2" in
"enable --now")
    [ -f "$unit" ]
    command=$(sed -n 's/^ExecStart=//p' "$unit")
    . /etc/default/containerd_exporter
    eval "setsid $command >/var/log/containerd_exporter.log 2>&1 </dev/null &"
    echo $! >/run/containerd_exporter.pid
    for attempt in $(seq 100); do
        curl -sf -o /dev/null http://localhost:10048/-/ready && exit 0
        sleep 0.1
    done
    exit 1
    ;;
"reload $UNIT") kill -HUP "$(cat /run/containerd_exporter.pid)" ;;
*) exit 1 ;;
esac
"""
# Renders what apply would send.
KUBECTL = """#!/bin/bash -e
case "$*" in
"apply -k "*) {kubectl} kustomize "$3" >/run/applied.yaml ;;
"-n containerd-exporter rollout status daemonset/containerd-exporter") [ -s /run/applied.yaml ] ;;
*) exit 1 ;;
esac
"""
STAND_INS = {"systemctl": SYSTEMCTL, "kubectl": KUBECTL, "k3s": '#!/bin/bash\nexec "$@"\n'}


def commands(section):
    """The blocks of commands below a heading."""
    found = [block.text for block in blocks(PAGE, section, "sh")]
    assert found, section
    return found


@pytest.fixture(scope="module", name="layout")
def image_layout(tmp_path_factory):
    """An image as a folder that skopeo copies into a registry."""
    from lab.images import ImageMaker, as_json
    image, folder = ImageMaker().image(layers=2, size=1 << 18), tmp_path_factory.mktemp("layout")
    (folder / "blobs/sha256").mkdir(parents=True)
    for digest, data in {image.digest: image.data, **image.blobs}.items():
        (folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
    (folder / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_bytes(as_json({"schemaVersion": 2, "manifests": [image.descriptor]}))
    return folder


@pytest.fixture(name="machine")
def machine_with_registry(lab, layout):
    folder = lab.folder("machine")
    with Machine(folder, {"registry.example": "127.0.0.2", "node1": "127.0.0.1", "node2": "127.0.0.1"}) as machine:
        machine.run(f"cp -a {layout} /root/layout")
        config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": "/run/registry"}},
                  "http": {"addr": "127.0.0.2:5000", "secret": "lab"}}
        machine.write("/run/registry.yml", yaml.safe_dump(config))
        machine.service([find("docker-registry"), "serve", "/run/registry.yml"], f"curl -sf http://{REGISTRY}/v2/")
        machine.run(f"skopeo copy --insecure-policy --dest-tls-verify=false oci:/root/layout docker://{REGISTRY}/base:1")
        yield machine


def stand_in(machine, name, **words):
    text = STAND_INS[name]
    for word, value in words.items():
        text = text.replace("{" + word + "}", str(value)).replace("$" + word, str(value))
    machine.write(f"/usr/local/sbin/{name}", text, 0o755)


def metric(machine, pattern):
    """Whether a line of /metrics matches; the exporter answers from memory, so a result may come a little later."""
    return machine.try_run(f"curl -s http://localhost:10048/metrics | grep -E '{pattern}'").returncode == 0


def test_virtual_machine(machine):
    """From the checkout to a node with probes, and on to Prometheus."""
    machine.service([find("containerd")], "ctr version")
    machine.run("ctr -n k8s.io images pull --plain-http registry.example:5000/base:1")
    stand_in(machine, "systemctl", UNIT="containerd_exporter")
    install, look, configure, probe = commands("Virtual machine or server")
    machine.run(install, timeout=600)
    wait_until(lambda: metric(machine, '^containerd_images.*k8s.io.*"complete".*"true". [1-9]'), 90, "the inventory")
    shown = machine.run(look)
    assert "containerd_up 1" in shown and "registry.example:5000/base:1" in shown
    machine.run(configure)
    wait_until(lambda: metric(machine, 'image_canary_success.*probe="push".* 1$'), 120, "the push")
    assert "image_canary_success" in machine.run(probe)
    machine.write("/root/.docker/config.json", "{}", 0o600)
    (secret,) = commands("Private registries on this machine")
    machine.run(secret)
    assert machine.run("stat -c '%a %G' /etc/containerd_exporter/secrets/config.json") == "640 root\n"
    prometheus(machine)


def prometheus(machine):
    """The node is what the dashboard shows: the alerts and the dashboard find the job."""
    (rules,) = commands("Prometheus and Grafana")
    (config,) = [block.text for block in blocks(PAGE, "Prometheus and Grafana", "yaml")]
    machine.run(rules)
    machine.write("/etc/prometheus/prometheus.yml", "global: {scrape_interval: 1s}\n" + config)
    machine.service([find("prometheus"), "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/run/prometheus"],
                    "curl -sf http://localhost:9090/-/ready")
    url = "http://localhost:9090/api/v1/query?query=containerd_up"

    def instances():
        answer = json.loads(machine.run(f"curl -s '{url}'"))
        return {sample["metric"]["instance"] for sample in answer["data"]["result"]}
    wait_until(lambda: instances() == {"node1:10048", "node2:10048"}, 90, "both targets", every=0.5)


def test_docker(machine):
    """Image, dockerd and a container, as the page says."""
    (build,) = commands("Container image")
    start, look = commands("Docker")
    machine.write("/etc/docker/daemon.json", json.dumps({"insecure-registries": [REGISTRY]}))
    machine.service([find("dockerd"), "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                     "--ip-masq=false", "--userland-proxy=false", "--oom-score-adjust=0"], "docker version")
    machine.run(build.splitlines()[0], timeout=600)  # test_image_push runs the others
    machine.run(start)
    wait_until(lambda: metric(machine, "^docker_engine_up 1"), 90, "the container")
    wait_until(lambda: metric(machine, 'image_canary_success.*probe="pull-docker".* 1$'), 120, "the pull")
    assert "docker_engine_up 1" in machine.run(look)


@pytest.mark.parametrize("section", ["With kustomize", "k3s, RKE2, k0s, MicroK8s"])
def test_overlay(machine, section):
    """The overlay renders, with the image and the configuration of the page; other tests start the pod."""
    kubectl = daemons_dir() / "kubectl/usr/bin/kubectl"
    if not kubectl.is_file():
        pytest.skip(f"KUSTOMIZE IS NOT TESTED: no {kubectl}: run deploy/lib.sh need_newer_daemons")
    stand_in(machine, "kubectl", kubectl=kubectl)
    stand_in(machine, "k3s")
    (overlay,) = commands(section)
    machine.run(overlay)
    objects = list(yaml.safe_load_all(machine.run("cat /run/applied.yaml")))
    (daemon_set,) = [each for each in objects if each["kind"] == "DaemonSet"]
    assert daemon_set["spec"]["template"]["spec"]["containers"][0]["image"].endswith("/containerd_exporter:0.1.0")
    if section == "With kustomize":
        texts = [text for each in objects if each["kind"] == "ConfigMap" for text in each["data"].values()]
        assert any(f"{REGISTRY}/base:1" in text for text in texts)

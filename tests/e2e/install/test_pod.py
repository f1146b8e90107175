# SPDX-License-Identifier: Apache-2.0
"""The DaemonSet's pod, as kustomize renders it, on a real containerd through CRI: lab/pod.py does a kubelet's work."""
import os
import pathlib

import pytest

from lab.pod_site import MIRRORED, NODE, TRUSTED, make_node, private_registry, run_pod
from lab.probes import plain_http, probe, wait_for_runs
from lab.wait import wait_until

LIMIT_BYTES = 128 << 20
ENGINES = {"1.6": ("client", "cri", "registry"), "1.7": ("client", "cri", "registry"),
           "2": ("client", "cri", "registry", "transfer")}


@pytest.fixture(scope="module", name="registry")
def one_registry(module_lab):
    return private_registry(module_lab)


@pytest.fixture(scope="module", name="node")
def one_node(module_lab, version, archive, registry):
    return make_node(module_lab, version, archive, registry)


def wait_for_success(pod, *names):
    wait_for_runs(pod, *names, timeout=120)
    failed = {name for name in names if pod.value("image_canary_success", probe=name) != 1}
    assert not failed, pod.log


def status_of(pod):
    lines = pathlib.Path(f"/proc/{pod.pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def mount_options(pod):
    """{path in the pod: options}"""
    lines = pathlib.Path(f"/proc/{pod.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
    return {line.split()[4]: set(line.split()[5].split(",")) for line in lines}


def test_pod_has_the_least_privilege(lab, node):
    pod = run_pod(lab, node)
    pod.wait_for("containerd_up", {}, 1)
    status = status_of(pod)
    assert status["Uid"] == ["65534"] * 4 and status["Gid"] == ["0"] * 4 and status["Groups"] == ["0"]
    assert {status[key][0] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == ["1"] and status["Seccomp"] == ["2"]
    mounts = mount_options(pod)
    for path in ("/", "/etc/containerd_exporter", "/run/containerd", "/host/etc", "/host/usr"):
        assert "ro" in mounts[path], path
    assert os.readlink(f"/proc/{pod.pid}/ns/net") == os.readlink("/proc/self/ns/net")
    assert os.readlink(f"/proc/{pod.pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    assert pod.memory()["limit"] == LIMIT_BYTES
    assert pod.probe(pod.spec.liveness)
    assert pod.stop() == 0, "SIGTERM within the grace period"


def test_engines_work_from_inside(lab, node, version, registry, maker):
    """By the node's trust store and by its hosts.toml; {node} is the node's name."""
    probes = []
    for engine in ENGINES[version]:
        for host, kind in ((f"{TRUSTED}:{registry.port}", "trusted"), (MIRRORED, "mirrored")):
            repository = f"pod-{version}/{kind}-{engine}"
            maker.image().push(registry, repository, "1")
            probes.append(probe(f"{host}/{repository}:1", f"{kind}-{engine}", engine=engine, timeout="60s"))
    push = f"{TRUSTED}:{registry.port}/push-{version}/{{node}}:{{probe}}"
    probes.append(probe(push, "push", "push", engine="client", timeout="60s"))
    probes.append(probe(push, "roundtrip", "roundtrip", engine="registry", timeout="60s"))
    pod = run_pod(lab, node, probes=probes)
    wait_for_success(pod, *(one["name"] for one in probes))
    assert set(registry.tags(f"push-{version}/{NODE}")) == {"push", "roundtrip"}
    assert "{node} is" not in pod.log, "no doubt about the node's name"
    assert pod.probe(pod.spec.liveness) and pod.stop() == 0


def test_pod_that_is_killed_leaves_nothing(lab, node, version, fake):
    """In the middle of a run, as by the kernel. The kubelet's new container of the pod cleans up."""
    before = node.census()
    fault = fake.fault("hang_middle", path="/blobs/")
    engines = [engine for engine in ENGINES[version] if engine != "registry"]
    for engine in engines:
        fake.add_image(f"killed/{engine}", "v1", [{"file": os.urandom(1 << 20)}])
    probes = [probe(f"{fake.address}/killed/{engine}:v1", engine, engine=engine, timeout="120s") for engine in engines]
    node.write(f"/etc/containerd/certs.d/{fake.address}/hosts.toml", f'[host."http://{fake.address}"]\n')
    pod = run_pod(lab, node, probes=probes, registries=plain_http(fake.address))
    for engine in engines:
        wait_until(lambda engine=engine: fake.requests("GET", f"killed/{engine}/blobs/"), 30, f"a run of {engine}")
    pod.kill()
    assert {f"containerd-exporter.{engine}" for engine in engines if engine != "cri"} <= node.namespaces(), "something is left"
    assert not pod.probe(pod.spec.liveness)
    fake.unfault(fault)
    pod.restart()
    wait_for_success(pod, *engines)
    assert pod.stop() == 0
    pod.close()
    wait_until(lambda: node.census() == before, 20, "a node as it was before")


def test_memory_stays_below_the_limit(module_lab, lab, archive, registry, maker, pytestconfig):
    """Five probes of 300 MB at once, and what the kernel counts for them."""
    node = make_node(module_lab, "1.6", archive, registry)
    maker.image(layers=3, size=100 * 1000 * 1000, compress=False).push(registry, "memory", "1")
    image, common = f"{TRUSTED}:{registry.port}/memory:1", {"timeout": "10m"}
    probes = [probe(image, f"client-{i}", engine="client", unpack=False, **common) for i in range(3)]
    probes.append(probe(image, "registry", engine="registry", **common))
    probes.append(probe(f"{TRUSTED}:{registry.port}/pushed/{{node}}:1", "push", "push", engine="client",
                        content={"layers": 3, "size": "100MB"}, **common))
    pod = run_pod(lab, node, probes=probes, args=("--probe.workers=5",))
    wait_for_runs(pod, *(one["name"] for one in probes), timeout=300)
    wait_for_success(pod, *(one["name"] for one in probes))
    status, memory = status_of(pod), pod.memory()
    figures = {"limit": memory["limit"], "peak of the cgroup": memory["peak"], "anonymous": memory["anonymous"],
               "page cache": memory["cache"], "peak RSS": int(status["VmHWM"][0]) << 10, "RSS": int(status["VmRSS"][0]) << 10,
               "private": int(status["RssAnon"][0]) << 10}
    pytestconfig.tables.append("A pod with five probes of 300 MB at once: " +
                               ", ".join(f"{name} {value / 1e6:.1f} MB" for name, value in figures.items()))
    assert memory["limit"] == LIMIT_BYTES and memory["peak"] < LIMIT_BYTES * 3 // 4, figures
    assert pod.attempt == 0 and pod.probe(pod.spec.liveness)


def test_mounts_of_other_containers_end_with_them(lab, node):
    """Their root file systems are below the folder of containerd's socket, which the pod has mounted."""
    first, second = run_pod(lab, node), run_pod(lab, node)
    of_first = [path for path in mount_options(second) if first.container in path]
    assert of_first, "else there would be nothing to test"
    first.close()
    wait_until(lambda: not any(first.container in path for path in mount_options(second)), 10, "the end of the mounts")

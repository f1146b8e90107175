# SPDX-License-Identifier: Apache-2.0
"""The components of deploy/kubernetes in pods on a real containerd: each does for the pod what it promises."""
import base64
import json
import pathlib
import ssl
import urllib.error
import urllib.request

import pytest

from lab.daemons import crypt
from lab.fake.proxy import FakeProxy
from lab.fake.tls import Authority
from lab.images import as_json
from lab.kustomize import MANIFESTS
from lab.pod_node import compile_static
from lab.pod_site import CONTAINER, MIRRORED, TRUSTED, make_node, private_registry, run_pod
from lab.probes import probe, reason, wait_for_runs
from lab.wait import wait_until

SECRET = "secret.example"  # a name of /etc/hosts of the node; the registry asks for a password
USER, PASSWORD = "canary", "s3cret"
DOCKER_GROUP = 999
# What a kubelet's plugin does, without any file: the answer of the credential provider API.
PLUGIN = """#include <stdio.h>
int main(void) {
    puts("{\\"kind\\":\\"CredentialProviderResponse\\",\\"apiVersion\\":\\"credentialprovider.kubelet.k8s.io/v1\\","
         "\\"cacheKeyType\\":\\"Registry\\","
         "\\"auth\\":{\\"secret.example:%d\\":{\\"username\\":\\"canary\\",\\"password\\":\\"s3cret\\"}}}");
}
"""


@pytest.fixture(scope="module", name="registry")
def one_registry(module_lab):
    return private_registry(module_lab)


@pytest.fixture(scope="module", name="locked")
def registry_with_a_password(module_lab):
    return module_lab.registry(htpasswd={USER: PASSWORD})


@pytest.fixture(scope="module", name="node")
def one_node(module_lab, archive, registry, locked):
    """It knows by hosts.toml how the registry with a password is reached."""
    node = make_node(module_lab, "1.6", archive, registry)
    host = f"{SECRET}:{locked.port}"
    node.write(f"/etc/containerd/certs.d/{host}/hosts.toml", f'server = "http://{host}"\n[host."http://{host}"]\n')
    return node


def wait_for_success(pod, *names):
    wait_for_runs(pod, *names, timeout=120)
    assert {name: reason(pod, name) for name in names} == dict.fromkeys(names), pod.log


DISTRIBUTIONS = {"k0s": ("/run/k0s/containerd.sock", "/etc/k0s/containerd/certs.d"),
                 "microk8s": ("/var/snap/microk8s/common/run/containerd.sock", "/var/snap/microk8s/current/args/certs.d"),
                 "k3s": ("/run/k3s/containerd/containerd.sock", "/var/lib/rancher/k3s/agent/etc/containerd/certs.d")}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distribution(lab, archive, registry, maker, name):
    """A containerd and mirrors where this distribution has them. K3s makes their folders for root alone, and RKE2 is alike."""
    socket, hosts_dir = DISTRIBUTIONS[name]
    node = make_node(lab, "1.6", archive, registry, socket=socket, hosts_dir=hosts_dir)
    components, for_root = [name], name == "k3s"
    if for_root:
        (node.hosts_dir / MIRRORED).chmod(0o700)
        components.append("root-user")
    probes = []
    for engine in ("client", "cri", "registry"):
        maker.image().push(registry, f"{name}/{engine}", "1")
        probes.append(probe(f"{MIRRORED}/{name}/{engine}:1", engine, engine=engine, timeout="60s"))
    pod = run_pod(lab, node, *components, probes=probes)
    pod.wait_for("containerd_up", {}, 1)
    wait_for_success(pod, "client", "cri", "registry")
    assert pod.stop() == 0
    if for_root:
        pod = run_pod(lab, node, name, probes=probes)
        wait_for_runs(pod, "client", "cri", "registry", timeout=120)
        assert reason(pod, "cri") is None and reason(pod, "client") and reason(pod, "registry"), pod.log
        assert "Permission denied" in pod.log


def test_microk8s_after_an_update_of_the_snap(lab, archive, registry, maker):
    """The link `current` moves; the pod stays."""
    current = "/var/snap/microk8s/current"
    node = make_node(lab, "1.6", archive, registry, socket=DISTRIBUTIONS["microk8s"][0], hosts_dir=f"{current}/args/certs.d")
    place = node.outside(current)
    place.rename(place.with_name("1001"))
    place.symlink_to("1001")
    maker.image().push(registry, "snap/image", "1")
    pod = run_pod(lab, node, "microk8s", probes=[probe(f"{MIRRORED}/snap/image:1", engine="registry", interval="1s")])
    wait_for_success(pod, "canary")
    newer = place.with_name("1002") / "args/certs.d" / MIRRORED
    newer.mkdir(parents=True)
    (newer / "hosts.toml").write_text('[host."https://127.0.0.1:1"]\n', encoding="utf-8")
    place.unlink()
    place.symlink_to("1002")
    pod.wait_for("image_canary_failures_total", {"probe": "canary"}, lambda n: n > 0, timeout=30)


def docker_config(host, password):
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return {"containerd-exporter-registry": {".dockerconfigjson": as_json({"auths": {host: {"auth": token}}}).decode()}}


def test_registry_secret(lab, node, locked, maker):
    """A wrong password, then, without a restart, the right one."""
    host = f"{SECRET}:{locked.port}"
    maker.image().push(locked, "secret/image", "1")
    probes = [probe(f"{host}/secret/image:1", engine, engine=engine, interval="1s", retry_interval="0s")
              for engine in ("client", "registry")]
    pod = run_pod(lab, node, "registry-secret", secrets=docker_config(host, "wrong"), probes=probes)
    for engine in ("client", "registry"):
        pod.wait_for("image_canary_failure_reasons_total", {"probe": engine, "reason": "unauthorized"}, lambda n: n > 0)
    (right,) = docker_config(host, PASSWORD).values()
    pod.volumes.update("registry", {"config.json": right[".dockerconfigjson"]})
    for engine in ("client", "registry"):
        pod.wait_for("image_canary_success", {"probe": engine}, 1)


def test_kubelet_credentials(lab, node, locked, maker):
    """A plugin of the node, run from /host as the kubelet runs it."""
    host, folder = f"{SECRET}:{locked.port}", "/etc/eks/image-credential-provider"
    config = {"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig", "providers": [
        {"name": "lab-credential-provider", "matchImages": [f"*.example:{locked.port}"], "defaultCacheDuration": "1h",
         "apiVersion": "credentialprovider.kubelet.k8s.io/v1"}]}
    node.write(f"{folder}/config.json", json.dumps(config))
    compile_static(node.outside(folder), "lab-credential-provider", PLUGIN % locked.port)
    maker.image().push(locked, "kubelet/image", "1")
    pod = run_pod(lab, node, "kubelet-credentials", probes=[
        probe(f"{host}/kubelet/image:1", engine, engine=engine) for engine in ("client", "registry")])
    wait_for_success(pod, "client", "registry")


def test_docker(lab, node, registry, maker):
    """The socket belongs to a group of the node. dockerd may restart, which makes a new socket."""
    groups = node.outside("/etc/group")
    groups.write_text(groups.read_text(encoding="utf-8") + f"docker:x:{DOCKER_GROUP}:\n", encoding="utf-8")
    docker = node.docker(lab)
    assert pathlib.Path(docker.address).stat().st_gid == DOCKER_GROUP
    maker.image().push(registry, "docker/image", "1")
    pod = run_pod(lab, node, "docker", probes=[
        probe(f"127.0.0.1:{registry.port}/docker/image:1", engine="docker", timeout="60s"),
        probe(f"127.0.0.1:{registry.port}/docker/pushed:1", "push", "push", engine="docker", timeout="60s")])
    pod.wait_for("docker_engine_up", {}, 1)
    wait_for_success(pod, "canary", "push")
    docker.stop()
    pod.wait_for("docker_engine_up", {}, 0, timeout=60)
    docker.start()
    pod.wait_for("docker_engine_up", {}, 1, timeout=60)


def test_proxy(lab, node, registry, maker):
    """The registry of NO_PROXY directly, others through the proxy."""
    maker.image().push(registry, "proxy/image", "1")
    with FakeProxy() as proxy:
        env = f"HTTP_PROXY={proxy.url}\nHTTPS_PROXY={proxy.url}\nNO_PROXY={TRUSTED}\n"
        pod = run_pod(lab, node, "proxy", files={"proxy.env": env}, more={"configMapGenerator": [
            {"name": "containerd-exporter-proxy", "envs": ["proxy.env"]}]}, probes=[
                probe(f"{TRUSTED}:{registry.port}/proxy/image:1", "direct", engine="registry"),
                probe("password.example/image:1", "proxied", engine="registry")])
        wait_for_success(pod, "direct")
        wait_for_runs(pod, "proxied")
        assert reason(pod, "proxied") == "proxy" and ("CONNECT", "password.example:443") in proxy.log
        assert not [target for _, target in proxy.log if TRUSTED in target]


def test_web_tls(lab, node, registry):
    """The kubelet has no password and knows no authority; everybody else needs a password."""
    authority = Authority(lab.folder("tls"))
    certificate, key = (pathlib.Path(path).read_text(encoding="utf-8") for path in authority.issue("web"))
    web = (MANIFESTS / "components/web-tls/web.yml").read_text(encoding="utf-8")
    hash_ = crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    pod = run_pod(lab, node, "web-tls", files={"web.yml": web.replace("REPLACE-ME", f'"{hash_}"')},
                  secrets={"containerd-exporter-tls": {"tls.crt": certificate, "tls.key": key}},
                  more={"secretGenerator": [{"name": "containerd-exporter-web", "files": ["web.yml"]}]})
    assert pod.url.startswith("https://") and pod.probe(pod.spec.liveness)

    context = ssl.create_default_context(cafile=authority.certificate)

    def ask(**headers):
        request = urllib.request.Request(pod.url + "/metrics", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert ask() == 401
    assert ask(Authorization="Basic " + base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()) == 200


def test_node_without_a_folder_of_the_manifest(lab, node):
    """A distribution's paths on a node that lacks them: the kubelet says so, and nothing is made there."""
    with pytest.raises(AssertionError, match="hostPath type check failed: /run/k3s/containerd is not a directory"):
        run_pod(lab, node, "k3s")
    assert not node.outside("/run/k3s").exists()


def test_containerd_that_makes_a_new_socket(lab, node):
    """The pod has mounted the folder, so it finds the new one. A broken containerd is reported, and the pod stays ready."""
    pod = run_pod(lab, node)
    pod.wait_for("containerd_up", {}, 1)
    node.stop()
    pod.wait_for("containerd_up", {}, 0)
    assert pod.probe(pod.spec.readiness) and pod.probe(pod.spec.liveness)
    node.start()
    pod.wait_for("containerd_up", {}, 1, timeout=60)


def test_pod_without_node_name(lab, node, registry):
    """The node's own /etc/hostname names it."""
    node.write("/etc/hostname", "node-7.example\n")
    pod = run_pod(lab, node, patches=[{"op": "remove", "path": f"{CONTAINER}/env/0"}], probes=[
        probe(f"{TRUSTED}:{registry.port}/named/{{node}}:1", operation="push", engine="registry")])
    wait_for_success(pod, "canary")
    assert registry.tags("named/node-7.example") and "NODE_NAME" not in pod.log

# SPDX-License-Identifier: Apache-2.0
"""Nodes and pods of the tests of installation: a private registry that only the node knows, and overlays as users write them."""
import base64
import json
import pathlib

import yaml

from lab.image import NAME
from lab.kustomize import overlay
from lab.network import free_port
from lab.pod import Pod
from lab.pod_node import PodNode

IMAGE = f"docker.io/library/{NAME}"
CONTAINER = "/spec/template/spec/containers/0"
NODE = "node-1.example"
TRUSTED = "trusted.example"  # a name of /etc/hosts of the node, whose trust store has its authority
MIRRORED = "mirrored.example"  # hosts.toml of the node says where it is


def private_registry(lab):
    """With a certificate of an authority that only the nodes know."""
    return lab.registry(tls=f"DNS:{TRUSTED},IP:127.0.0.1")


def make_node(lab, version, archive, registry, **places):
    """A node that has our image and trusts the registry in both ways: by its trust store, and by hosts.toml."""
    node = PodNode(lab, version, **places)
    node.ctr("images", "import", archive, namespace="k8s.io")
    node.collect_garbage("k8s.io")  # the archive's index.json is no image's
    authority = pathlib.Path(registry.cafile).read_text(encoding="utf-8")
    node.write("/etc/ssl/certs/ca-certificates.crt", authority)
    node.write("/etc/hosts", f"127.0.0.1 localhost {TRUSTED} secret.example\n")
    mirror = node.hosts_dir / MIRRORED
    mirror.mkdir(parents=True)
    (mirror / "ca.crt").write_text(authority, encoding="utf-8")
    (mirror / "hosts.toml").write_text(f'[host."{registry.url}"]\n  capabilities = ["pull", "resolve"]\n  ca = "ca.crt"\n',
                                       encoding="utf-8")
    return node


def render(lab, *components, probes=(), args=(), patches=(), files=None, more=None, **sections):
    """The objects of an overlay with our image and with these probes, on a free port. `patches`: operations of JSON Patch
    on the DaemonSet; `files`: further files of the overlay; `more`: keys of its kustomization."""
    port = free_port()
    edits = [{"op": "add", "path": f"{CONTAINER}/args/-", "value": arg}
             for arg in (f"--web.listen-address=127.0.0.1:{port}", "--probe.spread=0s", *args)]
    edits.append({"op": "replace", "path": f"{CONTAINER}/ports/0/containerPort", "value": port})
    target = {"kind": "DaemonSet", "name": "containerd-exporter"}
    name, _, tag = IMAGE.rpartition(":")
    probes = yaml.safe_dump({"probes": list(probes), **sections}, sort_keys=False)
    return overlay(lab.folder("kustomize"), *components, configuration={"containerd_exporter.yml": probes}, files=files,
                   images=[{"name": "registry.example/containerd_exporter", "newName": name, "newTag": tag}],
                   patches=[{"target": target, "patch": json.dumps([*edits, *patches])}], **(more or {}))


def run_pod(lab, node, *components, secrets=None, ready=True, **options):
    """A pod of such an overlay, ready. Its Secrets are those of the overlay and these."""
    objects = render(lab, *components, **options)
    rendered = {o["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in o["data"].items()}
                for o in objects if o["kind"] == "Secret"}
    pod = Pod(lab, node, objects, {**rendered, **(secrets or {})}, NODE)
    return pod.wait_ready() if ready else pod

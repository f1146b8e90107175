# SPDX-License-Identifier: Apache-2.0
"""The pod of the chart, with its Secrets, on a real containerd through CRI."""
import base64
import os

import pytest

from lab.network import free_port
from lab.pod import Pod
from lab.pod_site import IMAGE, NODE, TRUSTED, make_node
from lab.probes import probe, wait_for_runs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a containerd of our own needs root")


def test_pod_of_the_chart_works(lab, helm, archive):
    """Probes, a registry with a password and an authority of the node's trust store, and a password file are values."""
    registry = lab.registry(tls=f"DNS:{TRUSTED},IP:127.0.0.1", htpasswd={"canary": "secret"})
    node = make_node(lab, "1.6", archive, registry)
    lab.maker.image().push(registry, "chart/image", "1")
    host, port = f"{TRUSTED}:{registry.port}", free_port()
    prefix, _, tag = IMAGE.rpartition(":")
    values = {"image": {"registry": "", "repository": prefix, "tag": tag}, "port": port, "extraArgs": ["--probe.spread=0s"],
              "registrySecret": {"auths": {host: {"username": "canary", "password": "secret"}}},
              "secretFiles": {"files": {"password": "secret"}},
              "probes": [probe(f"{host}/chart/image:1", "login", engine="registry", timeout="60s"),
                         probe(f"{host}/chart/image:1", "file", engine="client", timeout="60s", auth={
                             "username": "canary", "password_file": "/etc/containerd_exporter_secrets/password"})]}
    objects = helm.objects(values=values)
    secrets = {one["metadata"]["name"]: {key: base64.b64decode(text).decode() for key, text in one["data"].items()}
               for one in objects if one["kind"] == "Secret"}
    pod = Pod(lab, node, objects, secrets, NODE).wait_ready()
    pod.wait_for("containerd_up", {}, 1)
    wait_for_runs(pod, "login", "file", timeout=120)
    assert [pod.value("image_canary_success", probe=name) for name in ("login", "file")] == [1, 1], pod.log
    assert pod.stop() == 0

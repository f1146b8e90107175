#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make screenshots: the pictures of the README, from a running exporter with real daemons and probes.

Runs as root in mount and network namespaces of its own, so that port 10048 and the names of /etc/hosts are free. Needs
chromium; pngquant and optipng make the files smaller where they are installed.
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from lab import Lab  # noqa: E402
from lab.browser import Browser  # noqa: E402

NODE = "node-417"
REGISTRY = "registry.example:5000"
WIDTH, HEIGHT = 1000, 860
RUNS = 12
NETWORK = {"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "loopback"}]}


def enter_namespaces():
    if "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable, __file__, "--inside"])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def name_hosts(lab):
    hosts = lab.temp / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NODE} registry.example\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)


def start_containerd(lab):
    """With CRI, a network configuration, and a hosts.toml for the registry."""
    folder = lab.temp / "certs.d" / REGISTRY
    folder.mkdir(parents=True)
    (folder / "hosts.toml").write_text(f'server = "http://{REGISTRY}"\n[host."http://{REGISTRY}"]\n', encoding="utf-8")
    network = lab.temp / "containerd1/cni/conf"
    network.mkdir(parents=True)
    (network / "10-lab.conflist").write_text(json.dumps(NETWORK), encoding="utf-8")
    cri = ('[plugins."io.containerd.grpc.v1.cri".registry]\n'
           f'config_path = "{folder.parent}"\n')
    return lab.containerd(cri=True, extra_config=cri, disabled=["io.containerd.snapshotter.v1.devmapper"])


def fill(lab, containerd, registry):
    base = lab.maker.image(layers=3, size=2 << 20)
    base.push(registry, "base/debian", "12")
    lab.maker.multi_platform(("linux/amd64", "linux/arm64"), size=1 << 20).push(registry, "base/go", "1.22")
    lab.maker.image(layers=2, size=1 << 20).push(registry, "canary/cri", "1")
    for name in ("shop/api:4.2", "shop/worker:4.2", "shop/web:8.0.1"):
        lab.maker.image(layers=3, size=300_000).load(containerd, "k8s.io", f"registry.example/{name}")
    lab.maker.image().load(containerd, "k8s.io", "registry.k8s.io/pause:3.6")
    damaged = lab.maker.image(layers=4)
    damaged.load(containerd, "k8s.io", "registry.example/shop/checkout:4.1", unpack=False)
    containerd.remove_blob(damaged.layers[1].digest, "k8s.io")
    return base


def probe(name, operation, engine, image, **more):
    return {"name": name, "operation": operation, "engine": engine, "image": image, "interval": "10s", "timeout": "30s",
            **more}


def probes(base):
    return [
        probe("base-client", "pull", "client", f"{REGISTRY}/base/debian:12", expected={"digest": base.digest}),
        probe("base-kubelet-way", "pull", "cri", f"{REGISTRY}/canary/cri:1"),
        probe("go-registry", "pull", "registry", f"{REGISTRY}/base/go:1.22"),
        probe("old-mirror", "pull", "registry", "old-mirror.example/base/debian:12"),
        probe("release", "pull", "registry", f"{REGISTRY}/base/debian:13"),
        probe("push", "push", "client", f"{REGISTRY}/canary/{{node}}:push", content={"layers": 2, "size": "1MiB"}),
        probe("there-and-back", "roundtrip", "registry", f"{REGISTRY}/canary/{{node}}:roundtrip"),
        probe("writable", "tag", "registry", f"{REGISTRY}/base/debian:12", tag="canary-{node}")]


def take(browser, path, name):
    browser.look(WIDTH, HEIGHT)
    browser.open(f"http://{NODE}:10048{path}")
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 1}
    picture = HERE / f"{name}.png"
    picture.write_bytes(base64.b64decode(browser.call("Page.captureScreenshot", clip=clip)["data"]))
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--speed=1", "--output", picture, "128", picture], check=True)
    if shutil.which("optipng"):
        subprocess.run(["optipng", "-quiet", "-o5", picture], check=True)
    print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size} bytes")


def main():
    enter_namespaces()
    with Lab("containerd_exporter-screenshots-") as lab:
        name_hosts(lab)
        containerd, registry = start_containerd(lab), lab.registry(port=5000)
        everything = probes(fill(lab, containerd, registry))
        config = {**containerd.settings, "collectors": {"images": {"interval": "5s"}},
                  "registries": {REGISTRY: {"plain_http": True, "max_pulls_per_hour": 3600}}, "probes": everything}
        config["containerd"]["hosts_dir"] = str(lab.temp / "certs.d")
        exporter = lab.exporter(config, env={"NODE_NAME": NODE}, port=10048)
        for entry in everything:
            exporter.wait_for("image_canary_attempts_total", {"probe": entry["name"]}, lambda runs: runs >= RUNS,
                              timeout=RUNS * 30)
        with Browser() as browser:
            take(browser, "/", "status")
            take(browser, "/history?probe=base-client", "history")


if __name__ == "__main__":
    main()

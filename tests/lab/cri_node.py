# SPDX-License-Identifier: Apache-2.0
"""A node whose kubelet would pull by CRI."""
from lab import rpc

NAMESPACE = "k8s.io"
IMAGE_SERVICE = "/runtime.v1.ImageService/"


class Node:
    """A containerd with CRI that knows where plain registries are."""

    def __init__(self, lab, version, extra_config=""):
        self.certs = lab.folder("certs")
        self.certs.mkdir()
        self.containerd = lab.containerd_of(version, cri=True, extra_config=f"""{extra_config}
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{self.certs}"
""")
        self.containerd.ctr("namespaces", "create", NAMESPACE)

    def knows(self, registry):
        host = getattr(registry, "host", None) or registry.address
        folder = self.certs / host
        folder.mkdir(exist_ok=True)
        (folder / "hosts.toml").write_text(f'server = "http://{host}"\n[host."http://{host}"]\n'
                                           '  capabilities = ["pull", "resolve"]\n')
        return registry

    def cri(self, method, message, **metadata):
        with rpc.grpc.insecure_channel("unix:" + self.containerd.address) as channel:
            return channel.unary_unary(IMAGE_SERVICE + method)(
                message, metadata=tuple((k.replace("_", "-"), v) for k, v in metadata.items()), timeout=30)

    def pull(self, image, **metadata):
        """As the kubelet for a pod."""
        return self.cri("PullImage", rpc.field(1, rpc.field(1, image)), **metadata)

    def remove(self, image):
        self.cri("RemoveImage", rpc.field(1, rpc.field(1, image)))

    def images(self):
        return set(self.containerd.ctr("images", "ls", "-q", namespace=NAMESPACE).split())

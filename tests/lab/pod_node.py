# SPDX-License-Identifier: Apache-2.0
"""A node for pods: a containerd with CRI in a mount namespace with an /etc, a /run and a /var of its own.

Inside, every path is the one that a real node has, so that manifests with hostPath volumes mean what they say.
From outside, the same files are below `folder`. The network is this machine's.
"""
import os
import pathlib
import shutil
import signal
import subprocess

from lab.daemons import Containerd, Docker
from lab.programs import find, folder_of
from lab.wait import LabError

PAUSE = "lab.example/pause:1"
ENTER = """
mount --make-rprivate / && mount --bind "$1/etc" /etc && mount --bind "$1/run" /run && mount --bind "$1/var" /var &&
mount --make-rshared / || exit 1
shift
exec "$@"
"""
PAUSE_SOURCE = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


def compile_static(folder, name, source):
    """A program that runs in a container without any file, and on every node."""
    path = pathlib.Path(folder) / name
    done = subprocess.run(["cc", "-static", "-Os", "-o", path, "-x", "c", "-"], input=source, text=True, capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise LabError(f"cc: {done.stderr}")
    return path


def processes_in(namespace):
    """Processes in that mount namespace."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns/mnt") == namespace:
                    yield int(entry.name)
            except OSError:
                pass


class PodNode(Containerd):
    """`socket` and `hosts_dir`: where this distribution has its containerd and its hosts.toml files."""

    def __init__(self, lab, version, socket="/run/containerd/containerd.sock", hosts_dir="/etc/containerd/certs.d"):
        self.folder = lab.folder("node")
        self.namespace = None
        for path in ("etc/containerd", "run/lock", "var/lib", "var/tmp", socket.lstrip("/").rpartition("/")[0]):
            (self.folder / path).mkdir(parents=True, exist_ok=True)
        for name in ("passwd", "group", "nsswitch.conf", "hosts", "resolv.conf"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.folder / "etc" / name)
        super().__init__(self.folder, folder_of(version), cri=True, extra_config=f"""
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{hosts_dir}"
""")
        self.version = version
        self.address, self.root, self.state = (self.outside(path) for path in (socket, "/var/lib/containerd", "/run/containerd"))
        self.address, self.hosts_dir = str(self.address), self.outside(hosts_dir)
        self._move_configuration(socket)
        self.argv = ["unshare", "--mount", "sh", "-c", ENTER, "node", str(self.folder), self.argv[0], "--config",
                     "/etc/containerd/config.toml"]
        # The runc of newer Debians does not run on Debian 12.
        (self.folder / "bin").mkdir()
        (self.folder / "bin/runc").symlink_to(find("runc"))
        self.env["PATH"] = f"{self.folder}/bin:{self.env['PATH']}"
        lab.own(self)
        self.ctr("namespaces", "create", "k8s.io")
        program = compile_static(self.folder, "pause", PAUSE_SOURCE)
        layer = lab.maker.layer(files={"pause": program.read_bytes()})
        lab.maker.image([layer], config={"config": {"Entrypoint": ["/pause"]}}).load(self, "k8s.io", PAUSE)

    def _move_configuration(self, socket):
        text = (self.folder / "config.toml").read_text(encoding="utf-8")
        for outside, inside in (("/root", "/var/lib/containerd"), ("/state", "/run/containerd"), ("/containerd.sock", socket),
                                ("", "/var/lib/lab")):
            text = text.replace(f"{self.folder}{outside}", inside)
        # Without CAP_SYS_RESOURCE, as in a container, no process may lower its oom_score_adj.
        settings = f'  sandbox_image = "{PAUSE}"\n  restrict_oom_score_adj = true\n'
        text = text.replace("  stream_server_address =", f"{settings}  stream_server_address =")
        (self.folder / "etc/containerd/config.toml").write_text(text, encoding="utf-8")

    def outside(self, path):
        """Where a path of the node is on this machine."""
        return self.folder / path.lstrip("/") if path.split("/")[1] in ("etc", "run", "var") else pathlib.Path(path)

    def write(self, path, text, mode=0o644):
        """A file of the node."""
        place = self.outside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)
        return place

    def start(self):
        super().start()
        self.namespace = os.readlink(f"/proc/{self.pid}/ns/mnt")
        return self

    def docker(self, lab):
        """A dockerd of the node, at /run/docker.sock, which belongs to the group docker of the node."""
        docker = Docker(lab.folder("docker"), self)
        inside = {f"unix://{docker.address}": "unix:///run/docker.sock", self.address: "/run/containerd/containerd.sock"}
        docker.argv = ["nsenter", "--mount", "--target", str(self.pid), *(inside.get(arg, arg) for arg in docker.argv)]
        docker.address = str(self.outside("/run/docker.sock"))
        return lab.own(docker)

    def close(self):
        """Ends what is left in the namespace, which is of this node alone: shims, if a test has failed."""
        super().close()
        for pid in processes_in(self.namespace) if self.namespace else ():
            os.kill(pid, signal.SIGKILL)

# SPDX-License-Identifier: Apache-2.0
"""A kubelet's work for one pod: volumes, calls of CRI, probes, restarts, and what its cgroup has measured."""
import contextlib
import os
import pathlib
import re
import signal
import ssl
import time
import urllib.error
import urllib.request

from lab import rpc
from lab.exporter import Scraped
from lab.kustomize import find_object, pod_of
from lab.pod_spec import PROPAGATION, PodSpec, fields, message, number, pairs, text
from lab.wait import LabError, wait_until

RUNTIME = "/runtime.v1.RuntimeService/"
NAMESPACE = "k8s.io"
RUNNING = 1
CGROUPS = pathlib.Path("/sys/fs/cgroup")
CGROUP = "containerd_exporter_lab"  # the parent of all pods


def parse(data):
    """{number: [values]} of the fields of a message."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    found, at = {}, 0
    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        found.setdefault(key >> 3, []).append(value)
    return found


class Volumes:
    """The volumes of a pod as the kubelet makes them, in a folder of the node: ConfigMaps and Secrets are behind a link that
    is exchanged."""

    def __init__(self, folder, spec, node, secrets):
        self.folder, self.spec, self.node, self.secrets = folder, spec, node, secrets
        self.paths = {name: self._make(name, dict(volume)) for name, volume in spec.volumes.items()}

    def _make(self, name, volume):
        (kind, source), = volume.items()
        with fields(source, f"volumes {name}") as take:
            if kind == "hostPath":
                return self._host_path(take("path"), take("type"))
            if kind == "secret":
                return self._write(name, self._of_secret(take), take("defaultMode"))
            if kind == "projected":
                return self._write(name, self._of_sources(take("sources")), 0o644)
            return self._write(name, self.spec.config_maps[take("name")], 0o644)

    def _host_path(self, path, kind):
        if kind != "Directory" or not self.node.outside(path).is_dir():
            raise LabError(f"hostPath type check failed: {path} is not a directory")
        return path

    def _of_secret(self, take):
        keys = self.secrets[take("secretName")]
        items = take("items", None)
        return {item["path"]: keys[item["key"]] for item in items} if items else keys

    def _of_sources(self, sources):
        found = {}
        for source in sources:
            with fields(source, "sources") as take_source, fields(take_source("configMap"), "configMap") as take:
                name, optional = take("name"), take("optional", False)
                if name not in self.spec.config_maps and not optional:
                    raise LabError(f"configmap \"{name}\" not found")
                found.update(self.spec.config_maps.get(name, {}))
        return found

    def _write(self, name, files, mode):
        inside = f"{self.folder}/volumes/{name}"
        place = self.node.outside(inside)
        data = place / f"..{time.time_ns()}"
        data.mkdir(parents=True)
        for key, content in files.items():
            (data / key).write_text(content, encoding="utf-8")
            (data / key).chmod(mode)
            if not os.path.lexists(place / key):
                (place / key).symlink_to(f"..data/{key}")
        (place / "..new").symlink_to(data.name)
        (place / "..new").rename(place / "..data")
        return inside

    def update(self, name, files):
        """As after a change of a ConfigMap or Secret; `name`: of the volume."""
        self._write(name, files, 0o440 if "secret" in self.spec.volumes[name] else 0o644)

    def mounts(self):
        """Those of the manifest, then those that every pod gets."""
        found = []
        for mount in self.spec.mounts:
            with fields(mount, "volumeMounts") as take:
                found.append(message(7, text(1, take("mountPath")), text(2, self.paths[take("name")]),
                                     number(3, take("readOnly", False)),
                                     number(5, PROPAGATION[take("mountPropagation", "None")])))
        self.node.write(f"{self.folder}/termination-log", "", 0o666)
        found.append(message(7, text(1, "/dev/termination-log"), text(2, f"{self.folder}/termination-log")))
        found.append(message(7, text(1, "/etc/hosts"), text(2, "/etc/hosts")))
        return found


class Pod(Scraped):
    """One pod of rendered objects on a node, started. `secrets`: {name: {key: text}}. `address`: where its port is."""

    name = "exporter-x7k2p"

    def __init__(self, lab, node, objects, secrets=None, node_name="node-1.example", address="127.0.0.1"):
        self.node, self.address = node, address
        maps = {o["metadata"]["name"]: o["data"] for o in objects if o["kind"] == "ConfigMap"}
        template = pod_of(objects)
        self.spec = PodSpec(template["spec"], maps, {"spec.nodeName": node_name, "status.hostIP": address,
                                                     "metadata.name": self.name})
        find_object(objects, "PriorityClass", self.spec.priority_class)
        self.uid, self.attempt = f"{os.getpid()}-{time.time_ns()}", 0
        self.parent = f"/{CGROUP}/pod{self.uid}"
        self.metadata = template["metadata"]
        self.folder = f"/var/lib/kubelet/pods/{self.uid}"
        self.volumes = Volumes(self.folder, self.spec, node, secrets or {})
        self.mounts = self.volumes.mounts()
        self.url = self.spec.readiness.url(address).rpartition("/-/")[0]
        self.channel = rpc.grpc.insecure_channel("unix:" + node.address)
        self.sandbox = self._run_sandbox()
        lab.stack.callback(self.close)
        self.container = self._start_container()

    def call(self, method, *parts):
        return parse(self.channel.unary_unary(RUNTIME + method)(b"".join(parts), timeout=60))

    def _sandbox_config(self):
        lines = self.node.outside("/etc/resolv.conf").read_text(encoding="utf-8").splitlines()
        dns = b"".join(text(1, word) for line in lines for word in line.split()[1:] if line.startswith("nameserver"))
        if self.spec.policy != "Default":
            raise LabError(f"dnsPolicy {self.spec.policy}")
        security = self.spec.security.sandbox(self.spec.namespaces())
        return (message(1, text(1, self.name), text(2, self.uid), text(3, "containerd-exporter")) +
                text(2, "" if self.spec.node else self.name) +
                text(3, self.folder) + message(4, dns) + pairs(6, self.metadata["labels"]) +
                pairs(7, self.metadata["annotations"]) + message(8, text(1, self.parent), security))

    def _run_sandbox(self):
        (found,) = self.call("RunPodSandbox", message(1, self._sandbox_config()))[1]
        return found.decode()

    def _start_container(self):
        spec = self.spec
        with open("/proc/meminfo", encoding="utf-8") as lines:
            memory = int(next(line for line in lines if line.startswith("MemTotal")).split()[1]) << 10
        linux = message(15, spec.resources.message(memory), spec.security.container(spec.namespaces()))
        envs = b"".join(message(6, text(1, key), text(2, value)) for key, value in spec.environment.items())
        config = (message(1, text(1, spec.name), number(2, self.attempt)) + message(2, text(1, spec.image)) +
                  b"".join(text(4, arg) for arg in spec.args) + envs + b"".join(self.mounts) +
                  text(11, f"{self.attempt}.log") + linux)
        (found,) = self.call("CreateContainer", text(1, self.sandbox), message(2, config), message(3, self._sandbox_config()))[1]
        self.call("StartContainer", text(1, found.decode()))
        return found.decode()

    @property
    def pid(self):
        rows = self.node.ctr("tasks", "ls", namespace=NAMESPACE).splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith(self.container))

    @property
    def state(self):
        (status,) = self.call("ContainerStatus", text(1, self.container))[1]
        return parse(status).get(3, [0])[0]

    @property
    def log(self):
        """Of all attempts, without the columns of CRI."""
        files = sorted(self.node.outside(self.folder).glob("*.log"), key=lambda path: int(path.stem))
        return "\n".join(re.sub(r"^\S+ std\w+ \S ", "", line) for path in files
                         for line in path.read_text(encoding="utf-8", errors="replace").splitlines())

    def tail(self, lines=20):
        return "\n".join(self.log.splitlines()[-lines:])

    def probe(self, probe):
        """Whether the kubelet's GET succeeds."""
        with contextlib.suppress(OSError):
            # pylint: disable=protected-access
            with urllib.request.urlopen(probe.url(self.address), timeout=probe.timeout,
                                        context=ssl._create_unverified_context()) as answer:
                return 200 <= answer.status < 400
        return False

    def wait_ready(self):
        """As the kubelet: within the time of the start-up probe, then readiness."""
        for probe in (self.spec.startup, self.spec.readiness):
            wait_until(lambda probe=probe: self.state == RUNNING and self.probe(probe), probe.failures * probe.period,
                       f"{probe.path}\n{self.log}", every=0.2)
        return self

    def kill(self):
        """As the kernel, for want of memory."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: self.state != RUNNING, 10, "the end of the container")

    def restart(self):
        """As the kubelet with restartPolicy Always: a new container in the same sandbox."""
        self.call("RemoveContainer", text(1, self.container))
        self.attempt += 1
        self.container = self._start_container()
        return self.wait_ready()

    def stop(self):
        """With the grace period; gives the exit code."""
        self.call("StopContainer", text(1, self.container), number(2, self.spec.grace))
        (status,) = self.call("ContainerStatus", text(1, self.container))[1]
        return parse(status).get(7, [0])[0]

    def cgroup(self):
        """The folder of the container's memory controller, of either version of cgroups."""
        for root in (CGROUPS / "memory", CGROUPS):
            for path in root.glob(f"**{self.parent}/{self.container}"):
                return path
        raise LabError(f"no cgroup of {self.parent}")

    def memory(self):
        """{"limit", "peak", "current", "anonymous", "cache"} in bytes; no peak before Linux 5.19 with cgroup v2."""
        place = self.cgroup()
        names = {"limit": ("memory.limit_in_bytes", "memory.max"), "peak": ("memory.max_usage_in_bytes", "memory.peak"),
                 "current": ("memory.usage_in_bytes", "memory.current")}
        found = {key: int((place / name).read_text()) for key, both in names.items() for name in both if (place / name).exists()}
        stat = dict(line.split() for line in (place / "memory.stat").read_text().splitlines())
        old = "rss" in stat
        return {**found, "anonymous": int(stat["rss" if old else "anon"]), "cache": int(stat["cache" if old else "file"])}

    def close(self):
        if not self.sandbox:
            return
        with contextlib.suppress(rpc.grpc.RpcError):
            self.call("StopPodSandbox", text(1, self.sandbox))
            self.call("RemovePodSandbox", text(1, self.sandbox))
        self.sandbox = None
        self.channel.close()
        for root in (CGROUPS, *CGROUPS.iterdir()):
            for path in (root / self.parent[1:], root / CGROUP):
                with contextlib.suppress(OSError):
                    path.rmdir()

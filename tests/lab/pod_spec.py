# SPDX-License-Identifier: Apache-2.0
"""A rendered pod as messages of CRI, field by field: what no function here knows is an error, so that no field of a
manifest is tested by being ignored. The numbers of the fields are those of CRI's runtime.v1.
"""
import contextlib
import re

from lab.rpc import varint
from lab.wait import LabError

PROPAGATION = {"None": 0, "HostToContainer": 1}
POD, CONTAINER, NODE = 0, 1, 2  # modes of a namespace
MASKED = ("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
          "/proc/timer_list", "/proc/timer_stats", "/sys/firmware")  # of the procMount Default
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
MEBI = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def message(number, *parts):
    """A field that is a message; an empty one, too, which stands for a zero that was set."""
    data = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(data)) + data


def text(number, value):
    return message(number, value.encode()) if value else b""


def number(number_, value):
    return varint(number_ << 3) + varint(value) if value else b""


def boxed(number_, value):
    """An Int64Value."""
    return b"" if value is None else message(number_, number(1, value))


def pairs(number_, mapping):
    return b"".join(message(number_, text(1, key), text(2, value)) for key, value in mapping.items())


@contextlib.contextmanager
def fields(mapping, where):
    """Gives a function that takes a field; what nobody took is an error."""
    rest = dict(mapping)
    yield rest.pop
    if rest:
        raise LabError(f"{where}: this kubelet does not know the fields {sorted(rest)}")


def quantity(value):
    """Bytes, or thousandths of a core."""
    amount, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", value).groups()
    return int(amount) * (1 if unit == "m" else MEBI[unit])


class Security:
    """The securityContext of pod and container together."""

    def __init__(self, pod, container):
        with fields(pod, "spec.securityContext") as take:
            self.user, self.group = take("runAsUser"), take("runAsGroup")
            self.groups = take("supplementalGroups", [])
            seccomp = take("seccompProfile")
            if seccomp != {"type": "RuntimeDefault"}:
                raise LabError(f"seccompProfile {seccomp}")
            if take("runAsNonRoot") and self.user == 0:
                raise LabError("runAsNonRoot with user 0")
        with fields(container, "containers[0].securityContext") as take:
            self.privileged, self.read_only = take("privileged"), take("readOnlyRootFilesystem")
            self.no_new_privileges = not take("allowPrivilegeEscalation")
            with fields(take("capabilities"), "capabilities") as take_set:
                self.dropped = take_set("drop")

    def sandbox(self, namespaces):
        return message(2, message(1, namespaces), boxed(3, self.user), boxed(8, self.group),
                       b"".join(number(5, group) for group in self.groups), message(9))

    def container(self, namespaces):
        """message(15): a seccomp profile of the type 0, RuntimeDefault."""
        return message(2, message(1, *(text(2, name) for name in self.dropped)), number(2, self.privileged),
                       message(3, namespaces), boxed(5, self.user), boxed(12, self.group), number(7, self.read_only),
                       b"".join(number(8, group) for group in self.groups), number(11, self.no_new_privileges),
                       *(text(13, path) for path in MASKED), *(text(14, path) for path in READ_ONLY), message(15))


class Resources:
    def __init__(self, spec):
        with fields(spec, "resources") as take:
            with fields(take("requests"), "requests") as take_request:
                self.cpu, self.request = quantity(take_request("cpu")), quantity(take_request("memory"))
            with fields(take("limits"), "limits") as take_limit:
                self.limit = quantity(take_limit("memory"))

    def message(self, memory_of_node):
        """As the kubelet computes them for a pod of the class Burstable."""
        adjustment = min(max(1000 - 1000 * self.request // memory_of_node, 2), 999)
        return message(1, number(3, max(self.cpu * 1024 // 1000, 2)), number(4, self.limit), number(5, adjustment))


class Probe:
    """An httpGet probe with the defaults of Kubernetes."""

    def __init__(self, spec, ports, where):
        with fields(spec, where) as take:
            self.period, self.timeout = take("periodSeconds", 10), take("timeoutSeconds", 1)
            self.failures = take("failureThreshold", 3)
            with fields(take("httpGet"), f"{where}.httpGet") as take_get:
                self.port, self.path = ports[take_get("port")], take_get("path")
                self.scheme = take_get("scheme", "HTTP").lower()

    def url(self, address):
        return f"{self.scheme}://{address}:{self.port}{self.path}"


class PodSpec:
    """What a pod's spec says. `config_maps`, `secrets`: {name: {key: text}}; `facts`: what fields of the pod refer to."""

    def __init__(self, spec, config_maps, facts):
        self.config_maps, self.facts = config_maps, facts
        with fields(spec, "spec") as take:
            (container,) = take("containers")
            self.volumes = {volume.pop("name"): volume for volume in map(dict, take("volumes"))}
            self.node, self.grace = take("hostNetwork"), take("terminationGracePeriodSeconds")
            self.priority_class = take("priorityClassName")
            self.policy = take("dnsPolicy")
            if take("hostPID") or take("hostIPC") or take("automountServiceAccountToken") or take("enableServiceLinks"):
                raise LabError("this kubelet gives no pod hostPID, hostIPC, a token or links to services")
            self._place(take)
            self._read_container(container, take("securityContext"))

    @staticmethod
    def _place(take):
        """What the scheduler would do with a node that has one label."""
        labels = {"kubernetes.io/os": "linux"}
        if not take("nodeSelector").items() <= labels.items() or take("tolerations") != [{"operator": "Exists"}]:
            raise LabError("the node does not suit the pod")
        terms = take("affinity")["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        for rule in (rule for term in terms for rule in term["matchExpressions"]):
            if rule["operator"] != "NotIn" or labels.get(rule["key"]) in rule["values"]:
                raise LabError(f"affinity {rule}")

    def _read_container(self, container, security):
        with fields(container, "containers[0]") as take:
            self.name, self.image = take("name"), take("image")
            self.pull_policy, self.message_policy = take("imagePullPolicy"), take("terminationMessagePolicy")
            self.security = Security(security, take("securityContext"))
            self.resources = Resources(take("resources"))
            self.environment = self._environment(take("env"), take("envFrom", []))
            self.args = [re.sub(r"\$\((\w+)\)", lambda found: self.environment[found[1]], arg) for arg in take("args")]
            self.ports = {}
            for port in take("ports"):
                with fields(port, "ports") as take_port:
                    self.ports[take_port("name")] = take_port("containerPort")
                    take_port("protocol")
            self.startup, self.liveness, self.readiness = (
                Probe(take(kind), self.ports, kind) for kind in ("startupProbe", "livenessProbe", "readinessProbe"))
            self.mounts = take("volumeMounts")

    def _environment(self, env, sources):
        found = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}  # of every pod
        for source in sources:
            with fields(source, "envFrom") as take:
                found.update(self.config_maps[take("configMapRef")["name"]])
        for entry in env:
            with fields(entry, "env") as take:
                name, value = take("name"), take("value", None)
                found[name] = self.facts[take("valueFrom")["fieldRef"]["fieldPath"]] if value is None else value
        return found

    def namespaces(self):
        """Of network, PID and IPC."""
        return number(1, NODE if self.node else POD) + number(2, CONTAINER) + number(3, POD)

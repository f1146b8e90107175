# SPDX-License-Identifier: Apache-2.0
"""Real daemons: containerd, dockerd, docker-registry, Prometheus."""
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse
import warnings

import yaml

from lab.check_table import check_rows
from lab.disks import limit_disk, mounts_below
from lab.fake.tls import NAMES, Authority
from lab.images import DOCKER, OCI, as_json
from lab.network import UnixConnection, free_port, http_request
from lab.process import Process
from lab.programs import daemons_dir, find, prometheus_folder
from lab.wait import LabError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt  # the one bcrypt in the standard library


class Containerd(Process):
    """A containerd with private root, state and socket. `folder` holds the unpacked version."""

    def __init__(self, temp, folder=None, cri=False, extra_config="", disabled=()):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.bin = os.path.dirname(find("containerd", folder))
        self.address = str(self.dir / "containerd.sock")
        self.root, self.state = self.dir / "root", self.dir / "state"
        disabled = [*disabled, *([] if cri else ["io.containerd.grpc.v1.cri"])]
        # The opt plugin makes its folder: without a path of its own that would be /opt/containerd. Two daemons
        # cannot share the socket of NRI.
        config = f"""version = 2
root = "{self.root}"
state = "{self.state}"
oom_score = 0
disabled_plugins = {json.dumps(disabled)}
[grpc]
  address = "{self.address}"
[debug]
  level = "info"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.dir}/opt"
[plugins."io.containerd.nri.v1.nri"]
  socket_path = "{self.dir}/nri.sock"
"""
        if cri:
            config += f"""[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{self.dir}/cni/bin"
    conf_dir = "{self.dir}/cni/conf"
"""
        (self.dir / "config.toml").write_text(config + extra_config, encoding="utf-8")
        super().__init__([os.path.join(self.bin, "containerd"), "--config", self.dir / "config.toml"],
                         self.dir / "containerd.log", {"PATH": f"{self.bin}:{os.environ['PATH']}"})

    @property
    def settings(self):
        """Sections of the exporter's configuration that name this daemon."""
        return {"containerd": {"address": self.address}}

    def start(self):
        super().start()
        return self.wait_ready(lambda: os.path.exists(self.address) and self.run("version").returncode == 0)

    def restart(self):
        self.stop()
        return self.start()

    def run(self, *args, namespace=None, timeout=60, stdin=None):
        """Runs ctr with these arguments and returns the finished process; any exit status is accepted."""
        argv = [os.path.join(self.bin, "ctr"), "--address", self.address]
        argv += ["--namespace", namespace] if namespace else []
        env = {k: v for k, v in self.env.items() if not k.startswith("CONTAINERD_")}
        # Names of images need not be UTF-8 in containerd 1.6: what is not comes as a lone surrogate.
        return subprocess.run(argv + [str(a) for a in args], capture_output=True, text=True, timeout=timeout,
                              errors="surrogateescape", env=env, input=stdin, check=False)

    def ctr(self, *args, namespace=None, timeout=60, stdin=None):
        """Standard output of a ctr that must succeed."""
        done = self.run(*args, namespace=namespace, timeout=timeout, stdin=stdin)
        if done.returncode != 0:
            raise LabError(f"ctr {' '.join(map(str, args))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def table(self, *args, namespace=None):
        """A table of ctr as rows of {column: text}; ctr's exit status is not looked at
        (`images check` ends with 1 where an image is damaged)."""
        lines = self.run(*args, namespace=namespace).stdout.splitlines()
        if not lines:
            return []
        starts, word = [], False
        for i, char in enumerate(lines[0]):
            if char != " " and not word:
                starts.append(i)
            word = char != " "
        ends = starts[1:] + [None]
        names = [lines[0][a:b].strip() for a, b in zip(starts, ends)]
        return [dict(zip(names, (line[a:b].strip() for a, b in zip(starts, ends)))) for line in lines[1:]]

    def namespaces(self):
        return set(self.ctr("namespaces", "ls", "-q").split())

    def plugins(self):
        """{(type, id): ok|skip|error} as `ctr plugins ls` says."""
        rows = self.ctr("plugins", "ls").splitlines()[1:]
        return {(row.split()[0], row.split()[1]): row.split()[-1] for row in rows}

    def check_rows(self, namespace):
        """{image: Row} as `ctr images check` says."""
        return {row.image: row for row in check_rows(self.run("images", "check", namespace=namespace).stdout)}

    def check(self, namespace):
        """{image: {"status", "have", "want", "unpacked"}} as `ctr images check` says."""
        answer = {}
        for line in self.run("images", "check", namespace=namespace).stdout.splitlines()[1:]:
            words = line.split()
            if len(words) < 3:
                continue
            status, counts = words[3], words[4] if words[4].startswith("(") else ""
            if not words[3].isalpha():  # the digest column may be absent in other versions
                status = next(w for w in words if w in ("complete", "incomplete", "unavailable", "error"))
            have, _, want = counts.strip("()").partition("/")
            answer[words[0]] = {"status": status, "have": have, "want": want, "unpacked": words[-1] == "true"}
        return answer

    def content(self, namespace):
        return set(self.ctr("content", "ls", "-q", namespace=namespace).split())

    def snapshots(self, namespace, snapshotter="overlayfs"):
        rows = self.ctr("snapshots", "--snapshotter", snapshotter, "ls", namespace=namespace).splitlines()[1:]
        return {row.split()[0] for row in rows}

    def leases(self, namespace):
        return set(self.ctr("leases", "ls", "-q", namespace=namespace).split())

    def ingests(self, namespace):
        return {row.split()[0] for row in self.ctr("content", "active", namespace=namespace).splitlines()[1:] if row}

    def census(self):
        """All objects, per namespace: a test compares two of these to find leftovers."""
        return {ns: {"images": set(self.ctr("images", "ls", "-q", namespace=ns).split()),
                     "content": self.content(ns), "snapshots": self.snapshots(ns),
                     "leases": self.leases(ns), "ingests": self.ingests(ns)} for ns in self.namespaces()}

    def collect_garbage(self, namespace):
        """Removes what nothing refers to now, not at a time that the daemon chooses."""
        lease = self.ctr("leases", "create", namespace=namespace).strip()
        self.ctr("leases", "delete", "--sync", lease, namespace=namespace)

    def remove_images(self, namespace):
        """All of a namespace, with their content."""
        for image in self.ctr("images", "ls", "-q", namespace=namespace).split():
            self.ctr("images", "rm", "--sync", image, namespace=namespace)

    def ingest(self, digest, text, namespace):
        """Stores a blob. False if this daemon does not compute the algorithm of the digest."""
        done = self.run("content", "ingest", "--expected-digest", digest, f"lab-{digest[-8:]}", namespace=namespace, stdin=text)
        if done.returncode != 0 and "unexpected commit digest sha256:" not in done.stderr:
            raise LabError(f"ingest of {digest}: {done.stderr}")
        return done.returncode == 0

    def blob_path(self, digest):
        algorithm, _, value = digest.partition(":")
        return self.root / "io.containerd.content.v1.content/blobs" / algorithm / value

    def remove_blob(self, digest, namespace):
        """The record goes: what `ctr images check` calls incomplete or unavailable."""
        self.ctr("content", "rm", digest, namespace=namespace)

    def lose_blob_file(self, digest):
        """The record stays, the file goes: what it calls error."""
        self.blob_path(digest).unlink()

    def close(self):
        super().close()
        for point in mounts_below(self.dir):
            subprocess.run(["umount", "-l", point], check=False)


class Docker(Process):
    """A dockerd with private root, state and socket, on a containerd of the lab. It touches neither
    the network nor the firewall, so its containers would have none. `folder`: that of a newer one,
    which keeps its images in the containerd."""

    PLUGINS = ("/run/docker/plugins", "/run/docker")  # every dockerd makes them, with any configuration

    def __init__(self, temp, containerd, storage="overlay2", config=None, root=None, folder=None):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.address = str(self.dir / "docker.sock")
        self.containerd = containerd
        self.made = []
        home = self.dir / "home"
        home.mkdir(exist_ok=True)
        # The key would be made in /etc/docker.
        own = {"features": {"containerd-snapshotter": True}} if folder else {"deprecated-key-path": str(self.dir / "key.json")}
        config = {**own, "max-download-attempts": 1, **(config or {})}
        of_store = [] if folder else ["--oom-score-adjust=0", "--storage-driver", storage]
        (self.dir / "daemon.json").write_text(json.dumps(config), encoding="utf-8")
        libraries = ":".join(str(path) for path in daemons_dir().glob("lib/*-linux-gnu*"))
        super().__init__(
            [find("dockerd", folder), "--config-file", self.dir / "daemon.json", "--data-root", root or self.dir / "root",
             "--exec-root", self.dir / "run", "--pidfile", self.dir / "docker.pid", "--host", f"unix://{self.address}",
             "--containerd", containerd.address, "--bridge=none", "--iptables=false", "--ip6tables=false",
             "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false", *of_store],
            self.dir / "docker.log",
            {"HOME": str(home), "PATH": f"{containerd.bin}:{os.environ['PATH']}",
             **({"LD_LIBRARY_PATH": libraries} if libraries else {})})

    @property
    def settings(self):
        """Sections of the exporter's configuration that name this daemon and the containerd below it."""
        return {**self.containerd.settings, "docker": {"address": f"unix://{self.address}"}}

    def start(self):
        self.made = [path for path in self.PLUGINS if not os.path.exists(path)] or self.made
        super().start()
        return self.wait_ready(lambda: self.request("/_ping")[0] == 200)

    def request(self, path, method="GET", data=None, timeout=60):
        """(status, body) of one request; `data` becomes JSON."""
        headers = {"Content-Type": "application/json"} if data is not None else {}
        with contextlib.closing(UnixConnection(self.address, timeout)) as connection:
            connection.request(method, path, as_json(data) if data is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def api(self, path, method="GET", data=None):
        """The JSON of an answer that must be a success, of a stream the last line."""
        status, body = self.request("/v1.41" + path, method, data)
        if status not in (200, 201, 204):
            raise LabError(f"{method} {path}: {status} {body[:300]}")
        return json.loads(body.splitlines()[-1]) if body.strip() else None

    def pull(self, reference):
        name, sign, what = reference.rpartition("@")
        if not sign:
            name, _, what = reference.rpartition(":")
        last = self.api("/images/create?" + urllib.parse.urlencode({"fromImage": name, "tag": what}), "POST")
        if "error" in last:
            raise LabError(f"docker pull {reference}: {last}")
        return reference

    def tag(self, source, target):
        name, _, tag = target.rpartition(":")
        self.api(f"/images/{source}/tag?" + urllib.parse.urlencode({"repo": name, "tag": tag}), "POST")
        return target

    def remove(self, name):
        self.api(f"/images/{name}", "DELETE")

    def image(self, name):
        """What docker inspect says, or None."""
        status, body = self.request(f"/v1.41/images/{name}/json")
        return json.loads(body) if status == 200 else None

    def census(self):
        """All objects: a test compares two of these to find leftovers."""
        images = {image["Id"]: (sorted(image["RepoTags"] or []), sorted(image["RepoDigests"] or []))
                  for image in self.api("/images/json?all=1")}
        usage = self.api("/system/df")
        return {"images": images, "bytes": usage["LayersSize"], "volumes": sorted(v["Name"] for v in usage["Volumes"] or []),
                "containers": sorted(c["Id"] for c in usage["Containers"] or [])}

    def close(self):
        super().close()
        for point in mounts_below(self.dir):
            subprocess.run(["umount", "-l", point], check=False)
        for path in self.made:
            with contextlib.suppress(OSError):
                os.rmdir(path)


class DockerRegistry(Process):
    """Debian's docker-registry on loopback. htpasswd: {user: password}. tokens: a TokenServer. tls: True
    for HTTPS with a certificate of a private authority, whose own one is `cafile`, or the names in it. delete: whether it
    deletes; readonly: whether it takes nothing; room: bytes of its disk."""

    def __init__(self, temp, port=None, htpasswd=None, tls=None, tokens=None, delete=True, readonly=False, room=0):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self.data = self.dir / "data"
        self.cafile, self.auth, self.tokens = None, None, tokens
        serve = {"addr": self.host, "secret": "lab"}
        if tls:
            authority = Authority(self.dir / "tls")
            self.cafile = authority.certificate
            serve["tls"] = dict(zip(("certificate", "key"), authority.issue("registry", NAMES if tls is True else tls)))
        if room:
            limit_disk(self.data, room)
        config = {"version": "0.1", "log": {"level": "info", "accesslog": {"disabled": False}},
                  "storage": {"filesystem": {"rootdirectory": str(self.data)}, "delete": {"enabled": delete},
                              "maintenance": {"uploadpurging": {"enabled": False}, "readonly": {"enabled": readonly}}},
                  "http": serve}
        if htpasswd:
            config["auth"] = {"htpasswd": {"realm": "lab", "path": self._write_passwords(htpasswd)}}
            self.auth = next(iter(htpasswd.items()))
        if tokens:
            config["auth"] = {"token": tokens.settings}
        self.config = self.dir / "config.yml"
        self.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        super().__init__([find("docker-registry"), "serve", self.config], self.dir / "registry.log",
                         {"OTEL_TRACES_EXPORTER": "none"})

    def _write_passwords(self, htpasswd):
        lines = [f"{user}:{crypt.crypt(word, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
                 for user, word in htpasswd.items()]
        (self.dir / "htpasswd").write_text("".join(lines), encoding="utf-8")
        return str(self.dir / "htpasswd")

    def start(self):
        super().start()
        return self.wait_ready(lambda: self.request("/v2/")[0] in (200, 401))

    def close(self):
        super().close()
        for point in mounts_below(self.dir):
            subprocess.run(["umount", "-l", point], check=False)

    def _authorization(self, path):
        if self.tokens:
            named = re.search(r"/v2/(.+?)/(manifests|blobs|tags)/", path)
            scope = f"repository:{named[1]}:pull,push,delete" if named else "registry:catalog:*"
            return f"Bearer {self.tokens.grant([scope])}"
        return "Basic " + base64.b64encode(":".join(self.auth).encode()).decode()

    def request(self, path, method="GET", data=None, headers=None):
        headers = dict(headers or {})
        if self.auth or self.tokens:
            headers.setdefault("Authorization", self._authorization(path))
        url = path if path.startswith("http") else self.url + path
        return http_request(url, method, data, headers, timeout=60, cafile=self.cafile)

    def collect_garbage(self):
        """Runs the garbage collection of docker-registry, which removes blobs from the disk. No push may run meanwhile."""
        done = subprocess.run([*self.argv[:1], "garbage-collect", self.config], capture_output=True, text=True,
                              timeout=60, env=self.env, check=False)
        if done.returncode != 0:
            raise LabError(f"garbage-collect: {done.returncode}\n{done.stdout[-500:]}{done.stderr[-500:]}")

    def blobs(self):
        """{digest: bytes} of the blobs on its disk, whether a repository has them or not."""
        return {f"{path.parts[-4]}:{path.parts[-2]}": path.stat().st_size
                for path in self.data.glob("docker/registry/v2/blobs/*/*/*/data")}

    def uploads(self):
        """{upload: bytes} of uploads that were neither finished nor canceled. (A canceled one leaves an empty folder.)"""
        return {path.parts[-2]: path.stat().st_size
                for path in self.data.glob("docker/registry/v2/repositories/**/_uploads/*/data")}

    def repositories(self):
        return json.loads(self.request("/v2/_catalog")[2])["repositories"]

    def tags(self, repository):
        return json.loads(self.request(f"/v2/{repository}/tags/list")[2]).get("tags") or []

    def manifest(self, repository, reference):
        """(digest, media type, bytes) or None."""
        accept = ", ".join(types[kind] for types in (OCI, DOCKER) for kind in ("manifest", "index"))
        status, headers, body = self.request(f"/v2/{repository}/manifests/{reference}", headers={"Accept": accept})
        return (headers["Docker-Content-Digest"], headers["Content-Type"], body) if status == 200 else None


class Prometheus(Process):
    """A Prometheus that scrapes `targets`: {job: "host:port"}, or {job: settings of a scrape_config}, of
    which `address` is the target. version: "2" is Debian's own, "3" that of need_newer_daemons. features:
    names for --enable-feature."""

    def __init__(self, temp, targets, interval="1s", rules=(), port=None, version="2", features=()):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.version = version
        self.url = f"http://127.0.0.1:{self.port}"
        config = {"global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
                  "rule_files": [str(rule) for rule in rules],
                  "scrape_configs": [self._scrape_config(job, target) for job, target in targets.items()]}
        (self.dir / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        argv = [find("prometheus", prometheus_folder(version)), f"--config.file={self.dir}/prometheus.yml",
                f"--storage.tsdb.path={self.dir}/data", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=info"]
        argv += [f"--enable-feature={','.join(features)}"] if features else []
        # Debian's build looks for its console templates and tools in /usr/share and /etc: not needed.
        super().__init__(argv, self.dir / "prometheus.log", cwd=self.dir)

    @staticmethod
    def _scrape_config(job, target):
        settings = dict(target) if isinstance(target, dict) else {"address": target}
        return {"job_name": job, "static_configs": [{"targets": [settings.pop("address")]}], **settings}

    def start(self):
        super().start()
        return self.wait_ready(lambda: http_request(self.url + "/-/ready")[0] == 200, 30)

    def api(self, path, **params):
        status, _, body = http_request(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(params, doseq=True)}")
        answer = json.loads(body)
        if status != 200 or answer["status"] != "success":
            raise LabError(f"{path} {params}: {answer.get('error')}")
        return answer

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        result = self.api("query", query=expression)["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in result]

    def query_range(self, expression, seconds=60, step=1):
        now = time.time()
        return self.api("query_range", query=expression, start=now - seconds, end=now, step=step)["data"]["result"]

    def targets(self):
        return self.api("targets")["data"]["activeTargets"]

    def complaints(self):
        """Lines of its log about what it scrapes, appends or evaluates that are more than information."""
        return [line for line in self.log.splitlines() if re.search(r"\blevel=(warn|error)\b", line, re.IGNORECASE)
                and re.search(r"scrape|append|rule|target", line, re.IGNORECASE)]

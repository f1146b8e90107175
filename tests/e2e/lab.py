# SPDX-License-Identifier: Apache-2.0
"""Real daemons for tests and the demo: containerd, Docker, docker-registry, Prometheus, the exporter.

Everything is private (a temporary folder, loopback, free ports), started by this process and
ended by its pid. `with Lab() as lab:` owns all of it; when the block ends nothing is left: no
process, no mount, no file. containerd needs root, the rest does not.

The daemons' binaries are found in $DAEMONS (a folder with usr/bin, see deploy/lib.sh), then in
~/.cache/containerd_exporter, then on PATH.
"""
import base64
import collections
import contextlib
import ctypes
import gzip
import hashlib
import http.client
import importlib.util
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings

import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt  # the one bcrypt in the standard library

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
VERSIONS = ("1.6", "1.7", "2")  # of containerd, oldest first


class LabError(AssertionError):
    """A daemon did not do what the lab needs; the message carries the end of its log."""


def daemons_dir():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("DAEMONS") or os.path.join(cache, "containerd_exporter"))


def find(program, folder=None):
    """Path of a daemon's binary; `folder` (with or without usr/bin) instead of the default one."""
    roots = [pathlib.Path(folder)] if folder else [daemons_dir()]
    for place in [p for root in roots for p in (root / "usr/bin", root / "usr/sbin", root / "bin", root)]:
        if (place / program).is_file():
            return str(place / program)
    path = None if folder else shutil.which(program)
    if path:
        return path
    raise LabError(f"{program} not found in {roots[0]}: run deploy/lib.sh need_daemons")


def folder_of(version):
    """Where a containerd of VERSIONS was unpacked (deploy/lib.sh need_newer_daemons), as `folder` of
    Containerd; None means that of the machine's own Debian."""
    if version == VERSIONS[0]:
        return None
    folder = daemons_dir() / version
    if not (folder / "usr/bin/containerd").is_file():
        raise LabError(f"no containerd {version} in {folder}: run deploy/lib.sh need_newer_daemons")
    return folder


def prometheus_folder(version):
    """Where a Prometheus "2" or "3" is, as `folder` of find(); None means that of this Debian."""
    if version == "2":
        return None
    folder = daemons_dir() / f"prometheus-{version}"
    if not (folder / "usr/bin/prometheus").is_file():
        raise LabError(f"no Prometheus {version} in {folder}: run deploy/lib.sh need_newer_daemons")
    return folder


def free_port(wanted=0):
    """A port on loopback that nobody listens on: `wanted` if that is free."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(check, timeout=20, what="condition", every=0.05):
    """The first true value of check(); its exceptions count as false until the time is up."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = None
        except Exception as error:  # pylint: disable=broad-except
            last = error
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout} s" + (f" ({last!r})" if last else ""))
        time.sleep(every)


def http_request(url, method="GET", data=None, headers=None, timeout=10, cafile=None):
    """(status, headers, body) of one request; no exception for 4xx and 5xx."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    context = ssl.create_default_context(cafile=cafile) if url.startswith("https") else None
    handlers = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def mounts_below(folder):
    folder = os.path.realpath(folder)
    points = []
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            point = line.split()[4].encode().decode("unicode_escape")
            if point == folder or point.startswith(folder + "/"):
                points.append(point)
    return sorted(points, key=len, reverse=True)


def limit_disk(folder, room):
    """A disk of its own, of `room` bytes, where the folder is to be."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", folder], check=True)


def load_fake(name):
    """A module of tests/fake, under a name that is nobody else's."""
    spec = importlib.util.spec_from_file_location(f"fake_{name}", ROOT / f"tests/fake/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def remove_tree(folder):
    for point in mounts_below(folder):
        subprocess.run(["umount", "-l", point], check=False)
    shutil.rmtree(folder, ignore_errors=True)


Row = collections.namedtuple("Row", "namespace image type digest status have want size unpacked")

ROW = re.compile(r"(?P<image>.+?)\s+(?P<type>\S+)\s+(?P<digest>[a-z0-9+._-]+:[0-9A-Za-z=_-]+)\s+"
                 r"(?P<status>complete|incomplete|unavailable|error)(?: \((?P<have>\d+)/(?P<want>\d+|\?)\))?\s+"
                 r"(?P<size>-|\S+ [KMGTPEZY]?i?B/(?:\?|\S+ [KMGTPEZY]?i?B))\s+(?P<unpacked>true|false)[ \t]*\n", re.DOTALL)


def check_rows(text):
    """The table of `images check` as a list of Row: ctr's, or the exporter's with its namespaces."""
    header, _, rows = text.partition("\n")
    found = []
    for match in ROW.finditer(rows):
        fields = match.groupdict()
        namespace = None
        if header.startswith("NAMESPACE"):
            namespace, fields["image"] = re.split(r"\s+", fields["image"], maxsplit=1)
        found.append(Row(namespace=namespace, **fields))
    return found


@contextlib.contextmanager
def undisturbed():
    """No signal handler runs in here. One that raises in the middle of Popen.poll() leaves a lock of
    its taken for ever, and whoever waits for the child after that waits for ever, too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Process:
    """One child process with its output in a file. It gets SIGTERM if this process dies."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.argv = [str(arg) for arg in argv]
        self.log_path = pathlib.Path(log)
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self.child = None

    def start(self):
        parent = os.getpid()

        def before_exec():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=self.env, cwd=self.cwd, start_new_session=True,
                                          preexec_fn=before_exec)
        return self

    @property
    def pid(self):
        return self.child.pid

    @property
    def alive(self):
        with undisturbed():
            return self.child is not None and self.child.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def tail(self, lines=20):
        return "\n".join(self.log.splitlines()[-lines:])

    def send(self, number):
        self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=15):
        """(exit code, seconds it took); killed, and an error, if it does not end in time."""
        if not self.child:
            return None, 0.0
        began = time.monotonic()
        if self.alive:
            with undisturbed():  # send_signal() polls
                self.child.send_signal(number)
        try:
            code = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"{self.argv[0]} did not end within {timeout} s:\n{self.tail()}") from None
        return code, time.monotonic() - began

    def kill(self):
        if self.alive:
            with undisturbed():
                self.child.kill()
        if self.child:
            self.child.wait()

    def close(self):
        with contextlib.suppress(LabError):
            self.stop()

    def wait_ready(self, check, timeout=20):
        deadline = time.monotonic() + timeout
        while self.alive and time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                if check():
                    return self
            time.sleep(0.05)
        raise LabError(f"{self.argv[0]} is not ready (exit code {self.child.poll()}):\n{self.tail()}")


class Containerd(Process):
    """A containerd with private root, state and socket. `folder` holds the unpacked version."""

    def __init__(self, temp, folder=None, cri=False, extra_config=""):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.bin = os.path.dirname(find("containerd", folder))
        self.address = str(self.dir / "containerd.sock")
        self.root, self.state = self.dir / "root", self.dir / "state"
        disabled = [] if cri else ["io.containerd.grpc.v1.cri"]
        # The opt plugin makes its folder: without a path of its own that would be /opt/containerd.
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

    def start(self):
        super().start()
        return self.wait_ready(lambda: os.path.exists(self.address) and self.run("version").returncode == 0)

    def restart(self):
        self.stop()
        return self.start()

    def run(self, *args, namespace=None, timeout=60, stdin=None):
        """ctr with these arguments: the finished process, whatever its exit status."""
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
        """All there is, per namespace: compare two of these to see what somebody left behind."""
        return {ns: {"images": set(self.ctr("images", "ls", "-q", namespace=ns).split()),
                     "content": self.content(ns), "snapshots": self.snapshots(ns),
                     "leases": self.leases(ns), "ingests": self.ingests(ns)} for ns in self.namespaces()}

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


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker(Process):
    """A dockerd with private root, state and socket, on a containerd of the lab. It touches neither
    the network nor the firewall, so its containers would have none."""

    PLUGINS = ("/run/docker/plugins", "/run/docker")  # made by every dockerd, whatever it is told

    def __init__(self, temp, containerd, storage="overlay2", config=None, root=None):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.address = str(self.dir / "docker.sock")
        self.made = []
        home = self.dir / "home"
        home.mkdir(exist_ok=True)
        # The key would be made in /etc/docker.
        config = {"deprecated-key-path": str(self.dir / "key.json"), "max-download-attempts": 1, **(config or {})}
        (self.dir / "daemon.json").write_text(json.dumps(config), encoding="utf-8")
        libraries = ":".join(str(path) for path in daemons_dir().glob("lib/*-linux-gnu*"))
        super().__init__(
            [find("dockerd"), "--config-file", self.dir / "daemon.json", "--data-root", root or self.dir / "root",
             "--exec-root", self.dir / "run", "--pidfile", self.dir / "docker.pid", "--host", f"unix://{self.address}",
             "--containerd", containerd.address, "--bridge=none", "--iptables=false", "--ip6tables=false",
             "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false", "--oom-score-adjust=0",
             "--storage-driver", storage],
            self.dir / "docker.log",
            {"HOME": str(home), "PATH": f"{containerd.bin}:{os.environ['PATH']}",
             **({"LD_LIBRARY_PATH": libraries} if libraries else {})})

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
        """All there is: compare two of these to see what somebody left behind."""
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
    for HTTPS with a certificate of a private authority, whose own one is `cafile`. delete: whether it
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
            authority = load_fake("tls").Authority(self.dir / "tls")
            self.cafile = authority.certificate
            serve["tls"] = dict(zip(("certificate", "key"), authority.issue("registry")))
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
        """Its own, with nobody pushing meanwhile: only then blobs leave the disk."""
        done = subprocess.run([*self.argv[:1], "garbage-collect", self.config], capture_output=True, text=True,
                              timeout=60, env=self.env, check=False)
        if done.returncode != 0:
            raise LabError(f"garbage-collect: {done.returncode}\n{done.stdout[-500:]}{done.stderr[-500:]}")

    def blobs(self):
        """{digest: bytes} of the blobs on its disk, whether a repository has them or not."""
        return {f"{path.parts[-4]}:{path.parts[-2]}": path.stat().st_size
                for path in self.data.glob("docker/registry/v2/blobs/*/*/*/data")}

    def uploads(self):
        """Bytes of those that somebody has begun and neither finished nor taken back. (Of one that was taken
        back, an empty folder stays.)"""
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


def exporter_binary():
    return os.environ.get("EXPORTER_BIN") or str(ROOT / "build/containerd_exporter")


def exporter_check(containerd, *args, timeout=60):
    """`containerd_exporter check`: the finished process, whatever its exit status."""
    env = {**os.environ, "CONTAINERD_ADDRESS": containerd.address}
    return subprocess.run([exporter_binary(), "check", *args], capture_output=True, text=True, timeout=timeout,
                          errors="surrogateescape", env=env, stdin=subprocess.DEVNULL, check=False)


class WithoutAliases(yaml.SafeDumper):
    """What stands twice is written twice: the exporter knows no aliases."""

    def ignore_aliases(self, data):
        return True


class Exporter(Process):
    """The exporter under test. `config` is a dict, text, or None (no file). $EXPORTER_BIN overrides
    the binary; `wrap`, else $EXPORTER_WRAP, puts words before it."""

    def __init__(self, temp, config=None, args=(), env=None, ready=True, port=None, wrap=()):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.binary = exporter_binary()
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.config_path = self.dir / "containerd_exporter.yml"
        self.must_be_ready = ready
        wrap = wrap or os.environ.get("EXPORTER_WRAP", "").split()
        argv = [*wrap, self.binary, f"--web.listen-address={self.address}"]
        if config is not None:
            self.write_config(config)
            argv.append(f"--config.file={self.config_path}")
        super().__init__(argv + list(args), self.dir / "exporter.log", env)

    def write_config(self, config):
        text = config if isinstance(config, str) else yaml.dump(config, Dumper=WithoutAliases, sort_keys=False)
        self.config_path.write_text(text, encoding="utf-8")

    def start(self):
        super().start()
        if self.must_be_ready:
            self.wait_ready(lambda: self.get("/-/ready")[0] == 200)
        return self

    def get(self, path, method="GET", headers=None, timeout=10):
        return http_request(self.url + path, method, headers=headers, timeout=timeout)

    def raw(self):
        status, _, body = self.get("/metrics")
        if status != 200:
            raise LabError(f"/metrics: {status}")
        return body.decode()

    def metrics(self):
        """{sample name: {frozenset of (label, value): number}}, read by Prometheus' own Python parser."""
        from prometheus_client.parser import text_string_to_metric_families
        families = {}
        for family in text_string_to_metric_families(self.raw()):
            for sample in family.samples:
                families.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return families

    def samples(self, metric, **labels):
        """{labels: value} of the samples that carry at least these labels."""
        wanted = set(labels.items())
        return {key: value for key, value in self.metrics().get(metric, {}).items() if wanted <= key}

    def value(self, metric, default=None, **labels):
        """Sum of the samples that carry at least these labels; `default` where there is none."""
        found = self.samples(metric, **labels)
        return sum(found.values()) if found else default

    def wait_for(self, metric, labels=None, predicate=lambda value: value is not None, timeout=20):
        """Until predicate(value()) holds; returns that value. A number instead of a function: equal."""
        if not callable(predicate):
            number, predicate = predicate, lambda value: value == number
        seen = []

        def check():
            seen[:] = [self.value(metric, **(labels or {}))]
            return seen[0] is not None and predicate(seen[0])

        try:
            wait_until(check, timeout, f"{metric}{labels or ''}", every=0.1)
        except LabError as error:
            raise LabError(f"{error}; last value {seen}\n{self.tail()}") from None
        return seen[0]

    def reload(self, config=None):
        """(status, body) of POST /-/reload, after writing `config`."""
        if config is not None:
            self.write_config(config)
        status, _, body = self.get("/-/reload", "POST", timeout=30)
        return status, body.decode()

    def status_kb(self, key):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))

    def rss_kb(self):
        return self.status_kb("VmRSS")

    def rss_peak_kb(self):
        return self.status_kb("VmHWM")


# ---- Images -------------------------------------------------------------------------------------

OCI = {"manifest": "application/vnd.oci.image.manifest.v1+json", "index": "application/vnd.oci.image.index.v1+json",
       "config": "application/vnd.oci.image.config.v1+json", "tar": "application/vnd.oci.image.layer.v1.tar",
       "gzip": "application/vnd.oci.image.layer.v1.tar+gzip"}
DOCKER = {"manifest": "application/vnd.docker.distribution.manifest.v2+json",
          "index": "application/vnd.docker.distribution.manifest.list.v2+json",
          "config": "application/vnd.docker.container.image.v1+json",
          "tar": "application/vnd.docker.image.rootfs.diff.tar",
          "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip"}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layer:
    """A tar with these files; `data` is the blob as a registry keeps it."""

    def __init__(self, files, compress=True):
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
        tar_bytes = plain.getvalue()
        self.kind = "gzip" if compress else "tar"
        self.data = gzip.compress(tar_bytes, 1, mtime=0) if compress else tar_bytes
        self.digest, self.diff_id = sha256(self.data), sha256(tar_bytes)


class Image:
    """What a reference points at, with all blobs below it. For an index, `manifests` are its images."""

    def __init__(self, media_type, data, blobs, manifests=(), layers=(), config=None):
        self.media_type, self.data, self.digest = media_type, data, sha256(data)
        self.blobs, self.manifests = blobs, list(manifests)  # blobs: {digest: bytes}, self not included
        self.layers, self.config_digest = list(layers), config
        self.annotations = {}

    @property
    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}

    @property
    def size(self):
        """Config and layers: what `ctr images check` calls the size, for one platform's image."""
        return sum(len(data) for data in self.blobs.values())

    def push(self, registry, repository, tag):
        """Into a DockerRegistry, or anything with .url and .request of its kind; gives the reference."""
        for image in self.manifests:
            image.push(registry, repository, image.digest)
        nested = {image.digest for image in self.manifests} | {d for i in self.manifests for d in i.blobs}
        for digest, data in self.blobs.items():
            if digest not in nested:
                push_blob(registry, repository, digest, data)
        status, _, body = registry.request(f"/v2/{repository}/manifests/{tag}", "PUT", self.data,
                                           {"Content-Type": self.media_type})
        if status != 201:
            raise LabError(f"push of {repository}:{tag}: {status} {body[:300]}")
        return f"{registry.host}/{repository}:{tag}"

    def layout(self, name):
        """An OCI layout as a tar: what `ctr images import` and `skopeo copy oci-archive:` read."""
        top = {**self.descriptor, "annotations": {"io.containerd.image.name": name,
                                                  "org.opencontainers.image.ref.name": name.rpartition(":")[2]}}
        files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
                 "index.json": as_json({"schemaVersion": 2, "manifests": [top]})}
        for digest, data in {self.digest: self.data, **self.blobs}.items():
            files["blobs/" + digest.replace(":", "/")] = data
        return Layer(files, compress=False).data

    def load(self, containerd, namespace, name, unpack=True, all_platforms=False):
        """Into containerd, as `name`; gives the name."""
        with tempfile.NamedTemporaryFile(dir=containerd.dir, suffix=".tar") as archive:
            archive.write(self.layout(name))
            archive.flush()
            flags = ([] if unpack else ["--no-unpack"]) + (["--all-platforms"] if all_platforms else [])
            containerd.ctr("images", "import", *flags, archive.name, namespace=namespace)
        return name


def push_blob(registry, repository, digest, data):
    if registry.request(f"/v2/{repository}/blobs/{digest}", "HEAD")[0] == 200:
        return
    status, headers, body = registry.request(f"/v2/{repository}/blobs/uploads/", "POST", b"")
    if status != 202:
        raise LabError(f"upload to {repository}: {status} {body[:300]}")
    place = urllib.parse.urljoin(registry.url, headers["Location"])
    place += ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": digest})
    status, _, body = registry.request(place, "PUT", data, {"Content-Type": "application/octet-stream"})
    if status != 201:
        raise LabError(f"upload to {repository}: {status} {body[:300]}")


class ImageMaker:
    """Makes images in memory. The same seed and the same calls give the same digests."""

    def __init__(self, seed=0):
        self.random = random.Random(seed)
        self.made = 0

    def layer(self, size=64 * 1024, files=None, compress=True):
        """`size` random bytes in one file (big ones: compress=False, random bytes only cost time), or `files`."""
        self.made += 1
        name = f"layer-{self.made}-{self.random.getrandbits(32):08x}"
        return Layer(files or {name: self.random.randbytes(size)}, compress)

    def image(self, layers=2, size=64 * 1024, platform="linux/amd64", docker=False, compress=True, config=None):
        """`layers`: a number of random layers of `size` bytes each, or a list of Layer."""
        types = DOCKER if docker else OCI
        if isinstance(layers, int):
            layers = [self.layer(size, compress=compress) for _ in range(layers)]
        system, machine, *variant = platform.split("/")
        text = {"os": system, "architecture": machine, "config": {"Cmd": ["/none"]},
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}, **(config or {})}
        if variant:
            text["variant"] = variant[0]
        config_data = as_json(text)
        manifest = {"schemaVersion": 2, "mediaType": types["manifest"],
                    "config": {"mediaType": types["config"], "digest": sha256(config_data), "size": len(config_data)},
                    "layers": [{"mediaType": types[layer.kind], "digest": layer.digest, "size": len(layer.data)}
                               for layer in layers]}
        blobs = {sha256(config_data): config_data, **{layer.digest: layer.data for layer in layers}}
        image = Image(types["manifest"], as_json(manifest), blobs, layers=layers, config=sha256(config_data))
        image.platform = platform
        return image

    def index(self, images, docker=False, attestation=False):
        """An index of images, each under the platform it was made for. attestation adds the
        unknown/unknown entry that BuildKit writes beside the first image."""
        types = DOCKER if docker else OCI
        images, entries = list(images), []
        for image in images:
            system, machine, *variant = image.platform.split("/")
            platform = {"os": system, "architecture": machine, **({"variant": variant[0]} if variant else {})}
            entries.append({**image.descriptor, "platform": platform})
        if attestation:
            proof = self.image([Layer({"proof.json": as_json({"of": images[0].digest})})])
            images.append(proof)
            entries.append({**proof.descriptor, "platform": {"os": "unknown", "architecture": "unknown"},
                            "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                                            "vnd.docker.reference.digest": images[0].digest}})
        data = as_json({"schemaVersion": 2, "mediaType": types["index"], "manifests": entries})
        blobs = {}
        for image in images:
            blobs.update({image.digest: image.data, **image.blobs})
        return Image(types["index"], data, blobs, manifests=images)

    def multi_platform(self, platforms=("linux/amd64", "linux/arm64"), docker=False, attestation=True, **options):
        return self.index([self.image(platform=p, docker=docker, **options) for p in platforms], docker, attestation)


class Lab(contextlib.AbstractContextManager):
    """Owner of daemons and of the temporary folder they live in."""

    def __init__(self, prefix="containerd_exporter-"):
        self.temp = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.stack = contextlib.ExitStack()
        self.stack.callback(remove_tree, self.temp)
        self.maker = ImageMaker()
        self.count = 0

    def folder(self, name):
        self.count += 1
        return self.temp / f"{name}{self.count}"

    def own(self, process):
        self.stack.callback(process.close)
        return process.start()

    def containerd(self, **options):
        return self.own(Containerd(self.folder("containerd"), **options))

    def containerd_of(self, version, **options):
        """A containerd of VERSIONS; LabError where it could not be had."""
        return self.containerd(folder=folder_of(version), **options)

    def docker(self, containerd, **options):
        return self.own(Docker(self.folder("docker"), containerd, **options))

    def registry(self, **options):
        return self.own(DockerRegistry(self.folder("registry"), **options))

    def fake_registry(self, **options):
        """A registry in this process that can be told to misbehave: tests/fake/registry.py."""
        return self.stack.enter_context(load_fake("registry").FakeRegistry(**options))

    def token_server(self, **options):
        """One that a docker-registry believes: tests/fake/tokens.py."""
        return self.stack.enter_context(load_fake("tokens").TokenServer(self.folder("tokens"), **options))

    def prometheus(self, targets, **options):
        return self.own(Prometheus(self.folder("prometheus"), targets, **options))

    def exporter(self, config=None, **options):
        return self.own(Exporter(self.folder("exporter"), config, **options))

    def close(self):
        self.stack.close()

    def __exit__(self, *exc):
        self.close()

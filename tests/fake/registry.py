# SPDX-License-Identifier: Apache-2.0
"""A registry in memory that can be told to misbehave.

    with FakeRegistry() as registry:
        image = registry.add_image("canary/a", "v1")
        registry.fault("hang", path=r"/blobs/")
        ... registry.address, registry.log, registry.requests("GET", "/blobs/") ...

Speaks plain HTTP on 127.0.0.1, or HTTPS with a certificate of fake/tls.py. Blobs may be served by
a second listener (the "CDN") that knows no credentials. Not a model of a good registry: it checks
no more than tests need.

Faults, each for the requests whose path matches, so that one registry serves many probes at once:

    hang           takes the request and never answers
    hang_middle    ... after half of the body              hang_headers  ... after the headers
    reset, close   breaks the connection instead of an answer: RST, FIN
    reset_middle, close_middle   ... after half of the body, however often it is asked for the rest
    drip           the body byte by byte, `value` seconds between two
    slow           the body in chunks of 64 KiB, `value` seconds before each
    status         `status` with `headers` and `body`
    loop           a redirect to itself                    redirect      of a blob, to `value` or the CDN
    wrong_bytes, truncate, longer, huge   what the body is not: `value` bytes of blanks for huge
    content_type   `value` instead of the right one
    digest_header  `value` instead of the right one; none: no header
    unauthorized   401 that asks for a token of `value`, or of the registry itself: whatever the token
"""
import argparse
import base64
import gzip
import hashlib
import io
import json
import re
import secrets
import socket
import ssl
import struct
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CHUNK = 64 << 10

SILENT = ("hang", "reset", "close")  # instead of an answer
HALF = ("hang_middle", "reset_middle", "close_middle")  # of the body, and then no more
FAULTS = (*SILENT, *HALF, "hang_headers", "wrong_bytes", "truncate", "longer", "huge", "status", "redirect",
          "loop", "content_type", "digest_header", "slow", "drip", "unauthorized")


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def make_layer(files):
    """{name: bytes} as (gzip'ed tar, digest of the tar)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), compresslevel=1, mtime=0), digest_of(raw.getvalue())


def make_bomb(size, member=32 << 20):
    """A layer of one file of `size` zeros as a gzip a thousandth of that: members that are all the same."""
    entry = tarfile.TarInfo("bomb")
    entry.size = size // member * member
    header, zeros = entry.tobuf(), bytes(member)
    packed = gzip.compress(zeros, compresslevel=6, mtime=0)
    hashed = hashlib.sha256(header)
    for _ in range(size // member):
        hashed.update(zeros)
    tail = bytes(1024)
    hashed.update(tail)
    data = gzip.compress(header, mtime=0) + packed * (size // member) + gzip.compress(tail, mtime=0)
    return data, "sha256:" + hashed.hexdigest()


class Fault:
    """What goes wrong with the requests that match; `times` None: for ever."""

    def __init__(self, kind, method="", path="", times=None, status=500, headers=None, body=b"",
                 value=""):
        if kind not in FAULTS:
            raise ValueError(f"no fault {kind}; there are: {', '.join(FAULTS)}")
        self.kind, self.method, self.path = kind, method, re.compile(path)
        self.times, self.status, self.headers = times, status, headers or {}
        self.body, self.value, self.hits = body, value, 0

    def matches(self, method, path):
        if self.times is not None and self.hits >= self.times:
            return False
        return (not self.method or self.method == method) and bool(self.path.search(path))


class Request:
    """A line of the log."""

    def __init__(self, handler, body_size):
        self.method, self.path = handler.command, handler.path
        self.headers, self.body_size = dict(handler.headers.items()), body_size
        self.status, self.server, self.time = None, handler.server.role, time.time()

    def __repr__(self):
        return f"{self.server} {self.method} {self.path} -> {self.status}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fake"
    disable_nagle_algorithm = True

    # ---- plumbing

    def log_message(self, *args):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def begin(self):
        self.registry = self.server.registry
        size = int(self.headers.get("Content-Length") or 0)
        self.fault = self.registry.next_fault(self.command, self.path)
        if self.fault and self.fault.kind in SILENT:
            self.note(0)
            return self.stop(self.fault.kind)
        self.body = self.rfile.read(size) if size else b""
        self.note(size)
        return not self.fault or not self.answer_wrongly(self.fault)

    def answer_wrongly(self, fault):
        """The answer that a fault gives instead of the right one; False: it only spoils that."""
        if fault.kind == "status":
            self.answer(fault.status, fault.body, headers=fault.headers)
        elif fault.kind == "loop":
            self.answer(307, headers={"Location": self.path})
        elif fault.kind == "unauthorized":
            repository = re.sub(r"^/v2/(.*)/(manifests|blobs)/.*", r"\1", urlsplit(self.path).path)
            self.ask_for_token(f"repository:{repository}:pull", fault.value)
        else:
            return False
        return True

    def note(self, body_size):
        self.request_line = Request(self, body_size)
        self.registry.log.append(self.request_line)

    def stop(self, how):
        """Ends this connection: after a wait for ever, with a FIN or with a RST."""
        self.close_connection = True
        if how.startswith("hang"):
            self.registry.stopping.wait()
        elif how.startswith("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            raise ConnectionResetError
        return False

    def answer(self, status, body=b"", content_type=None, headers=None, start=0):
        """`start`: where in the blob the body begins."""
        headers = dict(headers or {})
        kind = self.fault.kind if self.fault else None
        if kind == "content_type":
            content_type = self.fault.value
        if kind == "digest_header":
            headers.pop("Docker-Content-Digest", None)
            headers.update({"Docker-Content-Digest": self.fault.value} if self.fault.value else {})
        if kind == "wrong_bytes" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if kind == "truncate":
            body = body[: len(body) // 2]
        if kind == "longer":
            body += b"more"
        if kind == "huge":
            body = b" " * int(self.fault.value)
        self.request_line.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        if content_type:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(body, kind, start)

    def send_body(self, body, kind, start):
        if kind == "hang_headers":
            self.wfile.flush()
            self.stop(kind)
        elif kind in HALF:
            self.wfile.write(body[: max((start + len(body)) // 2 - start, 0)])
            self.wfile.flush()
            self.stop(kind)
        else:
            step = 1 if kind == "drip" else CHUNK
            for at in range(0, len(body), step):
                if kind in ("slow", "drip") and self.registry.stopping.wait(float(self.fault.value or 0.1)):
                    return
                self.wfile.write(body[at : at + step])

    def refuse(self, status, code, message=None, headers=None):
        body = to_json({"errors": [{"code": code, "message": message or code.lower()}]})
        self.answer(status, body, "application/json", headers)

    # ---- who is asking

    def basic_user(self):
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(rest).decode().partition(":")
        return user if self.registry.users.get(user) == password else None

    def allowed(self, repository):
        """Whether the one who asks may; `repository` "": only who they are is asked."""
        registry = self.registry
        action = "pull" if self.command in ("GET", "HEAD") else "push"
        if registry.auth == "basic" and not self.basic_user():
            self.refuse(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="fake"'})
            return False
        if registry.auth == "bearer":
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            known = scheme.lower() == "bearer" and token in registry.tokens
            if not known or (repository and (repository, action) not in registry.tokens[token]):
                actions = "pull" if action == "pull" else "pull,push"
                self.ask_for_token(f"repository:{repository}:{actions}" if repository else "")
                return False
        return True

    def ask_for_token(self, scope, realm=""):
        scope = f',scope="{scope}"' if scope else ""
        self.refuse(401, "UNAUTHORIZED", headers={
            "WWW-Authenticate": f'Bearer realm="{realm or self.registry.url + "/token"}",service="fake"{scope}'})

    def token(self):
        if self.command == "POST":
            if not self.registry.token_by_post:
                return self.answer(404)
            form = parse_qs(self.body.decode())
            user = form.get("username", [""])[0]
            known = user in self.registry.users and self.registry.users[user] == form.get("password", [None])[0]
            if form.get("grant_type") == ["refresh_token"]:
                known = form.get("refresh_token", [""])[0] in self.registry.identity_tokens
            scopes = form.get("scope", [""])[0].split()
        else:
            scopes = [v for k, v in parse_qsl(urlsplit(self.path).query) if k == "scope"]
            user, known = self.basic_user(), self.basic_user() is not None
            if self.headers.get("Authorization") is None and self.registry.anonymous_pull:
                return self.grant(scopes, {"pull"})
        if not known:
            return self.refuse(401, "UNAUTHORIZED")
        return self.grant(scopes, {"pull", "push"})

    def grant(self, scopes, rights):
        token = secrets.token_urlsafe(24)
        granted = set()
        for scope in scopes:
            _, repository, actions = scope.split(":")
            granted |= {(repository, action) for action in actions.split(",") if action in rights}
        self.registry.tokens[token] = granted
        # OAuth2, which is what a POST speaks, has another word for it; containerd wants that one.
        word = "access_token" if self.command == "POST" else "token"
        self.answer(200, to_json({word: token, "expires_in": 300}), "application/json")

    # ---- the protocol

    def route(self):
        if not self.begin():
            return
        path = urlsplit(self.path).path
        if path == "/token":
            return self.token()
        if self.server.role == "cdn":
            return self.blob("", path.rsplit("/", 1)[1])
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|blobs/uploads|tags)/([^/]*)", path)
        if path == "/v2/":
            return self.allowed("") and self.answer(200)
        if not match:
            return self.answer(404)
        repository, kind, name = match.groups()
        if self.allowed(repository):
            getattr(self, kind.replace("blobs/uploads", "upload").rstrip("s"))(repository, name)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = route

    def manifest(self, repository, name):
        manifests, tags = self.registry.manifests, self.registry.tags
        digest = tags.get((repository, name), name)
        if self.command == "PUT":
            digest = digest_of(self.body)
            manifests[repository, digest] = (self.headers.get("Content-Type", ""), self.body)
            if not name.startswith("sha256:"):
                tags[repository, name] = digest
            return self.answer(201, headers={"Docker-Content-Digest": digest})
        if (repository, digest) not in manifests:
            return self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if self.command == "DELETE":
            del manifests[repository, digest]
            self.registry.tags = {k: v for k, v in tags.items() if v != digest}
            return self.answer(202)
        media_type, body = manifests[repository, digest]
        return self.answer(200, body, media_type, {"Docker-Content-Digest": digest})

    def blob(self, repository, digest):
        registry = self.registry
        if digest not in registry.blobs:
            return self.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.fault and self.fault.kind == "redirect" and self.server.role == "registry":
            location = self.fault.value or f"http://{registry.cdn_address}/{digest}?signature=x"
            self.fault = None
            return self.answer(307, headers={"Location": location})
        blob, headers = registry.blobs[digest], {"Docker-Content-Digest": digest}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and int(wanted[1]) < len(blob):
            start = int(wanted[1])
            headers["Content-Range"] = f"bytes {start}-{len(blob) - 1}/{len(blob)}"
            return self.answer(206, blob[start:], "application/octet-stream", headers, start)
        return self.answer(200, blob, "application/octet-stream", headers)

    def upload(self, repository, name):
        registry = self.registry
        if self.command == "POST":
            name = secrets.token_hex(8)
            registry.uploads.add(name)
            location = f"/v2/{repository}/blobs/uploads/{name}?_state=x"
            if registry.absolute_locations:
                location = f"{registry.url}{location}"
            return self.answer(202, headers={"Location": location})
        if name not in registry.uploads:
            return self.refuse(404, "BLOB_UPLOAD_UNKNOWN")
        if self.command == "DELETE":
            registry.uploads.discard(name)
            return self.answer(204)
        digest = parse_qs(urlsplit(self.path).query).get("digest", [""])[0]
        if digest_of(self.body) != digest:
            return self.refuse(400, "DIGEST_INVALID", "provided digest did not match the content")
        registry.uploads.discard(name)
        registry.blobs[digest] = self.body
        return self.answer(201, headers={"Docker-Content-Digest": digest})

    def tag(self, repository, _):
        names = sorted(tag for (where, tag) in self.registry.tags if where == repository)
        self.answer(200, to_json({"name": repository, "tags": names}), "application/json")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # the default of 5 makes a crowd wait for a second SYN

    def get_request(self):
        """The handshake happens on the connection's own thread: one that hangs delays nobody."""
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        pass


class FakeRegistry:
    def __init__(self, port=0, auth=None, users=None, anonymous_pull=True, token_by_post=True,
                 absolute_locations=False, tls=None):
        """auth: None, "basic" or "bearer"; users: {name: password}; tls: (certificate, key), paths."""
        self.auth, self.users, self.anonymous_pull = auth, users or {}, anonymous_pull
        self.token_by_post, self.absolute_locations = token_by_post, absolute_locations
        self.identity_tokens = set()  # that may be exchanged for a token
        self.blobs, self.manifests, self.tags = {}, {}, {}
        self.uploads, self.tokens = set(), {}
        self.faults, self.log = [], []
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.servers = [self.listen(port, "registry"), self.listen(0, "cdn")]
        self.address, self.cdn_address = ("%s:%d" % s.server_address for s in self.servers)
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self.port = self.servers[0].server_address[1]

    def listen(self, port, role):
        server = Server(("127.0.0.1", port), Handler)
        server.registry, server.role = self, role
        server.tls = self.tls if role == "registry" else None
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self):
        self.stopping.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- faults and what was seen

    def fault(self, kind, **options):
        """See Fault; the first that matches counts. The answer can be passed to unfault()."""
        fault = Fault(kind, **options)
        with self.lock:
            self.faults.append(fault)
        return fault

    def unfault(self, fault=None):
        with self.lock:
            self.faults = [f for f in self.faults if fault is not None and f is not fault]

    def next_fault(self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault.matches(method, path):
                    fault.hits += 1
                    return fault
        return None

    def requests(self, method="", path=""):
        return [r for r in self.log if (not method or r.method == method) and re.search(path, r.path)]

    # ---- images

    def add_blob(self, data):
        digest = digest_of(data)
        self.blobs[digest] = data
        return digest

    def add_manifest(self, repository, document, tag=None):
        body = to_json(document)
        digest = digest_of(body)
        self.manifests[repository, digest] = (document["mediaType"], body)
        if tag:
            self.tags[repository, tag] = digest
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(body)}

    def add_image(self, repository, tag=None, layers=None, architecture="amd64", os="linux"):
        """layers: a list of {name: bytes}, or of what make_layer() or make_bomb() gave. Gives descriptors
        of manifest, config and layers."""
        layers = layers or [{"hello": b"hello\n"}, {"random": secrets.token_bytes(4096)}]
        made = [make_layer(layer) if isinstance(layer, dict) else layer for layer in layers]
        config = to_json({
            "architecture": architecture, "os": os, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]},
        })
        document = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": self.add_blob(config),
                       "size": len(config)},
            "layers": [{"mediaType": OCI_LAYER_GZIP, "digest": self.add_blob(data),
                        "size": len(data)} for data, _ in made],
        }
        manifest = self.add_manifest(repository, document, tag)
        return {"manifest": manifest, "config": document["config"], "layers": document["layers"],
                "size": manifest["size"] + document["config"]["size"]
                + sum(layer["size"] for layer in document["layers"])}

    def add_index(self, repository, tag, architectures=("amd64", "arm64")):
        """A multi-platform image; gives the index and the image of each architecture."""
        images = {a: self.add_image(repository, architecture=a) for a in architectures}
        index = self.add_manifest(repository, {
            "schemaVersion": 2, "mediaType": OCI_INDEX,
            "manifests": [dict(image["manifest"], platform={"os": "linux", "architecture": a})
                          for a, image in images.items()],
        }, tag)
        return {"index": index, "images": images}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--auth", choices=["basic", "bearer"])
    parser.add_argument("--user", default="", help="NAME:PASSWORD")
    parser.add_argument("--fault", action="append", default=[], help="KIND[:PATH]")
    options = parser.parse_args()
    users = dict([options.user.split(":", 1)]) if options.user else {}
    with FakeRegistry(options.port, options.auth, users, anonymous_pull=not users) as registry:
        registry.add_image("canary/image", "v1")
        registry.add_index("canary/index", "v1")
        for fault in options.fault:
            kind, _, path = fault.partition(":")
            registry.fault(kind, path=path or "/v2/.")
        print(registry.address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

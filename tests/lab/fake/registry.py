# SPDX-License-Identifier: Apache-2.0
"""A registry in memory that answers with faults on demand.

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
    reset_middle, close_middle   ... after half of the body, also when the client resumes
    drip           the body byte by byte, `value` seconds between two
    slow           the body in chunks of 64 KiB, `value` seconds before each
    status         `status` with `headers` and `body`
    loop           a redirect to itself                    redirect      of a blob, to `value` or the CDN
    wrong_bytes, truncate, longer, huge   what the body is not: `value` bytes of blanks for huge
    content_type   `value` instead of the right one
    digest_header  `value` instead of the right one; none: no header
    length         of a HEAD: `value` as Content-Length; none: no header
    unauthorized   401 that asks for a token of `value`, or of the registry itself, with any token
    refuse         `status` with the registry's own error code `value`: 405 UNSUPPORTED, 403 DENIED

of uploads (bytes of an earlier PATCH are kept):

    reset_body, close_body, hang_body   after `value` bytes of the request's body; without value: half
    slow_body      reads the body in chunks of 64 KiB, `value` seconds before each
    location       `value` instead of the right one; none: no header; "cdn": on the second listener; "relative",
                   "dot": "UUID?...", "./UUID?..."
    range          of PATCH and of an upload's state: `value` instead of the right one; none: no header
    keep_half      keeps half of a PATCH, and says so

A fault that answers does so after the request's body; with early=True before it, and the connection
ends.
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
import sys
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

BODY = ("reset_body", "close_body", "hang_body")  # in the middle of what the client sends
SILENT = ("hang", "reset", "close")  # instead of an answer
HALF = ("hang_middle", "reset_middle", "close_middle")  # of the body, and then no more
FAULTS = (*SILENT, *HALF, "hang_headers", "wrong_bytes", "truncate", "longer", "huge", "status", "redirect",
          "loop", "content_type", "digest_header", "length", "slow", "drip", "unauthorized", "refuse", *BODY, "slow_body",
          "location", "range", "keep_half")


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


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
                 value="", early=False):
        if kind not in FAULTS:
            raise ValueError(f"no fault {kind}; there are: {', '.join(FAULTS)}")
        self.kind, self.method, self.path = kind, method, re.compile(path)
        self.times, self.status, self.headers = times, status, headers or {}
        self.body, self.value, self.hits, self.early = body, value, 0, early

    def matches(self, method, path):
        if self.times is not None and self.hits >= self.times:
            return False
        return (not self.method or self.method == method) and bool(self.path.search(path))


class Chunked:
    """A body without Content-Length, as dockerd sends layers."""

    def __init__(self, file):
        self.file, self.left, self.ended = file, 0, False

    def read(self, size):
        data = b""
        while len(data) < size and not self.ended:
            if self.left == 0:
                self.left = int(self.file.readline().split(b";")[0] or b"0", 16)
                self.ended = self.left == 0
            piece = self.file.read(min(self.left, size - len(data)))
            self.left -= len(piece)
            data += piece
            if self.left == 0:
                self.file.readline()
        return data


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
        if self.fault and self.fault.early:
            self.note(0)
            self.answer_wrongly(self.fault)
            return self.hang_up()
        self.body = self.take_body(size)
        self.note(len(self.body))
        if self.fault and self.fault.kind in BODY:
            self.keep_what_came()
            return self.stop(self.fault.kind)
        return not self.fault or not self.answer_wrongly(self.fault)

    def take_body(self, size):
        kind, value = (self.fault.kind, self.fault.value) if self.fault else (None, "")
        file = self.rfile
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            file, size = Chunked(self.rfile), sys.maxsize
        if kind in BODY:
            return file.read(min(size, int(value) if value != "" else size // 2))
        if kind != "slow_body":
            return file.read(size) if size else b""
        body = b""
        while len(body) < size and not self.registry.stopping.wait(float(value or 0.1)):
            piece = file.read(min(CHUNK, size - len(body)))
            if not piece:
                break
            body += piece
        return body

    def hang_up(self):
        """Lets the answer arrive before the rest of the body makes the end of it a reset."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(0.5)
        try:
            while self.connection.recv(CHUNK):
                pass
        except OSError:
            pass
        return False

    def keep_what_came(self):
        """Of a PATCH that broke off, as good registries do."""
        name = urlsplit(self.path).path.rsplit("/", 1)[1]
        if self.command == "PATCH" and name in self.registry.uploads:
            self.registry.uploads[name] += self.body

    def answer_wrongly(self, fault):
        """The answer that a fault gives instead of the right one; False: it only spoils that."""
        if fault.kind == "status":
            self.answer(fault.status, fault.body, headers=fault.headers)
        elif fault.kind == "loop":
            self.answer(307, headers={"Location": self.path})
        elif fault.kind == "unauthorized":
            repository = re.sub(r"^/v2/(.*)/(manifests|blobs)/.*", r"\1", urlsplit(self.path).path)
            self.ask_for_token(f"repository:{repository}:{','.join(self.actions())}", fault.value)
        elif fault.kind == "refuse":
            self.refuse(fault.status, fault.value)
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
        length = self.fault.value if kind == "length" else str(len(body))
        if status != 204 and length:
            self.send_header("Content-Length", length)
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

    # ---- authentication

    def basic_user(self):
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(rest).decode().partition(":")
        return user if self.registry.users.get(user) == password else None

    def actions(self):
        """The rights that this request needs; the last one is it."""
        if self.command in ("GET", "HEAD"):
            return ["pull"]
        return ["delete"] if self.command == "DELETE" else ["pull", "push"]

    def needs(self, repository):
        """(repository, right) pairs; a mount also reads from another repository."""
        query = parse_qs(urlsplit(self.path).query)
        needs = {(repository, self.actions()[-1])}
        if self.command == "POST" and "mount" in query and "from" in query:
            needs.add((query["from"][0], "pull"))
        return needs

    def allowed(self, repository):
        """Whether the client has access. `repository` "": only authentication is checked."""
        registry = self.registry
        if registry.auth == "basic" and not self.basic_user():
            self.refuse(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="fake"'})
            return False
        if registry.auth == "bearer":
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            known = scheme.lower() == "bearer" and token in registry.tokens
            if not known or (repository and not self.needs(repository) <= registry.tokens[token]):
                self.ask_for_token(f"repository:{repository}:{','.join(self.actions())}" if repository else "")
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
        if any(set(scope.split(":")[2].split(",")) - self.registry.rights for scope in scopes):
            return self.refuse(403, "DENIED", "no such right")
        return self.grant(scopes, self.registry.rights)

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
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|blobs/uploads|tags)/([^/]*)", path)
        if self.server.role == "cdn":
            if match and match[2] == "blobs/uploads":
                return self.upload(match[1], match[3])
            return self.blob(None, path.rsplit("/", 1)[1])
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
        if not registry.has_blob(repository, digest):
            return self.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.command == "DELETE":
            registry.delete_blob(repository, digest)
            return self.answer(202)
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
        query = parse_qs(urlsplit(self.path).query)
        digest = query.get("digest", [""])[0]
        if self.command == "POST":
            return self.open_upload(repository, query.get("mount", [""])[0], query.get("from", [""])[0])
        if name not in registry.uploads:
            return self.refuse(404, "BLOB_UPLOAD_UNKNOWN")
        if self.command == "DELETE":
            del registry.uploads[name]
            return self.answer(204)
        if self.command == "GET":
            return self.answer_upload(204, repository, name)
        if self.command == "PATCH":
            return self.patch(repository, name)
        whole = bytes(registry.uploads[name]) + self.body
        if digest_of(whole) != digest:
            return self.refuse(400, "DIGEST_INVALID", "provided digest did not match the content")
        del registry.uploads[name]
        registry.keep_blob(repository, whole)
        return self.answer(201, headers={"Docker-Content-Digest": digest})

    def open_upload(self, repository, mount, source):
        registry = self.registry
        if mount and source and registry.has_blob(source, mount):
            registry.keep_blob(repository, registry.blobs[mount])
            return self.answer(201, headers={"Docker-Content-Digest": mount,
                                             "Location": f"/v2/{repository}/blobs/{mount}"})
        name = secrets.token_hex(8)
        registry.uploads[name] = bytearray()
        return self.answer_upload(202, repository, name)

    def patch(self, repository, name):
        kept = self.registry.uploads[name]
        wanted = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", ""))
        if wanted and int(wanted[1]) != len(kept):
            return self.refuse(416, "RANGE_INVALID", f"the upload has {len(kept)} bytes")
        if wanted and int(wanted[2]) - int(wanted[1]) + 1 != len(self.body):
            return self.refuse(400, "SIZE_INVALID")
        half = self.fault and self.fault.kind == "keep_half"
        kept += self.body[: (len(self.body) + 1) // 2] if half else self.body
        return self.answer_upload(202, repository, name)

    def answer_upload(self, status, repository, name):
        """Where the upload goes on, and what is there."""
        registry, fault = self.registry, self.fault
        size = len(registry.uploads[name])
        # The state changes with every byte: the client must go on with the newest Location.
        location = f"/v2/{repository}/blobs/uploads/{name}?_state={size}"
        headers = {"Location": f"{registry.url}{location}" if registry.absolute_locations else location,
                   "Range": f"0-{max(size - 1, 0)}", "Docker-Upload-UUID": name}
        if fault and fault.kind == "location":
            places = {"cdn": f"http://{registry.cdn_address}{location}", "relative": f"{name}?_state={size}",
                      "dot": f"./{name}?_state={size}"}
            headers["Location"] = places.get(fault.value, fault.value)
        if fault and fault.kind == "range":
            headers["Range"] = fault.value
        return self.answer(status, headers={name: value for name, value in headers.items() if value})

    def tag(self, repository, _):
        names = sorted(tag for (where, tag) in self.registry.tags if where == repository)
        self.answer(200, to_json({"name": repository, "tags": names}), "application/json")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # the default of 5 makes a crowd wait for a second SYN

    def get_request(self):
        """The handshake happens on the connection's own thread: a hanging one delays no other client."""
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        pass


class FakeRegistry:
    def __init__(self, port=0, auth=None, users=None, anonymous_pull=True, token_by_post=True,
                 absolute_locations=False, tls=None, separate=False, rights=("pull", "push", "delete")):
        """auth: None, "basic" or "bearer"; users: {name: password}; tls: (certificate, key), paths.
        separate: a blob is only in the repositories that it was put into; else in all of them.
        rights: what the token server knows; it refuses other rights."""
        self.auth, self.users, self.anonymous_pull = auth, users or {}, anonymous_pull
        self.token_by_post, self.absolute_locations = token_by_post, absolute_locations
        self.identity_tokens = set()  # that may be exchanged for a token
        self.separate, self.rights = separate, set(rights)
        self.blobs, self.manifests, self.tags = {}, {}, {}
        self.links = set()  # (repository, digest) of the blobs
        self.uploads, self.tokens = {}, {}  # name: the bytes so far; token: (repository, right) pairs
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

    def has_blob(self, repository, digest):
        """`repository` "" or None: in any."""
        return digest in self.blobs and (not self.separate or not repository or (repository, digest) in self.links)

    def keep_blob(self, repository, data, algorithm="sha256"):
        digest = digest_of(data, algorithm)
        self.blobs[digest] = data
        self.links.add((repository, digest))
        return digest

    def delete_blob(self, repository, digest):
        """What no repository has any more is gone."""
        self.links = {link for link in self.links
                      if link[1] != digest or (self.separate and link[0] != repository)}
        if not any(kept == digest for _, kept in self.links):
            del self.blobs[digest]

    def add_blob(self, data, repository="", algorithm="sha256"):
        return self.keep_blob(repository, data, algorithm)

    def add_manifest(self, repository, document, tag=None, algorithm="sha256"):
        body = to_json(document)
        digest = digest_of(body, algorithm)
        self.manifests[repository, digest] = (document["mediaType"], body)
        if tag:
            self.tags[repository, tag] = digest
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(body)}

    def add_image(self, repository, tag=None, layers=None, architecture="amd64", os="linux", algorithms=("sha256", "sha256")):
        """algorithms: of the digests of the layers and of the manifest. layers: a list of {name: bytes}, or of results of make_layer() and make_bomb(). Returns descriptors
        of manifest, config and layers. Without `layers` the image shares no blob with any other image, so
        that two pulls at the same time do not find each other's layers."""
        layers = layers or [{"small": secrets.token_bytes(16)}, {"random": secrets.token_bytes(4096)}]
        made = [make_layer(layer) if isinstance(layer, dict) else layer for layer in layers]
        config = to_json({
            "architecture": architecture, "os": os, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]},
        })
        document = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": self.add_blob(config, repository),
                       "size": len(config)},
            "layers": [{"mediaType": OCI_LAYER_GZIP, "digest": self.add_blob(data, repository, algorithms[0]),
                        "size": len(data)} for data, _ in made],
        }
        manifest = self.add_manifest(repository, document, tag, algorithms[1])
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

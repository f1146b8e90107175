# SPDX-License-Identifier: Apache-2.0
"""A dockerd in memory, on a unix socket, that answers with faults on demand.

    with FakeDocker(folder) as engine:
        engine.stream = [{"status": "Pulling fs layer", "id": "a"}, {"error": "no"}]
        ... engine.address, engine.requests("POST", "/images/create") ...

A pull answers with `stream` (objects become lines, bytes go as they are) and, unless `makes` is
None, makes the image `makes`; a load makes it, too, and answers with `loading`; a push answers with
`stream`. Not a model of an engine: it knows what tests need.
"""
import json
import pathlib
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "unix"

    def answer(self, status, value=None):
        body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def route(self):
        engine = self.server.engine
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        engine.log.append((self.command, path, query, dict(self.headers)))
        if path == "/version":
            return self.answer(200, engine.version)
        path = "/" + path.split("/", 2)[2]
        if engine.hangs and path.startswith(engine.hangs):
            engine.slow.wait()
        for (method, beginning), answer in engine.answers.items():
            if method == self.command and path.startswith(beginning):
                return self.answer(*answer)
        if path == "/images/create":
            return self.tell(engine.stream, engine.makes)
        if path == "/images/load":
            engine.loaded = self.body
            engine.slow.wait(engine.load_seconds)
            return self.tell(engine.loading, engine.makes)
        if path.startswith("/images/") and path.endswith("/push"):
            return self.tell(engine.stream, None)
        if path == "/images/json":
            return self.answer(200, list(engine.images.values()))
        if path.startswith("/images/"):
            return self.image(path.removeprefix("/images/"))
        return self.answer(200 if self.command == "GET" else 204, {"Volumes": None} if self.command == "GET" else None)

    do_GET = do_POST = do_DELETE = route

    def tell(self, stream, makes):
        engine = self.server.engine
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for item in stream:
            data = item if isinstance(item, bytes) else json.dumps(item).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if engine.cut:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")
        if makes:
            engine.images[makes["Name"]] = makes

    def image(self, name):
        engine = self.server.engine
        if self.command == "DELETE":
            return self.answer(200 if engine.images.pop(name, None) else 404, [])
        name, _, what = name.rpartition("/")
        if what == "tag":
            query = parse_qs(urlsplit(self.path).query)
            target = f"{query['repo'][0]}:{query['tag'][0]}"
            source = next((image for image in engine.images.values() if name in (image["Id"], image["Name"])), None)
            if source:
                engine.images[target] = {**source, "Name": target, "RepoTags": [*source["RepoTags"], target]}
            return self.answer(201 if source else 404)
        if name not in engine.images:
            return self.answer(404, {"message": f"No such image: {name}"})
        return self.answer(200, engine.images[name] if what == "json" else [])


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


class FakeDocker:
    def __init__(self, folder):
        self.address = str(pathlib.Path(folder) / "fake-docker.sock")
        self.version = {"Version": "99.0", "ApiVersion": "1.99", "MinAPIVersion": "1.24"}
        self.stream, self.makes, self.cut = [], None, False
        self.loading, self.loaded, self.load_seconds = [{"stream": "Loaded image"}], None, 0
        self.slow, self.hangs = threading.Event(), ""
        self.images, self.answers, self.log = {}, {}, []  # answers: {(method, beginning): (status, value)}
        self.server = Server(self.address, Handler)
        self.server.engine = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def settings(self):
        """Sections of the exporter's configuration that name this daemon; there is no containerd."""
        return {"containerd": {"address": "/nowhere"}, "docker": {"address": self.address}}

    def requests(self, method="", path=""):
        return [entry for entry in self.log if (not method or entry[0] == method) and path in entry[1]]

    def close(self):
        self.slow.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

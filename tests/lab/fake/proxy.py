# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy that says no, in the way that the name of the host asks for.

    with FakeProxy() as proxy:
        ... HTTPS_PROXY=proxy.url ...

    forbidden.*  403 to CONNECT and to GET        password.*  407
    hang.*       no answer                        reset.*     the connection breaks
    anything else is 502, as of a proxy that cannot reach it
"""
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STATUSES = {"forbidden": 403, "password": 407}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        target = self.path if self.command == "CONNECT" else urlsplit(self.path).netloc
        kind = target.partition(".")[0]
        self.server.log.append((self.command, target))
        self.close_connection = True
        if kind == "hang":
            self.server.stopping.wait()
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
        else:
            self.send_response(STATUSES.get(kind, 502))
            if kind == "password":
                self.send_header("Proxy-Authenticate", 'Basic realm="fake"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_CONNECT = do_GET = do_HEAD = do_POST = do_PUT = answer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


class FakeProxy:
    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.log = self.server.log = []
        self.server.stopping = threading.Event()
        self.url = "http://%s:%d" % self.server.server_address
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

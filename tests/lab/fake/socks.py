# SPDX-License-Identifier: Apache-2.0
"""A SOCKS5 proxy that connects every host to one address, and notes what it was asked for.

    with SocksProxy(registry.address, user="svc", password="p@ss") as proxy:
        ... HTTP_PROXY=f"socks5://svc:p%40ss@{proxy.address}" ...
        assert proxy.log == [("r.example", 80)]
"""
import contextlib
import socket
import struct
import threading


def receive(client, size):
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def copy(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class SocksProxy:
    def __init__(self, target, user="", password=""):
        host, port = target.rsplit(":", 1)
        self.target, self.identity, self.log = (host, int(port)), (user.encode(), password.encode()), []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self.socket.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.meet, args=(self.socket.accept()[0],), daemon=True).start()

    def greet(self, client):
        """Whether the client may go on."""
        methods = receive(client, receive(client, 2)[1])
        wanted = 2 if self.identity[0] else 0
        client.sendall(bytes([5, wanted if wanted in methods else 0xFF]))
        if wanted == 2:
            user = receive(client, receive(client, 2)[1])
            password = receive(client, receive(client, 1)[0])
            client.sendall(bytes([1, (user, password) != self.identity]))
        return wanted in methods and (not wanted or (user, password) == self.identity)

    def meet(self, client):
        with contextlib.suppress(OSError), client:
            if not self.greet(client):
                return
            kind = receive(client, 4)[3]
            host = receive(client, receive(client, 1)[0]).decode() if kind == 3 else socket.inet_ntoa(receive(client, 4))
            self.log.append((host, struct.unpack("!H", receive(client, 2))[0]))
            with socket.create_connection(self.target) as server:
                client.sendall(bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
                threading.Thread(target=copy, args=(server, client), daemon=True).start()
                copy(client, server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

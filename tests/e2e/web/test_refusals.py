# SPDX-License-Identifier: Apache-2.0
"""Requests that are refused before a page sees them: one reply, with the headers of the web configuration."""
import contextlib
import http.client
import re
import socket
import ssl

import pytest

from lab.programs import ROOT
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged

HEADERS = {"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "deny",
           "Content-Security-Policy": "default-src 'none'"}
GET = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /-/healthy HTTP/1.1\r\nHost: x\r\n"
LARGE = (17 << 10, 24 << 10, 40 << 10, 200 << 10)


def many(count):
    return b"".join(b"X%d: y\r\n" % i for i in range(count))


CASES = [
    *(("header", 431, GET + b"X: " + b"a" * size + b"\r\n\r\n") for size in LARGE),
    *(("cookie", 431, GET + b"Cookie: a=" + b"a" * size + b"\r\n\r\n") for size in (16300, *LARGE)),
    *(("headers", 431, GET + many(count) + b"\r\n") for count in (1500, 3000, 20000)),
    *(("query", 431, b"GET /-/healthy?" + b"a=b&" * (size // 4) + b" HTTP/1.1\r\nHost: x\r\n\r\n") for size in LARGE[:2]),
    *(("path", 431, b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n") for size in LARGE[:2]),
    ("trailer", 431, POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 40000 + b"\r\n\r\n"),
    ("no host", 400, b"GET /-/healthy HTTP/1.1\r\n\r\n"),
    ("blank in the path", 400, b"GET /-/hea lthy HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("escape", 400, b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("NUL", 400, b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("length", 400, POST + b"Content-Length: abc\r\n\r\n"),
    ("negative length", 400, POST + b"Content-Length: -1\r\n\r\n"),
    ("coding", 400, POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    ("coding and length", 400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    ("endless length", 413, POST + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    ("large length", 413, POST + b"Content-Length: 100000\r\n\r\n"),
    ("large length, awaited", 413, POST + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n"),
    ("large chunks", 413, POST + b"Transfer-Encoding: chunked\r\n\r\n20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n"),
    ("method", 405, POST + b"Content-Length: 0\r\nConnection: close\r\n\r\n"),
]


@pytest.fixture(name="served", scope="module", params=["plain", "tls"])
def _served(request, module_lab):
    config = module_lab.temp / f"{request.param}.yml"
    pair = f"cert_file: {ROOT}/tests/web/server.pem, key_file: {ROOT}/tests/web/server_key.pem"
    config.write_text("http_server_config:\n  headers:\n" + "".join(f"    {k}: \"{v}\"\n" for k, v in HEADERS.items()) +
                      (f"tls_server_config: {{{pair}}}\n" if request.param == "tls" else ""), encoding="utf-8")
    exporter = module_lab.exporter({"containerd": {"address": str(module_lab.temp / "none.sock")}}, ready=False,
                                   args=[f"--web.config.file={config}"])
    wait_until(lambda: "TLS is" in exporter.log, what="the exporter listens")
    return exporter, request.param == "tls"


def dial(served):
    exporter, tls = served
    client = socket.create_connection(("127.0.0.1", exporter.port), 20)
    if not tls:
        return client
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(client)


def ask(served, request):
    """Everything that the server sends until it closes the connection."""
    answer = b""
    with dial(served) as client:
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # it may close before it has read all
            client.sendall(request)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while piece := client.recv(65536):
                answer += piece
    return answer


@pytest.mark.parametrize("name, status, request_text", CASES, ids=[f"{case[0]}, {len(case[2])} bytes" for case in CASES])
def test_refuses_with_one_reply(served, name, status, request_text):
    answer = ask(served, request_text)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d ", answer)) == 1, (name, answer[:600])
    lines = head.decode().split("\r\n")
    assert int(lines[0].split()[1]) == status, lines[0]
    headers = [line.partition(": ")[::2] for line in lines[1:]]
    for key, value in {**HEADERS, "X-Content-Type-Options": "nosniff", "Connection": "close",
                       "Content-Length": str(len(body))}.items():
        assert [v for k, v in headers if k.lower() == key.lower()] == [value], (key, lines)
    assert b"<html" not in body


def test_parses_many_parameters(served):
    """A query of 16 KiB has more parameters than the HTTP library has memory for."""
    request = b"GET /-/healthy?" + b"a=b&" * 4000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert ask(served, request).startswith(b"HTTP/1.1 200 OK\r\n")


def test_other_clients_are_not_disturbed(served):
    """A request that is being received does not get the refusal of another."""
    with dial(served) as slow:
        slow.sendall(GET)
        for _ in range(4):
            assert b" 431 " in ask(served, GET + b"Cookie: a=" + b"a" * 20000 + b"\r\n\r\n")[:100]
            assert b" 414 " in ask(served, b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")[:100]
        slow.sendall(b"Connection: close\r\n\r\n")
        reply = http.client.HTTPResponse(slow)
        reply.begin()
        assert reply.status == 200

# SPDX-License-Identifier: Apache-2.0
"""What clients that are slow, silent, broken or many may do to the server: not much."""
import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lab.network import http_request
from lab.programs import ROOT, exporter_binary
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged

SILENT, SLOW = 400, 40
CONNECTIONS_OF_A_CLIENT = 100


@pytest.fixture(name="big")
def _big(lab, socketless):
    """An exporter whose page does not fit into the buffers of a socket."""
    probes = [{"name": f"probe-{i:03}", "operation": "pull", "image": "registry.invalid/x:1", "interval": "1h"}
              for i in range(300)]
    exporter = lab.exporter({**socketless, "probes": probes}, args=["--probe.spread=0s", "--log.level=error"])
    exporter.wait_for("image_canary_attempts_total", predicate=lambda n: n >= len(probes), timeout=120)
    return exporter


def dial(exporter, receive_buffer=None):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(60)
    client.connect(("127.0.0.1", exporter.port))
    return client


def is_closed(client):
    """Whether the server has ended a connection on which it never said anything."""
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        client.setblocking(True)
        client.settimeout(60)


def is_reset(client):
    """The same of one that has something to read left."""
    return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or tcp_state(client) != 1


def tcp_state(client):
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
GOODBYE = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_closes_silent_and_slow_clients_and_serves_others(big):
    page = big.get("/metrics")[2]
    assert 10_000 < len(big.get("/")[2]) < 300_000, "not more than they hold"
    assert len(page) > 1_200_000, "more than the buffers of a socket hold"
    before_kb = big.rss_kb()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(dial(big, 4096)) for _ in range(SLOW)]
        for client in slow:
            client.sendall(REQUEST)
        wait_until(lambda: all(select_readable(client) for client in slow), what="pages that begin")
        silent = [stack.enter_context(dial(big)) for _ in range(SILENT)]
        drip = stack.enter_context(dial(big))
        again = stack.enter_context(dial(big))  # one that has asked before
        again.sendall(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert again.recv(65536).endswith(b"\r\n\r\n")
        lazy = stack.enter_context(dial(big, 4096))  # does not read what the kernel has taken
        lazy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stop = threading.Event()
        for client in (drip, again):
            thread = threading.Thread(target=drip_bytes, args=(client, stop))
            thread.start()
            stack.callback(thread.join)
        stack.callback(stop.set)

        # The limit of pages in transmission is reached: one more gets an error, other requests work.
        status, headers, body = big.get("/metrics")
        assert (status, headers["Retry-After"]) == (503, "1") and b"(40)" in body
        assert big.get("/-/healthy")[0] == 200
        # No client keeps more connections than its limit, and new clients are accepted.
        wait_until(lambda: sum(not is_closed(client) for client in silent) <= CONNECTIONS_OF_A_CLIENT,
                   what="silent clients that give way")
        assert not any(is_reset(client) for client in slow), "a reading client stays longer than a silent one"
        assert big.get("/-/healthy")[0] == 200
        wait_until(lambda: all(is_closed(client) for client in silent), 40, what="an end of silence")
        wait_until(lambda: is_closed(drip), 40, what="an end of a request that never ends")
        during_kb = big.rss_kb()
        wait_until(lambda: is_closed(again), 80, what="an end of a second request that never ends")
        wait_until(lambda: is_reset(lazy), 80, what="an end of a page that nobody reads")
        wait_until(lambda: all(is_reset(client) for client in slow), 80, what="an end of slow reading")
        assert big.get("/metrics")[0] == 200
        assert big.get("/metrics")[2].count(b"\n") >= page.count(b"\n")
    assert (during_kb - before_kb) * 1024 < SLOW * len(page) / 3, "clients share the unchanged page"


def select_readable(client):
    return bool(select.select([client], [], [], 0)[0])


def drip_bytes(client, stop):
    with contextlib.suppress(OSError):
        for byte in b"GET /metrics HTTP/1.1\r\nX-Slow: " + b"x" * 10000:
            client.sendall(bytes([byte]))
            if stop.wait(0.2):
                return


def test_keeps_active_clients_and_closes_idle_ones(lab, socketless):
    """A connection that has asked before outlives those that never did."""
    exporter = lab.exporter(socketless)
    with contextlib.ExitStack() as stack:
        resting = stack.enter_context(dial(exporter))
        resting.sendall(REQUEST)
        assert resting.recv(15) == b"HTTP/1.1 200 OK"
        silent = [stack.enter_context(dial(exporter)) for _ in range(2 * CONNECTIONS_OF_A_CLIENT)]
        wait_until(lambda: sum(not is_closed(client) for client in silent) < CONNECTIONS_OF_A_CLIENT,
                   what="silent clients that give way")
        while select_readable(resting):
            assert resting.recv(65536)
        resting.sendall(REQUEST)
        assert resting.recv(15) == b"HTTP/1.1 200 OK"


def ask_once(client):
    """The connection is idle from now on and stays while there is room. A client without a request is closed after 10 s."""
    client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"Healthy\n"):
        answer = client.recv(4096)
        assert answer, "an answer, however many there are"


def test_accepts_new_clients_at_the_connection_limit(lab, socketless):
    exporter = lab.exporter(socketless)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = []
        for i in range(6):  # each address is another client
            for _ in range(95):
                client = stack.enter_context(socket.socket())
                client.bind((f"127.0.0.{i + 2}", 0))
                client.settimeout(60)
                client.connect(("127.0.0.1", exporter.port))
                ask_once(client)
                clients.append(client)
        for _ in range(3):
            assert exporter.get("/-/healthy")[0] == 200
        wait_until(lambda: sum(is_closed(client) for client in clients) >= 6 * 95 - 512, what="room for new ones")
        minutes = int((time.monotonic() - began) / 60)
        assert 1 <= exporter.log.count("the limit of connections is reached") <= 1 + minutes, "one line a minute"


def cpu_seconds(exporter):
    fields = pathlib.Path(f"/proc/{exporter.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_recovers_from_descriptor_exhaustion(lab, socketless):
    exporter = lab.exporter(socketless)
    used = len(os.listdir(f"/proc/{exporter.pid}/fd"))
    before = resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, (used + 8, before[1]))
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(dial(exporter))
        wait_until(lambda: "Too many open files" in exporter.log, what="a line in the log")
        began = cpu_seconds(exporter)
        time.sleep(2)
        assert cpu_seconds(exporter) - began < 1, "it waits, it does not spin"
        assert exporter.log.count("Too many open files: evicting") == 1
    resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, before)
    wait_until(lambda: exporter.get("/-/healthy", timeout=30)[0] == 200, 60, what="an answer")


def test_answers_methods_and_paths(lab, socketless):
    exporter = lab.exporter(socketless)
    for method in ("OPTIONS", "TRACE", "DELETE", "BREW"):
        status, headers, _ = exporter.get("/metrics", method)
        assert status == 405 and "GET" in headers["Allow"], method
    for path in ("//metrics", "/metrics/", "/Metrics", "/%2Fmetrics", "/nothing", "/metrics/../metrics"):
        assert exporter.get(path)[0] == 404, path
    assert exporter.get("/metric%73")[0] == 200
    assert exporter.get("/metrics%00")[0] == 400
    head = exporter.get("/-/healthy", "HEAD")
    assert (head[0], head[1]["Content-Length"], head[2]) == (200, "8", b"")
    answer = raw(exporter, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n" + GOODBYE)
    assert b"Content-Length" not in answer.partition(b"\r\n\r\n")[0], "of a page that was not made"
    assert b"chunked" not in answer, "whose last chunk would stand before the next reply"
    assert answer.partition(b"\r\n\r\n")[2] == b"", "it ends the connection"


def raw(exporter, request):
    with dial(exporter) as client:
        client.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                answer += piece
        return answer


@pytest.mark.parametrize("request_text, status", [
    (b"GET /-/healthy HTTP/1.0\r\n\r\n", 200),
    (b"GET http://x/-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
    (b"GET /-/healthy HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    (b"GET  /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
    (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    (b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", 200),
    (b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nffffffffffffffffff\r\n",
     413),
    (b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413),
    (b"GET /" + b"x" * 17000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40000 + b"\r\n\r\n", 431),
])
def test_answers_malformed_requests(module_exporter, request_text, status):
    answer = raw(module_exporter, request_text)
    assert answer.startswith(b"HTTP/1."), answer
    assert int(answer.split()[1]) == status, answer


@pytest.mark.parametrize("noise", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), b"\x00" * 1000, b"\r\n" * 1000, b"GET", b"GET /\r\n\r\n",
    b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n",
    b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 5000])
def test_survives_noise(module_exporter, noise):
    with dial(module_exporter) as client:
        with contextlib.suppress(OSError):
            client.sendall(noise)
        assert module_exporter.get("/-/healthy")[0] == 200


@pytest.fixture(name="module_exporter", scope="module")
def _module_exporter(module_lab):
    return module_lab.exporter({"containerd": {"address": str(module_lab.temp / "none.sock")}})


def test_does_not_read_an_endless_body(module_exporter):
    with dial(module_exporter) as client:
        client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(100_000):
                client.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def test_serves_on_a_unix_socket(lab, socketless):
    path = lab.temp / "exporter.sock"
    old = socket.socket(socket.AF_UNIX)  # what a killed exporter leaves behind
    old.bind(str(path))
    old.close()
    exporter = lab.exporter(socketless, args=[f"--web.listen-address=unix://{path}"])
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    assert path.stat().st_mode & 0o777 == 0o660
    done = subprocess.run([exporter_binary(), f"--web.listen-address=unix:{path}"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and "in use" in done.stderr
    assert exporter.stop()[0] == 0
    assert not path.exists()


# Moves descriptors to where systemd puts them, and becomes the exporter.
ACTIVATE = """
import os, sys
count = int(os.environ["LISTEN_FDS"])
for i in range(count):
    os.dup2(100 + i, 3 + i)
    os.close(100 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])
"""


def start_with_sockets(lab, listeners):
    """As systemd starts a service that has sockets: descriptors from 3 on, and variables."""
    fds = [os.dup2(listener.fileno(), 100 + i, inheritable=True) for i, listener in enumerate(listeners)]
    environment = {**os.environ, "LISTEN_FDS": str(len(fds)), "CONTAINERD_ADDRESS": str(lab.temp / "none.sock")}
    with open(lab.temp / "activated.log", "wb") as log:
        process = subprocess.Popen(["/usr/bin/python3", "-c", ACTIVATE, exporter_binary(), "--web.systemd-socket"],
                                   pass_fds=fds, env=environment, stderr=log)
    for fd in fds:
        os.close(fd)
    return process


def test_serves_on_sockets_of_systemd(lab):
    with socket.socket() as first, socket.socket() as second:
        for listener in (first, second):
            listener.bind(("127.0.0.1", 0))
            listener.listen()
        process = start_with_sockets(lab, [first, second])
        try:
            for listener in (first, second):
                url = f"http://127.0.0.1:{listener.getsockname()[1]}/-/healthy"
                wait_until(lambda url=url: http_request(url)[0] == 200, what="an answer on a socket of systemd")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_reports_missing_sockets_of_systemd():
    done = subprocess.run([exporter_binary(), "--web.systemd-socket"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "no socket activation file descriptors found" in done.stderr


def test_answers_running_requests_at_shutdown(big):
    """A page that is being read when SIGTERM comes arrives whole."""
    with dial(big, 65536) as client:
        client.sendall(REQUEST)
        answer = client.recv(4096)
        os.kill(big.pid, signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises(OSError):
            dial(big).close()
        while piece := client.recv(1 << 20):
            answer += piece
        length = int(re.search(rb"Content-Length: (\d+)", answer)[1])
        assert len(answer.split(b"\r\n\r\n", 1)[1]) == length


def test_keeps_an_idle_connection_for_prometheus(lab, socketless):
    """Two scrapes on one connection, as a keep-alive client sends them."""
    exporter = lab.exporter(socketless)
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
    local = None
    for _ in range(3):
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        local = local or connection.sock.getsockname()
        assert connection.sock.getsockname() == local
    connection.close()


def threads(exporter, name):
    tasks = pathlib.Path(f"/proc/{exporter.pid}/task").iterdir()
    return sum(name in (task / "comm").read_text() for task in tasks)


def tls_status(exporter, path="/-/healthy"):
    """(status, connection) of a request by TLS, without verification of the server."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", exporter.port, timeout=20, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status, connection


def fingerprint(connection):
    return hashlib.sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()


def test_changes_tls_without_losing_a_connection(lab, socketless):
    config = lab.temp / "web.yml"
    config.write_text("")
    exporter = lab.exporter(socketless, args=[f"--web.config.file={config}"])

    def change(text):
        config.write_text(text)
        exporter.send(signal.SIGHUP)

    def sealed(name):
        files = ROOT / "tests/web"
        return f"tls_server_config: {{cert_file: {files}/{name}.pem, key_file: {files}/{name}_key.pem}}\n"

    request = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    with dial(exporter) as plain:
        plain.sendall(request)
        assert b"Healthy" in plain.recv(65536)
        n_threads = threads(exporter, "MHD")
        assert n_threads > 0
        change(sealed("server"))
        wait_until(lambda: tls_status(exporter)[0] == 200, what="TLS")
        # The connection that was there ends as it began.
        plain.sendall(request)
        answer = plain.recv(65536)
        assert b"Healthy" in answer and b"Connection: close" in answer
        assert plain.recv(1) == b""
    assert b"Healthy" not in raw(exporter, request), "no plain text any more"
    _, first = tls_status(exporter)
    change(sealed("other"))
    wait_until(lambda: fingerprint(tls_status(exporter)[1]) != fingerprint(first), what="another certificate")
    first.request("GET", "/metrics")  # in pieces of TLS records
    answer = first.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert len(answer.read()) == int(answer.headers["Content-Length"])
    change("")
    wait_until(lambda: exporter.get("/-/healthy")[0] == 200, what="plain text")
    first.close()
    # Each configuration has threads of its own, which end with its last connection.
    wait_until(lambda: threads(exporter, "MHD") <= n_threads, 60, what="an end of old servers")


def test_reports_its_status_to_systemd(lab, socketless):
    path = lab.temp / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(20)

        def hear(word):
            while True:
                heard = systemd.recv(4096).decode().splitlines()
                if word in heard:
                    return heard

        exporter = lab.exporter(socketless, env={**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"})
        hear("READY=1")
        hear("WATCHDOG=1")
        exporter.send(signal.SIGHUP)
        assert any(line.startswith("MONOTONIC_USEC=") for line in hear("RELOADING=1"))
        hear("READY=1")
        exporter.send(signal.SIGTERM)
        hear("STOPPING=1")

# SPDX-License-Identifier: Apache-2.0
"""Everything at once for some seconds: probes that come and go, every page in every format, runs on demand whose
clients go away, reloads, and a web configuration that changes under all of it. Nothing breaks, and afterwards
the exporter is as it was before. $STORM is how many seconds (default 6)."""
import collections
import contextlib
import gzip
import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lab import pages
from lab.programs import ROOT, exporter_binary
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged

SECONDS = float(os.environ.get("STORM") or 6)
SCRAPERS, STAYING, COMING = 8, 24, 6
RSS_GROWTH_KB = 32 * 1024  # pages that were held at once, and the heaps of threads
FDS_GROWTH = 8
THREADS_GROWTH = 4  # one checks passwords, from the first user on; gRPC has its own
STOP_SECONDS = 10
USERS = "basic_auth_users: {alice: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW}\n"  # "secret"
TLS = "tls_server_config: {{cert_file: {0}/server.pem, key_file: {0}/server_key.pem}}\n".format(ROOT / "tests/web")
WEB_CONFIGS = ("", USERS, TLS, TLS + USERS, USERS + "http_server_config: {headers: {X-Frame-Options: deny}}\n")
CREDENTIALS = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}
COUNTERS = ("_total", "_count", "_bucket")
FAULTS = {"status": ("status", {"status": 500}), "cut": ("reset_middle", {}), "wrong": ("wrong_bytes", {}),
          "hang": ("hang", {}), "slow": ("drip", {"value": 0.01})}


@pytest.fixture(name="fake")
def _fake(lab):
    registry = lab.fake_registry()
    for kind in ("good", *FAULTS):
        registry.add_image(f"canary/{kind}", "v1")
    for kind, (fault, options) in FAULTS.items():
        registry.fault(fault, path=f"canary/{kind}/{'manifests' if kind == 'hang' else 'blobs'}/", **options)
    return registry


def probe(fake, name, kind):
    host = "127.0.0.1:1" if kind == "refused" else fake.address
    return {"name": name, "operation": "pull", "engine": "registry", "image": f"{host}/canary/{kind}:v1",
            "interval": "1s", "timeout": "1s"}


def config(lab, fake, coming=()):
    kinds = ["good"] * 5 + [*FAULTS, "missing", "refused"]
    probes = [probe(fake, f"stays-{i}", kinds[i % len(kinds)]) for i in range(STAYING)]
    probes += [probe(fake, f"comes-{i}", kinds[i % len(kinds)]) for i in coming]
    return {"containerd": {"address": str(lab.temp / "none.sock")}, "probes": probes,
            "registries": {"*": {"plain_http": True}}}


def replace(path, text):
    path.with_suffix(".new").write_text(text, encoding="utf-8")
    os.replace(path.with_suffix(".new"), path)


class Client:
    """A connection that is kept, by TLS or without, as the server wants it now."""

    def __init__(self, exporter):
        self.exporter, self.tls, self.connection = exporter, False, None
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def _dial(self):
        where = ("127.0.0.1", self.exporter.port)
        if self.tls:
            return http.client.HTTPSConnection(*where, timeout=20, context=self.context)
        return http.client.HTTPConnection(*where, timeout=20)

    def ask(self, path, method="GET", headers=None):
        """(status, headers, body); None where the server has changed what it speaks."""
        try:
            self.connection = self.connection or self._dial()
            self.connection.request(method, path, headers={**CREDENTIALS, **(headers or {})})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self.tls = not self.tls
            return None

    def ask_and_leave(self, path, after):
        """Sends a request, and goes away before the answer or in the middle of it."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.exporter.port), 20) as plain:
            with self.context.wrap_socket(plain) if self.tls else plain as client:
                credentials = f"Authorization: {CREDENTIALS['Authorization']}\r\n"
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{credentials}\r\n".encode())
                client.settimeout(after)
                client.recv(1000)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Storm:
    """Threads that each do one thing again and again; what went wrong is in `wrong`."""

    def __init__(self, exporter, seconds):
        self.exporter, self.end = exporter, time.monotonic() + seconds
        self.wrong, self.statuses, self.threads = [], collections.Counter(), []

    def start(self, name, turn, *args):
        def run():
            client, rng = Client(self.exporter), random.Random(f"{name}{args}")
            with contextlib.closing(client):
                while time.monotonic() < self.end and not self.wrong:
                    try:
                        turn(client, rng, *args)
                    except Exception as error:  # pylint: disable=broad-except
                        self.wrong.append(f"{name}: {error!r}")

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def note(self, what, answer, allowed=(200, 503)):
        """The answer, if it is a 200; a status that is not allowed is an error."""
        if not answer:
            self.statuses[what, None] += 1
            return None
        self.statuses[what, answer[0]] += 1
        assert answer[0] in allowed, (what, answer[0], answer[2][:300])
        assert answer[0] != 503 or "Retry-After" in answer[1] or what == "reload", what
        return answer if answer[0] == 200 else None

    def wait(self):
        for thread in self.threads:
            thread.join()
        assert not self.wrong, (self.wrong, self.exporter.tail(40))


def scraper(storm, before):
    """Reads pages: counters never decrease, in any format. Protobuf pages are not decoded: pages.py starts a
    program for each."""
    def turn(client, rng, number):
        kind = pages.FORMATS[rng.randrange(len(pages.FORMATS))]
        headers = {"Accept": pages.ACCEPTS[kind]}
        if rng.random() < 0.5:
            headers.update({"Accept-Encoding": "gzip", "X-Forwarded-For": "192.0.2.1"})
        answer = storm.note(kind, client.ask("/metrics", headers=headers))
        if not answer:
            return
        body = gzip.decompress(answer[2]) if answer[1]["Content-Encoding"] == "gzip" else answer[2]
        if kind.startswith("protobuf"):
            assert len(list(pages.messages(body))) > 30
        elif rng.random() < 0.3:  # reading takes this interpreter longer than writing takes the exporter
            check_counters(before[number], pages.read(kind.partition("_")[0], body))
        else:
            assert body.endswith(b"# EOF\n" if kind == "openmetrics" else b"\n")
    return turn


def check_counters(before, samples):
    for key, value in samples.items():
        name, labels = key
        if name.endswith(COUNTERS) and not dict(labels).get("probe", "").startswith("comes-"):
            assert isinstance(value, dict) or value >= before.get(key, 0), (key, before.get(key), value)
            before[key] = value


def reader(storm):
    def turn(client, rng):
        path = rng.choice(["/", "/config", "/history", f"/history?probe=stays-{rng.randrange(STAYING)}",
                           f"/history?probe=stays-{rng.randrange(STAYING)}&format=json", "/metrics-help"])
        answer = storm.note(path.partition("=")[0], client.ask(path))
        if answer and path.endswith("json"):
            json.loads(answer[2])
    return turn


def demander(storm):
    def turn(client, rng):
        name = rng.choice([f"stays-{rng.randrange(STAYING)}", f"comes-{rng.randrange(COMING)}"])
        if rng.random() < 0.5:
            client.ask_and_leave(f"/probe?target={name}", rng.random() / 10 + 0.001)
            return
        allowed = (200, 400, 503) if name.startswith("comes") else (200, 503)  # it may have gone meanwhile
        storm.note("/probe", client.ask(f"/probe?target={name}&debug={rng.choice(['true', 'false'])}"), allowed)
    return turn


def reloader(storm, lab, fake):
    def turn(client, rng):
        coming = rng.sample(range(COMING), rng.randrange(COMING + 1))
        replace(storm.exporter.config_path, json.dumps(config(lab, fake, coming)))
        if rng.random() < 0.5:
            storm.exporter.send(signal.SIGHUP)
        else:
            storm.note("reload", client.ask("/-/reload", "POST"))
        time.sleep(rng.random() / 10)
    return turn


def web_editor(path):
    def turn(_, rng):
        replace(path, rng.choice(WEB_CONFIGS))
        time.sleep(rng.random())
    return turn


def run_storm(exporter, lab, fake, web_config):
    storm = Storm(exporter, SECONDS)
    before = [{} for _ in range(SCRAPERS)]
    for number in range(SCRAPERS):
        storm.start("scraper", scraper(storm, before), number)
    for number in range(3):
        storm.start(f"demander {number}", demander(storm))
    storm.start("reader", reader(storm))
    storm.start("reloader", reloader(storm, lab, fake))
    storm.start("second reloader", lambda client, rng: storm.note("reload", client.ask("/-/reload", "POST")))
    storm.start("web editor", web_editor(web_config))
    storm.wait()
    return storm.statuses


def fds(exporter):
    return len(os.listdir(f"/proc/{exporter.pid}/fd"))


def threads(exporter):
    return len(os.listdir(f"/proc/{exporter.pid}/task"))


def measures_memory():
    """A sanitizer keeps what was freed."""
    version = subprocess.run([exporter_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    return "address" not in version and "thread" not in version


def end_in_time(exporter):
    """Though clients wait for runs that hang, and others say nothing."""
    with contextlib.ExitStack() as stack:
        for i in range(12):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port)))
            path = ("", "/probe?target=stays-8", "/metrics")[i % 3]
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() if path else b"")
        code, seconds = exporter.stop(timeout=2 * STOP_SECONDS)
    assert code == 0 and seconds < STOP_SECONDS, (code, seconds, exporter.tail())


def test_concurrent_load_leaks_nothing(lab, fake):
    web_config = lab.temp / "web.yml"
    web_config.write_text("")
    exporter = lab.exporter(config(lab, fake), args=["--probe.spread=0s", "--probe.workers=8", "--log.level=error",
                                                     "--log.prober=error", f"--web.config.file={web_config}"])
    exporter.wait_for("image_canary_attempts_total", predicate=lambda n: n and n >= STAYING)
    for path in ("/", "/config", "/history", "/metrics-help"):
        assert exporter.get(path)[0] == 200
    before_kb, before_fds, before_threads = exporter.rss_kb(), fds(exporter), threads(exporter)
    statuses = run_storm(exporter, lab, fake, web_config)
    print(dict(statuses))
    for what in (*pages.FORMATS, "/", "/config", "/history", "/history?probe", "/probe", "reload"):
        assert statuses[what, 200] > 0, (what, statuses)

    replace(web_config, "")
    wait_until(lambda: exporter.get("/-/healthy")[0] == 200, what="plain text")
    assert exporter.reload(config(lab, fake))[0] == 200
    wait_until(lambda: fds(exporter) <= before_fds + FDS_GROWTH, what=f"descriptors: {before_fds} before, {fds(exporter)}")
    wait_until(lambda: threads(exporter) <= before_threads + THREADS_GROWTH, what=f"threads: {before_threads} before")
    assert not exporter.samples("image_canary_attempts_total", probe="comes-1")
    assert not measures_memory() or exporter.rss_kb() - before_kb < RSS_GROWTH_KB, (before_kb, exporter.rss_kb())
    assert pages.read("protobuf", pages.fetch(exporter, "protobuf")[0])
    end_in_time(exporter)
    for word in ("Sanitizer", "stopped before", "assert", "WARNING"):
        assert word not in exporter.log, exporter.tail(60)

# SPDX-License-Identifier: Apache-2.0
"""What a scrape costs, beside a client_golang program that serves the same families.

CPU is the process' own clock (all of its threads, to the nanosecond), read right before the request
is sent and right after the last byte came; what changes the values runs in between and is not in
it. Of a garbage collector that is at work later only what falls into a scrape counts.
"""
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import time

from lab.network import free_port, http_request
from lab.wait import LabError
from measure import quantile, rollup_kb, samples_sum, status_number

HERE = pathlib.Path(__file__).resolve().parent
PEER_PACKAGES = ("golang-go", "golang-github-prometheus-client-golang-dev")
TEXT = "text/plain;version=0.0.4"
COUNTERS = "/metrics?name[]=image_canary_attempts_total&name[]=image_canary_failures_total"


class Sizes:
    def __init__(self, quick, rounds):
        self.rounds = rounds or (1 if quick else 5)
        self.unchanged, self.changed = (40, 10) if quick else (300, 60)
        self.probes = (100,) if quick else (100, 1000)
        self.crowd_seconds = 1 if quick else 5


class Client:
    """One connection that is kept, as Prometheus keeps it."""

    def __init__(self, port, gzip=False):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        encoding = "gzip" if gzip else "identity"
        # From another machine, as far as the exporter can know: on its own it would not compress.
        self.request = (f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {TEXT}\r\nAccept-Encoding: {encoding}\r\n"
                        "X-Forwarded-For: 192.0.2.1\r\n\r\n").encode()
        self.buffer = memoryview(bytearray(1 << 23))

    def scrape(self):
        """Bytes of the body as they came."""
        self.socket.sendall(self.request)
        size, head, chunked, wanted = 0, 0, False, 0
        while True:
            got = self.socket.recv_into(self.buffer[size:])
            if not got:
                raise LabError("the server closed the connection")
            size += got
            if not head:
                end = bytes(self.buffer[:min(size, 4096)]).find(b"\r\n\r\n")
                if end < 0:
                    continue
                head = end + 4
                lines = bytes(self.buffer[:head]).decode("latin-1").lower().split("\r\n")
                if " 200 " not in lines[0] + " ":
                    raise LabError(lines[0])
                fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                chunked = fields.get("transfer-encoding") == "chunked"
                wanted = head + int(fields.get("content-length", 0))
            if (chunked and bytes(self.buffer[size - 5:size]) == b"0\r\n\r\n") or (not chunked and size >= wanted):
                return size - head

    def close(self):
        self.socket.close()


class Server:
    """A program that serves a page, and changes it on a signal."""

    def __init__(self, binary, probes):
        self.port = free_port()
        self.process = subprocess.Popen([str(binary), str(probes), f"127.0.0.1:{self.port}"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline() != "serving\n":
            raise LabError(f"{binary} does not serve")
        self.pid = self.process.pid
        self.clock = (~self.pid << 3) | 2  # clock_getcpuclockid()
        self.clients = {gzip: Client(self.port, gzip) for gzip in (False, True)}

    def change(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def cpu(self):
        return time.clock_gettime(self.clock)

    def scrapes(self, count, change, gzip):
        """CPU per scrape, wall per scrape, bytes."""
        client, cpu, wall, size = self.clients[gzip], 0.0, 0.0, 0
        for _ in range(count):
            if change:
                self.change()
            before, began = self.cpu(), time.perf_counter()
            size = client.scrape()
            wall += time.perf_counter() - began
            cpu += self.cpu() - before
        return cpu / count, wall / count, size

    def close(self):
        for client in self.clients.values():
            client.close()
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def build_peer(folder):
    """client_golang from Debian's packages: nothing is downloaded by Go."""
    gocode, library = pathlib.Path("/usr/share/gocode"), HERE.parents[1] / "deploy/lib.sh"
    subprocess.run(["bash", "-c", '. "$1"; shift; need_packages "$@"', "bench", str(library), *PEER_PACKAGES], check=False)
    if not shutil.which("go") or not (gocode / "src/github.com/prometheus/client_golang").is_dir():
        return None
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(gocode), "GOFLAGS": "", "GOCACHE": f"{folder}/cache"}
    result = subprocess.run(["go", "build", "-o", f"{folder}/peer", str(HERE / "peer/main.go")], env=environment,
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise LabError(f"the peer cannot be built: {result.stderr}")
    return pathlib.Path(folder) / "peer"


ROWS = [("unchanged", "nothing changed", False, False), ("changed", "all values changed", True, False),
        ("gzip_unchanged", "gzip, nothing changed", False, True), ("gzip", "gzip, all values changed", True, True)]
TARGETS = {"unchanged": 25, "changed": 10, "gzip": 8}


def compare(report, sizes, probes, contestants):
    """contestants: {name: Server}, the exporter first."""
    results = {(name, key): [] for name in contestants for key, *_ in ROWS}
    for number in range(sizes.rounds + 1):
        for key, _, change, gzip in ROWS:
            for name, server in contestants.items():
                count = sizes.changed if change or gzip else sizes.unchanged
                taken = server.scrapes(max(3, count // 10) if number == 0 else count, change, gzip)
                if number > 0:  # the first round warms up
                    results[name, key].append(taken)
    report.title(f"A scrape of {probes} probes, {sizes.rounds} rounds, medians (CPU of the server; one connection)")
    print(f"  {'':<28}{'':<26}{'CPU us':>10}{'wall us':>10}{'scrapes/s':>11}{'bytes':>10}{'1/CPU ratio':>13}")
    for key, text, *_ in ROWS:
        median = {name: [statistics.median(column) for column in zip(*results[name, key])] for name in contestants}
        ours = next(iter(median.values()))
        for name, (cpu, wall, size) in median.items():
            ratio = cpu / ours[0]
            mark = ""
            if median[name] is not ours:
                mark = f"{ratio:>13.1f}" + (f" (target {TARGETS[key]})" if key in TARGETS else "")
            print(f"  {text:<28}{name:<26}{cpu * 1e6:>10.0f}{wall * 1e6:>10.0f}{1 / wall:>11.0f}{size:>10.0f}{mark}",
                  flush=True)
            report.numbers[f"scrape_{probes}_{key}_{name}"] = {"cpu_us": cpu * 1e6, "wall_us": wall * 1e6, "bytes": size,
                                                               "ratio": ratio}
    for name, server in contestants.items():
        report.line(f"scrape_{probes}_{name}_anonymous_mib", f"{name}: anonymous memory",
                    rollup_kb(server.pid, "Anonymous") / 1024, "MiB")
        report.line(f"scrape_{probes}_{name}_rss_mib", f"{name}: RSS", rollup_kb(server.pid, "Rss") / 1024, "MiB")


class SlowReaders:
    """Connections that ask and hardly read, and connections that say nothing."""

    def __init__(self, port, slow, silent):
        self.sockets = []
        for number in range(slow + silent):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            # Each from an address of its own: what one client may have is limited.
            one.bind((f"127.0.{1 + number // 100}.{1 + number % 100}", 0))
            one.connect(("127.0.0.1", port))
            if number < slow:
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.sockets.append(one)

    def close(self):
        for one in self.sockets:
            one.close()


def latencies(port, seconds):
    client, took, until = Client(port), [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        client.scrape()
        took.append(time.perf_counter() - began)
        time.sleep(0.002)
    client.close()
    return sorted(took)


def crowd(report, sizes, server):
    quiet = latencies(server.port, sizes.crowd_seconds)
    anonymous = rollup_kb(server.pid, "Anonymous")
    readers = SlowReaders(server.port, 40, 400)
    time.sleep(0.5)
    busy = latencies(server.port, sizes.crowd_seconds)
    report.title("The page of 100 probes while 40 clients hardly read it and 400 say nothing")
    for key, text, took in (("quiet", "alone", quiet), ("busy", "with them", busy)):
        for name, share in (("median", 0.5), ("p99", 0.99)):
            report.line(f"crowd_scrape_{key}_{name}_ms", f"{text}: {name} of {len(took)}", quantile(took, share) * 1000, "ms",
                        ".2f")
    report.line("crowd_scrape_ratio", "ratio of the medians", quantile(busy, 0.5) / quantile(quiet, 0.5), "", ".2f")
    report.line("crowd_scrape_anonymous_mib", "anonymous memory they cost",
                (rollup_kb(server.pid, "Anonymous") - anonymous) / 1024, "MiB")
    readers.close()


def scrapes(lab, report, sizes):
    page, folder = os.environ.get("PAGE_BIN"), lab.folder("peer")
    folder.mkdir()
    peer = build_peer(folder)
    if not peer:
        print(f"  client_golang is left out: {' and '.join(PEER_PACKAGES)} cannot be installed")
    for probes in sizes.probes:
        contestants = {"exporter": Server(page, probes)}
        if peer:
            contestants["client_golang"] = Server(peer, probes)
        try:
            compare(report, sizes, probes, contestants)
            if probes == 100:
                crowd(report, sizes, contestants["exporter"])
        finally:
            for server in contestants.values():
                server.close()


def memory_row(lab, report, key, text, config, args, runs, targets):
    """Anonymous memory and RSS, the highest seen while all probes run and Prometheus comes every second."""
    exporter = lab.exporter(config, args=args)
    client, done, deadline = Client(int(exporter.address.rpartition(":")[2]), gzip=True), 0, time.monotonic() + 120
    anonymous_kb = rss_kb = 0
    while done < runs and time.monotonic() < deadline:
        for _ in range(20):
            client.scrape()
            anonymous_kb = max(anonymous_kb, status_number(exporter.pid, "RssAnon"))
            rss_kb = max(rss_kb, status_number(exporter.pid, "VmRSS"))
            time.sleep(0.1)
        text_page = http_request(exporter.url + COUNTERS)[2].decode()
        done = samples_sum(text_page, "image_canary_attempts_total")
    if done < runs or samples_sum(text_page, "image_canary_failures_total"):
        raise LabError(f"{done} runs of {runs}:\n{exporter.tail()}")
    report.title(f"Memory: {text}")
    for name, value, target in (("anonymous", anonymous_kb, targets[0]), ("rss", rss_kb, targets[1])):
        report.line(f"memory_{key}_{name}_mib", f"{name}, highest seen (target {target})", value / 1024, "MiB")
    client.close()
    exporter.close()


def memory(lab, report, quick):
    registry, image = lab.registry(), lab.maker.image(layers=2, size=4096)
    reference = image.push(registry, "bench/tiny", "1")
    for key, count, targets in (("idle", 5, (6, 24)), ("crowd", 100 if quick else 1000, (16, 36))):
        probes = [{"name": f"probe-{number}", "operation": "pull", "engine": "registry", "image": reference,
                   "interval": "60s", "timeout": "10s"} for number in range(count)]
        memory_row(lab, report, key, f"{count} probes by the registry engine, gzip scrapes",
                   {"registries": {registry.host: {"plain_http": True}}, "probes": probes},
                   ["--probe.workers=8", "--probe.spread=10s"], count, targets)

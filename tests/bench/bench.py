#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: the exporter beside ctr, skopeo, curl and client_golang, on this machine, in one run.

Real daemons on loopback, in a temporary folder; all is gone at the end. Everything that is compared
runs in the same rounds, one after the other, in an order that turns by one from round to round; the
figures are medians. --quick is a small variant that tests use: its figures say little.
"""
import argparse
import contextlib
import gzip
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import inventory  # noqa: E402
import scrapes  # noqa: E402
from lab import Lab  # noqa: E402
from lab.exporter import Exporter  # noqa: E402
from lab.images import MIB, OCI, as_json, sha256  # noqa: E402
from lab.network import http_request  # noqa: E402
from lab.wait import LabError, wait_until  # noqa: E402
from measure import (Cpu, CpuTrace, Page, Scrapes, cpu_seconds, forget_peak, medians, quantile, rollup_kb, run,  # noqa: E402
                     sample, samples_sum, status_number, threads_seconds)

LAYERS = 4
IDLE_SECONDS, IDLE_WARM_SECONDS = 30, 5


class Sizes:
    """How much of everything."""

    def __init__(self, quick, rounds):
        self.rounds = rounds or (1 if quick else 3)
        self.image_mib = 64 if quick else 256
        self.push_mib = 16 if quick else 256
        self.images = 30 if quick else 300
        self.starts = 3 if quick else 9
        self.idle_seconds = 5 if quick else IDLE_SECONDS


# ---- What is pulled and listed ------------------------------------------------------------------

def stored_gzip(layer):
    """The layer as a registry would hold it: gzip, though random bytes do not get smaller."""
    layer.data = gzip.compress(layer.data, 0, mtime=0)
    layer.kind, layer.digest = "gzip", sha256(layer.data)
    return layer


def fresh_image(lab, total_mib):
    size = total_mib * MIB // LAYERS
    return lab.maker.image([stored_gzip(lab.maker.layer(size, compress=False)) for _ in range(LAYERS)])


def write_layout(image, folder):
    """An OCI layout as a folder, for skopeo."""
    (folder / "blobs/sha256").mkdir(parents=True)
    for digest, data in {image.digest: image.data, **image.blobs}.items():
        (folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
    (folder / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_bytes(as_json({"schemaVersion": 2, "manifests": [image.descriptor]}))


def write_archive(images, path):
    """{name: image} as one archive for `ctr images import`."""
    top, blobs = [], {}
    for name, image in images.items():
        blobs.update({image.digest: image.data, **image.blobs})
        top.append({**image.descriptor, "annotations": {"io.containerd.image.name": name}})
    files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
             "index.json": as_json({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": top}),
             **{"blobs/" + digest.replace(":", "/"): data for digest, data in blobs.items()}}
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


# ---- The exporter as a client -------------------------------------------------------------------

class Prober:
    """A living exporter that gets one probe, runs it once, and loses it again."""

    def __init__(self, exporter, config):
        self.exporter, self.config = exporter, config
        self.page = Page(exporter.address)

    def once(self, name, probe):
        """What the run measured about itself, and the page it said that on."""
        # The first run comes within a tenth of the interval, the second not before half of it.
        probe = {"name": name, "engine": "client", "interval": "20s", "timeout": "60s", **probe}
        self._reload({**self.config, "probes": [probe]})
        page, anonymous_kb, deadline = "", 0, time.monotonic() + 70
        while not sample(page, "image_canary_attempts_total", probe=name):
            for _ in range(10):
                anonymous_kb = max(anonymous_kb, status_number(self.exporter.pid, "RssAnon"))
                time.sleep(0.02)
            page = self.page.get()
            if time.monotonic() > deadline or not self.exporter.alive:
                raise LabError(f"probe {name} does not end:\n{self.exporter.tail()}")
        if sample(page, "image_canary_success", probe=name) != 1:
            raise LabError(f"probe {name} failed:\n{self.exporter.tail()}")
        self._reload(self.config)
        return page, anonymous_kb / 1024

    def _reload(self, config):
        status, body = self.exporter.reload(config)
        if status != 200:
            raise LabError(f"reload: {status} {body}")

    def close(self):
        self.page.close()


def phase_seconds(page, name, phase):
    return sample(page, "image_canary_phase_duration_seconds_sum", probe=name, phase=phase)


class Rounds:
    """Contestants, each run once per round, in an order that turns."""

    def __init__(self, contestants):
        self.contestants = [one for one in contestants if one[1]]
        self.results = {name: [] for name, _ in self.contestants}

    def run(self, count):
        for number in range(count):
            turned = self.contestants[number % len(self.contestants):] + \
                self.contestants[:number % len(self.contestants)]
            for name, contest in turned:
                os.sync()  # the measurement before must not leave writes to this one
                self.results[name].append(contest(number))
        return {name: {**medians(results), "walls": [one["wall"] for one in results]}
                for name, results in self.results.items()}


# ---- The table ----------------------------------------------------------------------------------

class Report:
    """Prints as it goes; keeps the numbers for --json."""

    def __init__(self):
        self.numbers = {}

    def title(self, text):
        print(f"\n{text}", flush=True)

    def line(self, key, name, value, unit, form=".1f"):
        self.numbers[key] = value
        print(f"  {name:<46}{value:>10{form}} {unit}", flush=True)

    def compare(self, key, results, columns):
        """results: {name: {column: number}}, the exporter first; columns: [(key, head, form)]. The
        ratios are exporter / other, so below 1 the exporter takes less."""
        self.numbers[key] = results
        ours = next(iter(results.values()))
        heads = [head for _, head, _ in columns] + ["ratio wall", "ratio CPU"]
        print("  " + f"{'':<34}" + "".join(f"{head:>12}" for head in heads) + "   wall, least to most")
        for name, numbers in results.items():
            cells = [f"{numbers[column]:{form}}" if numbers.get(column) is not None else "-"
                     for column, _, form in columns]
            for column in ("wall", "client"):
                ratio = ours[column] / numbers[column] if numbers.get(column) else None
                cells.append("" if numbers is ours else f"{ratio:.2f}" if ratio else "-")
            spread = f"   {min(numbers['walls']):.4g} - {max(numbers['walls']):.4g}"
            print("  " + f"{name:<34}" + "".join(f"{cell:>12}" for cell in cells) + spread, flush=True)


TRANSFER_COLUMNS = [("wall", "wall s", ".2f"), ("client", "client CPU", ".2f"), ("containerd", "containerd", ".2f"),
                    ("registry", "registry", ".2f"), ("peak_mib", "peak MiB", ".1f")]


# ---- Rows ---------------------------------------------------------------------------------------

def idle_rows(report, sizes, stores):
    """stores: [(text, key, exporter, containerd)]; all are idle at the same time."""
    report.title(f"Idle, inventory only (memory after {sizes.idle_seconds} s)")
    time.sleep(min(IDLE_WARM_SECONDS, sizes.idle_seconds))
    before = [Cpu(threads_seconds, exporter=exporter, containerd=containerd) for _, _, exporter, containerd in stores]
    time.sleep(sizes.idle_seconds)
    for (text, key, exporter, _), cpu in zip(stores, before):
        taken, pid = cpu.taken(), exporter.pid
        report.line(f"idle_{key}_rss_mib", f"{text}: RSS", rollup_kb(pid, "Rss") / 1024, "MiB")
        report.line(f"idle_{key}_anonymous_mib", f"{text}: anonymous memory", rollup_kb(pid, "Anonymous") / 1024, "MiB")
        report.line(f"idle_{key}_threads", f"{text}: threads", status_number(pid, "Threads"), "", "d")
        for name, seconds in taken.items():
            report.line(f"idle_{key}_cpu_{name}", f"{text}: CPU of {name}, per minute",
                        seconds * 60e3 / sizes.idle_seconds, "ms")


def start_rows(lab, report, sizes, containerd):
    took = []
    for _ in range(sizes.starts):
        exporter = Exporter(lab.folder("start"), {"containerd": {"address": containerd.address}}, ready=False)
        began = time.monotonic()
        exporter.start()
        try:
            answer = wait_until(lambda: http_request(exporter.url + "/metrics"), 10, "first scrape", every=0.001)
            took.append((time.monotonic() - began) * 1000)
        finally:
            exporter.close()
        if answer[0] != 200:
            raise LabError(f"first scrape: {answer[0]}")
    report.title(f"Start-up, {sizes.starts} times")
    report.line("start_ms", "from fork to the first scrape answered, median", statistics.median(took), "ms")
    report.line("start_max_ms", "longest", max(took), "ms")


class Transfers:
    """Pull and push between the registry and each client."""

    def __init__(self, lab, containerd, registry, prober, image, sizes):
        self.lab, self.containerd, self.registry, self.prober, self.sizes = lab, containerd, registry, prober, sizes
        self.reference = image.push(registry, "bench/pull", "1")
        self.digests, self.bytes = list(image.blobs), image.size
        self.phases = []

    def cpu(self, **more):
        return Cpu(containerd=self.containerd, registry=self.registry, **more)

    def check_cold(self):
        store = self.containerd.root / "io.containerd.content.v1.content"
        held = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
        if held > MIB:
            raise LabError(f"containerd still holds {held} bytes: the next pull would not be cold")

    def pull_by_registry_engine(self, number):
        name, exporter = f"registry-{number}", self.prober.exporter
        forget_peak(exporter.pid)
        cpu = self.cpu(client=exporter)
        page, anonymous_mib = self.prober.once(name, {"operation": "pull", "engine": "registry",
                                                      "image": self.reference})
        return {"wall": sample(page, "image_canary_last_duration_seconds", probe=name), **cpu.taken(),
                "peak_mib": exporter.rss_peak_kb() / 1024, "anonymous_mib": anonymous_mib}

    def pull_by_exporter(self, number):
        name, exporter = f"pull-{len(self.phases)}-{number}", self.prober.exporter
        self.check_cold()
        forget_peak(exporter.pid)
        cpu = self.cpu(client=exporter)
        page, anonymous_mib = self.prober.once(name, {"operation": "pull", "image": self.reference})
        if sample(page, "image_canary_fetched_bytes_total", probe=name) < self.bytes:
            raise LabError("the exporter did not fetch everything")
        phases = {phase: phase_seconds(page, name, phase) for phase in ("resolve", "fetch", "unpack", "cleanup")}
        self.phases.append(phases)
        return {"wall": sample(page, "image_canary_last_duration_seconds", probe=name), **cpu.taken(),
                "peak_mib": exporter.rss_peak_kb() / 1024, "anonymous_mib": anonymous_mib,
                "ended": sample(page, "image_canary_last_attempt_timestamp_seconds", probe=name)}

    def pull_by_ctr(self, number):
        namespace = f"ctr-{number}"
        self.check_cold()
        cpu = self.cpu()
        usage = run([f"{self.containerd.bin}/ctr", "-a", self.containerd.address, "-n", namespace, "images", "pull",
                     "--plain-http", self.reference])
        self.containerd.ctr("images", "rm", "--sync", self.reference, namespace=namespace)
        self.containerd.ctr("namespaces", "rm", namespace)
        return {**usage, **cpu.taken()}

    def pull_by_skopeo(self, _):
        with self.scratch() as folder:
            cpu = self.cpu()
            usage = run(["skopeo", "copy", "--src-tls-verify=false", f"docker://{self.reference}", f"dir:{folder}"])
            return {**usage, "registry": cpu.taken()["registry"]}

    def pull_by_curl(self, at_a_time):
        urls = [f"{self.registry.url}/v2/bench/pull/blobs/{digest}" for digest in self.digests]
        one = "curl -sSf --noproxy '*' \"$1\" | openssl dgst -sha256"
        argv = ["xargs", "-n1", f"-P{at_a_time}", "sh", "-c", one, "sh"]

        def pull(_):
            cpu = self.cpu()
            with self.scratch() as folder:
                (folder / "urls").write_text("\n".join(urls), encoding="utf-8")
                usage = run(argv[:1] + ["-a", str(folder / "urls")] + argv[1:])
            return {**usage, "registry": cpu.taken()["registry"], "peak_mib": None}
        return pull

    @contextlib.contextmanager
    def scratch(self):
        folder = self.lab.folder("scratch")
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def pull_rows(self, report):
        results = Rounds([("exporter, client engine", self.pull_by_exporter),
                          ("ctr images pull", self.pull_by_ctr)]).run(self.sizes.rounds)
        ours = next(iter(results.values()))
        ours.pop("ended")
        report.title(f"Pull of {self.sizes.image_mib} MiB in {LAYERS} layers into containerd, {self.sizes.rounds} rounds, "
                     "medians (both unpack; CPU of containerd with removal, exporter's with clean-up)")
        report.compare("pull", results, TRANSFER_COLUMNS)
        for phase, value in medians(self.phases).items():
            report.line(f"pull_phase_{phase}", f"exporter: phase {phase}", value, "s", ".2f")
        report.line("pull_anonymous_mib", "exporter: anonymous memory, highest seen", ours["anonymous_mib"], "MiB")

    def registry_rows(self, report):
        skopeo = self.pull_by_skopeo if shutil.which("skopeo") else None
        results = Rounds([("exporter, registry engine", self.pull_by_registry_engine),
                          ("skopeo copy to a folder", skopeo), ("curl | openssl dgst", self.pull_by_curl(1)),
                          ("the same, two at a time", self.pull_by_curl(2))]).run(self.sizes.rounds)
        ours = next(iter(results.values()))
        report.title(f"The same image, no runtime: fetched and verified, {self.sizes.rounds} rounds, medians")
        report.compare("pull_registry", results, TRANSFER_COLUMNS)
        report.line("pull_registry_anonymous_mib", "exporter: anonymous memory, highest seen", ours["anonymous_mib"], "MiB")

    def scrape_rows(self, report):
        with Scrapes(self.prober.exporter.address) as scrapes:
            time.sleep(1)
            quiet_until = time.time()
            ours = self.pull_by_exporter("scraped")
        pulling = scrapes.between(ours["ended"] - ours["wall"] - self.phases[-1]["cleanup"], ours["ended"])
        report.title("GET /metrics every 20 ms on one connection, as this Python sees it")
        for key, text, took in (("quiet", "nothing else going on", scrapes.between(0, quiet_until)),
                                ("pulling", "during a pull", pulling)):
            for name, value in (("median", quantile(took, 0.5)), ("p99", quantile(took, 0.99)), ("max", took[-1])):
                report.line(f"scrape_{key}_{name}_ms", f"{text}: {name} of {len(took)}", value * 1000, "ms", ".2f")
        report.line("page_bytes", "page", scrapes.page_bytes, "bytes", "d")

    def push_by(self, engine, tag):
        """What is timed is the sending; making and storing the image come before, clean-up after."""
        def push(number):
            name, exporter = f"push-{tag}-{number}", self.prober.exporter
            forget_peak(exporter.pid)
            cpu, content = self.cpu(), {"layers": LAYERS, "size": f"{self.sizes.push_mib // LAYERS}MiB"}
            with CpuTrace(exporter.pid) as trace:
                page, anonymous_mib = self.prober.once(name, {
                    "operation": "push", "engine": engine, "content": content,
                    "image": f"{self.registry.host}/bench/push:{tag}"})
            wall = phase_seconds(page, name, "upload") + phase_seconds(page, name, "commit")
            ended = sample(page, "image_canary_last_attempt_timestamp_seconds", probe=name) - \
                (phase_seconds(page, name, "cleanup") or 0)
            return {"wall": wall, **cpu.taken(), "client": trace.between(ended - wall, ended),
                    "peak_mib": exporter.rss_peak_kb() / 1024, "anonymous_mib": anonymous_mib}
        return push

    def push_by_ctr(self, _):
        reference = f"{self.registry.host}/bench/push:ctr"
        with self.scratch() as folder:
            image = fresh_image(self.lab, self.sizes.push_mib)
            write_archive({reference: image}, folder / "image.tar")
            self.containerd.ctr("images", "import", "--no-unpack", folder / "image.tar", namespace="push")
        os.sync()
        cpu = self.cpu()
        usage = run([f"{self.containerd.bin}/ctr", "-a", self.containerd.address, "-n", "push", "images", "push",
                     "--plain-http", reference])
        taken = cpu.taken()
        self.containerd.ctr("images", "rm", "--sync", reference, namespace="push")
        self.containerd.ctr("namespaces", "rm", "push")
        return {**usage, **taken}

    def push_by_skopeo(self, _):
        with self.scratch() as folder:
            write_layout(fresh_image(self.lab, self.sizes.push_mib), folder / "layout")
            os.sync()
            cpu = self.cpu()
            usage = run(["skopeo", "copy", "--dest-tls-verify=false", f"oci:{folder}/layout",
                         f"docker://{self.registry.host}/bench/push:skopeo"])
            return {**usage, "registry": cpu.taken()["registry"]}

    def push_rows(self, report):
        skopeo = self.push_by_skopeo if shutil.which("skopeo") else None
        results = Rounds([("exporter, client engine", self.push_by("client", "client")),
                          ("exporter, registry engine", self.push_by("registry", "registry")),
                          ("ctr images push", self.push_by_ctr),
                          ("skopeo copy of a layout", skopeo)]).run(self.sizes.rounds)
        ours = [results.pop(name) for name in list(results)[:2]]
        report.title(f"Push of {self.sizes.push_mib} fresh MiB in {LAYERS} layers, {self.sizes.rounds} rounds, medians "
                     "(the exporter's: its upload and commit; containerd and registry with all the rest)")
        for key, text, numbers in (("push", "client", ours[0]), ("push_registry", "registry", ours[1])):
            report.compare(key, {f"exporter, {text} engine": numbers, **results}, TRANSFER_COLUMNS)
            report.line(f"{key}_anonymous_mib", "exporter: anonymous memory, highest seen", numbers["anonymous_mib"], "MiB")


# ---- All of it ----------------------------------------------------------------------------------

def machine(binary):
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return (f"{version[0] if version else binary}\n{os.cpu_count()} x {model}, load {os.getloadavg()[0]:.1f} "
            "(what else runs here shows in the figures)")


def idle_and_start(lab, report, sizes):
    empty, full = lab.containerd(), lab.containerd()
    archive = lab.temp / "images.tar"
    write_archive({f"example.org/image-{number}:1": lab.maker.image(layers=3, size=512)
                   for number in range(sizes.images)}, archive)
    full.ctr("images", "import", "--no-unpack", archive, namespace="bench", timeout=120)
    archive.unlink()
    stores = [(text, key, lab.exporter({"containerd": {"address": containerd.address}}), containerd)
              for text, key, containerd in (("no image", "empty", empty),
                                            (f"{sizes.images} images", "full", full))]
    idle_rows(report, sizes, stores)
    stores[0][2].close()
    start_rows(lab, report, sizes, empty)
    stores[1][2].close()
    full.close()
    return empty


class Relay:
    """Passes connections on to `port`, and counts them."""

    def __init__(self, port):
        self.port, self.count = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                self.count += 1
                there = socket.create_connection(("127.0.0.1", self.port))
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 18):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


def crowd(lab, report, containerd):
    """100 probes of a 1 MiB image, 8 at a time."""
    registry, count, layers = lab.registry(), 100, 4
    image = lab.maker.image([stored_gzip(lab.maker.layer(MIB // layers, compress=False)) for _ in range(layers)])
    image.push(registry, "bench/small", "1")
    relay = Relay(int(registry.host.rpartition(":")[2]))
    probes = [{"name": f"crowd-{i}", "operation": "pull", "engine": "client", "interval": "60s", "timeout": "60s",
               "image": f"{relay.host}/bench/small:1"} for i in range(count)]
    exporter = lab.exporter({"containerd": {"address": containerd.address}, "probes": probes,
                             "registries": {relay.host: {"plain_http": True}}},
                            args=["--probe.workers=8", "--probe.spread=1s"])
    page, anonymous_kb, deadline = Page(exporter.address), 0, time.monotonic() + 120
    while samples_sum(text := page.get(), "image_canary_attempts_total") < count and time.monotonic() < deadline:
        for _ in range(5):
            anonymous_kb = max(anonymous_kb, status_number(exporter.pid, "RssAnon"))
            time.sleep(0.02)
    page.close()
    runs = samples_sum(text, "image_canary_attempts_total")
    if samples_sum(text, "image_canary_failures_total"):
        raise LabError(f"probes failed:\n{exporter.tail()}")
    report.title(f"{count} probes of a 1 MiB image in {layers} layers, 8 at a time")
    report.line("crowd_requests", "requests for each run (manifest, config, layers)", layers + 2, "", "d")
    report.line("crowd_connections", "connections for each run (3 layers at a time)", relay.count / runs, "")
    report.line("crowd_anonymous_mib", "anonymous memory, highest seen", anonymous_kb / 1024, "MiB")
    report.line("crowd_rss_mib", "RSS, highest", exporter.rss_peak_kb() / 1024, "MiB")
    exporter.close()
    relay.close()
    registry.close()


def transfers(lab, report, sizes, containerd, only=None):
    registry = lab.registry()
    config = {"containerd": {"address": containerd.address}, "registries": {registry.host: {"plain_http": True}}}
    prober = Prober(lab.exporter(config), config)
    rows = Transfers(lab, containerd, registry, prober, fresh_image(lab, sizes.image_mib), sizes)
    if only != "pushes":
        rows.pull_rows(report)
        rows.registry_rows(report)
    if not only:
        rows.scrape_rows(report)
    if only != "pulls":
        rows.push_rows(report)
    prober.close()
    cpu = cpu_seconds(prober.exporter.pid)
    report.title("The exporter that did all of this")
    report.line("end_rss_mib", "RSS at the end", prober.exporter.rss_kb() / 1024, "MiB")
    report.line("end_anonymous_mib", "anonymous memory at the end", rollup_kb(prober.exporter.pid, "Anonymous") / 1024,
                "MiB")
    report.line("end_cpu_seconds", "CPU in all", cpu, "s", ".2f")


def stop(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller and one round: for tests of the benchmark itself")
    parser.add_argument("--rounds", type=int, help="rounds of what is compared (3; quick: 1)")
    parser.add_argument("--inventory", action="store_true", help="only the checks of images")
    parser.add_argument("--pulls", action="store_true", help="only the pulls")
    parser.add_argument("--pushes", action="store_true", help="only the pushes")
    parser.add_argument("--scrapes", action="store_true", help="only what a scrape costs, beside client_golang")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the numbers there, too")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("bench: needs root, because containerd mounts what it unpacks: sudo make bench", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    sizes, report, began = Sizes(options.quick, options.rounds), Report(), time.monotonic()
    lab = Lab("containerd_exporter-bench-")
    try:
        print(machine(Exporter(lab.folder("version")).binary))
        if options.scrapes:
            scrapes.scrapes(lab, report, scrapes.Sizes(options.quick, options.rounds))
            scrapes.memory(lab, report, options.quick)
        elif options.pulls:
            containerd = lab.containerd()
            transfers(lab, report, sizes, containerd, only="pulls")
            crowd(lab, report, containerd)
        elif options.pushes:
            transfers(lab, report, sizes, lab.containerd(), only="pushes")
        else:
            inventory.inventory(report, inventory.Sizes(options.quick, options.rounds), Rounds)
        if not (options.inventory or options.pulls or options.pushes or options.scrapes):
            containerd = idle_and_start(lab, report, sizes)
            transfers(lab, report, sizes, containerd)
            crowd(lab, report, containerd)
            scrapes.scrapes(lab, report, scrapes.Sizes(options.quick, options.rounds))
            scrapes.memory(lab, report, options.quick)
        print(f"\n{time.monotonic() - began:.0f} s; ratio: exporter / other, below 1 the exporter takes less")
        if options.json:
            options.json.write_text(json.dumps(report.numbers, indent=2) + "\n", encoding="utf-8")
    except (LabError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # everything is being put away
        lab.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

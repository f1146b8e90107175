# SPDX-License-Identifier: Apache-2.0
"""The demo behind demo.sh: starts everything, waits for the first results, shows them.

The daemons come from the lab of the end-to-end tests, which also makes sure that nothing is left.
"""
import pathlib
import signal
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from lab import Lab  # noqa: E402
from lab.network import free_port  # noqa: E402
from lab.wait import LabError, wait_until  # noqa: E402

JOB = "containerd_exporter"
COLOUR = sys.stdout.isatty()
GREEN, RED, YELLOW, BOLD, DIM = "32", "31", "33", "1", "2"


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text):
    print("\n" + paint(BOLD, text))


def table(rows, colours=None):
    """Rows of texts, the first one the head. colours: {text: code}, for a whole cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = []
        for text, width in zip(row, widths):
            code = DIM if number == 0 else (colours or {}).get(text)
            cells.append((paint(code, text) if code else text) + " " * (width - len(text)))
        print("  " + "  ".join(cells).rstrip())


def size(count):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def fill_registry(lab, registry):
    single = lab.maker.image(layers=2, size=2 << 20)
    multi = lab.maker.multi_platform(("linux/amd64", "linux/arm64"), size=1 << 20)
    single.push(registry, "demo/single", "1")
    multi.push(registry, "demo/multi", "1")
    return single, multi


def fill_containerd(lab, containerd):
    """Two images: one whole, one that lost a layer, as after a disk that ran full."""
    lab.maker.image().load(containerd, "demo", "example.org/whole:1")
    broken = lab.maker.image()
    broken.load(containerd, "demo", "example.org/broken:1", unpack=False)
    containerd.remove_blob(broken.layers[1].digest, "demo")


def configuration(containerd, registry, single, multi):
    common = {"engine": "client", "interval": "10s", "timeout": "30s"}
    return {
        "containerd": {"address": containerd.address},
        "collectors": {"images": {"interval": "5s"}},
        "registries": {registry.host: {"plain_http": True}},
        "probes": [
            {"name": "pull-single", "operation": "pull", "image": f"{registry.host}/demo/single:1", **common,
             "expected": {"digest": single.digest}},
            {"name": "pull-multi", "operation": "pull", "image": f"{registry.host}/demo/multi:1", **common,
             "platform": "linux/amd64",
             "expected": {"digest": multi.digest, "manifest_digest": multi.manifests[0].digest}},
            {"name": "push", "operation": "push", "image": f"{registry.host}/canary/push:probe", **common,
             "content": {"layers": 2, "size": "1MiB"}},
            {"name": "pull-missing", "operation": "pull", "image": f"{registry.host}/demo/single:none", **common}]}


class Report:
    """One look at the exporter: what it prints, and whether it is what the demo set up."""

    def __init__(self, exporter):
        self.metrics = exporter.metrics()
        self.wrong = []

    def samples(self, metric, **labels):
        wanted = set(labels.items())
        return {tuple(sorted(dict(key).items())): value for key, value in self.metrics.get(metric, {}).items()
                if wanted <= key}

    def value(self, metric, **labels):
        return sum(self.samples(metric, **labels).values())

    def expect(self, what, good):
        if not good:
            self.wrong.append(what)

    def probes(self, names):
        title("Probes")
        rows = [("NAME", "RESULT", "DURATION", "REASON", "FETCHED", "UPLOADED", "RUNS", "")]
        for name in names:
            reasons = [dict(key)["reason"] for key in self.samples("image_canary_failure_reasons_total", probe=name)]
            ok = self.value("image_canary_success", probe=name) == 1
            runs = self.value("image_canary_attempts_total", probe=name)
            fetched = self.value("image_canary_fetched_bytes_total", probe=name)
            uploaded = self.value("image_canary_uploaded_bytes_total", probe=name)
            meant = name == "pull-missing"
            rows.append((name, "ok" if ok else "failed",
                         seconds(self.value("image_canary_last_duration_seconds", probe=name)),
                         ", ".join(reasons) or "-", size(fetched) if fetched else "-",
                         size(uploaded) if uploaded else "-", f"{runs:.0f}",
                         "(meant to fail: no such tag)" if meant else ""))
            self.expect(f"probe {name}: {rows[-1]}", reasons == ["not_found"] and not ok if meant else ok)
        table(rows, {"ok": GREEN, "failed": RED})

    def inventory(self):
        title("Images in containerd, by namespace")
        words = ("complete", "incomplete", "unavailable", "error")
        names = sorted({dict(key)["namespace"] for key in self.samples("containerd_images")})
        rows = [("NAMESPACE", *(word.upper() for word in words), "PRESENT", "REQUIRED")]
        for name in names:
            counts = [self.value("containerd_images", namespace=name, status=word) for word in words]
            rows.append((name, *(f"{count:.0f}" for count in counts),
                         size(self.value("containerd_image_bytes", namespace=name, state="present")),
                         size(self.value("containerd_image_bytes", namespace=name, state="required"))))
            if name == "demo":
                self.expect(f"namespace demo: {rows[-1]}", counts == [1, 1, 0, 0])
        table(rows)
        self.expect("namespace demo is not there", "demo" in names)

    def daemon(self):
        title("containerd")
        version = [dict(key).get("version", "?") for key in self.samples("containerd_info")]
        plugins = [f"{self.value('containerd_plugins', status=word):.0f} {word}" for word in ("ok", "skip", "error")]
        broken = [dict(key)["id"] for key, value in self.samples("containerd_plugin_status", status="error").items()
                  if value == 1]
        up = self.value("containerd_up")
        print(f"  {paint(GREEN, 'up') if up else paint(RED, 'down')}, version {', '.join(version) or '?'}")
        print(f"  plugins: {', '.join(plugins)}" + (f" ({', '.join(broken)})" if broken else ""))
        print(f"  exporter: {size(self.value('process_resident_memory_bytes'))} of memory")
        self.expect("containerd is not up", up == 1)


    def page(self, exporter, names):
        title("The page for people")
        status, _, body = exporter.get("/")
        text = body.decode()
        missing = [name for name in names if name not in text]
        self.expect(f"the page: status {status}, without {missing}", status == 200 and not missing)
        print(f"  {exporter.url}/ ({size(len(body))})")


def wait_for_results(exporter, prometheus, names):
    for name in names:
        exporter.wait_for("image_canary_success", {"probe": name}, timeout=90)
    exporter.wait_for("containerd_images", {"namespace": "demo"}, lambda count: count == 2, timeout=60)
    wait_until(lambda: prometheus.query(f'up{{job="{JOB}"}} == 1'), 60, "Prometheus scrapes the exporter")
    wait_until(lambda: len(prometheus.query("image_canary_success")) == len(names), 60, "probes in Prometheus")


def show(exporter, prometheus, names):
    report = Report(exporter)
    report.probes(names)
    report.inventory()
    report.daemon()
    report.page(exporter, names)
    title("Prometheus")
    up = prometheus.query(f'up{{job="{JOB}"}}')
    firing = prometheus.query('count by (alertname) (ALERTS{alertstate="firing"})')
    print(f"  up = {up[0][1]:.0f}, in {prometheus.query('scrape_duration_seconds')[0][1] * 1000:.1f} ms per scrape")
    for labels, count in firing:
        print(f"  alert {labels['alertname']} fires ({count:.0f})")
    report.expect("Prometheus has no up == 1", up and up[0][1] == 1)
    return report.wrong


def addresses(containerd, exporter, prometheus):
    graph = urllib.parse.urlencode({"g0.expr": "image_canary_last_duration_seconds", "g0.tab": "0",
                                    "g0.range_input": "5m"})
    title("Look around")
    for what, where in (("page", exporter.url + "/"), ("history", exporter.url + "/history"),
                        ("metrics", exporter.url + "/metrics"),
                        ("durations", f"{prometheus.url}/graph?{graph}"), ("alerts", prometheus.url + "/alerts"),
                        ("configuration", exporter.config_path), ("log", exporter.log_path),
                        ("containerd", f"sudo {containerd.bin}/ctr -a {containerd.address} -n demo images check")):
        print(f"  {what:<14} {where}")


def stop(*_):
    raise KeyboardInterrupt


def calm():
    """From here on everything is being put away: no signal may stop that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def run(lab, once):
    print("starting containerd, a registry, the exporter and Prometheus ...", flush=True)
    containerd, registry = lab.containerd(), lab.registry()
    single, multi = fill_registry(lab, registry)
    fill_containerd(lab, containerd)
    config = configuration(containerd, registry, single, multi)
    names = [probe["name"] for probe in config["probes"]]
    rules = pathlib.Path(__file__).resolve().parents[1] / "dashboards/rules.yml"
    exporter = lab.exporter(config, port=free_port(10048))
    prometheus = lab.prometheus({JOB: exporter.address}, interval="2s", rules=[rules], port=free_port(9090))
    print("waiting for the first results ...", flush=True)
    wait_for_results(exporter, prometheus, names)
    wrong = show(exporter, prometheus, names)
    for what in wrong:
        print(paint(RED, f"unexpected: {what}"))
    if not once:
        addresses(containerd, exporter, prometheus)
        print(paint(BOLD, "\nCtrl-C ends all of it and leaves nothing behind."), flush=True)
        while all(process.alive for process in (containerd, registry, exporter, prometheus)):
            time.sleep(0.5)
        print(paint(RED, f"something ended by itself:\n{exporter.tail()}"))
        return 1
    return 1 if wrong else 0


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    status = 1
    lab = Lab("containerd_exporter-demo-")
    try:
        status = run(lab, "--once" in sys.argv[1:])
    except KeyboardInterrupt:
        status = 0 if "--once" not in sys.argv[1:] else 1
    except LabError as error:
        print(paint(RED, f"error: {error}"), file=sys.stderr)
    finally:
        calm()
        lab.close()
    print("\neverything is stopped and removed", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

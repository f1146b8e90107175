# SPDX-License-Identifier: Apache-2.0
"""What Prometheus servers make of the page: 2.42 and 3.x, in each format, with and without native
histograms. Every server stores the same series from every format and logs no complaint: only its log
reports duplicates, for example.

test_formats.py has the table of everything that is checked.
"""
import contextlib
import http.server
import re
import threading
import time
import types

import pytest

from lab import pages
from lab.fake.accept import AcceptProxy
from lab.images import OCI
from lab.probes import AT_ONCE, config_for, probe, run_once
from lab.programs import prometheus_folder
from lab.rpc import Store
from lab.wait import LabError, wait_until

ONLY_3 = pytest.mark.parametrize("server", ["3"], indirect=True, scope="module")  # 2.42 knows nothing of it
NATIVE = ("native-histograms", "exemplar-storage")
PROTOCOLS = {"text": "PrometheusText0.0.4", "openmetrics": "OpenMetricsText1.0.0", "protobuf": "PrometheusProto"}
INTERVAL = "500ms"
SCRAPES = 6  # enough to see what happens on every scrape, and on all but the first
OWN = ("up", "scrape_")  # series that servers add


@pytest.fixture(scope="module", params=("2", "3"), name="server")
def server_version(request):
    """Each Prometheus in turn. A version that is not unpacked is skipped with a message."""
    try:
        prometheus_folder(request.param)
    except LabError as error:
        pytest.skip(f"PROMETHEUS {request.param} IS NOT TESTED: {error}")
    return request.param


@pytest.fixture(scope="module", name="exporter")
def exporter_at_rest(module_lab):
    """Probes that ran once, so that the same page is read by all; and images with names that mean harm."""
    maker = module_lab.maker
    containerd, registry = module_lab.containerd(), module_lab.registry()
    reference = maker.image(layers=2).push(registry, "prometheus/image", "1")
    maker.image().load(containerd, "prometheus", "example.org/whole:1")
    target = {"mediaType": OCI["manifest"], "digest": "sha256:" + "a" * 64, "size": 5}
    with Store(containerd, "hostile") as store:
        for name in pages.HOSTILE_NAMES:
            store.tag(name, target)
    exporter = module_lab.exporter(config_for(
        containerd, probe(reference, "client", engine="client"), probe(reference, "registry", engine="registry"),
        probe(reference + "-none", "missing", engine="registry"), plain=registry.host,
        collectors={"images": {"series": "all"}}), args=[AT_ONCE])
    for name in ("client", "registry", "missing"):
        exporter.wait_for("image_canary_success", {"probe": name}, timeout=60)
    exporter.wait_for("containerd_images", {"namespace": "prometheus"}, 1)
    exporter.wait_for("containerd_images", {"namespace": "hostile"}, len(pages.HOSTILE_NAMES))
    return exporter


@contextlib.contextmanager
def jobs(version, exporter, kinds=pages.FORMATS):
    """{format: scrape configuration}. 2.42 cannot be configured to ask for a format: a proxy sets the header."""
    with contextlib.ExitStack() as stack:
        if version != "2":
            yield {kind: {"address": exporter.address, "scrape_protocols": [PROTOCOLS[kind]]} for kind in kinds}
            return
        proxy = AcceptProxy
        yield {kind: {"address": exporter.address, "proxy_url": stack.enter_context(proxy(pages.ACCEPTS[kind])).url}
               for kind in kinds}


def after_scrapes(prometheus, wanted):
    """When every one of the jobs was scraped often enough."""
    wait_until(lambda: sum(count >= SCRAPES for _, count in prometheus.query("count_over_time(up[5m])")) == wanted,
               60, "scrapes")
    failed = [target["lastError"] for target in prometheus.targets() if target["health"] != "up"]
    assert not failed
    return prometheus


@pytest.fixture(scope="module", name="native")
def server_with_native_histograms(module_lab, server, exporter):
    """A job for each format; `both` has classic buckets, too."""
    with jobs(server, exporter) as each:
        each["asked"] = exporter.address  # the format that this server asks for by default
        if server != "2":
            each["both"] = {"address": exporter.address, "always_scrape_classic_histograms": True}
        prometheus = module_lab.prometheus(each, interval=INTERVAL, version=server, features=NATIVE)
        yield after_scrapes(prometheus, len(each))
        prometheus.close()


@pytest.fixture(scope="module", name="classic")
def server_as_it_comes(module_lab, server, exporter):
    with jobs(server, exporter, ("text", "openmetrics")) as each:
        each["asked"] = exporter.address
        if server != "2":  # names are such that no way of escaping them changes any
            each["values"] = {"address": exporter.address, "metric_name_escaping_scheme": "values"}
            each["legacy"] = {"address": exporter.address, "metric_name_validation_scheme": "legacy",
                              "metric_name_escaping_scheme": "underscores"}
        prometheus = module_lab.prometheus(each, interval=INTERVAL, version=server, features=("exemplar-storage",))
        yield after_scrapes(prometheus, len(each))
        prometheus.close()


def series(prometheus, job):
    """Each as (name, labels), without what the server itself adds."""
    found = set()
    for labels in prometheus.api("series", **{"match[]": f'{{job="{job}"}}'})["data"]:
        if not labels["__name__"].startswith(OWN):
            found.add((labels["__name__"], frozenset((k, v) for k, v in labels.items() if k not in ("__name__", "job"))))
    assert found
    return found


def native_names(exporter):
    """Of the histograms that are native in protobuf; those of containerd's API are not."""
    page, _ = pages.fetch(exporter, "protobuf")
    return {name for name, _, histogram in pages.histograms(page) if pages.is_native(histogram)}


def as_native(found, names):
    """The same series if histograms are one each."""
    parts = re.compile(f"({'|'.join(names)})_(bucket|sum|count)")
    whole = set()
    for name, labels in found:
        match = parts.fullmatch(name)
        whole.add((match[1], frozenset(pair for pair in labels if pair[0] != "le")) if match else (name, labels))
    return whole


def test_formats_give_the_same_series(classic):
    text = series(classic, "text")
    images = {dict(labels)["image"] for _, labels in text if ("namespace", "hostile") in labels and "image" in dict(labels)}
    assert len(images) == len(pages.HOSTILE_NAMES)
    for target in classic.targets():
        assert series(classic, target["labels"]["job"]) == text
    assert not [name for name, _ in text if name.endswith("_created")]


def test_native_histograms_give_the_same_series(native, exporter):
    names = native_names(exporter)
    text = series(native, "text")
    whole = as_native(text, names)
    assert series(native, "openmetrics") == text
    assert series(native, "protobuf") == whole != text
    assert series(native, "asked") == whole


@ONLY_3
def test_classic_and_native_histograms_coexist(native, exporter):
    text = series(native, "text")
    assert series(native, "both") == text | as_native(text, native_names(exporter))


def values(prometheus, job, names):
    return {(labels.pop("__name__"), frozenset((k, v) for k, v in labels.items() if k != "job")): value
            for labels, value in prometheus.query(f'{{job="{job}",__name__=~"{names}"}}') if value is not None}


def test_formats_give_the_same_values(native):
    """Of the probes: those are at rest."""
    names = "image_canary_.*_total|image_canary_last_.*|image_canary_success|image_canary_image_bytes|.*_info"
    text = values(native, "text", names)
    assert len(text) > 30
    assert values(native, "openmetrics", names) == text
    assert values(native, "protobuf", names) == text


def check_calm(prometheus):
    assert not prometheus.complaints()
    counts = {labels["job"]: value for labels, value in prometheus.query("scrape_samples_scraped")}
    kept = {labels["job"]: value for labels, value in prometheus.query("scrape_samples_post_metric_relabeling")}
    assert counts == kept and counts["text"] == counts["openmetrics"]
    for job, count in counts.items():
        assert count == len(series(prometheus, job)), job


def test_no_server_logs_a_complaint(classic):
    check_calm(classic)


def test_no_server_logs_a_complaint_about_native_histograms(native):
    check_calm(native)


def test_series_are_stable(classic):
    """What was ever there is there now."""
    for job in ("text", "openmetrics", "asked"):
        ever, now = (classic.query(f"count({expression})")[0][1]
                     for expression in (f'last_over_time({{job="{job}"}}[10m])', f'{{job="{job}"}}'))
        assert ever == now, job


def by_probe(prometheus, expression):
    return {labels["probe"]: value for labels, value in prometheus.query(expression)}


def test_native_histograms_can_be_queried(native):
    want = by_probe(native, 'image_canary_duration_seconds_count{job="text"}')
    have = by_probe(native, 'histogram_count(image_canary_duration_seconds{job="protobuf"})')
    assert want == have == {"client": 1, "registry": 1, "missing": 1}
    sums = by_probe(native, 'image_canary_duration_seconds_sum{job="text"}')
    for name, value in by_probe(
            native, 'histogram_quantile(0.5, image_canary_duration_seconds{job="protobuf"})').items():
        # One observation: all of its bucket is within 2^(1/8) of it.
        assert sums[name] / 1.1 < value < sums[name] * 1.1
    fractions = native.query('histogram_fraction(0, 30, image_canary_duration_seconds{job="protobuf"})')
    assert [value for _, value in fractions] == pytest.approx([1, 1, 1])


def stored_exemplars(prometheus, selector):
    now = time.time()
    found = prometheus.api("query_exemplars", query=selector, start=now - 3600, end=now + 60)["data"]
    return {(entry["seriesLabels"]["probe"], exemplar["labels"]["run_id"])
            for entry in found for exemplar in entry["exemplars"]}


def test_exemplars_are_stored_and_name_existing_runs(native, exporter):
    found = stored_exemplars(native, 'image_canary_duration_seconds_bucket{job="openmetrics"}')
    assert {name for name, _ in found} == {"client", "registry", "missing"}
    for name, run_id in found:
        status, _, body = exporter.get(f"/history?probe={name}&format=json")
        assert status == 200 and run_id in body.decode()
    stored = stored_exemplars(native, 'image_canary_duration_seconds{job="protobuf"}')
    if native.version == "2":
        assert stored == found
    else:
        # 3.5 takes those of the first series of a family only, unless it takes the classic buckets, too.
        assert stored and stored <= found
        assert stored_exemplars(native, 'image_canary_duration_seconds{job="both"}') == found


@pytest.fixture(scope="module", name="busy")
def exporter_at_work(module_lab):
    registry = module_lab.registry()
    reference = module_lab.maker.image(size=1024).push(registry, "prometheus/busy", "1")
    return module_lab.exporter({
        "containerd": {"address": str(module_lab.temp / "none.sock")}, "registries": {registry.host: {"plain_http": True}},
        "probes": [{"name": f"p{i}", "operation": "pull", "engine": "registry", "image": reference, "interval": "1s",
                    "timeout": "5s"} for i in range(6)]}, args=[AT_ONCE])


RATES = types.SimpleNamespace(
    count="histogram_count(sum by (probe) (rate({0}[20s]))) or sum by (probe) (rate({0}_count[20s]))",
    quantile="histogram_quantile(0.95, sum by (probe) (rate({0}[20s]))) or "
             "histogram_quantile(0.95, sum by (probe, le) (rate({0}_bucket[20s])))",
    fraction='histogram_fraction(0, 30, sum(rate({0}[20s]))) or '
             'sum(rate({0}_bucket{{le=~"30(\\\\.0)?"}}[20s])) / sum(rate({0}_count[20s]))')


@pytest.mark.parametrize("features", [NATIVE, ()], ids=["native", "classic"])
def test_expressions_fit_both_kinds(lab, server, busy, features):
    """What a dashboard asks, while runs go on."""
    prometheus = lab.prometheus({"busy": busy.address}, interval=INTERVAL, version=server, features=features)
    name = "image_canary_duration_seconds"
    wait_until(lambda: len(prometheus.query(RATES.count.format(name))) == 6, 60, "rates of all probes")
    wait_until(lambda: min(value for _, value in prometheus.query(RATES.count.format(name))) > 0, 60, "runs")
    quantiles = [value for _, value in prometheus.query(RATES.quantile.format(name))]
    assert len(quantiles) == 6 and all(0 < value < 5 for value in quantiles)
    assert [value for _, value in prometheus.query(RATES.fraction.format(name))] == pytest.approx([1])
    assert bool(prometheus.query(f"histogram_count({name})")) == bool(features)
    assert not prometheus.complaints()


@ONLY_3
def test_native_histograms_off_keeps_classic_histograms(lab, server):
    """A Prometheus 2.53 to 3.7 that asks for protobuf and takes no native histograms loses such a
    histogram as a whole. That is what the flag is for."""
    registry = lab.registry()
    reference = lab.maker.image().push(registry, "prometheus/off", "1")
    config = config_for(None, probe(reference, "a", engine="registry"), plain=registry.host,
                        containerd={"address": str(lab.temp / "none.sock")})
    exporter = run_once(lab, config, args=["--metrics.native-histograms=off"])
    exporter.wait_for("image_canary_success", {"probe": "a"})
    with jobs(server, exporter, ("text", "protobuf")) as each:
        prometheus = after_scrapes(lab.prometheus(each, interval=INTERVAL, version=server), 2)
        assert series(prometheus, "protobuf") == series(prometheus, "text")
        assert not prometheus.complaints()


@ONLY_3
def test_created_timestamps_are_understood(lab, server, exporter):
    """3.x makes an empty one of it, at the time when the histogram began."""
    features = ("created-timestamp-zero-ingestion", "native-histograms")
    prometheus = after_scrapes(lab.prometheus({"a": exporter.address}, interval=INTERVAL, version=server,
                                              features=features), 1)
    found = by_probe(prometheus, 'min_over_time(histogram_count(image_canary_duration_seconds{job="a"})[15m:1s])')
    assert found == {"client": 0, "registry": 0, "missing": 0}
    assert not prometheus.complaints()


class OldSample(http.server.BaseHTTPRequestHandler):
    """A page with something wrong that no server refuses: the sample is from 1970."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        body = b"# TYPE a gauge\na 1 1000\nb 1\n"
        self.send_response(200)
        self.send_header("Content-Type", pages.content_type("text"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_complaints_are_detected(lab, server):
    """That looking for them finds them."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldSample) as wrong:
        threading.Thread(target=wrong.serve_forever, args=(0.05,), daemon=True).start()
        prometheus = lab.prometheus({"wrong": f"127.0.0.1:{wrong.server_address[1]}"}, interval=INTERVAL, version=server)
        after_scrapes(prometheus, 1)
        wrong.shutdown()
    assert prometheus.complaints()

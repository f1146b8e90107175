# SPDX-License-Identifier: Apache-2.0
"""The page in every format: the same samples and the same series, also during failures.

What a Prometheus may expect of an exporter, and the test that says so:

    Accept headers -> Content-Type                     test_accept_*
    promtool check metrics                             test_promtool_accepts_the_text_format
    strict grammar of OpenMetrics                      test_openmetrics_is_well_formed, test_openmetrics.py
    the same samples in all formats, and after gzip    test_formats_have_the_same_samples, test_gzip_*
    the same series in all formats, on real servers    test_prometheus.py
    native histograms: count and buckets, index        test_native_histograms_*, test_prometheus.py, unit tests
    hostile errors, hostile names                      test_hostile_names_*, test_hostile_responses_*
    order, and nothing disappears                      test_order_is_stable
    daemon down, and up with a new socket              test_daemon_down_and_up_is_reported
    limits of requests, HEAD, 405                      test_web_limits.py
    web configuration, TLS, passwords                  test_web_config.py
    reload, SIGTERM, socket activation                 test_lifecycle.py, test_web_limits.py
    rules and dashboards, on real servers              test_dashboards.py
    manifests                                          test_deploy.py
"""
import collections
import gzip
import itertools
import json
import math
import re
import subprocess
import time

import pytest

from lab import openmetrics
from lab import pages
from lab.images import OCI
from lab.probes import config_for, probe, run_once
from lab.programs import find
from lab.rpc import Store
from lab.wait import wait_until

UNDERSCORES, UTF8, DOTS, VALUES = "underscores", "allow-utf-8", "dots", "values"

# Accept (None: no header), format, escaping, version of OpenMetrics.
ACCEPTS = [
    # What servers were seen to send.
    (pages.PROMETHEUS_2, "openmetrics", UNDERSCORES, None),
    (pages.PROMETHEUS_2_NATIVE, "protobuf", UNDERSCORES, None),
    (pages.PROMETHEUS_3.format(UTF8), "openmetrics", UTF8, None),
    (pages.PROMETHEUS_3_NATIVE, "protobuf", UNDERSCORES, None),
    (pages.PROMETHEUS_3_TEXT, "text", UNDERSCORES, None),
    (pages.PROMETHEUS_3.format(UNDERSCORES), "openmetrics", UNDERSCORES, None),
    (pages.PROMETHEUS_3.format(VALUES), "openmetrics", VALUES, None),
    # What others might.
    (None, "text", UNDERSCORES, None),
    ("", "text", UNDERSCORES, None),
    ("*/*", "text", UNDERSCORES, None),
    ("text/*", "text", UNDERSCORES, None),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text", UNDERSCORES, None),
    ("garbage", "text", UNDERSCORES, None),
    (",;=,/;q=x,,", "text", UNDERSCORES, None),
    ("application/json", "text", UNDERSCORES, None),
    ("application/openmetrics-text;version=1.0.0;q=0,text/plain", "text", UNDERSCORES, None),
    ("application/openmetrics-text;version=1.0.0;q=0.000", "text", UNDERSCORES, None),
    ("application/openmetrics-text", "openmetrics", UNDERSCORES, None),
    ("application/openmetrics-text;version=0.0.1", "openmetrics", UNDERSCORES, "0.0.1"),
    ("application/openmetrics-text; version=\"1.0.0\" ; charset=utf-8", "openmetrics", UNDERSCORES, None),
    ("APPLICATION/OpenMetrics-Text;Version=1.0.0", "openmetrics", UNDERSCORES, None),
    ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.5", "text", UNDERSCORES, None),
    ("text/plain;version=1.0.0,application/openmetrics-text;version=1.0.0;q=0.5", "openmetrics", UNDERSCORES, None),
    ("text/plain;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5", "text", UNDERSCORES, None),
    ("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.9", "openmetrics", UNDERSCORES, None),
    ("*/*,application/openmetrics-text;version=1.0.0", "openmetrics", UNDERSCORES, None),
    ("application/openmetrics-text;version=1.0.0;q=0.9,*/*;q=2", "openmetrics", UNDERSCORES, None),
    ("application/vnd.google.protobuf", "text", UNDERSCORES, None),
    (pages.PROTOBUF.replace("delimited", "text"), "text", UNDERSCORES, None),
    (pages.PROTOBUF.replace("delimited", "compact-text") + ",application/openmetrics-text", "openmetrics",
     UNDERSCORES, None),
    (pages.PROTOBUF.replace("io.prometheus", "org.example"), "text", UNDERSCORES, None),
    (pages.PROTOBUF + ";escaping=dots", "protobuf", DOTS, None),
    ("text/plain;version=0.0.4;escaping=nonsense", "text", UNDERSCORES, None),
]


@pytest.fixture(scope="module", name="alone")
def exporter_alone(module_lab):
    """An exporter whose containerd does not exist."""
    return module_lab.exporter({"containerd": {"address": str(module_lab.temp / "none.sock")}})


@pytest.mark.unprivileged
@pytest.mark.parametrize("accept, kind, escaping, version", ACCEPTS)
def test_accept_header_selects_the_format(alone, accept, kind, escaping, version):
    status, headers, body = alone.get("/metrics", headers={} if accept is None else {"Accept": accept})
    assert status == 200
    assert headers["Content-Type"] == pages.content_type(kind, escaping, version)
    assert int(headers["Content-Length"]) == len(body)
    assert {word.strip() for word in headers["Vary"].split(",")} >= {"Accept", "Accept-Encoding"}
    assert pages.read(kind, body)


@pytest.mark.unprivileged
def test_accept_repeated_headers_are_joined(alone):
    lines = ["text/plain;version=0.0.4;q=0.5", "application/openmetrics-text;version=1.0.0"]
    argv = ["curl", "-sS", "-D-", "-o/dev/null", *(f"-HAccept: {line}" for line in lines), alone.url + "/metrics"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "content-type: application/openmetrics-text" in done.stdout.lower()


@pytest.mark.unprivileged
@pytest.mark.parametrize("asked, given", [
    ("gzip", True), ("gzip, deflate, br", True), ("x-gzip", True), ("*", True), ("GZIP;q=0.5", True), (None, False),
    ("identity", False), ("gzip;q=0", False), ("gzip;q=0, *", False), ("deflate, br, zstd", False), ("", False)])
@pytest.mark.parametrize("kind", pages.FORMATS)
def test_gzip_is_sent_only_on_request(alone, asked, given, kind):
    headers = {"Accept": pages.ACCEPTS[kind], "X-Forwarded-For": "192.0.2.1"}
    if asked is not None:
        headers["Accept-Encoding"] = asked
    status, answer, body = alone.get("/metrics", headers=headers)
    assert status == 200 and (answer["Content-Encoding"] == "gzip") == given
    assert int(answer["Content-Length"]) == len(body)
    assert pages.read(kind, gzip.decompress(body) if given else body)


@pytest.mark.unprivileged
def test_gzip_is_not_sent_to_clients_without_it(alone):
    """On loopback it costs more than it saves."""
    assert alone.get("/metrics", headers={"Accept-Encoding": "gzip"})[1]["Content-Encoding"] is None


# ---- A node where things happen -------------------------------------------------------------------

Node = collections.namedtuple("Node", "containerd registry exporter")


@pytest.fixture(scope="module", name="node")
def node_at_work(module_lab):
    """Probes by several engines that have run, one of which fails, and an inventory with images in it."""
    maker = module_lab.maker
    containerd, registry = module_lab.containerd(), module_lab.registry()
    reference = maker.image(layers=2).push(registry, "formats/image", "1")
    maker.image().load(containerd, "formats", "example.org/whole:1")
    damaged = maker.image()
    damaged.load(containerd, "formats", "example.org/damaged:1", unpack=False)
    containerd.remove_blob(damaged.layers[1].digest, "formats")
    # Once an hour: after the first run nothing moves but the exporter's own numbers.
    exporter = run_once(module_lab, config_for(
        containerd, probe(reference, "client", engine="client", labels={"team": 'a "b" \\ c'}),
        probe(reference, "registry", engine="registry"),
        probe(f"{registry.host}/formats/image:none", "missing", engine="registry"),
        probe(f"{registry.host}/formats/push:probe", "push", "push", engine="client",
              content={"layers": 1, "size": "64KiB"}),
        plain=registry.host, collectors={"images": {"series": "all"}}), timeout=60)
    exporter.wait_for("containerd_images", {"namespace": "formats"}, 2)
    return Node(containerd, registry, exporter)


def still(exporter, kind, compressed=False):
    """(what a text page says, what a page of that kind says), of the samples that did not move."""
    first = pages.read("text", pages.fetch(exporter, "text")[0])
    body, _ = pages.fetch(exporter, kind, compressed)
    last = pages.read("text", pages.fetch(exporter, "text")[0])
    page = pages.read(kind, body)
    assert first.keys() == page.keys() == last.keys()
    resting = [key for key in first if pages.equal(first[key], last[key])]
    return {key: first[key] for key in resting}, {key: page[key] for key in resting}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", pages.FORMATS)
def test_formats_have_the_same_samples(node, kind, compressed):
    want, have = wait_until(lambda: still(node.exporter, kind, compressed), 20, "two pages with the same series")
    assert {key: (want[key], have[key]) for key in want if not pages.equal(want[key], have[key])} == {}
    names = {name for name, _ in want}
    assert {"image_canary_duration_seconds_bucket", "image_canary_attempts_total", "containerd_images",
            "image_canary_info", "containerd_up", "image_canary_last_success_timestamp_seconds"} <= names
    assert any('a "b" \\ c' in dict(labels).values() for _, labels in want)


def text_metadata(body):
    """{family: (type, help)}, of the names that the samples have."""
    found = {}
    for keyword, name, rest in re.findall(r"^# (HELP|TYPE) (\S+) (.*)$", body.decode(), re.MULTILINE):
        found.setdefault(name, {})[keyword] = rest
    return {name: (words["TYPE"], words["HELP"].replace("\\n", "\n").replace("\\\\", "\\"))
            for name, words in found.items()}


def test_formats_have_the_same_metadata(node):
    text = text_metadata(pages.fetch(node.exporter, "text")[0])
    strict = openmetrics.read(pages.fetch(node.exporter, "openmetrics")[0])
    families = pages.decode(pages.fetch(node.exporter, "protobuf")[0])
    suffix = {"counter": "_total", "info": "_info"}
    assert {f.name + suffix.get(f.type, ""): (f.type.replace("info", "gauge"), f.help) for f in strict.values()} == text
    assert {pages.only(f, "name"): (pages.only(f, "type").lower(), pages.only(f, "help")) for f in families} == text
    assert list(text) == sorted(text)
    assert [pages.only(f, "name") for f in families] == list(text)


def test_openmetrics_has_units(node):
    """Where a name ends in a base unit, the formats that know units have it."""
    units = ("seconds", "bytes", "ratio")
    strict = openmetrics.read(pages.fetch(node.exporter, "openmetrics")[0])
    wanted = {name: name.rpartition("_")[2] for name, family in strict.items()
              if name.rpartition("_")[2] in units and family.type != "info"}
    assert len(wanted) > 10
    assert {name: family.unit for name, family in strict.items() if family.unit} == wanted
    told = {pages.only(f, "name").removesuffix("_total"): pages.only(f, "unit")
            for f in pages.decode(pages.fetch(node.exporter, "protobuf")[0]) if pages.only(f, "unit")}
    assert told == wanted


def test_promtool_accepts_the_text_format(node):
    body, _ = pages.fetch(node.exporter, "text")
    done = subprocess.run([find("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_openmetrics_is_well_formed(node):
    families = openmetrics.read(pages.fetch(node.exporter, "openmetrics")[0])
    kinds = {family.type for family in families.values()}
    assert kinds == {"counter", "gauge", "histogram", "info"}
    assert not [s.name for f in families.values() for s in f.samples if s.name.endswith("_created") or s.timestamp]
    assert all(family.help for family in families.values())


def test_bounds_have_one_form_in_all_formats(node):
    """2.x keeps the text of `le`: 30 and 30.0 would be two series."""
    bounds = [re.findall(rb'le="([^"]*)"', pages.fetch(node.exporter, kind)[0]) for kind in ("text", "openmetrics")]
    assert bounds[0] == bounds[1]
    assert {openmetrics.canonical(openmetrics.number(le.decode())).encode() for le in bounds[0]} == set(bounds[0])
    assert {b"30.0", b"0.1", b"+Inf"} <= set(bounds[0])


def exemplars(exporter):
    families = openmetrics.read(pages.fetch(exporter, "openmetrics")[0])
    return [(sample.labels["probe"], *sample.exemplar) for sample in families["image_canary_duration_seconds"].samples
            if sample.exemplar]


def run_ids(exporter, name):
    """What the history knows of a probe: every "id" in it."""
    status, _, body = exporter.get(f"/history?probe={name}&format=json")
    assert status == 200
    return set(re.findall(r'"id": *"([0-9a-f]+)"', body.decode())), json.loads(body)


def test_exemplars_name_existing_runs(node):
    found = exemplars(node.exporter)
    assert {name for name, *_ in found} == {"client", "registry", "missing", "push"}
    now = time.time()
    for name, labels, value, timestamp in found:
        assert labels.keys() == {"run_id"} and re.fullmatch("[0-9a-f]{16}", labels["run_id"])
        assert labels["run_id"] in run_ids(node.exporter, name)[0], name
        assert value > 0 and now - 600 < timestamp <= now + 1
    (missing,) = (labels["run_id"] for name, labels, *_ in found if name == "missing")
    assert f"run={missing}" in node.exporter.log, "the log has the same ids"


def test_exemplars_are_in_protobuf(node):
    wanted = {labels["run_id"] for _, labels, *_ in exemplars(node.exporter)}
    classic, native = set(), set()
    for name, _, histogram in pages.histograms(pages.fetch(node.exporter, "protobuf")[0]):
        if name == "image_canary_duration_seconds":
            classic |= {e["label"][0]["value"][0] for b in histogram["bucket"] for e in b["exemplar"]}
            native |= {e["label"][0]["value"][0] for e in histogram["exemplars"]}
            assert all(e["timestamp"] for e in histogram["exemplars"]) and len(histogram["exemplars"]) <= 10
    assert wanted == classic == native


def test_text_has_no_exemplars(node):
    assert b" # {" not in pages.fetch(node.exporter, "text")[0]


def exporter_of_one_run(lab, *args):
    """An exporter whose only probe has run once."""
    registry = lab.registry()
    reference = lab.maker.image().push(registry, "formats/one", "1")
    config = config_for(None, probe(reference, "a", engine="registry"), plain=registry.host,
                        containerd={"address": str(lab.temp / "none.sock")})
    exporter = run_once(lab, config, args=args)
    exporter.wait_for("image_canary_success", {"probe": "a"}, 1)
    return exporter


def test_created_lines_need_their_flag(lab):
    """Histograms have them. Counters of containerd do not, because their start is unknown."""
    exporter = exporter_of_one_run(lab, "--metrics.created-lines")
    families = openmetrics.read(pages.fetch(exporter, "openmetrics")[0])
    created = {s.name: s.value for f in families.values() for s in f.samples if s.name.endswith("_created")}
    assert "image_canary_duration_seconds_created" in created and b"_created" not in pages.fetch(exporter, "text")[0]
    now = time.time()
    assert all(now - 600 < value <= now for value in created.values())


# ---- Native histograms ----------------------------------------------------------------------------

def check_native(histogram):
    """That everything in it fits; gives its count. What containerd's API takes is counted in classic
    buckets only."""
    count = pages.only(histogram, "sample_count", 0)
    classic = [pages.only(bucket, "cumulative_count", 0) for bucket in histogram["bucket"]]
    assert classic == sorted(classic) and classic[-1] <= count
    if not pages.is_native(histogram):
        return count
    buckets = pages.populated(histogram)
    assert pages.only(histogram, "schema") == 3 and pages.only(histogram, "zero_threshold") == 2.0 ** -128
    assert not histogram["negative_span"] and not histogram["negative_delta"]
    assert sum(buckets.values()) + pages.only(histogram, "zero_count", 0) == count
    assert min(buckets.values(), default=1) >= 0
    assert 0 < pages.only(pages.only(histogram, "start_timestamp"), "seconds") <= time.time()
    return count


def test_native_histograms_are_in_protobuf(node):
    everything = pages.histograms(pages.fetch(node.exporter, "protobuf")[0])
    found = [(name, labels, check_native(histogram)) for name, labels, histogram in everything]
    assert {name for name, _, histogram in everything if pages.is_native(histogram)} == {
        "image_canary_duration_seconds", "image_canary_phase_duration_seconds"}
    assert {labels["probe"]: count for name, labels, count in found if name == "image_canary_duration_seconds"} == {
        "client": 1, "registry": 1, "missing": 1, "push": 1}


def test_native_histograms_agree_with_the_sum(node):
    """One observation: its value is the sum, and the bucket that has it is the right one."""
    for name, labels, histogram in pages.histograms(pages.fetch(node.exporter, "protobuf")[0]):
        if name == "image_canary_duration_seconds":
            (index,) = pages.populated(histogram)
            value = pages.only(histogram, "sample_sum")
            assert 2 ** ((index - 1) / 8) < value <= 2 ** (index / 8), labels


def test_native_histograms_can_be_turned_off(lab):
    exporter = exporter_of_one_run(lab, "--metrics.native-histograms=off")
    for _, _, histogram in pages.histograms(pages.fetch(exporter, "protobuf")[0]):
        assert histogram["bucket"]
        for field in ("schema", "zero_threshold", "positive_span", "positive_delta", "exemplars"):
            assert not histogram[field], field


def busy_probes(registry, reference, count):
    return [{"name": f"p{i}", "operation": "pull", "engine": "registry", "image": reference, "interval": "1s",
             "timeout": "5s"} for i in range(count)]


def test_native_histograms_are_consistent_during_runs(lab):
    registry = lab.registry()
    reference = lab.maker.image(size=1024).push(registry, "formats/busy", "1")
    exporter = lab.exporter({"containerd": {"address": str(lab.temp / "none.sock")},
                             "registries": {registry.host: {"plain_http": True}},
                             "probes": busy_probes(registry, reference, 8)})
    counts = collections.Counter()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and sum(counts.values()) < 30:
        page, _ = pages.fetch(exporter, "protobuf")
        for name, labels, histogram in pages.histograms(page):
            count = check_native(histogram)
            if name == "image_canary_duration_seconds":
                assert count >= counts[labels["probe"]], "a histogram went back"
                counts[labels["probe"]] = count
        pages.read("protobuf", page)
    assert sum(counts.values()) >= 30


# ---- What must not happen -------------------------------------------------------------------------

def names_of_series(page):
    """The part of each line before its value: what Prometheus remembers a series by."""
    return [line.rpartition(" # ")[0].rpartition(" ")[0] if " # {" in line else line.rpartition(" ")[0]
            for line in page.decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("kind", ["text", "openmetrics"])
def test_order_is_stable(node, kind):
    """What is there stays, in its order; what is measured for the first time comes between."""
    before = names_of_series(pages.fetch(node.exporter, kind)[0])
    same = 0
    for _ in range(500):
        now = names_of_series(pages.fetch(node.exporter, kind)[0])
        known = set(before)
        assert [name for name in now if name in known] == before
        same += now == before
        before = now
    assert same > 250, "few pages bring anything new"


def test_hostile_names_do_not_break_a_scrape(lab):
    containerd = lab.containerd()
    image = lab.maker.image()
    with Store(containerd, "hostile") as store:
        for blob in image.blobs.values():
            store.put(blob)
        digest = store.put(image.data)
        for name in pages.HOSTILE_NAMES:
            store.tag(name, {"mediaType": OCI["manifest"], "digest": digest, "size": len(image.data)})
        store.label({"hostile": 'v"\\\n'})
        exporter = lab.exporter({"containerd": {"address": containerd.address},
                                 "collectors": {"images": {"series": "all"}, "namespaces": {"labels": ["hostile"]}}})
        exporter.wait_for("containerd_images", {"namespace": "hostile"}, len(pages.HOSTILE_NAMES))
        for kind in pages.FORMATS:
            samples = pages.read(kind, pages.fetch(exporter, kind)[0])
            shown = [dict(labels) for _, labels in samples if dict(labels).get("namespace") == "hostile"]
            images = {labels["image"] for labels in shown if "image" in labels}
            assert len(images) == len(pages.HOSTILE_NAMES), images
            assert max(map(len, images)) <= 1024 and not any("\0" in name for name in images)


ANSWERS = {
    "utf8": b'{"errors":[{"code":"DENIED","message":"\xff\xfe"}]}',
    "signs": json.dumps({"errors": [{"code": 'X"\\\n}', "message": 'y"} 1\n# EOF\n'}]}).encode(),
    "long": json.dumps({"errors": [{"code": "Z" * 10240, "message": "z" * 10240}]}).encode(),
    "nul": b'{"errors":[{"code":"A\\u0000B","message":"\\u0000"}]}\0',
}


def test_hostile_responses_do_not_break_a_scrape(lab):
    registry = lab.fake_registry()
    probes = []
    for name, body in ANSWERS.items():
        registry.fault("status", path=f"/hostile/{name}/", status=403, body=body)
        registry.fault("status", path=f"/served/{name}/", status=200, body=body, headers={"X": "y"})
        for kind in ("hostile", "served"):
            probes.append(probe(f"{registry.address}/{kind}/{name}/image:1", f"{kind}-{name}", engine="registry",
                                timeout="10s"))
    exporter = run_once(lab, config_for(None, *probes, plain=registry.address,
                                        containerd={"address": str(lab.temp / "none.sock")}))
    for one in probes:
        exporter.wait_for("image_canary_success", {"probe": one["name"]}, 0, timeout=40)
    for kind in pages.FORMATS:
        samples = pages.read(kind, pages.fetch(exporter, kind)[0])
        reasons = {dict(labels)["reason"] for name, labels in samples if name == "image_canary_failure_reasons_total"}
        assert all(re.fullmatch("[a-z_]+", reason) for reason in reasons), reasons
    for one in probes:
        assert run_ids(exporter, one["name"])[1], "the history is JSON after every response of the registry"


def test_daemon_down_and_up_is_reported(lab):
    containerd = lab.containerd()
    exporter = lab.exporter({"containerd": {"address": containerd.address},
                             "collectors": {"daemon": {"interval": "1s"}, "images": {"interval": "1s"}}})
    exporter.wait_for("containerd_up", predicate=1)
    containerd.stop()
    exporter.wait_for("containerd_up", predicate=0)
    for kind in pages.FORMATS:
        samples = pages.read(kind, pages.fetch(exporter, kind)[0])
        assert samples[("containerd_up", frozenset())] == 0
        assert ("process_start_time_seconds", frozenset()) in samples
    pid = exporter.pid
    containerd.start()
    exporter.wait_for("containerd_up", predicate=1)
    assert exporter.alive and exporter.pid == pid


# ---- Parts of a page ------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", pages.FORMATS)
def test_name_parameter_selects_families(node, kind):
    body, _ = pages.fetch(node.exporter, kind, query="?name[]=containerd_up&name%5B%5D=image_canary_duration_seconds")
    names = {name for name, _ in pages.read(kind, body)}
    assert names == {"containerd_up", *(f"image_canary_duration_seconds_{part}" for part in ("bucket", "sum", "count"))}


def test_collect_parameter_selects_collectors(node):
    only = {name for name, _ in pages.read("text", pages.fetch(node.exporter, "text", query="?collect[]=daemon")[0])}
    rest = {name for name, _ in pages.read("text", pages.fetch(node.exporter, "text", query="?exclude[]=daemon")[0])}
    assert "containerd_up" in only and "containerd_images" not in only
    assert "containerd_up" not in rest and "containerd_images" in rest


@pytest.mark.parametrize("query", ["collect[]=daemon&exclude[]=images", "collect[]=nobody", "exclude[]=nobody"])
def test_rejects_wrong_parameters(node, query):
    status, _, body = node.exporter.get("/metrics?" + query)
    assert status == 400 and body


def test_values_are_equal_in_every_format(node):
    """Numbers that programs get wrong: large, small, exact."""
    samples = pages.read("text", pages.fetch(node.exporter, "text")[0])
    memory = samples[("process_virtual_memory_max_bytes", frozenset())]
    assert memory > 0 and not math.isnan(memory)
    starts = [pages.read(kind, pages.fetch(node.exporter, kind)[0])[("process_start_time_seconds", frozenset())]
              for kind in pages.FORMATS]
    assert all(a == b for a, b in itertools.pairwise(starts)) and abs(starts[0] - time.time()) < 3600


@pytest.mark.parametrize("kind", pages.FORMATS)
def test_unchanged_page_has_the_same_bytes(node, kind):
    query = "?collect[]=pull&name[]=image_canary_duration_seconds&name[]=image_canary_failure_reasons_total"
    first, _ = pages.fetch(node.exporter, kind, query=query)
    assert len(pages.read(kind, first)) > 30
    assert {pages.fetch(node.exporter, kind, query=query)[0] for _ in range(100)} == {first}


@pytest.mark.parametrize("kind", pages.FORMATS)
def test_run_on_demand_has_every_format(node, kind):
    status, headers, body = node.exporter.get("/probe?target=registry", headers={"Accept": pages.ACCEPTS[kind]}, timeout=30)
    assert status == 200 and headers["Content-Type"] == pages.content_type(kind)
    samples = pages.read(kind, body)
    assert samples[("probe_success", frozenset())] == 1 and samples[("probe_duration_seconds", frozenset())] > 0
    assert all(name.startswith("probe_") for name, _ in samples)


def test_promtool_accepts_a_run_on_demand(node):
    _, _, body = node.exporter.get("/probe?target=missing", timeout=30)
    done = subprocess.run([find("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_own_metrics_can_be_turned_off(lab):
    exporter = lab.exporter({"containerd": {"address": str(lab.temp / "none.sock")}},
                            args=["--web.disable-exporter-metrics"])
    for kind in pages.FORMATS:
        names = {name for name, _ in pages.read(kind, pages.fetch(exporter, kind)[0])}
        assert "containerd_up" in names and not [name for name in names if name.startswith(("process_", "promhttp_"))]


# ---- OpenMetrics 2.0 ------------------------------------------------------------------------------

COMPOSITE = re.compile(r"(?P<name>\w+)(\{.*?\})? \{count:(?P<count>\d+),sum:[^,]+,schema:(?P<schema>-?\d+),"
                       r"zero_threshold:(?P<threshold>[^,]+),zero_count:(?P<zero>\d+),positive_spans:\[(?P<spans>[^\]]*)\],"
                       r"positive_buckets:\[(?P<counts>[^\]]*)\],bucket:\[(?P<buckets>[^\]]*)\]\} st@[0-9.]+"
                       r"(?P<exemplar> # .*)?")


def test_openmetrics_2_needs_its_flag(lab):
    exporter = exporter_of_one_run(lab, "--metrics.experimental-openmetrics-2")
    asked = {"Accept": "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.5"}
    status, headers, body = exporter.get("/metrics", headers=asked)
    assert status == 200 and headers["Content-Type"] == pages.content_type("openmetrics", version="2.0.0")
    lines = body.decode().split("\n")
    assert lines[-2:] == ["# EOF", ""] and "# TYPE image_canary_attempts_total counter" in lines
    found = {}
    for line in (line for line in lines if re.match(r"image_canary_\w*duration_seconds[{ ].*count:", line)):
        part = COMPOSITE.fullmatch(line)
        counts = [int(count) for count in part["counts"].split(",")]
        assert (part["schema"], float(part["threshold"]), part["zero"]) == ("3", 2.0 ** -128, "0")
        assert sum(counts) == int(part["count"]) == int(part["buckets"].rpartition(",")[2].removeprefix("+Inf:"))
        assert sum(int(span.partition(":")[2]) for span in part["spans"].split(",")) == len(counts)
        found[part["name"]] = part["exemplar"]
    assert found.keys() == {"image_canary_duration_seconds", "image_canary_phase_duration_seconds"}
    assert re.fullmatch(r' # \{run_id="[0-9a-f]{16}"\} \S+ \S+', found["image_canary_duration_seconds"])

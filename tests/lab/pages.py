# SPDX-License-Identifier: Apache-2.0
"""Pages of metrics in any format, and what they say: {(sample, frozenset of labels): value}, histograms as
buckets, sum and count. Every format has its own reader here, none of them the exporter's:
Prometheus' Python parser, openmetrics.py, and protoc with metrics.proto.
"""
import collections
import gzip
import math
import pathlib
import re
import subprocess

from lab import openmetrics

# What servers really send: reference of the formats, section 1.1.
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_2_NATIVE = (f"{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;"
                       "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping={0};q=0.6,application/openmetrics-text;"
                "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping={0};q=0.4,text/plain;version=0.0.4;q=0.3,"
                "*/*;q=0.2")
PROMETHEUS_3_NATIVE = (f"{PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                       "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
                       "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1")
PROMETHEUS_3_TEXT = "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"

ACCEPTS = {"text": "text/plain;version=0.0.4", "openmetrics": "application/openmetrics-text;version=1.0.0",
           "protobuf": PROTOBUF}
FORMATS = tuple(ACCEPTS)


# Names of images, as containerd 1.6 takes them.
HOSTILE_NAMES = [b"quote\"backslash\\brace}", b"line\nfeed\r\n\ttab", b"nul\0byte", b"invalid\xff\xfeutf8", b"cut\xe2\x82",
                 b"surrogate\xed\xa0\x80", b"long" + b"x" * 10240, b"# EOF\n", "😀 e\u0301 \u202e".encode(), b'{le="1"}']


def content_type(kind, escaping="underscores", version=None):
    if kind == "protobuf":
        head = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    elif kind == "openmetrics":
        head = f"application/openmetrics-text; version={version or '1.0.0'}; charset=utf-8"
    else:
        head = "text/plain; version=0.0.4; charset=utf-8"
    return f"{head}; escaping={escaping}"


def fetch(exporter, kind, compressed=False, query=""):
    """The body of a page, and its headers."""
    headers = {"Accept": ACCEPTS[kind]}
    if compressed:  # the exporter compresses on loopback only for clients behind a proxy
        headers.update({"Accept-Encoding": "gzip", "X-Forwarded-For": "192.0.2.1"})
    status, answer, body = exporter.get("/metrics" + query, headers=headers)
    assert status == 200, (status, body[:300])
    assert answer["Content-Type"].partition(";")[0] == content_type(kind).partition(";")[0]
    if answer["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    return body, answer


def read(kind, body):
    return {"text": read_text, "openmetrics": read_openmetrics, "protobuf": read_protobuf}[kind](body)


def add(samples, name, labels, value):
    key = (name, frozenset(labels.items()))
    assert key not in samples, f"{key} twice"
    samples[key] = value


def read_text(body):
    from prometheus_client.parser import text_string_to_metric_families
    samples = {}
    assert body.endswith(b"\n")
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            assert sample.timestamp is None
            add(samples, sample.name, sample.labels, sample.value)
    return samples


def read_openmetrics(body):
    samples = {}
    for family in openmetrics.read(body).values():
        for sample in family.samples:
            assert sample.timestamp is None
            add(samples, sample.name, sample.labels, sample.value)
    return samples


# ---- protobuf ---------------------------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def messages(body):
    """The messages of a delimited page, each as bytes."""
    at = 0
    while at < len(body):
        size, at = varint(body, at)
        assert at + size <= len(body), "a message is cut off"
        yield body[at:at + size]
        at += size


def to_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


TOKEN = re.compile(r'\s*(?:(?P<close>\})|(?P<name>\w+)(?:\s*(?P<open>\{)|:\s*'
                   r'(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<plain>\S+))))')
ESCAPE = re.compile(rb"\\([0-7]{1,3}|[nrt\"'\\])")
SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unescape(text):
    def one(found):
        sign = found[1]
        return bytes([int(sign, 8)]) if sign.isdigit() else SIGNS.get(sign, sign)
    return ESCAPE.sub(one, text.encode()).decode("utf-8")


def scalar(text):
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text  # a name of an enum


def tree(text):
    """Of protoc's text format: {field: [values]}."""
    root = collections.defaultdict(list)
    stack, at = [root], 0
    text = text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, text[at:at + 80]
        at = found.end()
        if found["close"]:
            stack.pop()
        elif found["open"]:
            child = collections.defaultdict(list)
            stack[-1][found["name"]].append(child)
            stack.append(child)
        else:
            value = scalar(found["plain"]) if found["plain"] else unescape(found["text"])
            stack[-1][found["name"]].append(value)
    return root


def decode(body):
    """The families of a page as trees."""
    page = b"".join(b"\x0a" + to_varint(len(message)) + message for message in messages(body))
    schema = pathlib.Path(__file__).with_name("metrics.proto")
    done = subprocess.run(["protoc", f"--proto_path={schema.parent}", "--decode=Page", schema.name], input=page,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("utf-8")
    unknown = re.search(r"^\s*\d+[:\s].*$", text, re.MULTILINE)
    assert not unknown, f"a field that is not in metrics.proto: {unknown[0]}"
    return tree(text)["family"]


def only(node, field, default=None):
    values = node[field]
    assert len(values) <= 1, f"{field} {len(values)} times"
    return values[0] if values else default


def labels_of(metric):
    found = {only(pair, "name"): only(pair, "value", "") for pair in metric["label"]}
    assert len(found) == len(metric["label"]), found
    return found


def populated(histogram):
    """{index: count} of the native buckets."""
    index, count, deltas, found = 0, 0, iter(histogram["positive_delta"]), {}
    for span in histogram["positive_span"]:
        index += only(span, "offset", 0)
        for _ in range(only(span, "length", 0)):
            count += next(deltas)
            found[index] = count
            index += 1
    assert next(deltas, None) is None, "more deltas than spans have room for"
    return found


def read_protobuf(body):
    samples = {}
    for family in decode(body):
        name = only(family, "name")
        assert only(family, "type") and family["metric"], f"{name}: no type, or no metric"
        for metric in family["metric"]:
            labels = labels_of(metric)
            value = only(metric, "histogram")
            if value is None:
                (value,) = metric["gauge"] + metric["counter"] + metric["untyped"]
                add(samples, name, labels, only(value, "value", 0))
                continue
            for bucket in value["bucket"]:
                le = openmetrics.canonical(only(bucket, "upper_bound", 0))
                add(samples, name + "_bucket", {**labels, "le": le}, only(bucket, "cumulative_count", 0))
            count = only(value, "sample_count", 0)
            samples.setdefault((name + "_bucket", frozenset({**labels, "le": "+Inf"}.items())), count)
            add(samples, name + "_sum", labels, only(value, "sample_sum", 0))
            add(samples, name + "_count", labels, count)
    return samples


def histograms(body):
    """[(name, labels, histogram)] of a protobuf page."""
    return [(only(family, "name"), labels_of(metric), metric["histogram"][0])
            for family in decode(body) for metric in family["metric"] if metric["histogram"]]


def is_native(histogram):
    """Whether Prometheus reads it as a native histogram."""
    return bool(histogram["positive_span"] or only(histogram, "zero_threshold", 0) or only(histogram, "zero_count", 0))


def equal(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))

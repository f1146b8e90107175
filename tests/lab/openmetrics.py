# SPDX-License-Identifier: Apache-2.0
"""OpenMetrics 1.0, read strictly: what the specification only recommends is a rule here, too, and so
is what Prometheus refuses a whole page for. Nothing is repaired and nothing is guessed.

    families = openmetrics.read(body)      # of bytes; raises Malformed, with the number of the line

What is stricter than the specification: TYPE, UNIT, HELP in this order and none twice, every sample has a
TYPE, names are lower case without a colon, no family is empty, and `le` has its canonical form.
"""
import decimal
import math
import re

SUFFIXES = {"counter": ("_total", "_created"), "gauge": ("",), "unknown": ("",), "info": ("_info",), "stateset": ("",),
            "histogram": ("_bucket", "_sum", "_count", "_created"),
            "gaugehistogram": ("_bucket", "_gsum", "_gcount"), "summary": ("", "_sum", "_count", "_created")}
EXEMPLARS_ON = {("counter", "_total"), ("histogram", "_bucket"), ("gaugehistogram", "_bucket")}
EXEMPLAR_RUNES = 128
KEYWORDS = ("TYPE", "UNIT", "HELP")

NAME = re.compile(r"[a-z][a-z0-9_]*")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN|[+-]Inf")
QUOTED = re.compile(r'"((?:[^"\\\n]|\\[\\"n])*)"')
HELP = re.compile(r'(?:[^"\\]|\\[\\"n])*')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Malformed(ValueError):
    def __init__(self, number, line, why):
        super().__init__(f"line {number}: {why}: {line[:200]!r}")


class Sample:
    def __init__(self, name, labels, text, timestamp, exemplar):
        self.name, self.labels, self.text = name, labels, text
        self.timestamp, self.exemplar = timestamp, exemplar  # exemplar: (labels, value, timestamp or None)
        self.value = number(text)


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.said, self.samples = [], []


def number(text):
    return float(text.replace("Inf", "inf").replace("NaN", "nan"))


def canonical(value):
    """A bound as `le` has it: the fewest digits, with a point or an exponent, as Go writes them."""
    if value in (math.inf, 0):
        return "+Inf" if value else "0.0"
    digits, exponent = f"{decimal.Decimal(repr(float(value))).normalize():e}".split("e")
    if -4 <= int(exponent) < 6:
        return repr(float(value))
    return f"{digits}e{int(exponent):+03d}"


def unescape(text):
    return re.sub(r'\\[\\"n]', lambda found: ESCAPES[found[0]], text)


class Line:
    """One line, eaten from the left."""

    def __init__(self, count, text):
        self.count, self.text, self.at = count, text, 0

    def fail(self, why):
        raise Malformed(self.count, self.text, why)

    def eat(self, pattern, what):
        found = pattern.match(self.text, self.at)
        if not found:
            self.fail(f"{what} expected at column {self.at + 1}")
        self.at = found.end()
        return found

    def has(self, word):
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        return False

    def need(self, word):
        if not self.has(word):
            self.fail(f"{word!r} expected at column {self.at + 1}")

    def end(self):
        return self.at == len(self.text)

    def labels(self):
        """Those behind a `{` that is eaten already."""
        found = {}
        while not self.has("}"):
            if found:
                self.need(",")
            name = self.eat(NAME, "a label")[0]
            self.need("=")
            if name in found:
                self.fail(f"label {name} twice")
            found[name] = unescape(self.eat(QUOTED, "a quoted value")[1])
        return found

    def number(self, what):
        return self.eat(NUMBER, what)[0]


def read_exemplar(line):
    line.need("{")
    labels = line.labels()
    line.need(" ")
    value = line.number("an exemplar's value")
    if sum(len(name) + len(text) for name, text in labels.items()) > EXEMPLAR_RUNES:
        line.fail("an exemplar's labels are too long")
    timestamp = number(line.number("a timestamp")) if line.has(" ") else None
    return labels, number(value), timestamp


def read_sample(line):
    name = line.eat(NAME, "a name")[0]
    labels = line.labels() if line.has("{") else {}
    line.need(" ")
    text = line.number("a value")
    timestamp = exemplar = None
    if not line.end() and not line.text.startswith(" # ", line.at):
        line.need(" ")
        timestamp = number(line.number("a timestamp"))
    if line.has(" # "):
        exemplar = read_exemplar(line)
    if not line.end():
        line.fail(f"something follows at column {line.at + 1}")
    return Sample(name, labels, text, timestamp, exemplar)


class Reader:
    def __init__(self):
        self.families, self.names, self.points = {}, {}, set()
        self.family = None

    def metadata(self, line):
        line.need("# ")
        keyword = line.eat(re.compile("|".join(KEYWORDS)), "TYPE, UNIT, HELP or EOF")[0]
        line.need(" ")
        name = line.eat(NAME, "a name")[0]
        line.need(" ")
        rest = line.text[line.at:]
        if not self.family or self.family.name != name:
            self.begin(line, name)
        family = self.family
        if family.samples or (family.said and KEYWORDS.index(keyword) <= KEYWORDS.index(family.said[-1])):
            line.fail(f"{keyword} of {name} out of place")
        family.said.append(keyword)
        getattr(self, "read_" + keyword.lower())(line, family, rest)

    def begin(self, line, name):
        self.finish(line)
        if name in self.families:
            line.fail(f"family {name} comes again")
        self.family = self.families[name] = Family(name)

    def read_type(self, line, family, rest):
        if rest not in SUFFIXES:
            line.fail(f"no type {rest}")
        family.type = rest
        for suffix in SUFFIXES[rest] + ("",):
            other = self.names.setdefault(family.name + suffix, family.name)
            if other != family.name:
                line.fail(f"{family.name}{suffix} could be of {other}, too")
        if family.type == "counter" and family.name.endswith("_total"):
            line.fail("a counter's metadata has its name without _total")

    @staticmethod
    def read_unit(line, family, rest):
        if not NAME.fullmatch(rest) or not family.name.endswith("_" + rest) or family.type in ("info", "stateset"):
            line.fail(f"{family.name} has no unit {rest}")
        family.unit = rest

    @staticmethod
    def read_help(line, family, rest):
        if not HELP.fullmatch(rest):
            line.fail("a help text with a bad escape, or with a bare quote")
        family.help = unescape(rest)

    def sample(self, line):
        sample = read_sample(line)
        family = self.family
        if not family or not family.type:
            line.fail(f"{sample.name} has no TYPE before it")
        suffix = sample.name[len(family.name):]
        if not sample.name.startswith(family.name) or suffix not in SUFFIXES[family.type]:
            line.fail(f"{sample.name} is no sample of the {family.type} {family.name}")
        if sample.exemplar and (family.type, suffix) not in EXEMPLARS_ON:
            line.fail("an exemplar where none may be")
        point = (sample.name, frozenset(sample.labels.items()))
        if point in self.points:
            line.fail("the same sample twice")
        self.points.add(point)
        check_value(line, family, suffix, sample)
        family.samples.append(sample)

    def finish(self, line):
        if not self.family:
            return
        if not self.family.samples:
            line.fail(f"{self.family.name} has no sample")
        check_together(line, self.family)


def check_value(line, family, suffix, sample):
    if ("le" in sample.labels) != (suffix == "_bucket"):
        line.fail("le belongs on buckets, and every bucket has one")
    if suffix == "_bucket" and canonical(number_or_fail(line, sample.labels["le"])) != sample.labels["le"]:
        line.fail("le is not in its canonical form")
    if suffix in ("_bucket", "_count", "_gcount") and not re.fullmatch("[0-9]+", sample.text):
        line.fail("a count is a whole number")
    if suffix in ("_total", "_created") and not 0 <= sample.value < math.inf:
        line.fail("a counter does not go below zero")
    if family.type == "info" and sample.value != 1:
        line.fail("an info is 1")


def number_or_fail(line, text):
    if not NUMBER.fullmatch(text):
        line.fail(f"{text!r} is no number")
    return number(text)


def identity(sample):
    return frozenset((name, value) for name, value in sample.labels.items() if name != "le")


def check_together(line, family):
    """That label sets do not interleave, and that the samples of a histogram fit each other."""
    groups, last = {}, None
    for sample in family.samples:
        key = identity(sample)
        if key != last and key in groups:
            line.fail(f"label sets of {family.name} are interleaved")
        groups.setdefault(key, []).append(sample)
        last = key
    if family.type == "histogram":
        for samples in groups.values():
            check_histogram(line, family, samples)


def check_histogram(line, family, samples):
    buckets = [s for s in samples if s.name.endswith("_bucket")]
    bounds = [number(s.labels["le"]) for s in buckets]
    counts = [s.value for s in buckets]
    single = {s.name[len(family.name):]: s.value for s in samples if s not in buckets}
    if samples[:len(buckets)] != buckets:
        line.fail(f"{family.name}: a bucket behind the sum or the count")
    if not bounds or bounds[-1] != math.inf or any(a >= b for a, b in zip(bounds, bounds[1:])):
        line.fail(f"{family.name}: buckets have to ascend to +Inf")
    if any(a > b for a, b in zip(counts, counts[1:])):
        line.fail(f"{family.name}: buckets are cumulative")
    if single.get("_count") != counts[-1] or not single.get("_sum", -1) >= 0:
        line.fail(f"{family.name}: count and sum do not fit the buckets")
    for low, sample in zip([-math.inf] + bounds, buckets):
        if sample.exemplar and not low < sample.exemplar[1] <= number(sample.labels["le"]):
            line.fail(f"{family.name}: an exemplar of another bucket")


def read(body):
    """{name: Family} in the order of the page."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(0, "", str(error)) from None
    if not text.endswith("# EOF\n"):
        raise Malformed(text.count("\n"), text[-40:], "the page does not end with # EOF and a line feed")
    reader, line = Reader(), None
    lines = text[:-1].split("\n")
    for count, content in enumerate(lines, 1):
        line = Line(count, content)
        if content == "# EOF":
            if count != len(lines):
                line.fail("something follows # EOF")
        elif content.startswith("#"):
            reader.metadata(line)
        else:
            reader.sample(line)
    reader.finish(line)
    return reader.families

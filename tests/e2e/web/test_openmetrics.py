# SPDX-License-Identifier: Apache-2.0
"""That our own reader of OpenMetrics refuses what is wrong: a checker that accepts everything proves nothing."""
import pytest

from lab import openmetrics

pytestmark = pytest.mark.unprivileged

GOOD = """\
# TYPE a_seconds histogram
# UNIT a_seconds seconds
# HELP a_seconds A \\"quoted\\" word, a \\\\ and a line\\nfeed.
a_seconds_bucket{p="x\\"\\\\\\n",le="0.5"} 1
a_seconds_bucket{p="x\\"\\\\\\n",le="30.0"} 2 # {run_id="r1"} 12.5 1520430000.123
a_seconds_bucket{p="x\\"\\\\\\n",le="+Inf"} 3 # {} 31.0
a_seconds_sum{p="x\\"\\\\\\n"} 44.25
a_seconds_count{p="x\\"\\\\\\n"} 3
a_seconds_created{p="x\\"\\\\\\n"} 1520430000.5
# TYPE b counter
# HELP b Things.
b_total{c="1"} 17.0 # {run_id="r2"} 1.0
b_total{c="2"} 0
# TYPE c gauge
# HELP c Any.
c -1e-05
c{d="e"} NaN
c{d="f"} +Inf
# TYPE build info
# HELP build What.
build_info{version="1.0"} 1
# EOF
"""

# A rule, and a change of the good page that breaks it.
WRONG = {
    "no EOF": ("# EOF\n", ""),
    "no last line feed": ("# EOF\n", "# EOF"),
    "EOF twice": ("# EOF\n", "# EOF\n# EOF\n"),
    "data behind EOF": ("# EOF\n", "# EOF\nz 1\n"),
    "empty line behind EOF": ("# EOF\n", "# EOF\n\n"),
    "empty line": ("# TYPE b counter\n", "\n# TYPE b counter\n"),
    "comment": ("# TYPE b counter\n", "# a comment\n# TYPE b counter\n"),
    "carriage return": ("c -1e-05\n", "c -1e-05\r\n"),
    "double space": ("c -1e-05\n", "c  -1e-05\n"),
    "space at the end": ("c -1e-05\n", "c -1e-05 \n"),
    "space at the begin": ("c -1e-05\n", " c -1e-05\n"),
    "tab": ("c -1e-05\n", "c\t-1e-05\n"),
    "space behind a comma": (',le="0.5"', ', le="0.5"'),
    "comma at the end": (',le="0.5"}', ',le="0.5",}'),
    "two spaces in TYPE": ("# TYPE b counter", "# TYPE  b counter"),
    "untyped": ("# TYPE c gauge", "# TYPE c untyped"),
    "no such type": ("# TYPE c gauge", "# TYPE c Gauge"),
    "no TYPE": ("# TYPE c gauge\n", ""),
    "TYPE twice": ("# TYPE c gauge\n", "# TYPE c gauge\n# TYPE c gauge\n"),
    "TYPE behind the samples": ("# TYPE c gauge\n# HELP c Any.\nc -1e-05\n", "c -1e-05\n# TYPE c gauge\n# HELP c Any.\n"),
    "HELP before TYPE": ("# TYPE c gauge\n# HELP c Any.\n", "# HELP c Any.\n# TYPE c gauge\n"),
    "HELP behind a sample": ("# HELP c Any.\nc -1e-05\n", "c -1e-05\n# HELP c Any.\n"),
    "HELP with a bare quote": ("Any.", 'An "y".'),
    "HELP with a bad escape": ("Any.", "An\\y."),
    "unit that is no suffix": ("# UNIT a_seconds seconds", "# UNIT a_seconds bytes"),
    "unit that is half a word": ("# UNIT a_seconds seconds", "# UNIT a_seconds econds"),
    "unit of an info": ("# TYPE build info\n", "# TYPE build info\n# UNIT build build\n"),
    "TYPE with _total": ("# TYPE b counter\n# HELP b ", "# TYPE b_total counter\n# HELP b_total "),
    "counter without _total": ('b_total{c="2"} 0', 'b{c="2"} 0'),
    "negative counter": ('b_total{c="2"} 0', 'b_total{c="2"} -1'),
    "counter that is no number": ('b_total{c="2"} 0', 'b_total{c="2"} NaN'),
    "info that is not one": ('build_info{version="1.0"} 1', 'build_info{version="1.0"} 2'),
    "gauge with a suffix": ('c{d="e"} NaN', 'c_total{d="e"} NaN'),
    "family twice": ("# EOF\n", "# TYPE c gauge\n# HELP c Any.\nc{x=\"y\"} 1\n# EOF\n"),
    "families that clash": ("# EOF\n", "# TYPE b_created gauge\n# HELP b_created Any.\nb_created 1\n# EOF\n"),
    "family without samples": ("c -1e-05\nc{d=\"e\"} NaN\nc{d=\"f\"} +Inf\n", ""),
    "sample of another family": ("c -1e-05\n", "c -1e-05\nb_total{c=\"3\"} 1\n"),
    "sample twice": ("c -1e-05\n", "c -1e-05\nc 2\n"),
    "label twice": ('c{d="e"}', 'c{d="e",d="e"}'),
    "label named __name__": ('c{d="e"}', 'c{__name__="e"}'),
    "label in capitals": ('c{d="e"}', 'c{D="e"}'),
    "name in quotes": ('c{d="e"}', '{"c",d="e"}'),
    "value with a bad escape": ('c{d="e"}', 'c{d="\\d"}'),
    "value without quotes": ('c{d="e"}', "c{d=e}"),
    "raw line feed in a value": ('c{d="e"}', 'c{d="e\n"}'),
    "hexadecimal": ("c -1e-05", "c 0x1p3"),
    "underscore in a number": ("c -1e-05", "c 1_000"),
    "decimal comma": ("c -1e-05", "c 0,1"),
    "inf in other letters": ('c{d="f"} +Inf', 'c{d="f"} inf'),
    "exemplar on a gauge": ("c -1e-05", 'c -1e-05 # {run_id="x"} 1'),
    "exemplar on a count": ('a_seconds_count{p="x\\"\\\\\\n"} 3', 'a_seconds_count{p="x\\"\\\\\\n"} 3 # {r="x"} 1'),
    "exemplar without a value": ("# {} 31.0", "# {}"),
    "exemplar without labels": ("# {} 31.0", "# 31.0"),
    "exemplar that is too long": ("# {} 31.0", '# {r="' + "x" * 128 + '"} 31.0'),
    "exemplar of another bucket": ("# {} 31.0", "# {} 29.0"),
    "buckets out of order": ('le="30.0"', 'le="0.25"'),
    "bucket twice": ('le="30.0"', 'le="0.5"'),
    "no +Inf": ('le="+Inf"', 'le="60.0"'),
    "buckets that shrink": ('le="30.0"} 2', 'le="30.0"} 4'),
    "count that is another": ('a_seconds_count{p="x\\"\\\\\\n"} 3', 'a_seconds_count{p="x\\"\\\\\\n"} 4'),
    "negative sum": ("44.25", "-44.25"),
    "le that is whole": ('le="30.0"', 'le="30"'),
    "le with more digits": ('le="0.5"', 'le="0.50"'),
    "le on a sum": ('a_seconds_sum{p="x\\"\\\\\\n"}', 'a_seconds_sum{p="x\\"\\\\\\n",le="1.0"}'),
    "bucket with half a count": ('le="0.5"} 1', 'le="0.5"} 1.5'),
    "text behind a sample": ("c -1e-05\n", "c -1e-05 1520430000 x\n"),
}


def test_reads_a_valid_page():
    families = openmetrics.read(GOOD.encode())
    assert list(families) == ["a_seconds", "b", "c", "build"]
    first = families["a_seconds"]
    assert first.unit == "seconds" and first.help == 'A "quoted" word, a \\ and a line\nfeed.'
    assert first.samples[1].labels == {"p": 'x"\\\n', "le": "30.0"}
    assert first.samples[1].exemplar == ({"run_id": "r1"}, 12.5, 1520430000.123)


@pytest.mark.parametrize("rule", WRONG)
def test_rejects_an_invalid_page(rule):
    before, after = WRONG[rule]
    assert before in GOOD
    with pytest.raises(openmetrics.Malformed):
        openmetrics.read(GOOD.replace(before, after, 1).encode())


def test_rejects_interleaved_label_sets():
    page = "# TYPE a histogram\n# HELP a A.\n" + "".join(
        f'a_{part}{{p="{p}"{le}}} 1\n' for part, le in (("bucket", ',le="+Inf"'), ("sum", ""), ("count", "")) for p in "xy")
    with pytest.raises(openmetrics.Malformed, match="interleaved"):
        openmetrics.read((page + "# EOF\n").encode())


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_rejects_bytes_that_are_not_utf_8(bad):
    with pytest.raises(openmetrics.Malformed):
        openmetrics.read(GOOD.encode().replace(b'd="e"', b'd="' + bad + b'"'))


@pytest.mark.parametrize("value, text", [(30, "30.0"), (0.1, "0.1"), (1e6, "1e+06"), (2932656, "2.932656e+06"), (0, "0.0"),
                                         (604167, "604167.0"), (1e-5, "1e-05"), (float("inf"), "+Inf"), (600, "600.0")])
def test_bounds_have_one_form(value, text):
    assert openmetrics.canonical(value) == text

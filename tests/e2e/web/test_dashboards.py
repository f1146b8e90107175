# SPDX-License-Identifier: Apache-2.0
"""What users install for Prometheus and Grafana, run against real Prometheus servers that scrape the
real exporter: a metric that is renamed, or never appears, fails here. The first half are the rules of
Grafana's own dashboard-linter, without Grafana.
"""
import itertools
import json
import re
import subprocess
import time

import pytest
import yaml

from lab.network import http_request
from lab.programs import ROOT, exporter_binary, find, prometheus_folder
from lab.wait import LabError, wait_until

DASHBOARD = json.loads((ROOT / "dashboards/overview.json").read_text(encoding="utf-8"))
RULES = ROOT / "dashboards/rules.yml"
N_RULES = 10
VARIABLES = {"$__rate_interval": "10s", "$__range": "1m", "$job": ".+", "$instance": ".+", "$probe": ".+"}
NUMBERS = ("stat", "timeseries", "table", "gauge", "state-timeline", "heatmap")  # panels that show some
UNITS = {"s", "bytes", "percentunit", "short", "ops", "reqps", "dateTimeFromNow", "bool_on_off", "none", "cps"}
SELECTOR = re.compile(r"([a-z_:]+)\{([^}]*)\}")
# Metrics of optional settings, which the servers of these tests do not have.
MAY_BE_EMPTY = ("containerd_exporter_web_config_last_reload_successful",)


def panels(of):
    for panel in of.get("panels", []):
        yield panel
        yield from panels(panel)


PANELS = [panel for panel in panels(DASHBOARD) if panel["type"] != "row"]
TARGETS = [(panel, target["expr"]) for panel in PANELS for target in panel["targets"]]


def substituted(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def promtool(*args):
    return subprocess.run([find("promtool"), *map(str, args)], capture_output=True, text=True, check=False)


@pytest.mark.unprivileged
def test_promtool_accepts_the_rules():
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unprivileged
def test_rules_fire_as_their_tests_say():
    done = promtool("test", "rules", ROOT / "dashboards/rules_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unprivileged
def test_rules_have_severity_summary_and_description():
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert len(rules) == N_RULES
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"].keys() >= {"summary", "description"} and rule["for"], rule


@pytest.mark.unprivileged
def test_rules_and_panels_name_metrics_that_exist():
    """What looks like a metric of ours is one of this build."""
    reference = subprocess.run([exporter_binary(), "metrics"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"\b(?:containerd|image|process|promhttp)_[a-z0-9_]+", reference))
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    expressions = [rule["expr"] for group in rules for rule in group["rules"]] + [expression for _, expression in TARGETS]
    for expression in expressions:
        for name in re.findall(r"\b((?:containerd|image|process|promhttp)_[a-z0-9_]+)\s*\{", expression):
            assert name in known or re.sub("_(bucket|sum|count)$", "", name) in known, name


# ---- The rules of dashboard-linter ------------------------------------------------------------------

@pytest.mark.unprivileged
def test_template_datasource_rule():
    first = DASHBOARD["templating"]["list"][0]
    assert (first["type"], first["name"], first["label"], first["query"]) == (
        "datasource", "datasource", "Data source", "prometheus")


@pytest.mark.unprivileged
@pytest.mark.parametrize("name", ["job", "instance", "probe"])
def test_template_job_and_instance_rule(name):
    (variable,) = (v for v in DASHBOARD["templating"]["list"] if v["name"] == name)
    assert variable["type"] == "query" and variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert variable["label"] == name.title() and variable["multi"] and variable["includeAll"]
    assert variable["allValue"] == ".+"


@pytest.mark.unprivileged
def test_template_label_promql_rule():
    for variable in queries():
        assert re.fullmatch(r"(label_names|label_values|metrics|query_result)\(.+\)", variable["query"]["query"])
        assert variable["query"]["query"] == variable["definition"]


@pytest.mark.unprivileged
def test_template_on_time_change_reload_rule():
    assert len(queries()) == 3 and all(variable["refresh"] == 2 for variable in queries())


@pytest.mark.unprivileged
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_rules(panel):
    """panel-datasource, panel-title-description, panel-units, panel-no-targets."""
    assert panel["type"] in NUMBERS and panel["title"] and panel["description"].endswith(".")
    assert panel["targets"]
    for owner in (panel, *panel["targets"]):
        assert owner["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    names = [target["refId"] for target in panel["targets"]]
    assert len(names) == len(set(names))


@pytest.mark.unprivileged
@pytest.mark.parametrize("panel, expression", TARGETS, ids=[f"{p['id']}-{i}" for i, (p, _) in enumerate(TARGETS)])
def test_target_rules(panel, expression):
    """target-rate-interval, target-job, target-instance, target-counter-agg; target-promql is asked of
    servers below."""
    for function, range_ in re.findall(r"\b(rate|irate|increase)\([^\[\]]*\[([^\]]+)\]", expression):
        assert range_ == "$__rate_interval" or function == "increase", panel["title"]
    assert len(re.findall(r"\[", expression)) == len(re.findall(r"\b(?:rate|irate|increase)\(", expression))
    selectors = list(SELECTOR.finditer(expression))
    assert selectors, expression
    for found in selectors:
        assert 'job=~"$job"' in found[2] and 'instance=~"$instance"' in found[2], panel["title"]
        if found[1].endswith("_total"):
            assert re.search(r"\b(rate|irate|increase)\($", expression[:found.start()]), found[0]
    assert "$" not in substituted(expression)


@pytest.mark.unprivileged
def test_uneditable_dashboard_rule():
    assert DASHBOARD["editable"] is False


# ---- Rules of our own -------------------------------------------------------------------------------

@pytest.mark.unprivileged
def test_queries_support_classic_and_native_histograms():
    """Native, or else classic; exemplars where time is on the axis."""
    for panel, expression in TARGETS:
        if "_bucket{" not in expression and "histogram_" not in expression:
            continue
        native, _, classic = expression.partition(" or ")
        assert "_bucket{" in classic or "_sum{" in classic, panel["title"]
        assert "_bucket{" not in native and "_sum{" not in native and "_count{" not in native, panel["title"]
        if "image_canary" in expression and "histogram_quantile" in expression:
            assert panel["targets"][0]["exemplar"] is True, panel["title"]


@pytest.mark.unprivileged
def test_dashboard_is_well_formed():
    everything = list(panels(DASHBOARD))
    ids = [panel["id"] for panel in everything]
    assert len(ids) == len(set(ids))
    assert [v["name"] for v in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance", "probe", "scheme"]
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
    for one, two in itertools.combinations(everything, 2):
        a, b = one["gridPos"], two["gridPos"]
        apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or
                 a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
        assert apart, (one["title"], two["title"])


def queries():
    return [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]


def links():
    """[(panel, address)] of what leads out of the dashboard."""
    found = []
    for panel in PANELS:
        fields = panel["fieldConfig"]
        properties = [{"id": name, "value": value} for name, value in fields["defaults"].items()]
        properties += [each for override in fields["overrides"] for each in override["properties"]]
        found += [(panel, link["url"]) for each in properties if each["id"] == "links" for link in each["value"]]
    return found


# ---- Against real servers -----------------------------------------------------------------------------

SERVERS = [(version, mode) for version in ("2", "3") for mode in ("classic", "native")]
FEATURES = {"classic": (), "native": ("native-histograms", "exemplar-storage")}


@pytest.fixture(scope="module", name="exporter")
def node(module_lab):
    """A node with everything the dashboard shows: probes that succeed and one that fails, images
    whole and damaged, a containerd that was away, and a while of scrapes."""
    maker = module_lab.maker
    containerd, registry = module_lab.containerd(), module_lab.registry()
    image = maker.image(layers=2)
    reference = image.push(registry, "dashboards/two-layers", "1")
    maker.image().load(containerd, "dashboards", "example.org/whole:1")
    damaged = maker.image()
    damaged.load(containerd, "dashboards", "example.org/damaged:1", unpack=False)
    containerd.remove_blob(damaged.layers[1].digest, "dashboards")
    probe = {"engine": "client", "interval": "2s", "timeout": "20s"}
    containerd.stop()
    exporter = module_lab.exporter({
        "containerd": {"address": containerd.address},
        "collectors": {"images": {"interval": "1s"}},
        "registries": {registry.host: {"plain_http": True}},
        "probes": [
            {"name": "pull", "operation": "pull", "image": reference, "expected": {"digest": image.digest}, **probe},
            {"name": "missing", "operation": "pull", "image": f"{registry.host}/dashboards/two-layers:none", **probe},
            {"name": "push", "operation": "push", "image": f"{registry.host}/dashboards/push:probe",
             "content": {"layers": 1, "size": "64KiB"}, **probe}]})
    exporter.wait_for("containerd_up", predicate=0)  # a containerd that is away: calls that fail
    containerd.start()
    exporter.wait_for("containerd_up", predicate=1)
    return exporter


@pytest.fixture(scope="module", name="world", params=SERVERS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def server(request, module_lab, exporter):
    """That node in each Prometheus, after a while of scrapes."""
    version, mode = request.param
    try:
        prometheus_folder(version)
    except LabError as error:
        pytest.skip(f"PROMETHEUS {version} IS NOT TESTED: {error}")
    prometheus = module_lab.prometheus({"containerd_exporter": exporter.address}, rules=[RULES], version=version,
                                       features=FEATURES[mode])
    for name in ("pull", "push", "missing"):
        wait_until(lambda n=name: prometheus.query(
            f'increase(image_canary_attempts_total{{probe="{n}"}}[1m]) > 1'), 90, f"probe {name} in Prometheus")
    wait_until(lambda: prometheus.query('increase(image_canary_failure_reasons_total{reason="not_found"}[1m]) > 0'),
               60, "a failure in Prometheus")
    yield prometheus
    prometheus.close()


def test_server_stores_the_expected_histograms(world, request):
    native = "native" in request.node.callspec.id
    wait_until(lambda: world.query("histogram_count(image_canary_duration_seconds)" if native else
                                   "image_canary_duration_seconds_count"), 20, "histograms")
    assert bool(world.query("image_canary_duration_seconds_bucket")) != native


def asked(world, expression):
    """The result of a query that the server has nothing to say against."""
    now = time.time()
    answer = world.api("query_range", query=expression, start=now - 60, end=now, step=1)
    assert not answer.get("warnings") and not answer.get("infos"), (expression, answer)
    return answer["data"]["result"]


def test_expressions_return_data(world):
    for panel, expression in TARGETS:
        wanted = substituted(expression)
        if expression.startswith(MAY_BE_EMPTY):
            asked(world, wanted)
        else:
            assert wait_until(lambda w=wanted: asked(world, w), 20, f"{panel['title']}: {wanted}")


def test_variables_return_data(world):
    for variable in queries():
        metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
        assert world.api(f"label/{label}/values", **{"match[]": substituted(metric)})["data"], variable["name"]


def test_scrapes_cause_no_warning(world):
    wait_until(lambda: [t for t in world.targets() if t["health"] == "up" and not t["lastError"]], 20, "a good scrape")
    assert not world.complaints()


def test_rules_are_evaluated(world):
    rules = wait_until(lambda: [r for g in world.api("rules")["data"]["groups"] for r in g["rules"]
                                if r["lastEvaluation"] > "0002"], 20, "an evaluation of the rules")
    assert len(rules) == N_RULES and {rule["health"] for rule in rules} == {"ok"}


def test_links_lead_somewhere(exporter):
    """To the node's own page, as Grafana would fill them in."""
    assert len(links()) >= 5
    for panel, url in links():
        for name, value in {"${scheme}": "http", "instance}": exporter.address, "probe}": "missing"}.items():
            url = re.sub(r"\$\{__(?:field\.labels|data\.fields)\." + re.escape(name), value, url) if name[0] != "$" else (
                url.replace(name, value))
        assert "$" not in url, panel["title"]
        status, headers, body = http_request(url, headers={"Accept": "text/html"})
        assert status == 200 and headers["Content-Type"].startswith("text/html"), url
        assert "/history" not in url or b"missing" in body, url

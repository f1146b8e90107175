# SPDX-License-Identifier: Apache-2.0
"""What users install for Prometheus and Grafana, run against a real Prometheus that scrapes the
real exporter: a metric that is renamed, or never appears, fails here."""
import json
import re
import subprocess

import pytest
import yaml

from lab import ROOT, find, wait_until

DASHBOARD = json.loads((ROOT / "dashboards/overview.json").read_text(encoding="utf-8"))
RULES = ROOT / "dashboards/rules.yml"
VARIABLES = {"$__rate_interval": "10s", "$__range": "1m", "$job": ".+", "$instance": ".+", "$probe": ".+"}


def panels(of):
    for panel in of.get("panels", []):
        yield panel
        yield from panels(panel)


def targets():
    return [(panel["title"], target["expr"]) for panel in panels(DASHBOARD) for target in panel.get("targets", [])]


def substituted(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def promtool(*args):
    return subprocess.run([find("promtool"), *map(str, args)], capture_output=True, text=True, check=False)


@pytest.mark.unprivileged
def test_rules_are_clean():
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unprivileged
def test_rules_fire_when_they_should():
    done = promtool("test", "rules", ROOT / "dashboards/rules_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unprivileged
def test_rules_have_what_a_person_needs():
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert len(rules) == 7
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"].keys() >= {"summary", "description"} and rule["for"], rule


@pytest.mark.unprivileged
def test_dashboard_is_well_formed():
    everything = list(panels(DASHBOARD))
    ids = [panel["id"] for panel in everything]
    assert len(ids) == len(set(ids))
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["title"] and panel["description"] and panel["targets"], panel["id"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for owner in (panel, *panel["targets"]):
            assert owner["datasource"]["uid"] == "${datasource}", panel["title"]
    for one in everything:
        for two in everything:
            a, b = one["gridPos"], two["gridPos"]
            apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or
                     a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
            assert one is two or apart, (one["title"], two["title"])


@pytest.mark.unprivileged
def test_dashboard_variables():
    variables = DASHBOARD["templating"]["list"]
    assert [v["name"] for v in variables] == ["datasource", "job", "instance", "probe"]
    for variable in variables[1:]:
        assert variable["refresh"] == 2 and variable["multi"] and variable["allValue"] == ".+"
    for title, expression in targets():
        assert "$" not in substituted(expression), f"{title}: {expression}"
        for selector in re.findall(r"\{([^}]*)\}", expression):
            assert 'job=~"$job"' in selector and 'instance=~"$instance"' in selector, f"{title}: {expression}"


@pytest.fixture(scope="module")
def world(module_lab):
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
    prometheus = module_lab.prometheus({"containerd_exporter": exporter.address}, rules=[RULES])
    for name in ("pull", "push", "missing"):
        wait_until(lambda n=name: prometheus.query(
            f'increase(image_canary_attempts_total{{probe="{n}"}}[1m]) > 1'), 90, f"probe {name} in Prometheus")
    wait_until(lambda: prometheus.query('increase(image_canary_failure_reasons_total{reason="not_found"}[1m]) > 0'),
               60, "a failure in Prometheus")
    return prometheus


@pytest.mark.parametrize("title,expression", targets(), ids=lambda text: text[:40])
def test_expression_returns_data(world, title, expression):
    wanted = substituted(expression)

    assert wait_until(lambda: world.query_range(wanted), 20, f"{title}: {wanted}")


def test_variables_return_data(world):
    for variable in DASHBOARD["templating"]["list"][1:]:
        metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
        assert world.api(f"label/{label}/values", **{"match[]": substituted(metric)})["data"], variable["name"]


def test_scrapes_are_clean(world):
    wait_until(lambda: [t for t in world.targets() if t["health"] == "up" and not t["lastError"]], 20, "a good scrape")
    complaints = [line for line in world.log.splitlines()
                  if "scrape" in line and ("level=warn" in line or "level=error" in line)]
    assert not complaints


def test_rules_are_evaluated(world):
    rules = wait_until(lambda: [r for g in world.api("rules")["data"]["groups"] for r in g["rules"]
                                if r["lastEvaluation"] > "0002"], 20, "an evaluation of the rules")
    assert len(rules) == 7 and {rule["health"] for rule in rules} == {"ok"}


def test_page_pleases_promtool(world):
    (target,) = world.targets()
    page = subprocess.run(["curl", "-fsS", target["scrapeUrl"]], capture_output=True, text=True, check=True).stdout
    done = subprocess.run([find("promtool"), "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

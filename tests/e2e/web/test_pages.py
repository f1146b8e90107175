# SPDX-License-Identifier: Apache-2.0
"""The pages for people, in a browser and for scripts, of a node whose probes succeed and fail."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from lab.browser import Browser
from lab.network import free_port
from lab.programs import ROOT, exporter_binary, find
from lab.wait import wait_until

PAGES = ["/", "/history", "/history?probe=good", "/history?only=failures", "/config?format=html", "/metrics-help"]
NEVER = "hunter2"  # in every secret of the configuration below


class Reader(html.parser.HTMLParser):
    """Whether tags are closed in the order in which they were opened; and what they were."""

    VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids = [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open, tag, self.getpos())
        self.open.pop()


def text_of(exporter, path, status=200):
    got, _, body = exporter.get(path)
    assert got == status, (path, got, body[:300])
    return body.decode()


@pytest.fixture(scope="module")
def node(module_lab):
    """An exporter that has run a probe that succeeds, one that cannot, and one whose registry is not there."""
    registry, containerd = module_lab.registry(), module_lab.containerd()
    maker = module_lab.maker
    image = maker.image().push(registry, "pages/app", "1")
    maker.image(layers=1).load(containerd, "k8s.io", "pages.example/whole:1")
    often = {"operation": "pull", "interval": "1s", "timeout": "5s"}
    exporter = module_lab.exporter({
        "containerd": {"address": str(containerd.address)},
        "collectors": {"content": {"interval": "1s"}, "snapshots": {"interval": "1s"}},
        "registries": {registry.host: {"plain_http": True}},
        "probes": [{"name": "good", "engine": "client", "image": image, **often},
                   {"name": "missing", "engine": "registry", "image": f"{registry.host}/pages/no:1", **often},
                   {"name": "dead", "engine": "registry", "image": f"127.0.0.1:{free_port()}/x/y:1", **often}],
    }, args=["--probe.spread=100ms"], env={**os.environ, "NODE_NAME": "node-<1>"})
    for probe in ("good", "missing", "dead"):
        exporter.wait_for("image_canary_attempts_total", {"probe": probe}, lambda n: n and n >= 2)
    wait_until(lambda: "Disk by namespace" in text_of(exporter, "/"), 20, "the disk by namespace")
    return exporter


@pytest.fixture(scope="module")
def browser():
    if not shutil.which("chromium"):
        pytest.skip("NO CHROMIUM: THE PAGES ARE NOT LOOKED AT")
    with Browser() as one:
        yield one


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_well_formed_and_load_nothing(node, path):
    status, headers, body = node.get(path)
    page = Reader(body.decode())
    headers = {name.lower(): value for name, value in headers.items()}
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"
    assert len(page.ids) == len(set(page.ids))
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "object")]
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "link" or attributes["href"].startswith("data:")
        target = attributes.get("href", "")
        if tag == "a" and target.startswith("#"):
            assert target[1:] in page.ids, target
        elif tag == "a":
            assert target.startswith("/"), target


def test_status_page_shows_failures_with_reason_and_help(node):
    page = text_of(node, "/")
    assert "<h1>2 of 3 probes are failing</h1>" in page
    assert page.index(">dead</a>") < page.index(">missing</a>") < page.index(">good</a>")
    assert "The registry did not answer, or the connection broke." in page and "There is no such image, tag or platform." in page
    assert "HTTP 404" in page and "What to do:" in page
    assert "up and healthy" in page and "<dt>Address</dt>" in page and "containerd.sock" in page
    assert "node-&lt;1&gt;" in page and "node-<1>" not in page
    assert "Every monitored image is" in page
    assert 'http-equiv="refresh"' not in page and 'content="30"' in text_of(node, "/?refresh=30")


@pytest.mark.parametrize("path", ["/?page=0", "/?page=x", "/?refresh=0", "/?refresh=99999", "/history?limit=0",
                                  "/history?format=xml", "/history?only=x", "/history?probe=a&probe=b",
                                  "/config?format=pdf", "/metrics-help?format=x"])
def test_rejects_invalid_parameters(node, path):
    assert text_of(node, path, 400)


@pytest.mark.parametrize("path", ["/history?probe=nobody", "/history?id=0123456789abcdef",
                                  "/history?probe=%3Cscript%3E", "/historyx", "/Config"])
def test_unknown_pages_are_not_found(node, path):
    assert "<script" not in text_of(node, path, 404)


def crawl(exporter, start):
    """{path: status} of all that can be reached by links."""
    seen, todo = {}, [start]
    while todo and len(seen) < 80:
        path = todo.pop()
        seen[path], headers, body = exporter.get(path)
        if "text/html" not in {k.lower(): v for k, v in headers.items()}["content-type"]:
            continue
        for tag, attributes in Reader(body.decode()).tags:
            target = attributes.get("href", "#").partition("#")[0]
            if tag == "a" and target and target not in seen and target not in todo:
                todo.append(target)
    return seen


def test_links_have_targets(node):
    seen = crawl(node, "/")
    assert set(seen.values()) == {200}, seen
    assert {"/", "/history", "/config?format=html", "/metrics-help", "/metrics", "/-/healthy", "/-/ready"} <= seen.keys()


@pytest.mark.unprivileged
def test_links_begin_with_the_prefix(module_lab):
    exporter = module_lab.exporter({"containerd": {"address": "/nowhere/containerd.sock"}},
                                   args=["--web.external-url=http://h.example/node/ce/"], ready=False)
    wait_until(lambda: exporter.get("/node/ce/-/ready")[0] == 200, 20, "readiness")
    seen = crawl(exporter, "/node/ce/")
    assert set(seen.values()) == {200}, seen
    assert {"/node/ce/history", "/node/ce/metrics"} < seen.keys()
    assert "containerd does not answer" in text_of(exporter, "/node/ce/")


def test_history_is_available_as_json(node):
    document = json.loads(text_of(node, "/history?format=json&limit=1000"))
    assert document["node"] == "node-<1>" and document["now"] > 1.7e9
    runs = document["runs"]
    assert {run["probe"] for run in runs} == {"good", "missing", "dead"}
    assert [run["start"] + run["seconds"] for run in runs] == pytest.approx(
        sorted((run["start"] + run["seconds"] for run in runs), reverse=True), abs=0.5)
    (one,) = json.loads(text_of(node, f"/history?format=json&id={runs[-1]['id']}"))["runs"]
    assert one == runs[-1]
    for run in runs:
        assert re.fullmatch(r"[0-9a-f]{16}", run["id"]) and run["trigger"] in ("scheduled", "retry", "demand")
        assert run["success"] == (run["probe"] == "good") == (run["reason"] is None) == (not run["message"])
        assert run["timeout_seconds"] == pytest.approx(5, abs=0.5) and isinstance(run["log"], list)
    failures = json.loads(text_of(node, "/history?format=json&only=failures&probe=good"))["runs"]
    assert failures == []
    assert len(json.loads(text_of(node, "/history?format=json&limit=2&probe=missing"))["runs"]) == 2


def test_run_id_opens_its_run(node):
    run = json.loads(text_of(node, "/history?format=json&probe=missing&limit=1"))["runs"][0]
    page = text_of(node, f"/history?id={run['id']}")
    assert f'id="run-{run["id"]}"' in page and "HTTP 404" in page


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_and_are_legible(node, browser, width, dark):
    browser.look(width, 844, dark)
    for path in PAGES:
        browser.open(node.url + path)
        assert browser.complaints == [] and browser.requests[0] == node.url + path
        assert [url for url in browser.requests[1:] if not url.startswith("data:")] == []
        assert browser.ask("document.documentElement.scrollWidth") <= width, path
        assert browser.ask("['header', 'nav', 'main', 'footer', 'h1'].map(n => "
                           "document.querySelectorAll('body ' + n).length)") == [1, 1, 1, 1, 1], path
        assert browser.ask(UNREADABLE) == [], path
        assert browser.ask("[...document.querySelectorAll('thead th')].every(c => c.scope)")
        assert browser.ask("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden') || "
                           "s.querySelector('title').textContent)")
        assert len(browser.picture()) > 10000


# Texts whose contrast with what is behind them is below WCAG's AA: 4.5, of large letters 3.
UNREADABLE = r"""(() => {
  const numbers = c => c.match(/[\d.]+/g).map(Number);
  const light = c => numbers(c).slice(0, 3).map(v => v / 255).map(
    v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    const n = numbers(c); if (n.length < 4 || n[3] > 0) return c; } return 'rgb(255, 255, 255)'; };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, s = getComputedStyle(e);
    if (!walk.currentNode.textContent.trim() || e.closest('svg, option, .skip') || s.display === 'none') continue;
    const pair = [light(s.color), light(behind(e))].sort((a, b) => b - a);
    const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 700);
    if ((pair[0] + 0.05) / (pair[1] + 0.05) < (large ? 3 : 4.5))
      bad.push([walk.currentNode.textContent.trim(), s.color, behind(e)]);
  }
  return bad; })()"""


def test_colours_follow_the_colour_scheme(node, browser):
    grounds = []
    for dark in (False, True):
        browser.look(dark=dark)
        browser.open(node.url + "/")
        grounds.append(browser.ask("getComputedStyle(document.body).backgroundColor"))
        assert browser.ask("getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(230, 82, 44)"
    assert grounds == ["rgb(250, 248, 245)", "rgb(21, 23, 26)"]


# ---- The configuration in force ---------------------------------------------------------------------

SECRETS = f"""\
containerd: {{address: /nowhere/containerd.sock}}
collectors: {{images: {{interval: 45s}}}}
registries:
  a.example:
    auth: {{username: u, password: {NEVER}-1}}
  b.example:
    auth: {{registry_token: {NEVER}-2}}
probes:
  - {{name: p1, operation: pull, engine: registry, image: a.example/x:1, interval: 1h, auth: {{username: u, password: "${{PAGES_SECRET}}"}}}}
  - {{name: p2, operation: pull, engine: registry, image: b.example/x:1, interval: 1h, auth: {{identity_token: {NEVER}-3}}}}
  - {{name: p3, operation: pull, engine: registry, image: c.example/x:1, interval: 1h, auth: {{registry_token: "x${{PAGES_SECRET}}y"}},
     labels: {{proxy: "http://user:{NEVER}-4@proxy.example:3128/"}}}}
---
apiVersion: canaries.flanksource.com/v1
kind: Canary
metadata: {{name: doc}}
spec:
  interval: 3600
  docker:
    - {{name: p4, image: d.example/x:1, auth: {{username: {{value: u}}, password: {{value: {NEVER}-5}}}}}}
"""


@pytest.fixture(scope="module")
def secretive(module_lab):
    return module_lab.exporter(SECRETS, args=["--probe.spread=0s", f"--web.external-url=http://u:{NEVER}-6@h.example/"],
                               env={**os.environ, "PAGES_SECRET": f"{NEVER}-7"}, ready=False)


@pytest.mark.unprivileged
def test_pages_contain_no_secret(secretive):
    wait_until(lambda: secretive.get("/-/healthy")[0] == 200, 20, "health")
    for path in ("/config", "/config?format=html", "/", "/history", "/history?format=json"):
        body = text_of(secretive, path)
        assert NEVER not in body, (path, body[max(0, body.find(NEVER) - 200):][:400])
    config = text_of(secretive, "/config")
    assert config.count("<secret>") >= 7 and "${PAGES" not in config


@pytest.mark.unprivileged
def test_configuration_page_shows_defaults(secretive):
    wait_until(lambda: secretive.get("/-/healthy")[0] == 200, 20, "health")
    status, headers, body = secretive.get("/config")
    shown = yaml.safe_load(body)
    assert status == 200 and {k.lower(): v for k, v in headers.items()}["content-type"].startswith("text/plain")
    assert shown["containerd"]["address"] == "/nowhere/containerd.sock"
    assert shown["collectors"]["images"]["interval"] == "45s" and "timeout" in shown["collectors"]["daemon"]
    probes = {probe["name"]: probe for probe in shown["probes"]}
    assert {"p1", "p2", "p3"} < probes.keys() and len(probes) == 4
    assert probes["p1"]["auth"] == {"username": "u", "password": "<secret>"}
    assert probes["p1"]["cold"] == "required"
    assert re.search(r"^#   --probe.spread=0s$", body.decode(), re.MULTILINE)


# ---- Metrics explained ------------------------------------------------------------------------------

def explained(exporter):
    return {metric["name"]: metric for metric in json.loads(text_of(exporter, "/metrics-help?format=json"))["metrics"]}


def test_every_metric_is_explained(node):
    metrics = explained(node)
    for keyword, name, rest in re.findall(r"^# (HELP|TYPE) (\S+) (.*)$", node.raw(), re.MULTILINE):
        told = metrics[name]
        assert rest == (told["help"] if keyword == "HELP" else {"info": "gauge"}.get(told["type"], told["type"])), name


def test_every_example_is_a_valid_query(node, tmp_path):
    rules = [{"record": f"example:{name}", "expr": metric["query"]} for name, metric in explained(node).items()]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "examples", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([find("promtool"), "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unprivileged
def test_docs_have_the_current_reference():
    told = subprocess.run([exporter_binary(), "metrics", "--markdown"], capture_output=True, text=True, check=True).stdout
    reference = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- metrics:begin -->\n(.*?)<!-- metrics:end -->", reference, re.DOTALL)
    assert block and block[1] == told, "make reference"


@pytest.mark.unprivileged
def test_metrics_command_prints_the_reference():
    told = subprocess.run([exporter_binary(), "metrics"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^containerd_up  \(gauge\)\n    Whether containerd answers on its socket\..*\n    containerd_up == 0$",
                     told, re.MULTILINE)
    done = subprocess.run([exporter_binary(), "metrics", "--bogus"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "containerd_exporter metrics: error: " in done.stderr

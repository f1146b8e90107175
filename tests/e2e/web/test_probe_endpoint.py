# SPDX-License-Identifier: Apache-2.0
"""/probe: a run on demand, joined, limited, canceled; for Prometheus and for people."""
import concurrent.futures
import json
import re
import socket
import time

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
SECRET = "bfvgq-geheim"


def probe(host, name, operation="pull", **more):
    """One that nothing but a demand makes run."""
    return {"name": name, "operation": operation, "engine": "registry", "image": f"{host}/canary/a:v1",
            "schedule": "@yearly", "timeout": "30s", **more}


def start(lab, *probes, **registries):
    return lab.exporter({"probes": list(probes), "registries": {"*": {"plain_http": True, **registries}}})


def values(body, read=read_text):
    """{name or (name, label value): value}"""
    found = {}
    for family in read(body.decode()):
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()))
            found[(sample.name, *labels) if labels else sample.name] = sample.value
    return found


def ask(exporter, query, **options):
    status, headers, body = exporter.get(f"/probe?{query}", timeout=60, **options)
    assert status == 200, body
    return headers, values(body)


def attempts(exporter, name):
    return exporter.value("image_canary_attempts_total", probe=name)


def test_runs_a_push_and_a_pull_on_demand(lab, registry):
    exporter = start(lab, probe(registry.host, "push", "push", content={"layers": 2, "size": "64KiB"}),
                     probe(registry.host, "pull", slow="9m"))
    _, pushed = ask(exporter, "target=push&module=push")
    assert pushed["probe_success"] == 1
    assert pushed["probe_image_canary_bytes", "uploaded"] > 2 * 65536
    headers, pulled = ask(exporter, "target=pull")
    assert "Age" not in headers
    assert pulled["probe_success"] == 1 and pulled["probe_timeout_seconds"] == 30
    assert pulled["probe_image_canary_bytes", "fetched"] == pulled["probe_image_canary_bytes", "declared"] > 2 * 65536
    assert pulled["probe_image_canary_phase_duration_seconds", "fetch"] > 0
    assert 0 < pulled["probe_duration_seconds"] < 30
    assert pulled["probe_image_canary_info", "registry", registry.host, "pull", "pull", registry.host] == 1
    assert not [key for key in pulled if "failure" in str(key)]
    assert attempts(exporter, "pull") == attempts(exporter, "push") == 1


def test_concurrent_requests_share_one_run(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    fault = fake.fault("hang_middle", path="/blobs/")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, exporter, "target=a", headers={TIMEOUT: "3"}) for _ in range(3)]
        results = [one.result() for one in asked]
    fake.unfault(fault)
    for headers, result in results:
        assert result["probe_success"] == 0 and result["probe_image_canary_failure_info", "timeout"] == 1
        assert result["probe_timeout_seconds"] == 2.5 and "Age" not in headers
    runs = json.loads(exporter.get("/history?probe=a&format=json")[2])["runs"]
    assert [run["reason"] for run in runs] == ["timeout"]
    assert attempts(exporter, "a") == 0, "a run without enough time would say nothing about the node"
    assert ask(exporter, "target=a")[1]["probe_success"] == 1
    headers, again = ask(exporter, "target=a")
    assert int(headers["Age"]) <= 60 and again["probe_success"] == 1
    assert attempts(exporter, "a") == 1


@pytest.mark.parametrize("header, counted", [(None, 1), ("60", 1), ("3", 1), ("2.5", 1), ("1.5", 0), ("0.6", 0)])
def test_a_timeout_counts_if_the_client_gave_the_time(lab, fake, header, counted):
    """The registry hangs. A client with less time than the probe's 2 s says nothing about the node."""
    exporter = start(lab, probe(fake.address, "a", timeout="2s"))
    fake.fault("hang", path="/manifests/")
    _, result = ask(exporter, "target=a", headers={TIMEOUT: header} if header else {})
    assert result["probe_success"] == 0 and result["probe_image_canary_failure_info", "timeout"] == 1
    wait_until(lambda: b"timeout" in exporter.get("/history?probe=a&format=json")[2], 10, "the record")
    assert attempts(exporter, "a") == counted
    assert exporter.value("image_canary_failures_total", probe="a") == counted
    if counted:
        assert exporter.value("image_canary_success", probe="a") == 0


def test_a_patient_client_does_not_get_the_timeout_of_a_hurried_one(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    fault = fake.fault("hang", path="/manifests/")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        hurried = pool.submit(ask, exporter, "target=a", headers={TIMEOUT: "3"})
        wait_until(lambda: fake.requests("HEAD", "/manifests/"), what="the run")
        patient = pool.submit(ask, exporter, "target=a", headers={TIMEOUT: "60"})
        fake.unfault(fault)
        assert hurried.result()[1]["probe_success"] == 0
        assert patient.result()[1]["probe_success"] == 1
    assert attempts(exporter, "a") == 1


def test_a_failed_run_is_a_200_response(lab, fake):
    exporter = start(lab, probe(fake.address, "none", image=f"{fake.address}/canary/none:v1"),
                     probe("127.0.0.1:1", "refused"))
    for name, reason in (("none", "not_found"), ("refused", "connect")):
        _, result = ask(exporter, f"target={name}")
        assert result["probe_success"] == 0 and result["probe_image_canary_failure_info", reason] == 1


def test_respects_back_off_of_a_registry(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    fake.fault("status", path="/manifests/", status=429, headers={"Retry-After": "600"})
    _, first = ask(exporter, "target=a")
    assert first["probe_image_canary_failure_info", "rate_limited"] == 1
    requests = len(fake.log)
    exporter.reload({"probes": [probe(fake.address, "b")], "registries": {"*": {"plain_http": True}}})
    _, second = ask(exporter, "target=b")
    assert second["probe_image_canary_failure_info", "rate_limited"] == 1
    assert len(fake.log) == requests
    assert attempts(exporter, "b") == 0


def test_cancels_a_run_without_a_client(lab, fake):
    """The client goes away: the connection to the registry ends, and nothing is counted."""
    exporter = start(lab, probe(fake.address, "a"))
    fault = fake.fault("hang", path="/manifests/")
    with socket.create_connection(("127.0.0.1", exporter.port)) as client:
        client.sendall(b"GET /probe?target=a HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: fake.requests("HEAD", "/manifests/"), what="the run")
        page = exporter.get("/history?probe=a&format=json")[2]
        assert b"canceled" not in page
    wait_until(lambda: b"canceled" in exporter.get("/history?probe=a&format=json")[2], 10, "the end of it")
    fake.unfault(fault)
    assert attempts(exporter, "a") == 0 and exporter.value("image_canary_failures_total", probe="a") == 0
    headers, result = ask(exporter, "target=a")
    assert result["probe_success"] == 1 and "Age" not in headers


def test_answers_waiting_clients_at_shutdown(lab, fake):
    """At once, and not as a failure of the probe: that says nothing of the registry."""
    exporter = start(lab, probe(fake.address, "a"))
    fake.fault("hang", path="/manifests/")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(exporter.get, "/probe?target=a", timeout=60)
        wait_until(lambda: fake.requests("HEAD", "/manifests/"), what="the run")
        code, seconds = exporter.stop()
        status, headers, body = asked.result()
    assert code == 0 and seconds < 4, "it does not wait for the end of the run"
    assert status == 503 and "Retry-After" in headers and b"stopping" in body


@pytest.mark.parametrize("query, words", [
    ("", "missing parameter target"), ("target=", "missing parameter target"), ("target=none", "unknown target"),
    ("target=127.0.0.1:1/evil:v1", "unknown target"), ("target=" + "a" * 500, "unknown target"),
    ("target=a&module=push", "invalid module"),
])
def test_rejects_bad_parameters(lab, fake, query, words):
    exporter = start(lab, probe(fake.address, "a"))
    status, _, body = exporter.get(f"/probe?{query}")
    assert status == 400 and words in body.decode()
    assert exporter.value("containerd_exporter_probe_unknown_target_total") == ("unknown target" in words)
    assert attempts(exporter, "a") == 0 and not fake.log


@pytest.mark.parametrize("value", ["soon", "-1", "1e3", "", "0x10", "nan", "10 ", "99999999999"])
def test_rejects_bad_timeouts(lab, fake, value):
    exporter = start(lab, probe(fake.address, "a"))
    status, _, body = exporter.get("/probe?target=a", headers={TIMEOUT: value})
    if value.strip() == value:
        assert status == 400 and TIMEOUT in body.decode()
    assert not fake.log or value == "10 "


def test_uses_the_smaller_timeout(lab, fake):
    exporter = start(lab, probe(fake.address, "a", timeout="7s"), probe(fake.address, "b"), probe(fake.address, "c"))
    for name, header, expected in (("a", "10", 7), ("b", "9.5", 9), ("c", "0.4", 30)):
        assert ask(exporter, f"target={name}", headers={TIMEOUT: header})[1]["probe_timeout_seconds"] == expected


def test_head_runs_nothing(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    assert exporter.get("/probe?target=a", method="HEAD")[0] == 200
    assert exporter.get("/probe?target=a", method="POST")[0] == 405
    assert not fake.log


def test_debug_shows_the_log_of_the_run(lab, fake):
    exporter = start(lab, probe(fake.address, "a", auth={"username": "u", "password": SECRET}))
    status, headers, body = exporter.get("/probe?target=a&debug=true")
    text = body.decode()
    assert status == 200 and headers["Content-Type"].startswith("text/plain") and SECRET not in text
    log, rest = text.split("\n\n\nMetrics that would have been returned:\n")
    metrics, section = rest.split("\n\n\nModule configuration:\n")
    assert log.startswith("Logs for the probe:\nrun ")
    assert "s credentials: auth of the probe\n" in log
    assert re.search(r"\+\d+\.\d{3}s HEAD \S+/manifests/v1: 200, ", log)
    assert re.search(r"\+\d+\.\d{3}s layer 1 of \d+, sha256:[0-9a-f]{12}: .* MB/s", log)
    assert values(metrics.encode())["probe_success"] == 1
    settings = yaml.safe_load(section)
    assert settings["name"] == "a" and settings["timeout"] == "30s" and settings["auth"]["password"] == "<secret>"
    run_id = re.search(r"run ([0-9a-f]{16}) of a", log).group(1)
    assert run_id in exporter.get("/history?probe=a&format=json")[2].decode()


def test_every_format_has_the_same_samples(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    exporter.get("/probe?target=a")  # the others get the same run
    text = exporter.get("/probe?target=a", headers={"Accept": "text/plain"})
    openmetrics = exporter.get("/probe?target=a", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    protobuf = exporter.get("/probe?target=a", headers={
        "Accept": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"})
    assert values(text[2]) == values(openmetrics[2], read_openmetrics)
    assert openmetrics[2].endswith(b"# EOF\n")
    assert "protobuf" in protobuf[1]["Content-Type"]
    for name in {key if isinstance(key, str) else key[0] for key in values(text[2])}:
        assert name.encode() in protobuf[2]


def test_limits_the_number_of_waiting_clients(lab, fake):
    exporter = start(lab, probe(fake.address, "a"))
    fault = fake.fault("hang", path="/manifests/")
    clients = []
    try:
        for _ in range(66):
            client = socket.create_connection(("127.0.0.1", exporter.port))
            client.sendall(b"GET /probe?target=a HTTP/1.1\r\nHost: x\r\n\r\n")
            clients.append(client)
            time.sleep(0.01)
        wait_until(lambda: exporter.get("/probe?target=a")[0] == 503, what="a refusal")
        status, headers, _ = exporter.get("/probe?target=a")
        assert status == 503 and int(headers["Retry-After"]) > 0
    finally:
        for client in clients:
            client.close()
        fake.unfault(fault)
    assert exporter.get("/-/healthy")[0] == 200


def test_works_with_a_blackbox_scrape_configuration(lab, fake):
    exporter = start(lab, probe(fake.address, "a"), probe(fake.address, "none", image=f"{fake.address}/canary/none:v1"))
    scrape = {"metrics_path": "/probe", "static_configs": [{"targets": ["a", "none"]}], "address": "unused",
              "params": {"module": ["pull"]},
              "relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"},
                                  {"source_labels": ["__param_target"], "target_label": "instance"},
                                  {"target_label": "__address__", "replacement": exporter.address}]}
    prometheus = lab.prometheus({"canary": scrape})
    wait_until(lambda: len(prometheus.query("probe_success")) == 2, 30, "both")
    found = {labels["instance"]: value for labels, value in prometheus.query("probe_success")}
    assert found == {"a": 1, "none": 0}
    reasons = prometheus.query("probe_image_canary_failure_info")
    assert [(labels["instance"], labels["reason"]) for labels, _ in reasons] == [("none", "not_found")]
    assert all(target["health"] == "up" for target in prometheus.targets())
    assert not prometheus.complaints()

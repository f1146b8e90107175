# SPDX-License-Identifier: Apache-2.0
"""Start, configuration, reload, serving and stop of the exporter itself."""
import concurrent.futures
import json
import re
import signal
import socket
import subprocess
import time

import pytest

from lab.exporter import run_exporter
from lab.fake.registry import FakeRegistry
from lab.network import free_port, http_request
from lab.probes import AT_ONCE, config_for, probe, run_once
from lab.programs import ROOT, find
from lab.wait import wait_until


@pytest.mark.unprivileged
def test_prints_help_and_version_to_stdout():
    for flags in (["--help"], ["-h"]):
        done = run_exporter(*flags)
        assert done.returncode == 0 and "--config.file" in done.stdout and not done.stderr
    done = run_exporter("--version")
    assert re.match(r"containerd_exporter, version \d+\.\d+\.\d+( \(branch: .*, revision: .*\))?\n", done.stdout)


@pytest.mark.unprivileged
@pytest.mark.parametrize("args, words", [
    (["--bogus"], "unknown long flag '--bogus', try --help"),
    (["--config.file"], "expected argument for flag '--config.file'"),
    (["--log.level=loud"], "--log.level"),
    (["--log.format=xml"], "--log.format"),
    (["--probe.workers=0"], "--probe.workers"),
    (["--probe.spread=soon"], "--probe.spread"),
    (["--web.telemetry-path=metrics"], "--web.telemetry-path"),
    (["extra"], 'unknown command "extra"'),
])
def test_rejects_wrong_flags(args, words):
    done = run_exporter(*args)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("containerd_exporter: error: ") and words in done.stderr


@pytest.mark.unprivileged
def test_reports_every_error_of_a_file_with_its_position(tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text("""\
containerd: {addres: /x}
collectors:
  images: {interval: 30}
  nothing: {}
probes:
  - name: a
    operation: pull
    image: "${NOT_SET}/x:1"
  - name: a
    operation: pull
    image: x
  - {name: c, operation: pull, image: UPPER/x}
  - {name: d, operation: pull, image: x, engine: magic}
  - name: push
    operation: push
    image: registry.example/x:1
    content: {layers: 1000}
  - {name: auth, operation: pull, image: x, auth: {username: u}, expected: {digest: abc}}
""")
    done = run_exporter(f"--config.file={path}", "--config.check")
    assert done.returncode == 1
    places = [tuple(map(int, m.groups())) for m in re.finditer(r"bad\.yml:(\d+):(\d+): ", done.stderr)]
    assert [line for line, _ in places] == sorted(line for line, _ in places)
    assert {line for line, _ in places} >= {1, 3, 4, 8, 9, 12, 13, 17, 18}, done.stderr


@pytest.mark.unprivileged
def test_accepts_a_valid_file(tmp_path):
    path = tmp_path / "good.yml"
    path.write_text("probes: [{name: x, operation: pull, image: '${HOST}/x:1'}]\n")
    done = run_exporter(f"--config.file={path}", "--config.check", env={"HOST": "registry.example"})
    assert done.returncode == 0 and "is valid" in done.stdout
    assert run_exporter("--config.check").returncode == 0, "no file means defaults"
    done = run_exporter(f"--config.file={tmp_path}/none.yml", "--config.check")
    assert done.returncode == 1 and "No such file" in done.stderr


LONG = "/" + "x" * 107  # one byte more than a socket's path may have


@pytest.mark.unprivileged
@pytest.mark.parametrize("text, args, words", [
    ("docker: {address: 'tcp://127.0.0.1:2375'}", [], ':1:19: "address": invalid socket address "tcp://'),
    ("docker: {address: docker.sock}", [], ':1:19: "address": invalid socket address "docker.sock"'),
    (f"docker: {{address: {LONG}}}", [], ':1:19: "address": the path of the socket has 108 bytes'),
    (f"containerd:\n  address: {LONG}", [], ':2:12: "address": the path of the socket has 108 bytes'),
    (f"containerd:\n  address: 'unix://{LONG}'", [], ":2:12: "),
    ("containerd: {address: run/containerd.sock}", [], ':1:23: "address": invalid socket address'),
    ("{}", ["--web.listen-address=localhost"], "expected host:port"),
    ("{}", [f"--web.listen-address=unix:{LONG}"], "is too long"),
    ("{}", ["--web.listen-address=127.0.0.1:1", "--web.listen-address=127.0.0.1:1"], "is given twice"),
    ("{}", ["--web.config.file=/nonexistent.yml"], "/nonexistent.yml"),
])
def test_the_check_refuses_what_a_start_refuses(tmp_path, text, args, words):
    path = tmp_path / "config.yml"
    path.write_text(text)
    listen = [] if any("listen" in arg for arg in args) else ["--web.listen-address=127.0.0.1:0"]
    for mode in ([], ["--config.check"]):
        done = run_exporter(f"--config.file={path}", *args, *listen, *mode)
        assert done.returncode == 1, (mode, done.stderr)
        assert words in done.stderr.replace('\\"', '"'), (mode, done.stderr)


@pytest.mark.unprivileged
def test_checks_the_address_of_the_environment(tmp_path):
    for mode in (["--web.listen-address=127.0.0.1:0"], ["--config.check"]):
        done = run_exporter(*mode, env={"CONTAINERD_ADDRESS": "tcp://127.0.0.1:1"})
        assert done.returncode == 1 and "$CONTAINERD_ADDRESS: invalid socket address" in done.stderr
    path = tmp_path / "config.yml"
    path.write_text("containerd: {address: 'unix:/run/x.sock'}")
    done = run_exporter(f"--config.file={path}", "--config.check", env={"CONTAINERD_ADDRESS": "tcp://127.0.0.1:1"})
    assert done.returncode == 0, "the file's address comes first"


@pytest.mark.unprivileged
def test_fails_if_the_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_exporter(f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}")
        assert done.returncode == 1 and "Address already in use" in done.stderr


@pytest.mark.unprivileged
def test_answers_on_every_endpoint(lab, socketless):
    exporter = lab.exporter(socketless)
    for path, status, words in (("/", 200, "/metrics"), ("/-/healthy", 200, "Healthy"), ("/-/ready", 200, "Ready"),
                                ("/metrics", 200, "containerd_up 0"), ("/nothing", 404, ""), ("/-/reload", 405, "POST")):
        got, headers, body = exporter.get(path)
        assert (got, words in body.decode()) == (status, True), path
        if path == "/metrics":
            assert headers["Content-Type"].startswith("text/plain; version=0.0.4; charset=utf-8")
            assert int(headers["Content-Length"]) == len(body)
    status, headers, _ = exporter.get("/metrics", "POST")
    assert status == 405 and "GET" in headers["Allow"]
    before = exporter.value("promhttp_metric_handler_requests_total", code="200")
    for _ in range(5):
        assert exporter.get("/metrics", "HEAD")[0] == 200
    assert exporter.value("promhttp_metric_handler_requests_total", code="200") == before + 1, "HEAD gathers nothing"


@pytest.mark.unprivileged
def test_promtool_accepts_the_page_and_its_order_is_stable(lab, socketless):
    exporter = lab.exporter(socketless)
    exporter.wait_for("containerd_up", predicate=0)
    done = subprocess.run([find("promtool"), "check", "metrics"], input=exporter.raw(), text=True, capture_output=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def keys():
        return [line.rpartition(" ")[0] for line in exporter.raw().splitlines() if not line.startswith("#")]
    first = keys()
    assert all(keys() == first for _ in range(20))
    names = [line.split()[2] for line in exporter.raw().splitlines() if line.startswith("# TYPE")]
    assert names == sorted(set(names)), "every family once, in the order of the names"


def test_promtool_accepts_the_page_beside_a_daemon(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "lifecycle/page", "1")
    exporter = run_once(lab, config_for(containerd, probe(reference, "pull"), probe(reference, "push", "push"),
                                        plain=registry.host))
    done = subprocess.run([find("promtool"), "check", "metrics"], input=exporter.raw(), text=True, capture_output=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server = lab.prometheus({"containerd_exporter": exporter.address})
    wait_until(lambda: [t["health"] for t in server.targets()] == ["up"], what="a scrape by Prometheus")
    wait_until(lambda: len(server.query("image_canary_success")) == 2, what="both probes in Prometheus")
    assert not [line for line in server.log.splitlines() if "level=warn" in line and "scrape" in line]


def pull(registry, name, **more):
    return probe(f"{registry.address}/canary/image:v1", name, **{"interval": "1s", **more})


def test_reload_keeps_the_state_of_unchanged_probes(lab, containerd):
    with FakeRegistry() as registry:
        registry.add_image("canary/image", "v1")

        def config(*probes):
            return config_for(containerd, *probes, plain=registry.address)
        exporter = lab.exporter(config(pull(registry, "kept"), pull(registry, "changed"), pull(registry, "removed")))
        for name in ("kept", "changed", "removed"):
            exporter.wait_for("image_canary_attempts_total", {"probe": name}, lambda n: n >= 2)
        before = exporter.value("image_canary_attempts_total", probe="kept")
        status, body = exporter.reload(config(pull(registry, "kept"), pull(registry, "new"),
                                              pull(registry, "changed", slow="5s", interval="1h")))
        assert status == 200, body
        assert exporter.value("image_canary_attempts_total", probe="kept") >= before, "counters go on"
        assert exporter.value("image_canary_attempts_total", probe="changed") <= 1, "a changed probe starts anew"
        assert exporter.value("image_canary_attempts_total", probe="removed") is None
        exporter.wait_for("image_canary_attempts_total", {"probe": "new"}, lambda n: n >= 1)

        time_before = exporter.value("containerd_exporter_config_last_reload_success_timestamp_seconds")
        status, body = exporter.reload("probes: [{name: x}]\n")
        assert status == 500 and "failed to reload config" in body and ":1:10: \"operation\" is missing" in body, body
        assert exporter.value("containerd_exporter_config_last_reload_successful") == 0
        assert exporter.value("containerd_exporter_config_last_reload_success_timestamp_seconds") == time_before
        assert ":1:" in exporter.log, "the place of the mistake is in the log"
        count = exporter.value("image_canary_attempts_total", probe="kept")
        exporter.wait_for("image_canary_attempts_total", {"probe": "kept"}, lambda n: n > count)

        exporter.write_config(config(pull(registry, "kept")))
        exporter.send(signal.SIGHUP)
        exporter.wait_for("containerd_exporter_config_last_reload_successful", {}, 1)
        assert exporter.value("image_canary_attempts_total", probe="kept") >= count
        assert exporter.value("image_canary_attempts_total", probe="new") is None


def test_reload_switches_to_another_daemon(lab, containerd):
    other = lab.containerd()
    exporter = lab.exporter({"containerd": {"address": containerd.address}})
    exporter.wait_for("containerd_up", predicate=1)
    (first,) = exporter.samples("containerd_info")
    assert exporter.reload({"containerd": {"address": other.address}})[0] == 200
    wait_until(lambda: exporter.samples("containerd_info") and first not in exporter.samples("containerd_info"))
    assert exporter.value("containerd_up") == 1


def test_reload_while_a_probe_hangs_does_not_delay_scrapes(lab, containerd):
    with FakeRegistry() as registry:
        registry.fault("hang", path="/v2/")
        config = config_for(containerd, pull(registry, "hangs", timeout="60s"), plain=registry.address)
        exporter = lab.exporter(config, args=[AT_ONCE])
        wait_until(lambda: registry.requests(), what="a hanging probe")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reload = pool.submit(exporter.reload, {**config, "probes": []})
            while not reload.done():
                began = time.monotonic()
                exporter.raw()
                assert time.monotonic() - began < 2
            assert reload.result()[0] == 200
        assert exporter.value("image_canary_attempts_total") is None


@pytest.mark.unprivileged
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exits_with_0_on_a_signal(lab, socketless, number):
    exporter = lab.exporter(socketless)
    code, seconds = exporter.stop(number)
    assert code == 0 and seconds < 2.5


@pytest.mark.unprivileged
def test_listens_on_several_addresses(lab, socketless):
    second = free_port()
    exporter = lab.exporter(socketless, args=[f"--web.listen-address=[::1]:{second}"])
    assert exporter.get("/-/healthy")[0] == 200
    assert http_request(f"http://[::1]:{second}/-/healthy")[0] == 200


@pytest.mark.unprivileged
def test_serves_concurrent_scrapes(lab, socketless):
    exporter = lab.exporter(socketless)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        pages = list(pool.map(lambda _: exporter.get("/metrics"), range(200)))
    assert {status for status, _, _ in pages} == {200}


@pytest.mark.unprivileged
def test_writes_the_log_as_json(lab, socketless):
    exporter = lab.exporter(socketless, args=["--log.format=json", "--log.level=debug"])
    for line in exporter.log.splitlines():
        assert {"time", "level", "source", "msg"} <= set(json.loads(line))


@pytest.mark.unprivileged
def test_docs_name_every_metric():
    declared = set()
    for source in [*ROOT.glob("exporter/**/*.c"), *ROOT.glob("collectors/*.c")]:
        declared |= set(re.findall(r"\{\s*METRIC_[A-Z]+,\s*\"([a-z_]+)\"", source.read_text(encoding="utf-8")))
    reference = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert len(declared) > 40
    assert sorted(name for name in declared if not re.search(rf"`{name}[`{{]", reference)) == []

# SPDX-License-Identifier: Apache-2.0
"""Defaults of probes, disabled probes, and warnings, from the file to the pages."""
import re

import pytest
import yaml

from lab.exporter import run_exporter
from lab.probes import AT_ONCE

TEXT = """\
registries: {"*": {plain_http: true}}
defaults:
  interval: 1h
  timeout: 60s
  labels: {team: platform}
probes:
  - {name: good, operation: pull, engine: registry, image: IMAGE, labels: {tier: one}, timeout: 59s}
  - {name: odd, operation: pull, engine: registry, image: IMAGE, interval: 10s, expected: {size: 2.2MB}}
  - {name: paused, operation: pull, engine: docker, image: IMAGE, enabled: false}
"""


def test_applies_defaults_and_shows_warnings(lab, containerd, fake, tmp_path):
    fake.add_image("canary/x", "v1")
    text = f"containerd: {{address: {containerd.address}}}\n" + TEXT.replace("IMAGE", f"{fake.address}/canary/x:v1")
    exporter = lab.exporter(text, args=[AT_ONCE])
    exporter.wait_for("image_canary_success", {"probe": "good"}, 1)
    config = yaml.safe_load(exporter.get("/config")[2])
    probes = {probe["name"]: probe for probe in config["probes"]}
    assert probes["good"]["interval"] == "1h" and probes["good"]["timeout"] == "59s"
    assert probes["good"]["labels"] == {"tier": "one", "team": "platform"}
    assert probes["paused"]["enabled"] is False and probes["odd"]["enabled"] is True
    assert probes["odd"]["expected"]["size"] == 2200000
    assert exporter.value("containerd_exporter_config_warnings") == 2
    assert 'probe="paused"' not in exporter.raw(), "a disabled probe has no series"
    page = exporter.get("/")[2].decode()
    assert "2 warnings about the configuration" in page and "Disabled probes" in page
    assert len(re.findall(r"^# .*:\d+:\d+: warning: ", exporter.get("/config")[2].decode(), re.M)) == 2
    log = exporter.log
    assert len(re.findall(r'level=WARN .*:\d+:\d+: warning: ', log)) == 2 and "probe paused is disabled" in log
    tmp_path.joinpath("x.yml").write_text(text)
    done = run_exporter("probe", "paused", f"--config.file={tmp_path}/x.yml")
    assert done.returncode == 2 and 'probe "paused" is disabled' in done.stderr


@pytest.mark.unprivileged
def test_check_prints_warnings_with_their_places_and_a_summary(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text(TEXT.replace("IMAGE", "docker.io/library/busybox:1.36"))
    done = run_exporter("--config.check", f"--config.file={path}")
    assert done.returncode == 0
    assert done.stdout == f"{path} is valid: 2 probes, 14 collectors, 1 disabled probe, 3 warnings\n"
    places = re.findall(r'x\.yml:(\d+:\d+): warning: "(\w+)": ', done.stderr)
    assert places == [("8:101", "interval"), ("8:101", "interval"), ("9:45", "engine")], done.stderr


@pytest.mark.unprivileged
def test_check_opens_the_files_of_a_run(tmp_path):
    secret = tmp_path / "password"
    path = tmp_path / "x.yml"
    path.write_text(f"probes: [{{name: a, operation: pull, image: r.example/x, auth: {{username: u, "
                    f"password_file: {secret}}}}}]\n")
    done = run_exporter("--config.check", f"--config.file={path}")
    assert done.returncode == 0 and f'"auth.password_file": {secret}: No such file' in done.stderr
    secret.write_text("geheim\n")
    done = run_exporter("--config.check", f"--config.file={path}")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout == f"{path} is valid: 1 probe, 14 collectors\n"

# SPDX-License-Identifier: Apache-2.0
"""The figures of docs/sizing.md: those of make bench stand in docs/sizing.json, the numbers of series are counted here."""
import re
import subprocess

import pytest

from lab.docs import text_of
from lab.programs import ROOT


@pytest.mark.unprivileged
def test_tables_are_those_of_the_benchmark():
    done = subprocess.run(["/usr/bin/python3", ROOT / "tests/bench/sizing.py", "--check"], check=False)
    assert done.returncode == 0, "make sizing"


def test_series_of_a_probe(lab):
    """After one run that succeeded."""
    containerd, registry = lab.containerd(), lab.registry()
    image = lab.maker.image().push(registry, "sizing/pull", "1")
    common = {"interval": "1h", "timeout": "60s"}
    made = f"{registry.host}/sizing"
    probes = [{"name": "a pull, engine client", "operation": "pull", "engine": "client", "image": image},
              {"name": "a pull, engine registry", "operation": "pull", "engine": "registry", "image": image},
              {"name": "a push, engine registry", "operation": "push", "engine": "registry", "image": f"{made}/push:1"},
              {"name": "a roundtrip, engine registry", "operation": "roundtrip", "engine": "registry", "image": f"{made}/both:1"},
              {"name": "a tag, engine registry", "operation": "tag", "engine": "registry", "image": image, "tag": "two"}]
    names = {re.sub(r"\W+", "-", probe["name"]): probe["name"] for probe in probes}
    config = [{**probe, **common, "name": name} for name, probe in zip(names, probes)]
    exporter = lab.exporter({**containerd.settings, "registries": {registry.host: {"plain_http": True}}, "probes": config},
                            args=["--probe.spread=1s"])
    for name in names:
        exporter.wait_for("image_canary_success", {"probe": name}, 1, timeout=60)
    page = exporter.raw().splitlines()
    counted = {text: sum(f'probe="{name}"' in line for line in page) for name, text in names.items()}
    rows = re.findall(r"^\| (an? [^|]*, engine `\w+`) \| (\d+) \|$", text_of("docs/sizing.md"), re.MULTILINE)
    assert {text.replace("`", ""): int(number) for text, number in rows} == counted

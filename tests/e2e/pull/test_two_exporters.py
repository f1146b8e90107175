# SPDX-License-Identifier: Apache-2.0
"""Two exporters that run one probe on one containerd, as while a DaemonSet replaces its pods: they wait for
each other, and what a killed one has left is removed at once."""
import signal

import pytest

from lab.cri_node import NAMESPACE, Node
from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, probe, reason, reasons, run_once
from lab.wait import unchanged, wait_until

ENGINES = ("client", "cri", "transfer")
SPACE = "containerd-exporter.canary"


@pytest.fixture(scope="module")
def node(module_lab, version):
    node = Node(module_lab, version)
    yield node
    node.containerd.close()


@pytest.fixture
def fake(node):
    """A registry that makes the first fetch of the layer wait."""
    with FakeRegistry() as registry:
        image = registry.add_image("canary/two", "v1")
        registry.layer = image["layers"][1]["digest"]
        registry.reference = node.knows(registry).address + "/canary/two:v1"
        yield registry


def start(lab, node, fake, **more):
    return lab.exporter(config_for(node.containerd, probe(fake.reference, **more), plain=fake.address), args=[AT_ONCE])


def skip_without(engine, version):
    if engine == "transfer" and version != "2":
        pytest.skip("no transfer over plain http")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_second_waits_for_the_first(lab, node, version, fake, engine):
    skip_without(engine, version)
    fake.fault("slow", path=fake.layer, value=3, times=1)
    with unchanged(node.containerd.census, timeout=10):
        first = start(lab, node, fake, engine=engine, timeout="60s")
        wait_until(lambda: fake.requests("GET", fake.layer), what="the first one pulls")
        second = start(lab, node, fake, engine=engine, timeout="60s")
        for exporter in (first, second):
            exporter.wait_for("image_canary_attempts_total", {}, 1, timeout=60)
            assert reason(exporter) is None, exporter.log
            assert exporter.value("image_canary_cached_bytes_total") == 0
        assert len(fake.requests("GET", fake.layer)) == 2
        first.stop(), second.stop()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_second_says_what_it_waited_for(lab, node, version, fake, engine):
    skip_without(engine, version)
    fake.fault("hang_middle", path=fake.layer, times=1)
    with unchanged(node.containerd.census, timeout=10):
        first = start(lab, node, fake, engine=engine, timeout="60s")
        wait_until(lambda: fake.requests("GET", fake.layer), what="the first one pulls")
        second = run_once(lab, config_for(node.containerd, probe(fake.reference, engine=engine, timeout="3s"), plain=fake.address))
        assert reasons(second) == {"timeout": 1}
        assert "waiting for another exporter that runs the same probe" in second.log
        second.stop()
        assert SPACE in node.containerd.namespaces(), "nothing of the first one is gone"
        first.stop()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_one_is_not_waited_for(lab, node, version, fake, engine):
    skip_without(engine, version)
    fake.fault("hang_middle", path=fake.layer, times=1)
    with unchanged(node.containerd.census, timeout=10):
        first = start(lab, node, fake, engine=engine, timeout="600s")
        wait_until(lambda: fake.requests("GET", fake.layer), what="the first one pulls")
        second = start(lab, node, fake, engine=engine, timeout="60s")
        first.stop(signal.SIGKILL)
        second.wait_for("image_canary_attempts_total", {}, 1, timeout=60)
        assert reason(second) is None, second.log
        second.stop()
    assert not node.containerd.leases(NAMESPACE)


def test_docker_waits_where_a_containerd_tells(lab, docker):
    with FakeRegistry() as fake, unchanged(docker.census, timeout=10):
        layer = fake.add_image("canary/two", "v1")["layers"][1]["digest"]
        fake.fault("hang_middle", path=layer, times=1)
        reference = f"{fake.address}/canary/two:v1"
        first = lab.exporter(config_for(docker, probe(reference, engine="docker", timeout="600s")), args=[AT_ONCE])
        wait_until(lambda: fake.requests("GET", layer), what="the first one pulls")
        second = run_once(lab, config_for(docker, probe(reference, engine="docker", timeout="3s")))
        assert reasons(second) == {"timeout": 1}
        assert "waiting for another exporter that runs the same probe" in second.log
        second.stop()
        third = lab.exporter(config_for(docker, probe(reference, engine="docker", timeout="60s")), args=[AT_ONCE])
        first.stop(signal.SIGKILL)
        third.wait_for("image_canary_attempts_total", {}, 1, timeout=60)
        assert reason(third) is None, third.log
        third.stop()

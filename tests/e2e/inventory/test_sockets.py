# SPDX-License-Identifier: Apache-2.0
"""Which socket the exporter asks, and what it reports of one that does not answer."""
import socket

import pytest

from lab.wait import wait_until

QUICK = {name: {"interval": "1s"} for name in ("daemon", "docker", "namespaces")}
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
FAILURE = "containerd_exporter_collector_failure_info"


def failure_of(exporter, collector):
    """The reason why the collector fails; None if it does not."""
    reasons = [dict(labels)["reason"] for labels in exporter.samples(FAILURE, collector=collector)]
    assert len(reasons) <= 1, reasons
    return reasons[0] if reasons else None


def page_of(exporter):
    status, _, body = exporter.get("/")
    assert status == 200
    return body.decode()


def as_nobody(lab, **sections):
    lab.temp.chmod(0o755)
    return lab.exporter({"collectors": QUICK, **sections}, wrap=NOBODY)


@pytest.fixture
def listener(lab):
    """A socket that accepts nothing: connecting to it depends on its rights only."""
    path = lab.temp / "daemon.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield path


@pytest.mark.parametrize("collector, up", [("daemon", "containerd_up"), ("docker", "docker_engine_up")])
def test_tells_a_denied_socket_from_a_dead_one(lab, listener, collector, up):
    listener.chmod(0o600)
    section = "containerd" if collector == "daemon" else "docker"
    dead = {"containerd": {"address": str(lab.temp / "none.sock")}} if collector == "docker" else {}
    exporter = as_nobody(lab, **dead, **{section: {"address": str(listener)}})
    exporter.wait_for(up, predicate=0)
    wait_until(lambda: failure_of(exporter, collector) == "runtime_forbidden", what=exporter.log)
    page = page_of(exporter)
    assert "permission denied</span>" in page and f"{listener}: permission denied" in page, page
    assert ("may not use containerd's socket</h1>" in page) == (collector == "daemon"), page
    wait_until(lambda: f"collector {collector} fails, reason runtime_forbidden" in exporter.log, what=exporter.log)
    listener.unlink()
    wait_until(lambda: failure_of(exporter, collector) == "runtime_unavailable", what=exporter.log)
    page = page_of(exporter)
    assert "permission denied" not in page and f"{listener}: no such socket" in page, page


def test_shows_the_last_error_of_each_collector(lab, containerd):
    exporter = lab.exporter({**containerd.settings, "docker": {"address": str(lab.temp / "docker.sock")},
                             "collectors": QUICK})
    exporter.wait_for("containerd_up", predicate=1)
    wait_until(lambda: failure_of(exporter, "docker") == "runtime_unavailable", what=exporter.log)
    assert failure_of(exporter, "daemon") is None
    page = page_of(exporter)
    assert "Failing collectors</h2>" in page
    assert '<th scope="row">docker</th><td>runtime_unavailable</td>' in page, page
    assert f'{lab.temp / "docker.sock"}: no such socket</td>' in page, page


def test_a_daemon_that_comes_back_ends_the_failure(lab):
    containerd = lab.containerd()
    exporter = lab.exporter({**containerd.settings, "collectors": QUICK})
    exporter.wait_for("containerd_up", predicate=1)
    containerd.stop()
    exporter.wait_for("containerd_up", predicate=0)
    assert failure_of(exporter, "daemon") == "runtime_unavailable"
    containerd.start()
    exporter.wait_for("containerd_up", predicate=1)
    assert failure_of(exporter, "daemon") is None
    assert "Failing collectors" not in page_of(exporter)

# SPDX-License-Identifier: Apache-2.0
"""Which socket the exporter asks, and what it reports of one that does not answer."""
import os
import pathlib
import socket
import time

import pytest

from lab.exporter import run_exporter
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


# ---- no address is configured: the usual places, in a /run of the exporter's own ----

FIRST = "/run/containerd/containerd.sock"
PLACES = {"containerd": FIRST, "k3s": "/run/k3s/containerd/containerd.sock", "k0s": "/run/k0s/containerd.sock",
          "docker": "/run/docker/containerd/containerd.sock"}


def own_run(*commands, user=()):
    """Words in front of the exporter: a mount namespace with an empty /run, in which the commands run first."""
    script = " && ".join(["mount -t tmpfs none /run", *commands, 'exec "$0" "$@"'])
    return ["unshare", "-m", "sh", "-c", script, *user]


def link(target, place):
    return f"mkdir -p {os.path.dirname(place)} && ln -sfn {target} {place}"


def searching(lab, *commands, user=(), **collectors):
    return lab.exporter({"collectors": {**QUICK, **collectors}}, wrap=own_run(*commands, user=user),
                        env={"CONTAINERD_ADDRESS": ""})


def put(exporter, containerd, place):
    """Links the daemon's socket in the exporter's /run."""
    path = pathlib.Path(f"/proc/{exporter.pid}/root{place}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(containerd.address)


def address_on(page):
    return page.partition("<dt>Address</dt><dd><span class=\"ref\">")[2].partition("<")[0]


@pytest.fixture
def dockers(lab):
    """A containerd without the namespace k8s.io."""
    return lab.containerd()


@pytest.fixture
def kubelets(lab):
    """A containerd with the namespace k8s.io."""
    daemon = lab.containerd()
    daemon.ctr("namespaces", "create", "k8s.io")
    return daemon


@pytest.mark.parametrize("name", PLACES)
def test_finds_a_daemon_that_starts_later(lab, containerd, name):
    exporter = searching(lab)
    exporter.wait_for("containerd_up", predicate=0)
    page = page_of(exporter)
    assert f"{FIRST}: no such socket; no containerd answers at the other usual sockets" in page, page
    assert failure_of(exporter, "daemon") == "runtime_unavailable"
    put(exporter, containerd, PLACES[name])
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES[name]
    assert f"using containerd at {PLACES[name]}" in exporter.log


@pytest.mark.parametrize("dead", [
    f"mkdir -p {FIRST}",
    f"mkdir -p {os.path.dirname(FIRST)} && echo text >{FIRST}",
    "mkdir -p /run/containerd && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"" + FIRST + "\")'",
    link("/nowhere/containerd.sock", FIRST),
    f"mkdir -p {os.path.dirname(FIRST)} && ln -s containerd.sock {FIRST}",
], ids=["folder", "file", "dead socket", "dead link", "circle of links"])
def test_passes_over_what_is_no_daemon(lab, containerd, dead):
    exporter = searching(lab, dead, link(containerd.address, PLACES["k3s"]))
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES["k3s"]
    assert "several sockets" not in exporter.log


def test_passes_over_a_socket_without_permission(lab, listener):
    listener.chmod(0o600)
    lab.temp.chmod(0o755)
    containerd = lab.containerd()
    exporter = searching(lab, link(listener, FIRST), user=NOBODY)
    exporter.wait_for("containerd_up", predicate=0)
    wait_until(lambda: failure_of(exporter, "daemon") == "runtime_forbidden", what=exporter.log)
    containerd.dir.chmod(0o755)
    os.chmod(containerd.address, 0o666)
    put(exporter, containerd, PLACES["docker"])
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES["docker"]


def test_passes_over_a_socket_that_does_not_answer(lab, listener, containerd):
    exporter = searching(lab, link(listener, FIRST), link(containerd.address, PLACES["k0s"]))
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES["k0s"]
    assert f"using {PLACES['k0s']}, not {FIRST}; containerd.address decides" in exporter.log


def test_prefers_the_daemon_of_the_kubelet_and_names_both(lab, dockers, kubelets):
    dockers.ctr("namespaces", "create", "moby")
    exporter = searching(lab, link(dockers.address, FIRST), link(kubelets.address, PLACES["k3s"]))
    exporter.wait_for("containerd_namespace_info", {"namespace": "k8s.io"}, 1)
    assert not exporter.samples("containerd_namespace_info", namespace="moby")
    page = page_of(exporter)
    assert address_on(page) == PLACES["k3s"] and f"<dt>Also listening</dt><dd><span class=\"ref\">{FIRST}<" in page
    warnings = [line for line in exporter.log.splitlines() if "several sockets" in line]
    assert len(warnings) == 1 and PLACES["k3s"] in warnings[0] and FIRST in warnings[0], exporter.log


def test_everything_moves_to_the_daemon_of_the_kubelet(lab, dockers, kubelets):
    """k3s starts after Docker: lists, events and the scrub leave Docker's daemon."""
    image = lab.maker.image(layers=1)
    image.load(kubelets, "k8s.io", "lab.example/early:1")
    exporter = searching(lab, link(dockers.address, PLACES["docker"]), images={"interval": "1h"})
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES["docker"]
    put(exporter, kubelets, PLACES["k3s"])
    exporter.wait_for("containerd_namespace_info", {"namespace": "k8s.io"}, 1, timeout=60)
    exporter.wait_for("containerd_images", {"namespace": "k8s.io"}, 1, timeout=60)
    kubelets.ctr("images", "tag", "lab.example/early:1", "lab.example/late:1", namespace="k8s.io")
    exporter.wait_for("containerd_images", {"namespace": "k8s.io"}, 2, timeout=60)
    assert address_on(page_of(exporter)) == PLACES["k3s"]


def test_another_daemon_does_not_hide_that_the_kubelets_is_down(lab, dockers, kubelets):
    exporter = searching(lab, link(dockers.address, PLACES["docker"]), link(kubelets.address, PLACES["k3s"]))
    exporter.wait_for("containerd_up", predicate=1)
    kubelets.stop()
    exporter.wait_for("containerd_up", predicate=0)
    time.sleep(15)  # longer than an equal daemon would have to wait
    assert exporter.value("containerd_up") == 0, exporter.log
    assert address_on(page_of(exporter)) == PLACES["k3s"]
    kubelets.start()
    exporter.wait_for("containerd_up", predicate=1)
    kubelets.stop()
    exporter.wait_for("containerd_up", predicate=0)
    assert exporter.reload()[0] == 200
    exporter.wait_for("containerd_up", predicate=1)
    assert address_on(page_of(exporter)) == PLACES["docker"], "a reload chooses again"


def test_a_configured_address_is_not_replaced(lab, containerd):
    path = lab.temp / "none.sock"
    for how in ({"env": {"CONTAINERD_ADDRESS": f"unix://{path}"}}, {"sections": {"containerd": {"address": f"unix:{path}"}}}):
        exporter = lab.exporter({"collectors": QUICK, **how.get("sections", {})}, env=how.get("env"),
                                wrap=own_run(link(containerd.address, FIRST)))
        exporter.wait_for("containerd_up", predicate=0)
        page = page_of(exporter)
        assert address_on(page) == str(path) and f"{path}: no such socket<" in page, page
        exporter.stop()


def test_the_check_searches_too(lab, dockers, kubelets):
    lab.maker.image(layers=1).load(kubelets, "k8s.io", "lab.example/checked:1")
    wrap = own_run(link(dockers.address, FIRST), link(kubelets.address, PLACES["k3s"]))
    done = run_exporter("check", env={"CONTAINERD_ADDRESS": ""}, wrap=wrap)
    assert "lab.example/checked:1" in done.stdout and done.returncode in (0, 1), done.stderr
    assert f"using {PLACES['k3s']}, not {FIRST}; --address decides" in done.stderr
    done = run_exporter("check", env={"CONTAINERD_ADDRESS": ""}, wrap=own_run())
    assert done.returncode == 2 and f"{FIRST}: no such socket; no containerd answers" in done.stderr

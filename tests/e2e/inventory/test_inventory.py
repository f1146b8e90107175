# SPDX-License-Identifier: Apache-2.0
"""What the exporter says of a containerd is what ctr says of it."""
import collections
import socket
import time

import pytest

from lab.probes import config_for
from lab.wait import wait_until

STATUSES = ("complete", "incomplete", "unavailable", "error")
QUICK = {name: {"interval": "1s"} for name in ("daemon", "images", "namespaces", "plugins")}


def counts_by_ctr(containerd, namespace):
    return collections.Counter((row["status"], row["unpacked"]) for row in containerd.check(namespace).values())


def counts_by_exporter(exporter, namespace):
    counts = collections.Counter()
    for labels, value in exporter.samples("containerd_images", namespace=namespace).items():
        labels = dict(labels)
        counts[labels["status"], labels["unpacked"] == "true"] += int(value)
    return +counts


@pytest.fixture(scope="module")
def store(module_lab):
    """A containerd with images in every state, in two namespaces."""
    containerd, maker = module_lab.containerd(), module_lab.maker
    images = {}

    def load(name, image, namespace="damaged", **options):
        image.load(containerd, namespace, f"lab.example/{name}:1", **options)
        images[name] = image
        return image

    load("whole", maker.image(layers=3))
    load("whole-docker", maker.image(docker=True))
    load("multi-platform", maker.multi_platform())
    load("not-unpacked", maker.image(), unpack=False)
    for name, lose in (("no-layer", lambda i: i.layers[0].digest), ("no-config", lambda i: i.config_digest),
                       ("no-manifest", lambda i: i.digest)):
        image = load(name, maker.image())
        containerd.remove_blob(lose(image), "damaged")
    image = load("no-child", maker.multi_platform())
    containerd.remove_blob(image.manifests[0].digest, "damaged")
    image = load("manifest-file-lost", maker.image())
    containerd.lose_blob_file(image.digest)
    image = load("layer-file-lost", maker.image())
    containerd.lose_blob_file(image.layers[0].digest)
    load("elsewhere", maker.image(layers=1), namespace="second")
    return containerd


def test_counts_images_as_ctr_does(store, module_lab):
    exporter = module_lab.exporter(config_for(store, collectors=QUICK))
    exporter.wait_for("containerd_images")
    for namespace in ("damaged", "second"):
        assert counts_by_exporter(exporter, namespace) == counts_by_ctr(store, namespace)
    seen = {status for status, _ in counts_by_ctr(store, "damaged")}
    assert seen == set(STATUSES), "the store has every state, or this test proves less than it says"
    assert len(exporter.samples("containerd_images", namespace="second")) == 8, "all combinations are there from the start"


def test_sums_the_sizes_of_the_manifests(store, module_lab):
    image = module_lab.maker.image(layers=2)
    image.load(store, "bytes", "lab.example/bytes:1")
    store.remove_blob(image.layers[1].digest, "bytes")
    exporter = module_lab.exporter(config_for(store, collectors=QUICK))
    assert exporter.wait_for("containerd_image_bytes", {"namespace": "bytes", "state": "required"}) == image.size
    lost = len(image.layers[1].data)
    assert exporter.value("containerd_image_bytes", namespace="bytes", state="present") == image.size - lost


def test_sees_a_change_within_the_interval(store, module_lab):
    exporter = module_lab.exporter(config_for(store, collectors=QUICK))
    image = module_lab.maker.image()
    image.load(store, "changing", "lab.example/changing:1")
    labels = {"namespace": "changing", "status": "complete", "unpacked": "true"}
    exporter.wait_for("containerd_images", labels, 1)
    store.remove_blob(image.layers[0].digest, "changing")
    exporter.wait_for("containerd_images", {**labels, "status": "incomplete"}, 1)
    store.ctr("images", "rm", "--sync", "lab.example/changing:1", namespace="changing")
    exporter.wait_for("containerd_images", {"namespace": "changing", "status": "incomplete"}, 0)


def test_reports_the_plugins_of_ctr(store, module_lab):
    exporter = module_lab.exporter(config_for(store, collectors=QUICK))
    exporter.wait_for("containerd_plugins", {"status": "ok"})
    expected = store.plugins()
    seen = {}
    for labels, value in exporter.samples("containerd_plugin_status").items():
        labels = dict(labels)
        if value:
            assert (labels["type"], labels["id"]) not in seen, "one state is 1"
            seen[labels["type"], labels["id"]] = labels["status"]
    assert seen == expected
    totals = collections.Counter(expected.values())
    for status in ("ok", "skip", "error"):
        assert exporter.value("containerd_plugins", status=status) == totals[status]
    assert totals["skip"] and totals["error"], "this daemon has plugins in every state"


def test_reports_namespaces_with_the_configured_labels(store, module_lab):
    store.ctr("namespaces", "create", "labelled", "containerd.io/defaults/snapshotter=native", "other=x")
    config = config_for(store, collectors=QUICK)
    config["collectors"] = {**QUICK, "namespaces": {"interval": "1s", "labels": ["containerd.io/defaults/snapshotter"]}}
    exporter = module_lab.exporter(config)
    exporter.wait_for("containerd_namespaces", predicate=len(store.namespaces()))
    infos = [dict(labels) for labels in exporter.samples("containerd_namespace_info")]
    assert {info["namespace"] for info in infos} == store.namespaces()
    assert {"namespace": "labelled", "label_containerd_io_defaults_snapshotter": "native"} in infos


def test_reports_version_and_identity_of_the_daemon(store, module_lab):
    exporter = module_lab.exporter(config_for(store, collectors=QUICK))
    exporter.wait_for("containerd_up", predicate=1)
    (labels,) = [dict(key) for key in exporter.samples("containerd_info")]
    version = store.ctr("version")
    assert f"Version:  {labels['version']}" in version
    assert labels["uuid"] in version
    assert exporter.value("containerd_healthy") == 1
    method = "containerd.services.namespaces.v1.Namespaces/List"
    assert exporter.value("containerd_rpc_duration_seconds_count", method=method) > 0


def changes_logged(exporter):
    return [line for line in exporter.log.splitlines() if "collector" in line and ("fails" in line or "works again" in line)]


def test_reports_a_daemon_that_stops_and_returns(lab):
    containerd = lab.containerd()
    exporter = lab.exporter(config_for(containerd, collectors=QUICK))
    exporter.wait_for("containerd_up", predicate=1)
    containerd.stop()
    exporter.wait_for("containerd_up", predicate=0)
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "images"}, 0)
    time.sleep(3)  # several runs fail in the meantime
    assert exporter.value("containerd_images") is None, "old counts go stale instead of lying"
    assert exporter.value("containerd_rpc_failures_total", code="Unavailable") > 0
    assert len(changes_logged(exporter)) == 1, exporter.log
    containerd.start()
    started = time.monotonic()
    exporter.wait_for("containerd_up", predicate=1, timeout=5)
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "plugins"}, 1, timeout=5)
    print(f"seen again {time.monotonic() - started:.1f} s after the daemon's return")
    assert len(changes_logged(exporter)) == 2, exporter.log


@pytest.mark.parametrize("make, words", [
    (lambda path: None, "no such socket"),
    (lambda path: path.write_text("not a socket"), "no process listens"),
    (lambda path: path.mkdir(), "no process listens"),
])
def test_reports_an_unusable_socket(lab, make, words):
    path = lab.temp / "containerd.sock"
    make(path)
    exporter = lab.exporter({"containerd": {"address": str(path)}, "collectors": QUICK})
    exporter.wait_for("containerd_up", predicate=0)
    wait_until(lambda: words in exporter.log, what=f"'{words}' in the log:\n{exporter.log}")
    assert len(changes_logged(exporter)) == 1


def test_a_hanging_daemon_does_not_delay_scrapes(lab):
    path = lab.temp / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()  # and never accepts
        exporter = lab.exporter({"containerd": {"address": str(path)}, "collectors": QUICK}, ready=False)
        wait_until(lambda: exporter.get("/-/healthy")[0] == 200)
        assert exporter.get("/-/ready")[0] == 503, "nothing has been tried yet"
        for _ in range(5):
            status, _, body = exporter.get("/metrics", timeout=2)
            assert status == 200 and b"process_cpu_seconds_total" in body
        exporter.wait_for("containerd_up", predicate=0, timeout=15)

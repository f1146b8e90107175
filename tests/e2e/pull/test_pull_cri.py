# SPDX-License-Identifier: Apache-2.0
"""Pull probes that leave the work to the daemon, as the kubelet does, on three versions of it."""
import contextlib
import functools
import signal
import time

import pytest

from lab import rpc
from lab.cri_node import NAMESPACE, Node
from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, probe, reasons, run_once
from lab.wait import unchanged, wait_until

pull = functools.partial(probe, engine="cri")

LEASE = "containerd-exporter.canary"
ISOLATED = """[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"
"""
DISCARD = """[plugins."io.containerd.grpc.v1.cri".containerd]
  discard_unpacked_layers = true
"""


@pytest.fixture(scope="module")
def node(module_lab, version):
    node = Node(module_lab, version)
    yield node
    node.containerd.close()


@pytest.fixture(scope="module")
def registry(module_lab):
    return module_lab.registry()


@pytest.fixture(autouse=True)
def nothing_is_left(node, registry):
    """Each test leaves the daemon as it was."""
    node.knows(registry)
    with unchanged(node.containerd.census, timeout=5):
        yield


def fetched(exporter, name="canary"):
    return exporter.value("image_canary_fetched_bytes_total", probe=name)


def cached(exporter, name="canary"):
    return exporter.value("image_canary_cached_bytes_total", probe=name)


def test_fetches_every_byte_and_leaves_nothing(lab, node, registry, maker):
    image, index = maker.image(layers=2), maker.multi_platform()
    before = node.containerd.census()
    exporter = run_once(lab, config_for(
        node.containerd, pull(image.push(registry, "cri/one", "1"), timeout="15s", interval="2s"),
        pull(index.push(registry, "cri/index", "1"), "index", expected={"manifest_digest": index.manifests[0].digest})))
    size = image.size + len(image.data)
    assert reasons(exporter) == {} and reasons(exporter, "index") == {}, exporter.log
    assert exporter.value("image_canary_image_bytes", probe="canary", kind="declared") == size
    assert exporter.value("image_canary_image_bytes", probe="canary", kind="unpacked") >= 2 * 64 * 1024
    assert exporter.value("image_canary_image_bytes", probe="index", kind="declared") == \
        len(index.data) + len(index.manifests[0].data) + index.manifests[0].size
    assert cached(exporter, "index") == 0
    assert exporter.value("image_canary_image_info", probe="canary", digest=image.digest, manifest_digest=image.digest,
                          media_type=image.media_type) == 1
    assert exporter.value("image_canary_phase_duration_seconds_count", probe="canary", phase="cleanup") >= 1
    for phase in ("resolve", "fetch", "unpack"):
        assert exporter.value("image_canary_phase_duration_seconds_count", probe="canary", phase=phase) is None
    runs = exporter.wait_for("image_canary_attempts_total", {"probe": "canary"}, lambda n: n >= 2)
    assert exporter.value("image_canary_failures_total", probe="canary") == 0, exporter.log
    assert fetched(exporter) >= runs * size and cached(exporter) == 0, "the second run is as cold as the first"
    exporter.stop()
    assert node.containerd.census() == before, "at once, not at some garbage collection"


def test_does_not_touch_an_existing_image(lab, node, registry, maker):
    image = maker.image()
    reference = image.push(registry, "cri/present", "1")
    node.pull(reference)
    before = node.containerd.census()
    exporter = run_once(lab, config_for(node.containerd, pull(reference), pull(reference, "warm", cold="no")))
    assert reasons(exporter) == {"not_cold": 1}
    assert reasons(exporter, "warm") == {}, exporter.log
    assert "already exists on this node; nothing was pulled" in exporter.log
    assert fetched(exporter) == 0 and cached(exporter) == 0
    assert fetched(exporter, "warm") == 0 and cached(exporter, "warm") == image.size + len(image.data)
    exporter.stop()
    assert node.containerd.census() == before
    node.remove(reference)


def test_keeps_the_image_of_a_pod_under_another_name(lab, node, registry, maker):
    image = maker.image()
    workload, reference = image.push(registry, "cri/workload", "1"), image.push(registry, "cri/shared", "1")
    node.pull(workload)
    before = node.containerd.census()
    exporter = run_once(lab, config_for(node.containerd, pull(reference), pull(reference, "warm", cold="preferred")))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    exporter.stop()
    assert node.containerd.census() == before
    assert node.containerd.check(NAMESPACE)[workload]["status"] == "complete"
    node.remove(workload)


def test_keeps_the_image_of_a_pod_that_names_its_digest(lab, node, registry, maker):
    image = maker.image()
    reference = image.push(registry, "cri/by-digest", "1")
    pinned = f"{registry.host}/cri/by-digest@{image.digest}"
    node.pull(pinned)
    before = node.containerd.census()
    exporter = run_once(lab, config_for(node.containerd, pull(reference)))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    exporter.stop()
    assert node.containerd.census() == before
    node.remove(pinned)


def test_pulls_by_digest(lab, node, registry, maker):
    image, other = maker.image(), maker.image()
    image.push(registry, "cri/digest", "1")
    other.push(registry, "cri/digest", "2")
    repository = f"{registry.host}/cri/digest"
    exporter = run_once(lab, config_for(node.containerd, pull(f"{repository}@{image.digest}"),
                                        pull(f"{repository}:2@{other.digest}", "both"),
                                        pull(f"{repository}@sha256:{'0' * 64}", "none")))
    assert reasons(exporter) == {} and reasons(exporter, "both") == {}, exporter.log
    assert fetched(exporter) == image.size + len(image.data)
    assert reasons(exporter, "none") == {"not_found": 1}


def test_content_of_another_namespace_is_not_cold(lab, node, registry, maker):
    shared, new = maker.layer(size=100 * 1024), maker.layer()
    base, image = maker.image(layers=[shared]), maker.image(layers=[shared, new])
    base.load(node.containerd, "neighbour", "lab.example/base:1")
    exporter = run_once(lab, config_for(node.containerd, pull(image.push(registry, "cri/neighbour", "1"))))
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert cached(exporter) == len(shared.data)
    assert fetched(exporter) == image.size + len(image.data) - len(shared.data)
    exporter.stop()
    node.containerd.ctr("images", "rm", "--sync", "lab.example/base:1", namespace="neighbour")
    node.containerd.ctr("namespaces", "rm", "neighbour")


def test_distinguishes_wrong_credentials_and_missing_tags(lab, node, maker):
    private = node.knows(lab.registry(htpasswd={"user": "secret-word"}))
    images = {name: maker.image().push(private, f"cri/{name}", "1") for name in ("right", "wrong", "anonymous")}
    exporter = run_once(lab, config_for(
        node.containerd, pull(images["right"], "right", auth={"username": "user", "password": "secret-word"}),
        pull(images["wrong"], "wrong", auth={"username": "user", "password": "wrong-word"}),
        pull(images["anonymous"], "anonymous"),
        pull(images["right"] + "2", "tag", auth={"username": "user", "password": "secret-word"})))
    assert reasons(exporter, "right") == {}, exporter.log
    assert reasons(exporter, "wrong") == {"unauthorized": 1}, exporter.log
    assert reasons(exporter, "anonymous") == {"unauthorized": 1}, exporter.log
    assert reasons(exporter, "tag") == {"not_found": 1}, exporter.log
    for text in (exporter.log, exporter.raw(), node.containerd.log):
        assert "secret-word" not in text and "wrong-word" not in text


@pytest.fixture
def fake(node):
    """A registry with an image of two layers, whose second one can be made to misbehave."""
    with FakeRegistry() as registry:
        image = registry.add_image("canary/image", "v1", layers=[{"a": b"a" * 300000}, {"b": bytes(300000)}])
        registry.reference = f"{registry.address}/canary/image:v1"
        registry.layer = image["layers"][1]["digest"]
        node.knows(registry)
        yield registry


def reaches(registry):
    wait_until(lambda: registry.requests(path=registry.layer), what="the second layer")
    time.sleep(0.2)  # for the daemon to have the beginning of it


@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
def test_times_out_on_a_hanging_registry(lab, node, fake, path):
    fake.fault("hang", path=path)
    exporter = run_once(lab, config_for(node.containerd, pull(fake.reference, timeout="2s")))
    assert reasons(exporter) == {"timeout": 1}, exporter.log
    assert 1.5 <= exporter.value("image_canary_last_duration_seconds") < 3


def test_failed_pull_leaves_nothing(lab, node, fake):
    before = node.containerd.census()
    fake.fault("status", path=fake.layer, status=404)
    exporter = run_once(lab, config_for(node.containerd, pull(fake.reference)))
    assert reasons(exporter) == {"not_found": 1}, exporter.log
    exporter.stop()
    assert node.containerd.census() == before


def test_sigterm_during_a_pull_leaves_nothing(lab, node, fake):
    before = node.containerd.census()
    fake.fault("hang_middle", path=fake.layer)
    exporter = lab.exporter(config_for(node.containerd, pull(fake.reference, timeout="60s")), args=[AT_ONCE])
    reaches(fake)
    code, seconds = exporter.stop()
    assert code == 0 and seconds < 2.5
    assert node.containerd.census() == before


def test_restart_removes_leftovers_of_a_killed_exporter(lab, node, fake):
    fake.fault("hang_middle", path=fake.layer, times=1)
    exporter = lab.exporter(config_for(node.containerd, pull(fake.reference, timeout="60s")), args=[AT_ONCE])
    reaches(fake)
    exporter.stop(signal.SIGKILL)
    assert LEASE in node.containerd.leases(NAMESPACE)
    exporter = run_once(lab, config_for(node.containerd, pull(fake.reference)))
    assert reasons(exporter) == {}, exporter.log
    assert cached(exporter) == 0


def test_restart_removes_the_image_of_a_killed_exporter(lab, node, registry, maker):
    image, older = maker.image(), maker.image()
    reference = image.push(registry, "cri/killed", "1")
    node.pull(older.push(registry, "cri/killed", "older"))
    labels = [f"containerd-exporter/image={reference}", f"containerd-exporter/started={time.time_ns()}"]
    node.containerd.ctr("leases", "create", "--id", LEASE, *labels, namespace=NAMESPACE)
    node.pull(reference, containerd_lease=LEASE)
    exporter = run_once(lab, config_for(node.containerd, pull(reference)))
    assert reasons(exporter) == {} and cached(exporter) == 0, exporter.log
    exporter.stop()
    assert f"{registry.host}/cri/killed:older" in node.images()
    node.remove(f"{registry.host}/cri/killed:older")


def test_keeps_the_image_of_a_container(lab, node, registry, maker):
    reference = maker.image().push(registry, "cri/used", "1")
    container = rpc.field(1, "user") + rpc.field(3, reference) + rpc.field(4, rpc.field(1, "io.containerd.runc.v2")) + \
        rpc.field(5, rpc.field(1, "spec") + rpc.field(2, "{}"))
    with contextlib.closing(rpc.Store(node.containerd, NAMESPACE)) as store:
        store.call(rpc.SERVICES + "containers.v1.Containers/Create", rpc.field(1, container))
    exporter = run_once(lab, config_for(node.containerd, pull(reference)))
    assert reasons(exporter) == {}, exporter.log
    assert exporter.value("image_canary_cleanup_failures_total") == 0
    exporter.stop()
    assert node.containerd.check(NAMESPACE)[reference]["status"] == "complete"
    assert not node.containerd.leases(NAMESPACE)
    node.containerd.ctr("containers", "rm", "user", namespace=NAMESPACE)
    node.remove(reference)


def test_reports_a_killed_daemon(lab, node, fake):
    fake.fault("hang_middle", path=fake.layer, times=1)
    exporter = lab.exporter(config_for(node.containerd, pull(fake.reference, interval="3s", timeout="2500ms")),
                            args=[AT_ONCE])
    reaches(fake)
    node.containerd.kill()
    exporter.wait_for("image_canary_failure_reasons_total", {"reason": "runtime_unavailable"}, lambda n: n >= 1)
    node.containerd.start()
    exporter.wait_for("image_canary_success", {}, 1)
    assert cached(exporter) == 0, "what the killed one had fetched is gone"


def test_counts_layers_that_the_daemon_discards(lab, version, registry, maker):
    node = Node(lab, version, DISCARD)
    node.knows(registry)
    image = maker.image(layers=3)
    exporter = run_once(lab, config_for(node.containerd, pull(image.push(registry, "cri/discard", "1"))))
    assert reasons(exporter) == {}, exporter.log
    assert fetched(exporter) == image.size + len(image.data) and cached(exporter) == 0
    assert exporter.value("image_canary_image_bytes", kind="unpacked") >= 3 * 64 * 1024


def test_pulls_from_isolated_namespaces(lab, version, registry, maker):
    node = Node(lab, version, ISOLATED)
    node.knows(registry)
    image = maker.image()
    reference = image.push(registry, "cri/isolated", "1")
    image.load(node.containerd, "neighbour", reference)
    seen = registry.log.count("GET /v2/cri/isolated/blobs/")
    exporter = run_once(lab, config_for(node.containerd, pull(reference)))
    assert reasons(exporter) == {}, exporter.log
    assert fetched(exporter) == image.size + len(image.data) and cached(exporter) == 0
    assert registry.log.count("GET /v2/cri/isolated/blobs/") > seen, "by the registry's own account"


def test_reports_a_daemon_without_cri(lab, containerd_of_version, registry, maker):
    before = containerd_of_version.census()
    exporter = run_once(lab, config_for(containerd_of_version, pull(maker.image().push(registry, "cri/none", "1"))))
    assert reasons(exporter) == {"unsupported": 1}, exporter.log
    exporter.stop()
    assert containerd_of_version.census() == before, "not even a namespace"


def test_serialises_probes_of_one_repository(lab, node, registry, maker):
    reference = maker.image(size=1024 * 1024).push(registry, "cri/turns", "1")
    names = [f"turn-{i}" for i in range(4)]
    exporter = run_once(lab, config_for(node.containerd, *[pull(reference, name) for name in names]))
    for name in names:
        assert reasons(exporter, name) == {} and cached(exporter, name) == 0, exporter.log


@pytest.mark.parametrize("names", [("mirror/turns", "direct/turns"), ("mirror/three", "direct/three", "other/three")])
def test_runs_of_one_content_take_turns(lab, node, registry, maker, names):
    """They know the content only after the first pull."""
    image = maker.image(layers=3, size=256 << 10)
    references = {name.replace("/", "-"): image.push(registry, f"cri/{name}", "1") for name in names}
    before = node.containerd.census()
    exporter = run_once(lab, config_for(node.containerd, *[pull(reference, name, interval="1s", timeout="30s")
                                                           for name, reference in references.items()]), attempts=4, timeout=90)
    for name in references:
        assert reasons(exporter, name) == {} and cached(exporter, name) == 0, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total", probe=name) == 0
    exporter.stop()
    wait_until(lambda: node.containerd.census() == before, what="nothing is left")


def test_an_image_that_a_pod_got_meanwhile_stays(lab, node, registry, maker):
    image = maker.image(layers=3, size=256 << 10)
    mirror, direct = image.push(registry, "cri/mirror/pod", "1"), image.push(registry, "cri/direct/pod", "1")
    exporter = run_once(lab, config_for(node.containerd, pull(mirror, "mirror", interval="1s"),
                                        pull(direct, "direct", interval="1s")))
    node.pull(image.push(registry, "cri/pod", "1"))
    exporter.wait_for("image_canary_failure_reasons_total", {"probe": "mirror", "reason": "not_cold"})
    exporter.wait_for("image_canary_failure_reasons_total", {"probe": "direct", "reason": "not_cold"})
    exporter.stop()
    assert node.containerd.check(NAMESPACE)[f"{registry.host}/cri/pod:1"]["status"] == "complete"
    assert not [name for name in node.images() if "/mirror/" in name or "/direct/" in name]
    assert not node.containerd.leases(NAMESPACE)
    node.remove(f"{registry.host}/cri/pod:1")

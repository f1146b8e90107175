# SPDX-License-Identifier: Apache-2.0
"""Round trips: what is pushed comes back byte for byte, and nothing of it stays."""
import functools
import re

import pytest

from lab.probes import config_for, probe, reasons, run_once
from lab.wait import unchanged

roundtrip = functools.partial(probe, operation="roundtrip", delete_remote=True)

ENGINES = (("client", None), ("registry", None), ("client", "registry"), ("registry", "client"))


def label(exporter, metric, name, **labels):
    (found,) = exporter.samples(metric, **labels)
    return dict(found)[name]


@pytest.fixture
def held(containerd, maker):
    """An image that the node holds, in the namespace of the kubelet."""
    image = maker.image()
    image.name = image.load(containerd, "k8s.io", f"registry.example/held/{image.digest[-8:]}:1")
    yield image
    containerd.ctr("images", "rm", "--sync", image.name, namespace="k8s.io")
    containerd.ctr("namespaces", "rm", "k8s.io")


@pytest.fixture(autouse=True)
def nothing_is_left(containerd):
    with unchanged(containerd.census):
        yield


def name_of(pair):
    return "-".join(filter(None, pair))


@pytest.mark.parametrize("content", [{"layers": 2, "size": "200KiB"},
                                     {"layers": 1, "size": "200KiB", "index": True, "format": "docker"}],
                         ids=["oci", "docker-index"])
def test_reads_back_every_byte(lab, containerd, registry, content):
    repositories = {pair: f"roundtrip/{name_of(pair)}-{content['layers']}" for pair in ENGINES}
    exporter = run_once(lab, config_for(containerd, *(
        roundtrip(f"{registry.host}/{repository}:probe", name_of(pair), engine=pair[0], content=content,
                  **({"read_back": pair[1]} if pair[1] else {}))
        for pair, repository in repositories.items()), plain=registry.host), args=["--log.level=debug"])
    for pair, repository in repositories.items():
        who = {"probe": name_of(pair), "operation": "roundtrip", "engine": pair[0]}
        assert exporter.value("image_canary_success", **who) == 1, exporter.log
        declared = exporter.value("image_canary_image_bytes", kind="declared", **who)
        assert declared > content["layers"] * 200 * 1024
        assert exporter.value("image_canary_uploaded_bytes_total", **who) == declared
        assert exporter.value("image_canary_fetched_bytes_total", **who) >= declared
        assert exporter.value("image_canary_cached_bytes_total", **who) == 0
        for phase in ("upload", "commit", "read_back", "cleanup"):
            assert exporter.value("image_canary_phase_duration_seconds_count", phase=phase, **who) == 1, phase
        whole = exporter.value("image_canary_last_duration_seconds", **who)
        parts = [exporter.value("image_canary_phase_duration_seconds_sum", phase=phase, **who)
                 for phase in ("upload", "commit", "read_back")]
        assert whole >= sum(parts) * 0.999
        assert exporter.value("image_canary_cleanup_failures_total", **who) == 0, exporter.log
        digest = label(exporter, "image_canary_image_info", "digest", **who)
        assert ("list" in label(exporter, "image_canary_image_info", "media_type", **who)) == ("index" in content)
        assert registry.manifest(repository, "probe") is None and registry.manifest(repository, digest) is None
        assert registry.tags(repository) == []
    assert len(re.findall(r"seed 0x[0-9a-f]{16}", exporter.log)) == len(ENGINES), "one line for each, at debug"
    exporter.stop()


def test_reports_a_registry_that_does_not_delete(lab, containerd):
    """What remains is counted and said, and the run is no failure."""
    registry = lab.registry(delete=False)
    exporter = run_once(lab, config_for(containerd, *(
        roundtrip(f"{registry.host}/keeps/{engine}:probe", engine, engine=engine, content={"size": "20KiB"})
        for engine in ("client", "registry")), plain=registry.host))
    for engine in ("client", "registry"):
        assert exporter.value("image_canary_success", probe=engine) == 1, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total", probe=engine) == 1
        assert registry.tags(f"keeps/{engine}") == ["probe"]
        assert re.search(rf"level=WARN .*{engine}: .*(remove|delete)", exporter.log), exporter.log
    exporter.stop()


def test_keeps_the_tag_without_delete_remote(lab, containerd, registry):
    exporter = run_once(lab, config_for(
        containerd, roundtrip(f"{registry.host}/stays/a:probe", delete_remote=False,
                              content={"size": "20KiB"}), plain=registry.host))
    digest = label(exporter, "image_canary_image_info", "digest")
    assert registry.manifest("stays/a", "probe")[0] == digest
    assert exporter.value("image_canary_cleanup_failures_total") == 0
    exporter.stop()


def test_replaces_placeholders_in_names(lab, containerd, registry):
    image = f"{registry.host}/names/{{node}}/{{probe}}:{{timestamp}}"
    kept = f"{registry.host}/names/{{node}}:{{probe}}"
    exporter = run_once(lab, config_for(
        containerd, roundtrip(image, "Timed", engine="registry", content={"size": "20KiB"}),
        roundtrip(kept, "Kept", engine="registry", content={"size": "20KiB"}, delete_remote=False),
        plain=registry.host), env={"NODE_NAME": "Worker_1.Example"})
    for name, written in (("Timed", image), ("Kept", kept)):
        assert exporter.value("image_canary_success", probe=name) == 1, exporter.log
        assert exporter.value("image_canary_info", probe=name, image=written, registry=registry.host) == 1
    assert registry.tags("names/worker_1.example") == ["kept"]
    timed = "names/worker_1.example/timed"
    assert timed in registry.repositories() and registry.tags(timed) == []
    assert re.search(rf"/v2/{timed}/manifests/\d{{8}}-\d{{6}}", registry.log)
    exporter.stop()


def test_pushes_an_image_of_the_node(lab, containerd, registry, held):
    """Cold every time, because it is deleted every time; and what others have put there stays."""
    before, who = containerd.census(), {"probe": "canary"}
    target = f"{registry.host}/held/there:probe"
    config = config_for(containerd, roundtrip(target, interval="1s", content={"image": held.name},
                                              read_back="registry"), plain=registry.host)
    exporter = run_once(lab, config, attempts=3)
    exporter.stop()
    assert not re.search(r"level=WARN source=(?!reload\.c)", exporter.log), exporter.log  # of runs
    assert registry.tags("held/there") == [] and containerd.census() == before

    held.push(registry, "held/there", "precious")
    exporter = run_once(lab, config)
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    assert exporter.value("image_canary_cleanup_failures_total", **who) == 1
    assert registry.manifest("held/there", "precious")[0] == held.digest
    exporter.stop()
    exporter = run_once(lab, config)  # the tag holds the very same image: nothing is replaced
    assert reasons(exporter) == {"not_cold": 1}, exporter.log
    exporter.stop()


def test_reads_back_through_cri(lab):
    containerd, registry = lab.containerd(cri=True), lab.registry()
    exporter = run_once(lab, config_for(containerd, roundtrip(
        f"{registry.host}/kubelet/a:probe", engine="registry", read_back="cri", content={"size": "50KiB"}),
                                        plain=registry.host))
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert registry.tags("kubelet/a") == []
    exporter.stop()
    assert not any(containerd.census()["k8s.io"].values())


def test_auto_selects_an_engine_of_the_node(lab, containerd, registry):
    def config(address):
        return {**config_for(containerd, roundtrip(f"{registry.host}/auto/a:probe", engine="auto",
                                                   content={"size": "20KiB"}), plain=registry.host),
                "containerd": {"address": address}}
    for address, engine in ((containerd.address, "client"), ("/nowhere/containerd.sock", "registry")):
        exporter = run_once(lab, config(address))
        assert exporter.value("image_canary_success", engine=engine) == 1, exporter.log
        exporter.stop()


@pytest.mark.parametrize("fault, reason", [
    (dict(kind="wrong_bytes", method="GET", path="/blobs/"), "digest_mismatch"),
    (dict(kind="wrong_bytes", method="GET", path="/manifests/sha256"), "digest_mismatch"),
    (dict(kind="truncate", method="GET", path="/blobs/"), "size_mismatch"),
    (dict(kind="status", method="GET", path="/blobs/", status=404), "not_found"),
    (dict(kind="status", method="GET", path="/manifests/sha256", status=500), "server_error"),
    (dict(kind="hang", method="GET", path="/blobs/"), "timeout"),
], ids=lambda value: value if isinstance(value, str) else f"{value['kind']}-{value['path'].strip('/')}")
def test_reports_content_that_differs(lab, containerd, fault, reason):
    with lab.fake_registry() as registry:
        registry.fault(**fault)
        pairs = [pair for pair in ENGINES if pair[1] is None]
        exporter = run_once(lab, config_for(containerd, *(
            roundtrip(f"{registry.address}/back/{pair[0]}:probe", pair[0], engine=pair[0], timeout="3s",
                      content={"size": "50KiB"}) for pair in pairs), plain=registry.address))
        for engine, _ in pairs:
            assert reasons(exporter, engine) == {reason: 1}, exporter.log
            assert exporter.value("image_canary_phase_duration_seconds_count", probe=engine, phase="read_back") == 1
            assert exporter.value("image_canary_last_duration_seconds", probe=engine) < 4
        assert "read back by" in exporter.log
        assert re.search(r"fails, reason \w+: roundtrip \S+ \(seed 0x[0-9a-f]{16}\): ", exporter.log)
        exporter.stop()


def test_content_of_the_registry_is_not_cold(lab, containerd):
    with lab.fake_registry() as registry:
        registry.fault("status", method="HEAD", path="/blobs/", status=200)
        registry.fault("status", method="GET", path="/blobs/", status=404)
        exporter = run_once(lab, config_for(containerd, roundtrip(
            f"{registry.address}/cold/a:probe", delete_remote=False, content={"size": "20KiB"}),
                                            plain=registry.address))
        (reason,) = reasons(exporter)
        assert reason in ("not_cold", "not_found"), exporter.log  # whichever is seen first
        assert exporter.value("image_canary_cached_bytes_total") > 20 * 1024
        exporter.stop()


def test_two_hundred_round_trips_do_not_fill_the_disk(lab, containerd):
    registry = lab.registry()
    probes = [roundtrip(f"{registry.host}/flat/{engine}-{number}:probe", f"{engine}-{number}", engine=engine, interval="1s",
                        content={"size": "30KiB"})
              for engine in ("client", "registry") for number in range(5)]
    interrupted = 4 * 40 * 1024  # what the runs hold that the end of the exporter finds at work
    for rounds in (1, 2):
        exporter = run_once(lab, config_for(containerd, *probes, plain=registry.host), attempts=10, timeout=120)
        assert exporter.value("image_canary_failures_total") == 0, exporter.log
        assert exporter.value("image_canary_cleanup_failures_total") == 0, exporter.log
        exporter.stop()
        registry.collect_garbage()
        left = sum(registry.blobs().values()) + sum(registry.uploads().values())
        assert left <= rounds * interrupted, (rounds, registry.blobs(), registry.uploads())

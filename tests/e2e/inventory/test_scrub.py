# SPDX-License-Identifier: Apache-2.0
"""The scrub finds real damage in a content store, names the images that are hit, and stays within its budget."""
import os
import time

import pytest

from lab.fake.registry import digest_of
from lab.images import MIB
from lab.probes import config_for
from lab.wait import wait_until

KINDS = ("missing_file", "truncated", "wrong_hash", "unreadable")


def scrub_config(containerd, **settings):
    scrub = {"enabled": True, "interval": "1s", "timeout": "5s", "bytes_per_second": "16MiB", **settings}
    return config_for(containerd, collectors={"scrub": scrub})


def overwrite(containerd, digest, change):
    path = containerd.blob_path(digest)
    data = bytearray(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(change(data))


def flip(data):
    data[len(data) // 2] ^= 1
    return data


def bad_blobs(exporter):
    return {kind: exporter.value("containerd_content_bad_blobs", kind=kind) for kind in KINDS}


def expected(**counts):
    return {kind: counts.get(kind, 0) for kind in KINDS}


def hits(exporter):
    samples = [dict(labels) for labels in exporter.samples("containerd_content_bad_image_info")]
    return {(s["namespace"], s["image"], s["digest"], s["kind"]) for s in samples}


def after_rotations(exporter, check="hash", n=2):
    """Waits until n more rotations are complete: all that was there when it was called is then checked."""
    metric = "containerd_content_scrub_rotations_total"
    before = exporter.wait_for(metric, {"check": check})
    exporter.wait_for(metric, {"check": check}, lambda value: value >= before + n, timeout=60)


def clean(containerd, *namespaces):
    for namespace in namespaces:
        containerd.remove_images(namespace)


def test_finds_every_kind_of_damage(containerd_of_version, module_lab):
    containerd, maker = containerd_of_version, module_lab.maker
    names = ("no-file", "short", "empty", "flipped", "no-manifest-file", "whole")
    images = {name: maker.image(layers=2) for name in names}
    for name, image in images.items():
        image.load(containerd, "damaged", f"lab.example/{name}:1", unpack=False)
    damage = {"no-file": (images["no-file"].layers[0].digest, "missing_file"),
              "short": (images["short"].layers[1].digest, "truncated"),
              "empty": (images["empty"].layers[0].digest, "truncated"),
              "flipped": (images["flipped"].layers[0].digest, "wrong_hash"),
              "no-manifest-file": (images["no-manifest-file"].digest, "missing_file")}
    containerd.lose_blob_file(damage["no-file"][0])
    overwrite(containerd, damage["short"][0], lambda data: data[:-1])
    overwrite(containerd, damage["empty"][0], lambda data: b"")
    overwrite(containerd, damage["flipped"][0], flip)
    containerd.lose_blob_file(damage["no-manifest-file"][0])
    by_ctr = containerd.check("damaged")
    for name in ("no-file", "short", "empty", "flipped"):
        assert by_ctr[f"lab.example/{name}:1"]["status"] == "complete", "ctr sees none of it"
    exporter = module_lab.exporter(scrub_config(containerd))
    after_rotations(exporter)
    assert bad_blobs(exporter) == expected(missing_file=2, truncated=2, wrong_hash=1)
    assert hits(exporter) == {("damaged", f"lab.example/{name}:1", *what) for name, what in damage.items()}
    assert exporter.value("containerd_series_dropped_total", collector="scrub") == 0
    assert exporter.value("containerd_exporter_collector_success", collector="scrub") == 1
    clean(containerd, "damaged")
    wait_until(lambda: bad_blobs(exporter) == expected(), what="what was deleted is not bad")
    assert hits(exporter) == set()
    exporter.stop()


def test_hashes_with_the_algorithm_of_the_digest(containerd_of_version, module_lab, version):
    containerd = containerd_of_version
    digest = digest_of(b"hello", "sha512")
    if not containerd.ingest(digest, "hello", "sha512"):
        pytest.skip(f"CONTAINERD {version} STORES NO SHA512: its scrub is tested in tests/unit/inventory only")
    overwrite(containerd, digest, flip)
    exporter = module_lab.exporter(scrub_config(containerd))
    after_rotations(exporter)
    assert bad_blobs(exporter) == expected(wrong_hash=1)
    assert exporter.value("containerd_content_unverified_blobs") == 0
    exporter.stop()
    containerd.remove_blob(digest, "sha512")


def test_counts_a_shared_blob_once_and_names_all_its_images(containerd_of_version, module_lab):
    containerd, maker = containerd_of_version, module_lab.maker
    image = maker.multi_platform()
    for namespace in ("one", "two"):
        image.load(containerd, namespace, "lab.example/shared:1", unpack=False, all_platforms=True)
    lost = image.manifests[1].layers[0].digest
    containerd.lose_blob_file(lost)
    exporter = module_lab.exporter(scrub_config(containerd))
    after_rotations(exporter, "look")
    assert bad_blobs(exporter) == expected(missing_file=1)
    assert hits(exporter) == {(n, "lab.example/shared:1", lost, "missing_file") for n in ("one", "two")}
    containerd.ctr("images", "tag", "lab.example/shared:1", "lab.example/other:1", namespace="two")
    wait_until(lambda: ("two", "lab.example/other:1", lost, "missing_file") in hits(exporter), what="the new name is hit")
    clean(containerd, "one", "two")
    exporter.stop()


def test_reports_a_repair(containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    image.load(containerd, "repaired", "lab.example/repaired:1", unpack=False)
    kept = {d: containerd.blob_path(d).read_bytes() for d in (image.layers[0].digest, image.layers[1].digest)}
    containerd.lose_blob_file(image.layers[0].digest)
    overwrite(containerd, image.layers[1].digest, flip)
    exporter = module_lab.exporter(scrub_config(containerd))
    after_rotations(exporter)
    assert bad_blobs(exporter) == expected(missing_file=1, wrong_hash=1)
    for digest, data in kept.items():
        containerd.blob_path(digest).write_bytes(data)
    wait_until(lambda: bad_blobs(exporter) == expected(), what="the repaired blobs are good")
    clean(containerd, "repaired")
    exporter.stop()


def test_hashes_a_large_blob_over_several_runs_within_the_budget(containerd_of_version, module_lab):
    containerd, maker = containerd_of_version, module_lab.maker
    image = maker.image(layers=1, size=3 * MIB, compress=False)
    image.load(containerd, "large", "lab.example/large:1", unpack=False)
    overwrite(containerd, image.layers[0].digest, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    began = time.monotonic()
    exporter = module_lab.exporter(scrub_config(containerd, bytes_per_second="1MiB"))
    while exporter.value("containerd_content_bad_blobs", kind="wrong_hash") != 1:
        read = exporter.value("containerd_content_scrubbed_bytes_total", default=0)
        # A second's worth in advance; some bytes for the looks.
        assert read <= (time.monotonic() - began + 1) * MIB + 1000
        assert time.monotonic() - began < 60
        time.sleep(0.1)
    assert time.monotonic() - began >= 2, "3 MiB at 1 MiB/s, the first in advance"
    clean(containerd, "large")
    exporter.stop()


def test_without_full_hash_checks_only_sizes(containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    image.load(containerd, "looked", "lab.example/looked:1", unpack=False)
    containerd.lose_blob_file(image.layers[0].digest)
    overwrite(containerd, image.layers[1].digest, flip)
    exporter = module_lab.exporter(scrub_config(containerd, full_hash=False))
    after_rotations(exporter, "look", 3)
    assert bad_blobs(exporter) == expected(missing_file=1)
    looks = exporter.value("containerd_content_scrub_rotations_total", check="look")
    blobs = len(containerd.content("looked"))
    assert exporter.value("containerd_content_scrubbed_bytes_total") <= (looks + 1) * blobs
    assert not exporter.samples("containerd_content_scrub_rotations_total", check="hash")
    clean(containerd, "looked")
    exporter.stop()


def test_does_not_report_blobs_deleted_during_a_run(containerd_of_version, module_lab):
    """Images come and go while the scrub reads: nothing is ever called bad."""
    containerd, maker = containerd_of_version, module_lab.maker
    exporter = module_lab.exporter(scrub_config(containerd, bytes_per_second="64MiB"))
    for i in range(20):
        image = maker.image(layers=3, size=256 * 1024)
        image.load(containerd, "passing", f"lab.example/passing-{i}:1", unpack=False)
        containerd.ctr("images", "rm", "--sync", f"lab.example/passing-{i}:1", namespace="passing")
        assert not sum(bad_blobs(exporter).values())
    after_rotations(exporter)
    assert not sum(bad_blobs(exporter).values())
    assert exporter.value("containerd_exporter_collector_success", collector="scrub") == 1
    exporter.stop()


def test_continues_after_a_reload_and_a_restart_of_the_daemon(lab):
    containerd, image = lab.containerd(), lab.maker.image(layers=2)
    image.load(containerd, "reloaded", "lab.example/reloaded:1", unpack=False)
    overwrite(containerd, image.layers[0].digest, flip)
    exporter = lab.exporter(scrub_config(containerd))
    after_rotations(exporter)
    read = exporter.value("containerd_content_scrubbed_bytes_total")
    rotations = exporter.value("containerd_content_scrub_rotations_total", check="hash")
    status, body = exporter.reload(scrub_config(containerd, bytes_per_second="8MiB"))
    assert status == 200, body
    wait_until(lambda: exporter.value("containerd_content_scrubbed_bytes_total", default=0) > read, what="more was read")
    assert exporter.value("containerd_content_scrub_rotations_total", check="hash") >= rotations
    assert bad_blobs(exporter) == expected(wrong_hash=1), "known from the start"
    containerd.stop()
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "scrub"}, 0)
    containerd.start()
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "scrub"}, 1)
    after_rotations(exporter)
    assert bad_blobs(exporter) == expected(wrong_hash=1)


def test_limits_series_and_counts_the_omitted_ones(lab):
    containerd, image = lab.containerd(), lab.maker.image()
    image.load(containerd, "named", "lab.example/named:0", unpack=False)
    for i in range(1, 6):
        containerd.ctr("images", "tag", "lab.example/named:0", f"lab.example/named:{i}", namespace="named")
    containerd.lose_blob_file(image.layers[0].digest)
    exporter = lab.exporter(scrub_config(containerd, max_series=2))
    after_rotations(exporter, "look")
    assert len(hits(exporter)) == 2
    assert exporter.value("containerd_series_dropped_total", collector="scrub") >= 4


def test_is_disabled_by_default(lab):
    containerd = lab.containerd()
    exporter = lab.exporter({"containerd": {"address": containerd.address}, "collectors": {"scrub": {"interval": "1s"}}})
    assert "containerd_content_scrubbed_bytes_total" not in exporter.metrics()
    assert not exporter.samples("containerd_exporter_collector_success", collector="scrub")


@pytest.mark.parametrize("value", ["0", "2TiB"])
def test_rejects_an_impossible_budget(lab, value):
    exporter = lab.exporter({"collectors": {"scrub": {"enabled": True, "bytes_per_second": value}}},
                            args=["--config.check"], ready=False)
    assert exporter.child.wait(timeout=10) == 1
    assert "bytes_per_second must be 1 to 1TiB" in exporter.log
    assert os.path.basename(exporter.config_path) in exporter.log

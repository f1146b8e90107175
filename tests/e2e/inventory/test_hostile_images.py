# SPDX-License-Identifier: Apache-2.0
"""Stores that mean harm and daemons that die at the wrong moment: the right status for the image that
is bad, no wrong one for any other, never a crash, and bounded memory."""
import contextlib
import json
import random
import select
import signal
import socket
import threading
import time

import pytest

from lab.check_table import check_rows
from lab.exporter import exporter_check
from lab.images import MIB, OCI
from lab.probes import config_for
from lab.rpc import Store
from lab.situations import Kit, entry
from lab.wait import wait_until

RSS_MAX_KB = 96 * 1024  # a document of 10 MB as JSON values takes most of it
NASTY_NAME = '%s\\n"}'


def nothing_like_json(kit):
    return kit.put(kit.random.randbytes(3 * MIB), OCI["manifest"])


def hundred_megabytes(kit):
    image = kit.image()
    return kit.put(image.data[:-1] + b',"annotations":{"x":"' + b"y" * (100 * MIB) + b'"}}', OCI["manifest"])


def config_of_hundred_megabytes(kit):
    return kit.image(config_body=lambda data: data[:-1] + b',"x":"' + b"y" * (100 * MIB) + b'"}').target


def deep_json(kit):
    return kit.put(b'{"x":' + b"[" * 1500000 + b"]" * 1500000 + b"}", OCI["manifest"])


def deep_unfinished_json(kit):
    return kit.put(b'{"layers":' + b'[{"x":' * 600000, OCI["manifest"])


def layers_by_the_thousand(number):
    def make(kit):
        layer = {"digest": kit.layer()["digest"], "size": 100}
        config = kit.image().config
        text = json.dumps({"config": config, "layers": "HERE"}).encode()
        layers = b"[" + b",".join([json.dumps(layer).encode()] * number) + b"]"
        return kit.put(text.replace(b'"HERE"', layers), OCI["manifest"])
    return make


def entries_by_the_thousand(kit):
    absent = {"mediaType": OCI["manifest"], "digest": "sha256:" + "a" * 64, "size": 5}
    entries = [entry(absent, "linux/s390x")] * 8000 + [entry(kit.image().target, "linux/amd64")]
    return kit.index(entries)


def diff_ids_by_the_thousand(kit):
    return kit.image(config={"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64] * 20000}}, unpack=False).target


def sizes(*numbers):
    return lambda kit: kit.image(layers=[{**kit.layer(), "size": number} for number in numbers]).target


# What is made, and the status that is right for it: ctr's, but where ctr has no ceiling and we have one
# (100-megabytes, nested-100) the image cannot be judged and is an error.
HOSTILE = {
    "nothing-like-json": (nothing_like_json, "error"),
    "100-megabytes": (hundred_megabytes, "error"),
    "config-of-100-megabytes": (config_of_hundred_megabytes, "complete"),
    "deep-json": (deep_json, "error"),
    "deep-unfinished-json": (deep_unfinished_json, "error"),
    "9000-layers": (layers_by_the_thousand(9000), "complete"),
    "20000-layers": (layers_by_the_thousand(20000), "complete"),
    "100000-layers": (layers_by_the_thousand(100000), "complete"),
    "8000-entries": (entries_by_the_thousand, "complete"),
    "20000-diff-ids": (diff_ids_by_the_thousand, "complete"),
    "nested-100": (lambda kit: kit.chain_of(100), "error"),
    "size-negative": (sizes(-1, -(1 << 63)), "complete"),
    "size-huge": (sizes((1 << 63) - 1, (1 << 63) - 1), "complete"),
    NASTY_NAME: (lambda kit: kit.image().target, "complete"),
}


def layer_gone(kit):
    image = kit.image()
    kit.drop(image.layers[0])
    return image.target


def manifest_gone(kit):
    image = kit.image()
    kit.drop(image.target)
    return image.target


# What is made, and what ctr says of it.
HEALTHY = {
    "neighbour-complete": (lambda kit: kit.image().target, ("complete", "3", "3", "true")),
    "neighbour-incomplete": (layer_gone, ("incomplete", "2", "3", "true")),
    "neighbour-unavailable": (manifest_gone, ("unavailable", "0", "?", "false")),
    "neighbour-index": (lambda kit: kit.index_of("linux/arm64", "linux/amd64"), ("complete", "3", "3", "true")),
}


@pytest.fixture(scope="module")
def hostile(containerd_of_version):
    with Store(containerd_of_version, "hostile") as store:
        kit = Kit(store, random.Random(3))
        for name, (make, _) in {**HEALTHY, **HOSTILE}.items():
            store.tag(name, make(kit))
    return containerd_of_version


def images_config(containerd, **images):
    return config_for(containerd, collectors={"images": {"interval": "1s", "timeout": "20s", **images},
                                              "daemon": {"interval": "1s"}})


def image_counts(exporter, namespace):
    counts = {}
    for labels, value in exporter.samples("containerd_images", namespace=namespace).items():
        labels = dict(labels)
        if value:
            counts[labels["status"], labels["unpacked"]] = int(value)
    return counts


def test_hostile_images_do_not_affect_other_images(hostile, module_lab):
    rows = {row.image: row for row in check_rows(exporter_check(hostile, "-n", "hostile").stdout)}
    assert set(rows) == set(HOSTILE) | set(HEALTHY)
    for name, (_, right) in HOSTILE.items():
        assert rows[name].status == right, rows[name]
    for name, (_, expected) in HEALTHY.items():
        assert (rows[name].status, rows[name].have, rows[name].want, rows[name].unpacked) == expected
    print({name: rows[name].status for name in HOSTILE})

    exporter = module_lab.exporter(images_config(hostile, series="all", max_series=1000))
    exporter.wait_for("containerd_images", timeout=40)
    for name, row in rows.items():
        assert exporter.value("containerd_image_status", image=name, status=row.status) == 1, name
    time.sleep(2.5)
    print(f"RSS {exporter.rss_kb()} KiB, at most {exporter.rss_peak_kb()} KiB")
    assert exporter.alive and exporter.rss_peak_kb() < RSS_MAX_KB
    exporter.close()


class CuttingProxy:
    """A socket before the daemon's that cuts the connection after so many bytes of answers."""

    def __init__(self, path, upstream):
        self.upstream, self.limit, self.cuts = upstream, None, 0
        self.settings = {"containerd": {"address": str(path)}}
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.open = True
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.open = False
        self.server.close()

    def _serve(self):
        while self.open:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client, ), daemon=True).start()

    def _forward(self, client):
        with client, socket.socket(socket.AF_UNIX) as daemon, contextlib.suppress(OSError):
            daemon.connect(self.upstream)
            answered, limit = 0, self.limit
            while self.open and limit == self.limit:
                ready, _, _ = select.select([client, daemon], [], [], 0.1)
                for sock in ready:
                    data = sock.recv(4096)
                    if not data:
                        return
                    if sock is client:
                        daemon.sendall(data)
                        continue
                    if limit is not None and answered + len(data) > limit:
                        client.sendall(data[:limit - answered])
                        self.cuts += 1
                        return
                    answered += len(data)
                    client.sendall(data)


def test_survives_a_connection_cut_within_a_list(containerd_of_version, module_lab, version):
    """The answers break off after every so many bytes; what is shown is the truth or nothing."""
    with Store(containerd_of_version, "cut") as store:
        kit = Kit(store, random.Random(4))
        for number in range(30):
            store.tag(f"lab.example/{'x' * 200}/{number}", kit.image(layers=3, unpack=number < 5).target)
    proxy = CuttingProxy(module_lab.temp / f"cut-{version}.sock", containerd_of_version.address)
    exporter = module_lab.exporter(images_config(proxy))
    truth = wait_until(lambda: image_counts(exporter, "cut"), what="first counts")
    assert truth == {("complete", "true"): 5, ("complete", "false"): 25}
    for limit in (50, 700, 2500, 6000, 9000, 12000, 16000):
        before, proxy.limit = proxy.cuts, limit
        wait_until(lambda was=before: proxy.cuts >= was + 2 or image_counts(exporter, "cut") == {}, 30, f"cut after {limit}")
        assert image_counts(exporter, "cut") in (truth, {}), f"cut after {limit} bytes"
    proxy.limit = None
    wait_until(lambda: image_counts(exporter, "cut") == truth, 30, "counts after the last cut")
    assert exporter.alive and exporter.rss_peak_kb() < RSS_MAX_KB
    exporter.close()
    proxy.close()


def test_survives_a_daemon_killed_during_a_call(lab, version):
    containerd = lab.containerd_of(version)
    with Store(containerd, "killed") as store:
        kit = Kit(store, random.Random(5))
        for number in range(20):
            store.tag(f"lab.example/image:{number}", kit.image().target)
    exporter = lab.exporter(images_config(containerd))
    truth = wait_until(lambda: image_counts(exporter, "killed"), what="first counts")
    for _ in range(2):
        containerd.send(signal.SIGSTOP)  # calls wait from now on
        time.sleep(1.5)
        assert image_counts(exporter, "killed") in (truth, {})
        containerd.kill()
        exporter.wait_for("containerd_up", predicate=0)
        assert image_counts(exporter, "killed") in (truth, {})
        containerd.start()
        wait_until(lambda: exporter.value("containerd_up") == 1 and image_counts(exporter, "killed") == truth, 30,
                   "the same counts from the new daemon")
    assert exporter.alive


def test_short_lived_namespaces_cause_no_error(containerd_of_version, module_lab):
    containerd = containerd_of_version
    with Store(containerd, "steady") as steady:
        kit = Kit(steady, random.Random(6))
        for number in range(5):
            steady.tag(f"lab.example/steady:{number}", kit.image().target)
    exporter = module_lab.exporter(images_config(containerd))
    wait_until(lambda: image_counts(exporter, "steady") == {("complete", "true"): 5}, what="first counts")
    stop, rounds, errors = threading.Event(), [], []

    def churn():
        try:
            while not stop.is_set():
                with Store(containerd, "brief") as store:
                    kit = Kit(store, random.Random(f"brief{len(rounds)}"))
                    image = kit.image(layers=3, unpack=False)
                    store.tag("lab.example/brief:1", image.target)
                    time.sleep(0.03)
                    store.untag("lab.example/brief:1")
                    kit.drop(image.target, image.config, *image.layers)
                containerd.run("namespaces", "rm", "brief")
                rounds.append(1)
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        until, seen = time.monotonic() + 6, set()
        while time.monotonic() < until:
            for labels, value in exporter.samples("containerd_images").items():
                labels = dict(labels)
                if value and labels["namespace"] in ("brief", "steady"):
                    seen.add((labels["namespace"], labels["status"]))
            assert seen <= {("steady", "complete"), ("brief", "complete")}
            assert exporter.value("containerd_exporter_collector_success", collector="images") == 1
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert not errors and len(rounds) > 10
    print(f"{len(rounds)} times came and went; the exporter showed {seen}")
    exporter.close()

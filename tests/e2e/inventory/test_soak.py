# SPDX-License-Identifier: Apache-2.0
"""Thousands of changes by ctr while the exporter watches: at the end the metrics are ctr's answer and the
exporter's memory is what it was. $SOAK is the number of changes (default 300)."""
import collections
import os
import random
import statistics
import tempfile
import time

from lab.wait import wait_until

CHANGES = int(os.environ.get("SOAK") or 300)
NAMESPACES = ("soak-a", "soak-b", "soak-c")
RSS_GROWTH_KB = 2048  # what allocators and caches may still gain after the first third


class Changer:
    """One change at a time, each a ctr of its own."""

    def __init__(self, containerd, maker, folder):
        self.containerd, self.random = containerd, random.Random(7)
        self.archives, self.images, self.counts = [], {}, collections.Counter()
        for number in range(30):
            image = maker.multi_platform() if number % 5 == 4 else maker.image(layers=1 + number % 4, size=2048)
            name = f"lab.example/soak/{number}:1"
            path = os.path.join(folder, f"{number}.tar")
            with open(path, "wb") as archive:
                archive.write(image.layout(name))
            self.archives.append((path, name, image))

    def _ctr(self, namespace, *words):
        """What is to be changed may be gone already: the collector of garbage is at work too."""
        self.containerd.run(*words, namespace=namespace)

    def _image(self, namespace):
        return self.random.choice(sorted(self.images.get(namespace) or {"lab.example/none:1"}))

    def load(self, namespace):
        path, name, _ = self.random.choice(self.archives)
        flags = ["--no-unpack"] if self.random.random() < 0.3 else []
        self._ctr(namespace, "images", "import", *flags, path)
        self.images.setdefault(namespace, set()).add(name)

    def remove(self, namespace):
        name = self._image(namespace)
        self._ctr(namespace, "images", "rm", name)
        self.images.get(namespace, set()).discard(name)

    def tag(self, namespace):
        name = f"lab.example/soak/tag:{self.random.randrange(40)}"
        self._ctr(namespace, "images", "tag", "--force", self._image(namespace), name)
        self.images.setdefault(namespace, set()).add(name)

    def label(self, namespace):
        self._ctr(namespace, "images", "label", self._image(namespace), f"number={self.random.randrange(9)}")

    def remove_blob(self, namespace):
        image = self.random.choice(self.archives)[2]
        self._ctr(namespace, "content", "rm", self.random.choice(sorted([image.digest, *image.blobs])))

    def remove_snapshot(self, namespace):
        image = self.random.choice(self.archives)[2]
        if image.layers:
            self._ctr(namespace, "snapshots", "rm", image.layers[0].diff_id)

    def change(self):
        action = self.random.choices([self.load, self.remove, self.tag, self.label, self.remove_blob, self.remove_snapshot],
                                     [30, 25, 15, 5, 20, 5])[0]
        self.counts[action.__name__] += 1
        action(self.random.choice(NAMESPACES))


def by_ctr(containerd):
    return collections.Counter((namespace, row.status, row.unpacked) for namespace in NAMESPACES
                               for row in containerd.check_rows(namespace).values())


def by_exporter(exporter):
    counts = collections.Counter()
    for labels, value in exporter.samples("containerd_images").items():
        labels = dict(labels)
        if labels["namespace"] in NAMESPACES:
            counts[labels["namespace"], labels["status"], labels["unpacked"]] += int(value)
    return +counts


def test_soak(lab, version):
    containerd = lab.containerd_of(version)
    collectors = {"images": {"interval": "2s"}, "namespaces": {"interval": "2s"}, "daemon": {"interval": "2s"}}
    exporter = lab.exporter({"containerd": {"address": containerd.address}, "collectors": collectors})
    with tempfile.TemporaryDirectory(dir=lab.temp) as folder:
        changer = Changer(containerd, lab.maker, folder)
        began, memory = time.monotonic(), []
        for number in range(CHANGES):
            changer.change()
            if number % max(1, CHANGES // 60) == 0:
                memory.append(exporter.rss_kb())
        took = time.monotonic() - began
    wait_until(lambda: by_exporter(exporter) == by_ctr(containerd), 30,
               f"metrics {by_exporter(exporter)} as ctr's {by_ctr(containerd)}")
    memory.append(exporter.rss_kb())
    third = len(memory) // 3
    early, late = statistics.median(memory[third:2 * third]), statistics.median(memory[-third:])
    print(f"containerd {version}: {CHANGES} changes in {took:.0f} s {dict(changer.counts)}; RSS {memory[0]} KiB at the "
          f"start, {early:.0f} in the middle third, {late:.0f} in the last, {exporter.rss_peak_kb()} at most; "
          f"at the end {dict(by_ctr(containerd))}")
    assert late - early <= RSS_GROWTH_KB, memory
    assert exporter.alive

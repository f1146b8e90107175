# SPDX-License-Identifier: Apache-2.0
"""`containerd_exporter check` and the metrics against `ctr images check` of the same version.

Every row is compared: over all SITUATIONS, over odd names and namespaces, over images that were
imported and damaged with ctr, and over stores and documents that are damaged at random: the same ones
on every run, unless $DIFFERENTIAL_SEED is another number or `random`; $DIFFERENTIAL_ROUNDS makes
it longer. A difference that is meant stands in WRITTEN_DOWN.
"""
import collections
import itertools
import json
import os
import random
import re
from unittest import mock

import pytest

from lab.check_table import Row, check_rows
from lab.exporter import exporter_check
from lab.images import OCI
from lab.programs import VERSIONS
from lab.rpc import Store
from lab.situations import SITUATIONS, Kit, damaged_document, entry
from lab.wait import LabError, wait_until

SEED = os.environ.get("DIFFERENTIAL_SEED") or "3"
SEED = random.SystemRandom().randrange(1 << 32) if SEED == "random" else int(SEED)
ROUNDS = int(os.environ.get("DIFFERENTIAL_ROUNDS") or 25)
DOCUMENTS = 3 * ROUNDS
ALL = VERSIONS

ERROR = {"status": "error", "have": None, "want": None, "size": "-", "unpacked": "false"}
COMPLETE = {"status": "complete", "have": "3", "want": "3", "size": mock.ANY, "unpacked": "true"}

# Situation: (versions, what we say instead, why). Everything else has to be equal.
WRITTEN_DOWN = {
    "config-twice-merges": (ALL, ERROR, "Go merges objects that come twice; we take a key that comes twice for an error"),
    "config-again-in-capitals": (ALL, ERROR, "the same, by Go's rule that keys have no case"),
    "config-then-null": (ALL, ERROR, "the same, with a null that Go skips"),
    "layers-as-text-before": (ALL, COMPLETE, "of a key that comes twice by Go's rule we look at one"),
    "inline-array": (ALL, ERROR, "Go takes an array of numbers for bytes, where everybody else writes base64"),
    "zero-in-type": (ALL, ERROR, "we take a media type with a zero byte for an error"),
    "unknown-keys": (ALL, COMPLETE, "ctr refuses wrong types in fields that neither of us needs"),
    "config-created-is-garbage": (ALL, {"unpacked": "true"}, "the same, in the configuration"),
    "config-created-is-number": (ALL, {"unpacked": "true"}, "the same, in the configuration"),
    "platform-os-features": (("2", ), COMPLETE, "Debian builds 2.1 with the platform rules of 2.3; upstream does not"),
}

# What is written down of unknown-keys, as ctr words it on standard error for an image of any name.
UNREAD_FIELD = re.compile(r'unable to check (?:unpack for )?(\S+)" error=".*(?:parsing time|struct field \S*\b(?:'
                          r'Image\.config|author|created|history|annotations|urls|subject|artifactType|os\.version|'
                          r'os\.features)\b)')

NAMES = ["plain:1", '%s\\n"}', "with space", 'quote"d', "back\\slash", "{braces}=,", "ünïcödé", "\U0001F600", "é" * 40,
         "x" * 900, "UPPER/Case:TAG", "docker.io/library/a@sha256:" + "0" * 64, "-n", "#", "'; rm -rf /", "\u202eleft",
         "$(reboot)", "NAMESPACE", "complete", "true"]
CONTROL_NAMES = ["tab\there", "new\nline", "carriage\rreturn", "escape\x1b[31m", "zero\x00byte", "bell\x07"]
NO_TEXT = b"lab.example/\xff\xfe:1"
EVERY_IMAGE = {"series": "all", "max_series": 10000}


def made_in(containerd, namespace, makers):
    """Situations as images of one namespace."""
    with Store(containerd, namespace) as store:
        for name, make in makers.items():
            store.tag(name, make(Kit(store, random.Random(f"{namespace}/{name}"))))


def imported(containerd, maker):
    """Rows of section 3.5 with real tools: `ctr images import`, then `ctr content rm` and `ctr snapshots rm`."""
    def load(name, image):
        image.load(containerd, "imported", f"lab.example/{name}:1")
        return image

    load("whole", maker.image(layers=3))
    load("docker", maker.image(docker=True))
    load("platforms", maker.multi_platform())
    containerd.remove_blob(load("layer-gone", maker.image()).layers[0].digest, "imported")
    containerd.remove_blob(load("config-gone", maker.image()).config_digest, "imported")
    containerd.remove_blob(load("manifest-gone", maker.image()).digest, "imported")
    index = load("index-gone", maker.multi_platform())
    containerd.remove_blob(index.digest, "imported")
    index = load("child-gone", maker.multi_platform())
    containerd.remove_blob(index.manifests[0].digest, "imported")
    containerd.lose_blob_file(load("manifest-file-lost", maker.image()).digest)
    image = load("snapshot-gone", maker.image(layers=1))
    containerd.ctr("snapshots", "rm", image.layers[0].diff_id, namespace="imported")
    containerd.ctr("images", "tag", "lab.example/whole:1", "lab.example/again:2", namespace="imported")


def namespaced(containerd):
    """What namespaces add: defaults of their own, content that another one shares, nothing at all."""
    for namespace, labels in (("native", {"containerd.io/defaults/snapshotter": "native"}),
                              ("nonesuch", {"containerd.io/defaults/snapshotter": "nonesuch"}),
                              ("label-empty", {"containerd.io/defaults/snapshotter": ""})):
        with Store(containerd, namespace) as store:
            store.label(labels)
            for name, snapshotter in (("by-overlayfs", "overlayfs"), ("by-native", "native")):
                store.tag(name, Kit(store, random.Random(f"{namespace}{name}"), snapshotter).image().target)
    with Store(containerd, "empty"), Store(containerd, "twin-a") as first, Store(containerd, "twin-b") as second:
        image = Kit(first, random.Random(1)).image()
        twin = Kit(second, random.Random(1)).image(unpack=False)
        assert image.target == twin.target
        second.remove_blob(twin.layers[0]["digest"])
        first.tag("shared", image.target)
        second.tag("shared", twin.target)
        first.tag("index-elsewhere", Kit(first, random.Random(2)).index_of("linux/amd64"))
        second.tag("index-elsewhere", Kit(first, random.Random(2)).index_of("linux/amd64"))


@pytest.fixture(scope="module")
def store(containerd_of_version, maker):
    containerd = containerd_of_version
    made_in(containerd, "situations", {n: m for n, m in SITUATIONS.items() if n not in WRITTEN_DOWN})
    made_in(containerd, "written-down", {n: SITUATIONS[n] for n in WRITTEN_DOWN})
    made_in(containerd, "names", {name: lambda kit: kit.image().target for name in NAMES})
    made_in(containerd, "control-names", {name: lambda kit: kit.image().target for name in CONTROL_NAMES})
    imported(containerd, maker)
    namespaced(containerd)
    return containerd


def by_ctr(containerd, namespaces):
    return {Row(**{**row._asdict(), "namespace": namespace}) for namespace in namespaces
            for row in containerd.check_rows(namespace).values()}


def by_check(containerd, *args):
    done = exporter_check(containerd, *args)
    assert done.returncode in (0, 1), done.stderr
    return set(check_rows(done.stdout)), done


def counts(rows):
    return collections.Counter((row.namespace, row.status, row.unpacked) for row in rows)


def counts_of_metrics(exporter):
    found = collections.Counter()
    for labels, value in exporter.samples("containerd_images").items():
        labels = dict(labels)
        found[labels["namespace"], labels["status"], labels["unpacked"]] += int(value)
    return +found


def explain(theirs, ours):
    lines = [f"{len(theirs - ours)} of {len(theirs)} rows differ (seed {SEED}):"]
    for row in sorted(theirs - ours, key=str):
        mine = [other for other in ours if (other.namespace, other.image) == (row.namespace, row.image)]
        lines += [f"  ctr  {' '.join(map(str, row))}", *(f"  ours {' '.join(map(str, other))}" for other in mine)]
    lines += [f"  only ours: {row}" for row in sorted(ours - theirs, key=str)
              if not any((row.namespace, row.image) == (other.namespace, other.image) for other in theirs)]
    return "\n".join(lines)


def assert_same(theirs, ours):
    assert theirs == ours, explain(theirs, ours)


def quick_config(containerd, **images):
    return {"containerd": {"address": containerd.address}, "collectors": {"images": {"interval": "1s", **images}}}


def test_has_enough_situations():
    assert len(SITUATIONS) >= 60
    assert set(WRITTEN_DOWN) <= set(SITUATIONS)


def test_prints_the_row_of_ctr_for_every_situation(store):
    theirs = by_ctr(store, ["situations"])
    assert len(theirs) == len(SITUATIONS) - len(WRITTEN_DOWN), "ctr's table was not understood"
    assert_same(theirs, by_check(store, "-n", "situations")[0])


def test_differs_from_ctr_only_where_documented(store, version):
    theirs = {row.image: row for row in by_ctr(store, ["written-down"])}
    ours = {row.image: row for row in by_check(store, "-n", "written-down")[0]}
    assert set(theirs) == set(ours) == set(WRITTEN_DOWN)
    for name, (versions, instead, why) in WRITTEN_DOWN.items():
        differs = version in versions
        assert not differs or ours[name] != theirs[name], f"{name} does not differ any more: take it out"
        expected = theirs[name]._replace(**instead) if differs else theirs[name]
        assert ours[name] == expected, f"{name} ({why}): ctr says {theirs[name]}"


def test_prints_the_rows_of_ctr_for_all_namespaces(store):
    namespaces = store.namespaces() - {"control-names", "written-down", "situations"}
    ours, done = by_check(store)
    assert_same(by_ctr(store, namespaces), {row for row in ours if row.namespace in namespaces})
    assert {row.namespace for row in ours} >= {"imported", "twin-a", "twin-b", "native"}
    assert done.returncode == 1, "something is wrong in this store"


def test_prints_the_same_rows_for_one_namespace(store):
    ours, done = by_check(store, "-n", "names")
    assert_same(by_ctr(store, ["names"]), ours)
    assert len(ours) == len(NAMES) and done.returncode == 0, done.stderr
    assert by_check(store, "-n", "empty")[0] == set()


def test_control_characters_in_names_do_not_break_the_table(store):
    """ctr prints them as they are; a tab or a new line takes its table apart. Their rows are known by digest."""
    ours, done = by_check(store, "-n", "control-names")
    assert len(ours) == len(CONTROL_NAMES)
    assert len(done.stdout.splitlines()) == len(CONTROL_NAMES) + 1
    assert not set(done.stdout) & set("\x00\x07\x1b\r\t")
    assert {row.digest for row in ours} == {row.digest for row in by_ctr(store, ["control-names"])}
    assert {(row.status, row.have, row.unpacked) for row in ours} == {("complete", "3", "true")}


def test_json_has_the_content_of_the_table(store):
    rows, _ = by_check(store, "-n", "imported", "-n", "native")
    done = exporter_check(store, "-n", "imported", "-n", "native", "--json")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(o["namespace"], o["ref"], o["type"], o["digest"], o["status"], o["unpacked"]) for o in objects} == \
        {(r.namespace, r.image, r.type, r.digest, r.status, r.unpacked == "true") for r in rows}
    counted = {(o["namespace"], o["ref"]): o for o in objects}
    for row in rows:
        if row.status in ("complete", "incomplete"):
            found = counted[row.namespace, row.image]
            assert (found["present"], found["required"]) == (int(row.have), int(row.want))
    assert done.returncode == 1


def test_prints_names_that_are_not_utf_8(store, version, module_lab):
    """containerd 1.6 takes any bytes for a name; 0xff even takes ctr's own table apart."""
    if version != "1.6":
        pytest.skip("newer versions refuse such a name")
    made_in(store, "no-text", {NO_TEXT: lambda kit: kit.image().target})
    try:
        ours, done = by_check(store, "-n", "no-text")
        assert [(row.status, row.have) for row in ours] == [("complete", "3")] and done.returncode == 0
        done.stdout.encode()  # raises where it is not UTF-8
        [json.loads(line.encode()) for line in exporter_check(store, "-n", "no-text", "--json").stdout.splitlines()]
        exporter = module_lab.exporter(quick_config(store, **EVERY_IMAGE))
        exporter.wait_for("containerd_image_status", {"namespace": "no-text", "status": "complete"}, 1)
        exporter.close()
    finally:
        with Store(store, "no-text") as names:
            names.untag(NO_TEXT)


def test_metrics_have_the_counts_of_ctr(store, module_lab):
    exporter = module_lab.exporter(quick_config(store, **EVERY_IMAGE))
    exporter.wait_for("containerd_images")
    namespaces = store.namespaces() - {"control-names", "written-down"}
    theirs = by_ctr(store, namespaces)
    ours = counts_of_metrics(exporter)
    assert {key: n for key, n in ours.items() if key[0] in namespaces} == counts(theirs)
    metrics = exporter.metrics()
    status = {(labels["namespace"], labels["image"]): labels["status"]
              for labels, value in ((dict(k), v) for k, v in metrics["containerd_image_status"].items()) if value}
    blobs = {(labels["namespace"], labels["image"], labels["state"]): value
             for labels, value in ((dict(k), v) for k, v in metrics["containerd_image_blobs"].items())}
    for row in theirs:
        key = (row.namespace, row.image)
        assert status[key] == row.status, row
        if row.status in ("complete", "incomplete"):
            assert (blobs[(*key, "present")], blobs[(*key, "required")]) == (int(row.have), int(row.want)), row
    exporter.close()


class Wreck:
    """A namespace of images over shared blobs that is damaged at random, and mended at times."""

    def __init__(self, containerd, namespace, rng, files):
        self.store, self.random, self.files = Store(containerd, namespace), rng, files
        self.kit = Kit(self.store, rng)
        self.blobs, self.targets, self.chains, self.names = {}, [], [], set()
        self._watch_puts()
        layers = [self.kit.layer() for _ in range(12)]
        for _ in range(14):
            self.targets.append(self._target(layers))
        for number, target in enumerate(self.targets):
            self._tag(f"lab.example/{namespace}:{number}", target)

    def _watch_puts(self):
        put, unpack = self.store.put, self.store.unpack

        def remember_blob(data):
            digest = put(data)
            self.blobs[digest] = data
            return digest

        def remember_chain(diff_ids, snapshotter="overlayfs"):
            self.chains.append((list(diff_ids), unpack(diff_ids, snapshotter)))
            return self.chains[-1][1]

        self.store.put, self.store.unpack = remember_blob, remember_chain

    def _target(self, layers):
        def image():
            platform = self.random.choice(["linux/amd64"] * 3 + ["linux/386", "linux/arm64", "linux/amd64/v2"])
            picked = self.random.sample(layers, self.random.randint(0, 5))
            return self.kit.image(platform, picked, unpack=self.random.random() < 0.8).target, platform

        def branch(depth):
            target, platform = image() if depth == 0 else (self.kit.index(
                [branch(depth - 1) for _ in range(self.random.randint(0, 3))]), "linux/amd64")
            return entry(target, platform if self.random.random() < 0.7 else None)

        target = branch(self.random.choice([0, 0, 1, 1, 1, 2]))
        return {key: target[key] for key in ("mediaType", "digest", "size")}

    def _tag(self, name, target):
        self.store.tag(name, target)
        self.names.add(name)

    def _damage_file(self):
        digest = self.random.choice(sorted(self.blobs))
        path = self.store.containerd.blob_path(digest)
        size = len(self.blobs[digest])
        what = self.random.randrange(4)
        if what == 0:
            path.unlink(missing_ok=True)
            return
        if path.exists():
            path.chmod(0o644)
        path.write_bytes([self.blobs[digest], self.blobs[digest][:size // 2], self.random.randbytes(size)][what - 1])

    def _retag(self):
        target = self.random.choice(self.targets)
        if self.random.random() < 0.2:
            target = {**target, "mediaType": self.random.choice([OCI["index"], OCI["manifest"], "text/plain"])}
        self._tag(f"lab.example/{self.store.namespace}:{self.random.randrange(20)}", target)

    def _untag(self):
        name = self.random.choice(sorted(self.names))
        self.store.untag(name)
        self.names.discard(name)

    def step(self):
        chain = self.random.choice(self.chains)
        leaves = {name for _, name in self.chains}
        actions = [lambda: self.store.remove_blob(self.random.choice(sorted(self.blobs)))] * 4
        actions += [lambda: self.store.put(self.blobs[self.random.choice(sorted(self.blobs))])] * 6
        actions += [self._retag] * 2 + ([self._untag] if len(self.names) > 8 else [])
        actions += [lambda: chain[1] in leaves and chain[1] and self._remove_snapshot(chain[1])]
        actions += [lambda: self._unpack_again(chain[0])]
        actions += [self._damage_file] * 3 if self.files else []
        self.random.choice(actions)()

    def _remove_snapshot(self, name):
        self.store.remove_snapshot(name)

    def _unpack_again(self, diff_ids):
        chains = list(self.chains)
        self.store.unpack(diff_ids)
        self.chains = chains


def test_agrees_with_ctr_on_randomly_damaged_documents(store, version):
    rng = random.Random(f"{SEED}/documents/{version}")
    made_in(store, "documents", {f"document-{number}": damaged_document(rng) for number in range(DOCUMENTS)})
    refused = {match[1] for match in UNREAD_FIELD.finditer(store.run("images", "check", namespace="documents").stderr)}
    theirs, ours = ({row for row in rows if row.image not in refused}
                    for rows in (by_ctr(store, ["documents"]), by_check(store, "-n", "documents")[0]))
    print(f"containerd {version}: {len(theirs)} documents, {dict(collections.Counter(row.status for row in theirs))}; "
          f"{len(refused)} that ctr refuses for a field that is not needed")
    assert len(theirs) > DOCUMENTS * 2 // 3
    assert_same(theirs, ours)


def metrics_follow(exporter, expected, namespaces):
    found = {}

    def same():
        found.clear()
        found.update({key: n for key, n in counts_of_metrics(exporter).items() if key[0] in namespaces})
        return found == expected

    try:
        wait_until(same)
    except LabError:
        assert found == expected, f"metrics never were as ctr's rows (seed {SEED})"


def test_agrees_with_ctr_on_randomly_damaged_stores(store, version, module_lab):
    """Files are damaged in two namespaces of four only: a running exporter keeps what it read from a
    manifest, as content never changes, and finds bad files by its scrub."""
    print(f"DIFFERENTIAL_SEED={SEED}")
    rng = random.Random(f"{SEED}/{version}")
    wrecks = [Wreck(store, f"wreck-{number}", rng, files=number > 1) for number in range(4)]
    records, files = ["wreck-0", "wreck-1"], ["wreck-2", "wreck-3"]
    exporter = module_lab.exporter(quick_config(store))
    seen = collections.Counter()
    for turn in range(ROUNDS):
        for wreck in wrecks:
            for _ in range(rng.randint(1, 12)):
                wreck.step()
        theirs = by_ctr(store, records + files)
        arguments = itertools.chain.from_iterable(("-n", name) for name in records + files)
        assert_same(theirs, by_check(store, *arguments)[0])
        seen.update(f"{row.status} {row.unpacked}" for row in theirs)
        if turn % 5 == 4:
            metrics_follow(exporter, counts(row for row in theirs if row.namespace in records), records)
    exporter.close()
    print(f"containerd {version}: {ROUNDS * len(wrecks)} damaged stores, {dict(seen)}")
    assert len(seen) >= 6, "the damage is too even to prove much"
    for wreck in wrecks:
        wreck.store.close()

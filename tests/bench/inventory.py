# SPDX-License-Identifier: Apache-2.0
"""The inventory part of the benchmark: the images collector beside `ctr images check`.

Images of 8 layers: 6 of 40 that all share, and 2 of their own, so that 1,000 images are 4,040
blobs in a namespace. All images differ, in all namespaces: nothing is cheaper than on a real node.
The stores lie in memory where that can be, because containerd syncs every step of an import.
"""
import collections
import concurrent.futures
import io
import os
import shutil
import statistics
import tarfile
import tempfile
import time

from lab import Lab
from lab.exporter import Exporter
from lab.images import MIB, OCI, as_json
from lab.programs import ROOT
from lab.wait import LabError, wait_until
from measure import Cpu, Page, rollup_kb, run, sample, samples_sum, status_number, threads_seconds

MEMORY, MEMORY_BYTES = "/dev/shm", 2048 * MIB
SHARED_LAYERS, SHARED_PER_IMAGE, OWN_PER_IMAGE, WINDOWS = 40, 6, 2, 20
IMAGES_PER_ARCHIVE, IMPORTS = 125, 4  # and how many run at once
NAMESPACES_MOST = 40
EVENT_SETTLE_SECONDS = 1.0
# What the issue demands of a check: how many times faster than ctr, how many times less of the daemon's CPU.
FIRST, LATER = (25, 15), (60, 40)
EVENT_SECONDS, EVENT_RPCS, RSS_MIB = 1.0, 5, 48
GROWTH_SLACK = 1.25  # what one measurement may differ from the next, on a machine that does other things

Point = collections.namedtuple("Point", "images namespaces")


class Sizes:
    """How much of everything in this part."""

    def __init__(self, quick, rounds):
        self.rounds = rounds or (1 if quick else 3)
        self.table = Point(40 if quick else 1000, 1)
        self.curve = [Point(20, 1), Point(40, 1), Point(80, 4)] if quick else \
            [Point(100, 1), Point(1000, 1), Point(10000, NAMESPACES_MOST)]
        self.later_seconds = 2 if quick else 6
        self.events = 2 if quick else 5


# ---- Stores -------------------------------------------------------------------------------------

def memory_lab():
    """A Lab whose folder is in memory, unless $TMPDIR names another place or memory is short."""
    fits = os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    before, tempfile.tempdir = tempfile.tempdir, MEMORY if fits and "TMPDIR" not in os.environ else None
    try:
        return Lab("containerd_exporter-bench-")
    finally:
        tempfile.tempdir = before


def archive_bytes(images):
    """{name: Image} as one archive for `ctr images import`."""
    top = [{**image.descriptor, "annotations": {"io.containerd.image.name": name}} for name, image in images.items()]
    files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
             "index.json": as_json({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": top})}
    for image in images.values():
        for digest, data in {image.digest: image.data, **image.blobs}.items():
            files["blobs/" + digest.replace(":", "/")] = data
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


class Store:
    """A containerd that holds `point.images` images in `point.namespaces` namespaces."""

    def __init__(self, lab, point, unpack=False):
        self.point, self.unpack, self.maker = point, unpack, lab.maker
        self.containerd = lab.containerd()
        self.namespaces = [f"bench-{number}" for number in range(point.namespaces)]
        self.shared = [lab.maker.layer(64) for _ in range(SHARED_LAYERS)]
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(IMPORTS) as pool:
            for done in [pool.submit(self._load, *archive) for archive in self._archives()]:
                done.result()
        self.collect_garbage()
        self._count()
        self.seconds = time.monotonic() - began

    def _image(self, number):
        start = number % WINDOWS * (SHARED_LAYERS // WINDOWS)
        layers = [self.shared[(start + i) % SHARED_LAYERS] for i in range(SHARED_PER_IMAGE)]
        return self.maker.image(layers + [self.maker.layer(64) for _ in range(OWN_PER_IMAGE)])

    def _archives(self):
        each = self.point.images // self.point.namespaces
        for namespace in self.namespaces:
            for first in range(0, each, IMAGES_PER_ARCHIVE):
                numbers = range(first, min(each, first + IMAGES_PER_ARCHIVE))
                yield namespace, archive_bytes({self.name(number): self._image(number) for number in numbers})

    @staticmethod
    def name(number):
        return f"example.org/image-{number}:1"

    def _load(self, namespace, archive):
        with tempfile.NamedTemporaryFile(dir=self.containerd.dir, suffix=".tar") as file:
            file.write(archive)
            file.flush()
            how = [] if self.unpack else ["--no-unpack"]
            self.containerd.ctr("images", "import", *how, file.name, namespace=namespace, timeout=180)

    def collect_garbage(self):
        """The archives' own indexes go, and nothing is left to do in the background."""
        self.containerd.ctr("images", "tag", self.name(0), "example.org/none:1", namespace=self.namespaces[0])
        self.containerd.ctr("images", "rm", "--sync", "example.org/none:1", namespace=self.namespaces[0])
        self.settle()

    def settle(self):
        """Until containerd is idle."""
        def is_idle():
            cpu = Cpu(threads_seconds, containerd=self.containerd)
            time.sleep(0.3)
            return cpu.taken()["containerd"] < 0.003
        wait_until(is_idle, 30, "an idle containerd", every=0)

    def _count(self):
        each = self.point.images // self.point.namespaces
        wanted = each * (2 + OWN_PER_IMAGE) + SHARED_LAYERS
        self.blobs = wanted * self.point.namespaces
        self.snapshots = len(self.containerd.snapshots(self.namespaces[0])) if self.unpack else 0
        for namespace in self.namespaces:
            found = len(self.containerd.content(namespace))
            if found != wanted:
                raise LabError(f"{namespace} has {found} blobs, not {wanted}")

    @property
    def records(self):
        return self.point.images + self.blobs + self.snapshots


# ---- The exporter -------------------------------------------------------------------------------

def settings(containerd, interval, counting=None):
    """Only the images collector, so that it causes all CPU time of the daemon. counting: the interval of
    the collector that reports RPCs."""
    names = {path.stem for path in (ROOT / "collectors").glob("*.c")} - {"images", "self", "pull", "push", "roundtrip", "tag"}
    return {"containerd": {"address": containerd.address},
            "collectors": {**{name: {"enabled": False} for name in sorted(names)},
                           **({"daemon": {"interval": counting}} if counting else {}),
                           "images": {"interval": interval, "timeout": "60s"}}}


def rpcs(page, method=None):
    return samples_sum(page, "containerd_rpc_duration_seconds_count", **({"method": method} if method else {}))


def updated(page, collector="images"):
    return sample(page, "containerd_inventory_last_update_timestamp_seconds", collector=collector)


def duration(page):
    return sample(page, "containerd_exporter_collector_duration_seconds", collector="images")


class Watched:
    """A fresh exporter at a store, right after its first check, with what that has cost."""

    def __init__(self, lab, store, interval):
        self.store, self.interval, self.counted = store, interval, 0
        self.exporter = Exporter(lab.folder("exporter"), settings(store.containerd, interval), ready=False)
        cpu = Cpu(threads_seconds, containerd=store.containerd)
        lab.own(self.exporter)
        wait_until(lambda: self.exporter.get("/-/ready")[0] == 200, 60, "first check", every=0.002)
        daemon, own = cpu.taken()["containerd"], threads_seconds(self.exporter.pid)
        self.page = Page(self.exporter.address)
        text = self.page.get()
        self.first = {"wall": duration(text), "client": own, "containerd": daemon}
        self.complete(text)

    def images(self, text):
        return samples_sum(text, "containerd_images")

    def complete(self, text):
        """All images are seen, and all are said to be whole."""
        whole = samples_sum(text, "containerd_images", status="complete", unpacked=str(self.store.unpack).lower())
        if not whole == self.images(text) == self.store.point.images:
            raise LabError(f"{whole} of {self.images(text)} images are complete:\n{self.exporter.tail()}")

    def calls(self):
        """A page that counts all RPCs up to now. Counting costs a constant number of RPCs: see counting()."""
        before = updated(self.page.get(), "daemon")
        self.counted += 1
        status, body = self.exporter.reload(settings(self.store.containerd, self.interval, f"{50 + self.counted}m"))
        if status != 200:
            raise LabError(f"reload: {status} {body}")
        wait_until(lambda: updated(self.page.get(), "daemon") not in (None, before), 10, "a count of RPCs", every=0.01)
        return self.page.get()

    def later(self, seconds, told, stir=False):
        """The mean of the checks in this time. stir: before each of them something changes that the daemon
        sends no event about, so that the exporter lists all images again."""
        time.sleep(1.5)  # what the subscription to events has asked for is over
        before, cpu, took = self.calls(), Cpu(threads_seconds, client=self.exporter,
                                              containerd=self.store.containerd), []
        for _ in range(seconds):
            if stir:
                self.store.containerd.ctr("leases", "create", namespace=self.store.namespaces[0])
            time.sleep(1)
            text = self.page.get()
            took.append(duration(text))
        taken, after = cpu.taken(), self.calls()
        runs = round(updated(text) - updated(before))  # one each second
        self.complete(after)
        return {"wall": statistics.median(took), **{name: value / runs for name, value in taken.items()},
                "rpcs": (rpcs(after) - rpcs(before) - told) / round(updated(after) - updated(before))}

    def memory(self):
        return {"peak_mib": status_number(self.exporter.pid, "VmHWM") / 1024,
                "anonymous_mib": rollup_kb(self.exporter.pid, "Anonymous") / 1024}

    def close(self):
        self.page.close()
        self.exporter.close()


def counting(lab, store):
    """How many RPCs the counting of RPCs costs."""
    watched = Watched(lab, store, "1h")
    time.sleep(EVENT_SETTLE_SECONDS)
    watched.calls()
    before = rpcs(watched.calls())
    after = rpcs(watched.calls())
    watched.close()
    return after - before


# ---- Rows ---------------------------------------------------------------------------------------

def verdict(is_met):
    return "ok" if is_met else "missed"


class Table:
    """The rows of 1,000 images in one namespace."""

    def __init__(self, lab, report, sizes, store):
        self.lab, self.report, self.sizes, self.store = lab, report, sizes, store
        self.counting = counting(lab, store)

    def first(self, _):
        watched = Watched(self.lab, self.store, "1h")
        watched.close()
        self.store.settle()
        return watched.first

    def later(self, stir):
        watched = Watched(self.lab, self.store, "1s")
        try:
            return {**watched.later(self.sizes.later_seconds, self.counting, stir), **watched.memory()}
        finally:
            watched.close()
            self.store.settle()

    def ctr(self, _):
        containerd = self.store.containerd
        cpu = Cpu(threads_seconds, containerd=containerd)
        usage = run([f"{containerd.bin}/ctr", "-a", containerd.address, "-n", self.store.namespaces[0], "images",
                     "check"])
        daemon = cpu.taken()["containerd"]
        self.store.settle()
        return {**usage, "containerd": daemon}

    def target(self, key, name, theirs, ours, wanted):
        ratio = theirs / ours
        target = f"   target {wanted:>3}: {verdict(ratio >= wanted)}" if wanted else ""
        self.report.line(f"{key}_ratio", name, ratio, "times less" + target)

    def check_rows(self, rounds):
        results = rounds([("exporter, first check after start", self.first),
                          ("exporter, later, nothing changed", lambda _: self.later(False)),
                          ("exporter, later, must list again", lambda _: self.later(True)),
                          ("ctr images check", self.ctr)]).run(self.sizes.rounds)
        first, later, listed, ctr = results.values()
        self.report.title(f"{self.store.point.images} images of {SHARED_PER_IMAGE + OWN_PER_IMAGE} layers, "
                          f"{self.store.blobs} blobs, {self.store.snapshots} snapshots, one namespace; "
                          f"{self.sizes.rounds} rounds, medians")
        self.report.numbers["inventory"] = results
        print(f"  {'':<36}{'wall s':>12}{'CPU s':>12}{'containerd':>12}{'RPCs':>8}{'peak MiB':>10}")
        for name, numbers in results.items():
            rest = [f"{numbers[key]:{form}}" if numbers.get(key) is not None else "-"
                    for key, form in (("rpcs", ".1f"), ("peak_mib", ".1f"))]
            print(f"  {name:<36}{numbers['wall']:>12.4f}{numbers['client']:>12.4f}{numbers['containerd']:>12.4f}"
                  f"{rest[0]:>8}{rest[1]:>10}")
        for key, name, ours, (faster, lighter) in (("first", "first check", first, FIRST),
                                                   ("later", "nothing changed", later, LATER),
                                                   ("listed", "must list again", listed, (None, None))):
            self.target(f"inventory_{key}_wall", f"{name}: wall", ctr["wall"], ours["wall"], faster)
            self.target(f"inventory_{key}_daemon", f"{name}: containerd's CPU", ctr["containerd"], ours["containerd"],
                        lighter)

    def event(self, watched, *change):
        """One change with ctr: seconds from its start to the page that shows it, and RPCs of the exporter."""
        before = watched.calls()
        images, began = watched.images(before), time.monotonic()
        self.store.containerd.ctr("images", *change, namespace=self.store.namespaces[0])
        wait_until(lambda: watched.images(watched.page.get()) != images, 10, "an event", every=0.005)
        took = time.monotonic() - began
        time.sleep(EVENT_SETTLE_SECONDS)
        return took, rpcs(watched.calls()) - rpcs(before) - self.counting

    def event_rows(self):
        watched, seen = Watched(self.lab, self.store, "1h"), []
        time.sleep(EVENT_SETTLE_SECONDS)
        for number in range(self.sizes.events):
            name = f"example.org/event-{number}:1"
            seen.append(self.event(watched, "tag", Store.name(number), name))
            seen.append(self.event(watched, "rm", name))
        watched.close()
        took, calls = [sorted(column) for column in zip(*seen)]
        self.report.title(f"An event for one image (ctr images tag, rm), {len(seen)} times, interval 1h")
        for key, text, value in (("median", "median", statistics.median(took)), ("max", "longest", took[-1])):
            self.report.line(f"event_{key}_s", f"from ctr's start to /metrics: {text}", value,
                             f"s            target {EVENT_SECONDS:.0f} s: {verdict(value <= EVENT_SECONDS)}", ".2f")
        self.report.line("event_rpcs", "RPCs for it, most", calls[-1],
                         f"             target {EVENT_RPCS}: {verdict(calls[-1] <= EVENT_RPCS)}", ".0f")


COSTS = ("wall", "client", "containerd")
CHECKS = (("first", "first check"), ("listed", "must list again"), ("later", "nothing changed"))


def measure_point(lab, sizes, store, told):
    watched = Watched(lab, store, "1s")
    checks = {"later": watched.later(sizes.later_seconds, told), "first": watched.first,
              "listed": watched.later(sizes.later_seconds, told, stir=True)}
    numbers = {"images": store.point.images, "namespaces": store.point.namespaces, "records": store.records,
               **{f"{check}_{cost}": checks[check][cost] for check, _ in CHECKS for cost in COSTS},
               "rpcs": checks["listed"]["rpcs"], **watched.memory(), "made_seconds": store.seconds}
    watched.close()
    return numbers


def curve_rows(report, points):
    report.title("The curve (nothing unpacked, all images different): seconds; CPU of exporter, of containerd")
    report.numbers["inventory_curve"] = points
    print(f"  {'images':>7}{'spaces':>7}{'records':>8}" + "".join(f"{name:>25}" for _, name in CHECKS) +
          f"{'RPCs':>7}{'RSS MiB':>9}{'anonymous':>11}")
    for one in points:
        cells = "".join(f"{one[f'{check}_wall']:>11.3f}{one[f'{check}_client']:>7.3f}{one[f'{check}_containerd']:>7.3f}"
                        for check, _ in CHECKS)
        print(f"  {one['images']:>7}{one['namespaces']:>7}{one['records']:>8}{cells}{one['rpcs']:>7.0f}"
              f"{one['peak_mib']:>9.1f}{one['anonymous_mib']:>11.1f}", flush=True)
    small, large = points[-2], points[-1]
    records = large["records"] / small["records"]
    for key, name in (("first_wall", "first check"), ("first_containerd", "first check, containerd's CPU"),
                      ("listed_wall", "list again"), ("listed_containerd", "list again, containerd's CPU")):
        growth = large[key] / small[key]
        report.line(f"curve_growth_{key}", f"growth, last step: {name}", growth,
                    f"times        records {records:.1f}: {verdict(growth <= records * GROWTH_SLACK)}")
    report.line("curve_rss_mib", f"RSS at {large['images']} images, highest", large["peak_mib"],
                f"MiB          target {RSS_MIB} MiB: {verdict(large['peak_mib'] <= RSS_MIB)}")


def inventory(report, sizes, rounds):
    """All of it; rounds: how contestants are run in turns."""
    points = []
    with memory_lab() as lab:
        store = Store(lab, sizes.table, unpack=True)
        table = Table(lab, report, sizes, store)
        table.check_rows(rounds)
        table.event_rows()
        store.containerd.close()
        for point in sizes.curve:
            store = Store(lab, point)
            points.append(measure_point(lab, sizes, store, table.counting))
            store.containerd.close()
    curve_rows(report, points)

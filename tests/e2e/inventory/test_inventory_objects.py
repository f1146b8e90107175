# SPDX-License-Identifier: Apache-2.0
"""Content, ingests, snapshots, leases, containers, tasks, CRI, plugin details, deprecations: equal to
what ctr prints, on every version of containerd, with running containers among them."""
import calendar
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from lab.images import Layer
from lab.probes import config_for
from lab.programs import find
from lab.wait import wait_until

COLLECTORS = ("daemon", "plugins", "content", "snapshots", "leases", "containers", "tasks", "cri", "deprecations")
EACH_SECOND = {name: {"interval": "1s"} for name in COLLECTORS}
KINDS = ("view", "active", "committed")
STATUSES = ("unknown", "created", "running", "stopped", "paused", "pausing")
RUNC = "io.containerd.runc.v2"
PAUSE = "registry.k8s.io/pause:{}"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PASSWORD = "only-cri-may-know-this"
# Passwords of registries in CRI's configuration: secret, and deprecated since 1.7.
CRI_SECRETS = f"""
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.example".auth]
  username = "somebody"
  password = "{PASSWORD}"
"""


def settle(exporter, names=COLLECTORS):
    """Until each collector has begun and ended a run that saw everything done before this call."""
    now = time.time()
    for name in names:
        exporter.wait_for("containerd_inventory_last_update_timestamp_seconds", {"collector": name},
                          lambda value: value > now + 1.2)


def by(exporter, metric, *names, **labels):
    """{label values: number}"""
    found = exporter.samples(metric, **labels)
    return {tuple(dict(key)[name] for name in names): value for key, value in found.items()}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A static program that does nothing until it is killed: all that a container of ours needs."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "wait.c").write_text("#include <unistd.h>\nint main(void) { for (;;) pause(); }\n")
    subprocess.run(["cc", "-static", "-Os", "-o", folder / "wait", folder / "wait.c"], check=True)
    return (folder / "wait").read_bytes()


@contextlib.contextmanager
def containers(containerd, namespace, image, names):
    """Running containers with a task each; afterwards there is no task and no shim. The newer suites'
    runc needs a newer libc: Debian 12's own serves all daemons."""
    try:
        for name in names:
            containerd.ctr("run", "--detach", "--runc-binary", find("runc"), image, name, "/wait", namespace=namespace)
        yield
    finally:
        for name in names:
            containerd.run("tasks", "resume", name, namespace=namespace)
            containerd.run("tasks", "kill", "--signal", "SIGKILL", name, namespace=namespace)
            wait_until(lambda: tasks_by_ctr(containerd, namespace)["RUNNING"] <= len(names), 5)
            containerd.run("tasks", "rm", "--force", name, namespace=namespace)
            containerd.run("containers", "rm", name, namespace=namespace)
        assert not shims(containerd, namespace), "a shim was left behind"
        for folder in (*CGROUPS.glob(namespace), *CGROUPS.glob(f"*/{namespace}")):  # cgroup 2, cgroup 1
            with contextlib.suppress(OSError):
                folder.rmdir()


def shims(containerd, namespace, name=None):
    """Processes that keep the containers of this daemon."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "containerd-shim" in words[0] and f"{containerd.address}" in words and namespace in words \
                    and (name is None or name in words):
                found.append(int(folder.name))
    return found


def tasks_by_ctr(containerd, namespace):
    rows = containerd.ctr("tasks", "ls", namespace=namespace).splitlines()[1:]
    return collections.Counter(row.split()[2] for row in rows)


def begun_ingest(containerd, namespace, ref):
    """A client in the middle of a write; it ends well when its input does."""
    argv = [os.path.join(containerd.bin, "ctr"), "--address", containerd.address, "--namespace", namespace]
    child = subprocess.Popen(argv + ["content", "ingest", ref], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    child.stdin.write(b"x" * 300000)
    child.stdin.flush()
    wait_until(lambda: ref in containerd.ingests(namespace), what="the ingest")
    return child


def half_an_ingest(containerd, namespace, ref):
    """What is left of a client that dies while it writes."""
    with begun_ingest(containerd, namespace, ref) as child:
        child.kill()


def snapshot(containerd, snapshotter, *args, namespace="first"):
    return containerd.ctr("snapshots", "--snapshotter", snapshotter, *args, namespace=namespace)


def view(containerd, snapshotter, key, parent, namespace="first"):
    """One that the garbage collection leaves alone: ctr labels what it prepares, but not its views. One
    that is collected before it has the label is made again."""
    flags = ("snapshots", "--snapshotter", snapshotter)

    def made():
        containerd.run(*flags, "view", key, parent, namespace=namespace)
        return containerd.run(*flags, "label", key, "containerd.io/gc.root=now", namespace=namespace).returncode == 0

    wait_until(made, what="a view")


@pytest.fixture(scope="module")
def store(module_lab, version, program):
    """A containerd with something of every kind, in two namespaces and one of a probe."""
    maker = module_lab.maker
    containerd = module_lab.containerd_of(version, cri=True, extra_config=CRI_SECRETS)
    shared = maker.image(layers=[Layer({"wait": program}), maker.layer()])
    for namespace in ("first", "second", "containerd-exporter.other"):
        shared.load(containerd, namespace, "lab.example/wait:1")
    maker.image(layers=3).load(containerd, "first", "lab.example/more:1")
    top = next(row.split()[0] for row in snapshot(containerd, "overlayfs", "ls").splitlines()[1:])
    view(containerd, "overlayfs", "look", top)
    snapshot(containerd, "overlayfs", "prepare", "work", top)
    snapshot(containerd, "native", "prepare", "work")
    snapshot(containerd, "native", "commit", "done", "work")
    containerd.ctr("leases", "create", "--id", "lasting", namespace="first")
    containerd.ctr("leases", "create", "--id", "long", "--expires", "24h", namespace="first")
    containerd.ctr("leases", "create", "--id", "short", "--expires", "1s", namespace="first")
    containerd.ctr("leases", "create", "--id", "odd", "containerd.io/gc.expire=whenever", namespace="second")
    half_an_ingest(containerd, "first", "half")
    half_an_ingest(containerd, "first", "half2")
    for name, more in (("idle", ()), ("idle2", ()), ("other", ("--runtime", "io.containerd.other.v1"))):
        containerd.ctr("containers", "create", *more, "lab.example/wait:1", name, namespace="first")
    names = ("runs", "runs2", "rests", "ended")
    with containers(containerd, "first", "lab.example/wait:1", names):
        containerd.ctr("tasks", "pause", "rests", namespace="first")
        containerd.ctr("tasks", "kill", "--signal", "SIGKILL", "ended", namespace="first")
        wait_until(lambda: tasks_by_ctr(containerd, "first")["STOPPED"] == 1)
        yield containerd
    containerd.close()


@pytest.fixture(scope="module")
def exporter(store, module_lab):
    exporter = module_lab.exporter(config_for(store, collectors=EACH_SECOND))
    settle(exporter)
    yield exporter
    exporter.close()


def namespaces_of(store):
    """The namespaces that the inventory reports."""
    return {name for name in store.namespaces() if not name.startswith("containerd-exporter.")}


def test_reports_the_content_of_ctr(store, exporter):
    digests = {name: store.content(name) for name in namespaces_of(store)}
    sizes = {digest: store.blob_path(digest).stat().st_size for found in digests.values() for digest in found}
    assert by(exporter, "containerd_content_blobs", "namespace") == {(n,): len(d) for n, d in digests.items()}
    assert by(exporter, "containerd_content_bytes", "namespace") == \
        {(n,): sum(sizes[one] for one in d) for n, d in digests.items()}
    assert exporter.value("containerd_content_unique_bytes") == sum(sizes.values())
    assert digests["first"] & digests["second"], "they share blobs"


def test_reports_the_ingests_of_ctr(store, exporter):
    assert by(exporter, "containerd_ingests", "namespace") == \
        {(n,): len(store.ingests(n)) for n in namespaces_of(store)}
    assert len(store.ingests("first")) == 2
    times = by(exporter, "containerd_ingest_oldest_update_timestamp_seconds", "namespace")
    assert set(times) == {("first",)}, "there is no time where there is no ingest"
    newest = max(path.stat().st_mtime for path in store.root.glob("io.containerd.content.v1.content/ingest/*/data"))
    assert newest - 60 < times["first",] <= newest


def test_removes_the_series_of_a_finished_ingest(store, exporter):
    with begun_ingest(store, "second", "brief") as child:
        exporter.wait_for("containerd_ingests", {"namespace": "second"}, 1)
        oldest = exporter.value("containerd_ingest_oldest_update_timestamp_seconds", namespace="second")
        assert oldest > time.time() - 60
    assert child.returncode == 0
    exporter.wait_for("containerd_ingests", {"namespace": "second"}, 0)
    assert exporter.value("containerd_ingest_oldest_update_timestamp_seconds", namespace="second") is None


def snapshotters(store):
    return {name for (kind, name), status in store.plugins().items() if "snapshotter.v1" in kind and status == "ok"}


def test_reports_the_snapshots_of_ctr(store, exporter):
    counts, sizes = collections.Counter(), {}
    for namespace in namespaces_of(store):
        for snapshotter in snapshotters(store):
            rows = [row.split() for row in snapshot(store, snapshotter, "ls", namespace=namespace).splitlines()[1:]]
            for kind in KINDS:
                counts[namespace, snapshotter, kind] = sum(row[-1].lower() == kind for row in rows)
            usage = {row.split()[0]: int(row.split()[1]) for row in
                     snapshot(store, snapshotter, "usage", "-b", namespace=namespace).splitlines()[1:]}
            sizes[namespace, snapshotter] = sum(usage[row[0]] for row in rows if row[-1] == "Committed")
    assert by(exporter, "containerd_snapshots", "namespace", "snapshotter", "kind") == counts
    assert by(exporter, "containerd_snapshot_bytes", "namespace", "snapshotter") == sizes
    assert {kind for (_, _, kind), n in counts.items() if n} == set(KINDS)
    assert counts["first", "native", "committed"] == 1 and sizes["first", "overlayfs"] > 0


def test_queries_the_size_of_a_snapshot_once(store, exporter):
    method = "containerd.services.snapshots.v1.Snapshots/Usage"
    before = exporter.value("containerd_rpc_duration_seconds_count", method=method)
    settle(exporter, ["snapshots", "daemon"])
    assert exporter.value("containerd_rpc_duration_seconds_count", method=method) == before > 0


def test_reports_the_leases_of_ctr(store, exporter):
    settle(exporter, ["leases"])
    now = time.time()
    for namespace in namespaces_of(store):
        rows = store.ctr("leases", "ls", namespace=namespace).splitlines()[1:]
        times = [match.group(1) for row in rows if (match := re.search(r"gc\.expire=(\S+Z)", row))]
        expired = sum(calendar.timegm(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) < now for end in times)
        assert exporter.value("containerd_leases", namespace=namespace) == len(rows)
        assert exporter.value("containerd_expired_leases", namespace=namespace) == expired
    assert exporter.value("containerd_expired_leases", namespace="second") == 0, "a label that is no time"


def test_reports_an_expired_lease(store, exporter):
    store.ctr("leases", "create", "--id", "brief", "--expires", "1s", namespace="second")
    exporter.wait_for("containerd_expired_leases", {"namespace": "second"}, 1)
    store.ctr("leases", "rm", "brief", namespace="second")
    exporter.wait_for("containerd_expired_leases", {"namespace": "second"}, 0)


def test_reports_the_containers_of_ctr(store, exporter):
    runtimes = (RUNC, "io.containerd.other.v1")
    counts = {(namespace, runtime): 0 for namespace in namespaces_of(store) for runtime in runtimes}
    for namespace in namespaces_of(store):
        for row in store.table("containers", "ls", namespace=namespace):
            counts[namespace, row["RUNTIME"]] += 1
    assert by(exporter, "containerd_containers", "namespace", "runtime") == counts
    assert counts["first", RUNC] == 6 and counts["first", "io.containerd.other.v1"] == 1


def test_reports_the_tasks_of_ctr(store, exporter):
    counts = {(namespace, status): tasks_by_ctr(store, namespace)[status.upper()]
              for namespace in namespaces_of(store) for status in STATUSES}
    assert by(exporter, "containerd_tasks", "namespace", "status") == counts
    assert [counts["first", status] for status in ("running", "paused", "stopped")] == [2, 1, 1]


def test_a_hanging_shim_does_not_delay_other_collectors(store, exporter):
    (pid,) = shims(store, "first", "runs")
    os.kill(pid, signal.SIGSTOP)
    try:
        exporter.wait_for("containerd_tasks", {"namespace": "first", "status": "running"}, 1)
        settle(exporter, [name for name in COLLECTORS if name != "tasks"])
        assert exporter.value("containerd_exporter_collector_success", collector="tasks") == 1
        print(f"a run took {exporter.value('containerd_exporter_collector_duration_seconds', collector='tasks'):.1f} s")
    finally:
        os.kill(pid, signal.SIGCONT)
    exporter.wait_for("containerd_tasks", {"namespace": "first", "status": "running"}, 2)


def test_omits_the_namespaces_of_probes(store, exporter):
    assert store.content("containerd-exporter.other"), "it is not empty"
    for samples in exporter.metrics().values():
        for labels in samples:
            assert not dict(labels).get("namespace", "").startswith("containerd-exporter."), labels


def plugins_in_detail(store):
    """[(type, id, {name of an export or of an error's part: value})]"""
    for block in re.split(r"^(?=Type:)", store.ctr("plugins", "ls", "--detailed"), flags=re.M):
        if block.startswith("Type:"):
            yield (re.search(r"^Type:\s+(\S+)", block).group(1), re.search(r"^ID:\s+(\S+)", block, re.M).group(1),
                   dict(re.findall(r"^ +(root|policy|CRIVersion|Code:)\s+(\S+)", block, re.M)))


def test_reports_the_plugin_details_of_ctr(store, exporter):
    plugins = list(plugins_in_detail(store))
    roots = {(i, d.get("root", "")): 1 for t, i, d in plugins
             if t == "io.containerd.snapshotter.v1" and "Code:" not in d}
    assert by(exporter, "containerd_snapshotter_info", "snapshotter", "root") == roots != {}
    policies = {(d["policy"],): 1 for _, _, d in plugins if "policy" in d}
    assert by(exporter, "containerd_content_sharing_policy_info", "policy") == policies != {}
    versions = {(d["CRIVersion"],): 1 for _, _, d in plugins if "CRIVersion" in d}
    assert by(exporter, "containerd_cri_info", "version") == versions != {}
    errors = {(t, i, d["Code:"]): 1 for t, i, d in plugins if "Code:" in d}
    assert by(exporter, "containerd_plugin_init_error_info", "type", "id", "code") == errors != {}
    assert {key[:2] for key in errors} == {key for key, status in store.plugins().items() if status != "ok"}


def deprecations_by_ctr(store):
    done = store.run("deprecations", "list", "--format", "json")
    return {row["id"]: row["lastOccurrence"] for row in json.loads(done.stdout)} if done.returncode == 0 else {}


def test_reports_the_deprecations_of_ctr(store, exporter, version):
    told = deprecations_by_ctr(store)
    assert set(by(exporter, "containerd_deprecation_info", "id")) == {(one,) for one in told}
    times = by(exporter, "containerd_deprecation_last_occurrence_timestamp_seconds", "id")
    for one, when in told.items():
        assert int(times[one,]) == calendar.timegm(time.strptime(when[:19], "%Y-%m-%dT%H:%M:%S"))
    assert bool(told) == (version != "1.6")
    assert not any("v1alpha2" in one for one in told), "the exporter itself uses nothing that is deprecated"


def test_reports_cri_conditions_without_secrets(exporter, version):
    conditions = by(exporter, "containerd_cri_condition", "type")
    assert conditions["RuntimeReady",] == 1 and conditions["NetworkReady",] == 0, "there is no CNI here"
    assert conditions.get(("ContainerdHasNoDeprecationWarnings",)) == (None if version == "1.6" else 0)
    assert PASSWORD not in exporter.raw() and PASSWORD not in exporter.log


def sandbox_images(exporter):
    return {image for image, in by(exporter, "containerd_cri_sandbox_image_info", "image")}


def test_reports_cri_images_and_the_sandbox_image(store, exporter, module_lab, version):
    default = PAUSE.format({"1.6": "3.6", "1.7": "3.8"}.get(version, "3.10"))
    assert exporter.value("containerd_cri_images") == 0
    told = set() if version == "2" else {default}  # containerd 2 does not report its configuration
    assert sandbox_images(exporter) == told
    assert exporter.value("containerd_cri_sandbox_image_present", default=0) == 0
    app = module_lab.maker.image()
    app.load(store, "k8s.io", "lab.example/app:1")
    exporter.wait_for("containerd_cri_images", predicate=1)
    # CRI counts the manifest too.
    assert exporter.value("containerd_cri_image_bytes") == app.size + len(app.data)
    if version == "2":  # a pod that was made since the daemon started names the image
        store.ctr("containers", "create", "--label", "io.cri-containerd.kind=sandbox", "lab.example/app:1", "pod",
                  namespace="k8s.io")
        exporter.wait_for("containerd_cri_sandbox_image_present", predicate=1)
        assert sandbox_images(exporter) == {"lab.example/app:1"}
        assert exporter.value("containerd_cri_sandbox_image_pinned") == 0
    module_lab.maker.image().load(store, "k8s.io", default)
    exporter.wait_for("containerd_cri_images", predicate=2)
    exporter.wait_for("containerd_cri_sandbox_image_present", predicate=1)
    # Since late 1.6 CRI pins what carries the name of its sandbox image, as soon as it sees it.
    pinned = version != "1.6"
    exporter.wait_for("containerd_cri_pinned_images", predicate=pinned)
    if version == "2":  # the pin is no proof
        settle(exporter, ["cri"])
        assert sandbox_images(exporter) == {"lab.example/app:1"}
        return
    wait_until(lambda: sandbox_images(exporter) == {default})
    exporter.wait_for("containerd_cri_sandbox_image_pinned", predicate=pinned)


def test_an_older_pod_and_a_pin_do_not_tell_the_sandbox_image(lab, version):
    containerd = lab.containerd_of(version, cri=True)
    default = PAUSE.format({"1.6": "3.6", "1.7": "3.8"}.get(version, "3.10"))
    for name in (default, "lab.example/old:1"):
        lab.maker.image().load(containerd, "k8s.io", name)
    containerd.ctr("containers", "create", "--label", "io.cri-containerd.kind=sandbox", "lab.example/old:1", "pod",
                   namespace="k8s.io")
    containerd.restart()
    exporter = lab.exporter(config_for(containerd, collectors=EACH_SECOND))
    exporter.wait_for("containerd_cri_images", predicate=2)
    settle(exporter, ["cri"])
    assert sandbox_images(exporter) == (set() if version == "2" else {default})


def test_every_collector_succeeds_without_log_lines(exporter):
    settle(exporter)
    for name in COLLECTORS:
        assert exporter.value("containerd_exporter_collector_success", collector=name) == 1
    assert "fails" not in exporter.log


def test_works_with_a_daemon_without_cri(lab, version):
    containerd = lab.containerd_of(version)
    exporter = lab.exporter(config_for(containerd, collectors=EACH_SECOND))
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "cri"}, 1)
    assert not [name for name in exporter.metrics() if name.startswith("containerd_cri_")]
    assert "fails" not in exporter.log


def test_tolerates_namespaces_removed_between_calls(lab, version):
    containerd = lab.containerd_of(version)
    exporter = lab.exporter(config_for(containerd, collectors=EACH_SECOND))
    lab.maker.image().load(containerd, "stays", "lab.example/a:1")
    exporter.wait_for("containerd_content_blobs", {"namespace": "stays"})
    for _ in range(25):
        containerd.ctr("namespaces", "create", "comes-and-goes")
        containerd.ctr("leases", "create", "--id", "x", namespace="comes-and-goes")
        containerd.ctr("namespaces", "remove", "comes-and-goes")
    for name in COLLECTORS:
        exporter.wait_for("containerd_exporter_collector_success", {"collector": name}, 1)
    assert "fails" not in exporter.log
    wait_until(lambda: not exporter.samples("containerd_leases", namespace="comes-and-goes"))
    assert exporter.value("containerd_content_blobs", namespace="stays") == 4

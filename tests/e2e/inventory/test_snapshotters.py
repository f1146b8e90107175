# SPDX-License-Identifier: Apache-2.0
"""Snapshotters: images that are unpacked in another one than the namespace's default, with ctr as the judge, and
snapshotters that fail."""
import grpc
import pytest

from lab.check_table import check_rows
from lab.exporter import exporter_check
from lab.fake.snapshotter import proxied
from lab.probes import config_for
from lab.rpc import field

EACH_SECOND = {name: {"interval": "1s", "timeout": "4s"} for name in ("images", "snapshots", "daemon")}


def cri_settings(version, **settings):
    """Settings of CRI about images, where that version has them."""
    table = 'plugins."io.containerd.cri.v1.images"' if version == "2" else 'plugins."io.containerd.grpc.v1.cri".containerd'
    transfer = """[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/amd64"
  snapshotter = "native"
""" if version == "2" else ""
    return f"\n[{table}]\n" + "".join(f"  {key} = {value}\n" for key, value in settings.items()) + transfer


def cri_pull(containerd, image):
    with grpc.insecure_channel("unix:" + containerd.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        channel.unary_unary("/runtime.v1.ImageService/PullImage")(field(1, field(1, image)), timeout=60)


def by_ctr(containerd, namespace, *flags):
    rows = check_rows(containerd.run("images", "check", *flags, namespace=namespace).stdout)
    return [row._replace(namespace=namespace) for row in rows]


def by_us(containerd, namespace, *flags):
    return check_rows(exporter_check(containerd, "-n", namespace, *flags).stdout)


def snapshot(containerd, snapshotter, *args, namespace="first"):
    return containerd.ctr("snapshots", "--snapshotter", snapshotter, *args, namespace=namespace)


def view(containerd, snapshotter, key, parent, namespace="first"):
    snapshot(containerd, snapshotter, "view", key, parent, namespace=namespace)
    snapshot(containerd, snapshotter, "label", key, "containerd.io/gc.root=now", namespace=namespace)


@pytest.mark.parametrize("discard", [False, True])
def test_images_are_unpacked_where_cri_unpacks_them(lab, version, registry, discard):
    settings = {"snapshotter": '"native"', "discard_unpacked_layers": str(discard).lower()}
    containerd = lab.containerd_of(version, cri=True, extra_config=cri_settings(version, **settings))
    image = lab.maker.image()
    image.push(registry, f"snapshotters/{version}-{discard}".lower(), "v1")
    cri_pull(containerd, f"{registry.host}/snapshotters/{version}-{discard}:v1".lower())
    lab.maker.image().load(containerd, "k8s.io", "lab.example/by-ctr:1")
    lab.maker.image().load(containerd, "k8s.io", "lab.example/not-unpacked:1", unpack=False)
    lab.maker.image().load(containerd, "other", "lab.example/by-ctr:1")
    if discard:
        containerd.collect_garbage("k8s.io")
    for snapshotter in ("overlayfs", "native", "none"):
        for namespace in ("k8s.io", "other"):
            flags = "--snapshotter", snapshotter
            assert by_us(containerd, namespace, *flags) == by_ctr(containerd, namespace, *flags) != []
            bad = snapshotter == "none" or (discard and snapshotter == "overlayfs" and namespace == "k8s.io")
            assert exporter_check(containerd, "-n", namespace, *flags).returncode == bad
    unpacked = {row.image: row.unpacked for row in by_us(containerd, "k8s.io")}
    pulled = {name for name in unpacked if registry.host in name}
    assert {name for name, word in unpacked.items() if word == "true"} > pulled | {"lab.example/by-ctr:1"}
    assert unpacked["lab.example/not-unpacked:1"] == "false"
    ours = {row.image: row.status for row in by_us(containerd, "k8s.io")}
    assert ours == {row.image: row.status for row in by_ctr(containerd, "k8s.io")}
    assert {ours[name] for name in pulled} == {"incomplete" if discard else "complete"}
    assert exporter_check(containerd).returncode == 0, "what is discarded by configuration is not broken"
    exporter = lab.exporter(config_for(containerd, collectors=EACH_SECOND))
    exporter.wait_for("containerd_images", {"namespace": "k8s.io", "unpacked": "true"}, lambda n: n >= 3)
    assert exporter.value("containerd_images", namespace="k8s.io", status="incomplete", unpacked="false") == 0
    assert not exporter.samples("containerd_image_not_complete_since_timestamp_seconds")
    assert exporter.value("containerd_inventory_failed_namespaces", collector="images") == 0


@pytest.mark.parametrize("end", ["gone", "silent"])
def test_a_dead_snapshotter_hides_no_other_namespace(lab, version, end):
    front, relay = proxied(lab, version)
    for namespace in ("a", "dark", "z"):
        front.ctr("namespaces", "create", namespace)
    front.ctr("namespaces", "label", "dark", "containerd.io/defaults/snapshotter=remote")
    for namespace in ("a", "dark", "z"):
        remote = ["--snapshotter", "remote"] if namespace == "dark" else []
        local = ["--local"] if version == "2" else []  # else ctr 2 lets the daemon choose the snapshotter
        lab.maker.image().load(front, namespace, "lab.example/image:1", flags=remote + local)
    exporter = lab.exporter(config_for(front, collectors=EACH_SECOND))
    exporter.wait_for("containerd_images", {"namespace": "dark", "status": "complete", "unpacked": "true"}, 1)
    assert by_us(front, "dark") == by_ctr(front, "dark")
    relay.silent = True
    if end == "gone":
        relay.close()
    for namespace in ("a", "dark", "z"):  # a change in each, so that nothing is kept
        lab.maker.image().load(front, namespace, "lab.example/more:1", unpack=False)
    exporter.wait_for("containerd_images", {"namespace": "dark", "status": "complete", "unpacked": "unknown"}, 2, timeout=60)
    assert exporter.value("containerd_images", namespace="dark", unpacked="false") == 0
    for namespace in ("a", "z"):
        exporter.wait_for("containerd_images", {"namespace": namespace, "status": "complete", "unpacked": "false"}, 1)
        assert exporter.value("containerd_images", namespace=namespace, status="complete", unpacked="true") == 1
    assert exporter.value("containerd_inventory_failed_namespaces", collector="images") == 1
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "images"}, 0)
    assert exporter.value("containerd_up") == 1
    assert "namespace dark: snapshotter remote" in exporter.log
    done = exporter_check(front, "--timeout", "8s")
    assert {(row.namespace, row.image, row.unpacked) for row in check_rows(done.stdout)} == {
        (namespace, f"lab.example/{name}:1", "unknown" if namespace == "dark" else word)
        for namespace in ("a", "dark", "z") for name, word in (("image", "true"), ("more", "false"))}
    assert done.returncode == 2 and done.stderr.count("error: namespace dark: snapshotter remote: ") == 1
    assert exporter_check(front, "-n", "a").returncode == 0


@pytest.mark.parametrize("end", ["gone", "silent"])
def test_reports_a_proxy_snapshotter_until_it_ends(lab, version, end):
    front, relay = proxied(lab, version)
    for name in ("a", "b"):
        snapshot(front, "remote", "prepare", "work", namespace="one")
        snapshot(front, "remote", "commit", name, "work", namespace="one")
    view(front, "remote", "look", "a", namespace="one")
    snapshot(front, "overlayfs", "prepare", "own", namespace="one")
    kept = {name.rpartition("/")[2] for name in relay.backend.snapshots("proxied", "native")}
    assert kept == {"a", "b", "look"}, "the snapshots are the other daemon's"
    exporter = lab.exporter(config_for(front, collectors={"snapshots": {"interval": "1s", "timeout": "3s"}}))
    exporter.wait_for("containerd_snapshots", {"snapshotter": "remote", "kind": "committed"}, 2)
    assert exporter.value("containerd_snapshots", snapshotter="remote", kind="view") == 1
    assert exporter.value("containerd_snapshot_bytes", snapshotter="remote") > 0
    relay.silent = True
    if end == "gone":
        relay.close()
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "snapshots"}, 0, timeout=40)
    assert exporter.value("containerd_snapshots", snapshotter="remote") is None, "no numbers instead of old ones"
    assert exporter.value("containerd_snapshots", snapshotter="overlayfs", kind="active") == 1
    assert exporter.value("containerd_up") == 1
    assert "snapshotter remote" in exporter.log

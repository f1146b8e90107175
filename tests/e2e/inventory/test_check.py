# SPDX-License-Identifier: Apache-2.0
"""containerd_exporter check, and the images collector beyond counting: bad input, events, series of single images."""
import json
import os
import subprocess
import time

import pytest

from lab.images import Image, as_json
from lab.probes import config_for
from lab.programs import exporter_binary
from lab.wait import wait_until


@pytest.fixture(scope="module")
def containerd(containerd_of_version):
    return containerd_of_version


def check(containerd, *args, env=None):
    address = ("--address", containerd.address) if containerd else ()
    return subprocess.run([exporter_binary(), "check", *address, *args], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **(env or {})})


def rows_of_check(containerd, namespace):
    return [line.split()[1:] for line in check(containerd, "-n", namespace).stdout.splitlines()[1:]]


def rows_of_ctr(containerd, namespace):
    return [line.split() for line in containerd.run("images", "check", namespace=namespace).stdout.splitlines()[1:]]


def retarget(image, change):
    """The image with another manifest, which no run has scanned yet."""
    document = json.loads(image.data)
    change(document)
    return Image(image.media_type, as_json(document), image.blobs, layers=image.layers, config=image.config_digest)


def load_with_manifest(lab, containerd, namespace, name, data):
    """An image whose target is these bytes: a good image's manifest file, overwritten. The record keeps its size, so
    the bytes are filled up with blanks, or cut."""
    image = lab.maker.image(layers=1, size=64)
    padded = Image(image.media_type, image.data + b" " * max(0, len(data) - len(image.data)), image.blobs,
                   layers=image.layers, config=image.config_digest)
    padded.load(containerd, namespace, name)
    size = len(padded.data)
    containerd.blob_path(padded.digest).chmod(0o644)
    containerd.blob_path(padded.digest).write_bytes(data.ljust(size)[:size])
    return padded


def test_prints_the_same_table_as_ctr(containerd, module_lab):
    maker, space = module_lab.maker, "table"
    for name, image in (("whole", maker.image()), ("docker", maker.image(docker=True)), ("multi", maker.multi_platform()),
                        ("empty", maker.image(layers=0))):
        image.load(containerd, space, f"lab.example/{name}:1")
    damaged = {name: maker.image() for name in ("layer", "config", "manifest")}
    for name, image in damaged.items():
        image.load(containerd, space, f"lab.example/no-{name}:1")
    containerd.remove_blob(damaged["layer"].layers[0].digest, space)
    containerd.remove_blob(damaged["config"].config_digest, space)
    containerd.remove_blob(damaged["manifest"].digest, space)
    for name in ("config", "manifest"):
        image = maker.image()
        image.load(containerd, space, f"lab.example/lost-{name}:1")
        containerd.lose_blob_file(image.config_digest if name == "config" else image.digest)
    odd = maker.image()
    retarget(odd, lambda d: d["layers"][0].update(size=-5000)).load(containerd, space, "lab.example/negative:1")
    retarget(odd, lambda d: [l.update(size=2**63 - 1) for l in d["layers"]]).load(containerd, space, "lab.example/huge:1")
    assert rows_of_check(containerd, space) == rows_of_ctr(containerd, space)
    head = check(containerd, "-n", space).stdout.splitlines()[0].split()
    assert head == ["NAMESPACE", "REF", "TYPE", "DIGEST", "STATUS", "SIZE", "UNPACKED"]
    assert check(containerd, "-n", space).returncode == 1
    objects = [json.loads(line) for line in check(containerd, "-n", space, "--json").stdout.splitlines()]
    assert {o["ref"]: o["status"] for o in objects} == {ref: row["status"] for ref, row in containerd.check(space).items()}


def test_bad_input_affects_only_its_own_image(containerd, module_lab):
    space, maker = "bad", module_lab.maker
    bad = {"garbage": b"\x00\xff{{{", "deep": b'{"a":' + b"[" * 200000, "text": b'"just text"', "list": b"[]",
           "typed": b'{"layers":{}}', "cut": b'{"schemaVersion":2,"config":{', "schema1": b'{"fsLayers":null}',
           "both": b'{"config":{},"manifests":[]}'}
    for name, data in bad.items():
        load_with_manifest(module_lab, containerd, space, f"lab.example/{name}:1", data)
    image = maker.image(layers=1, size=64)
    image.load(containerd, space, "lab.example/one-layer:1")
    many = retarget(image, lambda d: d.update(layers=d["layers"] * 20000))  # ctr asks for each
    load_with_manifest(module_lab, containerd, space, "lab.example/many-layers:1", many.data)
    maker.image().load(containerd, space, "lab.example/good:1")
    assert rows_of_check(containerd, space) == rows_of_ctr(containerd, space)
    good = {row[0]: row[3] for row in rows_of_check(containerd, space)}
    assert good["lab.example/good:1"] == "complete" and good["lab.example/many-layers:1"] == "complete"
    assert {good[f"lab.example/{name}:1"] for name in bad} == {"error"}


def test_invalid_names_break_neither_table_nor_scrape(containerd, module_lab):
    space, image = "names", module_lab.maker.image()
    image.load(containerd, space, "lab.example/plain:1")
    odd = '%s\n"}'
    if containerd.run("images", "tag", "lab.example/plain:1", odd, namespace=space).returncode != 0:
        containerd.ctr("images", "tag", "--skip-reference-check", "lab.example/plain:1", odd, namespace=space)
    lines = check(containerd, "-n", space).stdout.splitlines()
    assert len(lines) == 3 and lines[1].split()[1:3] == ["%s", '"}']
    objects = [json.loads(line) for line in check(containerd, "-n", space, "--json").stdout.splitlines()]
    assert {o["ref"] for o in objects} == {odd, "lab.example/plain:1"}
    exporter = module_lab.exporter(images_config(containerd, series="all"))
    exporter.wait_for("containerd_image_status", {"namespace": space, "image": '%s "}', "status": "complete"}, 1)


def test_reports_wrong_usage(module_lab, containerd):
    assert "--namespace" in check(None, "--help").stdout
    assert check(None, "--help").returncode == 0
    for args in (("--nonsense",), ("--timeout", "soon"), ("-n",)):
        done = check(containerd, *args)
        assert done.returncode == 2 and done.stderr.startswith("containerd_exporter check: ") and not done.stdout
    done = check(containerd, "-n", "no-such-namespace")
    assert done.returncode == 2 and "no-such-namespace" in done.stderr
    done = check(None, "--address", str(module_lab.temp / "none.sock"))
    assert done.returncode == 2 and "no such socket" in done.stderr
    done = check(None, env={"CONTAINERD_ADDRESS": "unix://" + containerd.address})
    assert done.returncode in (0, 1)


def test_exit_status_is_0_if_images_are_complete_or_discarded(containerd, module_lab):
    space, image = "well", module_lab.maker.image()
    image.load(containerd, space, "lab.example/unpacked:1")
    module_lab.maker.image(layers=0).load(containerd, space, "lab.example/not-unpacked:1")
    assert check(containerd, "-n", space).returncode == 0
    containerd.remove_blob(image.layers[0].digest, space)  # what discard_unpacked_layers leaves
    assert check(containerd, "-n", space).returncode == 0
    containerd.remove_blob(image.config_digest, space)
    assert check(containerd, "-n", space).returncode == 1


# ---- The collector ------------------------------------------------------------------------------

def images_config(containerd, interval="1s", **images):
    quiet = {name: {"enabled": False} for name in ("namespaces", "plugins")}
    return config_for(containerd, collectors={"images": {"interval": interval, **images}, "daemon": {"interval": "1s"},
                                              **quiet})


def test_series_setting_selects_images(containerd, module_lab):
    space, images = "series", {}
    for name in ("a-whole", "b-broken", "c-broken", "d-discarded"):
        images[name] = module_lab.maker.image()
        images[name].load(containerd, space, f"lab.example/{name}:1")
    for name in ("b-broken", "c-broken"):
        containerd.remove_blob(images[name].config_digest, space)
    containerd.remove_blob(images["d-discarded"].layers[0].digest, space)

    def shown(exporter, metric="containerd_image_status"):
        exporter.wait_for("containerd_images", {"namespace": space, "status": "complete", "unpacked": "true"}, 1)
        return {dict(key)["image"][len("lab.example/"):-2] for key in exporter.samples(metric, namespace=space)}

    began = time.time()
    exporter = module_lab.exporter(images_config(containerd, include=["lab.example/?-*"]))
    assert shown(exporter) == {"b-broken", "c-broken", "d-discarded"}
    assert shown(exporter, "containerd_image_not_complete_since_timestamp_seconds") == {"b-broken", "c-broken"}
    broken = {"namespace": space, "image": "lab.example/b-broken:1"}
    states = {s: exporter.value("containerd_image_status", **broken, status=s) for s in ("complete", "incomplete", "unavailable", "error")}
    assert states == {"complete": 0, "incomplete": 1, "unavailable": 0, "error": 0}
    assert exporter.value("containerd_image_blobs", **broken, state="required") == 3
    assert exporter.value("containerd_image_blobs", **broken, state="present") == 2
    since = exporter.value("containerd_image_not_complete_since_timestamp_seconds", **broken)
    assert began - 1 <= since <= time.time()
    time.sleep(2.5)
    assert exporter.value("containerd_image_not_complete_since_timestamp_seconds", **broken) == since, "it survives runs"
    assert exporter.value("containerd_series_dropped_total", collector="images") == 0
    exporter.close()
    exporter = module_lab.exporter(images_config(containerd, series="all", include=["lab.example/?-*"], exclude=["*/c-*"]))
    assert shown(exporter) == {"a-whole", "b-broken", "d-discarded"}
    exporter.close()
    exporter = module_lab.exporter(images_config(containerd, series="none"))
    assert shown(exporter) == set()
    exporter.close()
    exporter = module_lab.exporter(images_config(containerd, series="all", include=["lab.example/?-*"], max_series=14))
    assert shown(exporter) == {"b-broken", "c-broken"}, "what is broken comes first"
    assert exporter.value("containerd_series_dropped_total", collector="images") >= 12


def rpcs(exporter):
    return {dict(key)["method"]: value for key, value in exporter.samples("containerd_rpc_duration_seconds_count").items()}


def test_sees_a_change_within_a_second_with_few_calls(containerd, module_lab):
    image, space = module_lab.maker.image(), "events"
    image.load(containerd, space, "lab.example/first:1")
    exporter = module_lab.exporter(images_config(containerd, interval="50s"))
    complete = {"namespace": space, "status": "complete", "unpacked": "true"}
    exporter.wait_for("containerd_images", complete, 1)
    time.sleep(3)  # subscribed, and everything looked at once more
    before = rpcs(exporter)
    began = time.monotonic()
    containerd.ctr("images", "tag", "lab.example/first:1", "lab.example/second:1", namespace=space)
    exporter.wait_for("containerd_images", complete, 2, timeout=5)
    print(f"seen after {time.monotonic() - began:.2f} s")
    time.sleep(1.5)  # the daemon collector reports calls every second
    calls = {method: n - before.get(method, 0) for method, n in rpcs(exporter).items() if n != before.get(method, 0)}
    for method in list(calls):
        if any(word in method for word in ("Version", "Introspection", "Health", "Publish")):
            del calls[method]  # those of the daemon collector
    assert sum(calls.values()) <= 5, calls
    assert exporter.value("containerd_events_total", topic="/images/create") >= 1
    containerd.remove_blob(image.layers[0].digest, space)
    exporter.wait_for("containerd_images", {**complete, "status": "incomplete"}, 2, timeout=5)
    containerd.ctr("namespaces", "create", "events-new")
    exporter.wait_for("containerd_images", {**complete, "namespace": "events-new"}, 0, timeout=5)
    wait_until(lambda: exporter.value("containerd_events_total", topic="/namespaces/create") == 1)


def test_makes_no_call_per_image_if_nothing_changed(containerd, module_lab):
    space = "quiet"
    for i in range(3):
        image = module_lab.maker.image(layers=1, size=64)
        image.load(containerd, space, f"lab.example/{i}:1")
        containerd.remove_blob(image.config_digest, space)
    hidden = ("unshare", "--kill-child", "-p", "-f", "--mount-proc")  # the daemon's process and so its database: always by lists
    for wrap in ((), hidden):
        exporter = module_lab.exporter(images_config(containerd), wrap=wrap)
        exporter.wait_for("containerd_images", {"namespace": space, "status": "incomplete", "unpacked": "false"}, 3)
        time.sleep(3)
        before = rpcs(exporter)
        time.sleep(3.5)
        after = rpcs(exporter)
        asked = {method for method, n in after.items() if n != before.get(method, 0)}
        assert not [m for m in asked if m.endswith(("Images/Get", "Content/Info", "Content/Read"))], asked
        assert any(m.endswith("Content/List") for m in asked) == bool(wrap), asked
        exporter.kill()  # unshare would not hear of a milder signal


def test_sees_removals_by_garbage_collection_without_an_event(containerd, module_lab):
    image, other = module_lab.maker.image(), module_lab.maker.image()
    image.load(containerd, "silent", "lab.example/silent:1")
    other.load(containerd, "noisy", "lab.example/noisy:1")
    exporter = module_lab.exporter(images_config(containerd))
    labels = {"namespace": "silent", "unpacked": "true"}
    exporter.wait_for("containerd_images", {**labels, "status": "complete"}, 1)
    time.sleep(2.5)  # long enough for the database to count as quiet
    containerd.ctr("content", "label", image.digest, "containerd.io/gc.ref.content.l.0=", namespace="silent")
    containerd.ctr("content", "label", image.digest, "containerd.io/gc.ref.content.1=", namespace="silent")
    containerd.ctr("images", "rm", "--sync", "lab.example/noisy:1", namespace="noisy")
    wait_until(lambda: containerd.check("silent")["lab.example/silent:1"]["status"] == "incomplete")
    exporter.wait_for("containerd_images", {**labels, "status": "incomplete"}, 1, timeout=5)


def test_recovers_after_a_restart_of_the_daemon(module_lab):
    containerd = module_lab.containerd()
    image = module_lab.maker.image()
    image.load(containerd, "back", "lab.example/back:1")
    exporter = module_lab.exporter(images_config(containerd))
    labels = {"namespace": "back", "unpacked": "true"}
    exporter.wait_for("containerd_images", {**labels, "status": "complete"}, 1)
    containerd.restart()
    exporter.wait_for("containerd_images", {**labels, "status": "complete"}, 1)
    time.sleep(3)
    containerd.remove_blob(image.layers[0].digest, "back")
    exporter.wait_for("containerd_images", {**labels, "status": "incomplete"}, 1, timeout=5)


def test_reads_through_the_daemon_without_access_to_its_files(containerd, module_lab):
    space = "rpc"
    for i in range(3):
        module_lab.maker.image(layers=1, size=64).load(containerd, space, f"lab.example/{i}:1")
    blobs = containerd.root / "io.containerd.content.v1.content/blobs"
    exporter = module_lab.exporter(images_config(containerd))
    exporter.wait_for("containerd_images", {"namespace": space, "status": "complete", "unpacked": "true"}, 3)
    assert not [m for m in rpcs(exporter) if m.endswith("Content/Read")], "files are read where they can be"
    exporter.close()
    wrap = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none {blobs} && exec "$0" "$@"')
    exporter = module_lab.exporter(images_config(containerd), wrap=wrap)
    exporter.wait_for("containerd_images", {"namespace": space, "status": "complete", "unpacked": "true"}, 3)
    wait_until(lambda: any(m.endswith("Content/Read") for m in rpcs(exporter)))

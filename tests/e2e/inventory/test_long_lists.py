# SPDX-License-Identifier: Apache-2.0
"""Lists that are longer than the message that containerd sends: 16 MiB, of which labels make the most."""
import pytest

from lab.check_table import check_rows
from lab.exporter import exporter_check
from lab.probes import config_for
from lab.rpc import IMAGES, SERVICES, Store, field, labels_field
from lab.wait import wait_until

LABELS = {f"label-{i}": "x" * 4000 for i in range(10)}  # each of at most 4096 bytes
COUNT = 430
LEASES = SERVICES + "leases.v1.Leases/"
EACH_SECOND = {name: {"interval": "1s"} for name in ("images", "leases", "content")}


@pytest.mark.parametrize("pattern", ["registry.example/app:v{}", "registry.example/team/app-{}:latest"])
def test_a_list_above_the_daemons_limit_is_taken_in_parts(lab, version, pattern):
    containerd = lab.containerd_of(version)
    image = lab.maker.image()
    image.load(containerd, "long", "lab.example/image:1")
    lab.maker.image().load(containerd, "short", "lab.example/image:1")
    names = {pattern.format(i) for i in range(COUNT)}
    target = field(1, image.media_type) + field(2, image.digest) + field(3, len(image.data))
    with Store(containerd, "long") as store:
        for name in names:
            store.call(IMAGES + "Create", field(1, field(1, name) + labels_field(2, LABELS) + field(3, target)))
            store.call(LEASES + "Create", field(1, name.replace("/", "-")) + labels_field(3, LABELS))
    assert "larger than max" in containerd.run("images", "check", namespace="long").stderr, "too long for ctr"
    done = exporter_check(containerd)
    assert done.returncode == 0, done.stderr
    rows = check_rows(done.stdout)
    assert {row.image for row in rows if row.namespace == "long"} == names | {"lab.example/image:1"}
    assert {(row.status, row.unpacked) for row in rows} == {("complete", "true")} and len(rows) == COUNT + 2
    exporter = lab.exporter(config_for(containerd, collectors=EACH_SECOND))
    exporter.wait_for("containerd_images", {"namespace": "long", "status": "complete", "unpacked": "true"}, COUNT + 1)
    exporter.wait_for("containerd_leases", {"namespace": "long"}, lambda n: n >= COUNT)
    wait_until(lambda: exporter.value("containerd_images", namespace="short", status="complete", unpacked="true") == 1)
    assert exporter.value("containerd_inventory_failed_namespaces") == 0
    assert "fails" not in exporter.log

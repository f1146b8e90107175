# SPDX-License-Identifier: Apache-2.0
"""An event of the daemon changes /metrics at once. The interval of the images collector is an hour, so that only an
event can cause the change. `make bench` measures the delay."""
import pytest

from lab.probes import config_for
from lab.wait import wait_until

HOUR = {"interval": "1h"}
SOON = 10  # seconds; an hour is what it would take otherwise


def events_config(containerd, **collectors):
    """Images are listed once an hour: an earlier change comes from an event."""
    return config_for(containerd, collectors={"images": HOUR, "daemon": {"interval": "1s"}, **collectors})


def images(exporter, namespace, **labels):
    return exporter.value("containerd_images", default=0, namespace=namespace, **labels)


def soon(check, what):
    wait_until(check, SOON, what)


@pytest.fixture(scope="module")
def exporter(containerd_of_version, module_lab):
    own = module_lab.exporter(events_config(containerd_of_version))
    own.wait_for("containerd_events_total", {}, lambda value: value is not None)
    yield own
    own.close()


def test_sees_an_image_come_and_go(exporter, containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    image.load(containerd, "coming", "lab.example/coming:1")
    soon(lambda: images(exporter, "coming", status="complete") == 1, "the new image")
    containerd.ctr("images", "tag", "lab.example/coming:1", "lab.example/coming:2", namespace="coming")
    soon(lambda: images(exporter, "coming", status="complete") == 2, "the second name")
    containerd.ctr("images", "rm", "lab.example/coming:1", "lab.example/coming:2", namespace="coming")
    soon(lambda: images(exporter, "coming") == 0, "both are gone")


def test_sees_many_changes_at_once(exporter, containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    image.load(containerd, "many", "lab.example/many:0")
    for i in range(1, 30):
        containerd.ctr("images", "tag", "lab.example/many:0", f"lab.example/many:{i}", namespace="many")
    soon(lambda: images(exporter, "many", status="complete") == 30, "all of them")


def test_counts_events_by_topic(exporter, containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    before = exporter.value("containerd_events_total", default=0, topic="/images/create")
    image.load(containerd, "counted", "lab.example/counted:1")
    soon(lambda: exporter.value("containerd_events_total", topic="/images/create") == before + 1, "one more event")
    assert not [labels for labels in exporter.samples("containerd_events_total") if "sync" in str(labels)]


def test_subscription_leaves_nothing_in_the_daemon(exporter, containerd_of_version):
    assert not [name for name in containerd_of_version.namespaces() if name.startswith("containerd-exporter")]
    durations = exporter.samples("containerd_rpc_duration_seconds_count",
                                 method="containerd.services.events.v1.Events/Subscribe")
    assert not sum(durations.values()), "a call that lasts for hours has no duration"


def test_sees_changes_made_while_the_daemon_was_down(containerd_of_version, module_lab):
    """A change between the end of one subscription and the start of the next is found by a list, not by an event."""
    containerd, image = containerd_of_version, module_lab.maker.image()
    own = module_lab.exporter(events_config(containerd))
    image.load(containerd, "gone", "lab.example/gone:1")
    soon(lambda: images(own, "gone", status="complete") == 1, "it listens")
    containerd.restart()
    containerd.ctr("images", "tag", "lab.example/gone:1", "lab.example/gone:2", namespace="gone")
    wait_until(lambda: images(own, "gone", status="complete") == 2, 40, "it listens again")
    containerd.ctr("images", "tag", "lab.example/gone:1", "lab.example/gone:3", namespace="gone")
    soon(lambda: images(own, "gone", status="complete") == 3, "it hears again")
    code, seconds = own.stop()
    assert code == 0 and seconds < 5, "a stream without traffic ends with the exporter"


def test_reload_ends_the_old_subscription(containerd_of_version, module_lab):
    containerd, image = containerd_of_version, module_lab.maker.image()
    own = module_lab.exporter(events_config(containerd))
    for n in range(1, 6):
        status, body = own.reload(events_config(containerd, images={"interval": f"{n}h"}))
        assert status == 200, body
    image.load(containerd, "reloaded", "lab.example/reloaded:1")
    soon(lambda: images(own, "reloaded", status="complete") == 1, "the new job listens")
    own.close()

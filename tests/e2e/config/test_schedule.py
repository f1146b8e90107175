# SPDX-License-Identifier: Apache-2.0
"""When probes run: by cron, sooner after a failure, and never more at once than a registry may be asked."""
import time

import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, probe
from lab.wait import wait_until

ONE_AT_A_TIME = {"*": {"plain_http": True, "max_concurrent": 1}}


def pull(registry, name, **more):
    return probe(f"{registry.address}/canary/{name}:v1", name, timeout="60s", **more)


def test_runs_a_cron_schedule_at_its_time(lab, containerd, fake):
    """In a time zone whose next minute begins in five seconds."""
    for name in ("minutely", "yearly", "every"):
        fake.add_image(f"canary/{name}", "v1")
    shift = (int(time.time()) + 5) % 60
    exporter = lab.exporter(config_for(
        containerd, pull(fake, "minutely", schedule="* * * * *"), pull(fake, "yearly", schedule="@yearly"),
        pull(fake, "every", schedule="@every 1h"), plain="*"), args=[AT_ONCE], env={"TZ": f"XXX+0:00:{shift:02}"})
    exporter.wait_for("image_canary_success", {"probe": "every"}, 1)
    exporter.wait_for("image_canary_success", {"probe": "minutely"}, 1)
    ended = exporter.value("image_canary_last_attempt_timestamp_seconds", probe="minutely")
    took = exporter.value("image_canary_last_duration_seconds", probe="minutely")
    assert (ended - took - shift) % 60 < 30, "a second or two; before its time would be 55 or more"
    assert exporter.value("image_canary_attempts_total", probe="yearly") == 0
    assert exporter.value("image_canary_attempts_total", probe="every") == 1


def test_retries_a_failed_probe_after_retry_interval(lab, containerd, fake):
    for name in ("broken", "patient", "forbidden"):
        fake.add_image(f"canary/{name}", "v1")
    fake.fault("status", path="forbidden", status=403)
    fault = fake.fault("status", path="broken|patient", status=500)
    exporter = lab.exporter(config_for(
        containerd, pull(fake, "broken", interval="1h", retry_interval="1s"),
        pull(fake, "patient", interval="1h", retry_interval="0s"),
        pull(fake, "forbidden", interval="1h", retry_interval="1s"), plain="*"), args=[AT_ONCE])
    exporter.wait_for("image_canary_attempts_total", {"probe": "broken"}, lambda n: n >= 3)
    fake.unfault(fault)
    exporter.wait_for("image_canary_success", {"probe": "broken"}, 1)
    attempts = exporter.value("image_canary_attempts_total", probe="broken")
    assert exporter.value("image_canary_failures_total", probe="broken") == attempts - 1
    time.sleep(2.5)
    assert exporter.value("image_canary_attempts_total", probe="broken") == attempts, "after a success, an hour"
    assert exporter.value("image_canary_attempts_total", probe="patient") == 1
    assert exporter.value("image_canary_attempts_total", probe="forbidden") == 1, "it would be refused again"


def test_a_hanging_registry_occupies_one_worker(lab, containerd, fake):
    """There are four workers and four probes that would hang: `max_concurrent` leaves three for the others."""
    with FakeRegistry() as other:
        other.add_image("canary/other", "v1")
        fake.fault("hang", path="/v2/")
        names = ("a", "b", "c", "d")
        exporter = lab.exporter(config_for(
            containerd, *(pull(fake, name) for name in names), pull(other, "other", interval="1s"),
            registries=ONE_AT_A_TIME),
            args=[AT_ONCE])
        wait_until(fake.requests, what="a hanging probe")
        exporter.wait_for("image_canary_attempts_total", {"probe": "other"}, lambda n: n >= 3)
        assert len({name for name in names if fake.requests(path=f"/canary/{name}/")}) == 1
        assert all(exporter.value("image_canary_attempts_total", probe=name) == 0 for name in names)


def test_max_concurrent_serialises_the_probes_of_a_registry(lab, containerd, fake):
    names = ("a", "b", "c", "d", "e", "f")
    for name in names:
        fake.add_image(f"canary/{name}", "v1")
    exporter = lab.exporter(config_for(containerd, *[pull(fake, name) for name in names],
                                       registries=ONE_AT_A_TIME), args=[AT_ONCE])
    for name in names:
        exporter.wait_for("image_canary_success", {"probe": name}, 1)
    order = [name for request in list(fake.log) for name in names if f"/canary/{name}/" in request.path]
    changes = sum(a != b for a, b in zip(order, order[1:]))
    assert changes == len(names) - 1, "no two mixed their requests"


@pytest.mark.unprivileged
def test_registry_metrics_work_without_a_registry(lab):
    exporter = lab.exporter({"containerd": {"address": str(lab.temp / "nothing.sock")}})
    exporter.wait_for("containerd_exporter_collector_success", {"collector": "registries"}, 1)
    assert not exporter.samples("image_registry_held_seconds")

# SPDX-License-Identifier: Apache-2.0
"""The log of a run, for each engine: the history keeps it."""
import re

import pytest

from lab.fake.registry import FakeRegistry

SECRET = "bfvgq-geheim"


def log_of(lab, probe, registries=None, **sections):
    probe = {"name": "a", "schedule": "@yearly", "timeout": "60s", **probe}
    exporter = lab.exporter({"probes": [probe], "registries": {"*": {"plain_http": True}, **(registries or {})}, **sections})
    body = exporter.get("/probe?target=a&debug=true", timeout=60)[2].decode()
    return body.split("\n\n\nMetrics")[0]


def assert_lines(log, *patterns):
    for pattern in patterns:
        assert re.search(rf"^\+\d+\.\d{{3}}s {pattern}$", log, re.M), (pattern, log)


def test_logs_a_run_of_the_client_engine(lab, containerd, fake):
    log = log_of(lab, {"operation": "pull", "image": f"{fake.address}/canary/a:v1"}, containerd={"address": containerd.address})
    assert ": success, " in log
    assert_lines(log, "no credentials", r"pull \S+/canary/a:v1, engine client", r"HEAD \S+/manifests/v1: 200, .* s",
                 r"layer 1 of \d, sha256:[0-9a-f]{12}: .* in .* s, .* MB/s", r"unpacked sha256:[0-9a-f]{12} in .* s",
                 r".* crossed the network, 0.0 B were already present", r"clean-up took .* s")


@pytest.mark.unprivileged
def test_logs_a_round_trip(lab, fake):
    log = log_of(lab, {"operation": "roundtrip", "engine": "registry", "image": f"{fake.address}/canary/b:v1",
                       "delete_remote": True, "content": {"layers": 1, "size": "64KiB"}})
    assert_lines(log, r"HEAD \S+/blobs/sha256:[0-9a-f]{12}: 404, .*", r"POST \S+/blobs/uploads/: 202, .*",
                 r"PUT \S+/blobs/uploads/\.\.\.: 201, 6[0-9.]+ KiB, .*", r"PUT \S+/manifests/v1: 201, .*",
                 "read back by registry", r"DELETE \S+/manifests/sha256:[0-9a-f]{12}: 202, .*")


@pytest.mark.unprivileged
def test_logs_broken_connections_and_refusals(lab, fake):
    fake.fault("close_middle", path="/blobs/", times=1)
    log = log_of(lab, {"operation": "pull", "engine": "registry", "image": f"{fake.address}/canary/a:v1"})
    assert_lines(log, r"the connection broke; resuming at byte \d+")
    log = log_of(lab, {"operation": "pull", "engine": "registry", "image": f"{fake.address}/canary/none:v1"})
    assert_lines(log, r"HEAD \S+/manifests/v1: 404, .*")
    assert "not_found" in log


@pytest.mark.unprivileged
def test_logs_no_tokens(lab):
    with FakeRegistry(auth="bearer", users={"u": SECRET}, anonymous_pull=False) as registry:
        registry.add_image("canary/a", "v1")
        log = log_of(lab, {"operation": "pull", "engine": "registry", "image": f"{registry.address}/canary/a:v1",
                           "auth": {"username": "u", "password": SECRET}})
    assert ": success, " in log, log
    assert SECRET not in log and "Bearer" not in log
    assert_lines(log, "credentials: auth of the probe", r"HEAD \S+/manifests/v1: 401, .*", r"token of \S+: ok, .* s",
                 r"HEAD \S+/manifests/v1: 200, .*")


def test_logs_a_run_of_the_docker_engine(lab, containerd, fake):
    docker = lab.docker(containerd)
    log = log_of(lab, {"operation": "pull", "engine": "docker", "image": f"{fake.address}/canary/a:v1"},
                 docker={"address": docker.address})
    assert ": success, " in log, log
    assert_lines(log, r"pull \S+, engine docker", r"layer [0-9a-f]{12}: .*B")

# SPDX-License-Identifier: Apache-2.0
"""Redirects to another host that asks who the client is, and token servers that send elsewhere."""
import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import config_for, probe, reason, run_once

USER = {"username": "user", "password": "word"}


class Detour:
    """A registry whose layers and manifests are at another host name and port."""

    def __init__(self, auth, anonymous_pull=True):
        self.first = FakeRegistry(auth="bearer", users={"user": "word"})
        self.other = FakeRegistry(auth=auth, users={"user": "word"}, anonymous_pull=anonymous_pull)
        self.image = self.other.add_image("canary/image", "v1")
        elsewhere = f"http://localhost:{self.other.port}/v2/canary/image"
        places = {"manifests": ["v1", self.image["manifest"]["digest"]],
                  "blobs": [one["digest"] for one in (self.image["config"], *self.image["layers"])]}
        for kind, names in places.items():
            for name in names:
                self.first.fault("status", path=f"/{kind}/{name}", status=307,
                                 headers={"Location": f"{elsewhere}/{kind}/{name}"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.first.close()
        self.other.close()

    def pull(self, lab, daemon, engine, auth=None):
        registries = {self.first.address: {"plain_http": True, **({"auth": auth} if auth else {})}}
        image = f"{self.first.address}/canary/image:v1"
        exporter = run_once(lab, config_for(daemon, probe(image, engine=engine), registries=registries))
        return reason(exporter)


@pytest.mark.parametrize("engine", ("client", "registry"))
@pytest.mark.parametrize("auth", (None, USER), ids=("anonymous", "known"))
def test_another_host_that_asks_gets_an_anonymous_token(lab, containerd, engine, auth):
    with Detour("bearer") as detour:
        assert detour.pull(lab, containerd, engine, auth) is None
        tokens = detour.other.requests(path="^/token")
        assert {request.method for request in tokens} == {"GET"}
        assert all("Authorization" not in request.headers for request in tokens)


@pytest.mark.parametrize("engine", ("client", "registry"))
@pytest.mark.parametrize("auth, anonymous_pull", (("basic", True), ("bearer", False)))
def test_another_host_gets_no_password(lab, containerd, engine, auth, anonymous_pull):
    with Detour(auth, anonymous_pull) as detour:
        assert detour.pull(lab, containerd, engine, USER) == "unauthorized"
        assert not [request for request in detour.other.log if "Basic" in request.headers.get("Authorization", "")]
        assert not detour.other.requests("POST")


@pytest.mark.parametrize("status, location, ctr_pulls", (
    (302, "/token?moved", True), (303, "/token?moved", True), (307, "/token?moved", True), (400, "", True),
    (401, "", True), (404, "", True), (405, "", True), (302, "", False), (307, "", False), (403, "", False),
    (406, "", False), (500, "", False)))
def test_token_servers_are_asked_as_ctr_asks_them(lab, containerd, status, location, ctr_pulls):
    with FakeRegistry(auth="bearer", users={"user": "word"}, anonymous_pull=False) as fake:
        fake.add_image("canary/image", "v1")
        fake.fault("status", method="POST", path="^/token$", status=status,
                   headers={"Location": location} if location else {})
        image = f"{fake.address}/canary/image:v1"
        done = containerd.run("images", "pull", "--plain-http", "--user", "user:word", image, namespace="redirects")
        assert (done.returncode == 0) == ctr_pulls, done.stderr
        containerd.run("images", "rm", "--sync", image, namespace="redirects")
        containerd.run("namespaces", "rm", "redirects")
        registries = {fake.address: {"plain_http": True, "auth": USER}}
        exporter = run_once(lab, config_for(containerd, probe(image, engine="client"), registries=registries))
        assert (reason(exporter) is None) == ctr_pulls, exporter.log

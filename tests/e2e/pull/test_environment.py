# SPDX-License-Identifier: Apache-2.0
"""The environment of the process that pulls: certificates and SOCKS proxies. Where containerd pulls it is the
daemon's own; the exporter's own engines have to read it alike."""
import shutil

import pytest

from lab.fake.registry import FakeRegistry
from lab.fake.socks import SocksProxy
from lab.fake.tls import Authority
from lab.field import Ground
from lab.matrix import OK, Daemon, need, reason_of
from lab.probes import AT_ONCE, config_for, probe, wait_for_runs

ENGINES = ("client", "registry", "cri", "transfer")


def run(lab, engine, ground, reference):
    """The reason, and the exporter, of a pull where exporter and daemon have the same variables."""
    daemon = Daemon(lab, [engine], ground)
    config = config_for(daemon, probe(reference, engine=engine), registries=ground.registries)
    config.setdefault("containerd", {"address": "/nowhere", "hosts_dir": str(ground.hosts_dir)})
    exporter = lab.exporter(config, env=ground.proxy_env, args=[AT_ONCE])
    wait_for_runs(exporter, "canary")
    return reason_of(exporter, "canary"), exporter


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("variables,want", [
    ({}, "tls"), ({"SSL_CERT_FILE": "{0}/trusted.crt"}, OK), ({"SSL_CERT_DIR": "/nonexistent:{0}/directory"}, OK),
    ({"SSL_CERT_FILE": "{0}/other.crt", "SSL_CERT_DIR": "/nonexistent"}, "tls"),
    ({"SSL_CERT_FILE": "/nonexistent"}, "tls")],
    ids=["none", "file", "dir", "other", "missing"])
def test_trusts_certificates_of_the_environment(lab, engine, variables, want):
    need(engine)
    authority, other = Authority(lab.temp / "tls"), Authority(lab.temp / "other")
    (lab.temp / "directory").mkdir()
    for path in ("trusted.crt", "directory/name-without-hash"):
        shutil.copy(authority.certificate, lab.temp / path)
    shutil.copy(other.certificate, lab.temp / "other.crt")
    with Ground(lab.folder("ground")) as ground, FakeRegistry(tls=authority.issue("good")) as registry:
        registry.add_image("canary/a", "v1")
        ground.know(registry.address, plain=False)
        ground.proxy_env.update({name: value.format(lab.temp) for name, value in variables.items()})
        reason, exporter = run(lab, engine, ground, f"{registry.address}/canary/a:v1")
        assert reason == want, exporter.log


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("user,want", [("", OK), ("svc:p%40ss@", OK), ("svc:wrong@", "proxy")], ids=["anonymous", "user", "wrong"])
def test_a_socks_proxy_resolves_the_name(lab, engine, user, want):
    need(engine)
    host = "known-to-the-proxy.invalid"
    with Ground(lab.folder("ground")) as ground, FakeRegistry() as registry, \
            SocksProxy(registry.address, *(("svc", "p@ss") if user else ())) as proxy:
        registry.add_image("canary/a", "v1")
        ground.know(host)
        ground.proxy_env.update(HTTP_PROXY=f"socks5://{user}{proxy.address}", NO_PROXY="")
        reason, exporter = run(lab, engine, ground, f"{host}/canary/a:v1")
        assert reason == want, exporter.log
        assert set(proxy.log) == ({(host, 80)} if want == OK else set())

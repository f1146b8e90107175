# SPDX-License-Identifier: Apache-2.0
"""Secrets at every place where one can stand, and every output searched for them: the log, the pages,
/metrics, /probe with and without debug, `probe` at a terminal, and what --config.check says.

Libraries, daemons and registries quote what they were given, also if they could not parse it.
"""
import base64
import json
import os
import re

import pytest

from lab.exporter import run_exporter
from lab.fake.registry import FakeRegistry
from lab.network import free_port
from lab.probes import AT_ONCE, plain_http, probe, reasons, wait_for_runs

pytestmark = pytest.mark.unprivileged

SECRET = "hunter2"
IN_BASE64 = base64.b64encode(f"svc:{SECRET}".encode()).decode()
LEAK = re.compile("unter2|" + re.escape(IN_BASE64.rstrip("=")))  # also a piece of it

# Passwords that had to be escaped, impossible ports, and schemes that no proxy has.
PROXIES = ["http://svc:hunter2#t@{0}", "http://svc:hunter2/t@{0}", "http://svc:hunter2?t@{0}", "http://svc:hunter2@t@{0}",
           "http://svc:hunter2 t@{0}", "http://svc:hunter2%40@{0}", "http://hunter2/t@{0}", "http://hunter2#t@{0}",
           "http://svc:1/hunter2@{0}", "http://svc:hunter2@127.0.0.1:99999", "http://svc:hunter2@127.0.0.1:x",
           "ftp://svc:hunter2@{0}", "socks4://svc:hunter2@{0}", "socks5://svc:hunter2@{0}", "https://svc:hunter2@{0}",
           "svc:hunter2@{0}", "hunter2:hunter2", "http://svc:hunter2\\@{0}", "http://svc:hunter2[@{0}"]
IGNORED = ["http://svc:hunter2%@{0}", " http://svc:hunter2@{0}"]  # by Go: it connects directly


def assert_hidden(where, text):
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    found = LEAK.search(text)
    assert not found, f"{where}: ...{text[max(0, found.start() - 300):found.end() + 100]}"


def search(exporter, names):
    """All outputs of an exporter whose probes have run."""
    for path in ("/", "/history", "/history?format=json", "/config", "/config?format=html", "/metrics", "/status",
                 "/metrics?debug=true", *(f"/history?probe={name}" for name in names)):
        assert_hidden(path, exporter.get(path, timeout=30)[2])
    for name in names:
        for path in (f"/probe?target={name}", f"/probe?target={name}&debug=true"):
            assert_hidden(path, exporter.get(path, timeout=60)[2])
        for more in ([], ["--debug"], ["--json"]):
            done = run_exporter("probe", f"--config.file={exporter.config_path}", "--log.level=debug", name, *more,
                                env=exporter.env)
            assert_hidden(f"probe {name} {more}", done.stdout + done.stderr)
    assert_hidden("log", exporter.log)


def run(lab, config, env=None):
    exporter = lab.exporter(config, args=[AT_ONCE, "--probe.workers=4", "--log.level=debug"],
                            env={**os.environ, **(env or {})}, ready=False)
    names = [one["name"] for one in config["probes"]]
    wait_for_runs(exporter, *names, timeout=60)
    search(exporter, names)
    return exporter


@pytest.mark.parametrize("case", ["upper", "lower"])
@pytest.mark.parametrize("value", PROXIES + IGNORED)
def test_hides_the_password_of_a_proxy(lab, value, case):
    want = "dns" if value in IGNORED else "proxy"
    value = value.format(f"127.0.0.1:{free_port()}")
    names = ["HTTP_PROXY", "HTTPS_PROXY"]
    env = {name.lower() if case == "lower" else name: value for name in names}
    config = {"containerd": {"address": "/nowhere/containerd.sock"}, "registries": plain_http("plain.invalid"),
              "probes": [probe("plain.invalid/x:1", "plain", engine="registry", timeout="10s"),
                         probe("tls.invalid/x:1", "tls", engine="registry", timeout="10s")]}
    exporter = run(lab, config, {**{name.lower(): "" for name in names}, **env})
    assert {next(iter(reasons(exporter, name))) for name in ("plain", "tls")} == {want}, exporter.log
    assert want == "proxy" or "invalid proxy in " in exporter.log


REALMS = ['http://127.0.0.1:{0}/token?key=hunter2', 'http://svc:hunter2@127.0.0.1:{0}/token', 'http://hunter2:x@[broken/',
          'ftp://svc:hunter2@127.0.0.1/', 'http://svc:hunter2#t@127.0.0.1:{0}/', 'hunter2']
LOCATIONS = ['http://127.0.0.1:{0}/blob?X-Amz-Signature=hunter2', 'http://svc:hunter2@127.0.0.1:{0}/blob',
             'ftp://svc:hunter2@127.0.0.1/?hunter2', 'http://svc:hunter2 t@[broken/?hunter2#hunter2',
             'http://svc:hunter2#t@127.0.0.1:{0}/', '/again?signature=hunter2', '//svc:hunter2@127.0.0.1:{0}/']
WORDS = ['see https://svc:hunter2@help.example/', 'see https://help.example/?token=hunter2', 'bad "http://svc:hunter2 t@h/"',
         f'got Authorization: Basic {IN_BASE64}', 'got Bearer hunter2hunter2hunter2']


def faults_of(port):
    """{repository: (path, fault)}"""
    rows = {}
    for i, realm in enumerate(REALMS):
        rows[f"realm-{i}"] = ("", dict(status=401, headers={
            "WWW-Authenticate": f'Bearer realm="{realm.format(port)}",service="s"'}))
    for i, location in enumerate(LOCATIONS):
        for what in ("manifests", "blobs"):
            rows[f"{what}-{i}"] = (f"/{what}/", dict(status=307, headers={"Location": location.format(port)}))
    for i, words in enumerate(WORDS):
        for status in (400, 403, 500):
            body = json.dumps({"errors": [{"code": words, "message": words}]}).encode()
            rows[f"words-{i}-{status}"] = ("", dict(status=status, body=body))
    return rows


def test_hides_what_registries_send(lab):
    with FakeRegistry() as registry:
        probes, port = [], free_port()
        for repository, (path, options) in faults_of(port).items():
            registry.add_image(f"{repository}/a", "1")
            registry.fault("status", path=f"/{repository}/a{path}", **options)
            probes.append(probe(f"{registry.address}/{repository}/a:1", repository, engine="registry", timeout="10s"))
        for i, location in enumerate(LOCATIONS):
            registry.fault("location", path=f"/push-{i}/a", value=location.format(port))
            probes.append(probe(f"{registry.address}/push-{i}/a:1", f"push-{i}", "push", engine="registry", timeout="10s",
                                content={"layers": 1, "size": "1KiB"}))
        run(lab, {"probes": probes, "registries": plain_http(registry.address)})


HOSTS = ['server = "http://svc:hunter2@{0}"', 'server = "http://svc:hunter2#t@{0}"', 'server = "http://{0}/?hunter2"',
         '[host."http://svc:hunter2@{0}"]', '[host."ftp://svc:hunter2 t@{0}"]', '[host."http://svc:hunter2/t@{0}"]',
         '[host."http://{0}"]\n[host."http://{0}".header]\nAuthorization = "Basic hunter2"',
         '[host."http://{0}"]\n[host."http://{0}".header]\nAuthorization = ["Basic hunter2\\nx", "hunter2"]',
         '[host."http://{0}"]\n[host."http://{0}".header]\n"X hunter2" = "hunter2"',
         '[host."http://{0}"]\n[host."http://{0}".header]\nAuthorization = {{hunter2 = 1}}',
         '[host."http://{0}"]\ncapabilities = ["hunter2"]\nca = "hunter2"', 'server = "hunter2', 'hunter2 = hunter2']


def test_hides_what_hosts_toml_says(lab):
    with FakeRegistry() as registry:
        probes = []
        for i, text in enumerate(HOSTS):
            folder = lab.temp / f"certs.d-{i}" / "r.invalid"
            folder.mkdir(parents=True)
            (folder / "hosts.toml").write_text(text.format(registry.address))
            probes.append(probe("r.invalid/x:1", f"hosts-{i}", engine="registry", timeout="10s"))
            exporter = run(lab, {"containerd": {"address": "/nowhere", "hosts_dir": str(folder.parent)},
                                 "probes": [probes[-1]]})
            exporter.stop()


def docker_configs(folder):
    """Files of docker login, with something wrong."""
    helper = folder / "docker-credential-loud"
    helper.write_text(f"#!/bin/sh\necho 'bad password {SECRET}' >&2\necho '{{\"Secret\":\"{SECRET}'\nexit $(( $(date +%N | tail -c 2) % 2 ))\n")
    helper.chmod(0o755)
    for i, text in enumerate((json.dumps({"auths": {"127.0.0.1": {"auth": SECRET}}}), '{"auths": {"127.0.0.1": {"auth": "hunter2',
                              json.dumps({"auths": {f"https://svc:{SECRET}@127.0.0.1": {"auth": IN_BASE64}}}), json.dumps([SECRET]),
                              json.dumps({"credHelpers": {"127.0.0.1": SECRET + "/x"}}), json.dumps({"credsStore": "loud"}),
                              json.dumps({"auths": {"127.0.0.1": {"auth": IN_BASE64}}}),
                              json.dumps({"auths": {"127.0.0.1": {"identitytoken": SECRET}}}))):
        path = folder / f"{i}.json"
        path.write_text(text)
        yield str(path)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_hides_what_credentials_say(lab, auth):
    with FakeRegistry(auth=auth, users={"other": "x"}, anonymous_pull=False) as registry:
        probes = []
        for i, path in enumerate(docker_configs(lab.temp)):
            path = re.sub("127.0.0.1(?!:)", registry.address, open(path, encoding="utf-8").read())
            (lab.temp / f"{i}.json").write_text(path)
            probes.append(probe(f"{registry.address}/x:1", f"file-{i}", engine="registry", timeout="10s",
                                docker_config=str(lab.temp / f"{i}.json")))
        for i, more in enumerate(({"username": "svc", "password": SECRET}, {"registry_token": SECRET},
                                  {"registry_token": f"{SECRET} x"}, {"identity_token": SECRET})):
            probes.append(probe(f"{registry.address}/x:1", f"auth-{i}", engine="registry", timeout="10s", auth=more))
        run(lab, {"probes": probes, "registries": plain_http(registry.address)},
            {"PATH": f"{lab.temp}:{os.environ['PATH']}"})


# Each is a mistake of the file.
MISTAKES = [
    "probes: [{name: a, operation: pull, image: 'svc:hunter2@r.example/x:1'}]",
    "probes: [{name: a, operation: pull, image: 'https://svc:hunter2@r.example/x:1'}]",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', auth: {username: u, password: [hunter2]}}]",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', auth: {username: u, password: {hunter2: 1}}}]",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', auth: hunter2}]",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', auth: {password: hunter2}}]",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', auth: {registry_token: hunter2, password: hunter2}}]",
    "registries: {'https://svc:hunter2@r.example': {plain_http: true}}",
    "registries: {'svc:hunter2@r.example': {plain_http: true}}",
    "registries: {r.example: {auth: {password: hunter2}}}",
    "containerd: {address: 'unix://svc:hunter2@/run/x'}",
    "docker: {address: 'tcp://svc:hunter2@127.0.0.1:2375'}",
    "unknown: {address: 'tcp://svc:hunter2@127.0.0.1:2375'}",
    "svc:hunter2@r.example: 1",
    "probes: [{name: a, operation: pull, image: 'r.example/x:1', labels: {'http://svc:hunter2@x': 'y'}}]",
]


@pytest.mark.parametrize("text", MISTAKES)
def test_hides_what_a_mistake_of_the_file_quotes(lab, text):
    path = lab.temp / "bad.yml"
    path.write_text(text + "\n")
    for args in (["--config.check"], ["probe", "--all"]):
        done = run_exporter(*args, f"--config.file={path}")
        assert_hidden(args, done.stdout + done.stderr)

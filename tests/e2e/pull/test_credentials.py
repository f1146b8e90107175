# SPDX-License-Identifier: Apache-2.0
"""Every place where nodes keep the passwords of registries, with the engine that needs no daemon."""
import base64
import json
import pathlib

import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, plain_http, probe, reason, run_once

pytestmark = pytest.mark.unprivileged

SECRET = "hunter2-of-the-test"
USER = "user"


@pytest.fixture
def private():
    """A registry with a token server, and one image that only USER may have."""
    with FakeRegistry(auth="bearer", users={USER: SECRET}, anonymous_pull=False) as registry:
        registry.add_image("team/image", "v1")
        yield registry


def pull(registry, name, repository="team/image", **more):
    return probe(f"{registry.address}/{repository}:v1", name, engine="registry", **more)


def run(lab, registry, probes, env=None, registries=None):
    """{probe: reason of its first run, None for a success}, and the exporter."""
    config = config_for(None, *probes, registries=registries or plain_http(registry.address))
    exporter = run_once(lab, config, env=env)
    return {each["name"]: reason(exporter, each["name"]) for each in probes}, exporter


def expect_silence(exporter):
    """Log, pages, metrics and command line contain no secret."""
    spoken = [exporter.log, exporter.raw()]
    spoken += [exporter.get(path)[2].decode() for path in ("/", "/config", "/history")]
    spoken.append(pathlib.Path(f"/proc/{exporter.pid}/cmdline").read_text(encoding="utf-8"))
    encoded = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    for text in spoken:
        assert SECRET not in text and encoded not in text


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def docker_config(path, **content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def entry(password=SECRET):
    return {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}


def test_reads_files_and_tokens(lab, private):
    password, identity, bearer = (lab.temp / name for name in ("password", "identity", "bearer"))
    password.write_text(SECRET + "\n")
    identity.write_text("identity-" + SECRET)
    bearer.write_text("bearer-" + SECRET)
    private.identity_tokens.add("identity-" + SECRET)
    private.tokens["bearer-" + SECRET] = {("team/image", "pull")}
    reasons, exporter = run(lab, private, [
        pull(private, "file", auth={"username": USER, "password_file": str(password)}),
        pull(private, "identity", auth={"identity_token_file": str(identity)}),
        pull(private, "bearer", auth={"registry_token_file": str(bearer)}),
        pull(private, "wrong-identity", auth={"identity_token": SECRET}),
        pull(private, "wrong-bearer", auth={"registry_token": SECRET}),
        pull(private, "missing", auth={"identity_token_file": "/nonexistent"}),
        pull(private, "anonymous")])
    assert reasons == {"file": None, "identity": None, "bearer": None, "wrong-identity": "unauthorized",
                       "wrong-bearer": "unauthorized", "missing": "invalid", "anonymous": "unauthorized"}
    expect_silence(exporter)


def test_uses_a_changed_password_in_the_next_run(lab, private):
    password = lab.temp / "password"
    password.write_text("old")
    config = config_for(None, pull(private, "canary", auth={"username": USER, "password_file": str(password)},
                                   interval="1s", timeout="1s"), plain=private.address)
    exporter = lab.exporter(config, args=[AT_ONCE])
    exporter.wait_for("image_canary_success", {"probe": "canary"}, 0)
    password.write_text(SECRET)
    exporter.wait_for("image_canary_success", {"probe": "canary"}, 1)


def test_reads_docker_config(lab, private):
    address = private.address
    glob = "127.0.*.*:" + address.split(":")[1]
    reasons, exporter = run(lab, private, [
        pull(private, "pattern", docker_config=docker_config(lab.temp / "pattern", auths={glob: entry()})),
        pull(private, "dockercfg", docker_config=docker_config(lab.temp / "old", **{f"http://{address}": entry()})),
        pull(private, "both", docker_config=docker_config(lab.temp / "both", auths={
            glob: entry("wrong"), address: entry()})),
        pull(private, "host", docker_config=docker_config(lab.temp / "host", auths={address: entry()})),
        pull(private, "url", docker_config=docker_config(lab.temp / "url", auths={f"http://{address}/v1/": entry()})),
        pull(private, "repository", docker_config=docker_config(
            lab.temp / "repository", auths={f"{address}/team": entry(), address: entry("wrong")})),
        pull(private, "wrong", docker_config=docker_config(lab.temp / "wrong", auths={address: entry("wrong")})),
        pull(private, "other", docker_config=docker_config(lab.temp / "other", auths={"r.example": entry()})),
        pull(private, "broken", docker_config=docker_config(lab.temp / "broken", auths={address: {"auth": SECRET}})),
        pull(private, "missing", docker_config=str(lab.temp / "missing"))])
    assert reasons == {"pattern": None, "dockercfg": None, "both": None, "host": None, "url": None, "repository": None, "wrong": "unauthorized",
                       "other": "unauthorized", "broken": "invalid", "missing": "invalid"}
    expect_silence(exporter)


def test_calls_credential_helpers(lab, private):
    folder = lab.folder("bin")
    folder.mkdir()
    program(folder / "docker-credential-good", f"""
[ "$(cat)" = {private.address} ] && echo '{{"ServerURL":"x","Username":"{USER}","Secret":"{SECRET}"}}'""")
    program(folder / "docker-credential-empty", "echo credentials not found in native keychain; exit 1")
    program(folder / "docker-credential-bad", f"echo {SECRET}; echo {SECRET} >&2; exit 1")
    program(folder / "docker-credential-hangs", "sleep 1000")
    names = ("good", "empty", "bad", "hangs", "absent")
    probes = [pull(private, name, timeout="3s", docker_config=docker_config(
        lab.temp / f"{name}.json", credHelpers={private.address: name}, auths={private.address: entry("wrong")}))
        for name in names]
    probes.append(pull(private, "store", docker_config=docker_config(lab.temp / "store.json", credsStore="good")))
    reasons, exporter = run(lab, private, probes, env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert reasons == {"good": None, "store": None, "empty": "unauthorized", "bad": "invalid", "hangs": "timeout",
                       "absent": "invalid"}
    expect_silence(exporter)
    children = pathlib.Path(f"/proc/{exporter.pid}/task/{exporter.pid}/children").read_text(encoding="utf-8")
    assert not children.strip(), "no helper stays, not even as a zombie"


def provider(name, pattern, **more):
    return {"name": name, "matchImages": [pattern], "defaultCacheDuration": "1h",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1", **more}


def provider_config(path, *providers):
    path.write_text(json.dumps({"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig",
                                "providers": providers}), encoding="utf-8")
    return str(path)


def answer(pattern, scope="Registry", password=SECRET):
    return json.dumps({"apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderResponse",
                       "cacheKeyType": scope, "auth": {pattern: {"username": USER, "password": password}}})


def test_calls_credential_providers(lab, private):
    folder = lab.folder("bin")
    folder.mkdir()
    address = private.address
    program(folder / "good", f"""echo "$(cat)" >>{folder}/questions; echo '{answer(address)}'""")
    program(folder / "fails", f"echo {SECRET} >&2; exit 1")
    settings = {name: {"config": provider_config(lab.temp / f"{name}.json", *providers), "bin_dir": str(folder)}
                for name, providers in {
                    "good": [provider("good", address)],
                    "pattern": [provider("good", "*.*.*.*:" + address.partition(":")[2])],
                    "first-fails": [provider("fails", address), provider("good", address)],
                    "fails": [provider("fails", address)],
                    "absent": [provider("absent", address)],
                    "other": [provider("good", "r.example")]}.items()}
    reasons, exporter = run(lab, private, [pull(private, name, credential_provider=setting)
                                           for name, setting in settings.items()])
    assert reasons == {"good": None, "pattern": None, "first-fails": None, "fails": "invalid", "absent": "invalid",
                       "other": "unauthorized"}
    expect_silence(exporter)
    questions = (folder / "questions").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["image"] for line in questions} == {f"{address}/team/image"}


def test_caches_and_shares_the_response_of_a_provider(lab, private):
    folder = lab.folder("bin")
    folder.mkdir()
    private.add_image("team/second", "v1")
    program(folder / "plugin", f"cat >/dev/null; echo run >>{folder}/runs; echo '{answer(private.address)}'")
    setting = {"config": provider_config(lab.temp / "config", provider("plugin", private.address)),
               "bin_dir": str(folder)}
    registries = {private.address: {"plain_http": True, "credential_provider": setting, "max_concurrent": 1}}
    probes = [pull(private, f"{repository}-{i}", f"team/{repository}")
              for repository in ("image", "second") for i in range(3)]
    reasons, _ = run(lab, private, probes, registries=registries)
    assert set(reasons.values()) == {None}
    assert (folder / "runs").read_text(encoding="utf-8").splitlines() == ["run"]


@pytest.mark.parametrize("settings, words", [
    ({"auth": {"password": SECRET}}, "auth.username"),
    ({"auth": {"username": USER, "password": SECRET, "password_file": "/x"}}, "auth.password"),
    ({"auth": {"username": USER, "password": SECRET, "registry_token": SECRET}}, "auth.password"),
    ({"credential_provider": {"config": "/x"}}, "credential_provider.bin_dir"),
])
def test_rejects_invalid_settings(lab, private, settings, words):
    exporter = lab.exporter({"probes": [pull(private, "canary", **settings)]}, ready=False)
    assert exporter.child.wait(timeout=20) != 0
    assert words in exporter.log and SECRET not in exporter.log

# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/registries.md, verbatim, against a registry of that kind: names of /etc/hosts lead to
docker-registry on loopback, on a machine of its own (lab/machine.py)."""
import json

import pytest
import yaml

from lab.daemons import crypt
from lab.docs import blocks
from lab.fake.tls import Authority
from lab.images import ImageMaker, as_json
from lab.machine import Machine
from lab.programs import ROOT, exporter_binary, find
from lab.wait import wait_until

PAGE = "docs/registries.md"
CONFIG = "/etc/containerd_exporter/containerd_exporter.yml"
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ADDRESSES = {"harbor.example": "127.0.0.2", ECR: "127.0.0.3", "mirror.example": "127.0.0.4", "registry-1.docker.io": "127.0.0.5",
             "registry.example": "127.0.0.6", "tokens.example": "127.0.0.1"}
# The token server of the lab, with HTTPS: the exporter sends a password to no other one.
TOKENS = """
import json, pathlib, ssl, sys, time
sys.path.insert(0, {tests!r})
from lab.fake.tokens import TokenServer
with TokenServer("/run/tokens", users={users!r}) as tokens:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/run/tokens.example.certificate", "/run/tokens.example.key")
    tokens.server.socket = context.wrap_socket(tokens.server.socket, server_side=True)
    realm = tokens.settings["realm"].replace("http://127.0.0.1", "https://tokens.example")
    pathlib.Path("/run/tokens.json").write_text(json.dumps(dict(tokens.settings, realm=realm)))
    time.sleep(3600)
"""
PLUGIN = """#!/bin/sh
cat >/dev/null
echo '{"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1",' \\
     '"cacheKeyType": "Registry", "cacheDuration": "1h",' \\
     '"auth": {"*.dkr.ecr.*.amazonaws.com": {"username": "AWS", "password": "token"}}}'
"""


def recipe(section, language="yaml", number=0):
    return [block for block in blocks(PAGE, section, language) if block.kind in ("", "kubernetes")][number].text


@pytest.fixture(name="machine")
def machine_with_names(lab):
    layout = lab.temp / "layout"
    image = ImageMaker().image(layers=2, size=1 << 16)
    (layout / "blobs/sha256").mkdir(parents=True)
    for digest, data in {image.digest: image.data, **image.blobs}.items():
        (layout / "blobs" / digest.replace(":", "/")).write_bytes(data)
    (layout / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_bytes(as_json({"schemaVersion": 2, "manifests": [image.descriptor]}))
    with Machine(lab.folder("machine"), ADDRESSES) as machine:
        machine.run(f"cp -a {layout} /run/layout; install -D {exporter_binary()} /usr/local/bin/containerd_exporter")
        machine.run("rm -rf /etc/containerd_exporter /etc/containerd/certs.d /etc/docker/certs.d")
        machine.authority = Authority(lab.temp / "authority")
        machine.trusted = machine.run("cat /etc/ssl/certs/ca-certificates.crt")
        yield machine


def trust(machine):
    """The node's CA bundle has the authority of the registries."""
    with open(machine.authority.certificate, encoding="utf-8") as file:
        machine.write("/etc/ssl/certs/ca-certificates.crt", machine.trusted + file.read())


def certify(machine, host):
    """A certificate of the authority and its key, below /run."""
    for path, kind in zip(machine.authority.issue(host, names=f"DNS:{host}"), ("certificate", "key")):
        with open(path, encoding="utf-8") as file:
            machine.write(f"/run/{host}.{kind}", file.read())


def serve(machine, host, port=443, auth=None, **more):
    """A registry at the address of a name, with HTTPS on port 443."""
    place = f"/run/{host}"
    http = {"addr": f"{ADDRESSES[host]}:{port}", "secret": "lab"}
    if port == 443:
        certify(machine, host)
        http["tls"] = {kind: f"{place}.{kind}" for kind in ("certificate", "key")}
    config = {"version": "0.1", "http": http, "storage": {"filesystem": {"rootdirectory": place}, "delete": {"enabled": True}},
              **({"auth": auth} if auth else {}), **more}
    machine.write(f"{place}.yml", yaml.safe_dump(config))
    program = ["bash", "-c", f"echo $$ >{place}.pid; exec {find('docker-registry')} serve {place}.yml"]
    machine.service(program, f"curl -s -o /dev/null {'https' if port == 443 else 'http'}://{host}:{port}/v2/ --insecure")


def passwords(machine, host, user, word):
    hashed = crypt.crypt(word, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    machine.write(f"/run/{host}.passwords", f"{user}:{hashed}\n")
    return {"htpasswd": {"realm": "lab", "path": f"/run/{host}.passwords"}}


def put_image(machine, reference, *flags):
    machine.run(f"skopeo copy --insecure-policy --dest-tls-verify=false {' '.join(flags)} oci:/run/layout docker://{reference}")


def configure(machine, text):
    machine.write(CONFIG, text)
    machine.run(f"containerd_exporter --config.file={CONFIG} --config.check")


def results(machine, *names):
    """{probe: reason}, with "" for a success."""
    done = machine.try_run(f"containerd_exporter probe --json {' '.join(names) or '--all'}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return {line["probe"]: line.get("reason", "") if not line["success"] else "" for line in lines}


def test_harbor(machine):
    trust(machine)
    certify(machine, "tokens.example")
    program = TOKENS.format(tests=str(ROOT / "tests"), users={"robot$canary": "word"})
    machine.service(["/usr/bin/python3", "-c", program], "test -s /run/tokens.json")
    serve(machine, "harbor.example", auth={"token": json.loads(machine.run("cat /run/tokens.json"))})
    put_image(machine, "harbor.example/library/base:1", "--dest-creds", "'robot$canary:word'")
    machine.write("/etc/containerd_exporter/secrets/harbor", "word\n")
    configure(machine, recipe("Harbor, and registries with a token server"))
    assert results(machine) == {"harbor-pull": "", "harbor-roundtrip": ""}
    machine.write("/etc/containerd_exporter/secrets/harbor", "rotated\n")  # the old one is no longer used
    assert results(machine, "harbor-pull") == {"harbor-pull": "unauthorized"}


def test_cloud_registry(machine):
    trust(machine)
    serve(machine, ECR, auth=passwords(machine, ECR, "AWS", "token"))
    put_image(machine, f"{ECR}/base:1", "--dest-creds", "AWS:token")
    section = "ECR and other cloud registries"
    provider = yaml.safe_load(recipe(section))["registries"]["*"]["credential_provider"]
    machine.write(provider["config"], recipe(section, number=1))
    machine.write(provider["bin_dir"] + "/ecr-credential-provider", PLUGIN, 0o755)
    configure(machine, recipe(section))
    assert results(machine) == {"ecr-pull": ""}
    machine.write(provider["bin_dir"] + "/ecr-credential-provider", PLUGIN.replace("token", "expired"), 0o755)
    assert results(machine) == {"ecr-pull": "unauthorized"}


def test_mirror_with_fallback(machine):
    trust(machine)
    for host in ("mirror.example", "registry-1.docker.io"):
        serve(machine, host)
        put_image(machine, f"{host}/library/busybox:1.36")
    machine.write("/etc/containerd/certs.d/docker.io/hosts.toml", recipe("A mirror with fallback", "toml"))
    configure(machine, recipe("A mirror with fallback"))
    assert results(machine) == {"hub-by-mirror": "", "hub": ""}
    machine.run("kill $(cat /run/mirror.example.pid)")
    wait_until(lambda: machine.try_run("curl -sk https://mirror.example/v2/").returncode != 0, 20, "the mirror is down")
    assert results(machine) == {"hub-by-mirror": "connect", "hub": ""}


@pytest.mark.parametrize("way", ["ca_file", "hosts.toml", "bundle"])
def test_private_ca(machine, way):
    section, host = "A private CA", "registry.example"
    serve(machine, host)
    put_image(machine, f"{host}/base:1")
    config = yaml.safe_load(recipe(section))
    without = yaml.safe_dump({"probes": config["probes"]})
    configure(machine, without)
    assert results(machine) == {"private-ca": "tls"}
    with open(machine.authority.certificate, encoding="utf-8") as file:
        certificate = file.read()
    if way == "ca_file":
        machine.write(config["registries"][host]["ca_file"], certificate)
        configure(machine, recipe(section))
    elif way == "hosts.toml":
        machine.write(f"/etc/containerd/certs.d/{host}/hosts.toml", recipe(section, "toml"))
        machine.write(f"/etc/containerd/certs.d/{host}/ca.crt", certificate)
    else:
        trust(machine)
    assert results(machine) == {"private-ca": ""}


def test_air_gapped(machine):
    serve(machine, "registry.example", port=5000)
    configure(machine, recipe("Air-gapped"))
    assert results(machine, "pull") == {"pull": "not_found"}
    assert results(machine, "push") == {"push": ""}
    assert results(machine, "pull") == {"pull": ""}


def test_rate_limits(machine):
    trust(machine)
    host = "registry-1.docker.io"
    serve(machine, host, auth=passwords(machine, host, "canary", "word"))
    put_image(machine, f"{host}/library/busybox:1.36", "--dest-creds", "canary:word")
    machine.write("/etc/containerd_exporter/secrets/hub", "word\n")
    configure(machine, recipe("Rate limits"))
    machine.service(["containerd_exporter", f"--config.file={CONFIG}", "--probe.spread=1s"], "curl -sf http://localhost:10048/-/ready")

    def metric(text):
        return text in machine.run("curl -s http://localhost:10048/metrics")
    wait_until(lambda: metric('image_registry_budget{registry="docker.io",kind="pulls"} 4'), 60, "the budget")
    wait_until(lambda: metric('image_registry_budget_remaining{registry="docker.io",kind="pulls"} 3'), 60, "one pull less")

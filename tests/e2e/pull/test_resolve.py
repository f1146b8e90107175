# SPDX-License-Identifier: Apache-2.0
"""What a reference stands for: the answers to HEAD, Content-Type, and the entries of an index. `ctr` of each
version is the judge; engines client and registry do what the node would do."""
import pytest

from lab.fake.registry import OCI_INDEX, OCI_MANIFEST, FakeRegistry, digest_of, to_json
from lab.field import Ground
from lab.matrix import Daemon
from lab.probes import config_for, plain_http, probe, reason, run_once

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OTHER = "sha256:" + "0" * 64


def head(kind, **options):
    return {"kind": kind, "method": "HEAD", **options}


def refused(status):
    return head("status", status=status)


# name: (faults of the manifest's requests, the reason; None: the image is pulled).
ANSWERS = {
    "good": ([], None),
    **{f"HEAD {status}": ([refused(status)], reason) for status, reason in (
        (400, "protocol"), (401, "unauthorized"), (403, "forbidden"), (404, "not_found"), (406, "protocol"),
        (429, "rate_limited"), (500, "server_error"), (501, "server_error"), (503, "server_error"))},
    "HEAD 405": ([refused(405)], None),
    "HEAD 405, GET 403": ([refused(405), {"kind": "status", "status": 403}], "forbidden"),
    "HEAD 204": ([refused(204)], None),
    "GET 403": ([{"kind": "status", "method": "GET", "status": 403}], "forbidden"),
    "no digest": ([{"kind": "digest_header"}], None),
    "no digest on HEAD": ([head("digest_header")], None),
    "an invalid digest": ([head("digest_header", value="garbage")], "protocol"),
    "a wrong digest": ([head("digest_header", value=OTHER)], "digest_mismatch"),
    "no length": ([head("length")], None),
    "length 0": ([head("length", value="0")], "protocol"),
    "a length too large": ([head("length", value=str(5 << 20))], "limit"),
    "a length too long": ([head("length", value="4000")], "size_mismatch"),
    "a length too short": ([head("length", value="40")], "size_mismatch"),
    **{f"type {value!r}": ([{"kind": "content_type", "value": value}], reason) for value, reason in (
        (f"{OCI_MANIFEST};charset=utf-8", None), (f"{OCI_MANIFEST}; charset=utf-8", None),
        ("application/vnd.docker.distribution.manifest.v2+json", None),
        (f"{OCI_MANIFEST} ; charset=utf-8", "protocol"), (OCI_MANIFEST.upper(), "protocol"), (OCI_INDEX, "protocol"),
        ("", "protocol"), ("application/json", "protocol"), ("application/octet-stream", "protocol"),
        ("text/html", "protocol"), ("text/plain", "unsupported"), ("text/plain; charset=utf-8", "unsupported"),
        (SCHEMA_1, "unsupported"))},
    "type of GET": ([{"kind": "content_type", "method": "GET", "value": "text/html"}], None),
    "type of GET, no digest": ([head("digest_header"), {"kind": "content_type", "value": "text/html"}], "protocol"),
    "by digest, HEAD 405": ([refused(405)], None),
    "by digest, HEAD 403": ([refused(403)], "forbidden"),
    "by digest, another digest": ([{"kind": "digest_header", "value": OTHER}], None),
    "by digest, no length": ([head("length")], None),
    "by digest, no type": ([{"kind": "content_type", "value": ""}], "protocol"),
}


def image(registry, repository, architecture="amd64", os="linux"):
    return registry.add_image(repository, architecture=architecture, os=os)["manifest"]


def built_for(descriptor, architecture, os="linux"):
    return {**descriptor, "platform": {"architecture": architecture, "os": os}}


def chart(registry, repository, config=b'{"name":"chart","version":"1"}', media_type=OCI_MANIFEST):
    """A helm chart: its config names no platform."""
    layer = {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "size": 5,
             "digest": registry.add_blob(b"chart", repository)}
    descriptor = registry.add_manifest(repository, {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [layer],
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "size": len(config),
                   "digest": registry.add_blob(config, repository)}})
    return {**descriptor, "mediaType": media_type}


# name: (entries of the index, the reason; None: the image is pulled). `r`: what makes them: (registry, repository).
INDEXES = {
    "arm64, chart": (lambda *r: [built_for(image(*r, "arm64"), "arm64"), chart(*r)], "not_found"),
    "chart, arm64": (lambda *r: [chart(*r), built_for(image(*r, "arm64"), "arm64")], "not_found"),
    "chart, amd64": (lambda *r: [chart(*r), built_for(image(*r), "amd64")], None),
    "amd64 unnamed": (lambda *r: [image(*r)], None),
    "x86_64 unnamed": (lambda *r: [image(*r, "x86_64")], None),
    "arm64 unnamed": (lambda *r: [image(*r, "arm64")], "not_found"),
    "windows unnamed": (lambda *r: [image(*r, os="windows")], "not_found"),
    "no system unnamed": (lambda *r: [image(*r, os="")], None),
    "arm64 unnamed, amd64 unnamed": (lambda *r: [image(*r, "arm64"), image(*r)], "not_found"),
    "chart, amd64 unnamed": (lambda *r: [chart(*r), image(*r)], "not_found"),
    "named amd64, built for arm64": (lambda *r: [built_for(image(*r, "arm64"), "amd64")], None),
    "an empty platform": (lambda *r: [{**image(*r), "platform": {}}], "not_found"),
    "an empty config": (lambda *r: [chart(*r, config=b"{}")], "not_found"),
    "an attestation": (lambda *r: [built_for(image(*r), "unknown", "unknown")], "not_found"),
    "an attestation, amd64": (lambda *r: [built_for(image(*r), "unknown", "unknown"), built_for(image(*r), "amd64")],
                              None),
    "another type": (lambda *r: [chart(*r, media_type="application/x-thing")], "not_found"),
    "another type, amd64": (lambda *r: [chart(*r, media_type="application/x-thing"), built_for(image(*r), "amd64")],
                            None),
    "no entry": (lambda *r: [], "not_found"),
}
# CRI of 1.6 and 1.7 unpacks before it looks for a match. 2 fetches every entry that names no platform.
UNPACKS = {name: "unpack" for name in ("arm64, chart", "chart, arm64", "chart, amd64 unnamed", "an empty config")}
OWN_WAY = {"1.6": UNPACKS, "1.7": UNPACKS, "2": {"another type, amd64": "not_found"}}
EXPECTED = {name: why for name, (_, why) in {**ANSWERS, **INDEXES}.items()}


@pytest.fixture(scope="module")
def references():
    """{name: reference} of one registry."""
    with FakeRegistry() as registry:
        found = {}
        for n, (name, (faults, _)) in enumerate(ANSWERS.items()):
            made = image(registry, f"answer/{n}")
            registry.tags[f"answer/{n}", "v1"] = made["digest"]
            for fault in faults:
                registry.fault(path=f"/answer/{n}/manifests/", **fault)
            tag = f"@{made['digest']}" if name.startswith("by digest") else ":v1"
            found[name] = f"{registry.address}/answer/{n}{tag}"
        for n, (name, (entries, _)) in enumerate(INDEXES.items()):
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries(registry, f"index/{n}")}
            registry.manifests[f"index/{n}", digest_of(to_json(document))] = (OCI_INDEX, to_json(document))
            registry.tags[f"index/{n}", "v1"] = digest_of(to_json(document))
            found[name] = f"{registry.address}/index/{n}:v1"
        yield found


def outcomes(lab, config):
    exporter = run_once(lab, config, timeout=60)
    return {one["name"]: reason(exporter, one["name"]) for one in config["probes"]}


def probes_of(references, engine, names=EXPECTED, **more):
    """Names of probes have no blanks."""
    return {f"p{n}": name for n, name in enumerate(names)}, \
        [probe(references[name], f"p{n}", engine=engine, **more) for n, name in enumerate(names)]


def check(lab, config, names, **but):
    found = {names[one]: why for one, why in outcomes(lab, config).items()}
    assert found == {name: {**EXPECTED, **but}[name] for name in found}


def test_ctr_pulls_the_same_images(containerd_of_version, version, references):
    local = [] if version == "1.6" else ["--local"]
    failed = {}
    for name, reference in references.items():
        done = containerd_of_version.run("images", "pull", *local, "--plain-http", reference, namespace="resolve")
        failed[name] = done.returncode != 0
    assert failed == {name: why is not None for name, why in EXPECTED.items()}


def test_the_client_engine_does_what_the_node_does(lab, containerd_of_version, references):
    names, probes = probes_of(references, "client")
    registry = references["good"].split("/")[0]
    check(lab, config_for(containerd_of_version, *probes, plain=registry), names)


@pytest.mark.unprivileged
def test_the_registry_engine_does_what_a_node_does(lab, socketless, references):
    names, probes = probes_of(references, "registry")
    registries = plain_http(references["good"].split("/")[0])
    check(lab, {**socketless, "probes": probes, "registries": registries}, names)


@pytest.mark.parametrize("engine", ("cri", "transfer"))
def test_daemons_pull_no_image_of_another_platform(lab, version, references, engine):
    """The transfer service succeeds where nothing is for this platform: the exporter looks at what came."""
    if engine == "transfer" and version != "2":
        pytest.skip("no transfer over plain http")
    names, probes = probes_of(references, engine, INDEXES, cold="no")
    with Ground(lab.folder("ground")) as ground:
        ground.know(references["good"].split("/")[0])
        daemon = Daemon(lab, [engine], ground, version=version)
        check(lab, config_for(daemon, *probes, registries=ground.registries), names, **OWN_WAY[version])

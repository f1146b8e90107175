# SPDX-License-Identifier: Apache-2.0
"""The reference of all keys: the document and the JSON schema are those of this build, and the schema judges a file
as --config.check does."""
import json
import re

import jsonschema
import pytest
import yaml

from lab.exporter import run_exporter
from lab.programs import ROOT

DIGEST = "sha256:" + 64 * "0"
PROBE = "probes: [{name: a, operation: pull, image: r.example/x"

pytestmark = pytest.mark.unprivileged


class Yaml12(yaml.SafeLoader):
    """As editors read YAML: only true and false are booleans, and dates are strings."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if not tag.endswith((":bool", ":timestamp", ":int"))]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^-?[0-9]+$"), list("-0123456789"))


def test_the_generated_files_are_those_of_this_build():
    """`make reference` writes both."""
    text = (ROOT / "docs/configuration.md").read_text()
    written = text.split("<!-- settings:begin -->\n")[1].split("<!-- settings:end -->")[0]
    assert written == run_exporter("config").stdout
    written = (ROOT / "deploy/containerd_exporter.schema.json").read_text()
    assert written == run_exporter("config", "--json-schema").stdout


def test_every_key_is_explained_with_an_example():
    text = run_exporter("config").stdout
    tables = re.findall(r"^\| key \|.*\n\|---.*\n((?:\|.*\n)*)", text, re.M)
    rows = [re.fullmatch(r"\| `[a-z_.]+` \| [^|]+ \|[^|]*\|([^|]*)\| (.*) \|", row)
            for table in tables for row in table.splitlines()]
    assert len(rows) > 80
    for example, meaning in (row.groups() for row in rows):
        assert example.strip(" `") and meaning.endswith("."), (example, meaning)


def test_blocks_of_the_reference_are_valid(tmp_path):
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.S):
        path = tmp_path / "block.yml"
        path.write_text(block)
        done = run_exporter("--config.check", f"--config.file={path}", env={"REGISTRY_PASSWORD": "p"})
        assert done.returncode == 0 and not done.stderr, done.stderr


GOOD = [
    "", "{}", "probes:", "collectors:\nregistries: ~\n", "containerd: {address: /run/c.sock}",
    "collectors: {images: {interval: 1w, enabled: false, include: [a, 5, true], exclude: }}",
    "collectors: {images: {max_series: '7', series: all}}", "collectors: {self: {enabled: false}, images: }",
    "registries: {r.example: {max_bytes_per_hour: 1.5GiB, auth: {username: 5, password: x}}, '*': {plain_http: true}}",
    "defaults: {interval: 5m, labels: {a: 1}, pull: {cold: no, unpack: false}, push: {content: {size: 2.2MB}}}",
    "kubernetes: {secrets_dir: /x}",
    PROBE + "}]", PROBE + ", schedule: '@daily'}]", PROBE + ", expected: {size: 100, size_tolerance: 1 kB}}]",
    PROBE + ", cold: no, enabled: false, slow: 1h30m, labels: {team: x}}]", PROBE + ", engine: auto, expected: }]",
    PROBE + ", timeout: '${T}', cold: '${C}', max_concurrent_downloads: '${N}'}]",
    "collectors:\n  images:\n    enabled: ${B}\n    interval: ${T}",
    f"probes: [{{name: a, operation: pull, image: r.example/x, expected: {{digest: '{DIGEST}'}}}}]",
    "probes: [{name: 5, operation: tag, image: 'r.example/x:1', tag: 2}]",
    "probes: [{name: a, operation: roundtrip, image: 'r.example/x:1', read_back: registry, content: {layers: 2}}]",
    "probes: []\n---\napiVersion: canaries.flanksource.com/v1\nkind: Canary\nspec: {containerd: [{image: r.example/x}]}",
]
BAD = [
    "probe: []", "- a", "hello", "probes: {}", "probes: [x]", "probes: [~]", "collectors: []",
    "collectors: {imags: {}}", "collectors: {pull: {}}", "collectors: {images: {intervall: 5s}}",
    "collectors: {images: {interval: 5}}", "collectors: {images: {interval: 5 s}}", "collectors: {images: {interval: }}",
    "collectors: {images: {enabled: 'true'}}", "collectors: {images: {enabled: yes}}", "collectors: {images: {series: al}}",
    "collectors: {images: {max_series: -1}}", "collectors: {images: {max_series: 1.5}}",
    "collectors: {images: {include: a}}", "collectors: {images: {include: [[a]]}}", "collectors: {self: {interval: 5s}}",
    "registries: {r.example: {plain_http: 1}}", "registries: {'': {}}", "registries: {r.example: {image: x}}",
    "registries: {r.example: {max_bytes_per_hour: 1.5}}", "registries: {r.example: {auth: x}}",
    "defaults: {name: x}", "defaults: {image: x}", "defaults: {auth: {username: x}}", "defaults: {snapshotter: x}",
    "defaults: {push: {unpack: true}}", "defaults: {interval: 5m, schedule: '@daily'}", "defaults: {interval: 30s5m}",
    "probes: [{}]", "probes: [{name: a, operation: pull}]", "probes: [{operation: pull, image: r.example/x}]",
    "probes: [{name: a, operation: pul, image: r.example/x}]", "probes: [{name: '', operation: pull, image: r.example/x}]",
    PROBE + ", imge: x}]", PROBE + ", content: {size: 1}}]", PROBE + ", interval: 1m, schedule: '@daily'}]",
    PROBE + ", engine: dockr}]", PROBE + ", cold: maybe}]", PROBE + ", labels: [a]}]", PROBE + ", slow: 1.5h}]",
    PROBE + ", expected: {size: 2.2}}]", PROBE + ", expected: {sise: 2}}]", PROBE + ", platform: [a]}]",
    "probes: [{name: a, operation: push, image: 'r.example/x:1', engine: cri}]",
    "probes: [{name: a, operation: tag, image: 'r.example/x:1'}]", "kubernetes: {secret_dir: /x}",
    "apiVersion: v1\nkind: Pod\n", "kind: Canary\n",
]


@pytest.fixture(scope="module", name="validator")
def make_validator():
    schema = json.loads((ROOT / "deploy/containerd_exporter.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def is_accepted(tmp_path, text):
    path = tmp_path / "file.yml"
    path.write_text(text)
    done = run_exporter("--config.check", f"--config.file={path}",
                        env={"T": "5s", "C": "no", "B": "true", "N": "3"})
    return done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_accepts_what_the_check_accepts(tmp_path, validator, text):
    assert is_accepted(tmp_path, text)[0], is_accepted(tmp_path, text)[1]
    for document in yaml.load_all(text, Yaml12):
        errors = [] if document is None else list(validator.iter_errors(document))
        assert not errors, errors[0].message


@pytest.mark.parametrize("text", BAD)
def test_the_schema_refuses_what_the_check_refuses(tmp_path, validator, text):
    assert not is_accepted(tmp_path, text)[0]
    assert not all(validator.is_valid(document) for document in yaml.load_all(text, Yaml12))

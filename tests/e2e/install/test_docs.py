# SPDX-License-Identifier: Apache-2.0
"""The documentation: links lead somewhere, examples are accepted, and commands are those that tests run.

Blocks of YAML say what they are by the word after `yaml`: none is a configuration of the exporter; prometheus, web,
kubernetes and values are those of others; blackbox is only parsed.
"""
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from lab.docs import anchors, blocks, links, pages, text_of, without_code
from lab.fake.tls import Authority
from lab.programs import ROOT, exporter_binary, find

pytestmark = pytest.mark.unprivileged

PAGES = pages()
GUIDES = [page for page in PAGES if page.startswith("docs/") or page == "README.md"]
README_LINES, PICTURE_BYTES = 200, 200_000
BASH = "sh"
# Where the commands below a heading run, verbatim.
RUN = {
    ("README.md", "Two commands"): ["tests/e2e/system/test_demo.py::test_once_shows_results_and_leaves_nothing", "tests/fresh.sh"],
    ("docs/quick-start.md", "Virtual machine or server"): ["tests/e2e/install/test_quick_start.py::test_virtual_machine"],
    ("docs/quick-start.md", "Private registries on this machine"): ["tests/e2e/install/test_quick_start.py::test_virtual_machine"],
    ("docs/quick-start.md", "Container image"): ["tests/e2e/install/test_image_push.py::test_commands_of_the_page"],
    ("docs/quick-start.md", "Docker"): ["tests/e2e/install/test_quick_start.py::test_docker"],
    ("docs/quick-start.md", "With kustomize"): ["tests/e2e/install/test_quick_start.py::test_overlay"],
    ("docs/quick-start.md", "k3s, RKE2, k0s, MicroK8s"): ["tests/e2e/install/test_quick_start.py::test_overlay"],
    ("docs/quick-start.md", "Prometheus and Grafana"): ["tests/e2e/install/test_quick_start.py::test_virtual_machine"],
}
NOT_RUN = {
    ("docs/quick-start.md", "Debian package"): "a build of minutes; test_package builds it so and installs it with dpkg on a new root",
    ("docs/quick-start.md", "With Helm"): "helm cannot be had on Debian; test_values_are_accepted renders the chart with these values",
    ("docs/quick-start.md", "Private registries"): "needs an API server; test_kustomize checks the pod that reads such a Secret",
}


def exporter(*args):
    env = {**os.environ, "REGISTRY_PASSWORD": "word"}
    return subprocess.run([exporter_binary(), *map(str, args)], capture_output=True, text=True, env=env, check=False)


def yaml_blocks(kind):
    return [pytest.param(block, id=f"{block.page}:{block.line}") for page in GUIDES for block in blocks(page, language="yaml")
            if block.kind == kind]


# ---- Links and pictures ---------------------------------------------------------------------------

@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Files and anchors of the checkout. Addresses of other sites are not asked, but must be https."""
    bad = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            bad += [target] if not target.startswith("https://") else []
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        name = str(file.resolve().relative_to(ROOT))
        if not file.exists() or (anchor and anchor not in anchors(name)):
            bad.append(target)
    assert bad == []


def test_every_guide_can_be_reached_from_the_readme():
    linked = {target.partition("#")[0] for target in links("README.md")}
    assert [page for page in GUIDES if page != "README.md" and page not in linked] == []


def test_paths_in_the_text_exist():
    """Of files in the checkout, which are written with their folder."""
    bad = []
    for page in PAGES:
        for path in re.findall(r"`((?:deploy|dashboards|tests|docs|exporter|collectors)/[\w./-]+\w)`", text_of(page)):
            if not (ROOT / path).exists() and not re.search(r"deploy/my-|NAME|MODULE|OPERATION|FLOOR", path):
                bad.append(f"{page}: {path}")
    assert bad == []


def test_pictures_are_small():
    pictures = [path for path in (ROOT / "docs/images").iterdir() if path.suffix in (".png", ".svg")]
    assert len(pictures) >= 3
    for path in pictures:
        assert path.stat().st_size < PICTURE_BYTES, path
        assert path.suffix == ".svg" or path.read_bytes().startswith(b"\x89PNG\r\n"), path
        assert any(str(path.relative_to(ROOT)) in target for target in links("README.md")), path


def test_readme_is_a_landing_page():
    assert len(text_of("README.md").splitlines()) <= README_LINES
    assert re.search(r"^\./tests/[a-z]+\.sh", text_of("README.md"), re.MULTILINE)


# ---- Examples -------------------------------------------------------------------------------------

def as_files(block, folder):
    """The block with the files that it names: a check opens them."""
    text = block.text
    for number, path in enumerate(sorted(set(re.findall(r"_file: (/[\w./-]+)", text)))):
        file = folder / f"file{number}"
        if pathlib.PurePath(path).suffix == ".crt":
            file.write_text(pathlib.Path(Authority(folder / "tls").certificate).read_text("utf-8"), encoding="utf-8")
        else:
            file.write_text("word\n", encoding="utf-8")
        text = text.replace(path, str(file))
    file = folder / "containerd_exporter.yml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("block", yaml_blocks(""))
def test_configuration_is_accepted(block, tmp_path):
    done = exporter(f"--config.file={as_files(block, tmp_path)}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", yaml_blocks("prometheus"))
def test_scrape_configuration_is_accepted(block, tmp_path):
    file = tmp_path / "prometheus.yml"
    file.write_text(block.text, encoding="utf-8")
    done = subprocess.run([find("promtool"), "check", "config", "--syntax-only", file], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", yaml_blocks("web"))
def test_web_configuration_is_accepted(block, tmp_path):
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("node")
    text = block.text.replace("tls.crt", str(certificate)).replace("tls.key", str(key))
    file = tmp_path / "web.yml"
    file.write_text(text.replace("client_ca_file: ca.crt", f"client_ca_file: {authority.certificate}"), encoding="utf-8")
    done = exporter(f"--web.config.file={file}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", yaml_blocks("values"))
def test_values_are_accepted(block, helm, tmp_path):
    """By the chart's schema, and what the chart makes of them by the exporter."""
    objects = helm.objects(values=yaml.safe_load(block.text))
    file = tmp_path / "containerd_exporter.yml"
    file.write_text(next(each for each in objects if each["kind"] == "ConfigMap")["data"]["containerd_exporter.yml"], encoding="utf-8")
    done = exporter(f"--config.file={file}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", yaml_blocks("kubernetes"))
def test_manifest_is_one(block):
    for document in yaml.safe_load_all(block.text):
        assert document["apiVersion"] and document["kind"]
        for path in document.get("resources", []) + document.get("components", []):
            assert (ROOT / "deploy/my-cluster" / path).resolve().is_dir(), path


def test_blocks_of_yaml_are_of_a_known_kind():
    kinds = {block.kind for page in GUIDES for block in blocks(page, language="yaml")}
    assert kinds <= {"", "prometheus", "web", "kubernetes", "values", "blackbox"}
    for page in GUIDES:
        for block in blocks(page, language="yaml"):
            list(yaml.safe_load_all(block.text))


# ---- Commands -------------------------------------------------------------------------------------

def test_blocks_of_commands_parse():
    for page in PAGES:
        for block in blocks(page, language=BASH):
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{page}:{block.line}: {done.stderr}"


def test_flags_in_commands_are_those_of_this_build():
    known = exporter("--help").stdout + "".join(exporter(command, "--help").stdout for command in ("check", "probe", "metrics", "health"))
    bad = []
    for page in GUIDES:
        for block in blocks(page, language=BASH):
            for command in re.findall(r"^containerd_exporter [^|#;\n]*", block.text, re.MULTILINE):
                for flag in re.findall(r" --([a-z][\w.-]*)", command):
                    if f"--{flag}" not in known and f"--[no-]{flag}" not in known:
                        bad.append(f"{page}:{block.line}: --{flag}")
    assert bad == []


def test_every_command_of_the_quick_start_is_run():
    """Or stands in NOT_RUN with its reason."""
    for page in ("README.md", "docs/quick-start.md"):
        for block in blocks(page, language=BASH):
            assert (page, block.section) in {**RUN, **NOT_RUN}, f"{page}:{block.line}: which test runs this?"
    for (page, section), places in RUN.items():
        assert blocks(page, section, BASH), (page, section)
        for place in places:
            path, _, name = place.partition("::")
            assert re.search(rf"^def {name}\(" if name else "", (ROOT / path).read_text("utf-8"), re.MULTILINE), place
    for page, section in NOT_RUN:
        assert blocks(page, section, BASH), (page, section)




# ---- Completeness ---------------------------------------------------------------------------------

def test_every_alert_has_a_runbook():
    rules = yaml.safe_load((ROOT / "dashboards/rules.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    sections = re.split(r"^## ", text_of("docs/alerts.md"), flags=re.MULTILINE)[1:]
    runbooks = {section.splitlines()[0]: section for section in sections}
    assert runbooks.keys() == alerts
    for name, section in runbooks.items():
        assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"], name


def test_every_reason_is_explained():
    source = (ROOT / "exporter/base/error.c").read_text(encoding="utf-8")
    reasons = set(re.findall(r"\[ERROR_\w+\] = \"(\w+)\"", source)) - {"none"}
    assert len(reasons) > 20
    assert reasons <= anchors("docs/troubleshooting.md")
    tables = text_of("docs/troubleshooting.md").split("## Reasons by the registry")[1]
    assert reasons <= set(re.findall(r"`([a-z_]+)`", tables))


def test_every_collector_is_explained():
    collectors = {path.stem for path in (ROOT / "collectors").glob("*.c")} - {"pull", "push", "roundtrip", "tag"}
    rows = set(re.findall(r"^\| `(\w+)` \|", text_of("docs/inventory.md"), re.MULTILINE))
    assert collectors <= rows


def test_metrics_in_the_text_exist():
    known = set(re.findall(r"^\| `(\w+)[{`]", text_of("docs/metrics.md"), re.MULTILINE))
    assert len(known) > 60
    bad = []
    for page in set(GUIDES) - {"docs/metrics.md"}:
        for name in re.findall(r"\b((?:image_canary|image_registry|containerd_exporter|docker_engine|probe_image)_[a-z_]+)\b",
                               text_of(page)):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if base not in known and not NOT_METRICS.fullmatch(name):
                bad.append(f"{page}: {name}")
    assert bad == []


NOT_METRICS = re.compile(r"containerd_exporter_web|containerd_exporter_secrets")


def test_prose_names_the_actor():
    """Words that name no one are not the reader's; lines that are long are not reviewed."""
    bad = []
    for page in GUIDES:
        for number, line in enumerate(without_code(page), 1):
            if re.search(r"\b(nobody|somebody|whoever|someone)\b", line, re.IGNORECASE):
                bad.append(f"{page}: {line}")
    assert bad == []

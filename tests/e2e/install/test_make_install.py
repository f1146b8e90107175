# SPDX-License-Identifier: Apache-2.0
"""`make install` and `make uninstall`, into a folder."""
import pathlib
import stat
import subprocess

import pytest
import yaml

from lab.exporter import run_exporter
from lab.programs import ROOT, exporter_binary

pytestmark = pytest.mark.unprivileged


def make(target, folder, *words):
    """Runs a target on the binary under test, without building anything."""
    binary = pathlib.Path(exporter_binary()).resolve()
    done = subprocess.run(["make", "-C", str(ROOT), "-o", str(binary), f"BUILD={binary.parent}", target, f"DESTDIR={folder}",
                           *words], capture_output=True, text=True, check=False, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def symbols(path):
    sections = subprocess.run(["readelf", "--section-headers", "--wide", str(path)], capture_output=True, text=True, check=True)
    return ".symtab" in sections.stdout


@pytest.fixture(name="root")
def installed(tmp_path):
    make("install", tmp_path, "PREFIX=/usr")
    return tmp_path


def test_installs_everything_with_the_rights_of_a_system_file(root):
    assert files(root) == {
        "usr/bin/containerd_exporter", "usr/lib/systemd/system/containerd_exporter.service",
        "usr/lib/systemd/system/containerd_exporter.socket", "usr/share/man/man8/containerd_exporter.8",
        "usr/share/bash-completion/completions/containerd_exporter", "usr/share/zsh/site-functions/_containerd_exporter",
        "etc/containerd_exporter/containerd_exporter.yml", "etc/default/containerd_exporter",
        *(f"usr/share/containerd_exporter/{path.name}" for path in [*ROOT.glob("dashboards/*.json"), ROOT / "dashboards/rules.yml",
                                                                    *ROOT.glob("deploy/*.schema.json")]),
        *(f"usr/share/doc/containerd_exporter/examples/{name}" for name in (
            "containerd_exporter.yml", "docker.conf", "credentials.conf"))}
    for name in files(root):
        wanted = 0o755 if "/bin/" in name else 0o644
        assert stat.S_IMODE((root / name).stat().st_mode) == wanted, name
    assert stat.S_IMODE((root / "etc/containerd_exporter/secrets").stat().st_mode) == 0o750


def test_installs_manual_and_completion_of_the_binary(root):
    assert (root / "usr/share/man/man8/containerd_exporter.8").read_text() == (ROOT / "deploy/containerd_exporter.8").read_text()
    assert (root / "usr/share/bash-completion/completions/containerd_exporter").read_text() == \
        run_exporter("--completion-script-bash").stdout
    assert (root / "usr/share/zsh/site-functions/_containerd_exporter").read_text() == run_exporter("--completion-script-zsh").stdout


def test_strips_unless_told_otherwise(root, tmp_path_factory):
    program = root / "usr/bin/containerd_exporter"
    assert not symbols(program)
    assert subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout == run_exporter("--version").stdout
    whole = tmp_path_factory.mktemp("whole")
    make("install", whole, "STRIP=")
    assert symbols(whole / "usr/local/bin/containerd_exporter") == symbols(exporter_binary())


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/exporter"])
def test_files_name_the_places_where_things_were_installed(tmp_path, prefix):
    make("install", tmp_path, f"PREFIX={prefix}")
    below = tmp_path / prefix[1:]
    unit = (below / "lib/systemd/system/containerd_exporter.service").read_text()
    assert f"\nExecStart={prefix}/bin/containerd_exporter --config.file=/etc/containerd_exporter/containerd_exporter.yml $ARGS\n" in unit
    example = f"{prefix}/share/doc/containerd_exporter/examples/containerd_exporter.yml"
    assert example in (tmp_path / "etc/containerd_exporter/containerd_exporter.yml").read_text()
    assert (tmp_path / example[1:]).read_text() == (ROOT / "deploy/containerd_exporter.yml").read_text()


def test_live_configuration_probes_nothing(root):
    path = root / "etc/containerd_exporter/containerd_exporter.yml"
    assert not yaml.safe_load(path.read_text())
    done = run_exporter(f"--config.file={path}", "--config.check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_keeps_settings_of_the_administrator(root):
    settings = {root / "etc/containerd_exporter/containerd_exporter.yml": "probes: []\n", root / "etc/default/containerd_exporter": "ARGS=x\n"}
    for path, text in settings.items():
        path.write_text(text)
    secrets = root / "etc/containerd_exporter/secrets"
    secrets.chmod(0o700)
    make("install", root, "PREFIX=/usr")
    assert {path: path.read_text() for path in settings} == settings
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    make("uninstall", root, "PREFIX=/usr")
    assert {root / name for name in files(root)} == settings.keys()
    assert not (root / "usr/share/containerd_exporter").exists() and not (root / "usr/share/doc/containerd_exporter").exists()

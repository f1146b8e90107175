# SPDX-License-Identifier: Apache-2.0
"""The Debian package: built without root, checked by lintian, installed, upgraded, removed and purged."""
import contextlib
import os
import re
import shutil
import subprocess

import pytest

from lab.package import REVISION, TIME, build_package
from lab.programs import ROOT
from lab.systemd_machine import SystemdMachine
from lab.wait import LabError

CONFIG = "/etc/containerd_exporter/containerd_exporter.yml"
DEFAULTS = "/etc/default/containerd_exporter"


def run(*argv, **options):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False, **options)


def field(deb, name):
    return run("dpkg-deb", "--field", deb, name).stdout.strip()


@pytest.fixture(scope="module", name="build")
def built():
    with build_package() as folder:
        yield folder


@pytest.fixture(name="deb")
def package(build):
    (path,) = build.glob("containerd-exporter_*.deb")
    return path


@pytest.fixture(scope="module", name="packages")
def two_versions(tmp_path_factory, build):
    """A folder with this.deb, and next.deb, which is a later one with other settings."""
    folder = tmp_path_factory.mktemp("packages")
    (deb,) = build.glob("containerd-exporter_*.deb")
    shutil.copy(deb, folder / "this.deb")
    unpacked = folder / "unpacked"
    assert run("dpkg-deb", "--raw-extract", deb, unpacked).returncode == 0
    control = unpacked / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {field(deb, 'Version')}\n", "Version: 99\n"))
    for name in (CONFIG, DEFAULTS):
        with (unpacked / name[1:]).open("a") as file:
            file.write("# Of version 99.\n")
    done = run("dpkg-deb", "--root-owner-group", "-Znone", "--build", unpacked, folder / "next.deb")
    assert done.returncode == 0, done.stderr
    return folder


def started(folder, packages, boot):
    """A machine that sees the packages as /mnt/this.deb and /mnt/next.deb."""
    machine = SystemdMachine(folder / "machine", boot=boot)
    for path in packages.glob("*.deb"):
        shutil.copy(path, machine.share)
    return machine.start()


@pytest.fixture(name="machine")
def machine_without_systemd(tmp_path, packages):
    with contextlib.closing(started(tmp_path, packages, boot=False)) as machine:
        yield machine


@pytest.fixture(name="booted")
def machine_with_systemd(tmp_path, packages):
    try:
        machine = started(tmp_path, packages, boot=True)
    except LabError as error:
        pytest.skip(f"THE SERVICE OF THE PACKAGE IS NOT TESTED: systemd does not boot in a container here: {error}")
    with contextlib.closing(machine):
        yield machine


def test_build_dependencies_are_the_packages_of_the_build(build):
    """Those of build-essential, of git and of certificates are nothing that a package names."""
    implied = {"make", "gcc", "g++", "libc6-dev", "git", "ca-certificates"}
    packages = set(run("bash", "-c", "source deploy/lib.sh && echo $BUILD_PACKAGES", cwd=ROOT).stdout.split())
    control = next(build.glob("*/debian/control")).read_text()
    names = set(re.findall(r"^ ([a-z0-9+.-]+),?$", control[:control.index("\nPackage:")], re.MULTILINE))
    assert names == packages - implied


@pytest.mark.skipif(not shutil.which("lintian"), reason="no lintian")
def test_lintian_has_no_objection(build):
    (changes,) = build.glob("*.changes")
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "lintian", "--fail-on=error,warning", changes,
               cwd=build, env={**os.environ, "HOME": "/nonexistent"})
    assert done.returncode == 0, done.stdout + done.stderr


def test_same_sources_are_the_same_package(build, deb):
    """Two builds differ by the times of files, by who builds, and by where: none of these is in the package."""
    contents = run("dpkg-deb", "--contents", deb, env={**os.environ, "TZ": "UTC"}).stdout.splitlines()
    rows = [line.split() for line in contents]
    assert {row[1] for row in rows} == {"root/root"}
    assert len({tuple(row[3:5]) for row in rows}) == 1
    unpacked = build / "unpacked"
    for path in build.glob("*.deb"):
        assert run("dpkg-deb", "--extract", path, unpacked).returncode == 0
    files = [path for path in unpacked.rglob("*") if path.is_file()]
    assert any(path.suffix == ".debug" for path in files)
    for path in files:
        assert str(build).encode() not in path.read_bytes(), path
    version = run(unpacked / "usr/bin/containerd_exporter", "--version").stdout
    assert REVISION in version and TIME in version, version


def test_program_is_hardened_and_stripped(deb, tmp_path):
    assert run("dpkg-deb", "--extract", deb, tmp_path).returncode == 0
    program = tmp_path / "usr/bin/containerd_exporter"
    text = run("readelf", "--wide", "--file-header", "--program-headers", "--dynamic", "--section-headers", "--dyn-syms", program).stdout
    assert "DYN (Position-Independent Executable file)" in text
    assert "GNU_RELRO" in text and "BIND_NOW" in text
    assert "__stack_chk_fail" in text and "__memcpy_chk" in text or "__snprintf_chk" in text
    assert ".symtab" not in text
    assert {"libgrpc29", "libcurl4", "libc6"} <= {word.split()[0] for word in field(deb, "Depends").split(",")}


def test_installs_upgrades_removes_and_purges(machine):
    find = "find /etc /usr /var/lib -iname '*containerd[_-]exporter*'"
    before = machine.sh(find)
    machine.sh("dpkg -i /mnt/this.deb")
    assert machine.sh("dpkg --verify containerd-exporter") == ""
    assert "containerd_exporter" in machine.sh("containerd_exporter --version")
    machine.sh(f"containerd_exporter --config.file={CONFIG} --config.check")
    assert machine.sh("stat -c '%A %U:%G' /etc/containerd_exporter/secrets") == "drwxr-x--- root:root\n"
    machine.sh("gzip -t /usr/share/man/man8/containerd_exporter.8.gz; bash -n /usr/share/bash-completion/completions/containerd_exporter")
    wanted = "/etc/systemd/system/multi-user.target.wants/containerd_exporter.service\n"
    enabled = "find /etc/systemd/system -name 'containerd_exporter*'"
    assert machine.sh(enabled) == wanted  # and not the socket

    machine.sh(f"echo '# Of the administrator.' >>{CONFIG}")
    machine.sh("dpkg --force-confdef --force-confold -i /mnt/next.deb")
    assert machine.sh("dpkg-query -W -f '${Version}' containerd-exporter") == "99"
    assert machine.sh(f"tail -n1 {CONFIG}") == "# Of the administrator.\n"
    assert machine.sh(f"tail -n1 {DEFAULTS}") == "# Of version 99.\n", "nobody had changed it"
    assert [line.split()[-1] for line in machine.sh("dpkg --verify containerd-exporter").splitlines()] == [CONFIG]

    machine.sh("echo secret >/etc/containerd_exporter/secrets/password")
    machine.sh("dpkg --remove containerd-exporter")
    assert machine.run("test", "-e", "/usr/bin/containerd_exporter").returncode == 1
    assert machine.sh(f"tail -n1 {CONFIG}") == "# Of the administrator.\n"
    machine.sh("dpkg --purge containerd-exporter")
    assert machine.sh("find /etc/containerd_exporter -type f") == "/etc/containerd_exporter/secrets/password\n", \
        "a file that the package did not bring stays"
    machine.sh("rm -r /etc/containerd_exporter")
    assert machine.sh(find) == before


def test_systemd_accepts_the_units_and_rates_the_service_as_protected(machine):
    machine.sh("dpkg -i /mnt/this.deb")
    done = machine.run("systemd-analyze", "verify", "containerd_exporter.service", "containerd_exporter.socket")
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "containerd_exporter" in line]
    assert not ours, done.stderr
    done = machine.run("systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager",
                       "/lib/systemd/system/containerd_exporter.service")
    assert done.returncode == 0, done.stdout[-600:] + done.stderr


def test_installation_starts_the_service_and_an_upgrade_keeps_the_port_open(booted):
    def state(unit):
        return booted.run("systemctl", "is-active", f"containerd_exporter.{unit}").stdout.strip()

    booted.sh("dpkg -i /mnt/this.deb")
    assert (state("service"), state("socket")) == ("active", "inactive")
    pid = booted.sh("systemctl show --value -p MainPID containerd_exporter")
    booted.sh("dpkg -i /mnt/next.deb")
    assert state("service") == "active" and booted.sh("systemctl show --value -p MainPID containerd_exporter") != pid
    booted.sh("""echo 'ARGS="--web.systemd-socket"' >/etc/default/containerd_exporter
        systemctl stop containerd_exporter.service
        systemctl enable --now containerd_exporter.socket""")
    opened = booted.sh("systemctl show --value -p ActiveEnterTimestampMonotonic containerd_exporter.socket")
    booted.sh("dpkg --force-confold -i /mnt/this.deb /mnt/next.deb")
    assert (state("service"), state("socket")) == ("active", "active")
    assert booted.sh("systemctl show --value -p ActiveEnterTimestampMonotonic containerd_exporter.socket") == opened
    assert "containerd_exporter_build_info" in booted.sh("curl -sS --fail --max-time 20 http://127.0.0.1:10048/metrics")
    booted.sh("dpkg --purge containerd-exporter")
    assert (state("service"), state("socket")) == ("inactive", "inactive")
    assert booted.sh("systemctl --failed --no-legend; find /etc/systemd/system -name 'containerd_exporter*'") == ""

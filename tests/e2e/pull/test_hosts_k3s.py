# SPDX-License-Identifier: Apache-2.0
"""The key rewrite of hosts.toml, which only the containerd of k3s and RKE2 knows.

No Debian has such a containerd: the test's daemon is a containerd 2 that calls itself one. The exporter fetches
by itself, so it does what the fork's resolver does; the daemon stores the image.
"""
import re
import shutil
import subprocess

import pytest

from lab.programs import folder_of
from lab.wait import LabError

from test_hosts_rules import Site, run_probe

REWRITE = 'server = "http://{r}"\n[host."http://{m}".rewrite]\n"^canary/(.*)" = "hub/${{1}}/x"\n'


def rename(program, folder):
    """A copy of a program whose version, of the same length, is that of a k3s."""
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    number = re.match(r"v?(\d+\.\d+\.\d+)", found).group(1)
    name = f"v{number}-k3s".ljust(len(found), "1")
    data = program.read_bytes()
    if len(name) != len(found) or name[-1] != "1" or data.count(found.encode()) != 1:
        pytest.skip(f"REWRITE IS NOT TESTED: the version {found} cannot be renamed")
    (folder / program.name).write_bytes(data.replace(found.encode(), name.encode()))
    (folder / program.name).chmod(0o755)


@pytest.fixture(scope="module")
def k3s(module_lab):
    try:
        origin = folder_of("2") / "usr/bin"
    except LabError as error:
        pytest.skip(f"REWRITE IS NOT TESTED: {error}")
    folder = module_lab.folder("k3s")
    (folder / "usr/bin").mkdir(parents=True)
    for program in origin.iterdir():
        if program.name == "containerd":
            rename(program, folder / "usr/bin")
        else:
            shutil.copy2(program, folder / "usr/bin")
    return module_lab.containerd(folder=folder)


@pytest.fixture(scope="module")
def mirrored(module_lab):
    """Mirror m has the image by another name; the registry has it by its own."""
    one = Site(module_lab.folder("certs.d"))
    one.registries["m"] = module_lab.fake_registry()
    one.registries["m"].add_image("hub/image/x", "v1")
    yield one
    one.close()


@pytest.mark.parametrize("engine", ["client", "registry"])
def test_rewritten_repository_is_pulled_from_the_mirror(lab, mirrored, k3s, engine):
    mirrored.write(REWRITE)
    exporter = run_probe(lab, mirrored, engine, k3s)
    mirror = mirrored.registries["m"]
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert exporter.value("image_canary_served_by_info", host=mirror.address) == 1, exporter.log
    assert all(request.path.startswith("/v2/hub/image/x/") for request in mirror.log)
    assert "rewrite" not in exporter.log


@pytest.mark.parametrize("engine", ["client", "registry"])
def test_other_daemons_ignore_rewrite_and_the_exporter_says_so(lab, mirrored, containerd, engine):
    mirrored.write(REWRITE)
    exporter = run_probe(lab, mirrored, engine, containerd)
    assert exporter.value("image_canary_served_by_info", host=mirrored.registry.address) == 1, exporter.log
    assert mirrored.registries["m"].requests(path="/v2/canary/image/manifests/v1")
    assert 'hosts.toml: line 2: the key \\"rewrite\\" is ignored' in exporter.log, exporter.log

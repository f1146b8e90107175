# SPDX-License-Identifier: Apache-2.0
"""deploy/Dockerfile, built by a real dockerd from a Debian that debootstrap made: no network, no cache, another folder."""
import datetime
import hashlib
import pathlib
import re
import tarfile

import pytest

from lab.docker_cli import DockerCli
from lab.image import image_archive, unpacked, version
from lab.programs import ROOT, daemons_dir

LIMIT_BYTES = 45 * 10**6
# What docker adds to every container.
DOCKERS_OWN = re.compile(r"\.dockerenv|(dev|proc|sys)(/.*)?|etc/(hostname|hosts|resolv\.conf|mtab)")


@pytest.fixture(scope="module", name="docker")
def docker_of_the_module(module_lab):
    return DockerCli(module_lab.docker(module_lab.containerd()))


def facts_of_the_build():
    """The build arguments that give the program the same facts as the one in build/."""
    facts = dict(re.findall(r'#define (\w+) "(.*)"', (ROOT / "build/gen/version.inc").read_text(encoding="utf-8")))
    date = datetime.datetime.strptime(facts["BUILD_DATE"] + "+0000", "%Y%m%d-%H:%M:%S%z")
    return {"REVISION": facts["REVISION"], "BRANCH": facts["BRANCH"], "SOURCE_DATE_EPOCH": int(date.timestamp())}


@pytest.fixture(scope="module", name="built")
def built_image(docker):
    base = daemons_dir() / "image-base.tar"
    if not base.is_file():
        pytest.skip(f"deploy/Dockerfile IS NOT BUILT: no {base}: run deploy/lib.sh need_image_base")
    docker("import", base, "lab/base:1", timeout=300)
    arguments = [f"--build-arg={name}={value}" for name, value in {"BASE": "lab/base:1", **facts_of_the_build()}.items()]
    docker("build", "--network", "none", "--file", ROOT / "deploy/Dockerfile", "--tag", "lab/built:1", *arguments, ROOT, timeout=1500)
    return docker.inspect("lab/built:1")


def contents(path, skip=None):
    """{name: (kind, mode, owner, digest)} of an archive."""
    found = {}
    with tarfile.open(path) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if skip and skip.fullmatch(name):
                continue
            digest = hashlib.sha256(tar.extractfile(member).read()).hexdigest() if member.isfile() else None
            found[name] = (member.type, oct(member.mode & 0o7777), member.uid, member.gid, digest)
    return found


def versions(status):
    """{package: version} of the text of dpkg's status."""
    return dict(re.findall(r"^Package: (\S+)\nStatus: \S+ \S+ installed\n(?:\S.*\n| .*\n)*?Version: (\S+)$", status, re.M))


def other_packages():
    """Packages of the base that this machine has in another version."""
    with tarfile.open(daemons_dir() / "image-base.tar") as tar:
        base = versions(tar.extractfile("./var/lib/dpkg/status").read().decode())
    ours = versions(pathlib.Path("/var/lib/dpkg/status").read_text(encoding="utf-8"))
    assert base.keys() & ours.keys()
    return {name for name, version_ in base.items() if ours.get(name, version_) != version_}


def test_image_is_small_and_says_what_it_is(built):
    assert built["Size"] <= LIMIT_BYTES
    labels = built["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == version()
    assert labels["org.opencontainers.image.revision"] == facts_of_the_build()["REVISION"]


def test_dockerfile_and_make_image_make_the_same_image(docker, built, tmp_path):
    """Byte for byte: neither depends on the folder and the machine, if its packages are the same. If the program alone
    differs, build/ was not made from this tree with the default flags."""
    ours = image_archive(tmp_path / "image")
    container = docker("create", "lab/built:1")
    docker("export", "--output", tmp_path / "export.tar", container)
    expected, found = contents(unpacked(ours)[1]), contents(tmp_path / "export.tar", DOCKERS_OWN)
    assert expected.keys() == found.keys()
    assert {name for name in expected if expected[name][:-1] != found[name][:-1]} == set()
    changed = {name for name in expected if expected[name] != found[name]}
    other = other_packages() if changed else set()
    assert not changed or other, changed
    docker("load", "--input", ours)
    loaded = docker.inspect(f"containerd_exporter:{version()}")["Config"]
    for key in ("User", "Entrypoint", "Cmd", "Env", "ExposedPorts", "Healthcheck"):
        assert built["Config"][key] == loaded[key], key
    dated = {"org.opencontainers.image.created", "org.opencontainers.image.revision"}  # docker itself tells the time
    assert built["Config"]["Labels"].items() - loaded["Labels"].items() <= {
        ("org.opencontainers.image.revision", facts_of_the_build()["REVISION"])}
    assert loaded["Labels"].keys() - built["Config"]["Labels"].keys() <= dated
    if other:
        pytest.skip(f"THE CONTENTS WERE NOT COMPARED: this machine has other versions of {', '.join(sorted(other))}")


def test_built_image_runs(docker, built):
    assert built
    docker("run", "--detach", "--name", "built", "--network", "none", "--read-only", "--health-interval", "1s", "lab/built:1")
    docker.wait_health("built", "healthy")
    docker("rm", "--force", "built")

# SPDX-License-Identifier: Apache-2.0
"""The container image that `make image` makes: what is in it, that it is the same twice, and that it runs."""
import pathlib
import subprocess
import tarfile

import pytest

from lab.docker_cli import DockerCli
from lab.image import EPOCH, NAME, image_archive, image_tool, unpacked, version
from lab.network import free_port, http_request
from lab.programs import exporter_binary
from lab.wait import wait_until

LIMIT_BYTES = 45 * 10**6
PROGRAM = "/usr/local/bin/containerd_exporter"


def digest_of(archive):
    done = subprocess.run(["skopeo", "inspect", "--format", "{{.Digest}}", f"oci-archive:{archive}"], capture_output=True,
                          text=True, check=True)
    return done.stdout.strip()


@pytest.mark.unprivileged
def test_same_program_gives_the_same_digest(archive, tmp_path):
    """Whatever the folder, the umask and the time of the files."""
    program = tmp_path / "elsewhere"
    program.write_bytes(pathlib.Path(exporter_binary()).read_bytes())
    program.chmod(0o700)
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True, mode=0o700)
    again = image_archive(folder, program)
    assert again.read_bytes() == archive.read_bytes()
    assert digest_of(again) == digest_of(archive)
    image_tool("archive", folder / "rootfs", tmp_path / "later.tar", SOURCE_DATE_EPOCH=str(EPOCH + 1))
    assert digest_of(tmp_path / "later.tar") != digest_of(archive)


@pytest.mark.unprivileged
def test_image_holds_the_program_and_no_shell(archive):
    config, layer = unpacked(archive)
    with tarfile.open(layer) as tar:
        members = {"/" + member.name: member for member in tar.getmembers()}
    assert PROGRAM in members and "/etc/ssl/certs/ca-certificates.crt" in members and "/etc/passwd" in members
    executable = {name for name, member in members.items() if member.isfile() and member.mode & 0o111}
    assert {name for name in executable if "/ld-linux-" not in name} == {PROGRAM}
    assert {member.mtime for member in members.values()} == {EPOCH}
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert not any(member.mode & 0o022 for member in members.values())  # the user of the image can change nothing
    assert sum(member.size for member in members.values()) <= LIMIT_BYTES
    assert config["config"]["User"] == "65534:0" and config["config"]["Entrypoint"] == [PROGRAM]
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == version() and labels["org.opencontainers.image.revision"] == "lab"
    assert labels["org.opencontainers.image.created"] == config["created"] == "2023-11-14T22:13:20Z"


@pytest.fixture(scope="module", name="docker")
def docker_of_the_module(module_lab):
    return DockerCli(module_lab.docker(module_lab.containerd()))


def test_docker_runs_the_image(docker, archive):
    assert NAME in docker("load", "--input", archive)
    assert docker.inspect(NAME)["Size"] <= LIMIT_BYTES
    port = free_port()
    docker("run", "--detach", "--name", "exporter", "--network", "host", "--read-only", "--cap-drop", "ALL", NAME,
           f"--web.listen-address=127.0.0.1:{port}")
    wait_until(lambda: http_request(f"http://127.0.0.1:{port}/-/ready")[0] == 200)
    status, _, body = http_request(f"http://127.0.0.1:{port}/metrics")
    assert status == 200 and b"containerd_exporter_build_info" in body
    pid = docker.inspect("exporter")["State"]["Pid"]
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    assert facts["Uid"].split() == ["65534"] * 4 and facts["Gid"].split() == ["0"] * 4
    assert docker.run("exec", "exporter", "/bin/sh", "-c", "true").returncode != 0
    asked = docker("run", "--rm", "--network", "host", "--add-host", "exporter.lab:127.0.0.1", NAME, "health",
                   f"--web.listen-address=exporter.lab:{port}")  # the image resolves names
    assert asked == f"exporter.lab:{port}: http://exporter.lab:{port}/-/healthy: status 200"
    docker("stop", "exporter")
    assert docker.inspect("exporter")["State"]["ExitCode"] == 0


def test_health_check_of_the_image_tells_a_frozen_exporter(docker, archive):
    """The check and its command are the image's; only the interval is shorter."""
    docker("load", "--input", archive)
    docker("run", "--detach", "--name", "checked", "--network", "none", "--health-interval", "1s",
           "--health-retries", "1", "--health-start-period", "0s", NAME)
    docker.wait_health("checked", "healthy")
    docker("kill", "--signal", "STOP", "checked")
    docker.wait_health("checked", "unhealthy")
    assert "deadline exceeded" in docker.inspect("checked")["State"]["Health"]["Log"][-1]["Output"]
    docker("kill", "--signal", "CONT", "checked")
    docker.wait_health("checked", "healthy")
    docker("rm", "--force", "checked")

# SPDX-License-Identifier: Apache-2.0
"""The service under a real systemd, as `make install` leaves it, beside a real containerd."""
import base64
import json
import pathlib
import shutil
import subprocess

import pytest
import yaml

from lab import Lab
from lab.daemons import DockerRegistry
from lab.systemd_machine import SystemdMachine
from lab.network import free_port
from lab.process import Process
from lab.programs import ROOT, exporter_binary
from lab.wait import LabError, wait_until

EXAMPLES = "/usr/share/doc/containerd_exporter/examples"
DROP_INS = "/etc/systemd/system/containerd_exporter.service.d"
USER, PASSWORD = "canary", "S3cret of the service"


class Service:
    """The service in a machine, without what a test before has changed."""

    def __init__(self, machine):
        self.machine = machine
        self.sh = machine.sh

    def reset(self):
        self.machine.run("systemctl", "disable", "--now", "containerd_exporter.socket", "containerd_exporter.service")
        self.sh(f"""rm -rf {DROP_INS} {DROP_INS.replace('service', 'socket')} /etc/containerd_exporter /etc/default/containerd_exporter \\
                /root/.docker
            cp -a --no-preserve=ownership /mnt/installed/. /
            systemctl daemon-reload
            systemctl reset-failed""")

    def write(self, path, text, mode="0644"):
        (self.machine.share / "file").write_text(text, encoding="utf-8")
        self.sh(f"install -D -m {mode} /mnt/file {path}")

    def configure(self, config):
        self.write("/etc/containerd_exporter/containerd_exporter.yml", yaml.safe_dump(config))

    def drop_in(self, text, unit="service"):
        self.write(f"{DROP_INS.replace('service', unit)}/50-test.conf", f"[{unit.title()}]\n{text}\n")
        self.sh("systemctl daemon-reload")

    def start(self):
        self.sh("systemctl restart containerd_exporter || { systemctl status containerd_exporter; exit 1; }")

    def show(self, name, unit="containerd_exporter.service"):
        return self.sh(f"systemctl show --value -p {name} {unit}").strip()

    def get(self, path, *options):
        return self.machine.run("curl", "-sS", "--fail", "--max-time", "20", *options, f"http://127.0.0.1:10048{path}").stdout

    def wait_for(self, line, timeout=40):
        """A line of /metrics, which begins so."""
        try:
            wait_until(lambda: f"\n{line}" in self.get("/metrics"), timeout, line)
        except LabError as error:
            raise LabError(f"{error}\n{self.sh('journalctl -u containerd_exporter --no-pager | tail -n 20')}") from None

    def status_of_process(self, key):
        text = self.sh(f"cat /proc/{self.show('MainPID')}/status")
        return next(line.split(":")[1].split() for line in text.splitlines() if line.startswith(key + ":"))


@pytest.fixture(scope="module", name="machine")
def booted_machine():
    if not shutil.which("systemctl"):
        pytest.skip("THE SERVICE IS NOT TESTED: no systemd")
    with Lab() as lab:
        machine = SystemdMachine(lab.folder("machine"), containerd=lab.containerd(), boot=True)
        lab.stack.callback(machine.close)
        try:
            machine.start()
        except LabError as error:
            pytest.skip(f"THE SERVICE IS NOT TESTED: systemd does not boot in a container here: {error}")
        binary = pathlib.Path(exporter_binary()).resolve()
        subprocess.run(["make", "-C", str(ROOT), "-o", str(binary), f"BUILD={binary.parent}", "install", "PREFIX=/usr",
                        f"DESTDIR={machine.share}/installed"], check=True, capture_output=True)
        yield machine


@pytest.fixture(name="service")
def clean_service(machine):
    service = Service(machine)
    service.reset()
    return service


def test_starts_with_the_inventory_and_without_privilege(service):
    service.start()
    assert service.show("ActiveState") == "active"
    service.wait_for("containerd_up 1")
    assert service.status_of_process("CapEff") == ["0000000000000000"] and service.status_of_process("NoNewPrivs") == ["1"]
    assert "0" not in service.status_of_process("Uid") and "0" in service.status_of_process("Groups")
    assert service.show("MemoryMax") == str(128 << 20)
    service.sh("systemctl stop containerd_exporter")
    assert service.show("Result") == "success" and service.show("ExecMainStatus") == "0"


def test_reload_and_restart(service):
    service.start()
    pid = service.show("MainPID")
    probe = {"name": "later", "operation": "pull", "engine": "registry", "image": "127.0.0.1:1/x:1", "interval": "1h"}
    service.configure({"probes": [probe]})
    service.sh("systemctl reload containerd_exporter")
    service.wait_for('image_canary_info{probe="later"')
    service.configure({"probes": [{**probe, "interval": "never"}]})
    service.sh("systemctl reload containerd_exporter")
    service.wait_for("containerd_exporter_config_last_reload_successful 0")
    assert service.show("MainPID") == pid and service.show("ActiveState") == "active"
    service.configure({})
    service.start()
    assert service.show("MainPID") != pid
    service.wait_for("containerd_exporter_config_last_reload_successful 1")


def test_watchdog_starts_a_hanging_exporter_anew(service):
    service.drop_in("WatchdogSec=2s")
    service.start()
    pid = service.show("MainPID")
    service.sh(f"kill -STOP {pid}")
    wait_until(lambda: service.show("NRestarts") != "0" and service.show("SubState") == "running", 60, "restart by the watchdog")
    assert service.show("MainPID") != pid
    service.wait_for("containerd_up 1")


def test_flags_and_environment_come_from_the_defaults_file(service):
    service.write("/etc/default/containerd_exporter", 'ARGS="--web.listen-address=127.0.0.1:10049 --web.telemetry-path=/m"\n'
                                                      "THERE=registry.example/team/image\n")
    service.configure({"probes": [{"name": "p", "operation": "pull", "engine": "registry", "image": "${THERE}:1", "interval": "1h"}]})
    service.start()
    assert 'image="registry.example/team/image:1"' in service.sh("curl -sS --fail http://127.0.0.1:10049/m")


def test_socket_keeps_the_port_while_the_service_is_restarted(service):
    service.write("/etc/default/containerd_exporter", 'ARGS="--web.systemd-socket"\n')
    service.drop_in("ListenStream=/run/containerd_exporter.sock", "socket")
    service.sh("systemctl enable --now containerd_exporter.socket")
    assert service.show("ActiveState") == "inactive"
    assert "containerd_exporter_build_info" in service.get("/metrics")
    assert service.show("ActiveState") == "active"
    service.sh("systemctl restart --no-block containerd_exporter")
    for _ in range(20):
        assert "containerd_exporter_build_info" in service.get("/metrics")
    assert "containerd_exporter_build_info" in service.get("/metrics", "--unix-socket", "/run/containerd_exporter.sock")


@pytest.fixture(scope="module", name="registry")
def registry_of_the_machine(machine, tmp_path_factory):
    """A docker-registry with a password, on the loopback device of the machine."""
    registry = DockerRegistry(tmp_path_factory.mktemp("registry"), port=free_port(), htpasswd={USER: PASSWORD})
    registry.argv = ["nsenter", "--target", machine.enter[2], "--net", "--", *registry.argv]
    Process.start(registry)
    try:
        registry.wait_ready(lambda: "401" in machine.run("curl", "-sI", registry.url + "/v2/").stdout)
        yield registry
    finally:
        registry.close()


def login(registry):
    return json.dumps({"auths": {registry.host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}})


def roundtrip(registry, docker_config):
    return {"registries": {registry.host: {"plain_http": True, "docker_config": docker_config}},
            "probes": [{"name": "trip", "operation": "roundtrip", "engine": "registry", "image": f"{registry.host}/canary/x:1",
                        "interval": "1s", "timeout": "30s"}]}


def test_reads_credentials_of_the_secrets_folder(service, registry):
    path = "/etc/containerd_exporter/secrets/config.json"
    service.write(path, login(registry), "0640")
    service.configure(roundtrip(registry, path))
    service.start()
    service.wait_for(f'image_canary_success{{probe="trip",operation="roundtrip",engine="registry",registry="{registry.host}"}} 1')


def test_drop_in_hands_over_the_credentials_of_root(service, registry):
    """And without it the service cannot read them: neither the folder nor the file."""
    success = f'image_canary_success{{probe="trip",operation="roundtrip",engine="registry",registry="{registry.host}"}}'
    service.write("/root/.docker/config.json", login(registry), "0600")
    service.configure(roundtrip(registry, "/root/.docker/config.json"))
    service.start()
    service.wait_for(f"{success} 0")
    service.configure(roundtrip(registry, "${CREDENTIALS_DIRECTORY}/config.json"))
    service.sh(f"install -D -m 0644 {EXAMPLES}/credentials.conf {DROP_INS}/credentials.conf && systemctl daemon-reload")
    service.start()
    service.wait_for(f"{success} 1")
    service.sh("CREDENTIALS_DIRECTORY=/root/.docker containerd_exporter --config.check "
               "--config.file=/etc/containerd_exporter/containerd_exporter.yml")


def test_runs_credential_helpers(service, registry):
    """One that starts a process and writes into its home, as those of the clouds do."""
    answer = json.dumps({"ServerURL": registry.host, "Username": USER, "Secret": PASSWORD})
    service.write("/usr/local/bin/docker-credential-lab", "#!/bin/sh -e\nmkdir -p ~/.cache\necho called >~/.cache/log\n"
                                                          f"cat <<'END'\n{answer}\nEND\n", "0755")
    service.write("/etc/containerd_exporter/docker.json", json.dumps({"credHelpers": {registry.host: "lab"}}))
    service.configure(roundtrip(registry, "/etc/containerd_exporter/docker.json"))
    service.start()
    service.wait_for(f'image_canary_success{{probe="trip",operation="roundtrip",engine="registry",registry="{registry.host}"}} 1')


def test_drop_in_adds_the_group_of_docker(service):
    service.sh("getent group docker || groupadd --system docker")
    gid = service.sh("getent group docker").split(":")[2]
    service.sh(f"install -D -m 0644 {EXAMPLES}/docker.conf {DROP_INS}/docker.conf && systemctl daemon-reload")
    service.start()
    assert {"0", gid} <= set(service.status_of_process("Groups"))


@pytest.mark.parametrize("folder", ["/run/k3s/containerd", "/run/k0s", "/var/snap/microk8s/common/run"])
def test_sandbox_lets_the_sockets_of_distributions_through(service, folder):
    service.sh(f"mkdir -p {folder} && chmod 0711 {folder} && mountpoint -q {folder} || mount --bind /run/containerd {folder}")
    service.configure({"containerd": {"address": f"{folder}/containerd.sock"}})
    service.start()
    service.wait_for("containerd_up 1")

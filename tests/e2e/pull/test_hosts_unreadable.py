# SPDX-License-Identifier: Apache-2.0
"""Files of certs.d that the daemon can read and the exporter cannot, as in a pod that runs as nobody.

The mirror has a certificate of a private authority: without the files the daemon cannot pull from it.
"""
import pytest

from lab.fake.tls import Authority
from lab.probes import config_for, probe, run_once

NOBODY = ["setpriv", "--reuid=65534", "--regid=0", "--clear-groups"]  # group 0 has the socket


class Place:
    """A daemon that reads certs.d, and a mirror that only certs.d makes reachable."""

    def __init__(self, lab, version):
        lab.temp.chmod(0o755)
        authority = Authority(lab.folder("authority"))
        self.mirror = lab.fake_registry(tls=authority.issue("mirror"))
        self.certs, self.secret = lab.folder("certs.d"), lab.folder("secret")
        self.host = "registry.invalid"
        self.folder = self.certs / self.host
        self.folder.mkdir(parents=True)
        self.secret.mkdir()
        for folder in (self.folder, self.secret):
            with open(authority.certificate, "rb") as source:
                (folder / "ca.crt").write_bytes(source.read())
        self.containerd = lab.containerd_of(version, cri=True, extra_config=f"""
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{self.certs}"
""")

    def write(self, ca="ca.crt", file_mode=0o644, folder_mode=0o755, secret_mode=0o755):
        file = self.folder / "hosts.toml"
        file.write_text(f'[host."https://{self.mirror.address}"]\nca = "{ca}"\n', encoding="utf-8")
        file.chmod(file_mode)
        self.folder.chmod(folder_mode)
        self.secret.chmod(secret_mode)

    def run(self, lab, engine, repository):
        self.mirror.add_image(repository, "v1")
        lab.temp.chmod(0o755)
        return run_once(lab, config_for(self.containerd, probe(f"{self.host}/{repository}:v1", engine=engine),
                                        hosts_dir=self.certs), wrap=NOBODY)


HIDDEN = {
    "file": dict(file_mode=0o600),
    "folder": dict(folder_mode=0o700),
    "authority": dict(ca="{secret}/ca.crt", secret_mode=0o700),
}


@pytest.fixture(scope="module")
def place(module_lab, version):
    one = Place(module_lab, version)
    yield one
    one.containerd.close()


def hide(place, what):
    settings = dict(HIDDEN[what])
    settings["ca"] = settings.get("ca", "ca.crt").format(secret=place.secret)
    place.write(**settings)


@pytest.mark.parametrize("what", HIDDEN)
@pytest.mark.parametrize("engine", ["cri", "transfer"])
def test_daemon_pulls_with_files_that_the_exporter_cannot_read(lab, place, version, engine, what):
    if engine == "transfer" and version != "2":
        pytest.skip("the transfer service of containerd before 2 reads no certs.d")
    hide(place, what)
    exporter = place.run(lab, engine, f"canary/{engine}-{what}")
    assert exporter.value("image_canary_success") == 1, exporter.log
    assert "the exporter does not know the hosts that containerd asks" in exporter.log
    assert "Permission denied" in exporter.log
    if engine == "transfer":
        assert exporter.value("image_canary_served_by_info", host=place.mirror.address) == 1, exporter.log


@pytest.mark.parametrize("what", HIDDEN)
@pytest.mark.parametrize("engine", ["client", "registry"])
def test_own_engines_say_what_they_cannot_read(lab, place, engine, what):
    hide(place, what)
    exporter = place.run(lab, engine, f"canary/{engine}-{what}")
    assert exporter.value("image_canary_success") == 0
    assert exporter.value("image_canary_failure_reasons_total", reason="invalid") == 1, exporter.log
    assert "Permission denied" in exporter.log
    assert "does not know the hosts" not in exporter.log


def test_transfer_of_1_7_does_not_ignore_a_file_that_the_exporter_cannot_read(lab, place, version):
    if version != "1.7":
        pytest.skip("another version")
    hide(place, "file")
    exporter = place.run(lab, "transfer", "canary/old")
    assert exporter.value("image_canary_failure_reasons_total", reason="unsupported") == 1, exporter.log

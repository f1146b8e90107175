# SPDX-License-Identifier: Apache-2.0
"""Certificates, good and bad, made with openssl on the spot.

    authority = Authority(folder)
    pair = authority.issue("good")                          # for 127.0.0.1 and localhost
    pair = authority.issue("expired", days=(-30, -1))
    pair = authority.issue("elsewhere", names="DNS:elsewhere.example")
    pair = self_signed(folder, "alone")
    FakeRegistry(tls=pair)
"""
import datetime
import pathlib
import subprocess

NAMES = "IP:127.0.0.1,DNS:localhost"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

CA_CONFIG = """[ca]
default_ca = ours
[ours]
new_certs_dir = {folder}
database = {folder}/index
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def openssl(*args):
    subprocess.run(["openssl", *[str(arg) for arg in args]], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def self_signed(folder, name, names=NAMES):
    """(certificate, key): paths."""
    certificate, key = (pathlib.Path(folder) / f"{name}.{kind}" for kind in ("crt", "key"))
    openssl("req", "-x509", *KEY, "-keyout", key, "-out", certificate, "-days", 30, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={names}")
    return str(certificate), str(key)


class Authority:
    """A private CA: clients must trust `certificate`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "index").touch()
        self.config = self.folder / "ca.conf"
        self.config.write_text(CA_CONFIG.format(folder=self.folder), encoding="utf-8")
        self.certificate, self.key = self_signed(self.folder, "authority", "DNS:authority.example")

    def issue(self, name, names=NAMES, days=(-1, 30)):
        """(certificate, key): valid from and to these days from now."""
        key, request, certificate = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = ((now + datetime.timedelta(days=n)).strftime("%Y%m%d%H%M%SZ") for n in days)
        openssl("req", "-new", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}")
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", self.certificate, "-keyfile", self.key,
                "-in", request, "-out", certificate, "-startdate", start, "-enddate", end)
        return str(certificate), str(key)

# SPDX-License-Identifier: Apache-2.0
"""`containerd_exporter health`: what the health check of a container says of a running exporter."""
import signal

import pytest

from lab.exporter import Exporter, run_exporter
from lab.fake.tls import Authority
from lab.network import free_port
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged

USERS = "basic_auth_users: {alice: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW}\n"
CLIENTS = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: {ca}"


@pytest.fixture(name="serve")
def exporters(lab):
    """Starts an exporter with that web configuration; returns it and the flags of `health`."""
    def start(text="", *args):
        folder = lab.folder("exporter")
        folder.mkdir()
        (folder / "web.yml").write_text(text, encoding="utf-8")
        flags = [f"--web.config.file={folder / 'web.yml'}", *args]
        exporter = lab.own(Exporter(folder, {"containerd": {"address": str(folder / "none.sock")}}, args=flags, ready=False))
        wait_until(lambda: "TLS is" in exporter.log, what="the exporter listens")
        return exporter, [f"--web.listen-address={exporter.address}", *flags]
    return start


def tls(folder, more=""):
    authority = Authority(folder)
    certificate, key = authority.issue("good")
    more = more.format(ca=authority.certificate)
    return f"tls_server_config: {{cert_file: {certificate}, key_file: {key}, {more}}}\n"


@pytest.mark.parametrize("users, status", [("", 200), (USERS, 401), (USERS + "health_without_auth: true\n", 200)])
@pytest.mark.parametrize("secure", [False, True])
def test_running_exporter_is_healthy(serve, tmp_path, users, status, secure):
    exporter, flags = serve(users + (tls(tmp_path) if secure else ""))
    done = run_exporter("health", *flags)
    scheme = "https" if secure else "http"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{exporter.address}: {scheme}://{exporter.address}/-/healthy: status {status}\n"


def test_stopped_exporter_is_not_healthy(serve):
    exporter, flags = serve()
    exporter.stop()
    done = run_exporter("health", *flags)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith(f"containerd_exporter health: error: {exporter.address}: ") and done.stderr.count("\n") == 1


def test_frozen_exporter_is_not_healthy(serve):
    exporter, flags = serve()
    exporter.send(signal.SIGSTOP)
    try:
        done = run_exporter("health", "--timeout=300ms", *flags)
    finally:
        exporter.send(signal.SIGCONT)
    assert done.returncode == 1 and "deadline exceeded" in done.stderr, done.stderr
    assert run_exporter("health", *flags).returncode == 0


def test_all_addresses_are_asked(serve, tmp_path):
    socket = tmp_path / "web.sock"
    _, flags = serve("", f"--web.listen-address=unix://{socket}", "--web.route-prefix=/x")
    done = run_exporter("health", *flags)
    assert done.returncode == 0 and f"unix://{socket}: http://localhost/x/-/healthy: status 200\n" in done.stdout, done
    assert done.stdout.count("\n") == 2
    assert run_exporter("health", *flags, f"--web.listen-address=127.0.0.1:{free_port()}").returncode == 1


def test_plain_http_to_tls_is_a_failure(serve, tmp_path):
    exporter, _ = serve(tls(tmp_path))
    done = run_exporter("health", f"--web.listen-address={exporter.address}")
    assert done.returncode == 1 and not done.stdout


def test_required_client_certificate_has_to_spare_health(serve, tmp_path):
    text = tls(tmp_path, CLIENTS)
    _, flags = serve(text)
    done = run_exporter("health", *flags)
    assert done.returncode == 1 and "expected health_without_auth: true" in done.stderr
    _, flags = serve(text + "health_without_auth: true\n")
    done = run_exporter("health", *flags)
    assert done.returncode == 0, done.stderr

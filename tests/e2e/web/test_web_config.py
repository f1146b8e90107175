# SPDX-License-Identifier: Apache-2.0
"""The web configuration file: authentication, TLS, rate limit, and reload."""
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lab.programs import ROOT, exporter_binary, find
from lab.wait import wait_until

pytestmark = pytest.mark.unprivileged

SECRET = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # "secret"
USERS = f"basic_auth_users: {{alice: {SECRET}}}\n"
PAIR = "cert_file: server.pem, key_file: server_key.pem"
TLS = f"tls_server_config: {{{PAIR}}}\n"
SUCCESSFUL = "containerd_exporter_web_config_last_reload_successful"


# ---- Certificates -------------------------------------------------------------------------------

class Authority:
    """An authority and what it signs, as files in one folder."""

    def __init__(self, folder, name):
        self.dir, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", f"{name}_key.pem", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def sign(self, name, names, purpose, days=2, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        (self.dir / f"{name}.ext").write_text(f"subjectAltName={names}\nextendedKeyUsage={purpose}\n", encoding="utf-8")
        self._openssl("req", "-newkey", *key, "-nodes", "-keyout", f"{name}_key.pem", "-out", f"{name}.csr",
                      "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}_key.pem",
                      "-CAcreateserial", "-out", f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")


@pytest.fixture(name="pki", scope="module")
def _pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    ours, theirs = Authority(folder, "ca"), Authority(folder, "other_ca")
    ours.sign("server", "DNS:localhost,IP:127.0.0.1", "serverAuth")
    ours.sign("renewed", "DNS:localhost,IP:127.0.0.1", "serverAuth", key=["rsa:2048"])
    ours.sign("exchange", "DNS:localhost,IP:127.0.0.1\nkeyUsage=critical,keyEncipherment", "serverAuth", key=["rsa:2048"])
    ours.sign("valid", "DNS:prometheus.example,URI:spiffe://example/prometheus", "clientAuth")
    ours.sign("by_address", "IP:10.1.2.3", "clientAuth")
    ours.sign("by_mail", "email:ops@prometheus.example", "clientAuth")
    ours.sign("wrong_name", "DNS:other.prometheus.example,DNS:prometheus.example.org", "clientAuth")
    ours.sign("wrong_purpose", "DNS:prometheus.example", "serverAuth")
    ours.sign("expired", "DNS:prometheus.example", "clientAuth", days=-1)
    theirs.sign("unknown", "DNS:prometheus.example", "clientAuth")
    return folder


# ---- The exporter and curl ----------------------------------------------------------------------

class Answer:
    def __init__(self, done, body):
        self.code, self.words, self.body = done.returncode, done.stderr, body
        self.status = int(re.search(r"status=(\d+)", done.stdout).group(1))
        self.headers = {name.lower(): value for name, value in re.findall(r"^< ([^:\s]+): ([^\r\n]*)", done.stderr, re.M)}


class Secured:
    """An exporter with a web configuration file beside the certificates."""

    def __init__(self, lab, pki, text, tls=None, args=()):
        self.pki = pki
        self.dir = lab.folder("web")
        self.dir.mkdir()
        for path in pki.iterdir():
            (self.dir / path.name).write_bytes(path.read_bytes())
        self.path = self.dir / "web.yml"
        self.path.write_text(text, encoding="utf-8")
        self.exporter = lab.exporter({"containerd": {"address": str(lab.temp / "none.sock")}}, ready=False,
                                     args=[f"--web.config.file={self.path}", *args])
        self.scheme = "https" if ("tls_server_config" in text if tls is None else tls) else "http"
        wait_until(lambda: "TLS is" in self.exporter.log, what="the exporter listens")

    def edit(self, text, atomically=True):
        target = self.path.with_suffix(".new") if atomically else self.path
        target.write_text(text, encoding="utf-8")
        if atomically:
            os.replace(target, self.path)

    def curl(self, path="/-/healthy", *args, user=None, client=None, scheme=None):
        body = self.dir / f"body{threading.get_ident()}"  # several may ask at once
        body.write_bytes(b"")
        argv = ["curl", "-sSv", "--noproxy", "*", "--max-time", "20", "--cacert", str(self.pki / "ca.pem"), "-o", str(body),
                "-w", "status=%{http_code}", *args]
        if user:
            argv += ["-u", user]
        if client:
            argv += ["--cert", str(self.pki / f"{client}.pem"), "--key", str(self.pki / f"{client}_key.pem")]
        url = f"{scheme or self.scheme}://127.0.0.1:{self.exporter.port}{path}"
        done = subprocess.run([*argv, url], capture_output=True, text=True, check=False, timeout=30)
        return Answer(done, body.read_text(encoding="utf-8"))

    def value(self, name, **how):
        found = re.search(rf"^{name} (\S+)$", self.curl("/metrics", **how).body, re.M)
        return float(found.group(1)) if found else None

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.exporter.port))


@pytest.fixture(name="secured")
def _secured(lab, pki):
    return lambda text, **more: Secured(lab, pki, text, **more)


# ---- The file -----------------------------------------------------------------------------------

def cases():
    text = (ROOT / "tests/web/cases.txt").read_text(encoding="utf-8")
    for part in text.split("\n=== ")[1:]:
        name, _, rest = part.partition("\n")
        lines = [line for line in rest.split("\n") if line]
        reasons = [line for line in lines if line.startswith("--- promtool: ")]
        mistakes = [line for line in lines if line.startswith("--- ") and line not in reasons]
        yield name, "".join(line + "\n" for line in lines if not line.startswith("--- ")), mistakes, reasons


def test_agrees_with_promtool(tmp_path):
    """Where it does not, the case says why; and where it does agree, the case does not claim otherwise."""
    for path in (ROOT / "tests/web").glob("*.pem"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows = list(cases())
    for number, (_, text, _, _) in enumerate(rows):
        (tmp_path / f"{number}.yml").write_text(text, encoding="utf-8")
    done = subprocess.run([find("promtool"), "check", "web-config", *(f"{n}.yml" for n in range(len(rows)))], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    accepted = {int(n) for n in re.findall(r"^(\d+)\.yml SUCCESS", done.stdout + done.stderr, re.M)}
    refused = {int(n) for n in re.findall(r"^(\d+)\.yml FAILED", done.stdout + done.stderr, re.M)}
    assert accepted | refused == set(range(len(rows)))
    differ = [name for n, (name, _, mistakes, reasons) in enumerate(rows) if ((n in refused) != bool(mistakes)) != bool(reasons)]
    assert not differ
    assert len([1 for row in rows if row[2]]) >= 40


def test_does_not_start_with_a_bad_file(tmp_path):
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: none.pem}\nmore: 1\n", encoding="utf-8")
    for extra in ([], ["--config.check"]):
        done = subprocess.run([exporter_binary(), "--web.listen-address=127.0.0.1:0", f"--web.config.file={path}", *extra],
                              capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 1
        for words in ("web.yml:1:1: missing one of", "web.yml:1:32:", "web.yml:2:1: unknown key"):
            assert words in done.stderr


# ---- TLS ----------------------------------------------------------------------------------------

EVERYBODY = {None, "valid", "by_address", "wrong_name", "wrong_purpose", "expired", "unknown"}
ALLOWED = "client_allowed_sans: [prometheus.example, 10.1.2.3]"


@pytest.mark.parametrize("mode, more, admitted", [
    ("NoClientCert", "", EVERYBODY),
    ("RequestClientCert", "", EVERYBODY),
    ("RequireAnyClientCert", "", EVERYBODY - {None}),
    ("VerifyClientCertIfGiven", "client_ca_file: ca.pem", {None, "valid", "by_address", "wrong_name"}),
    ("VerifyClientCertIfGiven", f"client_ca_file: ca.pem, {ALLOWED}", {None, "valid", "by_address"}),
    ("RequireAndVerifyClientCert", "client_ca_file: ca.pem", {"valid", "by_address", "wrong_name"}),
    ("RequireAndVerifyClientCert", f"client_ca_file: ca.pem, {ALLOWED}", {"valid", "by_address"}),
])
def test_checks_client_certificates(secured, mode, more, admitted):
    web = secured(f"tls_server_config: {{{PAIR}, client_auth_type: {mode}, {more}}}\n")
    alerts = {None: "certificate required", "wrong_name": "bad certificate", "wrong_purpose": "bad certificate",
              "expired": "certificate expired", "unknown": "unknown ca"}
    for version in ("1.2", "1.3"):
        for client in EVERYBODY:
            answer = web.curl("/-/healthy", "--tls-max", version, client=client)
            if client in admitted:
                assert (answer.status, answer.code) == (200, 0), (client, version, answer.words)
            else:
                assert answer.status == 0 and answer.code != 0, (client, version)
                # A client of TLS 1.3 may send its request before the alert arrives, and then reads no more.
                assert version == "1.3" or alerts[client] in answer.words, (client, answer.words)


@pytest.mark.parametrize("name, client", [("spiffe://example/prometheus", "valid"), ("ops@prometheus.example", "by_mail"),
                                          ("10.1.2.3", "by_address"), ("other.prometheus.example", "wrong_name")])
def test_allows_every_kind_of_subject_alternative_name(secured, name, client):
    web = secured(f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, "
                  f"client_allowed_sans: ['{name}']}}\n")
    for other in ("valid", "by_mail", "by_address", "wrong_name"):
        assert (web.curl(client=other).status == 200) == (other == client), other


OLD = ["--ciphers", "DEFAULT@SECLEVEL=0"]


@pytest.mark.parametrize("settings, good, bad", [
    ("", [["--tls-max", "1.2"], ["--tlsv1.3"]], [[*OLD, "--tls-max", "1.1"]]),
    ("min_version: TLS13", [["--tlsv1.3"]], [["--tls-max", "1.2"]]),
    ("max_version: TLS12", [["--tls-max", "1.2"], []], [["--tlsv1.3"]]),
    ("min_version: TLS10", [[*OLD, "--tlsv1.0", "--tls-max", "1.0"], [*OLD, "--tlsv1.1", "--tls-max", "1.1"], ["--tlsv1.3"]], []),
    ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
     [["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"], ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"]],
     [["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]]),
    ("cipher_suites: [TLS_AES_128_GCM_SHA256]", [["--tlsv1.3"]], [["--tls-max", "1.2"]]),
    ("curve_preferences: [CurveP384]", [["--curves", "secp384r1"]], [["--curves", "X25519"]]),
])
def test_restricts_versions_suites_and_curves(secured, settings, good, bad):
    web = secured(f"tls_server_config: {{{PAIR}, {settings}}}\n")
    for args in good:
        answer = web.curl("/-/healthy", *args)
        assert answer.status == 200, (args, answer.words)
    for args in bad:
        assert web.curl("/-/healthy", *args).status == 0, args
    assert web.curl("/-/healthy").status == 200


def test_uses_the_order_of_suites_of_the_server(secured):
    suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"
    asked = ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"]
    for prefer, got in (("true", "ECDHE-ECDSA-AES256-GCM-SHA384"), ("false", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        web = secured(f"tls_server_config: {{{PAIR}, {suites}, prefer_server_cipher_suites: {prefer}}}\n")
        assert f"/ {got}" in web.curl("/-/healthy", *asked).words


def test_answers_plain_http_on_a_tls_port(secured):
    web = secured(TLS)
    answer = web.curl(scheme="http")
    assert answer.status in (0, 400) and "Healthy" not in answer.body
    assert web.curl().status == 200


def test_serves_a_certificate_for_key_exchange_only(secured):
    """As Go does: many private authorities issue such ones. OpenSSL's clients want more of other keys than RSA."""
    web = secured("tls_server_config: {cert_file: exchange.pem, key_file: exchange_key.pem}\n")
    for version in ("--tlsv1.2", "--tlsv1.3"):
        assert web.curl("/-/healthy", version, "--tls-max", version[-3:]).status == 200, version


def test_sends_the_certificates_of_the_file(secured):
    """In their order, with a repeated one and a root; 64 are no problem."""
    web = secured(TLS)
    chain = [(web.dir / f"{name}.pem").read_text().strip() for name in ["server", "ca", "other_ca", *["ca"] * 61]]
    (web.dir / "server.pem").write_text("\n".join(chain) + "\n")
    web.exporter.send(signal.SIGHUP)

    def sent():
        done = subprocess.run(["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{web.exporter.port}"],
                              input="", capture_output=True, text=True, check=False, timeout=30)
        return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", done.stdout, re.S)[:len(chain)]

    wait_until(lambda: sent() == chain, what="the chain of the file")


def test_open_health_needs_no_client_certificate(secured):
    web = secured(f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}}\n"
                  "health_without_auth: true\n" + USERS)
    for version in ("1.2", "1.3"):
        assert web.curl("/-/healthy", "--tls-max", version).status == 200, "a kubelet has neither"
        for path in ("/metrics", "/", "/none", "/-/healthy/", "/-/reload"):
            answer = web.curl(path, "--tls-max", version, user="alice:secret")
            assert answer.status == 403 and "client certificate" in answer.body, path
        assert web.curl("/metrics", "--tls-max", version, client="valid").status == 401
        assert web.curl("/metrics", "--tls-max", version, client="valid", user="alice:secret").status == 200
        assert web.curl("/-/healthy", "--tls-max", version, client="unknown").status == 0, "a bad certificate is refused"


def test_kept_connection_without_certificate_loses_its_health_paths(secured):
    tls = f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}}\n"
    web = secured(tls + "health_without_auth: true\n")
    context = ssl.create_default_context(cafile=web.pki / "ca.pem")
    context.check_hostname = False
    kept = http.client.HTTPSConnection("127.0.0.1", web.exporter.port, timeout=20, context=context)

    def status(path):
        kept.request("GET", path)
        reply = kept.getresponse()
        reply.read()
        return reply.status

    assert status("/-/healthy") == 200
    web.edit(tls)
    wait_until(lambda: web.curl("/-/healthy").status == 0, what="the new file is in force")
    try:
        assert status("/metrics") == 403
    except (ConnectionError, http.client.HTTPException):
        pass  # it was closed: as good


def test_counts_failed_handshakes_by_cause(secured):
    web = secured(f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}}\n")

    def failures():
        page = web.curl("/metrics", client="valid").body
        rows = re.findall(r'^containerd_exporter_tls_handshake_failures_total\{cause="(\w+)"\} (\d+)$', page, re.M)
        return {cause: int(count) for cause, count in rows}

    assert failures() == dict.fromkeys(("client_alert", "client_certificate", "closed", "not_tls", "parameters"), 0)
    for client in (None, None, None, "unknown"):
        web.curl("/", "--tls-max", "1.2", client=client)
    web.curl("/", "--cacert", str(web.pki / "other_ca.pem"))
    web.curl("/", *OLD, "--tls-max", "1.1")
    web.curl(scheme="http")
    for sent in (b"", b"\x16\x03\x01"):  # a check of the port is no handshake
        with socket.create_connection(("127.0.0.1", web.exporter.port)) as client:
            client.sendall(sent)
    want = {"client_alert": 1, "client_certificate": 4, "closed": 1, "not_tls": 1, "parameters": 1}
    wait_until(lambda: failures() == want, what=f"{want}")
    for cause in want:
        lines = [line for line in web.exporter.log.splitlines() if f"cause={cause}" in line]
        assert len(lines) == 1 and "client=127.0.0.1" in lines[0] and "a TLS handshake failed" in lines[0], lines


# ---- Passwords, headers, rate -------------------------------------------------------------------

def test_checks_passwords(secured):
    web = secured(TLS + USERS)
    for _ in range(2):
        for user, status in (("alice:secret", 200), ("alice:wrong", 401), ("bob:secret", 401), (None, 401), (":", 401)):
            for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nothing"):
                answer = web.curl(path, user=user)
                assert answer.status == (404 if status == 200 and path == "/nothing" else status), (user, path)
                if status == 401:
                    assert answer.headers["www-authenticate"].startswith("Basic") and answer.body.strip() == "Unauthorized"


def test_health_can_be_excluded_from_authentication(secured):
    web = secured(USERS + "health_without_auth: true\n")
    for path, status in (("/-/healthy", 200), ("/metrics", 401), ("/", 401), ("/-/healthy/", 401), ("/-/reload", 401)):
        assert web.curl(path).status == status, path
    wait_until(lambda: web.curl("/-/ready").status == 200, what="ready")


def test_metrics_path_is_never_excluded_from_authentication(secured):
    web = secured(USERS + "health_without_auth: true\n", args=["--web.telemetry-path=/-/healthy"])
    wait_until(lambda: web.curl("/-/ready").status == 200, what="ready")
    assert web.curl("/-/healthy").status == 401


HEADERS = {"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff",
           "X-XSS-Protection": "1; mode=block", "Strict-Transport-Security": "max-age=31536000"}


def test_sends_headers_with_every_response(secured):
    lines = "".join(f'    {name}: "{value}"\n' for name, value in HEADERS.items())
    web = secured(USERS + "http_server_config:\n  headers:\n" + lines + "rate_limit: {interval: 1h, burst: 5}\n")
    seen = []
    for path, user in (("/-/healthy", "alice:secret"), ("/nothing", "alice:secret"), ("/metrics", None),
                       ("/metrics", "alice:wrong"), ("/-/reload", "alice:secret"), ("/metrics", "alice:secret")):
        answer = web.curl(path, user=user)
        seen.append(answer.status)
        for name, value in HEADERS.items():
            assert answer.headers.get(name.lower()) == value, (answer.status, name)
    assert seen == [200, 404, 401, 401, 405, 429]


def test_checks_the_rate_limit_before_the_password(secured):
    web = secured(USERS + "rate_limit: {interval: 1h, burst: 3}\n")
    assert [web.curl(user="alice:secret").status for _ in range(3)] == [200] * 3
    for user in ("alice:secret", "alice:wrong", None):
        answer = web.curl(user=user)
        assert answer.status == 429 and "Too Many Requests" in answer.body


# ---- Changes ------------------------------------------------------------------------------------

def test_a_bad_edit_keeps_the_old_settings(secured):
    web = secured(TLS + USERS)
    failures, scrapes, stop = [], [], threading.Event()

    def scrape():
        while not stop.is_set():
            answer = web.curl("/-/ready" if not scrapes else "/metrics", user="alice:secret")
            scrapes.append(answer.status)
            if answer.status != 200 and len(scrapes) > 1:
                failures.append((answer.status, answer.words))

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        assert web.value(SUCCESSFUL, user="alice:secret") == 1
        web.edit(TLS + USERS + "more: 1\nand: 2\n")
        wait_until(lambda: web.value(SUCCESSFUL, user="alice:secret") == 0, what="the bad edit is seen")
        log = web.exporter.log
        assert "web.yml:3:1: unknown key" in log and "web.yml:4:1: unknown key" in log
        time.sleep(2.5)
        assert web.exporter.log.count("web.yml:3:1:") == 1, "an error is logged once"
        web.edit(TLS + USERS + "rate_limit: {interval: 1ms, burst: 1000}\n")
        wait_until(lambda: web.value(SUCCESSFUL, user="alice:secret") == 1, what="the good edit is seen")
    finally:
        stop.set()
        thread.join()
    assert not failures and len(scrapes) > 10


def test_removed_user_has_no_access(secured):
    web = secured(f"basic_auth_users: {{alice: {SECRET}, bob: {SECRET}}}\n")
    assert web.curl(user="bob:secret").status == 200
    web.edit(USERS)
    wait_until(lambda: web.curl(user="bob:secret").status == 401, what="bob is out")
    assert web.curl(user="alice:secret").status == 200


def test_reloads_on_demand(secured):
    web = secured(USERS)
    web.edit("more: 1\n")
    answer = web.curl("/-/reload", "-X", "POST", user="alice:secret")
    assert answer.status == 500 and "failed to reload config" in answer.body and 'unknown key "more"' in answer.body, answer.body
    web.edit("")
    web.exporter.send(signal.SIGHUP)
    wait_until(lambda: web.curl("/metrics").status == 200, what="no password any more")


def test_switches_from_http_to_tls_and_back(secured):
    web = secured("")
    assert web.curl(scheme="http").status == 200
    web.edit(TLS)
    wait_until(lambda: web.curl(scheme="https").status == 200, what="TLS")
    assert web.curl(scheme="http").status in (0, 400)
    web.edit("")
    wait_until(lambda: web.curl(scheme="http").status == 200, what="no TLS")
    assert web.curl(scheme="https").status == 0


def test_uses_a_renewed_certificate(secured):
    """As cert-manager and kubelet do it: a link to a folder is swapped, the file's text stays."""
    web = secured("", tls=False)
    for name in ("server", "renewed"):
        (web.dir / f"..{name}").mkdir()
        (web.dir / f"..{name}/tls.crt").write_bytes((web.pki / f"{name}.pem").read_bytes())
        (web.dir / f"..{name}/tls.key").write_bytes((web.pki / f"{name}_key.pem").read_bytes())
    (web.dir / "..data").symlink_to("..server")
    (web.dir / "tls.crt").symlink_to("..data/tls.crt")
    (web.dir / "tls.key").symlink_to("..data/tls.key")
    web.edit("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n")
    wait_until(lambda: web.curl(scheme="https").status == 200, what="TLS")
    first = web.certificate()
    assert first == ssl.get_server_certificate(("127.0.0.1", web.exporter.port))
    (web.dir / "..new").symlink_to("..renewed")
    os.replace(web.dir / "..new", web.dir / "..data")
    wait_until(lambda: web.certificate() != first, what="the renewed certificate")
    for version in ("1.2", "1.3"):
        assert web.curl("/-/healthy", "--tls-max", version, scheme="https").status == 200


# ---- Prometheus ---------------------------------------------------------------------------------

def test_prometheus_scrapes_over_tls(lab, secured, pki):
    web = secured(f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, "
                  "client_allowed_sans: [prometheus.example]}\n" + USERS)

    def job(client, password):
        return {"address": web.exporter.address, "scheme": "https",
                "tls_config": {"ca_file": str(pki / "ca.pem"), "cert_file": str(pki / f"{client}.pem"),
                               "key_file": str(pki / f"{client}_key.pem")},
                "basic_auth": {"username": "alice", "password": password}}

    server = lab.prometheus({"right": job("valid", "secret"), "wrong_password": job("valid", "guess"),
                             "wrong_name": job("wrong_name", "secret")})
    wait_until(lambda: len([t for t in server.targets() if t["health"] != "unknown"]) == 3, what="three scrapes")
    assert {t["labels"]["job"]: t["health"] for t in server.targets()} == {"right": "up", "wrong_password": "down",
                                                                           "wrong_name": "down"}
    (row,) = [value for labels, value in wait_until(lambda: server.query("up == 1")) if labels["job"] == "right"]
    assert row == 1
    errors = {t["labels"]["job"]: t["lastError"] for t in server.targets()}
    assert "401" in errors["wrong_password"] and "401" not in errors["wrong_name"]

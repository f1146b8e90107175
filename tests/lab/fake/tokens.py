# SPDX-License-Identifier: Apache-2.0
"""A token server that a real docker-registry trusts: JSON web tokens, signed with openssl.

    with TokenServer(folder, users={"user": "word"}, rights={"user": {"pull", "push"}}) as tokens:
        config["auth"] = {"token": tokens.settings}

A user outside `rights` gets every requested right; anonymous users may pull.
"""
import base64
import json
import pathlib
import secrets
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SERVICE, ISSUER = "registry", "lab"
SECONDS = 300
EVERYTHING = {"pull", "push", "delete", "*"}


def base64_url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def user(self, form):
        """(name, password) of the client; ("", "") for an anonymous one."""
        if "username" in form:
            return form["username"][0], form.get("password", [""])[0]
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        name, _, password = base64.b64decode(rest).decode().partition(":")
        return name, password

    def do_GET(self):
        self.serve(parse_qs(urlsplit(self.path).query))

    def do_POST(self):
        self.serve(parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()))

    def serve(self, form):
        tokens = self.server.tokens
        name, password = self.user(form)
        scopes = [scope for text in form.get("scope", []) for scope in text.split()]
        tokens.asked.append((name, scopes))
        if name and tokens.users.get(name) != password:
            return self.answer(401, {"details": "incorrect username or password"})
        allowed = tokens.rights.get(name, EVERYTHING) if name else {"pull"}
        token = tokens.grant(scopes, allowed, name)
        return self.answer(200, {"token": token, "access_token": token, "expires_in": SECONDS})


class TokenServer:
    """`asked`: (user, scopes) of every request; `settings`: the section for docker-registry."""

    def __init__(self, folder, users=None, rights=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.users, self.rights, self.asked = users or {}, rights or {}, []
        self.certificate, self.key = self.folder / "tokens.crt", self.folder / "tokens.key"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate,
                     "-days", "30", "-subj", "/CN=tokens")
        der = self.openssl("x509", "-in", self.certificate, "-outform", "DER")
        self.header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.tokens = True, self
        self.url = "http://127.0.0.1:%d/token" % self.server.server_address[1]
        self.settings = {"realm": self.url, "service": SERVICE, "issuer": ISSUER,
                         "rootcertbundle": str(self.certificate)}
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def openssl(*args, data=None):
        options = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **options).stdout

    def grant(self, scopes, allowed=None, name="lab"):
        """A token for what these scopes ask for, as far as it is in `allowed`."""
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            repository, _, actions = rest.rpartition(":")
            actions = [action for action in actions.split(",") if action in (allowed or EVERYTHING)]
            access.append({"type": kind, "name": repository, "actions": actions})
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": name, "aud": SERVICE, "iat": now, "nbf": now - 10, "exp": now + SECONDS,
                  "jti": secrets.token_hex(8), "access": access}
        text = ".".join(base64_url(json.dumps(part).encode()) for part in (self.header, claims))
        return f"{text}.{base64_url(self.openssl('dgst', '-sha256', '-sign', self.key, data=text.encode()))}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

# SPDX-License-Identifier: Apache-2.0
"""Everything that can be wrong with a registry, each under a reference of its own.

One FakeRegistry serves most of it: the repository says what goes wrong. A few faults need a listener
of their own (certificates, a closed port, a proxy). test_pull_faults.py runs every engine against it,
test_push_faults.py those that push on a PushField.
"""
import contextlib
import pathlib
import secrets
import socket

from lab.fake.proxy import FakeProxy
from lab.fake.raw import RawServer
from lab.fake.registry import FakeRegistry
from lab.fake.tls import Authority, self_signed

WRONG = "sha256:" + "0" * 64
MANIFEST, BLOB, TOKEN, ANY = "manifest", "blob", "token", "any"
DENIED = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
TOO_MANY = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'

# name: (of which request, fault).
BY_REPOSITORY = {
    "good": None,
    "token": (TOKEN, dict(kind="slow", value=0)),
    "hang-manifest": (MANIFEST, dict(kind="hang")),
    "hang-token": (TOKEN, dict(kind="hang")),
    "hang-blob": (BLOB, dict(kind="hang")),
    "hang-headers": (BLOB, dict(kind="hang_headers")),
    "hang-middle": (BLOB, dict(kind="hang_middle")),
    "drip": (BLOB, dict(kind="drip", value=1)),
    "reset": (MANIFEST, dict(kind="reset")),
    "close": (MANIFEST, dict(kind="close")),
    "reset-middle": (BLOB, dict(kind="reset_middle")),
    "close-middle": (BLOB, dict(kind="close_middle")),
    "reset-once": (BLOB, dict(kind="reset_middle", times=1)),
    "401-loop": (ANY, dict(kind="unauthorized")),
    "401-basic": (ANY, dict(kind="status", status=401, headers={"WWW-Authenticate": 'Basic realm="fake"'})),
    "401-bare": (ANY, dict(kind="status", status=401)),
    "403": (MANIFEST, dict(kind="status", status=403)),
    "403-denied": (MANIFEST, dict(kind="status", status=403, body=DENIED)),
    "404": (MANIFEST, dict(kind="status", status=404)),
    "429": (MANIFEST, dict(kind="status", status=429, body=TOO_MANY)),
    "429-retry-after": (MANIFEST, dict(kind="status", status=429, headers={"Retry-After": "1"})),
    "500": (MANIFEST, dict(kind="status", status=500)),
    "503": (MANIFEST, dict(kind="status", status=503)),
    "403-blob": (BLOB, dict(kind="status", status=403)),
    "404-blob": (BLOB, dict(kind="status", status=404)),
    "429-blob": (BLOB, dict(kind="status", status=429)),
    "500-blob": (BLOB, dict(kind="status", status=500)),
    "loop": (MANIFEST, dict(kind="loop")),
    "loop-blob": (BLOB, dict(kind="loop")),
    "token-garbage": (TOKEN, dict(kind="status", status=200, body=b"<html>")),
    "token-empty": (TOKEN, dict(kind="status", status=200, body=b"{}")),
    "token-401": (TOKEN, dict(kind="status", status=401)),
    "token-403": (TOKEN, dict(kind="status", status=403)),
    "token-429": (TOKEN, dict(kind="status", status=429)),
    "token-500": (TOKEN, dict(kind="status", status=500)),
    "token-reset": (TOKEN, dict(kind="reset")),
    "content-type": (MANIFEST, dict(kind="content_type", value="text/html")),
    "garbage-manifest": (MANIFEST, dict(kind="status", status=200, body=b"<html>", headers={
        "Content-Type": "application/vnd.oci.image.manifest.v1+json"})),
    "no-digest-header": (MANIFEST, dict(kind="digest_header", value="")),
    "wrong-digest-header": (MANIFEST, dict(kind="digest_header", value=WRONG)),
    "bad-json": (MANIFEST, dict(kind="truncate")),
    "huge-manifest": (MANIFEST, dict(kind="huge", value=100 << 20)),
    "truncated": (BLOB, dict(kind="truncate")),
    "longer": (BLOB, dict(kind="longer")),
    "wrong-bytes": (BLOB, dict(kind="wrong_bytes")),
}


class Ground(contextlib.AbstractContextManager):
    """A set of registries. `hosts_dir` describes them to a containerd, `registries` to the exporter;
    `proxy_env` is for the environment of daemons and of the exporter."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hosts_dir = self.folder / "certs.d"
        self.hosts_dir.mkdir(parents=True)
        self.registries, self.proxy_env = {}, {}
        self.stack = contextlib.ExitStack()

    def know(self, host, plain=True, trust=""):
        """Describes a host to containerd and to the exporter."""
        folder = self.hosts_dir / host
        folder.mkdir(parents=True, exist_ok=True)
        server = f"{'http' if plain else 'https'}://{host}"
        lines = [f'server = "{server}"', f'[host."{server}"]', '  capabilities = ["pull", "resolve", "push"]']
        lines += [f'  ca = "{trust}"'] if trust else []
        (folder / "hosts.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.registries[host] = {**({"plain_http": True} if plain else {}), **({"ca_file": trust} if trust else {})}

    def close(self):
        self.stack.close()

    def __exit__(self, *_):
        self.close()


class Field(Ground):
    """`references`: {name of the fault: reference}."""

    def __init__(self, folder):
        super().__init__(folder)
        self.references = {}
        self.authority = Authority(self.folder / "tls")
        self.registry, self.private = self.listen(), self.listen(auth="bearer")
        self.closed = self.address(self.stack.enter_context(socket.socket()))
        self.fill()

    def fill(self):
        for name, row in BY_REPOSITORY.items():
            self.add(name, row)
        self.add_token_server_down()
        self.add_missing()
        self.add_platform()
        self.add_places()
        self.add_tls()
        self.add_raw()
        self.add_proxy()

    def address(self, taken):
        """Address of a socket. While it does not listen, connections are refused."""
        if taken.getsockname()[1] == 0:
            taken.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % taken.getsockname()[1]

    def listen(self, **options):
        registry = self.stack.enter_context(FakeRegistry(**options))
        self.know(registry.address, plain="tls" not in options,
                  trust=self.authority.certificate if "tls" in options else "")
        return registry

    def image(self, registry, repository):
        layers = [{f"{repository}-{i}": secrets.token_bytes(20000)} for i in range(2)]
        return registry.add_image(repository, "v1", layers)

    def add(self, name, row):
        """An image of which one request, or none, goes wrong."""
        place, fault = row or ("", {})
        registry = self.private if place == TOKEN else self.registry
        repository = f"canary/{name}"
        image = self.image(registry, repository)
        path = {MANIFEST: f"/v2/{repository}/manifests/", TOKEN: rf"^/token\?.*canary(/|%2F){name}(:|%3A)",
                BLOB: f"/v2/{repository}/blobs/{image['layers'][1]['digest']}", ANY: f"/v2/{repository}/"}
        if row:
            registry.fault(path=path[place], **fault)
        self.references[name] = f"{registry.address}/{repository}:v1"

    def add_token_server_down(self):
        registry = self.listen()
        self.references["token-down"] = f"{registry.address}/canary/token-down:v1"
        registry.fault("unauthorized", path="^/v2/", value=f"http://{self.closed}/token")

    def add_missing(self):
        for name, reference in (("no-repository", "canary/none:v1"), ("no-tag", "canary/good:none"),
                                ("no-digest", f"canary/good@{WRONG}"),
                                ("misleading", "canary/unauthorized-429-no-space-left:toomanyrequests")):
            self.references[name] = f"{self.registry.address}/{reference}"

    def add_platform(self):
        self.registry.add_index("canary/no-platform", "v1", ["s390x", "riscv64"])
        self.references["no-platform"] = f"{self.registry.address}/canary/no-platform:v1"

    def add_places(self):
        """A closed port, a listener that never answers, and an unknown host."""
        silent = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        host = self.address(silent)
        self.know(self.closed)
        self.know(host, plain=False, trust=self.authority.certificate)
        self.references["refused"] = f"{self.closed}/canary/image:v1"
        self.references["hang-handshake"] = f"{host}/canary/image:v1"
        self.references["no-such-host"] = "no-such-host.invalid/canary/image:v1"

    def add_tls(self):
        alone = self_signed(self.folder / "tls", "alone")
        pairs = {"https": self.authority.issue("good"),
                 "expired": self.authority.issue("expired", days=(-30, -1)),
                 "not-yet-valid": self.authority.issue("early", days=(10, 30)),
                 "wrong-host": self.authority.issue("elsewhere", names="DNS:elsewhere.example"),
                 "common-name": self.authority.issue("127.0.0.1", names="email:root@127.0.0.1,URI:https://127.0.0.1/"),
                 "self-signed": alone}
        for name, pair in pairs.items():
            registry = self.listen(tls=pair)
            self.image(registry, "canary/image")
            self.references[name] = f"{registry.address}/canary/image:v1"
        plain = self.stack.enter_context(FakeRegistry())
        self.know(plain.address, plain=False, trust=self.authority.certificate)
        self.image(plain, "canary/image")
        self.references["http-as-https"] = f"{plain.address}/canary/image:v1"

    def add_raw(self):
        """Servers of something else."""
        for name, plain, answer in (("garbage", True, b"SSH-2.0-OpenSSH_9.2\r\n"), ("garbage-status", True, b"HTTP/1.1 abc OK\r\n\r\n"),
                                    ("close-handshake", False, b"")):
            server = self.stack.enter_context(RawServer(answer))
            self.know(server.address, plain=plain, trust="" if plain else self.authority.certificate)
            self.references[name] = f"{server.address}/canary/image:v1"

    def add_proxy(self):
        """The proxy is never asked about loopback: these names exist nowhere but there."""
        self.proxy = self.stack.enter_context(FakeProxy())
        self.proxy_env = {"HTTP_PROXY": self.proxy.url, "HTTPS_PROXY": self.proxy.url,
                          "NO_PROXY": "no-such-host.invalid"}
        self.proxy_env.update({name.lower(): value for name, value in self.proxy_env.items()})
        for kind in ("forbidden", "password", "hang", "reset"):
            self.references[f"proxy-{kind}"] = f"{kind}.proxied.invalid/canary/image:v1"
            self.references[f"proxy-{kind}-plain"] = f"{kind}.plain.invalid/canary/image:v1"
            self.know(f"{kind}.plain.invalid")


HEAD, POST, FILL, COMMIT = "HEAD of a blob", "POST", "PUT or PATCH of a blob", "PUT of a manifest"
REALM = dict(kind="unauthorized", value="")  # asks for a token that the registry's own server gives


def said(status, code, message):
    """As docker-registry says it."""
    return dict(kind="status", status=status, headers={"Content-Type": "application/json"},
                body=b'{"errors":[{"code":"%s","message":"%s"}]}' % (code.encode(), message.encode()))


# name: (of which request of a push, fault).
PUSHES = {
    "good": None,
    "token": (TOKEN, dict(kind="slow", value=0)),
    "hang-head": (HEAD, dict(kind="hang")),
    "hang-post": (POST, dict(kind="hang")),
    "hang-body": (FILL, dict(kind="hang_body")),
    "hang-answer": (FILL, dict(kind="hang")),
    "hang-commit": (COMMIT, dict(kind="hang")),
    "hang-token": (TOKEN, dict(kind="hang")),
    "slow-body": (FILL, dict(kind="slow_body", value=12)),
    "reset-post": (POST, dict(kind="reset")),
    "close-post": (POST, dict(kind="close")),
    "reset-body": (FILL, dict(kind="reset_body")),
    "close-body": (FILL, dict(kind="close_body")),
    "reset-body-once": (FILL, dict(kind="reset_body", times=1)),
    "reset-commit": (COMMIT, dict(kind="reset")),
    "close-commit": (COMMIT, dict(kind="close")),
    "401-loop": (ANY, REALM),
    "401-bare": (ANY, dict(kind="status", status=401)),
    "401-body": (FILL, REALM),
    "401-body-once": (FILL, {**REALM, "times": 1}),
    "403-post": (POST, dict(kind="status", status=403)),
    "403-quota": (FILL, said(403, "DENIED", "requested access to the resource is denied")),
    "403-commit": (COMMIT, dict(kind="status", status=403)),
    "404-post": (POST, said(404, "NAME_UNKNOWN", "repository name not known to registry")),
    "404-upload": (FILL, said(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")),
    "405-post": (POST, said(405, "UNSUPPORTED", "The operation is unsupported.")),
    "405-bare": (POST, dict(kind="status", status=405)),
    "413-body": (FILL, dict(kind="status", status=413, early=True)),
    "413-commit": (COMMIT, dict(kind="status", status=413)),
    "416-body": (FILL, dict(kind="status", status=416)),
    "429-post": (POST, dict(kind="status", status=429, body=TOO_MANY)),
    "429-body": (FILL, dict(kind="status", status=429)),
    "429-commit": (COMMIT, dict(kind="status", status=429, headers={"Retry-After": "1"})),
    "500-head": (HEAD, dict(kind="status", status=500)),
    "500-post": (POST, dict(kind="status", status=500)),
    "500-body": (FILL, dict(kind="status", status=500)),
    "500-commit": (COMMIT, dict(kind="status", status=500)),
    "503-post": (POST, dict(kind="status", status=503)),
    "507-body": (FILL, dict(kind="status", status=507)),
    "400-digest": (FILL, said(400, "DIGEST_INVALID", "provided digest did not match uploaded content")),
    "400-size": (FILL, said(400, "SIZE_INVALID", "provided length did not match content length")),
    "400-manifest": (COMMIT, said(400, "MANIFEST_INVALID", "manifest invalid")),
    "404-commit-blob": (COMMIT, said(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")),
    "no-location": (POST, dict(kind="location")),
    "bad-location": (POST, dict(kind="location", value="gopher://nowhere/upload")),
    "far-location": (POST, dict(kind="location", value="cdn")),
    "loop-post": (POST, dict(kind="loop")),
    "loop-commit": (COMMIT, dict(kind="loop")),
    "no-digest-header": (COMMIT, dict(kind="digest_header")),
    "wrong-digest-header": (COMMIT, dict(kind="digest_header", value=WRONG)),
    "wrong-blob-digest": (FILL, dict(kind="digest_header", value=WRONG)),
    "has-it-all": (HEAD, dict(kind="status", status=200)),
    "token-garbage": (TOKEN, dict(kind="status", status=200, body=b"<html>")),
    "token-401": (TOKEN, dict(kind="status", status=401)),
    "token-403": (TOKEN, dict(kind="status", status=403)),
    "token-429": (TOKEN, dict(kind="status", status=429)),
    "token-500": (TOKEN, dict(kind="status", status=500)),
    "token-reset": (TOKEN, dict(kind="reset")),
}

WHO = {"username": "user", "password": "secret-word"}


class PushField(Field):
    """The same for pushes: each repository is empty, and handles uploads as its name says."""

    def fill(self):
        self.private = self.listen(auth="bearer", users={WHO["username"]: WHO["password"]}, token_by_post=False)
        self.registries[self.private.address]["auth"] = WHO
        for name, row in PUSHES.items():
            self.add(name, row)
        self.add_closed_location()
        self.add_passwords()
        self.add_token_server_down()
        self.add_somebody_elses()
        self.add_places()
        self.add_tls()
        self.add_proxy()

    def image(self, registry, repository):
        """What is pushed needs nothing to be there."""

    def add(self, name, row):
        place, fault = row or ("", {})
        registry = self.private if place == TOKEN else self.registry
        self.references[name] = f"{registry.address}/canary/{name}:v1"
        blobs, upload = f"/canary/{name}/blobs/", f"/canary/{name}/blobs/uploads/"
        requests = {HEAD: [("HEAD", blobs)], POST: [("POST", upload)], FILL: [("PUT", upload), ("PATCH", upload)],
                    COMMIT: [("PUT", f"/canary/{name}/manifests/")], ANY: [("", f"/canary/{name}/")],
                    TOKEN: [("", rf"^/token\?.*canary(/|%2F){name}(:|%3A)")], "": []}
        for method, path in requests[place]:
            registry.fault(method=method, path=path, **fault)

    def add_closed_location(self):
        self.add("closed-location", (POST, dict(kind="location", value=f"http://{self.closed}/upload")))

    def add_passwords(self):
        for name, auth in (("no-password", None), ("wrong-password", {**WHO, "password": "secret-no"})):
            registry = self.listen(auth="basic", users={WHO["username"]: WHO["password"]})
            if auth:
                self.registries[registry.address]["auth"] = auth
            self.references[name] = f"{registry.address}/canary/image:v1"
        registry = self.listen(auth="bearer")
        self.references["read-only-token"] = f"{registry.address}/canary/image:v1"

    def add_somebody_elses(self):
        self.registry.add_image("canary/somebody-elses", "v1")
        self.references["somebody-elses"] = f"{self.registry.address}/canary/somebody-elses:v1"

# SPDX-License-Identifier: Apache-2.0
"""hosts.toml, rule by rule: which hosts ctr of each version asks, and that the exporter asks the same.

Mirrors a and b do not have the image, the registry r has it: so every permitted host is asked, in order.
Expected is a list of "HOST/PATH", with "?" after it where ?ns= names the registry. A row that a version reads
in its own way has a list of its own for it.
"""
import pathlib
from urllib.parse import parse_qs, urlsplit

import pytest

from lab.fake.registry import FakeRegistry
from lab.fake.tls import Authority

REPOSITORY, TAG = "canary/image", "v1"
ALL = ("1.6", "1.7", "2")
OLD, NEW = ("1.6", "1.7"), ("2",)
FALLBACK = ["r/v2"]

# name, hosts.toml ({a} {b} {r}: host and port), {versions: requests}
ROWS = [
    ("order of the file", '[host."http://{b}"]\n[host."http://{a}"]\n', {ALL: ["b/v2?", "a/v2?", "r/v2"]}),
    ("server is last", 'server = "http://{a}"\n[host."http://{b}"]\n', {ALL: ["b/v2?", "a/v2?"]}),
    ("server is the registry", 'server = "http://{r}"\n[host."http://{b}"]\n', {ALL: ["b/v2?", "r/v2"]}),
    ("server alone", 'server = "http://{a}"\n', {OLD: FALLBACK, NEW: ["a/v2?"]}),
    ("nothing but a comment", "# nothing\n", {ALL: FALLBACK}),
    ("an empty file", "", {ALL: FALLBACK}),
    ("an empty table", "[host]\n", {ALL: FALLBACK}),
    ("not TOML", "[host\n", {ALL: FALLBACK}),
    ("prefix", '[host."http://{a}/pre/fix"]\n', {ALL: ["a/pre/fix/v2?", "r/v2"]}),
    ("prefix that ends in /v2", '[host."http://{a}/v2/"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("/v2 in the middle", '[host."http://{a}/v2/hub"]\n', {ALL: ["a/v2/hub/v2?", "r/v2"]}),
    ("/v2 as the end of a word", '[host."http://{a}/myv2"]\n', {ALL: ["a/myv2/v2?", "r/v2"]}),
    ("a path to clean", '[host."http://{a}//x/.//y/../z/"]\n', {ALL: ["a/x/z/v2?", "r/v2"]}),
    ("more .. than folders", '[host."http://{a}/../../x"]\n', {ALL: ["a/x/v2?", "r/v2"]}),
    ("query, fragment, user", '[host."http://u:p@{a}/p?q=1#f"]\n', {ALL: ["a/p/v2?", "r/v2"]}),
    ("override_path", '[host."http://{a}/api"]\noverride_path = true\n', {ALL: ["a/api?", "r/v2"]}),
    ("override_path without a path", '[host."http://{a}"]\noverride_path = true\n', {ALL: ["a?", "r/v2"]}),
    ("override_path of /", '[host."http://{a}/"]\noverride_path = true\n', {ALL: ["a?", "r/v2"]}),
    ("only pull", '[host."http://{a}"]\ncapabilities = ["pull"]\n', {ALL: ["r/v2"]}),
    ("pull and resolve in capitals", '[host."http://{a}"]\ncapabilities = ["PULL", "Resolve"]\n',
     {ALL: ["a/v2?", "r/v2"]}),
    ("no capabilities are all", '[host."http://{a}"]\ncapabilities = []\n', {ALL: ["a/v2?", "r/v2"]}),
    ("an unknown capability", '[host."http://{a}"]\ncapabilities = ["pull", "fetch"]\n', {ALL: FALLBACK}),
    ("capabilities as a text", '[host."http://{a}"]\ncapabilities = "pull"\n', {ALL: FALLBACK}),
    ("capabilities without server", 'capabilities = ["push"]\n[host."http://{a}"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("capabilities of server", 'server = "http://{b}"\ncapabilities = ["push"]\n[host."http://{a}"]\n', {ALL: ["a/v2?"]}),
    ("a wrong type", '[host."http://{a}"]\nskip_verify = "true"\n', {ALL: FALLBACK}),
    ("a header of a wrong type", '[host."http://{a}".header]\nx = 5\n', {ALL: FALLBACK}),
    ("an unknown key", 'colour = 1\n[host."http://{a}"]\ntaste = 2\n[other]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("keys in capitals", '[host."http://{a}"]\nCapabilities = ["push"]\n', {OLD: ["a/v2?", "r/v2"], NEW: ["r/v2"]}),
    ("an inline table", 'host = {{"http://{a}" = {{}}}}\n', {OLD: ["a/v2?", "r/v2"], NEW: ["r/v2"]}),
    ("dotted keys", 'host."http://{a}".override_path = false\n', {OLD: ["a/v2?", "r/v2"], NEW: ["r/v2"]}),
    ("a subtable first", '[host."http://{b}".header]\nx = "1"\n[host."http://{a}"]\n', {ALL: ["b/v2?", "a/v2?", "r/v2"]}),
    ("useless hosts", '[host.""]\n[host."http:///x"]\n[host."httpx"]\n[host."http://{a}"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("a header that cannot be sent", '[host."http://{a}".header]\n"x y" = "1"\n[host."http://{b}"]\n',
     {ALL: ["b/v2?", "r/v2"]}),
    ("not a URL", '[host."http://{a}:x"]\n', {ALL: FALLBACK}),
    ("a space in a host", '[host."http://a b"]\n[host."http://{a}"]\n', {ALL: FALLBACK}),
    ("a wrong escape", '[host."http://{a}/%zz"]\n', {ALL: FALLBACK}),
    ("dial_timeout", '[host."http://{a}"]\ndial_timeout = "1.5s"\n', {ALL: ["a/v2?", "r/v2"]}),
    ("not a dial_timeout", '[host."http://{a}"]\ndial_timeout = "soon"\n', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("a subtable first, the table last", '[host."http://{b}".header]\nx = "1"\n[host."http://{a}"]\n[host."http://{b}"]\n',
     {OLD: ["b/v2?", "a/v2?", "r/v2"], NEW: ["b/v2?", "a/v2?", "b/v2?", "r/v2"]}),
    ("a table twice", '[host."http://{a}"]\n[host."http://{a}"]\n', {ALL: FALLBACK}),
    ("a byte order mark", '\ufeff[host."http://{a}"]\n', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("a byte order mark later", '[host."http://{a}"]\n\ufeffx = 1\n', {ALL: FALLBACK}),
    ("a comment in Latin-1", '# caf\udce9\n[host."http://{a}"]\n', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("an unfinished escape", '[host."http://{a}"]\nca = "C:\\certs\\ca.crt"\n', {ALL: FALLBACK}),
    ("an escaped slash", 'x = "\\/"\n[host."http://{a}"]\n', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("an escaped escape", 'x = "\\e"\n[host."http://{a}"]\n', {OLD: FALLBACK, NEW: ["a/v2?", "r/v2"]}),
    ("half a character", 'x = "\\ud800"\n[host."http://{a}"]\n', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("escapes in a header", '["ho\\u0073t"."http:\\u002f/{a}"]\n', {OLD: FALLBACK, NEW: ["a/v2?", "r/v2"]}),
    ("ends of lines of Windows", '[host."http://{a}"]\r\ncapabilities = [\r\n"pull",\r\n"resolve"\r\n]\r\n',
     {ALL: ["a/v2?", "r/v2"]}),
    ("ends of lines of old", 'x = 1\r[host."http://{a}"]\r', {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("an address of IPv6", '[host."http://[::1]:9"]\n[host."http://{a}"]\n',
     {OLD: FALLBACK, NEW: ["a/v2?", "r/v2"]}),
    ("a key twice", 'x = 1\nx = 2\n[host."http://{a}"]\n', {ALL: FALLBACK}),
    ("a list of everything", 'x = [1, "a", 2.0, [true, {{}}]]\n[host."http://{a}"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("a wrong date", 'x = 1979-02-30\n[host."http://{a}"]\n', {OLD: FALLBACK, NEW: ["a/v2?", "r/v2"]}),
    ("a header of an inline table", '[host."http://{a}"]\nheader = {{x = "1"}}\n', {ALL: ["a/v2?", "r/v2"]}),
    ("a dial_timeout of a wrong type", '[host."http://{a}"]\ndial_timeout = 3\n',
     {OLD: ["a/v2?", "r/v2"], NEW: FALLBACK}),
    ("the registry as its own mirror", '[host."http://{r}/x/v2/.."]\ncapabilities = ["push"]\n[host."http://{a}"]\n',
     {ALL: ["a/v2?", "r/v2"]}),
    ("an empty server", 'server = ""\n[host."http://{a}"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("a server without a host", 'server = "http:///x"\n[host."http://{a}"]\n', {ALL: ["a/v2?", "r/v2"]}),
    ("a bad server", 'server = "http://{a}:x"\n[host."http://{a}"]\n', {ALL: FALLBACK}),
    ("a ca of no certificate", '[host."http://{a}"]\nca = "hosts.toml"\n', {ALL: None}),
    ("a client in one file", '[host."https://{a}"]\nclient = "both.pem"\n[host."http://{b}"]\n', {ALL: ["b/v2?", "r/v2"]}),
    ("a client in one file, as a pair", '[host."http://{a}"]\nclient = [["both.pem", ""]]\n', {ALL: None}),
    ("a certificate that is not there", '[host."http://{a}"]\nca = "missing.crt"\n', {ALL: None}),
    ("a key that is not there", '[host."http://{a}"]\nclient = [["both.pem", "missing.key"]]\n', {ALL: None}),
]


def expected(row, version):
    return next(asked for versions, asked in row[2].items() if version in versions)


class Site:
    """Two mirrors without the image and the registry that has it, and a folder for hosts.toml."""

    def __init__(self, folder):
        self.registries = {who: FakeRegistry() for who in "abr"}
        self.registry = self.registries["r"]
        self.registry.add_image(REPOSITORY, TAG)
        self.root = pathlib.Path(folder)
        self.folder = self.root / (self.registry.address.replace(":", "_") + "_")
        self.folder.mkdir(parents=True)
        certificate, key = Authority(self.root.parent / "authority").issue("client")
        both = pathlib.Path(certificate).read_text(encoding="utf-8") + pathlib.Path(key).read_text(encoding="utf-8")
        (self.folder / "both.pem").write_text(both, encoding="utf-8")
        self.reference = f"{self.registry.address}/{REPOSITORY}:{TAG}"

    def write(self, text):
        names = {who: registry.address for who, registry in self.registries.items()}
        (self.folder / "hosts.toml").write_text(text.format(**names), encoding="utf-8", errors="surrogateescape")
        for registry in self.registries.values():
            registry.log.clear()

    def asked(self):
        """The hosts that were asked for the tag, in order of time."""
        requests = sorted(((request.time, who, request) for who, registry in self.registries.items()
                           for request in registry.requests(path=f"/manifests/{TAG}")), key=lambda one: one[0])
        found = []
        for _, who, request in requests:
            url = urlsplit(request.path)
            name_space = parse_qs(url.query).get("ns", [""])[0]
            assert name_space in ("", self.registry.address)
            found.append(who + url.path[: url.path.index("/" + REPOSITORY)] + ("?" if name_space else ""))
        return found

    def headers(self, who):
        (request, *_) = self.registries[who].requests(path=f"/manifests/{TAG}")
        return request.headers

    def close(self):
        for registry in self.registries.values():
            registry.close()


@pytest.fixture(scope="module")
def site(module_lab):
    one = Site(module_lab.folder("certs.d"))
    yield one
    one.close()


def without_repeats(names):
    """A host that is asked again, by another method or because its table comes in two pieces, is the same."""
    return list(dict.fromkeys(names))


def ctr_pull(containerd, version, site):
    local = [] if version == "1.6" else ["--local"]
    return containerd.run("images", "pull", *local, "--plain-http", "--hosts-dir", site.root, site.reference,
                          namespace="hosts-rules")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_ctr_asks_these_hosts(containerd_of_version, version, site, row):
    site.write(row[1])
    done = ctr_pull(containerd_of_version, version, site)
    want = expected(row, version)
    assert site.asked() == (want or []), done.stderr
    assert (done.returncode == 0) == bool(want and want[-1].startswith("r/")), done.stderr


def run_probe(lab, site, engine, containerd=None, **settings):
    """An exporter whose only probe has run once."""
    config = {"containerd": {"hosts_dir": str(site.root)},
              "registries": {site.registry.address: {"plain_http": True}},
              "probes": [{"name": "canary", "operation": "pull", "engine": engine, "image": site.reference,
                          "interval": "1h", "timeout": "20s", **settings}]}
    if containerd:
        config["containerd"]["address"] = containerd.address
    exporter = lab.exporter(config, args=["--probe.spread=0s"])
    exporter.wait_for("image_canary_attempts_total", {"probe": "canary"}, lambda n: n >= 1)
    return exporter


def check_probe(exporter, site, want):
    assert without_repeats(site.asked()) == without_repeats(want or []), exporter.log
    assert exporter.value("image_canary_success") == bool(want and want[-1].startswith("r/")), exporter.log
    exporter.close()


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
@pytest.mark.unprivileged
def test_registry_engine_asks_the_hosts_of_containerd_2(lab, site, row):
    site.write(row[1])
    check_probe(run_probe(lab, site, "registry"), site, expected(row, "2"))


@pytest.mark.parametrize("row", [row for row in ROWS if len(row[2]) > 1], ids=lambda row: row[0])
def test_client_engine_asks_the_hosts_of_its_containerd(lab, containerd_of_version, version, site, row):
    site.write(row[1])
    check_probe(run_probe(lab, site, "client", containerd_of_version), site, expected(row, version))


def test_ctr_sends_the_configured_headers(containerd_of_version, version, site):
    site.write('[host."http://{a}".header]\nx-one = "1"\nx-two = ["2", "3"]\naccept = "none"\n')
    ctr_pull(containerd_of_version, version, site)
    headers = {name.lower(): value for name, value in site.headers("a").items()}
    assert headers["x-one"] == "1"
    assert headers["x-two"] in ("2", "3")


def test_exporter_sends_the_configured_headers(lab, site):
    site.write('[host."http://{a}".header]\nx-one = "1"\nx-two = ["2", "3"]\naccept = "none"\n')
    run_probe(lab, site, "registry").close()
    headers = {name.lower(): value for name, value in site.headers("a").items()}
    assert headers["x-one"] == "1"
    assert headers["x-two"] in ("2", "3")
    assert headers["accept"] != "none"


# What is said of TLS to a mirror that has TLS and the image: whether it is asked.
TLS = [
    ("nothing", 'server = "http://{r}"\n[host."https://{m}"]\n', False),
    ("ca", 'server = "http://{r}"\n[host."https://{m}"]\nca = "private.crt"\n', True),
    ("ca of a list", 'server = "http://{r}"\n[host."https://{m}"]\nca = ["private.crt", "other.crt"]\n', True),
    ("another ca", 'server = "http://{r}"\n[host."https://{m}"]\nca = "other.crt"\n', False),
    ("skip_verify", 'server = "http://{r}"\n[host."https://{m}"]\nskip_verify = true\n', True),
    ("http, and skip_verify", 'server = "http://{r}"\n[host."http://{m}"]\nskip_verify = true\n', True),
    ("http, and nothing", 'server = "http://{r}"\n[host."http://{m}"]\n', False),
    ("ca of server alone", 'server = "https://{m}"\nca = "private.crt"\n[host."https://{m}/x"]\n', True),
]


@pytest.fixture(scope="module")
def tls_site(module_lab):
    """Mirror m speaks TLS."""
    one = Site(module_lab.folder("tls-certs.d"))
    for name in ("private", "other"):
        authority = Authority(one.root.parent / f"{name}-authority")
        (one.folder / f"{name}.crt").write_bytes(pathlib.Path(authority.certificate).read_bytes())
        if name == "private":
            one.registries["m"] = FakeRegistry(tls=authority.issue("mirror"))
    mirror = one.registries["m"]
    for store in ("blobs", "manifests", "tags"):
        setattr(mirror, store, dict(getattr(one.registry, store)))
    yield one
    one.close()


@pytest.mark.parametrize("row", TLS, ids=[row[0] for row in TLS])
def test_ctr_trusts_these_authorities(containerd_of_version, version, tls_site, row):
    tls_site.write(row[1])
    done = ctr_pull(containerd_of_version, version, tls_site)
    mirror = row[2] and not (version == "1.6" and "http://{m}" in row[1])  # it never tries https there
    assert tls_site.asked()[0] == ("m/v2?" if mirror else "r/v2"), done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("row", TLS, ids=[row[0] for row in TLS])
def test_exporter_trusts_the_authorities_of_ctr(lab, tls_site, row):
    tls_site.write(row[1])
    exporter = run_probe(lab, tls_site, "registry")
    assert tls_site.asked()[0] == ("m/v2?" if row[2] else "r/v2"), exporter.log
    assert exporter.value("image_canary_success") == 1, exporter.log
    served_by = tls_site.registries["m" if row[2] else "r"].address
    assert exporter.value("image_canary_served_by_info", host=served_by) == 1

# SPDX-License-Identifier: Apache-2.0
"""--path.rootfs: the exporter of a pod reads the files of its node below a mounted folder, whose symbolic links
are resolved inside. The registries speak TLS with a certificate of an authority that only the node trusts."""
import base64
import json
import pathlib
import ssl

import pytest

from lab.exporter import run_exporter
from lab.fake.registry import FakeRegistry
from lab.fake.tls import Authority
from lab.matrix import need
from lab.probes import config_for, probe, reason, run_once

NOWHERE = {"containerd": {"address": "/nowhere"}}
NO_VARIABLES = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}  # which the tests' own environment may have
BUNDLES = [
    ("debian", "etc/ssl/certs/ca-certificates.crt", {}),
    ("rhel", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
     {"etc/pki/tls/certs/ca-bundle.crt": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}),
    ("rhel-extracted", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", {}),
    ("rhel-linked-folder", "etc/pki/tls/certs/ca-bundle.crt", {"etc/ssl/certs": "../pki/tls/certs"}),
    ("suse", "var/lib/ca-certificates/ca-bundle.pem",
     {"etc/ssl/ca-bundle.pem": "../../var/lib/ca-certificates/ca-bundle.pem"}),
    ("openelec", "etc/pki/tls/cacert.pem", {}),
    ("alpine", "etc/ssl/cert.pem", {}),
    ("flatcar", "usr/share/ca-certificates/ca-certificates.crt",
     {"etc/ssl/certs/ca-certificates.crt": "/usr/share/ca-certificates/ca-certificates.crt"}),
    ("cos", "usr/share/ca-certificates/own.crt", {"etc/ssl/certs/own.pem": "/usr/share/ca-certificates/own.crt",
                                                  "etc/ssl/certs/8d33f237.0": "own.pem"}),
    ("bottlerocket", "x86_64-bottlerocket-linux-gnu/sys-root/usr/share/cacerts/ca-bundle.crt",
     {"usr": "x86_64-bottlerocket-linux-gnu/sys-root/usr",
      "etc/pki/tls/certs/ca-bundle.crt": "/usr/share/cacerts/ca-bundle.crt"}),
    ("climbs", "usr/share/bundle.crt", {"etc/ssl/certs/ca-certificates.crt": "../../../../../../usr/share/bundle.crt"}),
    ("next-one", "etc/ssl/cert.pem", {"etc/ssl/certs/ca-certificates.crt": "/usr/share/none.crt"}),
]


class Node:
    """The root folder of a node."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.args = [f"--path.rootfs={self.root}"]

    def put(self, path, text, mode=0o644):
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def copy(self, path, origin):
        self.put(path, pathlib.Path(origin).read_text(encoding="utf-8"))

    def link(self, path, target):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def mirror(self, registry, options="", host="r.example"):
        """Pulls of r.example go to this registry."""
        self.put(f"etc/containerd/certs.d/{host}/hosts.toml",
                 f'server = "https://{registry}"\n[host."https://{registry}"]\n{options}')


@pytest.fixture
def node(lab):
    return Node(lab.folder("node"))


@pytest.fixture(scope="module")
def registry(module_lab):
    """A docker-registry with TLS and the image canary/a."""
    one = module_lab.registry(tls=True)
    module_lab.maker.image().push(one, "canary/a", "v1")
    return one


@pytest.fixture(scope="module")
def private(module_lab):
    """The same with a password."""
    one = module_lab.registry(tls=True, htpasswd={"user": "secret"})
    module_lab.maker.image().push(one, "canary/a", "v1")
    return one


def start(lab, config, args, env=None):
    """An exporter that has run its probes."""
    return run_once(lab, {**NOWHERE, **config}, args=args, env={**NO_VARIABLES, **(env or {})})


def pull(lab, node, daemon=None, args=None, env=None, engine="registry", **more):
    """The reason of a pull of r.example/canary/a, and the exporter."""
    config = config_for(daemon, probe("r.example/canary/a:v1", engine=engine, **more))
    exporter = start(lab, config, node.args if args is None else args, env)
    return reason(exporter), exporter


@pytest.mark.unprivileged
@pytest.mark.parametrize("bundle,links", [row[1:] for row in BUNDLES], ids=[row[0] for row in BUNDLES])
def test_trusts_what_the_node_trusts(lab, node, registry, bundle, links):
    node.mirror(registry.host)
    for path, target in links.items():
        node.link(path, target)
    node.copy(bundle, registry.cafile)
    found, exporter = pull(lab, node)
    assert found is None, exporter.log


@pytest.mark.unprivileged
def test_trusts_nothing_else(lab, node, registry):
    """Neither what a link names outside of the folder, nor the certificates of the pod."""
    node.mirror(registry.host)
    node.link("etc/ssl/certs/ca-certificates.crt", registry.cafile)
    node.link("etc/ssl/certs/other.pem", "/proc/self/root" + str(registry.cafile))
    node.link("etc/ssl/certs/loop.pem", "/etc/ssl/certs/loop.pem")
    found, exporter = pull(lab, node)
    assert found == "tls", exporter.log
    page = exporter.get("/history?format=json")[2].decode()
    assert f"found none in the system's files below {node.root}" in page


@pytest.mark.unprivileged
@pytest.mark.parametrize("link", ["etc/containerd/certs.d", "etc/containerd/certs.d/{host}", "etc/containerd/certs.d/{host}/hosts.toml"])
def test_warns_of_mirrors_that_are_not_mounted(lab, node, registry, link):
    node.copy("etc/ssl/certs/ca-certificates.crt", registry.cafile)
    link = link.format(host=registry.host)
    node.link(link, "/data/elsewhere")
    exporter = start(lab, config_for(None, probe(f"{registry.host}/canary/a:v1", engine="registry")), node.args)
    assert reason(exporter) is None, exporter.log
    assert f"{node.root}/{link}: a link that leads nowhere below {node.root}: /data/elsewhere" in exporter.log


@pytest.mark.unprivileged
@pytest.mark.parametrize("variable,value,want", [
    ("SSL_CERT_FILE", "{pod}", None), ("SSL_CERT_FILE", "{node}/etc/inside.crt", None),
    ("SSL_CERT_FILE", "/etc/inside.crt", "tls"), ("SSL_CERT_DIR", "{node}/etc/folder", None)])
def test_variables_belong_to_the_pod(lab, node, registry, variable, value, want):
    node.mirror(registry.host)
    node.copy("etc/inside.crt", registry.cafile)
    node.link("etc/folder/any", "/etc/inside.crt")
    found, exporter = pull(lab, node, env={variable: value.format(pod=registry.cafile, node=node.root)})
    assert found == want, exporter.log


@pytest.mark.unprivileged
def test_the_own_configuration_is_read_where_it_says(lab, node, registry):
    """ca_file and password files: the node has others of the same path, which must not be read."""
    node.mirror(registry.host)
    node.put(registry.cafile, "of the node")
    config = config_for(None, probe(f"{registry.host}/canary/a:v1", engine="registry"),
                        registries={registry.host: {"ca_file": registry.cafile}})
    assert reason(start(lab, config, node.args)) is None


@pytest.mark.unprivileged
def test_a_new_bundle_counts_at_once(lab, node, registry):
    node.mirror(registry.host)
    node.copy("etc/pki/one.crt", Authority(lab.temp / "other").certificate)
    node.copy("etc/pki/two.crt", registry.cafile)
    node.link("etc/ssl/cert.pem", "/etc/pki/one.crt")
    found, exporter = pull(lab, node, schedule="@every 1s")
    assert found == "tls"
    (node.root / "etc/ssl/new").symlink_to("/etc/pki/two.crt")
    (node.root / "etc/ssl/new").rename(node.root / "etc/ssl/cert.pem")
    exporter.wait_for("image_canary_success", {"probe": "canary"}, 1)


@pytest.fixture(scope="module")
def guarded(module_lab):
    """A registry that requires a client certificate; and its authority."""
    authority = Authority(module_lab.folder("tls"))
    with FakeRegistry(tls=authority.issue("server")) as one:
        one.tls.verify_mode = ssl.CERT_REQUIRED
        one.tls.load_verify_locations(authority.certificate)
        one.add_image("canary/a", "v1")
        yield one.address, authority.certificate, *authority.issue("client")


@pytest.mark.unprivileged
@pytest.mark.parametrize("ca,cert,key,want", [
    ("ca.pem", "client.pem", "client.key", None),
    ("/etc/private/ca", "/etc/private/cert", "/etc/private/key", None),
    ("../../../private/ca", "/etc/linked/cert", "/etc/linked/key", None),
    ("ca.pem", "", "", "tls"), ("/etc/none", "client.pem", "client.key", "invalid"),
    ("ca.pem", "/etc/outside", "client.key", "invalid")],
    ids=["relative", "absolute", "links", "none", "missing", "outside"])
def test_files_that_hosts_toml_names(lab, node, guarded, ca, cert, key, want):
    address, *files = guarded
    node.mirror(address, f"ca = '{ca}'\n" + (f"client = [['{cert}', '{key}']]\n" if cert else ""))
    for folder, names in (("etc/containerd/certs.d/r.example", ("ca.pem", "client.pem", "client.key")),
                          ("etc/private", ("ca", "cert", "key"))):
        for name, origin in zip(names, files):
            node.copy(f"{folder}/{name}", origin)
    node.link("etc/linked", "/etc/private")
    node.link("etc/outside", files[1])
    found, exporter = pull(lab, node)
    assert found == want, exporter.log


@pytest.mark.unprivileged
def test_certificates_of_docker(lab, node, guarded):
    """/etc/docker/certs.d/HOST/{ca.crt,client.cert,client.key}, no hosts.toml."""
    address, *files = guarded
    for name, origin in zip(("ca.crt", "client.cert", "client.key"), files):
        node.copy(f"etc/docker/certs.d/{address}/{name}", origin)
    config = config_for(None, probe(f"{address}/canary/a:v1", engine="registry"))
    assert reason(start(lab, config, node.args)) is None


def test_client_engine(lab, containerd, node, registry):
    """Into a real containerd, whose socket is not below the folder."""
    node.mirror(registry.host)
    node.link("etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")
    node.copy("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", registry.cafile)
    found, exporter = pull(lab, node, containerd, engine="client")
    assert found is None, exporter.log
    assert pull(lab, node, containerd, args=[], engine="client")[0] is not None


def test_the_daemon_gets_the_path_of_the_node(lab, daemon, node, registry):
    """Engine transfer: the daemon reads its own files, not those below the exporter's folder."""
    need("transfer")
    folder = lab.folder("certs.d")
    (folder / "r.example").mkdir(parents=True)
    (folder / "r.example/hosts.toml").write_text(
        f'server = "https://{registry.host}"\n[host."https://{registry.host}"]\nca = "{registry.cafile}"\n')
    node.put(f"{folder}/r.example/hosts.toml", "not read by the daemon")
    config = config_for(daemon, probe("r.example/canary/a:v1", engine="transfer"), hosts_dir=folder)
    exporter = start(lab, config, node.args)
    assert reason(exporter) is None, exporter.log


def program(text):
    return f"#!/bin/sh\ncat >/dev/null; echo '{text}'\n"


class Secrets:
    """What a node has for a registry whose password is `secret`: files, and programs that print it."""

    def __init__(self, host):
        self.host = host
        self.helper = program(json.dumps({"Username": "user", "Secret": "secret"}))
        self.provider = program(json.dumps({
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderResponse",
            "cacheKeyType": "Registry", "auth": {host: {"username": "user", "password": "secret"}}}))
        self.providers = json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig",
            "providers": [{"name": "plugin", "matchImages": [host], "defaultCacheDuration": "1m",
                           "apiVersion": "credentialprovider.kubelet.k8s.io/v1"}]})
        self.named_helper = json.dumps({"credHelpers": {host: "of-the-node"}})

    def docker_config(self, password="secret"):
        entry = base64.b64encode(f"user:{password}".encode()).decode()
        return json.dumps({"auths": {self.host: {"auth": entry}}})


def put_secrets(node, pod, secrets):
    """On the node, and in the pod: a mounted Secret, programs of the image."""
    node.put("etc/docker/config.json", secrets.docker_config())
    node.link("etc/linked.json", "/etc/docker/config.json")
    node.put("etc/helper.json", secrets.named_helper)
    node.put("usr/lib/helpers/real", secrets.helper, 0o755)
    node.link("usr/bin/docker-credential-of-the-node", "/usr/lib/helpers/real")
    node.put("etc/kubernetes/provider.json", secrets.providers)
    node.put("etc/kubernetes/folder/one.yaml", secrets.providers)
    node.put("opt/bin/plugin", secrets.provider, 0o755)
    node.link("opt/linked", "/opt/bin")
    node.put("opt/lost/plugin", "#!/nowhere/sh\n", 0o755)
    pod.put("config.json", secrets.docker_config())
    pod.put("both.json", secrets.docker_config("of the pod"))
    node.put(f"{pod.root}/both.json", secrets.docker_config())
    pod.put("plugin", secrets.provider, 0o755)
    pod.put("provider.json", secrets.providers)


@pytest.mark.unprivileged
def test_credentials_of_the_node(lab, node, private):
    """One exporter, one probe for each place."""
    pod = Node(lab.folder("pod"))
    node.mirror(private.host, host=private.host)
    node.copy("etc/ssl/cert.pem", private.cafile)
    put_secrets(node, pod, Secrets(private.host))
    provider = "/etc/kubernetes/provider.json"
    settings = {
        "none": {}, "plain": {"docker_config": "/etc/docker/config.json"}, "linked": {"docker_config": "/etc/linked.json"},
        "named": {"docker_config": f"{node.root}/etc/linked.json"}, "helper": {"docker_config": "/etc/helper.json"},
        "secret": {"docker_config": f"{pod.root}/config.json"}, "both": {"docker_config": f"{pod.root}/both.json"},
        "missing": {"docker_config": "/etc/none.json"},
        "provider": {"credential_provider": {"config": provider, "bin_dir": "/opt/bin"}},
        "folder": {"credential_provider": {"config": "/etc/kubernetes/folder", "bin_dir": "/opt/linked"}},
        "own": {"credential_provider": {"config": f"{pod.root}/provider.json", "bin_dir": str(pod.root)}},
        "lost": {"credential_provider": {"config": provider, "bin_dir": "/opt/lost"}}}
    exporter = start(lab, config_for(None, *(probe(f"{private.host}/canary/a:v1", name, engine="registry", **more)
                                             for name, more in settings.items())), node.args)
    want = {"none": "unauthorized", "missing": "invalid", "lost": "invalid"}
    assert {name: reason(exporter, name) for name in settings} == {name: want.get(name) for name in settings}, exporter.log
    page = exporter.get("/history?format=json")[2].decode()
    assert f"{node.root}/opt/lost/plugin: its interpreter or dynamic loader does not exist" in page
    assert f"{node.root}/etc/none.json: No such file" in page
    assert f"--path.rootfs={node.root}" in exporter.get("/config")[2].decode()


@pytest.mark.unprivileged
@pytest.mark.parametrize("env,hostname,want,warns", [
    ({}, "worker-7.example\n", "worker-7.example", False), ({"NODE_NAME": "named"}, "worker-7\n", "named", False),
    ({"NODE_NAME": ""}, None, None, True)], ids=["file", "variable", "pod"])
def test_name_of_the_node(lab, node, registry, env, hostname, want, warns):
    """{node} is the node's name, and a name that may be a pod's is warned about."""
    env = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", **env}
    node.copy("etc/ssl/cert.pem", registry.cafile)
    node.mirror(registry.host)
    if hostname:
        node.put("etc/hostname", hostname)
    config = config_for(None, probe("r.example/names/{node}:v1", operation="push", engine="registry",
                                    content={"size": "1KiB"}))
    exporter = start(lab, config, node.args, env)
    assert reason(exporter) is None, exporter.log
    if want:
        assert registry.request(f"/v2/names/{want}/tags/list")[0] == 200
    assert exporter.log.count("would leave a new repository in the registry") == warns
    done = run_exporter("--config.check", f"--config.file={exporter.config_path}", *node.args,
                        env={**NO_VARIABLES, **env})
    assert done.returncode == 0 and ("warning: {node} is" in done.stderr) == warns, done.stderr


@pytest.mark.unprivileged
def test_run_from_a_terminal(lab, node, registry):
    node.mirror(registry.host)
    node.copy("etc/ssl/cert.pem", registry.cafile)
    file = lab.temp / "config.yml"
    file.write_text(json.dumps({**NOWHERE, **config_for(None, probe("r.example/canary/a:v1", engine="registry"))}))
    for args, status in ((node.args, 0), ([], 1)):
        done = run_exporter("probe", "canary", f"--config.file={file}", *args, env=NO_VARIABLES)
        assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.unprivileged
@pytest.mark.parametrize("folder,words", [("/nonexistent/host", "--path.rootfs: /nonexistent/host: No such file"),
                                          ("host", "expected an absolute path"), ("/etc/passwd", "Not a directory")])
def test_rejects_what_is_no_folder(folder, words):
    for args in (["--config.check"], ["probe", "--list"]):
        done = run_exporter(*args, f"--path.rootfs={folder}")
        assert done.returncode != 0 and words in done.stderr

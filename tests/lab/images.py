# SPDX-License-Identifier: Apache-2.0
"""Images generated in memory, and their way into a registry or a containerd."""
import gzip
import hashlib
import io
import json
import random
import tarfile
import tempfile
import urllib.parse

from lab.wait import LabError

MIB = 1 << 20
OCI = {"manifest": "application/vnd.oci.image.manifest.v1+json", "index": "application/vnd.oci.image.index.v1+json",
       "config": "application/vnd.oci.image.config.v1+json", "tar": "application/vnd.oci.image.layer.v1.tar",
       "gzip": "application/vnd.oci.image.layer.v1.tar+gzip"}
DOCKER = {"manifest": "application/vnd.docker.distribution.manifest.v2+json",
          "index": "application/vnd.docker.distribution.manifest.list.v2+json",
          "config": "application/vnd.docker.container.image.v1+json",
          "tar": "application/vnd.docker.image.rootfs.diff.tar",
          "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip"}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layer:
    """A tar with these files; `data` is the blob as a registry keeps it."""

    def __init__(self, files, compress=True):
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
        tar_bytes = plain.getvalue()
        self.kind = "gzip" if compress else "tar"
        self.data = gzip.compress(tar_bytes, 1, mtime=0) if compress else tar_bytes
        self.digest, self.diff_id = sha256(self.data), sha256(tar_bytes)


class Image:
    """What a reference points at, with all blobs below it. For an index, `manifests` are its images."""

    def __init__(self, media_type, data, blobs, manifests=(), layers=(), config=None):
        self.media_type, self.data, self.digest = media_type, data, sha256(data)
        self.blobs, self.manifests = blobs, list(manifests)  # blobs: {digest: bytes}, self not included
        self.layers, self.config_digest = list(layers), config
        self.annotations = {}

    @property
    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}

    @property
    def size(self):
        """Config and layers: what `ctr images check` calls the size, for one platform's image."""
        return sum(len(data) for data in self.blobs.values())

    def push(self, registry, repository, tag):
        """Into a DockerRegistry, or anything with .url and .request of its kind; gives the reference."""
        for image in self.manifests:
            image.push(registry, repository, image.digest)
        nested = {image.digest for image in self.manifests} | {d for i in self.manifests for d in i.blobs}
        for digest, data in self.blobs.items():
            if digest not in nested:
                push_blob(registry, repository, digest, data)
        status, _, body = registry.request(f"/v2/{repository}/manifests/{tag}", "PUT", self.data,
                                           {"Content-Type": self.media_type})
        if status != 201:
            raise LabError(f"push of {repository}:{tag}: {status} {body[:300]}")
        return f"{registry.host}/{repository}:{tag}"

    def layout(self, name):
        """An OCI layout as a tar: what `ctr images import` and `skopeo copy oci-archive:` read."""
        top = {**self.descriptor, "annotations": {"io.containerd.image.name": name,
                                                  "org.opencontainers.image.ref.name": name.rpartition(":")[2]}}
        files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
                 "index.json": as_json({"schemaVersion": 2, "manifests": [top]})}
        for digest, data in {self.digest: self.data, **self.blobs}.items():
            files["blobs/" + digest.replace(":", "/")] = data
        return Layer(files, compress=False).data

    def load(self, containerd, namespace, name, unpack=True, all_platforms=False, flags=()):
        """Into containerd, as `name`; gives the name."""
        with tempfile.NamedTemporaryFile(dir=containerd.dir, suffix=".tar") as archive:
            archive.write(self.layout(name))
            archive.flush()
            flags = [*flags, *([] if unpack else ["--no-unpack"]), *(["--all-platforms"] if all_platforms else [])]
            containerd.ctr("images", "import", *flags, archive.name, namespace=namespace)
        containerd.collect_garbage(namespace)  # the archive's index.json is no image's
        return name


def push_blob(registry, repository, digest, data):
    if registry.request(f"/v2/{repository}/blobs/{digest}", "HEAD")[0] == 200:
        return
    status, headers, body = registry.request(f"/v2/{repository}/blobs/uploads/", "POST", b"")
    if status != 202:
        raise LabError(f"upload to {repository}: {status} {body[:300]}")
    place = urllib.parse.urljoin(registry.url, headers["Location"])
    place += ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": digest})
    status, _, body = registry.request(place, "PUT", data, {"Content-Type": "application/octet-stream"})
    if status != 201:
        raise LabError(f"upload to {repository}: {status} {body[:300]}")


class ImageMaker:
    """Makes images in memory. The same seed and the same calls give the same digests."""

    def __init__(self, seed=0):
        self.random = random.Random(seed)
        self.made = 0

    def layer(self, size=64 * 1024, files=None, compress=True):
        """`size` random bytes in one file (big ones: compress=False, random bytes only cost time), or `files`."""
        self.made += 1
        name = f"layer-{self.made}-{self.random.getrandbits(32):08x}"
        return Layer(files or {name: self.random.randbytes(size)}, compress)

    def image(self, layers=2, size=64 * 1024, platform="linux/amd64", docker=False, compress=True, config=None):
        """`layers`: a number of random layers of `size` bytes each, or a list of Layer."""
        types = DOCKER if docker else OCI
        if isinstance(layers, int):
            layers = [self.layer(size, compress=compress) for _ in range(layers)]
        system, machine, *variant = platform.split("/")
        text = {"os": system, "architecture": machine, "config": {"Cmd": ["/none"]},
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}, **(config or {})}
        if variant:
            text["variant"] = variant[0]
        config_data = as_json(text)
        manifest = {"schemaVersion": 2, "mediaType": types["manifest"],
                    "config": {"mediaType": types["config"], "digest": sha256(config_data), "size": len(config_data)},
                    "layers": [{"mediaType": types[layer.kind], "digest": layer.digest, "size": len(layer.data)}
                               for layer in layers]}
        blobs = {sha256(config_data): config_data, **{layer.digest: layer.data for layer in layers}}
        image = Image(types["manifest"], as_json(manifest), blobs, layers=layers, config=sha256(config_data))
        image.platform = platform
        return image

    def index(self, images, docker=False, attestation=False):
        """An index of images, each under the platform it was made for. attestation adds the
        unknown/unknown entry that BuildKit writes beside the first image."""
        types = DOCKER if docker else OCI
        images, entries = list(images), []
        for image in images:
            system, machine, *variant = image.platform.split("/")
            platform = {"os": system, "architecture": machine, **({"variant": variant[0]} if variant else {})}
            entries.append({**image.descriptor, "platform": platform})
        if attestation:
            proof = self.image([Layer({"proof.json": as_json({"of": images[0].digest})})])
            images.append(proof)
            entries.append({**proof.descriptor, "platform": {"os": "unknown", "architecture": "unknown"},
                            "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                                            "vnd.docker.reference.digest": images[0].digest}})
        data = as_json({"schemaVersion": 2, "mediaType": types["index"], "manifests": entries})
        blobs = {}
        for image in images:
            blobs.update({image.digest: image.data, **image.blobs})
        return Image(types["index"], data, blobs, manifests=images)

    def multi_platform(self, platforms=("linux/amd64", "linux/arm64"), docker=False, attestation=True, **options):
        return self.index([self.image(platform=p, docker=docker, **options) for p in platforms], docker, attestation)

# SPDX-License-Identifier: Apache-2.0
"""Situations that a store can be in: for each a name and what makes it.

A maker is called with a Kit on an empty corner of a namespace (its blobs are its own) and gives the
descriptor that an image record will point at. SITUATIONS is what the differential test walks over.
"""
import base64
import copy
import json

from lab.images import DOCKER, OCI, as_json, sha256

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
GONE = object()  # for a key that shall not be there


def edited(document, changes):
    document = {**document, **(changes or {})}
    return {key: value for key, value in document.items() if value is not GONE}


def entry(target, platform=None, **more):
    """A descriptor as an index has it; `platform` as os/architecture/variant, a dict, or None."""
    if isinstance(platform, str):
        platform = dict(zip(("os", "architecture", "variant"), platform.split("/")))
    return {**target, **({} if platform is None else {"platform": platform}), **more}


class Made:
    """An image that was put into the store, by its descriptors."""

    def __init__(self, target, config, layers, chain, data):
        self.target, self.config, self.layers, self.chain, self.data = target, config, layers, chain, data


class Kit:
    """Makes blobs that no other kit makes, in one namespace."""

    def __init__(self, store, rng, snapshotter="overlayfs"):
        self.store, self.random, self.snapshotter = store, rng, snapshotter

    def put(self, value, media_type):
        """A blob of these bytes, or of this document; gives its descriptor."""
        data = value if isinstance(value, bytes) else as_json(value)
        return {"mediaType": media_type, "digest": self.store.put(data), "size": len(data)}

    def drop(self, *descriptors):
        for descriptor in descriptors:
            self.store.remove_blob(descriptor["digest"])

    def blob_file(self, descriptor):
        return self.store.containerd.blob_path(descriptor["digest"])

    def layer(self, media_type=OCI["gzip"], size=None):
        return self.put(self.random.randbytes(size or self.random.randint(100, 3000)), media_type)

    def image(self, platform="linux/amd64", layers=2, types=OCI, manifest=None, config=None, unpack=True,
              manifest_body=None, config_body=None):
        """`layers`: a number or descriptors; `manifest` and `config` change keys, `…_body` the bytes."""
        if isinstance(layers, int):
            layers = [self.layer(types["gzip"]) for _ in range(layers)]
        system, machine, *variant = platform.split("/")
        diff_ids = [sha256(self.random.randbytes(8)) for _ in layers]
        text = {"os": system, "architecture": machine, **({"variant": variant[0]} if variant else {}),
                "rootfs": {"type": "layers", "diff_ids": diff_ids}, "author": f"{self.random.getrandbits(60)}"}
        text = as_json(edited(text, config))
        config = self.put(config_body(text) if config_body else text, types["config"])
        document = edited({"schemaVersion": 2, "mediaType": types["manifest"], "config": config, "layers": layers},
                          manifest)
        data = as_json(document)
        data = manifest_body(data) if manifest_body else data
        target = self.put(data, types["manifest"])
        chain = self.store.unpack(diff_ids, self.snapshotter) if unpack else None
        return Made(target, config, layers, chain, data)

    def index(self, entries, types=OCI, index_body=None, **changes):
        document = edited({"schemaVersion": 2, "mediaType": types["index"], "manifests": entries,
                           "annotations": {"unique": f"{self.random.getrandbits(60)}"}}, changes)
        data = as_json(document)
        return self.put(index_body(data) if index_body else data, types["index"])

    def index_of(self, *platforms, types=OCI, **changes):
        """An index of whole images, each with the platform that its entry names."""
        return self.index([entry(self.image(p, types=types).target, p) for p in platforms], types, **changes)

    def chain_of(self, depth):
        target = entry(self.image().target, "linux/amd64")
        for _ in range(depth):
            target = entry(self.index([target]), "linux/amd64")
        return {key: target[key] for key in ("mediaType", "digest", "size")}


def without(pick, **options):
    """A whole image that then loses the record of what pick(image) names."""
    def make(kit):
        image = kit.image(**options)
        kit.drop(*pick(image))
        return image.target
    return make


def file_of(pick, damage):
    """A whole image, the file of one of whose blobs is damaged; its record stays."""
    def make(kit):
        image = kit.image()
        damage(kit.blob_file(pick(image)))
        return image.target
    return make


def overwrite(path):
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)


def cut(path):
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def empty(path):
    path.chmod(0o644)
    path.write_bytes(b"")


def lost(path):
    path.unlink()


def whole(**options):
    return lambda kit: kit.image(**options).target


def platforms(*names, **options):
    return lambda kit: kit.index_of(*names, **options)


def one_entry(platform, image_platform="linux/amd64", **more):
    """An index of one image under this platform."""
    return lambda kit: kit.index([entry(kit.image(image_platform).target, platform, **more)])


def lost_child(*names, lose=0):
    def make(kit):
        images = [kit.image(name) for name in names]
        kit.drop(images[lose].target)
        return kit.index([entry(image.target, name) for image, name in zip(images, names)])
    return make


def bare(*image_platforms, lose_config=None, first=()):
    """An index whose entries name no platform, behind those of `first` that do."""
    def make(kit):
        images = [kit.image(name) for name in image_platforms]
        if lose_config is not None:
            kit.drop(images[lose_config].config)
        named = [entry(kit.image(name).target, name) for name in first]
        return kit.index([entry(image.target) for image in images] + named)
    return make


def attested(first):
    def make(kit):
        image, proof = kit.image(), kit.image("unknown/unknown")
        entries = [entry(image.target, "linux/amd64"),
                   entry(proof.target, "unknown/unknown", annotations={"vnd.docker.reference.type": "attestation-manifest"})]
        return kit.index(entries[::-1] if first else entries)
    return make


def changed_target(make, **changes):
    return lambda kit: {**make(kit), **changes}


def changed_layer(**changes):
    def make(kit):
        first, second = kit.layer(), kit.layer()
        return kit.image(layers=[edited(first, changes), second]).target
    return make


def changed_config(**changes):
    """The manifest's descriptor of the configuration, with other values."""
    def make(kit):
        image = kit.image()
        document = json.loads(image.data)
        document["config"] = edited(document["config"], changes)
        return kit.put(document, OCI["manifest"])
    return make


def manifest_with(**changes):
    return whole(manifest=changes)


def config_with(**changes):
    return whole(config=changes)


def body(change, **options):
    return whole(manifest_body=change, **options)


def garbage(media_type, data):
    return lambda kit: kit.put(data + f"{kit.random.getrandbits(60)}".encode(), media_type)


def inline(what, damage=None):
    """A document that is not in the store, but in `data` of the descriptor that names it."""
    def make(kit):
        image = kit.image()
        text = {"manifest": image.data, "config": kit.blob_file(image.config).read_bytes(),
                "layer": kit.blob_file(image.layers[0]).read_bytes()}[what]
        data = damage(text) if damage else base64.b64encode(text).decode()
        document = json.loads(image.data)
        if what == "manifest":
            kit.drop(image.target)
            return kit.index([entry(image.target, "linux/amd64", data=data)])
        part = document["config"] if what == "config" else document["layers"][0]
        kit.drop(part)
        part["data"] = data
        return kit.put(document, OCI["manifest"])
    return make


def nested(outer=None, inner="linux/amd64", lose=None, image_platform="linux/amd64"):
    def make(kit):
        image = kit.image(image_platform)
        middle = kit.index([entry(image.target, inner)])
        if lose == "index":
            kit.drop(middle)
        elif lose == "manifest":
            kit.drop(image.target)
        return kit.index([entry(middle, outer)])
    return make


def snapshot_is(kind):
    """The last snapshot of the chain is gone, or there is something else under its name."""
    def make(kit):
        image = kit.image()
        kit.store.remove_snapshot(image.chain)
        if kind:
            kit.store.snapshot(image.chain, commit=False)
        return image.target
    return make


def twice(key, value):
    """A key of the manifest comes again, at the end."""
    return body(lambda data: data[:-1] + f',"{key}":{json.dumps(value)}}}'.encode())


ODD_VALUES = [None, 5, -1, 1.5, True, "", "x", [], {}, [1], [None], [{}], [[]], {"a": 1}, "sha256:" + "0" * 64, "linux",
              OCI["index"], OCI["manifest"]]
ODD_KEYS = ["config", "layers", "manifests", "mediaType", "digest", "size", "platform", "os", "architecture", "variant",
            "schemaVersion", "rootfs", "diff_ids", "type", "fsLayers", "x"]
ODD_BYTES = b'{}[]",:0\\ \xff\x00eE+-.u'


def places(document, path=()):
    """The paths of all values below a document."""
    children = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def damaged(data, rng):
    """A JSON document with one or two values replaced, taken out or put in, and at times a byte."""
    document = json.loads(data)
    for _ in range(rng.randint(1, 2)):
        *path, last = rng.choice(list(places(document)))
        parent = document
        for key in path:
            parent = parent[key]
        change = rng.random()
        if change < 0.6:
            parent[last] = copy.deepcopy(rng.choice(ODD_VALUES))
        elif change < 0.8 or not isinstance(parent, dict):
            del parent[last]
        else:
            parent[rng.choice(ODD_KEYS)] = copy.deepcopy(rng.choice(ODD_VALUES))
        if not document:
            break
    data = bytearray(as_json(document))
    if rng.random() < 0.15:
        data[rng.randrange(len(data))] = rng.choice(ODD_BYTES)
    return bytes(data)


def damaged_document(rng):
    """An image one of whose documents is damaged at random."""
    def change(data):
        return damaged(data, rng)

    def bare_config(kit):
        return kit.index([entry(kit.image(config_body=change).target), entry(kit.image().target, "linux/386")])

    def index(kit):
        return kit.index([entry(kit.image().target, "linux/amd64"), entry(kit.image().target)], index_body=change)

    return rng.choice([body(change), whole(config_body=change), bare_config, index])


SITUATIONS = {
    # What section 3.5 of the reference lists.
    "whole": whole(),
    "layer-gone": without(lambda i: i.layers[:1]),
    "layers-gone": without(lambda i: i.layers),
    "config-gone": without(lambda i: [i.config]),
    "config-and-layer-gone": without(lambda i: [i.config, i.layers[0]]),
    "manifest-gone": without(lambda i: [i.target]),
    "child-gone": lost_child("linux/amd64", "linux/arm64"),
    "index-gone": lambda kit: (lambda target: (kit.drop(target), target)[1])(kit.index_of("linux/amd64")),
    "no-platform-fits": platforms("linux/arm64", "linux/s390x"),
    "bare-arm64-first": bare("linux/arm64", "linux/amd64"),
    "snapshot-gone": snapshot_is(None),
    "no-layers": whole(layers=0),
    "target-type-unknown": changed_target(whole(), mediaType="text/plain"),
    "index-type-on-manifest": changed_target(whole(), mediaType=OCI["index"]),
    "manifest-file-lost": file_of(lambda i: i.target, lost),
    "config-file-lost": file_of(lambda i: i.config, lost),
    "layer-file-lost": file_of(lambda i: i.layers[0], lost),
    # Files that are there, but not as they were.
    "manifest-file-cut": file_of(lambda i: i.target, cut),
    "manifest-file-empty": file_of(lambda i: i.target, empty),
    "manifest-file-overwritten": file_of(lambda i: i.target, overwrite),
    "config-file-cut": file_of(lambda i: i.config, cut),
    "config-file-empty": file_of(lambda i: i.config, empty),
    "config-file-overwritten": file_of(lambda i: i.config, overwrite),
    "layer-file-cut": file_of(lambda i: i.layers[0], cut),
    # Types.
    "docker": whole(types=DOCKER),
    "docker-list": platforms("linux/amd64", "linux/arm64", types=DOCKER),
    "docker-type-on-oci": changed_target(whole(), mediaType=DOCKER["manifest"]),
    "docker-list-type-on-oci-index": changed_target(platforms("linux/amd64"), mediaType=DOCKER["index"]),
    "manifest-type-on-index": changed_target(platforms("linux/amd64"), mediaType=OCI["manifest"]),
    "schema1-type": changed_target(whole(), mediaType="application/vnd.docker.distribution.manifest.v1+prettyjws"),
    "schema1-json-type": changed_target(whole(), mediaType="application/vnd.docker.distribution.manifest.v1+json"),
    "schema1-body": manifest_with(schemaVersion=1, fsLayers=[{"blobSum": "sha256:00"}]),
    "schema1-null": manifest_with(fsLayers=None),
    "schema1-other-case": manifest_with(FSLAYERS=[]),
    "config-as-target": lambda kit: kit.image().config,
    "layer-as-target": lambda kit: kit.image().layers[0],
    "artifact-type": changed_target(whole(), mediaType="application/vnd.oci.artifact.manifest.v1+json"),
    "type-in-capitals": changed_target(whole(), mediaType=OCI["manifest"].upper()),
    "type-with-parameter": changed_target(whole(), mediaType=OCI["manifest"] + ";charset=utf-8"),
    "body-says-index": manifest_with(mediaType=OCI["index"]),
    "body-says-docker-list": manifest_with(mediaType=DOCKER["index"]),
    "body-says-nothing": manifest_with(mediaType=GONE),
    "body-says-something": manifest_with(mediaType="text/plain"),
    "body-type-is-number": manifest_with(mediaType=7),
    "body-type-key-in-capitals": manifest_with(mediaType=GONE, MEDIATYPE=OCI["index"]),
    "manifest-with-manifests": manifest_with(manifests=[]),
    "manifest-with-manifests-null": manifest_with(manifests=None),
    "manifest-with-manifests-capital": manifest_with(Manifests=[]),
    "index-with-layers": platforms("linux/amd64", layers=[]),
    "index-with-config-null": platforms("linux/amd64", config=None),
    "index-body-says-manifest": platforms("linux/amd64", mediaType=OCI["manifest"]),
    "index-child-type-unknown": one_entry("linux/amd64", mediaType="text/plain"),
    "index-child-type-empty": one_entry("linux/amd64", mediaType=""),
    "index-child-type-index": one_entry("linux/amd64", mediaType=OCI["index"]),
    # Platforms.
    "amd64-v2": platforms("linux/amd64/v2"),
    "amd64-v1": platforms("linux/amd64/v1"),
    "amd64-V1": platforms("linux/amd64/V1"),
    "amd64-v3-and-plain": platforms("linux/amd64/v3", "linux/amd64"),
    "386": platforms("linux/386"),
    "386-first": platforms("linux/386", "linux/amd64"),
    "i386": platforms("linux/i386"),
    "x86_64": platforms("linux/x86_64"),
    "x86-64": platforms("linux/x86-64"),
    "arm64": platforms("linux/arm64"),
    "capitals": platforms("Linux/AMD64"),
    "windows": platforms("windows/amd64"),
    "macos": platforms("macos/amd64", "linux/amd64"),
    "unknown": platforms("unknown/unknown"),
    "attested": attested(False),
    "attestation-first": attested(True),
    "platform-null": lambda kit: kit.index([{**kit.image().target, "platform": None}]),
    "platform-empty": one_entry({}),
    "platform-without-os": one_entry({"architecture": "amd64"}),
    "platform-without-architecture": one_entry({"os": "linux"}),
    "platform-os-version": one_entry({"os": "linux", "architecture": "amd64", "os.version": "1.2"}),
    "platform-os-features": one_entry({"os": "linux", "architecture": "amd64", "os.features": ["x"]}),
    "platform-is-text": lambda kit: kit.index([{**kit.image().target, "platform": "linux/amd64"}]),
    "platform-of-capital-keys": one_entry({"OS": "linux", "Architecture": "amd64"}),
    "entry-lies": one_entry("linux/amd64", image_platform="linux/arm64"),
    "first-child-gone": lost_child("linux/amd64", "linux/amd64"),
    "second-child-gone": lost_child("linux/amd64", "linux/amd64", lose=1),
    "386-gone": lost_child("linux/386", "linux/amd64"),
    "bare": bare("linux/amd64"),
    "bare-386": bare("linux/386"),
    "bare-arm64": bare("linux/arm64"),
    "bare-amd64-first": bare("linux/amd64", "linux/arm64"),
    "bare-before-named": bare("linux/arm64", first=["linux/amd64"]),
    "bare-before-386": bare("linux/amd64", first=["linux/386"]),
    "bare-before-arm64": bare("linux/amd64", first=["linux/arm64"]),
    "bare-config-gone": bare("linux/amd64", lose_config=0),
    "bare-variant": bare("linux/amd64/v2"),
    "bare-variant-v1": bare("linux/amd64/v1"),
    "bare-config-garbage": lambda kit: kit.index([entry(kit.image(config_body=lambda _: b"{nothing").target)]),
    "bare-config-without-platform": lambda kit: kit.index(
        [entry(kit.image(config={"os": GONE, "architecture": GONE}).target)]),
    "target-of-other-platform": whole(platform="linux/arm64"),
    "index-empty": platforms(),
    "index-null": platforms(manifests=None),
    "index-without-manifests": platforms(manifests=GONE),
    "index-manifests-are-text": platforms(manifests="none"),
    "index-entry-null": lambda kit: kit.index([None, entry(kit.image().target, "linux/amd64")]),
    # Indexes in indexes.
    "nested": nested("linux/amd64"),
    "nested-bare": nested(),
    "nested-bare-bare": nested(inner=None),
    "nested-arm64-in-amd64": nested("linux/amd64", inner="linux/arm64"),
    "nested-amd64-in-arm64": nested("linux/arm64", inner="linux/amd64"),
    "nested-index-gone": nested("linux/amd64", lose="index"),
    "nested-manifest-gone": nested("linux/amd64", lose="manifest"),
    "nested-bare-arm64": nested(inner=None, image_platform="linux/arm64"),
    "nested-10": lambda kit: kit.chain_of(10),
    # Inline data.
    "inline-manifest": inline("manifest"),
    "inline-config": inline("config"),
    "inline-layer": inline("layer"),
    "inline-other-length": inline("config", lambda text: base64.b64encode(text + b" ").decode()),
    "inline-other-digest": inline("config", lambda text: base64.b64encode(text[:-1] + b" ").decode()),
    "inline-not-base64": inline("config", lambda text: "?" * 10),
    "inline-empty": inline("config", lambda text: ""),
    "inline-array": inline("config", lambda text: [1, 2]),
    "inline-number": inline("config", lambda text: 5),
    # Layers.
    "layers-null": manifest_with(layers=None),
    "layers-missing": manifest_with(layers=GONE),
    "layers-are-text": manifest_with(layers="none"),
    "layers-of-numbers": manifest_with(layers=[1, 2]),
    "layers-with-null": lambda kit: kit.image(layers=[kit.layer(), None]).target,
    "layer-twice": lambda kit: (lambda layer: kit.image(layers=[layer, layer, kit.layer()]).target)(kit.layer()),
    "layer-twice-gone": lambda kit: (lambda layer: (lambda i: (kit.drop(layer), i.target)[1])(
        kit.image(layers=[layer, layer, kit.layer()])))(kit.layer()),
    "layer-foreign-gone": lambda kit: (lambda i: (kit.drop(i.layers[0]), i.target)[1])(
        kit.image(layers=[{**kit.layer(FOREIGN), "urls": ["https://x.example/y"]}, kit.layer()])),
    "layer-nondistributable": lambda kit: kit.image(layers=[kit.layer(NONDISTRIBUTABLE)]).target,
    "layer-in-toto": lambda kit: kit.image(layers=[kit.layer("application/vnd.in-toto+json")]).target,
    "layer-zstd": lambda kit: kit.image(layers=[kit.layer("application/vnd.oci.image.layer.v1.tar+zstd")]).target,
    "layer-type-empty": changed_layer(mediaType=""),
    "layer-size-negative": changed_layer(size=-5),
    "layer-size-very-negative": changed_layer(size=-(1 << 62)),
    "layer-size-zero": changed_layer(size=0),
    "layer-size-missing": changed_layer(size=GONE),
    "layer-size-huge": changed_layer(size=1 << 62),
    "layer-size-max": changed_layer(size=(1 << 63) - 1),
    "layer-size-too-big": changed_layer(size=1 << 63),
    "layer-size-fraction": changed_layer(size=1.5),
    "layer-size-text": changed_layer(size="12"),
    "layer-size-null": changed_layer(size=None),
    "layer-digest-sha512": changed_layer(digest="sha512:" + "a" * 128),
    "layer-digest-sha384": changed_layer(digest="sha384:" + "a" * 96),
    "layer-digest-md5": changed_layer(digest="md5:" + "a" * 32),
    "layer-digest-short": changed_layer(digest="sha256:abc"),
    "layer-digest-capitals": changed_layer(digest="sha256:" + "A" * 64),
    "layer-digest-empty": changed_layer(digest=""),
    "layer-digest-missing": changed_layer(digest=GONE),
    "layer-digest-absent": changed_layer(digest="sha256:" + "a" * 64),
    "layer-digest-odd": changed_layer(digest="sha256+b64u.x:" + "a" * 64),
    "layer-digest-path": changed_layer(digest="sha256:../../etc/passwd"),
    "layer-digest-number": changed_layer(digest=5),
    # The configuration.
    "config-null": manifest_with(config=None),
    "config-missing": manifest_with(config=GONE),
    "config-is-text": manifest_with(config="none"),
    "config-digest-md5": changed_config(digest="md5:" + "a" * 32),
    "config-digest-sha512": changed_config(digest="sha512:" + "a" * 128),
    "config-size-wrong": changed_config(size=5),
    "config-size-negative": changed_config(size=-5),
    "config-type-other": changed_config(mediaType="application/json"),
    "config-type-empty": changed_config(mediaType=""),
    "config-is-layer": lambda kit: (lambda i: kit.put(edited(json.loads(i.data), {"config": i.layers[0]}),
                                                      OCI["manifest"]))(kit.image()),
    "config-garbage": whole(config_body=lambda _: b"\x00\xff nothing"),
    "config-array": whole(config_body=lambda data: b"[" + data + b"]"),
    "config-null-document": whole(config_body=lambda _: b"null"),
    "config-empty": whole(config_body=lambda _: b"{}"),
    "config-trailing": whole(config_body=lambda data: data + b" x"),
    "rootfs-null": config_with(rootfs=None),
    "rootfs-missing": config_with(rootfs=GONE),
    "rootfs-capital": lambda kit: kit.image(config_body=lambda data: data.replace(b"rootfs", b"RootFS")
                                            .replace(b"diff_ids", b"Diff_IDs")).target,
    "diff-ids-null": config_with(rootfs={"type": "layers", "diff_ids": None}),
    "diff-ids-empty": config_with(rootfs={"type": "layers", "diff_ids": []}),
    "diff-ids-are-text": config_with(rootfs={"type": "layers", "diff_ids": "x"}),
    "diff-ids-of-numbers": config_with(rootfs={"type": "layers", "diff_ids": [1]}),
    "diff-ids-garbage": config_with(rootfs={"type": "layers", "diff_ids": ["garbage", "more"]}),
    "diff-ids-one-garbage": config_with(rootfs={"type": "layers", "diff_ids": ["garbage"]}),
    "diff-ids-one-empty": config_with(rootfs={"type": "layers", "diff_ids": [""]}),
    "config-os-is-number": config_with(os=5),
    "config-created-is-number": config_with(created=5),
    "config-created-is-garbage": config_with(created="yesterday"),
    "config-created": config_with(created="2024-02-29T12:00:00.123456789+01:00"),
    # JSON as Go reads it.
    "keys-in-capitals": body(lambda data: data.replace(b'"layers"', b'"LAYERS"').replace(b'"digest"', b'"Digest"')),
    "key-with-long-s": body(lambda data: data.replace(b'"layers"', '"layer\u017f"'.encode())),
    "key-with-kelvin": body(lambda data: data.replace(b'"layers"', '"layers\u212a"'.encode())),
    "key-escaped": body(lambda data: data.replace(b'"layers"', b'"l\\u0061yers"')),
    "layers-twice": twice("layers", []),
    "layers-then-null": twice("layers", None),
    "config-twice-merges": twice("config", {"size": 77}),
    "config-then-null": twice("config", None),
    "config-again-in-capitals": twice("CONFIG", {"size": 78}),
    "layers-as-text-before": body(lambda data: b'{"LAYERS":"",' + data[1:]),
    "media-type-twice": twice("mediaType", OCI["index"]),
    "unknown-keys": manifest_with(subject={"digest": 1}, annotations={"a": "b"}, zzz=[[[]]]),
    "annotations-are-text": manifest_with(annotations="none"),
    "schema-version-3": manifest_with(schemaVersion=3),
    "schema-version-text": manifest_with(schemaVersion="2"),
    "schema-version-missing": manifest_with(schemaVersion=GONE),
    "trailing-space": body(lambda data: b" \n\t\r" + data + b"\n \n"),
    "trailing-garbage": body(lambda data: data + b"x"),
    "trailing-document": body(lambda data: data + b"{}"),
    "trailing-zero": body(lambda data: data + b"\0"),
    "byte-order-mark": body(lambda data: b"\xef\xbb\xbf" + data),
    "invalid-utf-8": body(lambda data: data[:-1] + b',"x":"\xff\xfe"}'),
    "invalid-utf-8-in-type": body(lambda data: data.replace(b"vnd.oci.image.layer", b"\xffnd.oci.image.layer")),
    "lone-surrogate": body(lambda data: data[:-1] + b',"x":"\\ud800"}'),
    "zero-in-text": body(lambda data: data[:-1] + b',"x":"a\\u0000b"}'),
    "zero-in-type": body(lambda data: data.replace(b"tar+gzip", b"tar\\u0000gzip")),
    "control-in-text": body(lambda data: data[:-1] + b',"x":"a\nb"}'),
    "number-huge": body(lambda data: data[:-1] + b',"x":1e999}'),
    "number-long": body(lambda data: data[:-1] + b',"x":123456789012345678901234567890}'),
    "number-leading-zero": body(lambda data: data[:-1] + b',"x":012}'),
    "not-a-number": body(lambda data: data[:-1] + b',"x":NaN}'),
    "comma-at-end": body(lambda data: data[:-1] + b",}"),
    "comment": body(lambda data: data[:-1] + b"/* */}"),
    "deep-100": body(lambda data: data[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}"),
    "deep-9000": body(lambda data: data[:-1] + b',"x":' + b"[" * 9000 + b"]" * 9000 + b"}"),
    "deep-11000": body(lambda data: data[:-1] + b',"x":' + b"[" * 11000 + b"]" * 11000 + b"}"),
    "garbage": garbage(OCI["manifest"], b"\x00\xff garbage"),
    "number-document": garbage(OCI["manifest"], b"1"),
    "index-garbage": garbage(OCI["index"], b"{"),
    "null-document": lambda kit: kit.put(b"null", OCI["manifest"]),
    "empty-document": lambda kit: kit.put(b"{}", OCI["manifest"]),
    "empty-index-document": lambda kit: kit.put(b"{}", OCI["index"]),
    "empty-blob": lambda kit: {**kit.put(b"", OCI["manifest"]), "size": 5},
    "array-document": lambda kit: kit.put(b"[]", OCI["manifest"]),
    # Targets and snapshots.
    "target-size-wrong": changed_target(whole(), size=3),
    "target-size-huge": changed_target(whole(), size=(1 << 63) - 1),
    "target-absent-sha512": changed_target(whole(), digest="sha512:" + "b" * 128),
    "never-unpacked": whole(unpack=False),
    "snapshot-active": snapshot_is("active"),
    "big-manifest": manifest_with(annotations={"fill": "x" * 3000000}),
}

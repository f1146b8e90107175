# SPDX-License-Identifier: Apache-2.0
"""Raw gRPC calls to a containerd, for objects that ctr cannot make: image records with any target,
invalid blobs, snapshots with any name. One call costs a
millisecond where ctr costs twenty, so that a test can make thousands.

Messages are written field by field, with the numbers of containerd's own .proto files.
"""
import hashlib
import itertools
import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # the lab starts daemons while channels are open
import grpc  # noqa: E402  pylint: disable=wrong-import-position

SERVICES = "/containerd.services."
IMAGES = SERVICES + "images.v1.Images/"
CONTENT = SERVICES + "content.v1.Content/"
SNAPSHOTS = SERVICES + "snapshots.v1.Snapshots/"
NAMESPACES = SERVICES + "namespaces.v1.Namespaces/"
KEEP = {"containerd.io/gc.root": "test"}  # the garbage collector spares what carries it
COMMIT = 2


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field of a message: text, bytes (or a message), or a number; nothing for an empty one."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data if data else b""


def labels_field(number, labels):
    return b"".join(field(number, field(1, key) + field(2, value)) for key, value in (labels or {}).items())


class Store:
    """What one namespace of a containerd holds. Blobs and snapshots that were put here stay, whether
    an image refers to them or not."""

    refs = itertools.count()

    def __init__(self, containerd, namespace):
        self.containerd, self.namespace = containerd, namespace
        limits = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel("unix:" + containerd.address, options=limits)
        self.call(NAMESPACES + "Create", field(1, field(1, namespace)), allow=grpc.StatusCode.ALREADY_EXISTS)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def call(self, method, message, allow=None, stream=False):
        """The answer; None if it failed with the code `allow`."""
        metadata = (("containerd-namespace", self.namespace),)
        try:
            if stream:
                answers = self.channel.stream_stream(method)(iter([message]), metadata=metadata, timeout=120)
                return list(answers)
            return self.channel.unary_unary(method)(message, metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            if error.code() == allow:
                return None
            raise

    def label(self, labels):
        """Labels of the namespace."""
        message = field(1, field(1, self.namespace) + labels_field(2, labels))
        self.call(NAMESPACES + "Update", message)

    def put(self, data):
        """A blob; gives its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        ref = f"test-{os.getpid()}-{next(self.refs)}"
        pieces = [data[at:at + (8 << 20)] for at in range(0, len(data), 8 << 20)] or [b""]
        offset, messages = 0, []
        for piece in pieces[:-1]:
            messages.append(field(1, 1) + field(2, ref) + field(3, len(data)) + field(5, offset) + field(6, piece))
            offset += len(piece)
        messages.append(field(1, COMMIT) + field(2, ref) + field(3, len(data)) + field(4, digest) + field(5, offset) +
                        field(6, pieces[-1]) + labels_field(7, KEEP))
        metadata = (("containerd-namespace", self.namespace),)
        try:
            list(self.channel.stream_stream(CONTENT + "Write")(iter(messages), metadata=metadata, timeout=120))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise
        return digest

    def remove_blob(self, digest):
        self.call(CONTENT + "Delete", field(1, digest), allow=grpc.StatusCode.NOT_FOUND)

    def tag(self, name, target):
        """An image record; `target` as in an index. An older one of that name is replaced."""
        descriptor = (field(1, target["mediaType"]) + field(2, target["digest"]) + field(3, target["size"]) +
                      labels_field(5, target.get("annotations")))
        message = field(1, field(1, name) + field(3, descriptor))
        if self.call(IMAGES + "Create", message, allow=grpc.StatusCode.ALREADY_EXISTS) is None:
            self.call(IMAGES + "Update", message)

    def untag(self, name, sync=False):
        self.call(IMAGES + "Delete", field(1, name) + field(2, int(sync)), allow=grpc.StatusCode.NOT_FOUND)

    def snapshot(self, name, parent="", snapshotter="overlayfs", commit=True):
        """A committed snapshot `name`, or (commit=False) an active one of that key."""
        where, key = field(1, snapshotter), f"prepare-{name}" if commit else name
        there = grpc.StatusCode.ALREADY_EXISTS
        self.call(SNAPSHOTS + "Prepare", where + field(2, key) + field(3, parent) + labels_field(4, KEEP), allow=there)
        if commit:
            self.call(SNAPSHOTS + "Commit", where + field(2, name) + field(3, key) + labels_field(4, KEEP), allow=there)

    def remove_snapshot(self, name, snapshotter="overlayfs"):
        self.call(SNAPSHOTS + "Remove", field(1, snapshotter) + field(2, name), allow=grpc.StatusCode.NOT_FOUND)

    def unpack(self, diff_ids, snapshotter="overlayfs"):
        """Empty snapshots for a chain of layers; gives the name of the last one."""
        parent = ""
        for diff_id in diff_ids:
            name = hashlib.sha256(f"{parent} {diff_id}".encode()).hexdigest()
            name = f"sha256:{name}" if parent else diff_id
            self.snapshot(name, parent, snapshotter)
            parent = name
        return parent

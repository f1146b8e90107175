# SPDX-License-Identifier: Apache-2.0
"""A proxy snapshotter that ends, or falls silent, when a test says so."""
import concurrent.futures
import os
import threading

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # the lab starts daemons while channels are open
import grpc  # noqa: E402  pylint: disable=wrong-import-position


class Relay(grpc.GenericRpcHandler):
    """A proxy snapshotter: another containerd's, called by another name of the same length, in a namespace
    of that containerd (old versions send a proxy no namespace)."""

    def __init__(self, path, backend, name, real):
        self.names = name, real
        self.silent, self.closed = False, threading.Event()
        self.channel = grpc.insecure_channel("unix:" + backend)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers([self])
        self.server.add_insecure_port(f"unix:{path}")
        self.server.start()

    def service(self, details):
        # Under a lease: the labels that keep a snapshot stay with the containerd in front.
        metadata = [("containerd-namespace", "proxied"), ("containerd-lease", "keep")]

        def forward(call):
            def behave(request, context):
                if self.silent:
                    self.closed.wait()
                try:
                    answer = call(request.replace(*self.names), metadata=metadata)
                    return answer if isinstance(answer, bytes) else iter(list(answer))
                except grpc.RpcError as error:
                    return context.abort(error.code(), error.details())
            return behave

        if details.method.endswith("/List"):
            return grpc.unary_stream_rpc_method_handler(forward(self.channel.unary_stream(details.method)))
        return grpc.unary_unary_rpc_method_handler(forward(self.channel.unary_unary(details.method)))

    def close(self):
        self.closed.set()
        self.server.stop(None).wait()
        self.channel.close()


def proxied(lab, version=None, **options):
    """(containerd with the snapshotter "remote", the Relay behind it)"""
    backend = lab.containerd()
    backend.ctr("leases", "create", "--id", "keep", "--expires", "24h", namespace="proxied")
    path = lab.folder("proxy.sock")
    relay = Relay(path, backend.address, b"remote", b"native")
    lab.stack.callback(relay.close)
    proxy = f'[proxy_plugins.remote]\n  type = "snapshot"\n  address = "{path}"\n'
    relay.backend = backend
    return lab.containerd_of(version or "1.6", extra_config=proxy + options.pop("extra_config", ""), **options), relay

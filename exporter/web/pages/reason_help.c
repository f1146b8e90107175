/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/reason_help.h"

static const struct reason_help help[ERROR_CODES] = {
    [ERROR_NONE] = {"The run succeeded.", "Nothing to do."},
    [ERROR_DNS] = {"The registry's name has no address.",
                   "Resolve the name on this node (getent hosts NAME). Check /etc/resolv.conf and "
                   "its DNS servers, and the spelling of mirrors in hosts.toml."},
    [ERROR_CONNECT] =
        {"The registry did not answer, or the connection broke.",
         "Try the address from this node (curl -v https://REGISTRY/v2/). A refusal means that "
         "nothing listens there; a long wait points to a firewall, a route or a security group."},
    [ERROR_TLS] =
        {"The TLS handshake failed, or the certificate was rejected.",
         "Check the chain with openssl s_client -connect REGISTRY:443. It may have expired, miss "
         "an intermediate certificate, carry another name, or have an authority that is in neither "
         "the system's store nor the registry's folder below hosts_dir."},
    [ERROR_PROXY] = {"The proxy rejected the request, not the registry.",
                     "Check HTTPS_PROXY and NO_PROXY in the exporter's environment and the proxy's "
                     "own rules: registries inside the network usually belong in NO_PROXY."},
    [ERROR_TIMEOUT] =
        {"The run did not end within its timeout.",
         "The phases and the log of the run show where the time went. For a large image, give the "
         "probe a longer timeout. Otherwise check the bandwidth and the node's disk."},
    [ERROR_CANCELED] = {"The run was stopped before its end.",
                        "A reload, a stop of the exporter or a client that disconnected canceled "
                        "it. The next run follows on schedule."},
    [ERROR_UNAUTHORIZED] =
        {"Registry authentication failed.",
         "Check the user, the password or token and the files that hold them, below auth in the "
         "probe or in its entry of registries. Tokens of cloud registries expire within hours: use "
         "a credential helper or provider for them."},
    [ERROR_FORBIDDEN] =
        {"The registry denied access.",
         "Give the account the right to pull from (or push to) this repository. Some registries "
         "also deny access when a repository does not exist or the client's address is blocked."},
    [ERROR_NOT_FOUND] = {"There is no such image, tag or platform.",
                         "Check the spelling, and whether the tag was removed or moved to another "
                         "repository. If one platform fails, check that the image supports it."},
    [ERROR_RATE_LIMITED] =
        {"The registry limits the request rate.",
         "Authenticate (limits are higher then), probe less often, or set max_pulls_per_hour for "
         "the registry. Probes wait until the registry's Retry-After time is over."},
    [ERROR_SERVER_ERROR] =
        {"The registry failed.",
         "It answered with a server error (5xx). Check its logs and its storage, or the status "
         "page of its operator. Other nodes should see the same."},
    [ERROR_PROTOCOL] = {"The response is invalid.",
                        "Another server may answer at this address: a portal, a proxy's error "
                        "page, a wrong port. Compare with curl -i https://REGISTRY/v2/."},
    [ERROR_DIGEST_MISMATCH] = {"The bytes do not match their digest.",
                               "If the probe expects a digest, the tag may have moved: compare "
                               "before you change the expectation. Otherwise a cache, a proxy or a "
                               "disk on the path damages data: find out which host served it."},
    [ERROR_SIZE_MISMATCH] = {"The size differs from the declared size.",
                             "If the probe expects a size, the image may have been rebuilt. "
                             "Otherwise a proxy or cache on the path truncates or changes data."},
    [ERROR_NOT_COLD] =
        {"The run required a cold pull, but no bytes crossed the network.",
         "Another image on this node, or the registry, already had the layers, so the run measured "
         "nothing. Use an image that only this probe uses, or set cold: preferred."},
    [ERROR_UNSUPPORTED] =
        {"The registry or daemon does not support the operation.",
         "The image may have an old format (schema 1) or may not be a container image, or "
         "containerd may lack the service that the engine needs. Try another engine."},
    [ERROR_INVALID] = {"A setting is invalid.",
                       "The message names it: a reference, a file, or a setting that does not suit "
                       "this node. Correct it and reload."},
    [ERROR_NO_SPACE] =
        {"The disk is full.",
         "Free space where containerd keeps its data (df -h and df -i of /var/lib/containerd), and "
         "check why the kubelet's image garbage collection did not."},
    [ERROR_UNPACK] =
        {"A layer could not be unpacked.",
         "Check containerd's log at the time of the run. The layer may be damaged, or the "
         "snapshotter's file system may fail. The status page lists plugins in error."},
    [ERROR_RUNTIME_UNAVAILABLE] =
        {"containerd or Docker does not answer at its socket.",
         "Check that it runs (systemctl status containerd), and that its socket is the one in the "
         "configuration and, in a pod, that it is mounted."},
    [ERROR_RUNTIME_FORBIDDEN] =
        {"The exporter may not use the socket of containerd or Docker.",
         "Run the exporter as root, or as a user of the socket's group (ls -l of the socket). A "
         "security module may deny access, too: check the audit log."},
    [ERROR_RUNTIME] = {"containerd or Docker failed.",
                       "Its log has more details: journalctl -u containerd at the time of the run. "
                       "The status page lists plugins in error."},
    [ERROR_LIMIT] = {"An internal limit of the exporter was exceeded.",
                     "The message names what was too large. If the size is legitimate, please "
                     "report the limit. Otherwise check the server that sent it."},
    [ERROR_MEMORY] = {"The exporter ran out of memory.",
                      "Give the exporter more (MemoryMax, resources.limits.memory), or run fewer "
                      "probes at once (--probe.workers)."},
    [ERROR_INTERNAL] = {"A system call failed, or the exporter has a bug.",
                        "The message and the run's log show what failed. Check permissions, open "
                        "files and disk. If they are fine, please report it."},
};

struct reason_help reason_help_of(enum error_code reason)
{
    return help[reason];
}

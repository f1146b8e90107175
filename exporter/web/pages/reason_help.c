/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/reason_help.h"

static const struct reason_help advices[ERROR_CODES] = {
    [ERROR_NONE] = {"It succeeded.", "There is nothing to do."},
    [ERROR_DNS] = {"The registry's name has no address.",
                   "Resolve the name on this node (getent hosts NAME) and look at /etc/resolv.conf "
                   "and at the "
                   "DNS servers that it names. A mirror in hosts.toml may be spelled wrong, too."},
    [ERROR_CONNECT] =
        {"Nobody answered, or the connection broke.",
         "Try the address from this node (curl -v https://REGISTRY/v2/). A refusal means that "
         "nothing listens there; a long wait points to a firewall, a route or a security group."},
    [ERROR_TLS] =
        {"The certificate or the handshake was not accepted.",
         "Look at the chain with openssl s_client -connect REGISTRY:443. It may have expired, miss "
         "a link, carry another name, or be signed by an authority that is in neither the system's "
         "store nor the registry's folder below hosts_dir."},
    [ERROR_PROXY] =
        {"The proxy said no, not the registry.",
         "Check HTTPS_PROXY and NO_PROXY in the exporter's environment and the proxy's own rules: "
         "registries inside the network usually belong into NO_PROXY."},
    [ERROR_TIMEOUT] =
        {"It did not end within its timeout.",
         "The phases and the log of the run tell where the time went. If the image is large, give "
         "the probe a longer timeout; else look at the network's rate and at the node's disk."},
    [ERROR_CANCELED] = {"The run was stopped before its end.",
                        "It was asked to: by a reload, a stop of the exporter, or a client that "
                        "went away. The next run comes on schedule."},
    [ERROR_UNAUTHORIZED] =
        {"The registry does not know who we are.",
         "Check the user, the password or token and the files that hold them, below auth in the "
         "probe or in its entry of registries. Tokens of cloud registries expire within hours: "
         "use a credential helper or provider for them."},
    [ERROR_FORBIDDEN] =
        {"The registry knows who we are, and says no.",
         "Give the account the right to pull from (or push to) this repository. Some registries "
         "answer this, too, when a repository does not exist or the address is not allowed."},
    [ERROR_NOT_FOUND] =
        {"There is no such image, tag or platform.",
         "Check the spelling, and whether the tag was removed or moved to another repository. For "
         "one platform only: whether the image is made for it at all."},
    [ERROR_RATE_LIMITED] =
        {"The registry wants fewer requests.",
         "Sign in (limits of known users are higher), probe less often, or set max_pulls_per_hour "
         "for the registry. No probe asks it until the time that it named is over."},
    [ERROR_SERVER_ERROR] =
        {"The registry itself is broken.",
         "It answered with an error of its own (5xx): look at its logs and its storage, or at the "
         "status page of whoever runs it. Other nodes should see the same."},
    [ERROR_PROTOCOL] = {"The answer makes no sense.",
                        "Something that is no registry may answer at this address: a portal, a "
                        "proxy's error page, "
                        "a wrong port. Compare with curl -i https://REGISTRY/v2/."},
    [ERROR_DIGEST_MISMATCH] =
        {"The bytes are not those that were promised.",
         "If the probe expects a digest, the tag may have been moved: compare before you change "
         "the expectation. Otherwise a cache, a proxy or a disk on the way damages data; find out "
         "which host served it."},
    [ERROR_SIZE_MISMATCH] =
        {"There are more or fewer bytes than promised.",
         "If the probe expects a size, the image may have been built anew. Otherwise something on "
         "the way cuts or changes what it passes on."},
    [ERROR_NOT_COLD] =
        {"Nothing crossed the network, though it had to.",
         "Another image on this node, or the registry, had the layers already, so the run measured "
         "nothing. Use an image that nobody else uses, or set cold: preferred if that is fine."},
    [ERROR_UNSUPPORTED] =
        {"The other side does not speak this.",
         "The image may be of an old format (schema 1) or of another kind than containers; or "
         "containerd lacks the service that the engine needs. Try another engine for the probe."},
    [ERROR_INVALID] = {"Something in the configuration makes no sense.",
                       "The message names it: a reference, a file, a setting that does not fit "
                       "this node. Correct "
                       "it and reload."},
    [ERROR_NO_SPACE] =
        {"The disk is full.",
         "Free space where containerd keeps its data (df -h and df -i of /var/lib/containerd), and "
         "see why the kubelet's image garbage collection did not."},
    [ERROR_UNPACK] =
        {"A layer could not be unpacked.",
         "Look at containerd's log of that moment. The layer may be damaged, or the snapshotter in "
         "trouble with its file system. Plugins in error are listed on the status page."},
    [ERROR_RUNTIME_UNAVAILABLE] =
        {"containerd or Docker cannot be reached.",
         "See whether it runs (systemctl status containerd) and whether the exporter may use its "
         "socket: the path in the configuration, its owner, the mount in the pod."},
    [ERROR_RUNTIME] =
        {"containerd or Docker failed by itself.",
         "Its own log has more than the message: journalctl -u containerd around the time of the "
         "run. Plugins in error are listed on the status page."},
    [ERROR_LIMIT] =
        {"One of the exporter's own limits was reached.",
         "Something was larger than this exporter takes: the message names what. If it should be "
         "that large, the limit is worth a report; if not, look at who serves it."},
    [ERROR_MEMORY] =
        {"There was no memory.",
         "Give the exporter more (MemoryMax, resources.limits.memory), or run fewer probes at once "
         "(--probe.workers)."},
    [ERROR_INTERNAL] =
        {"The operating system said no, or the exporter is wrong.",
         "The message and the run's log tell what it tried. Check rights, open files and disk; if "
         "all of that is well, it is a fault worth reporting."},
};

struct reason_help reason_help_of(enum error_code reason)
{
    return advices[reason];
}

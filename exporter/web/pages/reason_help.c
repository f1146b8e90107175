/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/reason_help.h"

#include <string.h>

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
         "the system's store nor the registry's folder below hosts_dir. If the message says that "
         "the server speaks HTTP, set plain_http: true below registries, or correct the port."},
    [ERROR_PROXY] = {"The proxy rejected the request, not the registry.",
                     "Check HTTPS_PROXY and NO_PROXY in the exporter's environment and the proxy's "
                     "own rules: registries inside the network usually belong in NO_PROXY."},
    [ERROR_TIMEOUT] =
        {"The run did not end within its timeout.",
         "The message names what did not answer in time: the registry, or the socket of a daemon. "
         "A daemon that accepts connections and does not answer hangs or is stopped: check it, "
         "and restart it if need be. If data was still moving, the phases and the log of the run "
         "show where the time went: check the bandwidth and the node's disk, or give the probe a "
         "longer timeout for a large image."},
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
                        "page, a wrong port. Compare with curl -i https://REGISTRY/v2/. With "
                        "plain_http: true, the server may expect HTTPS: remove the setting then."},
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
    [ERROR_LIMIT] =
        {"A budget of the configuration is used up, or a limit of the exporter was exceeded.",
         "If the message names a budget (max_pulls_per_hour, max_bytes_per_hour), raise it or "
         "probe less often. Otherwise the message names what was too large. If the size is "
         "legitimate, please report the limit. Otherwise check the server that sent it."},
    [ERROR_MEMORY] = {"The exporter ran out of memory.",
                      "Give the exporter more (MemoryMax, resources.limits.memory), or run fewer "
                      "probes at once (--probe.workers)."},
    [ERROR_INTERNAL] = {"A system call failed, or the exporter has a bug.",
                        "The message and the run's log show what failed. Check permissions, open "
                        "files and disk. If they are fine, please report it."},
};

/* Of operations that write, where it differs. */
static const struct reason_help write_help[ERROR_CODES] = {
    [ERROR_FORBIDDEN] =
        {"The registry denied access.",
         "Give the account the right to push to this repository, and to delete in it if "
         "delete_remote is set. Some registries also deny a push over a quota, or to a tag that "
         "exists and is immutable: the message says which."},
    [ERROR_NOT_FOUND] =
        {"The registry has no such repository.",
         "Create the repository first if the registry does not create it on a push (ECR, for "
         "instance), and check its path and its project. For operation tag, check that the image "
         "exists."},
    [ERROR_SERVER_ERROR] =
        {"The registry failed, or lost what it had accepted.",
         "Check its logs and its storage. If an upload or a blob is unknown, a load balancer may "
         "send the requests of one push to replicas that do not share their storage and their "
         "secret, or an expiry may remove uploads too early."},
    [ERROR_DIGEST_MISMATCH] =
        {"The registry stored other bytes than were sent.",
         "A proxy on the path or the registry's storage may damage data. If only the manifest "
         "differs, the registry may convert manifests: compare both digests in the message."},
    [ERROR_SIZE_MISMATCH] =
        {"The registry stored another size than was sent.",
         "A proxy on the path may truncate or re-encode bodies. Compare a push from another "
         "network."},
    [ERROR_UNSUPPORTED] =
        {"The registry or daemon does not support the operation.",
         "The registry may be read-only, a mirror, or may not accept this media type: try "
         "content.format: docker. Or containerd lacks the service that the engine needs: try "
         "another engine."},
    [ERROR_INVALID] =
        {"A setting is invalid, or the registry rejects the image.",
         "The message names it: a reference, a file, a tag whose image no probe made, or a "
         "manifest that the registry does not accept (try content.format: docker)."},
    [ERROR_LIMIT] =
        {"A budget of the configuration is used up, a request is larger than the registry accepts, "
         "or a limit of the exporter was exceeded.",
         "If the message names a budget (max_pulls_per_hour, max_bytes_per_hour), raise it or "
         "probe less often. After HTTP 413, raise the limit of the registry or of the proxy before "
         "it (client_max_body_size in nginx), or set upload.chunk_size below it. Otherwise the "
         "message names what was too large."},
};

struct reason_help reason_help_of(enum error_code reason, const char *operation)
{
    bool writes = strcmp(operation, "pull") != 0;

    return writes && write_help[reason].what ? write_help[reason] : help[reason];
}

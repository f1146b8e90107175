/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls and pushes by the daemon's Transfer service (since 1.7; useful since 2.0).
 *
 * During the call the daemon sends its progress, asks for credentials (auth) and, on request, sends
 * a log of its HTTP requests and responses (since 2.1), each on a stream of its own. The log
 * includes every body, also of layers, and the daemon keeps each body in memory: do not request it
 * while an image is fetched.
 */
#pragma once

#include "containerd/containerd.h"
#include "credentials/credentials.h"
#include "oci/manifest.h"

/* One message of the progress; valid during the callback only. */
struct transfer_event {
    const char *what; /* "Pulling from ...", "waiting", "downloading", "complete", ... */
    const char *name; /* "layer-sha256:..."; "" if it is about the whole image */
    uint64_t bytes, total;
    int64_t at_ns; /* time of arrival, monotonic */
};

/* Called by another thread, which has ended when the transfer returns. */
typedef void transfer_visit(void *arg, const struct transfer_event *event);

/* A piece of the HTTP log: it begins with the first line of a request or a response, or continues a
 * body. Called by another thread, likewise. */
typedef void transfer_log_visit(void *arg, const char *text);

/* A transfer between a registry and the image store of the daemon. */
struct transfer {
    const char *reference;      /* in the registry */
    const char *name;           /* of the image record in the store */
    const char *hosts_dir;      /* where the daemon looks for hosts.toml; "": nowhere */
    const char *default_scheme; /* of a registry without hosts.toml: "http", "https" */
    const struct platform *platform;
    bool all_platforms; /* transfer all of an index; only `platform` is unpacked */
    bool unpack;        /* pull only */
    const char *snapshotter;
    const struct credentials *credentials; /* not NULL; may be anonymous */
    const char *credentials_host;          /* the only host that gets them */
    transfer_visit *progress;
    transfer_log_visit *log; /* NULL: no log */
    void *arg;               /* of both callbacks */
};

/* err->code of a failure is derived from the daemon's text where possible. *ended_ns is when the
 * daemon replied; the function still reads the rest of the streams after that. */
bool transfer_pull(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same. Pushes only the entries of `platform` of an index; the registry may require all. */
bool transfer_push(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* The capabilities of a version of the daemon. */
struct transfer_rules {
    unsigned since;   /* the first DAEMON_VERSION() with them */
    bool transfers;   /* has the service */
    bool reads_hosts; /* honours hosts.toml and default_scheme */
    bool logs;        /* has the HTTP log */
};

/* Text that is no version gets the rules of the newest. */
const struct transfer_rules *transfer_rules_of(const char *version);

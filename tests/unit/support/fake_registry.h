/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry inside a test: the OCI distribution API over HTTP on the loopback, for all
 * repositories, with blobs, manifests and tags in memory. It wants no credentials. Calls are
 * recorded as "registry/GET /v2/a/b/manifests/1"; the last part of an upload's path is "ID".
 *
 * An upload is refused that does not have the promised digest; a manifest, whose blobs are missing.
 */
#ifndef TESTS_FAKE_REGISTRY_H
#define TESTS_FAKE_REGISTRY_H

#include "oci/digest.h"
#include "registry/hosts/hosts.h"
#include "support/call_log.h"
#include "support/fake_image.h"
#include "support/http_server.h"

struct fake_entry {
    char repository[128], name[DIGEST_TEXT_BYTES]; /* a tag, or a digest */
    char media_type[128];                          /* "" for blobs */
    char target[DIGEST_TEXT_BYTES];                /* of a tag: the digest */
    char *data;
    size_t size;
};

struct fake_registry {
    struct http_server http;
    struct call_log *log;
    struct host host; /* for requests: this server alone */
    struct host_list hosts;

    /* Settings. */
    bool deletes_nothing, deletes_no_blobs, deletes_no_tags; /* answers DELETE with 405 */
    bool keeps_tags;      /* and what they point to, if the manifest is deleted by its digest */
    bool ignores_deletes; /* answers 202 and keeps manifests */
    const char *hang_on;  /* a call whose line begins like this hangs until its client goes */

    pthread_mutex_t lock;
    struct fake_entry **entries;
    size_t n_entries;
    char upload[128]; /* digest that PATCHes fill */
    struct buf pieces;
};

void fake_registry_start(struct fake_registry *fake, struct call_log *log);
void fake_registry_stop(struct fake_registry *fake);

/* Forgets all content and settings. */
void fake_registry_reset(struct fake_registry *fake);

void fake_registry_add_image(struct fake_registry *fake, const char *repository, const char *tag,
                             const struct fake_image *image);

/* A blob, manifest or tag by its name; NULL if there is none. */
const struct fake_entry *fake_registry_find(struct fake_registry *fake, const char *repository,
                                            const char *name);

/* All entries as sorted lines. */
void fake_registry_dump(struct fake_registry *fake, struct buf *out);

#endif

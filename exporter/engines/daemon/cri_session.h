/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pull by CRI in the kubelet's own namespace, beside the images of pods.
 *
 * The session reads the state before the pull. Afterwards it removes only what did not exist
 * before and what no other client has named or used meanwhile. A lease holds what the pull
 * creates, including the parts of a failed pull. The labels of the lease tell the next run what to
 * remove if this process is killed.
 *
 * Only one run at a time may hold a lease for a repository or a content (cri_claim.h). A run learns
 * the content of an image by its pull, so the first two runs of one content may meet: each of them
 * has to clean up and pull again, one after the other. The lease is deleted last.
 */
#pragma once

#include "containerd/images.h"
#include "engines/daemon/cri_claim.h"
#include "engines/daemon/workspace.h"

#define CRI_SESSION_NAME_BYTES ((size_t)1024)

struct cri_session {
    struct scope scope;         /* without the lease */
    struct workspace workspace; /* empty: it only tells other processes that the run is alive */
    char lease[CRI_SESSION_NAME_BYTES];
    char name[CRI_SESSION_NAME_BYTES]; /* of the image, as CRI writes it */
    bool present;            /* the image existed before the pull: the session removes nothing */
    bool in_use;             /* a container was created from the image: the image is kept */
    const char *id;          /* digest of the configuration; NULL: unknown. The caller may set it */
    struct cri_claim claim_; /* private, from here on */
    int64_t started_unix_ns_;
    unsigned number_; /* 0: not opened */
    bool crowded_;    /* another session of this process was open when it began */
    char digest_name_[CRI_SESSION_NAME_BYTES];
    struct image_records before_;
    struct arena arena;
};

/* Cleans up after an interrupted run, waits for probes that have claimed the same repository or
 * content, and reads the state. `shared` is the manifest that an earlier attempt has shared with
 * another run, or "". It must live as long as the session. The caller must call cri_session_close()
 * in any case, also after a failure, and then cri_session_deinit(), which frees all text of the
 * session. */
bool cri_session_open(struct cri_session *session, const struct engine_request *request,
                      const char *shared, struct cancel *cancel, struct error *err) MUST_CHECK;

/* *shares: another run was at work, from which bytes of the pull may have come; of a pull that was
 * `cold`: another run has pulled the same content meanwhile. */
bool cri_session_shares(struct cri_session *session, bool cold, bool *shares, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Removes what was created since, whether or not the pull has succeeded. If it fails, the next
 * cri_session_open() of this probe removes the leftovers. */
bool cri_session_close(struct cri_session *session, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

void cri_session_deinit(struct cri_session *session);

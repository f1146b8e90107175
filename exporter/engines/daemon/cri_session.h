/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image of ours in the kubelet's own namespace, beside those of pods.
 *
 * What is there is looked at before, and afterwards only that is removed which was not there before
 * and which nobody else has given a name or put to use meanwhile. A lease of our own holds what the
 * pull makes, also the pieces of one that fails. Its labels say what has to be removed should we
 * not live so long; and no other probe pulls from the same repository as long as it is there, or
 * each would take the other's image for somebody's. It ends after everything else.
 */
#ifndef ENGINES_DAEMON_CRI_SESSION_H
#define ENGINES_DAEMON_CRI_SESSION_H

#include "containerd/images.h"
#include "engines/engine.h"

#define CRI_SESSION_NAME_BYTES ((size_t)1024)

struct cri_session {
    struct scope scope; /* without the lease */
    char lease[CRI_SESSION_NAME_BYTES];
    char name[CRI_SESSION_NAME_BYTES]; /* of the image, as CRI has it */
    bool present;                      /* before the pull: it is not ours */
    bool in_use;                       /* a container was made from it meanwhile: it stays */
    const char *id;  /* digest of its configuration; NULL: not known yet. The caller may set it */
    bool has_lease_; /* private: the lease may be there */
    char digest_name_[CRI_SESSION_NAME_BYTES];
    struct image_records before_;
    struct arena arena;
};

/* Removes what an earlier run has left, waits for probes that are at the same repository, and looks
 * what is there. To be closed in any case, also after a failure; then come the caller's last looks
 * at what it points to, and cri_session_deinit(). */
bool cri_session_open(struct cri_session *session, const struct engine_request *request,
                      struct cancel *cancel, struct error *err) MUST_CHECK;

/* Removes what was made since, whether or not the pull came to its end. What remains after a
 * failure goes when the probe opens the next time. */
bool cri_session_close(struct cri_session *session, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

void cri_session_deinit(struct cri_session *session);

#endif

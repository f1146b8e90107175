/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "cri": the daemon pulls into the kubelet's namespace, as the kubelet asks it to.
 *
 * The daemon does all work within one call, so the engine sees no phases. The creation times of
 * the blobs tell afterwards which of them crossed the network. Bytes that another run has fetched
 * meanwhile are not its own: then the engine pulls again, after that run.
 */
#include "containerd/cri/cri_pull.h"
#include "engines/daemon/cri_session.h"
#include "engines/engine.h"
#include "engines/image/pulled_image.h"

#include "base/clock.h"

#include <stdio.h>

#define SERVER_BYTES ((size_t)512)
#define ATTEMPTS_MAX 5 /* while other probes pull the same content */

struct pull {
    const struct engine_request *request;
    struct engine_result *result;
    struct cri_session session;
    struct cancel *cancel;
    char shared[DIGEST_TEXT_BYTES]; /* the manifest, if an attempt has shared it with another run */
};

static bool prepare(struct pull *pull, struct error *err)
{
    return cri_session_open(&pull->session, pull->request, pull->shared, pull->cancel, err) &&
           (!pull->session.present || !pull->request->cold ||
            error_set(err, ERROR_NOT_COLD, "%s already exists on this node; nothing was pulled",
                      pull->session.name));
}

static bool pull_image(struct pull *pull, struct error *err)
{
    const struct credentials *credentials = pull->request->credentials;
    char server[SERVER_BYTES];
    const struct cri_pull_request request = {
        .image = pull->request->reference.name,
        .lease = pull->session.lease,
        .credentials = credentials_any(credentials) ? credentials : NULL,
        .server = server,
    };

    snprintf(server, sizeof(server), "https://%s", pull->request->reference.endpoint);
    if (credentials->registry_token.text && !credentials->username.text &&
        !credentials->identity_token.text)
        snprintf(pull->result->note, sizeof(pull->result->note),
                 "containerd does not support registry tokens: it pulls without credentials");
    progress_phase(pull->request->progress, engine_phase_name(PHASE_FETCH));
    progress_note(pull->request->progress, "CRI pulls %s", request.image);
    return cri_pull(pull->request->containerd, &request, &pull->session.arena, &pull->session.id,
                    pull->cancel, err);
}

static bool pull_and_examine(struct pull *pull, struct error *err)
{
    const struct pulled_image_query query = {
        .scope = &pull->session.scope,
        .name = pull->session.name,
        .platform = &pull->request->platform,
        .snapshotter = "",
        .started_unix_ns = clock_unix_ns(),
    };
    int64_t start_ns = clock_now_ns();
    bool ok = pull_image(pull, err);

    pull->result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    return ok && pulled_image_examine(&query, pull->result, pull->cancel, err);
}

static void clean_up(struct pull *pull)
{
    ENGINE_PHASE(pull->result, PHASE_CLEANUP);
    struct engine_result *result = pull->result;
    struct cancel cancel;

    engine_cleanup_start(&cancel, pull->cancel);
    result->cleanup_failed = !cri_session_close(&pull->session, &cancel, &result->cleanup_error);
    if (result->cleanup_failed)
        error_wrap(&result->cleanup_error, "clean-up of %s", pull->session.name);
    if (pull->session.in_use)
        snprintf(result->note, sizeof(result->note),
                 "a container uses the image by now, so the image was not removed");
    cancel_deinit(&cancel);
}

/* *again: another run has fetched a part of the image, so the pull was not cold. */
static bool check_shared(struct pull *pull, bool *again, struct error *err)
{
    struct engine_result *result = pull->result;

    *again = false;
    if (!pull->request->cold)
        return true;
    snprintf(pull->shared, sizeof(pull->shared), "%s", result->manifest_digest);
    return cri_session_shares(&pull->session, result->cached_bytes == 0, again, pull->cancel, err);
}

static bool attempt(struct pull *pull, bool *again, struct error *err)
{
    int64_t start_ns = clock_now_ns();
    bool ok = prepare(pull, err);

    *again = false;
    pull->result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    ok = ok && pull_and_examine(pull, err) && check_shared(pull, again, err);
    clean_up(pull);
    workspace_close(&pull->session.workspace, pull->cancel, pull->result);
    cri_session_deinit(&pull->session);
    return ok;
}

static void forget(struct engine_result *result)
{
    struct progress *progress = result->progress;

    engine_result_init(result);
    result->progress = progress;
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    struct pull pull = {.request = request, .result = result, .cancel = cancel};
    bool again, ok;

    for (unsigned attempts = 1;; attempts++) {
        ok = attempt(&pull, &again, err);
        if (!ok || !again || result->cleanup_failed)
            return ok;
        if (attempts == ATTEMPTS_MAX)
            return result->cached_bytes > 0 ||
                   error_set(err, ERROR_NOT_COLD,
                             "other probes of this node pulled the same content at the same time");
        progress_note(request->progress, "another probe pulls the same content; pulling again");
        forget(result);
    }
}

static bool offered(const struct engine_request *request, struct cancel *cancel, struct error *err)
{
    return cri_version(request->containerd, cancel, err);
}

const struct engine pull_cri_engine = {.operation = "pull",
                                       .name = "cri",
                                       .abilities = ENGINE_SEES_MANIFEST,
                                       .offered = offered,
                                       .run = run};

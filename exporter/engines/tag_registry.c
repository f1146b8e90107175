/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag, engine "registry": puts an existing manifest under a new tag and reads it back. The three
 * requests check at almost no cost whether a registry takes writes; no layer is transferred.
 *
 * The tag is not removed: a registry deletes by digest, and that would remove the image.
 */
#include "engines/image/push_target.h"
#include "registry/registry_push.h"

#include "base/clock.h"
#include "registry/registry_read.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)64 << 10)

struct tagging {
    const struct engine_request *request;
    struct engine_result *result;
    struct registry *registry;
    struct arena arena;
    struct buf body;
    struct descriptor manifest;
    struct cancel *cancel;
};

static void tagging_deinit(struct tagging *tagging)
{
    registry_free(tagging->registry);
    buf_deinit(&tagging->body);
    arena_deinit(&tagging->arena);
}

static bool resolve(struct tagging *tagging, struct error *err)
{
    const struct reference *from = &tagging->request->reference;
    ENGINE_PHASE(tagging->result, PHASE_RESOLVE);

    if (!registry_manifest(tagging->registry, reference_object(from), &tagging->body,
                           &tagging->manifest, &tagging->arena, tagging->cancel, err))
        return false;
    engine_report_root(&tagging->manifest, tagging->result);
    return true;
}

static bool check_target(const struct tagging *tagging, struct error *err)
{
    struct engine_request target = *tagging->request;

    target.reference = tagging->request->new_tag;
    return push_target_check(&target, tagging->manifest.digest, tagging->cancel, err);
}

static bool put(struct tagging *tagging, struct error *err)
{
    ENGINE_PHASE(tagging->result, PHASE_COMMIT);

    return registry_push_manifest(tagging->registry, tagging->request->new_tag.tag,
                                  &tagging->manifest, &tagging->body, tagging->cancel, err);
}

static bool read_back(struct tagging *tagging, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    struct engine_result *result = tagging->result;
    struct descriptor found;
    ENGINE_PHASE(result, PHASE_READ_BACK);

    if (!registry_manifest(tagging->registry, tagging->request->new_tag.tag, &body, &found,
                           &tagging->arena, tagging->cancel, err))
        return error_wrap(err, "read back");
    snprintf(result->host, sizeof(result->host), "%s", registry_served_by(tagging->registry));
    return strcmp(found.digest, tagging->manifest.digest) == 0 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "tag %s is %s, expected %s",
                     tagging->request->new_tag.tag, found.digest, tagging->manifest.digest);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(tagging_deinit)
    struct tagging tagging = {.request = request,
                              .result = result,
                              .registry = engine_registry(request, true, err),
                              .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
                              .body = BUF_INIT(MANIFEST_LIMIT_BYTES),
                              .cancel = cancel};
    int64_t start_ns = clock_now_ns(), guard_ns;
    bool ok;

    if (!tagging.registry)
        return false;
    ok = resolve(&tagging, err);
    guard_ns = clock_now_ns();
    ok = ok && check_target(&tagging, err);
    if (ok)
        start_ns += clock_now_ns() - guard_ns; /* not measured, unless it has failed */
    ok = ok && put(&tagging, err) && read_back(&tagging, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(tagging.registry);
    return ok;
}

const struct engine tag_registry_engine = {
    .operation = "tag",
    .name = "registry",
    .abilities = ENGINE_OWN_NETWORK | ENGINE_SEES_HOST,
    .preference = 1,
    .run = run,
};

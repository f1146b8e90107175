/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/scrub/scrub_read.h"

#include "containerd/content.h"

#include <string.h>

/* A part of a blob that is being read. */
struct part {
    struct scope scope;
    char digest[DIGEST_TEXT_BYTES];
    uint64_t offset, size;
    uint64_t got;
    struct digest *into; /* NULL: the bytes are ignored */
};

static void part_init(struct part *part, struct containerd *containerd,
                      const struct scrub_blob *blob)
{
    *part = (struct part){.scope = {.daemon = containerd, .name_space = blob->name_space}};
    scrub_sum_text(&blob->sum, part->digest);
}

/* A content_sink that ignores bytes beyond the requested ones. */
static bool receive(void *arg, const void *data, size_t size, struct error *err)
{
    struct part *part = arg;

    (void)err;
    if (size > part->size - part->got)
        size = (size_t)(part->size - part->got);
    if (part->into)
        digest_update(part->into, data, size);
    part->got += size;
    return true;
}

static bool read_part(struct part *part, struct cancel *cancel, struct error *err)
{
    return content_stream_range(&part->scope, part->digest, part->offset, part->size, receive, part,
                                cancel, err);
}

/* A blob is bad only if the daemon still has a record of it. */
static enum scrub_answer confirm_bad(const struct part *part, enum scrub_kind what,
                                     enum scrub_kind *kind, struct cancel *cancel,
                                     struct error *err)
{
    uint64_t size;

    *kind = what;
    if (content_size(&part->scope, part->digest, &size, cancel, err))
        return SCRUB_BAD;
    return error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND) ? SCRUB_GOOD : SCRUB_FAILED;
}

/* Decides whether the blob or the daemon is to blame for a failed read. */
static enum scrub_answer judge(const struct part *part, enum scrub_kind *kind,
                               struct cancel *cancel, struct error *err)
{
    switch (err->status_kind == STATUS_GRPC ? err->status : RPC_OK) {
    case RPC_NOT_FOUND:
        return confirm_bad(part, SCRUB_MISSING_FILE, kind, cancel, err);
    case RPC_OUT_OF_RANGE:
        return confirm_bad(part, SCRUB_TRUNCATED, kind, cancel, err);
    case RPC_UNKNOWN:
    case RPC_INTERNAL:
    case RPC_DATA_LOSS:
        return confirm_bad(part, SCRUB_UNREADABLE, kind, cancel, err);
    default:
        return SCRUB_FAILED;
    }
}

enum scrub_answer scrub_check_last_byte(struct containerd *containerd,
                                        const struct scrub_blob *blob, enum scrub_kind *kind,
                                        uint64_t *read_bytes, struct cancel *cancel,
                                        struct error *err)
{
    const uint64_t last = blob->size > 0 ? 1 : 0; /* bytes to read */
    struct part part;

    part_init(&part, containerd, blob);
    part.offset = blob->size - last;
    part.size = last;
    if (!read_part(&part, cancel, err))
        return judge(&part, kind, cancel, err);
    *read_bytes += part.got;
    if (part.got == last)
        return SCRUB_GOOD;
    return confirm_bad(&part, SCRUB_TRUNCATED, kind, cancel, err);
}

void scrub_hash_drop(struct scrub_hash *hash)
{
    if (hash->digest)
        digest_free(hash->digest);
    *hash = (struct scrub_hash){0};
}

static bool begin(struct scrub_hash *hash, const struct scrub_blob *blob, struct error *err)
{
    char text[DIGEST_TEXT_BYTES];

    if (hash->digest && scrub_sum_compare(&hash->sum, &blob->sum) == 0)
        return true;
    scrub_hash_drop(hash);
    hash->sum = blob->sum;
    scrub_sum_text(&blob->sum, text);
    hash->digest = digest_new(text, err);
    return hash->digest;
}

static enum scrub_answer finish(struct scrub_hash *hash, const struct part *part,
                                enum scrub_kind *kind, struct cancel *cancel, struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    digest_finish(hash->digest, digest);
    if (strcmp(digest, part->digest) == 0)
        return SCRUB_GOOD;
    return confirm_bad(part, SCRUB_WRONG_HASH, kind, cancel, err);
}

static enum scrub_answer go_on(struct scrub_hash *hash, struct containerd *containerd,
                               const struct scrub_blob *blob, uint64_t *allowance,
                               enum scrub_kind *kind, uint64_t *read_bytes, struct cancel *cancel,
                               struct error *err)
{
    struct part part;
    bool ok = true;

    if (!begin(hash, blob, err))
        return SCRUB_FAILED;
    part_init(&part, containerd, blob);
    part.into = hash->digest;
    part.offset = hash->offset;
    part.size = blob->size - hash->offset;
    if (part.size > *allowance)
        part.size = *allowance;
    if (part.size > 0)
        ok = read_part(&part, cancel, err);
    *read_bytes += part.got;
    *allowance -= part.got;
    hash->offset += part.got; /* also after an interrupted read, which continues there */
    if (ok && hash->offset == blob->size)
        return finish(hash, &part, kind, cancel, err);
    if (ok && part.got == part.size)
        return SCRUB_UNFINISHED;
    return ok ? confirm_bad(&part, SCRUB_TRUNCATED, kind, cancel, err)
              : judge(&part, kind, cancel, err);
}

enum scrub_answer scrub_hash_on(struct scrub_hash *hash, struct containerd *containerd,
                                const struct scrub_blob *blob, uint64_t *allowance,
                                enum scrub_kind *kind, uint64_t *read_bytes, struct cancel *cancel,
                                struct error *err)
{
    enum scrub_answer answer =
        go_on(hash, containerd, blob, allowance, kind, read_bytes, cancel, err);

    if (answer == SCRUB_GOOD || answer == SCRUB_BAD)
        scrub_hash_drop(hash);
    return answer;
}

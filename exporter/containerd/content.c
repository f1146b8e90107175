/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/content.h"

#include "containerd/wire/content_wire.h"
#include "oci/digest.h"

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define ARENA_LIMIT_BYTES   ((size_t)16 << 20)
#define FIND_AT_ONCE        ((size_t)128) /* the daemon compares each blob with each filter */
#define SERVICE             "/containerd.services.content.v1.Content/"

bool content_size(const struct scope *scope, const char *digest, uint64_t *size,
                  struct cancel *cancel, struct error *err)
{
    return containerd_query_name(scope, SERVICE "Info", digest, content_wire_size, NULL, size,
                                 cancel, err);
}

bool content_list(const struct scope *scope, content_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err)
{
    struct content_visitor visitor = {visit, arg};

    return containerd_query_stream(scope, SERVICE "List", NULL, content_wire_list, &visitor, cancel,
                                   err);
}

bool content_records(const struct scope *scope, content_record_visit *visit, void *arg,
                     struct cancel *cancel, struct error *err)
{
    struct content_record_visitor visitor = {visit, arg};

    return containerd_query_stream(scope, SERVICE "List", NULL, content_wire_records, &visitor,
                                   cancel, err);
}

static bool find_some(const struct scope *scope, const char *const *digests, size_t count,
                      struct content_record_visitor *visitor, struct cancel *cancel,
                      struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    content_wire_find(&request, digests, count, &arena);
    return arena_ok(&arena, err) &&
           containerd_query_stream(scope, SERVICE "List", &request, content_wire_records, visitor,
                                   cancel, err);
}

bool content_find(const struct scope *scope, const char *const *digests, size_t count,
                  content_record_visit *visit, void *arg, struct cancel *cancel, struct error *err)
{
    struct content_record_visitor visitor = {visit, arg};

    for (size_t i = 0; i < count; i++)
        if (!digest_valid(digests[i]))
            return error_set(err, ERROR_INVALID,
                             "invalid digest \"%s\": expected sha256:<64 hex digits>", digests[i]);
    for (size_t i = 0; i < count; i += FIND_AT_ONCE)
        if (!find_some(scope, digests + i, count - i < FIND_AT_ONCE ? count - i : FIND_AT_ONCE,
                       &visitor, cancel, err))
            return false;
    return true;
}

struct sink {
    content_sink *write;
    void *arg;
};

static bool write_data(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const struct sink *sink = out;
    const void *data;
    size_t size;

    (void)arena;
    return content_wire_data(message, &data, &size, err) && sink->write(sink->arg, data, size, err);
}

bool content_stream_range(const struct scope *scope, const char *digest, uint64_t offset,
                          uint64_t size, content_sink *write, void *arg, struct cancel *cancel,
                          struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    struct sink sink = {write, arg};

    content_wire_read(&request, digest, offset, size);
    return containerd_query_stream(scope, SERVICE "Read", &request, write_data, &sink, cancel, err);
}

bool content_stream(const struct scope *scope, const char *digest, content_sink *sink, void *arg,
                    struct cancel *cancel, struct error *err)
{
    return content_stream_range(scope, digest, 0, 0, sink, arg, cancel, err);
}

static bool append(void *arg, const void *data, size_t size, struct error *err)
{
    buf_append(arg, data, size);
    return buf_ok(arg, err);
}

bool content_read(const struct scope *scope, const char *digest, struct buf *out,
                  struct cancel *cancel, struct error *err)
{
    return content_stream(scope, digest, append, out, cancel, err);
}

bool content_delete(const struct scope *scope, const char *digest, struct cancel *cancel,
                    struct error *err)
{
    return containerd_delete(scope, SERVICE "Delete", digest, cancel, err);
}

bool content_ingests(const struct scope *scope, struct arena *arena, struct ingests *ingests,
                     struct cancel *cancel, struct error *err)
{
    return containerd_query(scope, SERVICE "ListStatuses", NULL, content_wire_ingests, arena,
                            ingests, cancel, err);
}

bool content_abort_all(const struct scope *scope, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct ingests ingests;

    if (!content_ingests(scope, &arena, &ingests, cancel, err))
        return false;
    for (size_t i = 0; i < ingests.count; i++)
        if (!containerd_delete(scope, SERVICE "Abort", ingests.items[i].ref, cancel, err))
            return false;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The fake containerd: content, snapshots and diff. Content/Write is with the streams. */
#include "support/fake_containerd_private.h"

#include <content.pb-c.h>
#include <snapshots.pb-c.h>

#include <stdlib.h>

#define PIECE_BYTES ((size_t)64 << 10)

/* ---- content ---- */

struct content_message {
    Content__Info info;
    Wire__Timestamp created;
    struct fake_labels labels;
};

static Content__Info *content_message(const struct fake_item *item, struct content_message *out)
{
    content__info__init(&out->info);
    out->created = fake_time(item->created_ns);
    out->info.digest = (char *)item->name;
    out->info.size = (int64_t)item->size;
    out->info.created_at = &out->created;
    out->info.labels = fake_labels(item, &out->labels);
    out->info.n_labels = item->n_labels;
    return &out->info;
}

static struct outcome content_info(struct fake_call *call, const void *request)
{
    const Content__InfoRequest *info = request;
    struct fake_item *item = fake_find(call->fake, FAKE_CONTENT, call->space, info->digest);
    Content__ListResponse response = CONTENT__LIST_RESPONSE__INIT;
    struct content_message message;
    Content__Info *pointer;

    if (!item)
        return fake_not_found;
    /* InfoResponse has the info as its field 1, as a list with one item has. */
    pointer = content_message(item, &message);
    response.info = &pointer;
    response.n_info = 1;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

/* Filters are "digest==sha256:...", one of which has to match. */
static bool is_wanted(const struct fake_item *item, const Content__ListRequest *request)
{
    for (size_t i = 0; i < request->n_filters; i++)
        if (strstr(request->filters[i], item->name))
            return true;
    return request->n_filters == 0;
}

static struct outcome content_list(struct fake_call *call, const void *request)
{
    Content__ListResponse response = CONTENT__LIST_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_CONTENT, items);
    struct content_message *messages = calloc(count + 1, sizeof(*messages));
    Content__Info *pointers[FAKE_LIST_MAX];

    for (size_t i = 0; i < count; i++)
        if (call->fake->lists_all_content || is_wanted(items[i], request))
            pointers[response.n_info++] = content_message(items[i], &messages[i]);
    response.info = pointers;
    if (response.n_info > 0)
        fake_reply(call, &response.base);
    free(messages);
    return OUTCOME_OK;
}

/* ReadResponse has the bytes in its field 2. */
static void reply_piece(struct fake_call *call, const char *data, size_t size)
{
    unsigned char head[12] = {2 << 3 | 2};
    size_t n = 1;

    for (size_t rest = size; n == 1 || rest > 0; rest >>= 7)
        head[n++] = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    fake_reply_bytes(call, head, n, data, size);
}

static struct outcome content_read(struct fake_call *call, const void *request)
{
    const Content__ReadRequest *read = request;
    struct fake_item *item = fake_find(call->fake, FAKE_CONTENT, call->space, read->digest);
    uint64_t at = (uint64_t)read->offset, end;

    if (!item)
        return fake_not_found;
    if (at > item->size)
        return (struct outcome){GRPC_STATUS_OUT_OF_RANGE, "offset past content length"};
    end = read->size > 0 && at + (uint64_t)read->size < item->size ? at + (uint64_t)read->size
                                                                   : item->size;
    for (; at < end; at += PIECE_BYTES)
        reply_piece(call, item->data + at, end - at < PIECE_BYTES ? end - at : PIECE_BYTES);
    return OUTCOME_OK;
}

static struct outcome content_delete(struct fake_call *call, const void *request)
{
    return fake_remove_item(call, FAKE_CONTENT, ((const Content__DeleteRequest *)request)->digest);
}

static struct outcome content_abort(struct fake_call *call, const void *request)
{
    return fake_remove_item(call, FAKE_INGEST, ((const Content__AbortRequest *)request)->ref);
}

static struct outcome content_statuses(struct fake_call *call, const void *request)
{
    Content__ListStatusesResponse response = CONTENT__LIST_STATUSES_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_INGEST, items);
    Content__Status messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];
    Wire__Timestamp times[FAKE_LIST_MAX];

    (void)request;
    for (size_t i = 0; i < count; i++) {
        content__status__init(&messages[i]);
        times[i] = fake_time(items[i]->created_ns);
        messages[i].started_at = messages[i].updated_at = &times[i];
        messages[i].ref = items[i]->name;
        messages[i].offset = (int64_t)items[i]->size;
        pointers[i] = &messages[i];
    }
    response.statuses = pointers;
    response.n_statuses = count;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

/* ---- snapshots ---- */

static const struct outcome no_snapshotter = {GRPC_STATUS_INVALID_ARGUMENT,
                                              "snapshotter not loaded: invalid argument"};

static Snapshots__Info *snapshot_message(const struct fake_item *item, Snapshots__Info *info,
                                         Wire__Timestamp *created)
{
    snapshots__info__init(info);
    *created = fake_time(item->created_ns);
    info->name = (char *)item->name;
    info->parent = (char *)item->target;
    info->kind = item->active ? 2 : 3;
    info->created_at = created;
    return info;
}

static bool is_loaded(const struct fake_containerd *fake, const char *snapshotter)
{
    return strcmp(snapshotter, FAKE_SNAPSHOTTER) == 0 ||
           (fake->other_snapshotter && strcmp(snapshotter, fake->other_snapshotter) == 0);
}

static struct outcome snapshots_list(struct fake_call *call, const void *request)
{
    const char *snapshotter = ((const Snapshots__ListRequest *)request)->snapshotter;
    size_t count;
    Snapshots__ListResponse response = SNAPSHOTS__LIST_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    Snapshots__Info messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];
    Wire__Timestamp times[FAKE_LIST_MAX];

    if (!is_loaded(call->fake, snapshotter))
        return no_snapshotter;
    count = fake_list(call, FAKE_SNAPSHOT, items);
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i]->snapshotter[0] ? items[i]->snapshotter : FAKE_SNAPSHOTTER,
                   snapshotter) == 0) {
            pointers[response.n_info] = snapshot_message(items[i], &messages[i], &times[i]);
            response.n_info++;
        }
    response.info = pointers;
    if (response.n_info > 0)
        fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome snapshots_prepare(struct fake_call *call, const void *request)
{
    const Snapshots__PrepareRequest *prepare = request;
    Snapshots__PrepareResponse response = SNAPSHOTS__PREPARE_RESPONSE__INIT;
    ProtobufCBinaryData mount;
    struct fake_item *item;

    if (strcmp(prepare->snapshotter, FAKE_SNAPSHOTTER) != 0)
        return no_snapshotter;
    if (*prepare->parent && !fake_find(call->fake, FAKE_SNAPSHOT, call->space, prepare->parent))
        return (struct outcome){GRPC_STATUS_NOT_FOUND, "parent snapshot does not exist"};
    if (fake_find(call->fake, FAKE_SNAPSHOT, call->space, prepare->key))
        return fake_exists;
    item = fake_add(call, FAKE_SNAPSHOT, prepare->key);
    item->active = true;
    snprintf(item->target, sizeof(item->target), "%s", prepare->parent);
    fake_take_labels(item, prepare->labels, prepare->n_labels);
    mount.data = (uint8_t *)item->name; /* the exporter hands mounts through as they are */
    mount.len = strlen(item->name);
    response.mounts = &mount;
    response.n_mounts = 1;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome snapshots_commit(struct fake_call *call, const void *request)
{
    const Snapshots__CommitRequest *commit = request;
    struct fake_item *item = fake_find(call->fake, FAKE_SNAPSHOT, call->space, commit->key);

    if (!item || !item->active)
        return fake_not_found;
    if (fake_find(call->fake, FAKE_SNAPSHOT, call->space, commit->name))
        return fake_exists;
    snprintf(item->name, sizeof(item->name), "%s", commit->name);
    item->active = false;
    return OUTCOME_OK;
}

static struct outcome snapshots_remove(struct fake_call *call, const void *request)
{
    const Snapshots__RemoveRequest *remove = request;
    struct fake_containerd *fake = call->fake;

    for (size_t i = 0; i < fake->n_items; i++)
        if (fake->items[i]->kind == FAKE_SNAPSHOT &&
            strcmp(fake->items[i]->space, call->space) == 0 &&
            strcmp(fake->items[i]->target, remove->key) == 0)
            return (struct outcome){GRPC_STATUS_FAILED_PRECONDITION, "snapshot has children"};
    return fake_remove_item(call, FAKE_SNAPSHOT, remove->key);
}

/* For Stat and Usage. */
static struct fake_item *find_snapshot(struct fake_call *call, const void *request,
                                       struct outcome *outcome)
{
    const Snapshots__RemoveRequest *key = request;
    struct fake_item *item = fake_find(call->fake, FAKE_SNAPSHOT, call->space, key->key);

    *outcome = strcmp(key->snapshotter, FAKE_SNAPSHOTTER) != 0 ? no_snapshotter
               : item                                          ? OUTCOME_OK
                                                               : fake_not_found;
    return outcome->code == GRPC_STATUS_OK ? item : NULL;
}

static struct outcome snapshots_stat(struct fake_call *call, const void *request)
{
    Snapshots__StatResponse response = SNAPSHOTS__STAT_RESPONSE__INIT;
    struct outcome outcome;
    struct fake_item *item = find_snapshot(call, request, &outcome);
    Snapshots__Info info;
    Wire__Timestamp created;

    if (!item)
        return outcome;
    response.info = snapshot_message(item, &info, &created);
    fake_reply(call, &response.base);
    return outcome;
}

static struct outcome snapshots_usage(struct fake_call *call, const void *request)
{
    Snapshots__UsageResponse response = SNAPSHOTS__USAGE_RESPONSE__INIT;
    struct outcome outcome;
    struct fake_item *item = find_snapshot(call, request, &outcome);

    if (!item)
        return outcome;
    response.size = (int64_t)item->size;
    fake_reply(call, &response.base);
    return outcome;
}

/* Layers are not compressed, so what is applied has the digest of the layer. */
static struct outcome diff_apply(struct fake_call *call, const void *request)
{
    const Snapshots__ApplyRequest *apply = request;
    Snapshots__ApplyResponse response = SNAPSHOTS__APPLY_RESPONSE__INIT;
    struct fake_item *blob = fake_find(call->fake, FAKE_CONTENT, call->space, apply->diff->digest);
    struct fake_item *snapshot;
    char key[256];

    if (!blob || apply->n_mounts != 1)
        return fake_not_found;
    snprintf(key, sizeof(key), "%.*s", (int)apply->mounts[0].len, (char *)apply->mounts[0].data);
    snapshot = fake_find(call->fake, FAKE_SNAPSHOT, call->space, key);
    if (!snapshot || !snapshot->active)
        return (struct outcome){GRPC_STATUS_NOT_FOUND, "no such mount"};
    snapshot->size = blob->size;
    response.applied = apply->diff;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

const struct fake_method_entry fake_content_methods[] = {
    {"content.v1.Content/Info", &content__info_request__descriptor, "digest", content_info},
    {"content.v1.Content/List", &content__list_request__descriptor, NULL, content_list},
    {"content.v1.Content/Read", &content__read_request__descriptor, "digest", content_read},
    {"content.v1.Content/Delete", &content__delete_request__descriptor, "digest", content_delete},
    {"content.v1.Content/Abort", &content__abort_request__descriptor, "ref", content_abort},
    {"content.v1.Content/ListStatuses", NULL, NULL, content_statuses},
    {"snapshots.v1.Snapshots/List", &snapshots__list_request__descriptor, "snapshotter",
     snapshots_list},
    {"snapshots.v1.Snapshots/Prepare", &snapshots__prepare_request__descriptor, "parent",
     snapshots_prepare},
    {"snapshots.v1.Snapshots/Commit", &snapshots__commit_request__descriptor, "name",
     snapshots_commit},
    {"snapshots.v1.Snapshots/Remove", &snapshots__remove_request__descriptor, "key",
     snapshots_remove},
    {"snapshots.v1.Snapshots/Stat", &snapshots__remove_request__descriptor, "key", snapshots_stat},
    {"snapshots.v1.Snapshots/Usage", &snapshots__remove_request__descriptor, "key",
     snapshots_usage},
    {"diff.v1.Diff/Apply", &snapshots__apply_request__descriptor, "diff", diff_apply},
    {NULL, NULL, NULL, NULL},
};

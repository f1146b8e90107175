/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the fake containerd, and which method serves a call. */
#include "support/fake_containerd_private.h"

#include "base/clock.h"

#include <stdlib.h>

static void settings_reset(struct fake_containerd *fake)
{
    fake->version = "2.1.0";
    fake->serving = true;
    fake->keeps_garbage = fake->lists_all_content = fake->isolated = fake->discards_unpacked =
        false;
    fake->plugins = NULL;
    fake->image = NULL;
    fake->events = NULL;
    fake->logs = NULL;
    fake->auth_host = NULL;
    fake->list_max = 0;
    fake->cri_config = fake->cri_image_root = fake->other_snapshotter = NULL;
    fake->pull_fails_after = 0;
}

void fake_remove(struct fake_containerd *fake, struct fake_item *item)
{
    for (size_t i = 0; i < fake->n_items; i++)
        if (fake->items[i] == item) {
            memmove(&fake->items[i], &fake->items[i + 1],
                    (fake->n_items - i - 1) * sizeof(struct fake_item *));
            fake->n_items--;
            free(item->data);
            free(item);
            return;
        }
    abort();
}

static void remove_all(struct fake_containerd *fake)
{
    while (fake->n_items > 0)
        fake_remove(fake, fake->items[0]);
}

void fake_containerd_empty(struct fake_containerd *fake)
{
    LOCK_SCOPE(&fake->lock);

    remove_all(fake);
}

void fake_containerd_reset(struct fake_containerd *fake)
{
    LOCK_SCOPE(&fake->lock);

    remove_all(fake);
    settings_reset(fake);
}

struct fake_item *fake_find(struct fake_containerd *fake, enum fake_kind kind, const char *space,
                            const char *name)
{
    for (size_t i = 0; i < fake->n_items; i++) {
        struct fake_item *item = fake->items[i];

        if (item->kind == kind && strcmp(item->space, space) == 0 && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

struct fake_item *fake_containerd_find(struct fake_containerd *fake, enum fake_kind kind,
                                       const char *space, const char *name)
{
    LOCK_SCOPE(&fake->lock);

    return fake_find(fake, kind, space, name);
}

static struct fake_item *append(struct fake_containerd *fake, enum fake_kind kind,
                                const char *space, const char *name)
{
    struct fake_item *item = calloc(1, sizeof(*item));

    fake->items = realloc(fake->items, (fake->n_items + 1) * sizeof(struct fake_item *));
    if (!item || !fake->items)
        abort();
    item->kind = kind;
    snprintf(item->space, sizeof(item->space), "%s", space);
    snprintf(item->name, sizeof(item->name), "%s", name);
    item->created_ns = clock_unix_ns();
    fake->items[fake->n_items++] = item;
    return item;
}

struct fake_item *fake_containerd_add(struct fake_containerd *fake, enum fake_kind kind,
                                      const char *space, const char *name)
{
    LOCK_SCOPE(&fake->lock);

    return append(fake, kind, space, name);
}

struct fake_item *fake_add(struct fake_call *call, enum fake_kind kind, const char *name)
{
    struct fake_item *item = append(call->fake, kind, call->space, name);

    snprintf(item->lease, sizeof(item->lease), "%s", call->lease);
    return item;
}

void fake_item_label(struct fake_item *item, const char *name, const char *value)
{
    struct fake_label *label = &item->labels[item->n_labels++];

    if (item->n_labels > FAKE_LABELS_MAX)
        abort();
    snprintf(label->name, sizeof(label->name), "%s", name);
    snprintf(label->value, sizeof(label->value), "%s", value);
}

void fake_take_labels(struct fake_item *item, Wire__Label *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fake_item_label(item, labels[i]->key, labels[i]->value);
}

static struct fake_item *add_blob(struct fake_containerd *fake, const char *space,
                                  const struct fake_blob *blob)
{
    struct fake_item *item =
        fake_containerd_add(fake, FAKE_CONTENT, space, blob->descriptor->digest);

    item->size = (uint64_t)blob->descriptor->size;
    item->data = malloc(item->size + 1);
    if (!item->data)
        abort();
    memcpy(item->data, blob->data, item->size);
    return item;
}

void fake_containerd_add_image(struct fake_containerd *fake, const char *space, const char *name,
                               const struct fake_image *image)
{
    struct fake_item *record, *blob;
    char label[64], chain_id[DIGEST_TEXT_BYTES];

    fake_image_chain_id(image, image->n_layers, chain_id);
    for (size_t i = 0; i < image->n_blobs; i++) {
        blob = add_blob(fake, space, &image->blobs[i]);
        if (strcmp(blob->name, image->config.digest) == 0)
            fake_item_label(blob, "containerd.io/gc.ref.snapshot." FAKE_SNAPSHOTTER, chain_id);
    }
    blob = fake_containerd_find(fake, FAKE_CONTENT, space, image->manifest.digest);
    fake_item_label(blob, "containerd.io/gc.ref.content.config", image->config.digest);
    for (size_t i = 0; i < image->n_layers; i++) {
        snprintf(label, sizeof(label), "containerd.io/gc.ref.content.l.%zu", i);
        fake_item_label(blob, label, image->layers[i].digest);
    }
    if (image->index_body.size > 0)
        fake_item_label(fake_containerd_find(fake, FAKE_CONTENT, space, image->root.digest),
                        "containerd.io/gc.ref.content.m.0", image->manifest.digest);
    record = fake_containerd_add(fake, FAKE_RECORD, space, name);
    snprintf(record->target, sizeof(record->target), "%s", image->root.digest);
    snprintf(record->media_type, sizeof(record->media_type), "%s", image->root.media_type);
    snprintf(record->id, sizeof(record->id), "%s", image->config.digest);
    record->size = (uint64_t)image->root.size;
}

void fake_containerd_add_snapshots(struct fake_containerd *fake, const char *space,
                                   const struct fake_image *image)
{
    char chain_id[DIGEST_TEXT_BYTES], parent[DIGEST_TEXT_BYTES] = "";

    for (size_t i = 0; i < image->n_layers; i++) {
        struct fake_item *snapshot;

        fake_image_chain_id(image, i + 1, chain_id);
        snapshot = fake_containerd_add(fake, FAKE_SNAPSHOT, space, chain_id);
        snprintf(snapshot->target, sizeof(snapshot->target), "%s", parent);
        snapshot->size = (uint64_t)image->layers[i].size;
        strcpy(parent, chain_id);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void fake_containerd_dump(struct fake_containerd *fake, struct buf *out)
{
    static const char *const kinds[FAKE_KINDS] = {
        [FAKE_NAMESPACE] = "namespace", [FAKE_LEASE] = "lease",   [FAKE_RECORD] = "image",
        [FAKE_CONTENT] = "content",     [FAKE_INGEST] = "ingest", [FAKE_SNAPSHOT] = "snapshot",
        [FAKE_CONTAINER] = "container",
    };
    LOCK_SCOPE(&fake->lock);
    char **lines = calloc(fake->n_items + 1, sizeof(*lines));

    for (size_t i = 0; i < fake->n_items; i++) {
        const struct fake_item *item = fake->items[i];

        if (asprintf(&lines[i], "%s %s %s %s\n", kinds[item->kind], item->space, item->name,
                     item->target) < 0)
            abort();
    }
    qsort(lines, fake->n_items, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < fake->n_items; i++) {
        buf_append_str(out, lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static void read_header(const struct fake_call *call, const char *name, char *out, size_t size)
{
    const grpc_metadata_array *headers = &call->session->metadata;

    for (size_t i = 0; i < headers->count; i++)
        if (grpc_slice_str_cmp(headers->metadata[i].key, name) == 0) {
            char *value = grpc_slice_to_c_string(headers->metadata[i].value);

            snprintf(out, size, "%s", value);
            gpr_free(value);
        }
}

struct outcome fake_failure(const struct fake_containerd *fake)
{
    const struct call_log *log = fake->log;

    return (struct outcome){log->fail_status ? (grpc_status_code)log->fail_status
                                             : GRPC_STATUS_INTERNAL,
                            log->fail_words ? log->fail_words : "planned failure"};
}

void fake_reply_bytes(struct fake_call *call, const void *head, size_t head_size, const void *data,
                      size_t size)
{
    struct fake_reply *reply = calloc(1, sizeof(*reply));

    if (!reply || !(reply->data = malloc(head_size + size + 1)))
        abort();
    reply->size = head_size + size;
    memcpy(reply->data, head, head_size);
    memcpy((char *)reply->data + head_size, data, size);
    *call->last = reply;
    call->last = &reply->next;
}

void fake_reply(struct fake_call *call, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    void *data = malloc(size + 1);

    if (!data)
        abort();
    protobuf_c_message_pack(message, data);
    fake_reply_bytes(call, "", 0, data, size);
    free(data);
}

void *fake_receive(struct fake_call *call, const ProtobufCMessageDescriptor *type)
{
    grpc_byte_buffer *buffer = session_receive(call->session);
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    void *message;

    if (!buffer || !grpc_byte_buffer_reader_init(&reader, buffer))
        return NULL;
    slice = grpc_byte_buffer_reader_readall(&reader);
    message = protobuf_c_message_unpack(type, NULL, GRPC_SLICE_LENGTH(slice),
                                        GRPC_SLICE_START_PTR(slice));
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(buffer);
    return message;
}

static const char *key_of(const void *message, const struct fake_method_entry *method)
{
    const ProtobufCFieldDescriptor *field =
        method->key && message
            ? protobuf_c_message_descriptor_get_field_by_name(method->request, method->key)
            : NULL;

    const void *value =
        field ? *(const void *const *)((const char *)message + field->offset) : NULL;

    if (value && field->descriptor == &wire__descriptor__descriptor)
        value = ((const Wire__Descriptor *)value)->digest;
    else if (value && field->type == PROTOBUF_C_TYPE_MESSAGE) /* the name is its first field */
        value = *(const void *const *)((const char *)value + sizeof(ProtobufCMessage));
    return value ? value : "";
}

/* "images.v1.Images/Get" is recorded as "Images/Get". */
static const char *short_name(const char *path)
{
    const char *slash = strchr(path + 1, '/'), *at = slash;

    while (at && at > path && at[-1] != '.')
        at--;
    return at ? at : path;
}

static void send_replies(struct fake_call *call, bool really)
{
    while (call->replies) {
        struct fake_reply *reply = call->replies;

        if (really)
            (void)session_send_bytes(call->session, reply->data, reply->size);
        call->replies = reply->next;
        free(reply->data);
        free(reply);
    }
}

/* Many answers say nothing; a unary call needs one all the same. */
static bool is_list(const char *path)
{
    return strstr(path, "/List") && !strstr(path, "Statuses");
}

static struct outcome run(struct fake_call *call, const struct fake_method_entry *method,
                          const void *request)
{
    struct outcome outcome = fake_failure(call->fake);

    call->verdict =
        call_log_add(call->fake->log, short_name(method->path), key_of(request, method));
    if (call->verdict == CALL_FAIL)
        return outcome;
    pthread_mutex_lock(&call->fake->lock);
    outcome = method->serve(call, request);
    pthread_mutex_unlock(&call->fake->lock);
    if (call->verdict == CALL_FAIL_LATE)
        outcome = fake_failure(call->fake);
    if (outcome.code == GRPC_STATUS_OK && !call->replies && !is_list(method->path) &&
        !strstr(method->path, "Content/Read"))
        (void)session_send_bytes(call->session, "", 0);
    send_replies(call, outcome.code == GRPC_STATUS_OK);
    return outcome;
}

static const struct fake_method_entry *find_method(const struct fake_method_entry *entry,
                                                   const char *path)
{
    for (; entry->path; entry++)
        if (strcmp(entry->path, path) == 0)
            return entry;
    return NULL;
}

static bool serve_unary(struct fake_call *call, const char *path, struct outcome *outcome)
{
    const struct fake_method_entry *const tables[] = {fake_service_methods, fake_content_methods,
                                                      fake_cri_methods};
    const struct fake_method_entry *method = NULL;
    void *request = NULL;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !method; i++)
        method = find_method(tables[i], path);
    if (!method)
        return false;
    if (method->request)
        request = fake_receive(call, method->request);
    else
        grpc_byte_buffer_destroy(session_receive(call->session));
    *outcome = method->request && !request
                   ? (struct outcome){GRPC_STATUS_INVALID_ARGUMENT, "no request"}
                   : run(call, method, request);
    if (request)
        protobuf_c_message_free_unpacked(request, NULL);
    return true;
}

static struct outcome serve(struct session *session)
{
    struct fake_call call = {.fake = session->fake->arg, .session = session};
    struct outcome outcome = {GRPC_STATUS_UNIMPLEMENTED, "the fake has no such method"};
    char *path = grpc_slice_to_c_string(session->details.method);
    const char *prefix = "/containerd.services.";
    const char *rest = strncmp(path, prefix, strlen(prefix)) == 0 ? path + strlen(prefix) : path;

    call.last = &call.replies;
    read_header(&call, "containerd-namespace", call.space, sizeof(call.space));
    read_header(&call, "containerd-lease", call.lease, sizeof(call.lease));
    if (!fake_serve_stream(&call, rest, &outcome) && !serve_unary(&call, rest, &outcome))
        (void)call_log_add(call.fake->log, rest, "");
    gpr_free(path);
    return outcome;
}

struct fake_containerd *fake_containerd_new(struct call_log *log)
{
    struct fake_containerd *fake = calloc(1, sizeof(*fake));

    if (!fake || !(fake->server = calloc(1, sizeof(*fake->server))))
        abort();
    fake->log = log;
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    settings_reset(fake);
    grpc_fake_start_with(fake->server, serve, fake);
    snprintf(fake->socket, sizeof(fake->socket), "%s", fake->server->target + strlen("unix:"));
    return fake;
}

void fake_containerd_free(struct fake_containerd *fake)
{
    fake_streams_stop(fake);
    grpc_fake_stop(fake->server);
    fake_containerd_reset(fake);
    free(fake->items);
    free(fake->server);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

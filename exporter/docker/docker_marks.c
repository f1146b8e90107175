/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker_marks.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define REPLY_LIMIT_BYTES ((size_t)4 << 20)
#define MARK_LIMIT_BYTES  ((size_t)256 << 10)
#define PATH_BYTES        512

#define IMAGE_LABEL   "containerd-exporter/image"
#define SPARED_LABEL  "containerd-exporter/spared"
#define EXPIRES_LABEL "containerd-exporter/expires"

static const char *copy_of(const struct json *text, struct arena *arena)
{
    return arena_strdup(arena, json_text(text) ? json_text(text) : "");
}

/* The image of a volume without the labels is "": it is no mark of the exporter. */
static void read_mark(const struct json *volume, struct docker_mark *mark, struct arena *arena)
{
    const struct json *labels = json_member(volume, "Labels");
    const char *expires = json_text(json_member(labels, EXPIRES_LABEL));
    struct error unused;
    uint64_t seconds;

    *mark = (struct docker_mark){
        .volume = copy_of(json_member(volume, "Name"), arena),
        .image = copy_of(json_member(labels, IMAGE_LABEL), arena),
        .spared = copy_of(json_member(labels, SPARED_LABEL), arena),
        .expires = INT64_MAX,
    };
    if (expires && text_uint(expires, &seconds, &unused) && seconds < INT64_MAX)
        mark->expires = (int64_t)seconds;
}

bool docker_marks_list(struct docker_client *client, struct arena *arena,
                       struct docker_marks *marks, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);
    CLEANUP(json_freep) struct json_document *document = NULL;
    const struct json *volumes;

    buf_append_str(&path, "/volumes?filters=");
    http_escape(&path, "{\"label\":[\"" IMAGE_LABEL "\"]}");
    if (!buf_ok(&path, err))
        return false;
    document = docker_get(client, path.data, REPLY_LIMIT_BYTES, cancel, err);
    if (!document)
        return false;
    volumes = json_member(json_root(document), "Volumes");
    *marks = (struct docker_marks){
        arena_alloc(arena, (json_count(volumes) + 1) * sizeof(*marks->items))};
    for (size_t i = 0; marks->items && i < json_count(volumes); i++)
        read_mark(json_item(volumes, i), &marks->items[marks->count++], arena);
    return arena_ok(arena, err);
}

static void append_label(struct buf *json, const char *name, const char *value)
{
    json_quote(json, name);
    buf_append_char(json, ':');
    json_quote(json, value);
}

bool docker_mark_set(struct docker_client *client, const struct docker_mark *mark,
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(MARK_LIMIT_BYTES);
    CLEANUP(http_response_deinit)
    struct http_response response =
        HTTP_RESPONSE_INIT(2 * MARK_LIMIT_BYTES); /* echoes the labels */
    char expires[24];

    snprintf(expires, sizeof(expires), "%" PRId64, mark->expires);
    buf_append_char(&json, '{');
    append_label(&json, "Name", mark->volume);
    buf_append_str(&json, ",\"Labels\":{");
    append_label(&json, IMAGE_LABEL, mark->image);
    buf_append_char(&json, ',');
    append_label(&json, SPARED_LABEL, mark->spared);
    buf_append_char(&json, ',');
    append_label(&json, EXPIRES_LABEL, expires);
    buf_append_str(&json, "}}");
    return buf_ok(&json, err) &&
           docker_call(client, "POST", "/volumes/create", &json, &response, cancel, err);
}

bool docker_mark_clear(struct docker_client *client, const char *volume, struct cancel *cancel,
                       struct error *err)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof(path), "/volumes/%s", volume);
    return docker_delete(client, path, cancel, err);
}

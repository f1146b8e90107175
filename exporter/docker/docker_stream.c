/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker_stream.h"

#include "base/text.h"
#include "encoding/json.h"
#include "net/go_error.h"

#include <string.h>

#define MESSAGE_BYTES 400 /* of dockerd */

#define PULLED_PREFIX "Digest: "
#define PUSHED_INFIX  ": digest: "
#define RETRY_PREFIX  "Retrying in "
#define MOUNT_PREFIX  "Mounted from "

static const struct {
    int64_t status;
    enum error_code code;
} statuses[] = {
    {400, ERROR_INVALID},   {401, ERROR_UNAUTHORIZED}, {403, ERROR_FORBIDDEN},
    {404, ERROR_NOT_FOUND}, {429, ERROR_RATE_LIMITED}, {501, ERROR_UNSUPPORTED},
};

enum error_code docker_failure_code(const char *message, int64_t status)
{
    enum error_code code = ERROR_RUNTIME;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            code = statuses[i].code;
    return go_error_code(message, code);
}

void docker_stream_init(struct docker_stream *stream)
{
    *stream = (struct docker_stream){.line_ = BUF_INIT(DOCKER_LINE_LIMIT_BYTES)};
}

void docker_stream_deinit(struct docker_stream *stream)
{
    buf_deinit(&stream->line_);
}

static uint64_t number(const struct json *object, const char *name)
{
    int64_t value;

    return json_int(json_member(object, name), &value) && value > 0 ? (uint64_t)value : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Saturates, because the daemon's numbers are not trusted. */
static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void end_attempt(struct docker_layer *layer)
{
    layer->before = sum(layer->before, layer->current);
    layer->current = layer->total = 0;
    layer->complete = false;
}

static void on_waiting(struct docker_layer *layer, const struct json *progress)
{
    (void)progress;
    layer->existed = false; /* the image contains the same layer twice */
}

/* For a push, `current` counts bytes of the tar and `total` those of its files. */
static void on_moving(struct docker_layer *layer, const struct json *progress)
{
    uint64_t current = number(progress, "current");

    if (current < layer->current)
        end_attempt(layer);
    layer->existed = layer->waiting = false;
    layer->current = current;
    layer->total = larger(layer->total, number(progress, "total"));
    layer->size = larger(layer->size, layer->total);
}

static void on_complete(struct docker_layer *layer, const struct json *progress)
{
    (void)progress;
    layer->complete = true;
    layer->waiting = false;
}

/* The progress is in compressed bytes, unless "units" says seconds. */
static void on_extracting(struct docker_layer *layer, const struct json *progress)
{
    on_complete(layer, progress);
    if (!json_member(progress, "units"))
        layer->size = larger(layer->size, number(progress, "total"));
}

static void on_existing(struct docker_layer *layer, const struct json *progress)
{
    (void)progress;
    layer->existed = !layer->complete && layer->current == 0 && layer->before == 0;
}

/* dockerd repeats this line every second. */
static void on_retry(struct docker_layer *layer, const struct json *progress)
{
    (void)progress;
    end_attempt(layer);
    layer->waiting = true;
}

static const struct {
    const char *status;
    void (*happened)(struct docker_layer *layer, const struct json *progress);
} events[] = {
    {"Pulling fs layer", on_waiting},
    {"Waiting", on_waiting},
    {"Downloading", on_moving},
    {"Verifying Checksum", on_complete},
    {"Download complete", on_complete},
    {"Extracting", on_extracting},
    {"Pull complete", on_complete},
    {"Already exists", on_existing},
    {"Preparing", on_waiting},
    {"Pushing", on_moving},
    {"Pushed", on_complete},
    {"Layer already exists", on_existing},
    {MOUNT_PREFIX, on_existing}, /* "library/busybox" */
    {RETRY_PREFIX, on_retry},    /* "5 seconds" */
};

static struct docker_layer *layer_of(struct docker_stream *stream, const char *id,
                                     struct error *err)
{
    struct docker_layer *layer;

    for (size_t i = 0; i < stream->n_layers; i++)
        if (strncmp(stream->layers[i].id, id, DOCKER_LAYER_ID_BYTES - 1) == 0)
            return &stream->layers[i];
    if (stream->n_layers == DOCKER_LAYERS_MAX) {
        error_set(err, ERROR_LIMIT, "too many layers: limit is %d", DOCKER_LAYERS_MAX);
        return NULL;
    }
    layer = &stream->layers[stream->n_layers++];
    strncpy(layer->id, id, DOCKER_LAYER_ID_BYTES - 1);
    return layer;
}

/* A lower bound. A complete transfer counts with its announced size. */
static uint64_t moved_bytes(const struct docker_layer *layer)
{
    if (layer->existed)
        return 0;
    return layer->complete
               ? larger(layer->size, sum(layer->before, larger(layer->total, layer->current)))
               : sum(layer->before, layer->current);
}

/* Reports the change of a layer as progress, and its end as a log line. */
static void report(const struct docker_stream *stream, const struct docker_layer *before,
                   const struct docker_layer *layer)
{
    char size[32];

    if (moved_bytes(layer) > moved_bytes(before))
        progress_moved(stream->progress, moved_bytes(layer) - moved_bytes(before));
    if (layer->total > before->total)
        progress_expect(stream->progress, layer->total - before->total);
    text_format_bytes(moved_bytes(layer), size, sizeof(size));
    if (layer->complete && !before->complete)
        progress_note(stream->progress, "layer %s: %s", layer->id, size);
    if (layer->existed && !before->existed)
        progress_note(stream->progress, "layer %s exists already", layer->id);
    if (layer->waiting && !before->waiting)
        progress_note(stream->progress, "layer %s: transfer restarts", layer->id);
}

static void update_layer(struct docker_stream *stream, struct docker_layer *layer, size_t event,
                         const struct json *root, int64_t now_ns)
{
    const struct docker_layer before = *layer;

    if (stream->first_layer_ns == 0)
        stream->first_layer_ns = now_ns;
    stream->last_layer_ns = now_ns;
    events[event].happened(layer, json_member(root, "progressDetail"));
    if (layer->complete && !before.complete)
        stream->moved_ns = now_ns;
    stream->retries += layer->waiting && !before.waiting;
    report(stream, &before, layer);
}

static bool is_event(const char *status, const char *words)
{
    bool is_prefix = words[strlen(words) - 1] == ' ';

    return is_prefix ? text_starts_with(status, words) : strcmp(status, words) == 0;
}

/* Lines without a layer have an id, too: "Pulling from library/busybox". */
static bool read_event(struct docker_stream *stream, const char *status, const struct json *root,
                       int64_t now_ns, struct error *err)
{
    const char *id = json_text(json_member(root, "id"));
    struct docker_layer *layer;

    for (size_t i = 0; id && i < sizeof(events) / sizeof(events[0]); i++) {
        if (!is_event(status, events[i].status))
            continue;
        layer = layer_of(stream, id, err);
        if (layer)
            update_layer(stream, layer, i, root, now_ns);
        return layer;
    }
    return true;
}

/* A push reports the digest twice. */
static bool set_digest(struct docker_stream *stream, const char *digest, struct error *err)
{
    if (!digest_valid(digest))
        return error_set(
            err, ERROR_PROTOCOL,
            "invalid digest in the response of Docker: expected sha256:<64 hex digits>");
    if (stream->digest[0] && strcmp(stream->digest, digest) != 0)
        return error_set(err, ERROR_DIGEST_MISMATCH, "Docker reported the digest %s, then %s",
                         stream->digest, digest);
    strcpy(stream->digest, digest);
    return true;
}

/* Parses "Digest: sha256:..." of a pull, "v1: digest: sha256:... size: 949" of a push. */
static bool read_digest(struct docker_stream *stream, const char *status, struct error *err)
{
    const char *pushed = strstr(status, PUSHED_INFIX);
    char digest[DIGEST_TEXT_BYTES] = "";

    if (text_starts_with(status, PULLED_PREFIX))
        return set_digest(stream, status + strlen(PULLED_PREFIX), err);
    if (!pushed)
        return true;
    pushed += strlen(PUSHED_INFIX);
    if (strcspn(pushed, " ") < sizeof(digest))
        memcpy(digest, pushed, strcspn(pushed, " "));
    return set_digest(stream, digest, err);
}

/* Reads "aux" of a push: {"Tag": ..., "Digest": ..., "Size": ...}. Other calls use it differently.
 */
static bool read_result(struct docker_stream *stream, const struct json *root, struct error *err)
{
    const char *digest = json_text(json_member(json_member(root, "aux"), "Digest"));

    return !digest || set_digest(stream, digest, err);
}

/* Podman writes members without a value as "". */
static bool is_empty(const struct json *member)
{
    return !member || json_is_null(member) || (json_text(member) && !*json_text(member));
}

static const char *first_text(const struct json *a, const struct json *b)
{
    const char *text = is_empty(a) ? NULL : json_text(a);

    return text || is_empty(b) ? text : json_text(b);
}

static bool fail(const char *text, int64_t status, struct error *err)
{
    char message[MESSAGE_BYTES];

    if (!text)
        text = "an error without a message";
    text_clean(message, sizeof(message), text, strlen(text));
    return error_set(err, docker_failure_code(text, status), "Docker: %s", message);
}

/* "error" and "errorDetail" have the same text; either may be absent or empty. */
static bool read_failure(const struct json *root, struct error *err)
{
    const struct json *old = json_member(root, "error"), *detail = json_member(root, "errorDetail");
    int64_t status = 0;

    if (is_empty(old) && is_empty(detail))
        return true;
    (void)json_int(json_member(detail, "code"), &status); /* stays 0 if absent */
    return fail(first_text(json_member(detail, "message"), old), status, err);
}

/* An error that the engine had to report as a status, but only after it had sent 200. */
static bool read_late_error(const struct json *root, struct error *err)
{
    const char *message = first_text(json_member(root, "message"), NULL);
    int64_t status = 0;

    if (!message)
        return true;
    (void)json_int(json_member(root, "response"), &status); /* only Podman repeats the status */
    return fail(message, status, err);
}

static bool read_line(struct docker_stream *stream, int64_t now_ns, struct error *err)
{
    const struct buf *line = &stream->line_;
    CLEANUP(json_freep) struct json_document *document = NULL;
    const struct json *root;
    const char *status;

    if (line->size == 0 || strspn(line->data, " \t\r") == line->size)
        return true;
    document = json_parse(line->data, line->size, err);
    root = json_root(document);
    if (!document || !json_is_object(root)) {
        if (!document && err->code == ERROR_MEMORY)
            return false;
        return error_set(err, ERROR_PROTOCOL,
                         "invalid response of Docker: expected a JSON object per line");
    }
    if (!read_failure(root, err) || !read_late_error(root, err))
        return false;
    status = json_text(json_member(root, "status"));
    stream->has_status |= status && *status;
    return read_result(stream, root, err) &&
           (!status ||
            (read_digest(stream, status, err) && read_event(stream, status, root, now_ns, err)));
}

bool docker_stream_end(struct docker_stream *stream, int64_t now_ns, struct error *err)
{
    bool ok = buf_ok(&stream->line_, err) && read_line(stream, now_ns, err);

    buf_clear(&stream->line_);
    return ok;
}

bool docker_stream_feed(struct docker_stream *stream, const void *data, size_t size, int64_t now_ns,
                        struct error *err)
{
    const char *at = data, *end = at + size;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        buf_append(&stream->line_, at, (size_t)((newline ? newline : end) - at));
        if (!newline)
            return buf_ok(&stream->line_, err);
        if (!docker_stream_end(stream, now_ns, err))
            return false;
        at = newline + 1;
    }
    return true;
}

void docker_stream_sum(const struct docker_stream *stream, struct docker_stream_totals *totals)
{
    *totals = (struct docker_stream_totals){0};
    for (size_t i = 0; i < stream->n_layers; i++) {
        const struct docker_layer *layer = &stream->layers[i];

        totals->moved_bytes = sum(totals->moved_bytes, moved_bytes(layer));
        totals->n_existed += layer->existed;
        totals->n_unknown += !layer->existed && layer->complete && moved_bytes(layer) == 0;
    }
}

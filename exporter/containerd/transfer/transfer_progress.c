/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/transfer/transfer_progress.h"

#include "base/text.h"

#include <string.h>

static bool is(const struct transfer_event *event, const char *what)
{
    return strcmp(event->what, what) == 0;
}

/* "layer-sha256:...", "manifest-tag@sha256:..." -> "sha256:..."; NULL if the event is not about a
 * blob. */
static const char *digest_of_name(const char *name)
{
    static const char *const kinds[] = {"layer-", "config-", "manifest-", "index-", "unknown-"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (text_starts_with(name, kinds[i]))
            return strrchr(name, '@') ? strrchr(name, '@') + 1 : name + strlen(kinds[i]);
    return NULL;
}

static bool is_document(const char *name)
{
    return text_starts_with(name, "manifest-") || text_starts_with(name, "index-");
}

/* Finds or adds a blob. Returns NULL if the table is full. */
static struct transfer_blob *find(struct transfer_progress *progress, const char *digest,
                                  bool *is_new)
{
    struct error ignored;
    uint64_t index;

    *is_new = false;
    if (name_map_find(&progress->indices, digest, &index))
        return &progress->blobs[index];
    if (!progress->blobs)
        progress->blobs = calloc(TRANSFER_BLOBS_MAX, sizeof(*progress->blobs));
    if (!progress->blobs || progress->n_blobs == TRANSFER_BLOBS_MAX ||
        !name_map_add(&progress->indices, digest, progress->n_blobs, &ignored))
        return NULL;
    *is_new = true;
    return &progress->blobs[progress->n_blobs++];
}

static void report(const struct transfer_progress *progress, const struct transfer_event *event,
                   const struct transfer_blob *before, const struct transfer_blob *blob)
{
    char size[32];

    if (blob->total > before->total)
        progress_expect(progress->report, blob->total - before->total);
    progress_moved(progress->report, blob->bytes - before->bytes);
    if (!is(event, "complete") && !is(event, "already exists") && !is(event, "extracted"))
        return;
    text_format_bytes(blob->total, size, sizeof(size));
    progress_note(progress->report, "%.32s: %s, %s", event->name, event->what, size);
}

static void note_blob(struct transfer_progress *progress, const struct transfer_event *event,
                      const char *digest)
{
    bool is_new;
    struct transfer_blob *blob = find(progress, digest, &is_new), before;

    if (!blob)
        return;
    before = *blob;
    progress->n_layers += is_new && text_starts_with(event->name, "layer-");
    if (event->total > 0)
        blob->total = event->total;
    if (event->bytes > blob->bytes)
        blob->bytes = event->bytes;
    blob->moved |= !is(event, "already exists");
    blob->downloading |= is(event, "downloading") && event->bytes > 0;
    blob->n_known += is(event, "already exists");
    blob->sent |= is(event, "complete") || (is(event, "uploading") && event->bytes > 0);
    report(progress, event, &before, blob);
}

/* Resolving ends with the first event about the image itself. Unpacking lasts from the start of the
 * first layer to the end of the last. */
static void note_times(struct transfer_progress *progress, const struct transfer_event *event,
                       bool is_blob)
{
    if (progress->resolved_ns == 0 && (is_blob || text_starts_with(event->what, "Pulling from ")))
        progress->resolved_ns = event->at_ns;
    if (is(event, "downloading") || is(event, "complete"))
        progress->fetched_ns = event->at_ns;
    if (progress->commit_from_ns == 0 && is(event, "uploading") && is_document(event->name))
        progress->commit_from_ns = event->at_ns;
    if (is(event, "extracting") && progress->unpack_from_ns == 0)
        progress->unpack_from_ns = event->at_ns;
    if (is(event, "extracted"))
        progress->unpack_till_ns = event->at_ns;
}

void transfer_progress_expect(struct transfer_progress *progress, const char *digest)
{
    bool is_new;
    struct transfer_blob *blob = find(progress, digest, &is_new);

    if (blob)
        blob->n_named++;
}

void transfer_progress_add(struct transfer_progress *progress, const struct transfer_event *event)
{
    const char *digest = digest_of_name(event->name);

    note_times(progress, event, digest != NULL);
    if (digest)
        note_blob(progress, event, digest);
}

void transfer_progress_deinit(struct transfer_progress *progress)
{
    free(progress->blobs);
    name_map_deinit(&progress->indices);
}

uint64_t transfer_progress_existing_bytes(const struct transfer_progress *progress)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < progress->n_blobs; i++)
        if (!progress->blobs[i].moved)
            sum += progress->blobs[i].total;
    return sum;
}

uint64_t transfer_progress_seen_bytes(const struct transfer_progress *progress)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < progress->n_blobs; i++)
        if (progress->blobs[i].downloading)
            sum += progress->blobs[i].bytes;
    return sum;
}

static bool is_sent(const struct transfer_blob *blob)
{
    return blob->sent || (blob->n_known > 0 && blob->n_known < blob->n_named);
}

uint64_t transfer_progress_sent_bytes(const struct transfer_progress *progress)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < progress->n_blobs; i++)
        if (is_sent(&progress->blobs[i]))
            sum += progress->blobs[i].bytes;
    return sum;
}

uint64_t transfer_progress_known_bytes(const struct transfer_progress *progress)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < progress->n_blobs; i++)
        if (progress->blobs[i].n_known > 0 && !is_sent(&progress->blobs[i]))
            sum += progress->blobs[i].total;
    return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/docker_archive.h"

#include "encoding/json.h"

#include <stdio.h>
#include <string.h>

#define MANIFEST_BYTES_MAX ((size_t)64 << 10)
#define NAME_BYTES         96 /* 64 digits and a suffix; the field of the tar has 100 */
#define BLOCK_BYTES        UINT64_C(512)
#define END_BYTES          (2 * BLOCK_BYTES)

enum {
    MANIFEST,
    CONFIG,
    FIRST_LAYER
};

static size_t end_of_members(const struct docker_archive *archive)
{
    return FIRST_LAYER + archive->image->n_layers;
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

static void name_of(const struct docker_archive *archive, size_t member, char name[NAME_BYTES])
{
    const char *digest = archive->image->config.digest;

    if (member == MANIFEST)
        snprintf(name, NAME_BYTES, "manifest.json");
    else if (member == CONFIG)
        snprintf(name, NAME_BYTES, "%s.json", digest + strlen("sha256:"));
    else
        snprintf(name, NAME_BYTES, "layer-%zu.tar", member - FIRST_LAYER);
}

static uint64_t size_of(const struct docker_archive *archive, size_t member)
{
    const struct generated_image *image = archive->image;

    return member == MANIFEST ? archive->manifest.size
           : member == CONFIG ? image->config_body.size
                              : (uint64_t)image->layers[member - FIRST_LAYER].size;
}

static void write_manifest(struct docker_archive *archive, const char *name)
{
    struct buf *out = &archive->manifest;
    char file[NAME_BYTES];

    name_of(archive, CONFIG, file);
    buf_append_str(out, "[{\"Config\":");
    json_quote(out, file);
    buf_append_str(out, ",\"RepoTags\":[");
    json_quote(out, name);
    buf_append_str(out, "],\"Layers\":[");
    for (size_t member = FIRST_LAYER; member < end_of_members(archive); member++) {
        name_of(archive, member, file);
        buf_append_str(out, member == FIRST_LAYER ? "" : ",");
        json_quote(out, file);
    }
    buf_append_str(out, "]}]");
}

bool docker_archive_init(struct docker_archive *archive, const struct generated_image *image,
                         const char *name, struct error *err)
{
    *archive = (struct docker_archive){.image = image, .manifest = BUF_INIT(MANIFEST_BYTES_MAX)};
    write_manifest(archive, name);
    return buf_ok(&archive->manifest, err);
}

void docker_archive_deinit(struct docker_archive *archive)
{
    generated_layer_close(&archive->layer);
    buf_deinit(&archive->manifest);
}

uint64_t docker_archive_bytes(const struct docker_archive *archive)
{
    uint64_t bytes = END_BYTES;

    for (size_t member = 0; member < end_of_members(archive); member++)
        bytes += RANDOM_LAYER_HEADER_BYTES + padded(size_of(archive, member));
    return bytes;
}

bool docker_archive_ended(const struct docker_archive *archive)
{
    return archive->member == end_of_members(archive) && archive->at == END_BYTES;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static void read_header(const struct docker_archive *archive, unsigned char *data, size_t n)
{
    unsigned char header[RANDOM_LAYER_HEADER_BYTES];
    char name[NAME_BYTES];

    name_of(archive, archive->member, name);
    random_layer_tar_header(header, name, size_of(archive, archive->member));
    memcpy(data, header + archive->at, n);
}

/* `at`: position in the content of the member. *n is 0 after its end. */
static bool read_content(struct docker_archive *archive, uint64_t at, unsigned char *data,
                         size_t size, size_t *n, struct error *err)
{
    const struct generated_image *image = archive->image;
    const struct buf *document =
        archive->member == MANIFEST ? &archive->manifest : &image->config_body;

    if (archive->member < FIRST_LAYER) {
        *n = smaller(document->size - at, size);
        memcpy(data, document->data + at, *n);
        return true;
    }
    if (at == 0) {
        generated_layer_close(&archive->layer);
        if (!generated_layer_open(&archive->layer, image, archive->member - FIRST_LAYER, err))
            return false;
    }
    generated_layer_read(&archive->layer, data, size, n);
    return *n > 0 || error_set(err, ERROR_INTERNAL, "a generated layer is shorter than its size");
}

/* Reads from one part of a member: header, content or padding. */
static bool read_part(struct docker_archive *archive, unsigned char *data, size_t size, size_t *n,
                      struct error *err)
{
    uint64_t end = RANDOM_LAYER_HEADER_BYTES + size_of(archive, archive->member);

    if (archive->at < RANDOM_LAYER_HEADER_BYTES) {
        *n = smaller(RANDOM_LAYER_HEADER_BYTES - archive->at, size);
        read_header(archive, data, *n);
    } else if (archive->at < end) {
        if (!read_content(archive, archive->at - RANDOM_LAYER_HEADER_BYTES, data,
                          smaller(end - archive->at, size), n, err))
            return false;
    } else {
        *n = smaller(padded(end) - archive->at, size);
        memset(data, 0, *n);
    }
    archive->at += *n;
    if (archive->at == padded(end)) {
        archive->member++;
        archive->at = 0;
    }
    return true;
}

bool docker_archive_read(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct docker_archive *archive = arg;
    size_t part;

    *n = 0;
    while (*n < size && archive->member < end_of_members(archive)) {
        if (!read_part(archive, (unsigned char *)data + *n, size - *n, &part, err))
            return false;
        *n += part;
    }
    if (archive->member == end_of_members(archive)) {
        part = smaller(END_BYTES - archive->at, size - *n);
        memset((unsigned char *)data + *n, 0, part);
        archive->at += part;
        *n += part;
    }
    return true;
}

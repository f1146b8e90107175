/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first failure of a reader sticks. As in Go's json.Unmarshal(), a missing or null
 * field is the zero value, and a field of the wrong JSON type fails the document.
 */
#include "oci/manifest.h"

#include "base/text.h"
#include "encoding/base64.h"
#include "encoding/json.h"
#include "oci/digest.h"

#include <string.h>

#define SCHEMA_1_TYPE "application/vnd.docker.distribution.manifest.v1+"

struct reader {
    struct arena *arena;
    struct error *err;
    bool failed;
};

static void fail(struct reader *reader, const char *field, const char *expected)
{
    if (reader->failed)
        return;
    reader->failed = true;
    error_set(reader->err, ERROR_PROTOCOL, "\"%s\" is not %s", field, expected);
}

static bool is_absent(const struct json *node)
{
    return !node || json_is_null(node);
}

static const char *copy(struct reader *reader, const char *text)
{
    const char *kept = arena_strdup(reader->arena, text);

    return kept ? kept : ""; /* reader_done() calls arena_ok() */
}

static const char *read_string(struct reader *reader, const struct json *object, const char *name)
{
    const struct json *node = json_member(object, name);
    const char *text = json_text(node);

    if (text)
        return copy(reader, text);
    if (!is_absent(node))
        fail(reader, name, "a string");
    return "";
}

static int64_t read_int(struct reader *reader, const struct json *object, const char *name)
{
    const struct json *node = json_member(object, name);
    int64_t value = 0;

    if (!is_absent(node) && !json_int(node, &value))
        fail(reader, name, "an integer");
    return value;
}

/* NULL if it is absent. */
static const struct json *read_object(struct reader *reader, const struct json *object,
                                      const char *name)
{
    const struct json *node = json_member(object, name);

    if (is_absent(node))
        return NULL;
    if (!json_is_object(node))
        fail(reader, name, "an object");
    return node;
}

static const struct json *read_list(struct reader *reader, const struct json *object,
                                    const char *name)
{
    const struct json *node = json_member(object, name);

    if (!is_absent(node) && !json_is_array(node))
        fail(reader, name, "a list");
    return node;
}

static void check_text(void *arg, const char *name, const struct json *value)
{
    if (!is_absent(value) && !json_text(value))
        fail(arg, name, "a string");
}

static void check_string_map(struct reader *reader, const struct json *object, const char *name)
{
    json_each_member(read_object(reader, object, name), check_text, reader);
}

/* Returns the number of strings. */
static size_t check_string_list(struct reader *reader, const struct json *object, const char *name)
{
    const struct json *list = read_list(reader, object, name);
    size_t n = json_count(list);

    for (size_t i = 0; i < n; i++)
        check_text(reader, name, json_item(list, i));
    return n;
}

static struct platform read_platform(struct reader *reader, const struct json *object)
{
    return (struct platform){
        .os = read_string(reader, object, "os"),
        .architecture = read_string(reader, object, "architecture"),
        .variant = read_string(reader, object, "variant"),
        .has_features = check_string_list(reader, object, "os.features") > 0,
    };
}

/* The data must be base64. NULL unless it matches size and digest of the descriptor. */
static const char *read_data(struct reader *reader, const struct json *object,
                             const struct descriptor *descriptor)
{
    const struct json *node = json_member(object, "data");
    const char *text = json_text(node);
    char digest[DIGEST_TEXT_BYTES], *data;
    size_t size;

    if (is_absent(node) || reader->failed)
        return NULL;
    data = text ? arena_alloc(reader->arena, BASE64_ROOM_BYTES(strlen(text))) : NULL;
    if (!text || (data && !base64_decode(text, data, &size)))
        fail(reader, "data", "base64");
    if (!data || reader->failed || (int64_t)size != descriptor->size)
        return NULL;
    if (!digest_valid(descriptor->digest))
        return NULL;
    if (!digest_of_like(descriptor->digest, data, size, digest, reader->err)) {
        reader->failed = true;
        return NULL;
    }
    return strcmp(digest, descriptor->digest) == 0 ? data : NULL;
}

static struct descriptor read_descriptor(struct reader *reader, const struct json *object)
{
    struct descriptor descriptor = {
        .media_type = read_string(reader, object, "mediaType"),
        .digest = read_string(reader, object, "digest"),
        .size = read_int(reader, object, "size"),
        .platform = {"", "", ""},
    };
    const struct json *platform = read_object(reader, object, "platform");

    if (platform) {
        descriptor.has_platform = true;
        descriptor.platform = read_platform(reader, platform);
    }
    descriptor.data = read_data(reader, object, &descriptor);
    check_string_list(reader, object, "urls");
    check_string_map(reader, object, "annotations");
    return descriptor;
}

/* *n is 0 after a failure. */
static const struct json *read_limited_list(struct reader *reader, const struct json *object,
                                            const char *name, size_t *n)
{
    const struct json *list = read_list(reader, object, name);

    *n = json_count(list);
    if (*n > MANIFEST_CHILDREN_MAX && !reader->failed) {
        reader->failed = true;
        error_set(reader->err, ERROR_LIMIT, "%zu %s: the limit is %zu", *n, name,
                  MANIFEST_CHILDREN_MAX);
    }
    if (reader->failed)
        *n = 0;
    return list;
}

static void read_children(struct reader *reader, struct manifest *manifest,
                          const struct json *object, const char *name)
{
    size_t n;
    const struct json *list = read_limited_list(reader, object, name, &n);

    if (n == 0)
        return;
    manifest->children = arena_alloc(reader->arena, n * sizeof(*manifest->children));
    if (!manifest->children)
        return;
    manifest->n_children = n;
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_item(list, i);

        if (!is_absent(item) && !json_is_object(item))
            fail(reader, name, "a list of objects");
        manifest->children[i] = read_descriptor(reader, item);
    }
}

static bool reader_done(struct reader *reader)
{
    return !reader->failed && arena_ok(reader->arena, reader->err);
}

static bool refuse_schema_1(struct error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "a schema 1 manifest, which is not supported");
}

/* A key with the value null counts, too. */
static bool looks_like(const struct json *body, enum manifest_kind kind)
{
    const char *media_type = json_text(json_member(body, "mediaType"));

    if (media_type && manifest_kind(media_type) == kind)
        return true;
    if (kind == MANIFEST_INDEX)
        return json_member(body, "manifests");
    return json_member(body, "config") || json_member(body, "layers");
}

static bool check_object(const struct json *body, struct error *err)
{
    return json_is_object(body) || json_is_null(body) ||
           error_set(err, ERROR_PROTOCOL, "not a JSON object");
}

static bool validate(const struct json *body, enum manifest_kind kind, struct error *err)
{
    if (!check_object(body, err))
        return false;
    if (json_member(body, "fsLayers"))
        return refuse_schema_1(err);
    if (kind == MANIFEST_IMAGE && looks_like(body, MANIFEST_INDEX))
        return error_set(err, ERROR_PROTOCOL,
                         "the media type is a manifest, but the document looks like an index");
    if (kind == MANIFEST_INDEX && looks_like(body, MANIFEST_IMAGE))
        return error_set(err, ERROR_PROTOCOL,
                         "the media type is an index, but the document looks like a manifest");
    return true;
}

bool manifest_read(struct manifest *manifest, const char *media_type, const void *data, size_t size,
                   struct arena *arena, struct error *err)
{
    enum manifest_kind kind = manifest_kind(media_type);
    CLEANUP(json_freep) struct json_document *document = NULL;
    struct reader reader = {.arena = arena, .err = err};
    struct manifest result = {.kind = kind};
    const struct json *body;

    if (text_starts_with(media_type, SCHEMA_1_TYPE))
        return refuse_schema_1(err);
    if (kind == MANIFEST_OTHER)
        return error_set(err, ERROR_PROTOCOL, "media type \"%s\" is not a manifest or index",
                         media_type);
    document = json_parse(data, size, err);
    body = json_root(document);
    if (!document || !validate(body, kind, err))
        return false;
    result.media_type = copy(&reader, media_type);
    read_int(&reader, body, "schemaVersion");
    check_text(&reader, "mediaType", json_member(body, "mediaType"));
    check_string_map(&reader, body, "annotations");
    if (kind == MANIFEST_IMAGE)
        result.config = read_descriptor(&reader, read_object(&reader, body, "config"));
    read_children(&reader, &result, body, kind == MANIFEST_IMAGE ? "layers" : "manifests");
    if (!reader_done(&reader))
        return false;
    *manifest = result;
    return true;
}

bool manifest_parse(struct manifest *manifest, const char *media_type, const void *data,
                    size_t size, struct arena *arena, struct error *err)
{
    bool negative;

    if (!manifest_read(manifest, media_type, data, size, arena, err))
        return false;
    negative = manifest->config.size < 0;
    for (size_t i = 0; i < manifest->n_children; i++)
        negative = negative || manifest->children[i].size < 0;
    return !negative || error_set(err, ERROR_PROTOCOL, "\"size\" is not a number of bytes");
}

static void read_diff_ids(struct reader *reader, struct image_config *config,
                          const struct json *rootfs)
{
    size_t n;
    const struct json *list = read_limited_list(reader, rootfs, "diff_ids", &n);

    if (n == 0)
        return;
    config->diff_ids = arena_alloc(reader->arena, n * sizeof(*config->diff_ids));
    if (!config->diff_ids)
        return;
    config->n_diff_ids = n;
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_item(list, i);
        const char *text = json_text(item);

        check_text(reader, "diff_ids", item);
        config->diff_ids[i] = text ? copy(reader, text) : "";
    }
}

bool image_config_parse(struct image_config *config, const void *data, size_t size,
                        struct arena *arena, struct error *err)
{
    CLEANUP(json_freep) struct json_document *document = json_parse(data, size, err);
    const struct json *body = json_root(document), *rootfs;
    struct reader reader = {.arena = arena, .err = err};
    struct image_config result;

    if (!document || !check_object(body, err))
        return false;
    result = (struct image_config){.platform = read_platform(&reader, body)};
    rootfs = read_object(&reader, body, "rootfs");
    check_text(&reader, "type", json_member(rootfs, "type"));
    read_diff_ids(&reader, &result, rootfs);
    if (!reader_done(&reader))
        return false;
    *config = result;
    return true;
}

/* `before` is everything since the last member: "{", ",", ... */
static void write_member(struct buf *out, const char *before, const char *name, const char *value)
{
    buf_append_str(out, before);
    json_quote(out, name);
    buf_append_char(out, ':');
    json_quote(out, value);
}

static void write_platform(struct buf *out, const char *before, const struct platform *platform)
{
    write_member(out, before, "architecture", platform->architecture);
    write_member(out, ",", "os", platform->os);
    if (platform->variant[0] != '\0')
        write_member(out, ",", "variant", platform->variant);
}

static void write_descriptor(struct buf *out, const struct descriptor *descriptor)
{
    write_member(out, "{", "mediaType", descriptor->media_type);
    write_member(out, ",", "digest", descriptor->digest);
    buf_printf(out, ",\"size\":%lld", (long long)descriptor->size);
    if (descriptor->has_platform) {
        write_platform(out, ",\"platform\":{", &descriptor->platform);
        buf_append_char(out, '}');
    }
    buf_append_char(out, '}');
}

/* Docker's media types define no annotations, but readers ignore unknown keys, so these have the
 * mark, too. */
static void write_children(struct buf *out, const char *name, const struct descriptor *children,
                           size_t n_children)
{
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < n_children; i++) {
        buf_append_str(out, i == 0 ? "" : ",");
        write_descriptor(out, &children[i]);
    }
    write_member(out, "],\"annotations\":{", MANIFEST_OURS, "true");
    buf_append_str(out, "}}");
}

void manifest_write(struct buf *out, const char *media_type, const struct descriptor *config,
                    const struct descriptor *layers, size_t n_layers)
{
    write_member(out, "{\"schemaVersion\":2,", "mediaType", media_type);
    buf_append_str(out, ",\"config\":");
    write_descriptor(out, config);
    write_children(out, "layers", layers, n_layers);
}

void manifest_write_index(struct buf *out, const char *media_type,
                          const struct descriptor *manifests, size_t n_manifests)
{
    write_member(out, "{\"schemaVersion\":2,", "mediaType", media_type);
    write_children(out, "manifests", manifests, n_manifests);
}

static bool is_marked(const void *data, size_t size, const char *outer, const char *inner)
{
    struct error ignored;
    CLEANUP(json_freep) struct json_document *document = json_parse(data, size, &ignored);
    const struct json *root = document ? json_root(document) : NULL;
    const struct json *map = json_member(outer ? json_member(root, outer) : root, inner);

    return json_text(json_member(map, MANIFEST_OURS)) != NULL;
}

bool manifest_is_ours(const void *data, size_t size)
{
    return is_marked(data, size, NULL, "annotations");
}

bool image_config_is_ours(const void *data, size_t size)
{
    return is_marked(data, size, "config", "Labels");
}

void image_config_write(struct buf *out, const struct platform *platform,
                        const char *const *diff_ids, size_t n_diff_ids)
{
    write_platform(out, "{", platform);
    /* Docker replaces the manifest, but keeps the config. */
    write_member(out, ",\"config\":{\"Labels\":{", MANIFEST_OURS, "true");
    buf_append_str(out, "}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
    for (size_t i = 0; i < n_diff_ids; i++) {
        buf_append_str(out, i == 0 ? "" : ",");
        json_quote(out, diff_ids[i]);
    }
    buf_append_str(out, "]}}");
}

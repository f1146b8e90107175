/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_registry.h"

#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct route {
    char repository[128], kind[16], name[160]; /* "a/b", "blobs", "sha256:..." */
};

static struct fake_entry *find(struct fake_registry *fake, const char *repository, const char *name)
{
    for (size_t i = 0; i < fake->n_entries; i++)
        if (strcmp(fake->entries[i]->repository, repository) == 0 &&
            strcmp(fake->entries[i]->name, name) == 0)
            return fake->entries[i];
    return NULL;
}

static void remove_entry(struct fake_registry *fake, const char *repository, const char *text)
{
    char *name = strdup(text); /* the text may be the entry's own */

    for (size_t i = fake->n_entries; i > 0; i--) {
        struct fake_entry *entry = fake->entries[i - 1];

        if (strcmp(entry->repository, repository) != 0 ||
            (strcmp(entry->name, name) != 0 && strcmp(entry->target, name) != 0))
            continue;
        free(entry->data);
        free(entry);
        fake->entries[i - 1] = fake->entries[--fake->n_entries];
    }
    free(name);
}

static struct fake_entry *put(struct fake_registry *fake, const char *repository, const char *name,
                              const char *data, size_t size)
{
    struct fake_entry *entry = find(fake, repository, name);

    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        fake->entries = realloc(fake->entries, (fake->n_entries + 1) * sizeof(entry));
        if (!entry || !fake->entries)
            abort();
        fake->entries[fake->n_entries++] = entry;
        snprintf(entry->repository, sizeof(entry->repository), "%s", repository);
        snprintf(entry->name, sizeof(entry->name), "%s", name);
    }
    free(entry->data);
    entry->data = malloc(size + 1);
    if (!entry->data)
        abort();
    memcpy(entry->data, data, size);
    entry->data[size] = '\0';
    entry->size = size;
    return entry;
}

static void put_manifest(struct fake_registry *fake, const char *repository, const char *name,
                         const char *media_type, const char *digest, const char *data, size_t size)
{
    struct fake_entry *entry = put(fake, repository, digest, data, size);

    snprintf(entry->media_type, sizeof(entry->media_type), "%s", media_type);
    if (strcmp(name, digest) == 0)
        return;
    entry = put(fake, repository, name, "", 0);
    snprintf(entry->target, sizeof(entry->target), "%s", digest);
}

void fake_registry_add_image(struct fake_registry *fake, const char *repository, const char *tag,
                             const struct fake_image *image)
{
    LOCK_SCOPE(&fake->lock);

    for (size_t i = 0; i < image->n_blobs; i++) {
        const struct descriptor *descriptor = image->blobs[i].descriptor;

        if (i <= image->n_layers)
            put(fake, repository, descriptor->digest, image->blobs[i].data,
                (size_t)descriptor->size);
        else
            put_manifest(fake, repository, i + 1 == image->n_blobs ? tag : descriptor->digest,
                         descriptor->media_type, descriptor->digest, image->blobs[i].data,
                         (size_t)descriptor->size);
    }
}

const struct fake_entry *fake_registry_find(struct fake_registry *fake, const char *repository,
                                            const char *name)
{
    LOCK_SCOPE(&fake->lock);

    return find(fake, repository, name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void fake_registry_dump(struct fake_registry *fake, struct buf *out)
{
    LOCK_SCOPE(&fake->lock);
    char **lines = calloc(fake->n_entries + 1, sizeof(*lines));

    for (size_t i = 0; i < fake->n_entries; i++)
        if (asprintf(&lines[i], "registry %s %s %s\n", fake->entries[i]->repository,
                     fake->entries[i]->name, fake->entries[i]->target) < 0)
            abort();
    qsort(lines, fake->n_entries, sizeof(*lines), compare);
    for (size_t i = 0; i < fake->n_entries; i++) {
        buf_append_str(out, lines[i]);
        free(lines[i]);
    }
    free(lines);
}

/* "/v2/a/b/blobs/uploads/?..." -> "a/b", "uploads", "" */
static bool parse(const char *path, struct route *route)
{
    static const char *const kinds[] = {"/blobs/uploads/", "/blobs/", "/manifests/"};
    char text[2048];

    *route = (struct route){.kind = ""};
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(path, "?"), path);
    if (strncmp(text, "/v2/", 4) != 0)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const char *at = strstr(text, kinds[i]);

        if (!at)
            continue;
        snprintf(route->repository, sizeof(route->repository), "%.*s", (int)(at - text) - 4,
                 text + 4);
        snprintf(route->kind, sizeof(route->kind), "%s",
                 i == 0   ? "uploads"
                 : i == 1 ? "blobs"
                          : "manifests");
        snprintf(route->name, sizeof(route->name), "%s", at + strlen(kinds[i]));
        return true;
    }
    return false;
}

static void refuse(struct http_call *call, int status, const char *code, const char *words)
{
    call->status = status;
    buf_clear(&call->headers);
    buf_clear(&call->reply);
    buf_printf(&call->reply, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}", code, words);
}

static void serve_read(struct fake_registry *fake, const struct route *route,
                       struct http_call *call)
{
    const struct fake_entry *entry = find(fake, route->repository, route->name);

    if (entry && *entry->target)
        entry = find(fake, route->repository, entry->target);
    if (!entry) {
        refuse(call, 404, strcmp(route->kind, "blobs") == 0 ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN",
               "unknown");
        return;
    }
    buf_printf(&call->headers, "Docker-Content-Digest: %s\r\nContent-Length: %zu\r\n", entry->name,
               entry->size);
    buf_printf(&call->headers, "Content-Type: %s\r\n",
               *entry->media_type ? entry->media_type : "application/octet-stream");
    buf_append(&call->reply, entry->data, entry->size);
}

static void serve_delete(struct fake_registry *fake, const struct route *route,
                         struct http_call *call)
{
    bool is_blob = strcmp(route->kind, "blobs") == 0, is_tag = !strchr(route->name, ':');
    const struct fake_entry *entry = find(fake, route->repository, route->name);

    call->status = 202;
    if (fake->deletes_nothing || (is_blob && fake->deletes_no_blobs) ||
        (is_tag && fake->deletes_no_tags))
        refuse(call, 405, "UNSUPPORTED", "The operation is unsupported.");
    else if (!entry)
        refuse(call, 404, "UNKNOWN", "unknown");
    else if (!is_blob && (fake->ignores_deletes || (!is_tag && fake->keeps_tags)))
        return;
    else
        remove_entry(fake, route->repository, is_tag ? entry->target : route->name);
}

static void serve_put_manifest(struct fake_registry *fake, const struct route *route,
                               struct http_call *call)
{
    char media_type[128], digest[DIGEST_TEXT_BYTES];
    struct error err;

    http_call_header(call, "Content-Type", media_type, sizeof(media_type));
    if (!digest_of(call->body.data, call->body.size, digest, &err))
        abort();
    for (const char *at = call->body.data; (at = strstr(at, "\"sha256:")); at++) {
        char child[DIGEST_TEXT_BYTES];

        snprintf(child, sizeof(child), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
        if (!find(fake, route->repository, child)) {
            refuse(call, 400, "MANIFEST_BLOB_UNKNOWN", "a blob is missing");
            return;
        }
    }
    put_manifest(fake, route->repository, route->name, media_type, digest, call->body.data,
                 call->body.size);
    buf_printf(&call->headers, "Docker-Content-Digest: %s\r\n", digest);
    call->status = 201;
}

/* POST: a mount, or the begin of an upload. */
static void serve_begin(struct fake_registry *fake, const struct route *route,
                        struct http_call *call)
{
    char mount[128], from[128];
    const struct fake_entry *entry;

    http_call_parameter(call, "mount", mount, sizeof(mount));
    http_call_parameter(call, "from", from, sizeof(from));
    entry = *mount ? find(fake, from, mount) : NULL;
    if (entry) {
        put(fake, route->repository, mount, entry->data, entry->size);
        call->status = 201;
        return;
    }
    buf_printf(&call->headers, "Location: /v2/%s/blobs/uploads/id\r\n", route->repository);
    call->status = 202;
}

static void serve_piece(struct fake_registry *fake, const struct route *route,
                        struct http_call *call)
{
    buf_append(&fake->pieces, call->body.data, call->body.size);
    buf_printf(&call->headers, "Location: /v2/%s/blobs/uploads/id\r\nRange: 0-%zu\r\n",
               route->repository, fake->pieces.size - 1);
    call->status = 202;
}

static void serve_finish(struct fake_registry *fake, const struct route *route,
                         struct http_call *call)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(HTTP_SERVER_BODY_BYTES);
    char wanted[128], digest[DIGEST_TEXT_BYTES];
    struct error err;

    http_call_parameter(call, "digest", wanted, sizeof(wanted));
    buf_append(&body, fake->pieces.data ? fake->pieces.data : "", fake->pieces.size);
    buf_append(&body, call->body.data ? call->body.data : "", call->body.size);
    buf_clear(&fake->pieces);
    if (!digest_of(body.data, body.size, digest, &err))
        abort();
    if (strcmp(digest, wanted) != 0) {
        refuse(call, 400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        return;
    }
    put(fake, route->repository, digest, body.data, body.size);
    call->status = 201;
}

static void serve_route(struct fake_registry *fake, const struct route *route,
                        struct http_call *call)
{
    bool is_upload = strcmp(route->kind, "uploads") == 0;

    if (strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0)
        serve_read(fake, route, call);
    else if (strcmp(call->method, "DELETE") == 0)
        serve_delete(fake, route, call);
    else if (is_upload && strcmp(call->method, "POST") == 0)
        serve_begin(fake, route, call);
    else if (is_upload && strcmp(call->method, "PATCH") == 0)
        serve_piece(fake, route, call);
    else if (is_upload && strcmp(call->method, "PUT") == 0)
        serve_finish(fake, route, call);
    else if (strcmp(call->method, "PUT") == 0)
        serve_put_manifest(fake, route, call);
    else
        call->status = 405;
}

static void serve(void *arg, struct http_call *call)
{
    struct fake_registry *fake = arg;
    char line[2200], name[32];
    struct route route;
    enum call_verdict verdict;

    snprintf(name, sizeof(name), "registry/%s", call->method);
    snprintf(line, sizeof(line), "%s %s", name, call->path);
    verdict = call_log_add(fake->log, name, call->path);
    if (fake->hang_on && strncmp(line, fake->hang_on, strlen(fake->hang_on)) == 0) {
        call->hang = true;
        return;
    }
    if (verdict != CALL_FAIL) {
        LOCK_SCOPE(&fake->lock);

        if (parse(call->path, &route))
            serve_route(fake, &route, call);
    }
    if (verdict != CALL_SERVE)
        refuse(call, fake->log->fail_status ? fake->log->fail_status : 400, "UNKNOWN",
               fake->log->fail_words ? fake->log->fail_words : "planned failure");
}

void fake_registry_start(struct fake_registry *fake, struct call_log *log)
{
    *fake = (struct fake_registry){.log = log, .pieces = BUF_INIT(HTTP_SERVER_BODY_BYTES)};
    pthread_mutex_init(&fake->lock, NULL);
    http_server_start(&fake->http, false, serve, fake);
    fake->host = (struct host){.scheme = "http",
                               .authority = fake->http.address,
                               .path = "/v2",
                               .name_space = "",
                               .ca_file = "",
                               .client_cert = "",
                               .client_key = "",
                               .capabilities = HOST_PULL | HOST_RESOLVE | HOST_PUSH};
    fake->hosts = (struct host_list){&fake->host, 1, ""};
}

void fake_registry_reset(struct fake_registry *fake)
{
    LOCK_SCOPE(&fake->lock);

    for (size_t i = 0; i < fake->n_entries; i++) {
        free(fake->entries[i]->data);
        free(fake->entries[i]);
    }
    fake->n_entries = 0;
    fake->deletes_nothing = fake->deletes_no_blobs = false;
    fake->hang_on = NULL;
    buf_clear(&fake->pieces);
}

void fake_registry_stop(struct fake_registry *fake)
{
    http_server_stop(&fake->http);
    fake_registry_reset(fake);
    buf_deinit(&fake->pieces);
    free(fake->entries);
    pthread_mutex_destroy(&fake->lock);
}

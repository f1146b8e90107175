/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_docker.h"

#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_OF_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef char name_text[256];

/* As Docker shows a name: without "docker.io/library/". */
static const char *short_name(const char *name)
{
    if (strncmp(name, "docker.io/library/", 18) == 0)
        return name + 18;
    return strncmp(name, "docker.io/", 10) == 0 ? name + 10 : name;
}

static bool has_name(const name_text *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static struct fake_docker_image *find(struct fake_docker *fake, const char *full_name)
{
    const char *name = short_name(full_name);

    for (size_t i = 0; i < fake->n_images; i++) {
        struct fake_docker_image *image = fake->images[i];

        if (strcmp(image->id, name) == 0 || has_name(image->tags, image->n_tags, name) ||
            has_name(image->digests, image->n_digests, name))
            return image;
    }
    return NULL;
}

static void drop_name(name_text *names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0) {
            memmove(names[i], names[i + 1], (*count - i - 1) * sizeof(*names));
            --*count;
            return;
        }
}

static void add_name(name_text *names, size_t *count, const char *name)
{
    if (has_name(names, *count, name))
        return;
    if (*count == FAKE_DOCKER_NAMES_MAX)
        abort();
    snprintf(names[(*count)++], sizeof(*names), "%s", name);
}

static struct fake_docker_image *add(struct fake_docker *fake, const char *id)
{
    struct fake_docker_image *image = find(fake, id);

    if (image)
        return image;
    image = calloc(1, sizeof(*image));
    fake->images = realloc(fake->images, (fake->n_images + 1) * sizeof(image));
    if (!image || !fake->images)
        abort();
    snprintf(image->id, sizeof(image->id), "%s", id);
    fake->images[fake->n_images++] = image;
    return image;
}

/* A tag belongs to one image. */
static void tag_image(struct fake_docker *fake, struct fake_docker_image *image, const char *tag)
{
    for (size_t i = 0; i < fake->n_images; i++)
        drop_name(fake->images[i]->tags, &fake->images[i]->n_tags, short_name(tag));
    add_name(image->tags, &image->n_tags, short_name(tag));
}

struct fake_docker_image *fake_docker_add(struct fake_docker *fake, const char *id, const char *tag)
{
    LOCK_SCOPE(&fake->lock);
    struct fake_docker_image *image = add(fake, id);

    if (tag)
        tag_image(fake, image, tag);
    return image;
}

struct fake_docker_image *fake_docker_find(struct fake_docker *fake, const char *name)
{
    LOCK_SCOPE(&fake->lock);

    return find(fake, name);
}

static struct fake_volume *find_volume(struct fake_docker *fake, const char *name)
{
    for (size_t i = 0; i < fake->n_volumes; i++)
        if (strcmp(fake->volumes[i]->name, name) == 0)
            return fake->volumes[i];
    return NULL;
}

static void add_volume(struct fake_docker *fake, const char *name, const char *labels)
{
    struct fake_volume *volume = find_volume(fake, name);

    if (volume)
        return; /* Docker keeps the labels of the first */
    volume = calloc(1, sizeof(*volume));
    fake->volumes = realloc(fake->volumes, (fake->n_volumes + 1) * sizeof(volume));
    if (!volume || !fake->volumes || !(volume->labels = strdup(labels)))
        abort();
    snprintf(volume->name, sizeof(volume->name), "%s", name);
    fake->volumes[fake->n_volumes++] = volume;
}

void fake_docker_add_volume(struct fake_docker *fake, const char *name, const char *labels)
{
    LOCK_SCOPE(&fake->lock);

    add_volume(fake, name, labels);
}

const struct fake_volume *fake_docker_volume(struct fake_docker *fake, const char *name)
{
    LOCK_SCOPE(&fake->lock);

    return find_volume(fake, name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void fake_docker_dump(struct fake_docker *fake, struct buf *out)
{
    LOCK_SCOPE(&fake->lock);
    size_t count = 0;
    char **lines = calloc(fake->n_images + fake->n_volumes + 1, sizeof(*lines));

    for (size_t i = 0; i < fake->n_images; i++) {
        CLEANUP(buf_deinit) struct buf line = BUF_INIT(8192);
        const struct fake_docker_image *image = fake->images[i];

        buf_printf(&line, "docker image %s", image->id);
        for (size_t k = 0; k < image->n_tags; k++)
            buf_printf(&line, " %s", image->tags[k]);
        for (size_t k = 0; k < image->n_digests; k++)
            buf_printf(&line, " %s", image->digests[k]);
        lines[count++] = strdup(line.data);
    }
    for (size_t i = 0; i < fake->n_volumes; i++)
        if (asprintf(&lines[count++], "docker volume %s", fake->volumes[i]->name) < 0)
            abort();
    qsort(lines, count, sizeof(*lines), compare);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static void refuse(struct http_call *call, int status, const char *words)
{
    call->status = status;
    buf_clear(&call->headers);
    buf_clear(&call->reply);
    buf_printf(&call->reply, "{\"message\":\"%s\"}", words);
}

static void print_names(struct buf *out, const char *member, const name_text *names, size_t count)
{
    buf_printf(out, ",\"%s\":[", member);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", names[i]);
    buf_append_str(out, "]");
}

static void print_image(struct buf *out, const struct fake_docker_image *image, bool inspect)
{
    const char *labels = image->made ? "{\"" MANIFEST_OURS "\":\"1\"}" : "null";
    uint64_t bytes = 0;

    for (size_t i = 0; i < image->n_layers; i++)
        bytes += image->layers[i];
    buf_printf(out, "{\"Id\":\"%s\",\"Size\":%llu", image->id, (unsigned long long)bytes);
    print_names(out, "RepoTags", image->tags, image->n_tags);
    print_names(out, "RepoDigests", image->digests, image->n_digests);
    buf_printf(out, inspect ? ",\"Config\":{\"Labels\":%s}}" : ",\"Labels\":%s}", labels);
}

static void serve_list(struct fake_docker *fake, struct http_call *call)
{
    buf_append_str(&call->reply, "[");
    for (size_t i = 0; i < fake->n_images; i++) {
        buf_append_str(&call->reply, i > 0 ? "," : "");
        print_image(&call->reply, fake->images[i], false);
    }
    buf_append_str(&call->reply, "]");
}

static void serve_history(const struct fake_docker_image *image, struct http_call *call)
{
    buf_append_str(&call->reply, "[");
    for (size_t i = image->n_layers; i > 0; i--)
        buf_printf(&call->reply, "{\"Size\":%llu},{\"Size\":0}%s",
                   (unsigned long long)image->layers[i - 1], i > 1 ? "," : "");
    buf_append_str(&call->reply, "]");
}

/* The length of "host:port/repository". */
static size_t repository_size(const char *name)
{
    const char *slash = strrchr(name, '/');

    slash = slash ? slash : name;
    return (size_t)(slash - name) + strcspn(slash, ":@");
}

static bool has_tag_of(const struct fake_docker_image *image, const char *name)
{
    size_t size = repository_size(name);

    for (size_t i = 0; i < image->n_tags; i++)
        if (repository_size(image->tags[i]) == size && strncmp(image->tags[i], name, size) == 0)
            return true;
    return false;
}

static void drop_image(struct fake_docker *fake, struct fake_docker_image *image)
{
    for (size_t i = 0; i < fake->n_images; i++)
        if (fake->images[i] == image) {
            fake->images[i] = fake->images[--fake->n_images];
            free(image);
            return;
        }
}

static void serve_remove(struct fake_docker *fake, struct fake_docker_image *image,
                         const char *full_name)
{
    const char *name = short_name(full_name);

    drop_name(image->digests, &image->n_digests, name);
    if (has_name(image->tags, image->n_tags, name)) {
        drop_name(image->tags, &image->n_tags, name);
        for (size_t i = image->n_digests; i > 0 && !has_tag_of(image, name); i--)
            if (repository_size(image->digests[i - 1]) == repository_size(name) &&
                strncmp(image->digests[i - 1], name, repository_size(name)) == 0)
                drop_name(image->digests, &image->n_digests, image->digests[i - 1]);
    }
    if (image->n_tags + image->n_digests == 0 || strcmp(image->id, name) == 0)
        drop_image(fake, image);
}

/* The lines of a stream: as scripted, or one for each layer of the image at the registry. */
static void print_lines(const struct fake_docker *fake, struct buf *out, bool push)
{
    const char *move = push ? "Pushing" : "Downloading", *end = push ? "Pushed" : "Pull complete";

    if (fake->lines) {
        buf_append_str(out, fake->lines);
        return;
    }
    for (size_t i = 0; fake->image && i < fake->image->n_layers; i++) {
        unsigned long long size = (unsigned long long)fake->image->layers[i].size;
        const char *id = fake->image->layers[i].digest + strlen("sha256:");

        buf_printf(out, "{\"status\":\"%s\",\"progressDetail\":{\"current\":%llu,\"total\":%llu},",
                   move, size, size);
        buf_printf(out, "\"id\":\"%.12s\"}\r\n{\"status\":\"%s\",\"id\":\"%.12s\"}\r\n", id, end,
                   id);
    }
}

static bool print_failure(const struct fake_docker *fake, struct buf *out)
{
    if (fake->failure)
        buf_printf(out, "{\"errorDetail\":{\"message\":\"%s\"},\"error\":\"%s\"}\r\n",
                   fake->failure, fake->failure);
    return fake->failure;
}

static void serve_pull(struct fake_docker *fake, struct http_call *call)
{
    char from[128], tag[96];
    name_text name;
    struct fake_docker_image *image;

    if (!fake->image) {
        refuse(call, 404, "manifest unknown");
        return;
    }
    print_lines(fake, &call->reply, false);
    if (print_failure(fake, &call->reply))
        return;
    http_call_parameter(call, "fromImage", from, sizeof(from));
    http_call_parameter(call, "tag", tag, sizeof(tag));
    image = add(fake, fake->image->config.digest);
    image->n_layers = fake->image->n_layers;
    for (size_t i = 0; i < image->n_layers; i++)
        image->layers[i] = (uint64_t)fake->image->layers[i].size;
    if (strncmp(tag, "sha256:", 7) != 0) {
        snprintf(name, sizeof(name), "%s:%s", from, tag);
        tag_image(fake, image, name);
    }
    snprintf(name, sizeof(name), "%s@%s", short_name(from), fake->image->root.digest);
    add_name(image->digests, &image->n_digests, name);
    buf_printf(&call->reply, "{\"status\":\"Digest: %s\"}\r\n", fake->image->root.digest);
}

static void serve_push(struct fake_docker *fake, struct http_call *call)
{
    const char *digest = fake->pushed_digest ? fake->pushed_digest : DIGEST_OF_A;
    char tag[128];

    print_lines(fake, &call->reply, true);
    if (print_failure(fake, &call->reply) || !*digest)
        return;
    http_call_parameter(call, "tag", tag, sizeof(tag));
    buf_printf(&call->reply, "{\"status\":\"%s: digest: %s size: 1\"}\r\n", tag, digest);
}

/* The text between `before` and the next quote in what was sent; "" without. */
static void text_after(const struct buf *body, const char *before, char *out, size_t size)
{
    const char *at = memmem(body->data, body->size, before, strlen(before));

    at = at ? at + strlen(before) : "";
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void serve_load(struct fake_docker *fake, struct http_call *call)
{
    char config[128], id[128];
    name_text name;
    struct fake_docker_image *image;

    buf_append_str(&call->reply, "{\"stream\":\"Loaded\"}\r\n");
    text_after(&call->body, "\"Config\":\"", config, sizeof(config));
    text_after(&call->body, "\"RepoTags\":[\"", name, sizeof(name));
    if (fake->load_stores_nothing || !*config)
        return;
    snprintf(id, sizeof(id), "sha256:%.64s", config);
    image = add(fake, id);
    image->made = true;
    image->n_layers = 1;
    image->layers[0] = call->body.size;
    tag_image(fake, image, name);
}

static void serve_volumes(struct fake_docker *fake, struct http_call *call, const char *path)
{
    const char *last = strrchr(path, '/') + 1;
    char name[128];

    if (fake->has_no_volumes) {
        refuse(call, 501, "no volumes here");
    } else if (strcmp(call->method, "POST") == 0) {
        const char *labels = strstr(call->body.data, "\"Labels\":");
        char *copy = labels ? strdup(labels + strlen("\"Labels\":")) : strdup("{}}");

        text_after(&call->body, "\"Name\":\"", name, sizeof(name));
        copy[strlen(copy) - 1] = '\0';
        add_volume(fake, name, copy);
        free(copy);
        call->status = 201;
        buf_append_str(&call->reply, "{}");
    } else if (strcmp(call->method, "DELETE") == 0) {
        for (size_t i = fake->n_volumes; i > 0; i--)
            if (strcmp(fake->volumes[i - 1]->name, last) == 0) {
                free(fake->volumes[i - 1]->labels);
                free(fake->volumes[i - 1]);
                fake->volumes[i - 1] = fake->volumes[--fake->n_volumes];
                call->status = 204;
                return;
            }
        refuse(call, 404, "no such volume");
    } else {
        buf_append_str(&call->reply, "{\"Volumes\":[");
        for (size_t i = 0; i < fake->n_volumes; i++)
            buf_printf(&call->reply, "%s{\"Name\":\"%s\",\"Labels\":%s}", i > 0 ? "," : "",
                       fake->volumes[i]->name, fake->volumes[i]->labels);
        buf_append_str(&call->reply, "]}");
    }
}

/* "/images/NAME/VERB"; DELETE has no verb. */
static void serve_image(struct fake_docker *fake, struct http_call *call, const char *path)
{
    bool removes = strcmp(call->method, "DELETE") == 0;
    const char *verb = removes ? path + strlen(path) : strrchr(path, '/');
    char name[256], repository[256], tag[128];
    struct fake_docker_image *image;

    snprintf(name, sizeof(name), "%.*s", (int)(verb - path) - 8, path + 8);
    if (strcmp(verb, "/push") == 0) {
        serve_push(fake, call);
        return;
    }
    image = find(fake, name);
    if (!image) {
        refuse(call, 404, "No such image");
    } else if (removes) {
        serve_remove(fake, image, name);
        buf_append_str(&call->reply, "[]");
    } else if (strcmp(verb, "/json") == 0) {
        print_image(&call->reply, image, true);
    } else if (strcmp(verb, "/history") == 0) {
        serve_history(image, call);
    } else if (strcmp(verb, "/tag") == 0) {
        http_call_parameter(call, "repo", repository, sizeof(repository));
        http_call_parameter(call, "tag", tag, sizeof(tag));
        snprintf(name, sizeof(name), "%.120s:%.120s", repository, tag);
        tag_image(fake, image, name);
        call->status = 201;
    } else {
        refuse(call, 404, "page not found");
    }
}

static void serve_path(struct fake_docker *fake, struct http_call *call, const char *full_path)
{
    char path[1024];

    snprintf(path, sizeof(path), "%.*s", (int)strcspn(full_path, "?"), full_path);
    if (strcmp(path, "/version") == 0)
        buf_printf(&call->reply,
                   "{\"ApiVersion\":\"%s\",\"MinAPIVersion\":\"1.12\",\"Version\":\"20.10.24\"}",
                   fake->api_version);
    else if (strcmp(path, "/images/json") == 0)
        serve_list(fake, call);
    else if (strcmp(path, "/images/create") == 0)
        serve_pull(fake, call);
    else if (strcmp(path, "/images/load") == 0)
        serve_load(fake, call);
    else if (strncmp(path, "/volumes", 8) == 0)
        serve_volumes(fake, call, path);
    else if (strncmp(path, "/images/", 8) == 0)
        serve_image(fake, call, path);
    else
        refuse(call, 404, "page not found");
}

static void serve(void *arg, struct http_call *call)
{
    struct fake_docker *fake = arg;
    const char *path = call->path;
    char line[2200], name[32];
    enum call_verdict verdict;

    if (strncmp(path, "/v1.", 4) == 0)
        path += 4 + strcspn(path + 4, "/");
    snprintf(name, sizeof(name), "docker/%s", call->method);
    snprintf(line, sizeof(line), "%s %s", name, path);
    verdict = call_log_add(fake->log, name, path);
    buf_append_str(&call->headers, "Content-Type: application/json\r\n");
    if (fake->hang_on && strncmp(line, fake->hang_on, strlen(fake->hang_on)) == 0) {
        call->hang = true;
        return;
    }
    if (verdict != CALL_FAIL) {
        LOCK_SCOPE(&fake->lock);

        serve_path(fake, call, path);
    }
    if (verdict != CALL_SERVE)
        refuse(call, fake->log->fail_status ? fake->log->fail_status : 500,
               fake->log->fail_words ? fake->log->fail_words : "planned failure");
}

static void settings_reset(struct fake_docker *fake)
{
    fake->api_version = "1.41";
    fake->has_no_volumes = fake->load_stores_nothing = false;
    fake->image = NULL;
    fake->lines = fake->failure = fake->pushed_digest = fake->hang_on = NULL;
}

void fake_docker_start(struct fake_docker *fake, struct call_log *log)
{
    *fake = (struct fake_docker){.log = log};
    settings_reset(fake);
    pthread_mutex_init(&fake->lock, NULL);
    http_server_start(&fake->http, true, serve, fake);
}

void fake_docker_reset(struct fake_docker *fake)
{
    LOCK_SCOPE(&fake->lock);

    while (fake->n_images > 0)
        drop_image(fake, fake->images[0]);
    for (size_t i = 0; i < fake->n_volumes; i++) {
        free(fake->volumes[i]->labels);
        free(fake->volumes[i]);
    }
    fake->n_volumes = 0;
    settings_reset(fake);
}

void fake_docker_stop(struct fake_docker *fake)
{
    http_server_stop(&fake->http);
    fake_docker_reset(fake);
    free(fake->images);
    free(fake->volumes);
    pthread_mutex_destroy(&fake->lock);
}

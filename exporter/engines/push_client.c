/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "client": the exporter sends an image from containerd's content store to the
 * registry.
 *
 * Generating and storing an image is preparation and not measured. Nothing is hashed while the
 * clock runs: the registry compares the digests. An image that the daemon has is not changed.
 */
#include "containerd/content.h"
#include "containerd/content_files.h"
#include "containerd/content_reader.h"
#include "containerd/introspection.h"
#include "engines/image/daemon_image.h"
#include "engines/image/generated_image_store.h"
#include "engines/image/upload.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

#define ARENA_LIMIT_BYTES ((size_t)16 << 20)
#define CONTENT_PLUGIN    "io.containerd.content.v1"

/* The store with the blobs. */
struct store {
    struct scope scope;
    struct content_files files; /* of its folder, if the exporter may read it */
};

/* A blob in the store as the body of an upload. */
struct blob_source {
    const struct store *store;
    const struct descriptor *blob;
    int fd; /* -1: the daemon sends it */
    struct content_reader *reader;
};

static void end_blob(struct blob_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    content_reader_freep(&source->reader);
    source->fd = -1;
    source->reader = NULL;
}

/* Reading the file costs the daemon nothing. But only the daemon knows whether the namespace has
 * the blob. */
static bool rewind_blob(void *arg, struct cancel *cancel, struct error *err)
{
    struct blob_source *source = arg;
    const char *digest = source->blob->digest;
    uint64_t size;

    end_blob(source);
    if (!content_size(&source->store->scope, digest, &size, cancel, err))
        return error_wrap(err, "%s in namespace %s", digest, source->store->scope.name_space);
    source->fd = content_files_blob(&source->store->files, digest, size);
    if (source->fd < 0)
        source->reader = content_reader_open(&source->store->scope, digest, cancel, err);
    return source->fd >= 0 || source->reader;
}

static bool read_file(int fd, void *data, size_t size, size_t *n, struct error *err)
{
    ssize_t got;

    do
        got = read(fd, data, size);
    while (got < 0 && errno == EINTR);
    *n = got > 0 ? (size_t)got : 0;
    return got >= 0 || error_errno(err, errno, "read a blob of containerd");
}

static bool read_blob(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct blob_source *source = arg;

    return source->fd >= 0 ? read_file(source->fd, data, size, n, err)
                           : content_reader_read(source->reader, data, size, n, err);
}

static bool open_blob(void *arg, const struct descriptor *blob, struct registry_source *source,
                      struct error *err)
{
    struct blob_source *blob_source = malloc(sizeof(*blob_source));

    if (!blob_source)
        return error_memory(err);
    *blob_source = (struct blob_source){.store = arg, .blob = blob, .fd = -1};
    *source = (struct registry_source){rewind_blob, read_blob, blob_source};
    return true;
}

static void close_blob(struct registry_source *source)
{
    end_blob(source->arg);
    free(source->arg);
}

static void store_deinit(struct store *store)
{
    content_files_close(&store->files);
}

static bool find_store(struct store *store, const struct scope *scope, struct cancel *cancel,
                       struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct plugins plugins;

    store->scope = *scope;
    if (!introspection_plugins(scope->daemon, &arena, &plugins, cancel, err))
        return false;
    content_files_open(&store->files, plugin_export(&plugins, CONTENT_PLUGIN, "root"));
    return true;
}

static bool push_generated(struct upload_plan *plan, const struct engine_request *request,
                           struct engine_result *result, struct cancel *cancel, struct error *err)
{
    const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1];
    CLEANUP(generated_image_deinit) struct generated_image image;
    CLEANUP(store_deinit) struct store store = {.files = CONTENT_FILES_INIT};
    struct workspace workspace = {0};
    int64_t start_ns = clock_now_ns();
    bool ok;

    ok = generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              cancel, err) &&
         workspace_open(&workspace, request, cancel, err) &&
         generated_image_store(&workspace, &image, cancel, err) &&
         find_store(&store, &workspace.scope, cancel, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns); /* in case the run ends here */
    if (ok) {
        generated_image_report(&image, result);
        upload_plan_generated(plan, &image, blobs);
        plan->arg = &store;
        ok = upload_image(plan, request, result, cancel, err);
    }
    workspace_close(&workspace, cancel, result);
    return ok;
}

/* Plans layers, configuration and manifest of an image that the daemon has. */
static bool plan_daemon_image(struct upload_plan *plan, struct daemon_image *image,
                              struct error *err)
{
    const struct manifest *manifest = &image->manifest;
    const struct descriptor **blobs =
        arena_alloc(&image->arena, (manifest->n_children + 1) * sizeof(*blobs));

    if (!blobs)
        return arena_ok(&image->arena, err);
    for (size_t i = 0; i < manifest->n_children; i++)
        blobs[i] = &manifest->children[i];
    blobs[manifest->n_children] = &manifest->config;
    plan->blobs = blobs;
    plan->n_blobs = manifest->n_children + 1;
    plan->documents[0] = (struct upload_document){image->descriptor, &image->body};
    plan->n_documents = 1;
    return true;
}

static bool push_daemon_image(struct upload_plan *plan, const struct engine_request *request,
                              struct engine_result *result, struct cancel *cancel,
                              struct error *err)
{
    CLEANUP(daemon_image_deinit) struct daemon_image image;
    CLEANUP(store_deinit) struct store store = {.files = CONTENT_FILES_INIT};
    int64_t start_ns = clock_now_ns();
    bool ok = daemon_image_find(&image, request, cancel, err) &&
              plan_daemon_image(plan, &image, err) && find_store(&store, &image.scope, cancel, err);

    result->seconds = ns_to_seconds(clock_now_ns() - start_ns); /* in case the run ends here */
    if (!ok)
        return false;
    daemon_image_report(&image, result);
    plan->arg = &store;
    return upload_image(plan, request, result, cancel, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(registry_freep)
    struct registry *registry = engine_registry(request, true, err);
    struct upload_plan plan = {.registry = registry, .open = open_blob, .close = close_blob};

    if (!registry)
        return false;
    return *request->push.content.image ? push_daemon_image(&plan, request, result, cancel, err)
                                        : push_generated(&plan, request, result, cancel, err);
}

const struct engine push_client_engine = {
    .operation = "push",
    .name = "client",
    .abilities = ENGINE_PLATFORM | ENGINE_OWN_NETWORK | ENGINE_CHUNKS | ENGINE_MOUNT |
                 ENGINE_TYPES | ENGINE_DAEMON_IMAGE | ENGINE_NAMESPACE,
    .preference = 3,
    .offered = workspace_offered,
    .identify = daemon_image_identify,
    .run = run,
};

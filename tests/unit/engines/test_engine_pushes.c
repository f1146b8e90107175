/* SPDX-License-Identifier: Apache-2.0 */
/* What each engine that pushes or tags asks of whom, in which order, and which numbers it reports.
 */
#include "support/engine_fixture.h"

#include "containerd/content_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAEMON_IMAGE "example.org/x:1"

static void assert_order(struct engine_world *w, const char *const *lines)
{
    if (!call_log_in_order(&w->log, lines))
        fail_msg("not in this order:\n%s", w->log.text.data);
}

static void push(struct engine_world *w, const char *name)
{
    if (!engine_world_run(w, "push", name))
        fail_msg("%s\n%s", w->err.message, w->log.text.data);
    assert_false(w->result.cleanup_failed);
    assert_true(w->result.seconds > 0);
}

static void assert_refused(struct engine_world *w, const char *name, enum error_code code,
                           const char *words)
{
    assert_false(engine_world_run(w, "push", name));
    if (w->err.code != code || !strstr(w->err.message, words))
        fail_msg("%d: %s", w->err.code, w->err.message);
}

static void use_daemon_image(struct engine_world *w)
{
    fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "ns");
    fake_containerd_add_image(w->containerd, "ns", DAEMON_IMAGE, &w->other);
    w->request.push.content.image = DAEMON_IMAGE;
    engine_world_refer(w, "pushed");
}

static const struct fake_entry *tag_of(struct engine_world *w, const char *tag)
{
    return fake_registry_find(&w->registry, REPOSITORY, tag);
}

static uint64_t layer_size(const struct engine_world *w)
{
    return random_layer_tar_bytes(w->request.push.content.layer_bytes);
}

static void assert_generated(struct engine_world *w)
{
    const struct engine_result *result = &w->result;

    assert_true(result->seed != 0);
    assert_string_equal(tag_of(w, "pushed")->target, result->digest);
    assert_non_null(tag_of(w, result->manifest_digest));
    assert_true(result->declared_bytes > 2 * layer_size(w));
    assert_true(result->declared_bytes < 2 * layer_size(w) + 4096);
    assert_true(result->traffic.uploaded_bytes >= 2 * layer_size(w));
    assert_int_equal(result->cached_bytes, 0);
    assert_int_equal(w->sent.count, 3); /* two layers and the configuration */
    assert_true(result->phase_seconds[PHASE_UPLOAD] >= 0);
    assert_true(result->phase_seconds[PHASE_COMMIT] >= 0);
}

static void registry_sends_blobs_before_the_manifest(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    push(w, "registry");
    assert_generated(w);
    assert_string_equal(w->result.host, w->registry.http.address);
    assert_string_equal(w->result.digest, w->result.manifest_digest);
    assert_int_equal(call_log_count(&w->log, "registry/POST /v2/a/b/blobs/uploads/"), 3);
    assert_order(w, (const char *const[]){"registry/HEAD /v2/a/b/blobs/",
                                          "registry/POST /v2/a/b/blobs/uploads/",
                                          "registry/PUT /v2/a/b/blobs/uploads/id",
                                          "registry/PUT /v2/a/b/manifests/pushed", NULL});
    assert_false(call_log_has(&w->log, "Content/"));
}

static void registry_tags_the_index_and_not_the_manifest(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    w->request.push.content.index = true;
    push(w, "registry");
    assert_generated(w);
    assert_string_not_equal(w->result.digest, w->result.manifest_digest);
    assert_string_equal(w->result.media_type, MEDIA_TYPE_OCI_INDEX);
    assert_order(w, (const char *const[]){"registry/PUT /v2/a/b/manifests/sha256:",
                                          "registry/PUT /v2/a/b/manifests/pushed", NULL});
    w->request.push.content.docker_types = true;
    push(w, "registry");
    assert_string_equal(w->result.media_type, MEDIA_TYPE_DOCKER_LIST);
}

static void registry_sends_chunks_of_the_size_asked_for(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    w->request.push.chunk_bytes = 1000;
    push(w, "registry");
    assert_generated(w);
    assert_true(call_log_count(&w->log, "registry/PATCH") >= 6);
}

static void registry_has_no_daemon_whose_image_it_could_send(void **state)
{
    struct engine_world *w = *state;

    w->request.push.content.image = DAEMON_IMAGE;
    assert_refused(w, "registry", ERROR_UNSUPPORTED, DAEMON_IMAGE);
    assert_int_equal(call_log_count(&w->log, ""), 0);
    w->request.push.content.image = "";
    w->request.push.content.layers = 1000;
    assert_refused(w, "registry", ERROR_INVALID, "layers");
    assert_int_equal(call_log_count(&w->log, ""), 0);
}

static void client_stores_the_image_before_it_sends_it(void **state)
{
    struct engine_world *w = *state;
    char line[160];

    engine_world_refer(w, "pushed");
    w->request.push.content.index = true;
    push(w, "client");
    assert_generated(w);
    snprintf(line, sizeof(line), "Content/Write/commit %s", w->result.digest);
    assert_order(w, (const char *const[]){"Namespaces/Create " PROBE_SPACE, "Content/Write/commit",
                                          line, "Introspection/Plugins",
                                          "registry/HEAD /v2/a/b/blobs/", "Content/Info",
                                          "Content/Read", "registry/PUT /v2/a/b/manifests/pushed",
                                          "Leases/Delete", "Namespaces/Delete", NULL});
}

static void client_pushes_an_image_of_the_daemon_as_it_is(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);

    use_daemon_image(w);
    fake_containerd_dump(w->containerd, &before);
    push(w, "client");
    fake_containerd_dump(w->containerd, &after);
    assert_string_equal(after.data, before.data);
    assert_false(call_log_has(&w->log, "Content/Write"));
    assert_false(call_log_has(&w->log, "Leases/"));
    assert_string_equal(w->result.digest, w->other.manifest.digest);
    assert_string_equal(w->result.manifest_digest, w->other.manifest.digest);
    assert_string_equal(w->result.media_type, w->other.manifest.media_type);
    assert_int_equal(w->result.declared_bytes, fake_image_bytes(&w->other));
    assert_int_equal(w->result.seed, 0);
    assert_string_equal(tag_of(w, "pushed")->target, w->other.manifest.digest);
    assert_int_equal(w->sent.count, 4);
    for (size_t i = 0; i < w->other.n_blobs; i++)
        assert_non_null(tag_of(w, w->other.blobs[i].descriptor->digest));
}

static void client_takes_one_platform_of_an_index(void **state)
{
    struct engine_world *w = *state;

    use_daemon_image(w);
    fake_containerd_add_image(w->containerd, "ns", "example.org/index:1", &w->image);
    w->request.push.content.image = "example.org/index:1";
    push(w, "client");
    assert_string_equal(w->result.digest, w->image.manifest.digest);
    assert_string_equal(tag_of(w, "pushed")->target, w->image.manifest.digest);
    assert_int_equal(w->result.cached_bytes,
                     fake_image_layer_bytes(&w->image) + (uint64_t)w->image.config.size);
    assert_int_equal(w->sent.count, 0);
    assert_true(platform_matcher_parse(&w->request.platform, "plan9/mips", &w->err));
    assert_refused(w, "client", ERROR_NOT_FOUND, "platform");
    w->request.push.content.image = "example.org/missing:1";
    assert_refused(w, "client", ERROR_NOT_FOUND, "example.org/missing:1 in namespace ns");
}

static void client_names_the_blob_that_the_daemon_lacks(void **state)
{
    struct engine_world *w = *state;

    use_daemon_image(w);
    fake_containerd_find(w->containerd, FAKE_CONTENT, "ns", w->other.layers[1].digest)->name[8] =
        'x';
    assert_refused(w, "client", ERROR_NOT_FOUND, w->other.layers[1].digest);
    assert_null(tag_of(w, "pushed"));
}

static char folder[64];

/* A content store in a temporary directory, with one of the layers. */
static void make_folder(const struct fake_image *image, size_t layer)
{
    char path[256];
    int fd;

    strcpy(folder, "/tmp/test_push.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/blobs", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/blobs/sha256", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", folder,
             image->layers[layer].digest + strlen("sha256:"));
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, image->layer_data[layer], (size_t)image->layers[layer].size),
                     image->layers[layer].size);
    close(fd);
}

static void remove_folder(const struct fake_image *image, size_t layer)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", folder,
             image->layers[layer].digest + strlen("sha256:"));
    unlink(path);
    snprintf(path, sizeof(path), "%s/blobs/sha256", folder);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/blobs", folder);
    rmdir(path);
    rmdir(folder);
}

static void client_reads_files_where_it_may(void **state)
{
    struct engine_world *w = *state;
    const struct fake_plugin plugins[] = {
        {"io.containerd.content.v1", "content", "root", folder, NULL},
        {NULL, NULL, NULL, NULL, NULL}};
    char line[160];

    make_folder(&w->other, 1);
    use_daemon_image(w);
    w->containerd->plugins = plugins;
    push(w, "client");
    snprintf(line, sizeof(line), "Content/Read %s", w->other.layers[1].digest);
    assert_false(call_log_has(&w->log, line)); /* from the file */
    snprintf(line, sizeof(line), "Content/Info %s", w->other.layers[1].digest);
    assert_true(call_log_has(&w->log, line));
    snprintf(line, sizeof(line), "Content/Read %s", w->other.layers[0].digest);
    assert_true(call_log_has(&w->log, line)); /* there is no such file */
    assert_int_equal(tag_of(w, w->other.layers[1].digest)->size, w->other.layers[1].size);
    remove_folder(&w->other, 1);
}

static void mounts_blobs_where_asked(void **state)
{
    struct engine_world *w = *state;

    use_daemon_image(w);
    fake_registry_add_image(&w->registry, "base", "1", &w->other);
    w->request.push.mount_from = "base";
    push(w, "client");
    assert_int_equal(w->result.cached_bytes,
                     fake_image_layer_bytes(&w->other) + (uint64_t)w->other.config.size);
    assert_false(call_log_has(&w->log, "Content/Read sha256:3"));
    assert_int_equal(call_log_count(&w->log, "registry/PUT"), 1);
    assert_int_equal(w->sent.count, 4); /* they are in this repository since */
}

static void transfer_shares_the_image_with_its_own_namespace(void **state)
{
    struct engine_world *w = *state;
    char line[400], layer[160];

    use_daemon_image(w);
    push(w, "transfer");
    snprintf(line, sizeof(line), "Transfer/Transfer push %s platforms=0 unpacks=0", w->name);
    snprintf(layer, sizeof(layer), "Content/Write/commit %s", w->other.layers[2].digest);
    assert_order(w, (const char *const[]){"Images/Get " DAEMON_IMAGE, "Namespaces/Create",
                                          "Content/Write/stat " PROBE_SPACE "-share-", layer,
                                          "Images/Create", line, "Namespaces/Delete", NULL});
    assert_false(call_log_has(&w->log, "Content/Write/data")); /* nothing is copied */
    assert_string_equal(w->result.digest, w->other.manifest.digest);
    assert_string_equal(w->result.host, w->registry.http.address);
    assert_int_equal(w->result.declared_bytes, fake_image_bytes(&w->other));
}

static void transfer_copies_where_namespaces_share_nothing(void **state)
{
    struct engine_world *w = *state;

    use_daemon_image(w);
    w->containerd->isolated = true;
    push(w, "transfer");
    assert_int_equal(call_log_count(&w->log, "Content/Write/data " PROBE_SPACE "-copy-"), 5);
}

static void look_at_source(void *arg, const char *line)
{
    struct engine_world *w = arg;
    const struct fake_item *item;

    if (strncmp(line, "Transfer/Transfer", 17) != 0)
        return;
    item =
        fake_containerd_find(w->containerd, FAKE_CONTENT, PROBE_SPACE, w->other.layers[0].digest);
    w->sent.count = item ? 100 + item->n_labels : 0;
    if (item && item->n_labels == 1 &&
        (strcmp(item->labels[0].name, "containerd.io/distribution.source.127.0.0.1") != 0 ||
         strcmp(item->labels[0].value, "base") != 0))
        w->sent.count = 0;
}

static void transfer_lets_mount_only_where_asked(void **state)
{
    struct engine_world *w = *state;

    use_daemon_image(w);
    w->log.on_call = look_at_source;
    w->log.arg = w;
    push(w, "transfer");
    assert_int_equal(w->sent.count, 100);
    w->request.push.mount_from = "base";
    push(w, "transfer");
    assert_int_equal(w->sent.count, 101);
}

static void transfer_counts_what_the_daemon_says_it_sent(void **state)
{
    struct engine_world *w = *state;
    char layer[128], known[128], manifest[128];
    const struct fake_event events[] = {
        {"uploading", layer, 50, 100},     {"complete", layer, 100, 100},
        {"already exists", known, 0, 200}, {"uploading", manifest, 0, 300},
        {"complete", manifest, 300, 300},  {NULL, NULL, 0, 0}};

    use_daemon_image(w);
    snprintf(layer, sizeof(layer), "layer-%s", w->other.layers[0].digest);
    snprintf(known, sizeof(known), "layer-%s", w->other.layers[1].digest);
    snprintf(manifest, sizeof(manifest), "manifest-%s", w->other.manifest.digest);
    w->containerd->events = events;
    push(w, "transfer");
    assert_int_equal(w->result.traffic.uploaded_bytes, 400);
    assert_int_equal(w->result.cached_bytes, 200);
    assert_true(w->result.phase_seconds[PHASE_UPLOAD] >= 0);
    assert_true(w->result.phase_seconds[PHASE_CLEANUP] >= 0);
}

static void transfer_pushes_a_generated_image(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    push(w, "transfer");
    assert_true(w->result.seed != 0);
    assert_int_equal(w->sent.count, 3);
    assert_true(w->result.declared_bytes > 2 * layer_size(w));
    assert_order(w,
                 (const char *const[]){"Namespaces/Create", "Content/Write/commit", "Images/Create",
                                       "Transfer/Transfer push", "Namespaces/Delete", NULL});
}

static void docker_loads_sends_and_removes(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    w->docker.image = &w->other; /* whose layers the stream tells of */
    push(w, "docker");
    assert_true(w->result.seed != 0);
    assert_int_equal(w->result.traffic.uploaded_bytes, fake_image_layer_bytes(&w->other));
    assert_int_equal(w->result.cached_bytes, 0);
    assert_int_equal(strlen(w->result.digest), strlen("sha256:") + 64);
    assert_string_equal(w->result.manifest_digest, w->result.digest);
    assert_true(w->result.unpacked_bytes > 2 * layer_size(w));
    assert_string_equal(w->result.note, "");
    assert_true(w->result.phase_seconds[PHASE_UPLOAD] >= 0);
    assert_true(w->result.phase_seconds[PHASE_COMMIT] >= 0);
    assert_order(w, (const char *const[]){"docker/POST /volumes/create", "docker/POST /images/load",
                                          "docker/GET /images/", "docker/POST /images/127",
                                          "docker/GET /images/", "docker/DELETE /images/127",
                                          "docker/DELETE /volumes/", NULL});
}

static void docker_tags_an_image_that_it_has(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    engine_world_refer(w, "pushed");
    fake_docker_add(&w->docker, w->other.config.digest, DAEMON_IMAGE);
    w->request.push.content.image = DAEMON_IMAGE;
    engine_world_dump(w, &before);
    push(w, "docker");
    assert_int_equal(w->result.seed, 0);
    assert_string_equal(w->result.manifest_digest, "");
    assert_order(w, (const char *const[]){"docker/POST /volumes/create", "docker/POST /images/",
                                          "docker/POST /images/127", "docker/DELETE /images/127",
                                          "docker/DELETE /volumes/", NULL});
    engine_world_assert_state(w, &before);
}

static void docker_refuses_to_take_a_name_away(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    engine_world_refer(w, "pushed");
    fake_docker_add(&w->docker, w->image.config.digest, w->name);
    engine_world_dump(w, &before);
    assert_refused(w, "docker", ERROR_INVALID, "");
    engine_world_assert_state(w, &before);
    fake_docker_add(&w->docker, w->other.config.digest, DAEMON_IMAGE);
    w->request.push.content.image = DAEMON_IMAGE;
    assert_refused(w, "docker", ERROR_INVALID, w->name);
    assert_non_null(fake_docker_find(&w->docker, w->name));
    fake_docker_add(&w->docker, w->other.config.digest, w->name);
    push(w, "docker"); /* the same image by its name already */
    assert_non_null(fake_docker_find(&w->docker, w->name));
    w->request.push.content.image = "example.org/missing:1";
    assert_refused(w, "docker", ERROR_NOT_FOUND, "example.org/missing:1");
}

static void docker_replaces_an_image_that_an_earlier_load_left(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    fake_docker_add(&w->docker, w->image.config.digest, w->name)->made = true;
    fake_docker_add(&w->docker, w->image.manifest.digest, NULL)->made = true;
    push(w, "docker");
    assert_int_equal(w->docker.n_images, 0);
    assert_int_equal(w->docker.n_volumes, 0);
}

#define LINE(status, id) "{\"status\":\"" status "\",\"id\":\"" id "\"}\r\n"
#define MOVE(current, total, id)                                                           \
    "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":" current ",\"total\":" total \
    "},\"id\":\"" id "\"}\r\n"

static void docker_explains_its_numbers(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    w->request.cold = false;
    w->docker.lines = LINE("Layer already exists", "aaaa") LINE("Pushed", "bbbb")
        MOVE("10", "100", "cccc") LINE("Retrying in 5 seconds", "cccc") MOVE("50", "100", "cccc");
    push(w, "docker");
    assert_non_null(strstr(w->result.note, "had 1 of them"));
    assert_non_null(strstr(w->result.note, "size of 1"));
    assert_non_null(strstr(w->result.note, "restarted 1 upload"));
    assert_int_equal(w->result.traffic.uploaded_bytes, 60);
    assert_int_equal(w->result.cached_bytes, 0); /* of which the size is not known */
    assert_true(w->result.phase_seconds[PHASE_COMMIT] < 0);
    w->request.cold = true;
    assert_refused(w, "docker", ERROR_NOT_COLD, "1 of 3 layers already existed in the registry");
    w->docker.failure = "denied: requested access to the resource is denied";
    assert_refused(w, "docker", ERROR_FORBIDDEN, "restarted 1 upload");
    w->docker.failure = NULL;
    w->docker.pushed_digest = "";
    assert_refused(w, "docker", ERROR_PROTOCOL, "digest");
    w->docker.load_stores_nothing = true;
    assert_refused(w, "docker", ERROR_RUNTIME, "does not exist");
}

static void identify_finds_what_would_be_pushed(void **state)
{
    struct engine_world *w = *state;
    char digest[DIGEST_TEXT_BYTES];

    use_daemon_image(w);
    assert_true(engine_find("push", "client")->identify(&w->request, digest, &w->cancel, &w->err));
    assert_string_equal(digest, w->other.manifest.digest);
    assert_false(engine_find("push", "docker")->identify(&w->request, digest, &w->cancel, &w->err));
    fake_docker_add(&w->docker, w->other.config.digest, DAEMON_IMAGE);
    assert_true(engine_find("push", "docker")->identify(&w->request, digest, &w->cancel, &w->err));
    assert_string_equal(digest, w->other.config.digest);
}

static void offers_what_the_node_has(void **state)
{
    static const struct fake_plugin no_transfer[] = {
        {"io.containerd.grpc.v1", "transfer", NULL, NULL, NULL},
        {"io.containerd.transfer.v1", "local", NULL, NULL, "skip plugin"},
        {NULL, NULL, NULL, NULL, NULL}};
    struct engine_world *w = *state;
    const struct engine *transfer = engine_find("pull", "transfer");
    const struct engine *client = engine_find("pull", "client");

    assert_null(engine_find("pull", "nothing"));
    assert_null(engine_find("tag", "client"));
    assert_true(transfer->offered(&w->request, &w->cancel, &w->err));
    assert_true(client->offered(&w->request, &w->cancel, &w->err));
    assert_true(engine_find("pull", "cri")->offered(&w->request, &w->cancel, &w->err));
    assert_true(engine_find("pull", "docker")->offered(&w->request, &w->cancel, &w->err));
    w->containerd->plugins = no_transfer;
    assert_false(transfer->offered(&w->request, &w->cancel, &w->err));
    assert_int_equal(w->err.code, ERROR_UNSUPPORTED);
    w->containerd->plugins = NULL;
    w->containerd->version = "1.7.24";
    assert_false(transfer->offered(&w->request, &w->cancel, &w->err));
    w->containerd->serving = false;
    assert_false(client->offered(&w->request, &w->cancel, &w->err));
    assert_int_equal(w->err.code, ERROR_RUNTIME_UNAVAILABLE);
    w->request.docker = NULL;
    assert_false(engine_find("pull", "docker")->offered(&w->request, &w->cancel, &w->err));
}

static void tag_puts_the_manifest_and_reads_it_back(void **state)
{
    struct engine_world *w = *state;

    assert_true(reference_parse(&w->request.new_tag, w->name, &w->arena, &w->err));
    w->request.new_tag.tag = "new";
    assert_true(engine_world_run(w, "tag", "registry"));
    assert_string_equal(tag_of(w, "new")->target, w->image.root.digest);
    assert_string_equal(w->result.digest, w->image.root.digest);
    assert_string_equal(w->result.media_type, w->image.root.media_type);
    assert_string_equal(w->result.host, w->registry.http.address);
    assert_order(w, (const char *const[]){"registry/GET /v2/a/b/manifests/1",
                                          "registry/HEAD /v2/a/b/manifests/new",
                                          "registry/PUT /v2/a/b/manifests/new",
                                          "registry/GET /v2/a/b/manifests/new", NULL});
    for (int phase = 0; phase < PHASES; phase++)
        assert_true((w->result.phase_seconds[phase] >= 0) ==
                    (phase == PHASE_RESOLVE || phase == PHASE_COMMIT || phase == PHASE_READ_BACK));
}

static void tag_does_not_replace_an_image_of_others(void **state)
{
    struct engine_world *w = *state;

    fake_registry_add_image(&w->registry, REPOSITORY, "new", &w->other);
    assert_true(reference_parse(&w->request.new_tag, w->name, &w->arena, &w->err));
    w->request.new_tag.tag = "new";
    assert_false(engine_world_run(w, "tag", "registry"));
    assert_int_equal(w->err.code, ERROR_INVALID);
    assert_string_equal(tag_of(w, "new")->target, w->other.root.digest);
    w->request.push.overwrite = true;
    assert_true(engine_world_run(w, "tag", "registry"));
    assert_string_equal(tag_of(w, "new")->target, w->image.root.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(registry_sends_blobs_before_the_manifest, engine_world_reset),
        cmocka_unit_test_setup(registry_tags_the_index_and_not_the_manifest, engine_world_reset),
        cmocka_unit_test_setup(registry_sends_chunks_of_the_size_asked_for, engine_world_reset),
        cmocka_unit_test_setup(registry_has_no_daemon_whose_image_it_could_send,
                               engine_world_reset),
        cmocka_unit_test_setup(client_stores_the_image_before_it_sends_it, engine_world_reset),
        cmocka_unit_test_setup(client_pushes_an_image_of_the_daemon_as_it_is, engine_world_reset),
        cmocka_unit_test_setup(client_takes_one_platform_of_an_index, engine_world_reset),
        cmocka_unit_test_setup(client_names_the_blob_that_the_daemon_lacks, engine_world_reset),
        cmocka_unit_test_setup(client_reads_files_where_it_may, engine_world_reset),
        cmocka_unit_test_setup(mounts_blobs_where_asked, engine_world_reset),
        cmocka_unit_test_setup(transfer_shares_the_image_with_its_own_namespace,
                               engine_world_reset),
        cmocka_unit_test_setup(transfer_copies_where_namespaces_share_nothing, engine_world_reset),
        cmocka_unit_test_setup(transfer_lets_mount_only_where_asked, engine_world_reset),
        cmocka_unit_test_setup(transfer_counts_what_the_daemon_says_it_sent, engine_world_reset),
        cmocka_unit_test_setup(transfer_pushes_a_generated_image, engine_world_reset),
        cmocka_unit_test_setup(docker_loads_sends_and_removes, engine_world_reset),
        cmocka_unit_test_setup(docker_tags_an_image_that_it_has, engine_world_reset),
        cmocka_unit_test_setup(docker_refuses_to_take_a_name_away, engine_world_reset),
        cmocka_unit_test_setup(docker_replaces_an_image_that_an_earlier_load_left,
                               engine_world_reset),
        cmocka_unit_test_setup(docker_explains_its_numbers, engine_world_reset),
        cmocka_unit_test_setup(identify_finds_what_would_be_pushed, engine_world_reset),
        cmocka_unit_test_setup(offers_what_the_node_has, engine_world_reset),
        cmocka_unit_test_setup(tag_puts_the_manifest_and_reads_it_back, engine_world_reset),
        cmocka_unit_test_setup(tag_does_not_replace_an_image_of_others, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}

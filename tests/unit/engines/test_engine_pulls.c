/* SPDX-License-Identifier: Apache-2.0 */
/* What each engine that pulls asks of whom, in which order, and which numbers it reports. */
#include "support/engine_fixture.h"

static void assert_order(struct engine_world *w, const char *const *lines)
{
    if (!call_log_in_order(&w->log, lines))
        fail_msg("not in this order:\n%s", w->log.text.data);
}

static void pull(struct engine_world *w, const char *name)
{
    if (!engine_world_run(w, "pull", name))
        fail_msg("%s\n%s", w->err.message, w->log.text.data);
    assert_false(w->result.cleanup_failed);
    assert_true(w->result.seconds > 0);
}

static void assert_refused(struct engine_world *w, const char *name, enum error_code code,
                           const char *words)
{
    assert_false(engine_world_run(w, "pull", name));
    if (w->err.code != code || !strstr(w->err.message, words))
        fail_msg("%d: %s", w->err.code, w->err.message);
}

static void assert_identity(const struct engine_world *w)
{
    assert_string_equal(w->result.digest, w->image.root.digest);
    assert_string_equal(w->result.manifest_digest, w->image.manifest.digest);
    assert_string_equal(w->result.media_type, w->image.root.media_type);
    assert_int_equal(w->result.declared_bytes, fake_image_bytes(&w->image));
}

static void assert_phases(const struct engine_world *w, unsigned seen)
{
    for (int phase = 0; phase < PHASES; phase++)
        if ((w->result.phase_seconds[phase] >= 0) != ((seen & 1U << phase) != 0))
            fail_msg("phase %s: %g", engine_phase_name((enum engine_phase)phase),
                     w->result.phase_seconds[phase]);
}

#define PHASE(name) (1U << PHASE_##name)

static void client_stores_children_before_parents(void **state)
{
    struct engine_world *w = *state;
    const struct fake_image *image = &w->image;
    char config[160], manifest[160], index[160], layer[160], chain[160], text[DIGEST_TEXT_BYTES];

    fake_image_chain_id(image, 2, text);
    snprintf(chain, sizeof(chain), "Snapshots/Commit %s", text);
    snprintf(config, sizeof(config), "Content/Write/commit %s", image->config.digest);
    snprintf(layer, sizeof(layer), "Content/Write/commit %s", image->layers[1].digest);
    snprintf(manifest, sizeof(manifest), "Content/Write/commit %s", image->manifest.digest);
    snprintf(index, sizeof(index), "Content/Write/commit %s", image->root.digest);
    pull(w, "client");
    assert_order(
        w, (const char *const[]){"Namespaces/Create " PROBE_SPACE, "Leases/Create " PROBE_SPACE,
                                 "registry/HEAD /v2/a/b/manifests/1", config, layer, chain,
                                 manifest, index, "Images/Create", "Images/List", "Images/Delete",
                                 "Leases/Delete " PROBE_SPACE, "Content/ListStatuses",
                                 "Namespaces/Delete " PROBE_SPACE, NULL});
    assert_false(call_log_has(&w->log, "Content/Delete")); /* the garbage collection does it */
    assert_false(call_log_has(&w->log, "Snapshots/Remove"));
    assert_false(call_log_has(&w->log, "Content/Abort"));
}

static void client_reports_all_it_saw(void **state)
{
    struct engine_world *w = *state;

    pull(w, "client");
    assert_identity(w);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image));
    assert_int_equal(w->result.cached_bytes, 0);
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->image));
    assert_string_equal(w->result.host, w->registry.http.address);
    assert_phases(w, PHASE(RESOLVE) | PHASE(FETCH) | PHASE(UNPACK) | PHASE(CLEANUP));
}

static void client_leaves_layers_packed_where_asked(void **state)
{
    struct engine_world *w = *state;

    w->request.unpack = false;
    pull(w, "client");
    assert_identity(w);
    assert_int_equal(w->result.unpacked_bytes, 0);
    assert_false(call_log_has(&w->log, "Snapshots/Prepare"));
    assert_phases(w, PHASE(RESOLVE) | PHASE(FETCH) | PHASE(CLEANUP));
}

struct labels_seen {
    struct engine_world *world;
    char config[256], manifest_config[256], layer_1[256], index[256], root[256];
    size_t n_config, n_manifest;
};

static const char *label_of(const struct fake_item *item, const char *name)
{
    for (size_t i = 0; item && i < item->n_labels; i++)
        if (strcmp(item->labels[i].name, name) == 0)
            return item->labels[i].value;
    return "";
}

/* Looks at the state while it is there: before the first call of the clean-up. */
static void look_at_labels(void *arg, const char *line)
{
    struct labels_seen *seen = arg;
    struct engine_world *w = seen->world;
    const struct fake_item *item;

    if (strcmp(line, "Images/List") != 0)
        return;
    item = fake_containerd_find(w->containerd, FAKE_CONTENT, PROBE_SPACE, w->image.config.digest);
    snprintf(seen->config, 256, "%s",
             label_of(item, "containerd.io/gc.ref.snapshot." FAKE_SNAPSHOTTER));
    seen->n_config = item ? item->n_labels : 0;
    item = fake_containerd_find(w->containerd, FAKE_CONTENT, PROBE_SPACE, w->image.manifest.digest);
    snprintf(seen->manifest_config, 256, "%s",
             label_of(item, "containerd.io/gc.ref.content.config"));
    snprintf(seen->layer_1, 256, "%s", label_of(item, "containerd.io/gc.ref.content.l.1"));
    seen->n_manifest = item ? item->n_labels : 0;
    item = fake_containerd_find(w->containerd, FAKE_CONTENT, PROBE_SPACE, w->image.root.digest);
    snprintf(seen->index, 256, "%s", label_of(item, "containerd.io/gc.ref.content.m.0"));
    item = fake_containerd_find(w->containerd, FAKE_RECORD, PROBE_SPACE, w->name);
    snprintf(seen->root, 256, "%s", item ? item->target : "");
}

/* The usual snapshotter "btrfs" is not loaded. The fake prepares snapshots in "overlayfs" only. */
static void client_takes_a_snapshotter_that_is_loaded(void **state)
{
#define SNAPSHOTTER(id, error)                                \
    {                                                         \
        "io.containerd.snapshotter.v1", id, NULL, NULL, error \
    }
#define END                          \
    {                                \
        NULL, NULL, NULL, NULL, NULL \
    }
    static const struct fake_plugin first[] = {{"io.containerd.content.v1", "a", NULL, NULL, NULL},
                                               SNAPSHOTTER("btrfs", "skip plugin"),
                                               SNAPSHOTTER("erofs", NULL),
                                               SNAPSHOTTER("overlayfs", NULL),
                                               SNAPSHOTTER("zfs", NULL),
                                               END};
    static const struct fake_plugin second[] = {SNAPSHOTTER("native", NULL),
                                                SNAPSHOTTER("overlayfs", NULL), END};
    static const struct {
        const struct fake_plugin *plugins;
        const char *cri_root;
    } rows[] = {
        {first, NULL},
        {first, "/io.containerd.snapshotter.v1.btrfs"},   /* CRI's is not loaded either */
        {first, "/io.containerd.snapshotter.v1.unknown"}, /* likewise */
        {second, "/io.containerd.snapshotter.v1.overlayfs"},
    };
    struct engine_world *w = *state;

    w->request.any_snapshotter = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        w->request.snapshotter = "btrfs";
        w->containerd->plugins = rows[i].plugins;
        w->containerd->cri_image_root = rows[i].cri_root;
        pull(w, "client");
        assert_non_null(strstr(w->result.note, "not loaded the snapshotter btrfs"));
        assert_non_null(strstr(w->result.note, "into overlayfs"));
    }
    w->request.snapshotter =
        "overlayfs"; /* is loaded: nothing to say, even if it is not the first */
    pull(w, "client");
    assert_string_equal(w->result.note, "");
    w->request.any_snapshotter = false; /* the configuration names it */
    w->request.snapshotter = "btrfs";
    assert_refused(w, "client", ERROR_INVALID, "not loaded");
}

static void client_labels_parents_with_their_children(void **state)
{
    struct engine_world *w = *state;
    struct labels_seen seen = {.world = w};
    char chain_id[DIGEST_TEXT_BYTES];

    fake_image_chain_id(&w->image, 2, chain_id);
    w->log.on_call = look_at_labels;
    w->log.arg = &seen;
    pull(w, "client");
    assert_string_equal(seen.config, chain_id);
    assert_int_equal(seen.n_config, 1);
    assert_string_equal(seen.manifest_config, w->image.config.digest);
    assert_string_equal(seen.layer_1, w->image.layers[1].digest);
    assert_int_equal(seen.n_manifest, 3);
    assert_string_equal(seen.index, w->image.manifest.digest);
    assert_string_equal(seen.root, w->image.root.digest);
}

static void client_labels_no_snapshot_without_unpacking(void **state)
{
    struct engine_world *w = *state;
    struct labels_seen seen = {.world = w};

    w->request.unpack = false;
    w->log.on_call = look_at_labels;
    w->log.arg = &seen;
    pull(w, "client");
    assert_int_equal(seen.n_config, 0);
}

static void client_pulls_a_manifest_without_index(void **state)
{
    struct engine_world *w = *state;

    fake_registry_add_image(&w->registry, REPOSITORY, "plain", &w->other);
    engine_world_refer(w, "plain");
    pull(w, "client");
    assert_string_equal(w->result.digest, w->other.manifest.digest);
    assert_string_equal(w->result.manifest_digest, w->other.manifest.digest);
    assert_int_equal(w->result.declared_bytes, fake_image_bytes(&w->other));
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->other));
}

static void client_removes_by_hand_what_no_collection_takes(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    engine_world_dump(w, &before);
    w->containerd->keeps_garbage = true;
    pull(w, "client");
    assert_order(w, (const char *const[]){"Namespaces/Delete", "Snapshots/List", "Snapshots/Remove",
                                          "Content/List", "Content/Delete", "Namespaces/Delete",
                                          NULL});
    engine_world_assert_state(w, &before);
}

static void client_reports_that_its_namespace_cannot_be_cleaned(void **state)
{
    struct engine_world *w = *state;

    w->log.fail_method = "Leases/Delete";
    w->log.fail_at = 1;
    w->log.fail_on = true;
    assert_true(engine_world_run(w, "pull", "client"));
    assert_true(w->result.cleanup_failed);
    assert_non_null(strstr(w->result.cleanup_error.message, "clean-up of namespace " PROBE_SPACE));
    assert_int_equal(call_log_count(&w->log, "Leases/Delete"), 3);
}

static void client_says_which_layer_does_not_unpack(void **state)
{
    struct engine_world *w = *state;

    w->log.fail_method = "Diff/Apply";
    w->log.fail_at = 2;
    w->log.fail_words = "no space left on device";
    assert_refused(w, "client", ERROR_NO_SPACE, "unpack layer 1");
}

static void registry_fetches_every_blob_once(void **state)
{
    struct engine_world *w = *state;

    pull(w, "registry");
    assert_identity(w);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image));
    assert_string_equal(w->result.host, w->registry.http.address);
    assert_int_equal(call_log_count(&w->log, "registry/HEAD"), 1);
    assert_int_equal(call_log_count(&w->log, "registry/GET"), 5);
    assert_int_equal(call_log_count(&w->log, ""), 6);
    assert_phases(w, PHASE(RESOLVE) | PHASE(FETCH));
}

static void all_platforms_fetch_each_entry(void **state)
{
    struct engine_world *w = *state;

    w->request.all_platforms = true;
    pull(w, "registry");
    assert_identity(w);
    pull(w, "client");
    assert_identity(w);
}

static void a_missing_tag_is_not_found(void **state)
{
    static const char *const engines_by_name[] = {"client", "registry", "transfer", "cri",
                                                  "docker"};
    struct engine_world *w = *state;

    for (size_t i = 0; i < 5; i++) {
        engine_world_reset(NULL);
        engine_world_refer(w, "missing");
        w->containerd->image = w->docker.image = NULL;
        assert_false(engine_world_run(w, "pull", engines_by_name[i]));
        if (w->err.code != ERROR_NOT_FOUND)
            fail_msg("%s: %s", engines_by_name[i], w->err.message);
    }
}

static void an_index_without_the_platform_is_not_found(void **state)
{
    static const char *const engines_by_name[] = {"client", "registry", "transfer"};
    struct engine_world *w = *state;

    for (size_t i = 0; i < 3; i++) {
        engine_world_reset(NULL);
        assert_true(platform_matcher_parse(&w->request.platform, "plan9/mips", &w->err));
        assert_refused(w, engines_by_name[i], ERROR_NOT_FOUND, "platform");
    }
}

static void cri_asks_once_and_examines_what_came(void **state)
{
    struct engine_world *w = *state;

    pull(w, "cri");
    assert_identity(w);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image));
    assert_int_equal(w->result.cached_bytes, 0);
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->image));
    assert_order(w, (const char *const[]){
                        "RuntimeService/Version", "Leases/List", "Leases/Create " PROBE_SPACE,
                        "Leases/List", "ImageService/ImageStatus", "Images/List",
                        "ImageService/PullImage", "Images/Get", "Content/List",
                        "ImageService/RemoveImage", "Leases/Delete " PROBE_SPACE, NULL});
    assert_int_equal(call_log_count(&w->log, "ImageService/PullImage"), 1);
    assert_false(call_log_has(&w->log, "auth"));
}

static void cri_hands_credentials_on(void **state)
{
    struct engine_world *w = *state;
    char line[300];

    w->credentials.username.text = (char *)"user";
    w->credentials.password.text = (char *)"word";
    pull(w, "cri");
    snprintf(line, sizeof(line), "auth user:word at https://%s", w->registry.http.address);
    assert_true(call_log_has(&w->log, line));
    assert_string_equal(w->result.note, "");
    w->credentials = (struct credentials){.registry_token = {(char *)"token"}};
    pull(w, "cri");
    assert_non_null(strstr(w->result.note, "registry token"));
}

static void cri_leaves_an_image_that_was_there(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    fake_containerd_add_image(w->containerd, "k8s.io", w->name, &w->image);
    fake_containerd_add_snapshots(w->containerd, "k8s.io", &w->image);
    engine_world_dump(w, &before);
    assert_refused(w, "cri", ERROR_NOT_COLD, w->name);
    assert_false(call_log_has(&w->log, "ImageService/PullImage"));
    engine_world_assert_state(w, &before);
    w->request.cold = false;
    call_log_clear(&w->log);
    assert_true(engine_world_run(w, "pull", "cri"));
    assert_false(call_log_has(&w->log, "ImageService/RemoveImage"));
    assert_false(call_log_has(&w->log, "Images/Delete"));
    assert_int_equal(w->result.traffic.fetched_bytes, 0);
    assert_int_equal(w->result.cached_bytes, fake_image_bytes(&w->image));
}

static void cri_leaves_an_image_with_another_name(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    fake_containerd_add_image(w->containerd, "k8s.io", "example.org/same:1", &w->image);
    fake_containerd_add_snapshots(w->containerd, "k8s.io", &w->image);
    engine_world_dump(w, &before);
    assert_true(engine_world_run(w, "pull", "cri"));
    assert_false(w->result.cleanup_failed);
    assert_false(call_log_has(&w->log, "ImageService/RemoveImage"));
    assert_non_null(
        fake_containerd_find(w->containerd, FAKE_RECORD, "k8s.io", "example.org/same:1"));
    assert_null(fake_containerd_find(w->containerd, FAKE_RECORD, "k8s.io", w->name));
}

static void start_a_container(void *arg, const char *line)
{
    struct engine_world *w = arg;

    if (strncmp(line, "ImageService/PullImage", 22) == 0)
        snprintf(fake_containerd_add(w->containerd, FAKE_CONTAINER, "k8s.io", "c")->target, 256,
                 "%s", w->name);
}

static void cri_leaves_an_image_that_a_container_uses(void **state)
{
    struct engine_world *w = *state;

    w->log.on_call = start_a_container;
    w->log.arg = w;
    pull(w, "cri");
    assert_non_null(strstr(w->result.note, "container"));
    assert_false(call_log_has(&w->log, "ImageService/RemoveImage"));
    assert_non_null(fake_containerd_find(w->containerd, FAKE_RECORD, "k8s.io", w->name));
    assert_null(fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", PROBE_SPACE));
}

static void transfer_counts_what_the_daemon_stored(void **state)
{
    struct engine_world *w = *state;
    const struct platform *platform = &w->request.platform.accepted[0];
    char line[400];

    pull(w, "transfer");
    assert_identity(w);
    assert_int_equal(w->result.cached_bytes, 0);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image));
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->image));
    assert_string_equal(w->result.host, w->registry.http.address); /* there is only this one */
    snprintf(line, sizeof(line),
             "Transfer/Transfer pull %s platforms=1 unpacks=1 snapshotter=" FAKE_SNAPSHOTTER
             " scheme=http",
             w->name);
    assert_string_equal(w->containerd->transfer_os, platform->os);
    assert_true(call_log_has(&w->log, line));
    assert_int_equal(call_log_count(&w->log, "Transfer/Transfer"), 1);
    assert_phases(w, PHASE(RESOLVE) | PHASE(CLEANUP)); /* the daemon told nothing */
    assert_order(w, (const char *const[]){"Version/Version", "Leases/Create", "Streaming/Stream",
                                          "Transfer/Transfer", "Images/Get", "Namespaces/Delete",
                                          NULL});
    w->request.unpack = false;
    w->request.all_platforms = true;
    w->request.plain_http = false;
    pull(w, "transfer");
    snprintf(line, sizeof(line),
             "Transfer/Transfer pull %s platforms=0 unpacks=0 snapshotter= scheme= ", w->name);
    assert_true(call_log_has(&w->log, line));
    assert_int_equal(w->result.unpacked_bytes, 0);
}

static void transfer_believes_the_smaller_number_of_fetched_bytes(void **state)
{
    struct engine_world *w = *state;
    char name[128];
    const struct fake_event events[] = {{"already exists", name, 0, 100}, {NULL, NULL, 0, 0}};

    snprintf(name, sizeof(name), "layer-%s", w->image.layers[0].digest);
    w->containerd->events = events;
    pull(w, "transfer");
    assert_int_equal(w->result.cached_bytes, 100);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image) - 100);
}

static void transfer_does_not_count_more_cached_than_came(void **state)
{
    struct engine_world *w = *state;
    char name[128];
    const struct fake_event events[] = {{"already exists", name, 0, 1 << 30}, {NULL, NULL, 0, 0}};

    snprintf(name, sizeof(name), "layer-%s", w->image.layers[0].digest);
    w->containerd->events = events;
    pull(w, "transfer");
    assert_int_equal(w->result.cached_bytes, fake_image_bytes(&w->image));
    assert_int_equal(w->result.traffic.fetched_bytes, 0);
}

static void transfer_sees_phases_in_the_progress(void **state)
{
    struct engine_world *w = *state;
    char layer[128];
    const struct fake_event events[] = {{"Pulling from OCI Registry (x)", "x", 0, 0},
                                        {"downloading", layer, 50, 100},
                                        {"complete", layer, 100, 100},
                                        {"extracting", layer, 0, 0},
                                        {"extracted", layer, 0, 0},
                                        {NULL, NULL, 0, 0}};

    snprintf(layer, sizeof(layer), "layer-%s", w->image.layers[0].digest);
    w->containerd->events = events;
    pull(w, "transfer");
    assert_phases(w, PHASE(RESOLVE) | PHASE(FETCH) | PHASE(UNPACK) | PHASE(CLEANUP));
}

static void transfer_notices_that_nothing_was_unpacked(void **state)
{
    struct engine_world *w = *state;
    char layer[128];
    const struct fake_event events[] = {{"complete", layer, 100, 100}, {NULL, NULL, 0, 0}};

    snprintf(layer, sizeof(layer), "layer-%s", w->image.layers[0].digest);
    w->containerd->events = events;
    w->request.snapshotter = "nydus";
    assert_refused(w, "transfer", ERROR_UNSUPPORTED, "nydus");
}

static void transfer_asks_who_served_where_there_is_a_choice(void **state)
{
    static const char *const logs[] = {
        "HEAD /v2/a/b/manifests/1 HTTP/1.1\r\nHost: mirror.example\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct engine_world *w = *state;
    struct host two[2] = {w->registry.host, w->registry.host};
    struct host_list hosts = {two, 2, ""};

    w->request.hosts = &hosts;
    w->containerd->logs = logs;
    pull(w, "transfer");
    assert_string_equal(w->result.host, "mirror.example");
    assert_int_equal(call_log_count(&w->log, "Transfer/Transfer"), 2);
    w->containerd->version = "2.0.5"; /* does not log */
    pull(w, "transfer");
    assert_string_equal(w->result.host, "");
    w->containerd->version = "2.1.0";
    w->log.fail_method = "Transfer/Transfer";
    w->log.fail_at = 2; /* the pull itself is the first */
    w->log.fail_words = "registry gone";
    pull(w, "transfer");
    assert_non_null(strstr(w->result.note, "registry gone"));
    assert_string_equal(w->result.host, "");
}

static void transfer_answers_with_credentials_of_the_registry_only(void **state)
{
    struct engine_world *w = *state;

    w->credentials.username.text = (char *)"user";
    w->credentials.password.text = (char *)"word";
    w->containerd->auth_host = w->registry.http.address;
    pull(w, "transfer");
    assert_true(call_log_has(&w->log, "auth 1 user:word"));
    call_log_clear(&w->log);
    w->containerd->auth_host = "mirror.example";
    pull(w, "transfer");
    assert_true(call_log_has(&w->log, "auth 0 :"));
}

static void transfer_refuses_what_the_daemon_cannot_do(void **state)
{
    struct engine_world *w = *state;
    struct host_list hosts = {&w->registry.host, 1, "/etc/certs.d/x/hosts.toml"};

    w->containerd->version = "1.6.20";
    assert_refused(w, "transfer", ERROR_UNSUPPORTED, "1.6.20");
    w->containerd->version = "1.7.0";
    assert_refused(w, "transfer", ERROR_UNSUPPORTED, "https");
    w->request.plain_http = false;
    pull(w, "transfer");
    w->request.hosts = &hosts;
    assert_refused(w, "transfer", ERROR_UNSUPPORTED, "/etc/certs.d/x/hosts.toml");
    w->containerd->version = "2.0.0";
    pull(w, "transfer");
    w->credentials.registry_token.text = (char *)"token";
    assert_refused(w, "transfer", ERROR_UNSUPPORTED, "token");
    w->credentials.password.text = (char *)"word";
    pull(w, "transfer");
    assert_false(call_log_has(&w->log, "auth"));
}

static void docker_reports_what_its_stream_says(void **state)
{
    struct engine_world *w = *state;

    pull(w, "docker");
    assert_string_equal(w->result.digest, w->image.root.digest);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_layer_bytes(&w->image));
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->image));
    assert_int_equal(w->result.cached_bytes, 0);
    assert_string_equal(w->result.note, "");
    assert_phases(w, PHASE(RESOLVE) | PHASE(FETCH) | PHASE(UNPACK) | PHASE(CLEANUP));
    assert_order(
        w, (const char *const[]){
               "docker/GET /version", "docker/GET /volumes", "docker/GET /images/json?all=1",
               "docker/GET /images/", "docker/POST /volumes/create", "docker/POST /images/create",
               "docker/GET /images/", "docker/DELETE /images/", "docker/DELETE /volumes/", NULL});
}

static void docker_refuses_an_image_that_it_has(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    fake_docker_add(&w->docker, w->other.config.digest, w->name);
    engine_world_dump(w, &before);
    assert_refused(w, "docker", ERROR_NOT_COLD, "image");
    engine_world_assert_state(w, &before);
    assert_false(call_log_has(&w->log, "docker/POST"));
}

static void docker_refuses_an_image_that_it_has_by_another_name(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    fake_docker_add(&w->docker, w->image.config.digest, "example.org/same:1");
    engine_world_dump(w, &before);
    assert_false(engine_world_run(w, "pull", "docker"));
    assert_int_equal(w->err.code, ERROR_NOT_COLD);
    assert_int_equal(w->result.cached_bytes, fake_image_layer_bytes(&w->image));
    assert_non_null(fake_docker_find(&w->docker, "example.org/same:1"));
}

#define LINE(status, id) "{\"status\":\"" status "\",\"id\":\"" id "\"}\r\n"
#define MOVE(current, total, id)                                                               \
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":" current ",\"total\":" total \
    "},\"id\":\"" id "\"}\r\n"

static void docker_counts_layers_that_were_there(void **state)
{
    struct engine_world *w = *state;

    w->request.cold = false;
    w->docker.lines =
        LINE("Already exists", "aaaa") MOVE("200", "200", "bbbb") LINE("Pull complete", "bbbb");
    pull(w, "docker");
    assert_int_equal(w->result.cached_bytes, 100); /* the lowest layer, as it is unpacked */
    assert_int_equal(w->result.traffic.fetched_bytes, 200);
    assert_string_equal(w->result.note,
                        "Docker reported 2 layers; 1 existed before, counted by unpacked size");
    w->request.cold = true;
    assert_refused(w, "docker", ERROR_NOT_COLD, "1 of 2 layers");
    w->docker.lines = LINE("Already exists", "aaaa") LINE("Already exists", "bbbb");
    w->request.cold = false;
    pull(w, "docker");
    assert_int_equal(w->result.cached_bytes, 300);
}

static void docker_says_why_its_numbers_are_too_small(void **state)
{
    struct engine_world *w = *state;

    w->docker.lines = LINE("Pull complete", "aaaa") MOVE("10", "200", "bbbb")
        LINE("Retrying in 5 seconds", "bbbb") MOVE("200", "200", "bbbb")
            LINE("Pull complete", "bbbb");
    pull(w, "docker");
    assert_non_null(strstr(w->result.note, "restarted 1 download"));
    assert_non_null(strstr(w->result.note, "size of 1"));
}

static void docker_fails_as_its_stream_says(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    engine_world_dump(w, &before);
    w->docker.failure = "toomanyrequests: slow down";
    assert_refused(w, "docker", ERROR_RATE_LIMITED, "slow down");
    engine_world_assert_state(w, &before);
    w->docker.failure = NULL;
    w->docker.api_version = "1.23";
    assert_refused(w, "docker", ERROR_UNSUPPORTED, "1.23");
    w->request.docker = NULL;
    assert_refused(w, "docker", ERROR_UNSUPPORTED, "docker");
}

static void docker_compares_the_digest_that_was_asked_for(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, w->image.root.digest);
    pull(w, "docker");
    assert_string_equal(w->result.digest, w->image.root.digest);
    engine_world_refer(w, w->other.root.digest);
    assert_false(engine_world_run(w, "pull", "docker"));
}

static void docker_skips_digests_of_other_repositories(void **state)
{
    struct engine_world *w = *state;
    struct fake_docker_image *image;

    w->request.cold = false;
    image = fake_docker_add(&w->docker, w->image.config.digest, "example.org/same:1");
    snprintf(image->digests[image->n_digests++], 256, "example.org/same@%s", w->other.root.digest);
    pull(w, "docker");
    assert_string_equal(w->result.digest, w->image.root.digest);
}

static void docker_names_a_foreign_platform(void **state)
{
    struct engine_world *w = *state;

    pull(w, "docker");
    assert_null(strstr(w->log.text.data, "platform="));
    assert_true(platform_matcher_parse(&w->request.platform, "plan9/mips", &w->err));
    (void)engine_world_run(w, "pull", "docker");
    assert_non_null(strstr(w->log.text.data, "platform=plan9%2Fmips"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(client_stores_children_before_parents, engine_world_reset),
        cmocka_unit_test_setup(client_reports_all_it_saw, engine_world_reset),
        cmocka_unit_test_setup(client_leaves_layers_packed_where_asked, engine_world_reset),
        cmocka_unit_test_setup(client_takes_a_snapshotter_that_is_loaded, engine_world_reset),
        cmocka_unit_test_setup(client_labels_parents_with_their_children, engine_world_reset),
        cmocka_unit_test_setup(client_labels_no_snapshot_without_unpacking, engine_world_reset),
        cmocka_unit_test_setup(client_pulls_a_manifest_without_index, engine_world_reset),
        cmocka_unit_test_setup(client_removes_by_hand_what_no_collection_takes, engine_world_reset),
        cmocka_unit_test_setup(client_reports_that_its_namespace_cannot_be_cleaned,
                               engine_world_reset),
        cmocka_unit_test_setup(client_says_which_layer_does_not_unpack, engine_world_reset),
        cmocka_unit_test_setup(registry_fetches_every_blob_once, engine_world_reset),
        cmocka_unit_test_setup(all_platforms_fetch_each_entry, engine_world_reset),
        cmocka_unit_test_setup(a_missing_tag_is_not_found, engine_world_reset),
        cmocka_unit_test_setup(an_index_without_the_platform_is_not_found, engine_world_reset),
        cmocka_unit_test_setup(cri_asks_once_and_examines_what_came, engine_world_reset),
        cmocka_unit_test_setup(cri_hands_credentials_on, engine_world_reset),
        cmocka_unit_test_setup(cri_leaves_an_image_that_was_there, engine_world_reset),
        cmocka_unit_test_setup(cri_leaves_an_image_with_another_name, engine_world_reset),
        cmocka_unit_test_setup(cri_leaves_an_image_that_a_container_uses, engine_world_reset),
        cmocka_unit_test_setup(transfer_counts_what_the_daemon_stored, engine_world_reset),
        cmocka_unit_test_setup(transfer_believes_the_smaller_number_of_fetched_bytes,
                               engine_world_reset),
        cmocka_unit_test_setup(transfer_does_not_count_more_cached_than_came, engine_world_reset),
        cmocka_unit_test_setup(transfer_sees_phases_in_the_progress, engine_world_reset),
        cmocka_unit_test_setup(transfer_notices_that_nothing_was_unpacked, engine_world_reset),
        cmocka_unit_test_setup(transfer_asks_who_served_where_there_is_a_choice,
                               engine_world_reset),
        cmocka_unit_test_setup(transfer_answers_with_credentials_of_the_registry_only,
                               engine_world_reset),
        cmocka_unit_test_setup(transfer_refuses_what_the_daemon_cannot_do, engine_world_reset),
        cmocka_unit_test_setup(docker_reports_what_its_stream_says, engine_world_reset),
        cmocka_unit_test_setup(docker_refuses_an_image_that_it_has, engine_world_reset),
        cmocka_unit_test_setup(docker_refuses_an_image_that_it_has_by_another_name,
                               engine_world_reset),
        cmocka_unit_test_setup(docker_counts_layers_that_were_there, engine_world_reset),
        cmocka_unit_test_setup(docker_says_why_its_numbers_are_too_small, engine_world_reset),
        cmocka_unit_test_setup(docker_fails_as_its_stream_says, engine_world_reset),
        cmocka_unit_test_setup(docker_compares_the_digest_that_was_asked_for, engine_world_reset),
        cmocka_unit_test_setup(docker_skips_digests_of_other_repositories, engine_world_reset),
        cmocka_unit_test_setup(docker_names_a_foreign_platform, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}

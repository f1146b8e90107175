/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/image_inventory.h"

#include "containerd/cri/cri.h"
#include "containerd/introspection.h"
#include "containerd/namespaces.h"
#include "inventory/metadata_file.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)16 << 20)

#define SNAPSHOTTER_LABEL   "containerd.io/defaults/snapshotter"
#define DEFAULT_SNAPSHOTTER "overlayfs"

#define CONTENT_PLUGIN  "io.containerd.content.v1"
#define METADATA_PLUGIN "io.containerd.metadata.v1"

/* Everything is listed after this time, even if the database's file has not changed. */
#define CURRENT_NS (120 * NS_PER_SECOND)

struct image_inventory {
    struct image_scanner scanner;
    struct image_namespaces namespaces;
    char snapshotter[SNAPSHOTTER_NAME_BYTES]; /* "": each namespace has its own */
    char identity[256]; /* of the daemon whose content directory is open; "": none */
    struct metadata_file metadata;
    struct metadata_mark mark; /* of the current cycle, or of the last */
    bool is_current;
    int64_t listed_ns; /* end of the last cycle over all; 0: none, or it failed */
};

struct image_inventory *image_inventory_new(struct containerd *daemon, const char *snapshotter,
                                            struct error *err)
{
    CLEANUP(image_inventory_freep)
    struct image_inventory *inventory = calloc(1, sizeof(*inventory));

    if (!inventory) {
        error_memory(err);
        return NULL;
    }
    inventory->scanner = (struct image_scanner){
        .daemon = daemon,
        .files = CONTENT_FILES_INIT,
        .content = NAME_MAP_INIT,
        .only_own = snapshotter[0] != '\0',
    };
    image_snapshotters_init(&inventory->scanner.snapshotters);
    snprintf(inventory->snapshotter, sizeof(inventory->snapshotter), "%s", snapshotter);
    platform_matcher_host(&inventory->scanner.matcher);
    inventory->scanner.cache = image_cache_new(err);
    return inventory->scanner.cache ? TAKE(inventory) : NULL;
}

static void namespaces_deinit(struct image_namespaces *namespaces)
{
    for (size_t i = 0; i < namespaces->count; i++) {
        free(namespaces->items[i].name);
        free(namespaces->items[i].snapshotter);
        image_findings_deinit(&namespaces->items[i].findings);
    }
    free(namespaces->items);
    *namespaces = (struct image_namespaces){0};
}

void image_inventory_free(struct image_inventory *inventory)
{
    namespaces_deinit(&inventory->namespaces);
    content_files_close(&inventory->scanner.files);
    name_map_deinit(&inventory->scanner.content);
    image_snapshotters_deinit(&inventory->scanner.snapshotters);
    image_cache_free(inventory->scanner.cache);
    free(inventory);
}

static bool find_files(struct image_inventory *inventory, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containerd *daemon = inventory->scanner.daemon;
    struct plugins plugins;

    if (!introspection_plugins(daemon, &arena, &plugins, cancel, err))
        return false;
    content_files_open(&inventory->scanner.files, plugin_export(&plugins, CONTENT_PLUGIN, "root"));
    metadata_file_find(&inventory->metadata, containerd_address(daemon),
                       plugin_export(&plugins, METADATA_PLUGIN, "path"));
    return true;
}

/* Another daemon behind the socket has another version and another store. */
static bool identify(struct image_inventory *inventory, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct image_scanner *scanner = &inventory->scanner;
    struct containerd_identity identity;
    char text[sizeof(inventory->identity)];

    if (!containerd_identify(scanner->daemon, &arena, &identity, cancel, err))
        return false;
    snprintf(text, sizeof(text), "%.120s %.120s", identity.version, identity.uuid);
    if (strcmp(inventory->identity, text) == 0 && !metadata_file_is_lost(&inventory->metadata))
        return true;
    if (!find_files(inventory, cancel, err))
        return false;
    scanner->rules = check_rules_of(identity.version);
    scanner->matcher.no_dotted_variants = !scanner->rules->dotted_variants;
    scanner->matcher.no_features = scanner->rules->os_features;
    memcpy(inventory->identity, text, sizeof(text));
    return true;
}

/* Must be called before anything is listed, so that the next cycle notices later writes. */
static void mark_database(struct image_inventory *inventory)
{
    struct metadata_mark now = metadata_file_mark(&inventory->metadata);

    inventory->is_current = inventory->listed_ns != 0 &&
                            metadata_mark_is_same(&inventory->mark, &now) &&
                            clock_now_ns() - inventory->listed_ns < CURRENT_NS;
    inventory->mark = now;
}

bool image_inventory_begin(struct image_inventory *inventory, bool all, struct cancel *cancel,
                           struct error *err)
{
    if ((all || !inventory->scanner.rules) && !identify(inventory, cancel, err)) {
        inventory->listed_ns = 0;
        return false;
    }
    if (all)
        mark_database(inventory);
    if (all && !inventory->is_current)
        inventory->listed_ns = 0; /* until the cycle succeeds */
    image_cache_begin(inventory->scanner.cache, !all);
    return true;
}

size_t image_inventory_failures(const struct image_inventory *inventory, struct error *err)
{
    const struct image_namespaces *all = &inventory->namespaces;
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].failure.code == ERROR_NONE)
            continue;
        if (count++ == 0)
            *err = all->items[i].failure;
    }
    return count;
}

void image_inventory_end(struct image_inventory *inventory, bool all)
{
    bool has_looked = !all || !inventory->is_current;
    struct error ignored;

    image_cache_end(inventory->scanner.cache, all && has_looked);
    if (all && has_looked && image_inventory_failures(inventory, &ignored) == 0)
        inventory->listed_ns = clock_now_ns();
}

bool image_inventory_is_current(const struct image_inventory *inventory)
{
    return inventory->is_current;
}

const struct image_namespaces *image_inventory_namespaces(const struct image_inventory *inventory)
{
    return &inventory->namespaces;
}

static int compare_namespaces(const void *a, const void *b)
{
    return strcmp(((const struct image_namespace *)a)->name,
                  ((const struct image_namespace *)b)->name);
}

struct image_namespace *image_inventory_find(struct image_inventory *inventory, const char *name)
{
    const struct image_namespace key = {.name = (char *)name};

    if (inventory->namespaces.count == 0)
        return NULL;
    return bsearch(&key, inventory->namespaces.items, inventory->namespaces.count, sizeof(key),
                   compare_namespaces);
}

/* `cri` is the snapshotter of CRI in its namespace, of which the daemon knows no label; else "". */
static const char *snapshotter_of(const struct image_inventory *inventory,
                                  const struct containerd_namespace *name_space, const char *cri)
{
    const char *label = labels_get(&name_space->labels, SNAPSHOTTER_LABEL);

    if (inventory->snapshotter[0] != '\0')
        return inventory->snapshotter;
    if (cri[0] != '\0')
        return cri;
    return label && label[0] != '\0' ? label : DEFAULT_SNAPSHOTTER;
}

/* Moves what is known of the namespace from its old entry to the new one. */
static bool init_namespace(struct image_inventory *inventory, struct image_namespace *to,
                           const struct containerd_namespace *from, const char *cri,
                           struct error *err)
{
    struct image_namespace *old = image_inventory_find(inventory, from->name);

    *to = (struct image_namespace){.name = strdup(from->name),
                                   .snapshotter = strdup(snapshotter_of(inventory, from, cri)),
                                   .findings = IMAGE_FINDINGS_INIT};
    if (old) {
        to->findings = old->findings;
        to->failure = old->failure;
        to->has_failed = old->has_failed;
        old->findings = (struct image_findings)IMAGE_FINDINGS_INIT;
    }
    return (to->name && to->snapshotter) || error_memory(err);
}

/* A CRI that does not answer is no failure: its labels on the images tell the same. */
static const char *find_cri_snapshotter(struct image_inventory *inventory, struct arena *arena,
                                        struct cancel *cancel)
{
    int64_t whole_ns = deadline_share(cancel, 2);
    const char *name = "";
    struct error ignored;

    if (inventory->snapshotter[0] == '\0' &&
        !cri_snapshotter(inventory->scanner.daemon, arena, &name, cancel, &ignored))
        name = "";
    cancel->deadline_ns = whole_ns;
    return name;
}

bool image_inventory_list(struct image_inventory *inventory, struct cancel *cancel,
                          struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    CLEANUP(namespaces_deinit) struct image_namespaces fresh = {0};
    struct containerd_namespaces list;

    if (!containerd_namespaces(inventory->scanner.daemon, &arena, &list, cancel, err))
        return false;
    fresh.items = calloc(list.count + 1, sizeof(*fresh.items));
    if (!fresh.items)
        return error_memory(err);
    for (size_t i = 0; i < list.count; i++) {
        const struct containerd_namespace *from = &list.items[i];
        bool is_cri = strcmp(from->name, CRI_NAMESPACE) == 0;

        if (namespace_is_probes(from->name))
            continue;
        if (!init_namespace(inventory, &fresh.items[fresh.count++], from,
                            is_cri ? find_cri_snapshotter(inventory, &arena, cancel) : "", err))
            return false;
    }
    qsort(fresh.items, fresh.count, sizeof(*fresh.items), compare_namespaces);
    namespaces_deinit(&inventory->namespaces);
    inventory->namespaces = fresh;
    fresh = (struct image_namespaces){0};
    return true;
}

/* After a failed scan: whether the cycle can go on with other namespaces. */
static bool keep_failure(const struct image_inventory *inventory,
                         struct image_namespace *name_space, struct cancel *cancel,
                         struct error *err)
{
    bool local;

    if (error_is_expected_code(err, ERROR_NOT_FOUND)) { /* the namespace is gone */
        image_findings_deinit(&name_space->findings);
        return true;
    }
    local = failure_is_local(inventory->scanner.daemon, cancel, err);
    error_wrap(err, "namespace %s", name_space->name);
    name_space->failure = *err;
    name_space->has_failed = true;
    if (local)
        error_clear(err);
    return local;
}

bool image_inventory_scan(struct image_inventory *inventory, struct image_namespace *name_space,
                          size_t n_left, struct cancel *cancel, struct error *err)
{
    int64_t whole_ns = deadline_share(cancel, n_left);
    bool ok = image_scan(&inventory->scanner, name_space->name, name_space->snapshotter,
                         &name_space->findings, cancel, err);

    cancel->deadline_ns = whole_ns;
    error_clear(&name_space->failure);
    name_space->has_failed = false;
    if (!ok)
        return keep_failure(inventory, name_space, cancel, err);
    name_space->failure = name_space->findings.failure;
    if (name_space->failure.code != ERROR_NONE)
        error_wrap(&name_space->failure, "namespace %s", name_space->name);
    return true;
}

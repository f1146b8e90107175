/* SPDX-License-Identifier: Apache-2.0 */
/* The fake containerd: namespaces, leases, images, containers, and facts about the daemon. */
#include "support/fake_containerd_private.h"
#include "support/fake_filter.h"

#include <containers.pb-c.h>
#include <daemon.pb-c.h>
#include <images.pb-c.h>
#include <leases.pb-c.h>
#include <namespaces.pb-c.h>

#include <stdlib.h>

#define CONTENT_REF  "containerd.io/gc.ref.content"
#define SNAPSHOT_REF "containerd.io/gc.ref.snapshot"

size_t fake_list(struct fake_call *call, enum fake_kind kind, struct fake_item **items)
{
    struct fake_containerd *fake = call->fake;
    size_t count = 0;

    for (size_t i = 0; i < fake->n_items && count < FAKE_LIST_MAX; i++)
        if (fake->items[i]->kind == kind &&
            (kind == FAKE_NAMESPACE || strcmp(fake->items[i]->space, call->space) == 0))
            items[count++] = fake->items[i];
    return count;
}

Wire__Label **fake_labels(const struct fake_item *item, struct fake_labels *out)
{
    for (size_t i = 0; i < item->n_labels; i++) {
        wire__label__init(&out->labels[i]);
        out->labels[i].key = (char *)item->labels[i].name;
        out->labels[i].value = (char *)item->labels[i].value;
        out->pointers[i] = &out->labels[i];
    }
    return out->pointers;
}

Wire__Timestamp fake_time(int64_t unix_ns)
{
    Wire__Timestamp time = WIRE__TIMESTAMP__INIT;

    time.seconds = unix_ns / 1000000000;
    time.nanos = (int32_t)(unix_ns % 1000000000);
    return time;
}

/* ---- namespaces ---- */

static struct outcome namespaces_list(struct fake_call *call, const void *request)
{
    Namespaces__ListResponse response = NAMESPACES__LIST_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_NAMESPACE, items);
    struct fake_labels *labels = calloc(count + 1, sizeof(*labels));
    Namespaces__Namespace messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];

    (void)request;
    for (size_t i = 0; i < count; i++) {
        namespaces__namespace__init(&messages[i]);
        messages[i].name = items[i]->name;
        messages[i].labels = fake_labels(items[i], &labels[i]);
        messages[i].n_labels = items[i]->n_labels;
        pointers[i] = &messages[i];
    }
    response.namespaces = pointers;
    response.n_namespaces = count;
    fake_reply(call, &response.base);
    free(labels);
    return OUTCOME_OK;
}

/* A namespace is an item without a namespace. */
static struct outcome namespaces_create(struct fake_call *call, const void *request)
{
    const Namespaces__CreateRequest *create = request;

    call->space[0] = call->lease[0] = '\0';
    if (fake_find(call->fake, FAKE_NAMESPACE, "", create->namespace_->name))
        return fake_exists;
    fake_take_labels(fake_add(call, FAKE_NAMESPACE, create->namespace_->name),
                     create->namespace_->labels, create->namespace_->n_labels);
    return OUTCOME_OK;
}

static bool holds(const struct fake_containerd *fake, const char *space)
{
    for (size_t i = 0; i < fake->n_items; i++) {
        enum fake_kind kind = fake->items[i]->kind;

        if (strcmp(fake->items[i]->space, space) == 0 && kind != FAKE_LEASE && kind != FAKE_INGEST)
            return true;
    }
    return false;
}

static struct outcome namespaces_delete(struct fake_call *call, const void *request)
{
    const Namespaces__DeleteRequest *delete = request;
    struct fake_containerd *fake = call->fake;
    struct fake_item *space = fake_find(fake, FAKE_NAMESPACE, "", delete->name);

    if (!space)
        return fake_not_found;
    if (holds(fake, delete->name))
        return (struct outcome){GRPC_STATUS_FAILED_PRECONDITION, "namespace must be empty"};
    for (size_t i = fake->n_items; i > 0; i--)
        if (strcmp(fake->items[i - 1]->space, delete->name) == 0)
            fake_remove(fake, fake->items[i - 1]);
    fake_remove(fake, space);
    return OUTCOME_OK;
}

/* ---- lists that are one message; their request has a filter as a name ---- */

static const struct outcome too_long = {
    GRPC_STATUS_RESOURCE_EXHAUSTED,
    "grpc: trying to send message larger than max (17000000 vs. 16777216)"};

static bool is_wanted(const void *request, const char *field, const char *name)
{
    const char *filter = ((const Namespaces__DeleteRequest *)request)->name;

    return *filter == '\0' || fake_filter_matches(filter, field, name);
}

static bool is_too_long(const struct fake_call *call, size_t count)
{
    return call->fake->list_max > 0 && count > call->fake->list_max;
}

/* ---- leases ---- */

static struct outcome leases_list(struct fake_call *call, const void *request)
{
    Leases__ListResponse response = LEASES__LIST_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_LEASE, items);
    struct fake_labels *labels = calloc(count + 1, sizeof(*labels));
    Leases__Lease messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];

    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(request, "id", items[i]->name))
            continue;
        leases__lease__init(&messages[i]);
        messages[i].id = items[i]->name;
        messages[i].labels = fake_labels(items[i], &labels[i]);
        messages[i].n_labels = items[i]->n_labels;
        pointers[response.n_leases++] = &messages[i];
    }
    response.leases = pointers;
    fake_reply(call, &response.base);
    free(labels);
    return is_too_long(call, response.n_leases) ? too_long : OUTCOME_OK;
}

static struct outcome leases_blobs(struct fake_call *call, const void *request)
{
    Leases__ListResourcesResponse response = LEASES__LIST_RESOURCES_RESPONSE__INIT;
    const char *id = ((const Namespaces__DeleteRequest *)request)->name;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_CONTENT, items);
    Leases__Resource messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];

    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i]->lease, id) != 0)
            continue;
        leases__resource__init(&messages[i]);
        messages[i].id = items[i]->name;
        messages[i].type = (char *)"content";
        pointers[response.n_resources++] = &messages[i];
    }
    response.resources = pointers;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome leases_create(struct fake_call *call, const void *request)
{
    const Leases__CreateRequest *create = request;

    if (fake_find(call->fake, FAKE_LEASE, call->space, create->id))
        return fake_exists;
    fake_take_labels(fake_add(call, FAKE_LEASE, create->id), create->labels, create->n_labels);
    return OUTCOME_OK;
}

struct marks {
    struct fake_call *call;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count;
};

static void mark(struct marks *marks, struct fake_item *item)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i] == item)
            return;
    if (item && marks->count < FAKE_LIST_MAX)
        marks->items[marks->count++] = item;
}

static void mark_children(struct marks *marks, const struct fake_item *item)
{
    struct fake_containerd *fake = marks->call->fake;
    const char *space = marks->call->space;

    for (size_t i = 0; i < item->n_labels; i++) {
        if (strncmp(item->labels[i].name, CONTENT_REF, strlen(CONTENT_REF)) == 0)
            mark(marks, fake_find(fake, FAKE_CONTENT, space, item->labels[i].value));
        if (strncmp(item->labels[i].name, SNAPSHOT_REF, strlen(SNAPSHOT_REF)) == 0)
            mark(marks, fake_find(fake, FAKE_SNAPSHOT, space, item->labels[i].value));
    }
    if (item->kind == FAKE_SNAPSHOT)
        mark(marks, fake_find(fake, FAKE_SNAPSHOT, space, item->target));
}

/* Removes what neither a record nor a lease nor a container leads to. */
static void collect_garbage(struct fake_call *call)
{
    struct fake_containerd *fake = call->fake;
    struct marks marks = {.call = call};

    for (size_t i = 0; i < fake->n_items; i++) {
        struct fake_item *item = fake->items[i];

        if (strcmp(item->space, call->space) != 0)
            continue;
        if (item->kind == FAKE_RECORD)
            mark(&marks, fake_find(fake, FAKE_CONTENT, call->space, item->target));
        else if (item->lease[0] && fake_find(fake, FAKE_LEASE, call->space, item->lease))
            mark(&marks, item);
    }
    for (size_t i = 0; i < marks.count; i++)
        mark_children(&marks, marks.items[i]);
    for (size_t i = fake->n_items; i > 0; i--) {
        struct fake_item *item = fake->items[i - 1];
        bool kept = strcmp(item->space, call->space) != 0 ||
                    (item->kind != FAKE_CONTENT && item->kind != FAKE_SNAPSHOT &&
                     item->kind != FAKE_INGEST);

        for (size_t k = 0; k < marks.count && !kept; k++)
            kept = marks.items[k] == item;
        if (!kept)
            fake_remove(fake, item);
    }
}

static struct outcome leases_delete(struct fake_call *call, const void *request)
{
    const Leases__DeleteRequest *delete = request;
    struct fake_item *lease = fake_find(call->fake, FAKE_LEASE, call->space, delete->id);

    if (!lease)
        return fake_not_found;
    fake_remove(call->fake, lease);
    if (delete->sync && !call->fake->keeps_garbage)
        collect_garbage(call);
    return OUTCOME_OK;
}

/* ---- images ---- */

struct record_message {
    Images__Image image;
    Wire__Descriptor target;
    Wire__Timestamp created;
    struct fake_labels labels;
};

static Images__Image *record_message(const struct fake_item *item, struct record_message *out)
{
    images__image__init(&out->image);
    wire__descriptor__init(&out->target);
    out->target.digest = (char *)item->target;
    out->target.media_type = (char *)item->media_type;
    out->target.size = (int64_t)item->size;
    out->created = fake_time(item->created_ns);
    out->image.name = (char *)item->name;
    out->image.target = &out->target;
    out->image.created_at = &out->created;
    out->image.labels = fake_labels(item, &out->labels);
    out->image.n_labels = item->n_labels;
    return &out->image;
}

static struct outcome images_list(struct fake_call *call, const void *request)
{
    Images__ListResponse response = IMAGES__LIST_RESPONSE__INIT;
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_RECORD, items);
    struct record_message *messages = calloc(count + 1, sizeof(*messages));
    Images__Image *pointers[FAKE_LIST_MAX];

    for (size_t i = 0; i < count; i++)
        if (is_wanted(request, "name", items[i]->name)) {
            pointers[response.n_images] = record_message(items[i], &messages[i]);
            response.n_images++;
        }
    response.images = pointers;
    fake_reply(call, &response.base);
    free(messages);
    return is_too_long(call, response.n_images) ? too_long : OUTCOME_OK;
}

static struct outcome images_get(struct fake_call *call, const void *request)
{
    const Images__GetRequest *get = request;
    Images__GetResponse response = IMAGES__GET_RESPONSE__INIT;
    struct fake_item *item = fake_find(call->fake, FAKE_RECORD, call->space, get->name);
    struct record_message message;

    if (!item)
        return fake_not_found;
    response.image = record_message(item, &message);
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome images_create(struct fake_call *call, const void *request)
{
    const Images__CreateRequest *create = request;
    struct fake_item *item;

    if (fake_find(call->fake, FAKE_RECORD, call->space, create->image->name))
        return fake_exists;
    if (!fake_find(call->fake, FAKE_CONTENT, call->space, create->image->target->digest))
        return (struct outcome){GRPC_STATUS_NOT_FOUND, "the target is not in the content store"};
    item = fake_add(call, FAKE_RECORD, create->image->name);
    snprintf(item->target, sizeof(item->target), "%s", create->image->target->digest);
    snprintf(item->media_type, sizeof(item->media_type), "%s", create->image->target->media_type);
    item->size = (uint64_t)create->image->target->size;
    return OUTCOME_OK;
}

/* Of all methods that only remove an item. */
struct outcome fake_remove_item(struct fake_call *call, enum fake_kind kind, const char *name)
{
    struct fake_item *item = fake_find(call->fake, kind, call->space, name);

    if (!item)
        return fake_not_found;
    fake_remove(call->fake, item);
    return OUTCOME_OK;
}

static struct outcome images_delete(struct fake_call *call, const void *request)
{
    return fake_remove_item(call, FAKE_RECORD, ((const Images__DeleteRequest *)request)->name);
}

/* ---- containers ---- */

/* Filters are `image=="NAME"`, or one of labels, which matches all. */
static bool is_of_image(const struct fake_item *item, const Containers__ListRequest *request)
{
    char filter[300];

    snprintf(filter, sizeof(filter), "image==\"%s\"", item->target);
    for (size_t i = 0; i < request->n_filters; i++)
        if (strncmp(request->filters[i], "image==", 7) == 0 &&
            strcmp(request->filters[i], filter) != 0)
            return false;
    return true;
}

static struct outcome containers_list(struct fake_call *call, const void *request)
{
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_CONTAINER, items);

    for (size_t i = 0; i < count; i++) {
        Containers__ListStreamResponse response = CONTAINERS__LIST_STREAM_RESPONSE__INIT;
        Containers__Container container = CONTAINERS__CONTAINER__INIT;

        const Wire__Timestamp created = fake_time(items[i]->created_ns);

        container.image = items[i]->target;
        container.created_at = (Wire__Timestamp *)&created;
        response.container = &container;
        if (is_of_image(items[i], request))
            fake_reply(call, &response.base);
    }
    return OUTCOME_OK;
}

/* List, which daemons without ListStream have: all containers in one reply. */
static struct outcome containers_list_all(struct fake_call *call, const void *request)
{
    Containers__ListResponse response = CONTAINERS__LIST_RESPONSE__INIT;
    Containers__Container messages[FAKE_LIST_MAX], *pointers[FAKE_LIST_MAX];
    struct fake_item *items[FAKE_LIST_MAX];
    size_t count = fake_list(call, FAKE_CONTAINER, items);

    for (size_t i = 0; i < count; i++) {
        containers__container__init(&messages[i]);
        messages[i].image = items[i]->target;
        if (is_of_image(items[i], request))
            pointers[response.n_containers++] = &messages[i];
    }
    response.containers = pointers;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

/* ---- the daemon ---- */

static struct outcome version(struct fake_call *call, const void *request)
{
    Daemon__VersionResponse response = DAEMON__VERSION_RESPONSE__INIT;

    (void)request;
    response.version = (char *)call->fake->version;
    response.revision = (char *)"fake";
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome introspection_server(struct fake_call *call, const void *request)
{
    Daemon__ServerResponse response = DAEMON__SERVER_RESPONSE__INIT;

    (void)request;
    response.uuid = (char *)"00000000-0000-0000-0000-000000000000";
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static const struct fake_plugin default_plugins[] = {
    {"io.containerd.content.v1", "content", "root", "/nonexistent/containerd", NULL},
    {"io.containerd.metadata.v1", "bolt", "policy", "shared", NULL},
    {"io.containerd.grpc.v1", "transfer", NULL, NULL, NULL},
    {"io.containerd.transfer.v1", "local", NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

struct plugin_message {
    Daemon__Plugin plugin;
    Daemon__Status status;
    Wire__Label export, *exports;
};

static Daemon__Plugin *plugin_message(const struct fake_plugin *plugin, struct plugin_message *out)
{
    daemon__plugin__init(&out->plugin);
    daemon__status__init(&out->status);
    wire__label__init(&out->export);
    out->plugin.type = (char *)plugin->type;
    out->plugin.id = (char *)plugin->id;
    out->export.key = (char *)plugin->export_name;
    out->export.value = (char *)plugin->export_value;
    out->exports = &out->export;
    out->plugin.exports = &out->exports;
    out->plugin.n_exports = plugin->export_name ? 1 : 0;
    out->status.code = 2;
    out->status.message = (char *)plugin->init_error;
    out->plugin.init_err = plugin->init_error ? &out->status : NULL;
    return &out->plugin;
}

static struct outcome introspection_plugins(struct fake_call *call, const void *request)
{
    const struct fake_plugin *plugins = call->fake->plugins ? call->fake->plugins : default_plugins;
    Daemon__PluginsResponse response = DAEMON__PLUGINS_RESPONSE__INIT;
    struct plugin_message messages[32];
    Daemon__Plugin *pointers[32];

    (void)request;
    for (size_t i = 0; plugins[i].type && i < 32; i++)
        pointers[response.n_plugins++] = plugin_message(&plugins[i], &messages[i]);
    response.plugins = pointers;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome health_check(struct fake_call *call, const void *request)
{
    Daemon__HealthCheckResponse response = DAEMON__HEALTH_CHECK_RESPONSE__INIT;

    (void)request;
    response.status = call->fake->serving ? 1 : 2;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

const struct fake_method_entry fake_service_methods[] = {
    {"namespaces.v1.Namespaces/List", NULL, NULL, namespaces_list},
    {"namespaces.v1.Namespaces/Create", &namespaces__create_request__descriptor, "namespace",
     namespaces_create},
    {"namespaces.v1.Namespaces/Delete", &namespaces__delete_request__descriptor, "name",
     namespaces_delete},
    {"leases.v1.Leases/List", &namespaces__delete_request__descriptor, NULL, leases_list},
    {"leases.v1.Leases/ListResources", &namespaces__delete_request__descriptor, NULL, leases_blobs},
    {"leases.v1.Leases/Create", &leases__create_request__descriptor, "id", leases_create},
    {"leases.v1.Leases/Delete", &leases__delete_request__descriptor, "id", leases_delete},
    {"images.v1.Images/List", &namespaces__delete_request__descriptor, NULL, images_list},
    {"images.v1.Images/Get", &images__get_request__descriptor, "name", images_get},
    {"images.v1.Images/Create", &images__create_request__descriptor, "image", images_create},
    {"images.v1.Images/Delete", &images__delete_request__descriptor, "name", images_delete},
    {"containers.v1.Containers/ListStream", &containers__list_request__descriptor, NULL,
     containers_list},
    {"containers.v1.Containers/List", &containers__list_request__descriptor, NULL,
     containers_list_all},
    {"version.v1.Version/Version", NULL, NULL, version},
    {"introspection.v1.Introspection/Server", NULL, NULL, introspection_server},
    {"introspection.v1.Introspection/Plugins", NULL, NULL, introspection_plugins},
    {"/grpc.health.v1.Health/Check", NULL, NULL, health_check},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The fake containerd: pulls by itself, and CRI, which asks for one. */
#include "support/fake_containerd_private.h"

#include <cri.pb-c.h>

#include <stdlib.h>

#define NAMES_MAX 64

static const char *label_of_content(const struct fake_image *image, size_t i, char out[64])
{
    if (i == image->n_layers)
        return "containerd.io/gc.ref.content.config";
    snprintf(out, 64, "containerd.io/gc.ref.content.l.%zu", i);
    return out;
}

/* Labels as containerd sets them, so that a garbage collection finds the children. */
static void label_blob(const struct fake_image *image, struct fake_item *item, bool unpack)
{
    char name[64], chain_id[DIGEST_TEXT_BYTES];

    if (strcmp(item->name, image->manifest.digest) == 0)
        for (size_t i = 0; i <= image->n_layers; i++)
            fake_item_label(item, label_of_content(image, i, name),
                            image->blobs[i].descriptor->digest);
    else if (strcmp(item->name, image->root.digest) == 0)
        fake_item_label(item, "containerd.io/gc.ref.content.m.0", image->manifest.digest);
    else if (strcmp(item->name, image->config.digest) == 0 && unpack) {
        fake_image_chain_id(image, image->n_layers, chain_id);
        fake_item_label(item, "containerd.io/gc.ref.snapshot." FAKE_SNAPSHOTTER, chain_id);
    }
}

static void unpack_image(struct fake_call *call, const struct fake_image *image)
{
    char chain_id[DIGEST_TEXT_BYTES], parent[DIGEST_TEXT_BYTES] = "";

    for (size_t i = 0; i < image->n_layers; i++) {
        fake_image_chain_id(image, i + 1, chain_id);
        if (!fake_find(call->fake, FAKE_SNAPSHOT, call->space, chain_id)) {
            struct fake_item *item = fake_add(call, FAKE_SNAPSHOT, chain_id);

            snprintf(item->target, sizeof(item->target), "%s", parent);
            item->size = (uint64_t)image->layers[i].size;
        }
        strcpy(parent, chain_id);
    }
}

static void add_record(struct fake_call *call, const char *name, const struct fake_image *image)
{
    struct fake_item *item = fake_find(call->fake, FAKE_RECORD, call->space, name);

    if (!item)
        item = fake_add(call, FAKE_RECORD, name);
    snprintf(item->target, sizeof(item->target), "%s", image->root.digest);
    snprintf(item->media_type, sizeof(item->media_type), "%s", image->root.media_type);
    snprintf(item->id, sizeof(item->id), "%s", image->config.digest);
    item->size = (uint64_t)image->root.size;
}

struct outcome fake_pull_image(struct fake_call *call, const char *name, bool unpack)
{
    const struct fake_image *image = call->fake->image;

    if (!image)
        return (struct outcome){GRPC_STATUS_NOT_FOUND, "failed to resolve reference: not found"};
    for (size_t i = 0; i < image->n_blobs; i++) {
        const struct fake_blob *blob = &image->blobs[i];
        bool is_layer = i < image->n_layers;
        struct fake_item *item;

        if (call->fake->pull_fails_after > 0 && i >= call->fake->pull_fails_after)
            return fake_failure(call->fake);
        if (fake_find(call->fake, FAKE_CONTENT, call->space, blob->descriptor->digest) ||
            (is_layer && unpack && call->fake->discards_unpacked))
            continue;
        item = fake_add(call, FAKE_CONTENT, blob->descriptor->digest);
        item->size = (uint64_t)blob->descriptor->size;
        if (!(item->data = malloc(item->size + 1)))
            abort();
        memcpy(item->data, blob->data, item->size);
        label_blob(image, item, unpack);
    }
    if (unpack)
        unpack_image(call, image);
    add_record(call, name, image);
    return OUTCOME_OK;
}

/* ---- CRI: everything is in one namespace ---- */

#define CRI_SPACE "k8s.io"

static struct outcome cri_version(struct fake_call *call, const void *request)
{
    (void)call, (void)request;
    return OUTCOME_OK;
}

static struct outcome cri_status(struct fake_call *call, const void *request)
{
    Cri__StatusResponse response = CRI__STATUS_RESPONSE__INIT;
    Cri__Status status = CRI__STATUS__INIT;
    Cri__Condition condition = CRI__CONDITION__INIT, *conditions = &condition;
    Wire__Label config = WIRE__LABEL__INIT, *info = &config;

    (void)request;
    condition.type = (char *)"RuntimeReady";
    condition.status = call->fake->serving;
    status.conditions = &conditions;
    status.n_conditions = 1;
    response.status = &status;
    config.key = (char *)"config";
    config.value = (char *)call->fake->cri_config;
    response.info = &info;
    response.n_info = call->fake->cri_config ? 1 : 0;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome cri_fs_info(struct fake_call *call, const void *request)
{
    Cri__ImageFsInfoResponse response = CRI__IMAGE_FS_INFO_RESPONSE__INIT;
    Cri__FilesystemUsage usage = CRI__FILESYSTEM_USAGE__INIT, *usages = &usage;
    Cri__FilesystemIdentifier id = CRI__FILESYSTEM_IDENTIFIER__INIT;

    (void)request;
    if (!call->fake->cri_image_root)
        return (struct outcome){GRPC_STATUS_UNIMPLEMENTED, "unknown service"};
    id.mountpoint = (char *)call->fake->cri_image_root;
    usage.fs_id = &id;
    response.image_filesystems = &usages;
    response.n_image_filesystems = 1;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

/* The digest of the configuration; "" if there is no such image. */
static const char *id_of(struct fake_call *call, const char *image)
{
    for (size_t i = 0; i < call->fake->n_items; i++) {
        const struct fake_item *item = call->fake->items[i];

        if (item->kind == FAKE_RECORD && strcmp(item->space, CRI_SPACE) == 0 &&
            (strcmp(item->name, image) == 0 || strcmp(item->id, image) == 0))
            return item->id;
    }
    return "";
}

struct image_message {
    Cri__Image image;
    char *tags[NAMES_MAX], *digests[NAMES_MAX];
};

static Cri__Image *image_message(struct fake_call *call, const char *id, struct image_message *out)
{
    cri__image__init(&out->image);
    out->image.id = (char *)id;
    out->image.repo_tags = out->tags;
    out->image.repo_digests = out->digests;
    for (size_t i = 0; i < call->fake->n_items; i++) {
        struct fake_item *item = call->fake->items[i];

        if (item->kind != FAKE_RECORD || strcmp(item->space, CRI_SPACE) != 0 ||
            strcmp(item->id, id) != 0 || strncmp(item->name, "sha256:", 7) == 0)
            continue;
        if (strchr(item->name, '@'))
            out->digests[out->image.n_repo_digests++] = item->name;
        else
            out->tags[out->image.n_repo_tags++] = item->name;
        out->image.size = item->size;
    }
    return &out->image;
}

static struct outcome cri_list(struct fake_call *call, const void *request)
{
    Cri__ListImagesResponse response = CRI__LIST_IMAGES_RESPONSE__INIT;
    struct image_message messages[NAMES_MAX];
    Cri__Image *pointers[NAMES_MAX];

    (void)request;
    response.images = pointers;
    for (size_t i = 0; i < call->fake->n_items && response.n_images < NAMES_MAX; i++) {
        const struct fake_item *item = call->fake->items[i];
        bool seen = item->kind != FAKE_RECORD || strcmp(item->space, CRI_SPACE) != 0;

        for (size_t k = 0; k < response.n_images && !seen; k++)
            seen = strcmp(pointers[k]->id, item->id) == 0;
        if (!seen) {
            pointers[response.n_images] =
                image_message(call, item->id, &messages[response.n_images]);
            response.n_images++;
        }
    }
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static const char *image_of(const void *request)
{
    const Cri__ImageStatusRequest *status = request;

    return status->image ? status->image->image : "";
}

static struct outcome cri_image_status(struct fake_call *call, const void *request)
{
    Cri__ImageStatusResponse response = CRI__IMAGE_STATUS_RESPONSE__INIT;
    const char *id = id_of(call, image_of(request));
    struct image_message message;

    if (*id)
        response.image = image_message(call, id, &message);
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

static struct outcome cri_remove(struct fake_call *call, const void *request)
{
    char id[96];

    snprintf(id, sizeof(id), "%s", id_of(call, image_of(request)));
    for (size_t i = call->fake->n_items; *id && i > 0; i--) {
        struct fake_item *item = call->fake->items[i - 1];

        if (item->kind == FAKE_RECORD && strcmp(item->space, CRI_SPACE) == 0 &&
            strcmp(item->id, id) == 0)
            fake_remove(call->fake, item);
    }
    return OUTCOME_OK;
}

/* The length of "host:port/repository". */
static int repository_size(const char *name)
{
    const char *slash = strrchr(name, '/');

    slash = slash ? slash : name;
    return (int)(slash - name) + (int)strcspn(slash, ":@");
}

static struct outcome cri_pull(struct fake_call *call, const void *request)
{
    const Cri__PullImageRequest *pull = request;
    const char *name = pull->image ? pull->image->image : "";
    Cri__PullImageResponse response = CRI__PULL_IMAGE_RESPONSE__INIT;
    struct outcome outcome;
    char text[400];

    snprintf(call->space, sizeof(call->space), CRI_SPACE);
    if (pull->auth) {
        snprintf(text, sizeof(text), "%s:%s at %s", pull->auth->username, pull->auth->password,
                 pull->auth->server_address);
        (void)call_log_add(call->fake->log, "auth", text);
    }
    outcome = fake_pull_image(call, name, true);
    if (outcome.code != GRPC_STATUS_OK)
        return outcome;
    snprintf(text, sizeof(text), "%.*s@%s", repository_size(name), name,
             call->fake->image->root.digest);
    add_record(call, text, call->fake->image);
    add_record(call, call->fake->image->config.digest, call->fake->image);
    response.image_ref = (char *)call->fake->image->config.digest;
    fake_reply(call, &response.base);
    return OUTCOME_OK;
}

const struct fake_method_entry fake_cri_methods[] = {
    {"/runtime.v1.RuntimeService/Version", NULL, NULL, cri_version},
    {"/runtime.v1.RuntimeService/Status", NULL, NULL, cri_status},
    {"/runtime.v1.ImageService/ImageFsInfo", NULL, NULL, cri_fs_info},
    {"/runtime.v1.ImageService/ListImages", NULL, NULL, cri_list},
    {"/runtime.v1.ImageService/ImageStatus", &cri__image_status_request__descriptor, "image",
     cri_image_status},
    {"/runtime.v1.ImageService/RemoveImage", &cri__image_status_request__descriptor, "image",
     cri_remove},
    {"/runtime.v1.ImageService/PullImage", &cri__pull_image_request__descriptor, "image", cri_pull},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The field numbers are those of runtime.v1, which containerd has had since 1.6. */
#include "containerd/wire/cri_wire.h"

#include "containerd/wire/types_wire.h"
#include "cri.pb-c.h"
#include "types.pb-c.h"

#include <string.h>

#define CONFIG_KEY "config"

void cri_wire_status_verbose(struct buf *out)
{
    Cri__StatusRequest request = CRI__STATUS_REQUEST__INIT;

    request.verbose = true;
    wire_pack(&request.base, out);
}

bool cri_wire_status(const struct buf *message, struct arena *arena, struct cri_status *status,
                     char **config, struct error *err)
{
    const Cri__StatusResponse *reply =
        wire_unpack(&cri__status_response__descriptor, message, arena, err);
    size_t count = reply && reply->status ? reply->status->n_conditions : 0;

    *config = NULL;
    if (!reply)
        return false;
    status->count = 0;
    status->conditions = arena_alloc(arena, count * sizeof(*status->conditions));
    for (size_t i = 0; status->conditions && i < count; i++)
        status->conditions[status->count++] = (struct cri_condition){
            reply->status->conditions[i]->type, reply->status->conditions[i]->status};
    for (size_t i = 0; i < reply->n_info; i++)
        if (strcmp(reply->info[i]->key, CONFIG_KEY) == 0)
            *config = reply->info[i]->value;
    return arena_ok(arena, err);
}

static const char *name_of(const Cri__Image *image)
{
    if (image->n_repo_tags > 0)
        return image->repo_tags[0];
    return image->n_repo_digests > 0 ? image->repo_digests[0] : image->id;
}

bool cri_wire_images(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Cri__ListImagesResponse *reply =
        wire_unpack(&cri__list_images_response__descriptor, message, arena, err);
    struct cri_images *images = out;

    if (!reply)
        return false;
    images->count = 0;
    images->items = arena_alloc(arena, reply->n_images * sizeof(*images->items));
    for (size_t i = 0; images->items && i < reply->n_images; i++)
        images->items[images->count++] = (struct cri_image){
            .name = name_of(reply->images[i]),
            .bytes = reply->images[i]->size,
            .pinned = reply->images[i]->pinned,
        };
    return arena_ok(arena, err);
}

bool cri_wire_image_root(const struct buf *message, struct arena *arena, void *out,
                         struct error *err)
{
    const Cri__ImageFsInfoResponse *reply =
        wire_unpack(&cri__image_fs_info_response__descriptor, message, arena, err);
    const char **root = out;

    if (!reply)
        return false;
    *root = reply->n_image_filesystems > 0 && reply->image_filesystems[0]->fs_id
                ? reply->image_filesystems[0]->fs_id->mountpoint
                : "";
    return true;
}

void cri_wire_image(struct buf *out, const char *image)
{
    Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;
    Cri__ImageStatusRequest request = CRI__IMAGE_STATUS_REQUEST__INIT;

    spec.image = (char *)image;
    request.image = &spec;
    wire_pack(&request.base, out);
}

bool cri_wire_presence(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Cri__ImageStatusResponse *reply =
        wire_unpack(&cri__image_status_response__descriptor, message, arena, err);
    struct cri_presence *presence = out;

    if (!reply)
        return false;
    presence->present = reply->image != NULL;
    presence->pinned = reply->image && reply->image->pinned;
    return true;
}

static char *text_or_empty(const struct secret *secret)
{
    return secret->text ? secret->text : (char *)"";
}

/* containerd uses the first of these that is not empty, in this order, and ignores registry tokens.
 */
static void put_auth(Cri__AuthConfig *auth, const struct cri_pull_request *request)
{
    const struct credentials *credentials = request->credentials;

    auth->username = text_or_empty(&credentials->username);
    auth->password = text_or_empty(&credentials->password);
    auth->identity_token = text_or_empty(&credentials->identity_token);
    auth->registry_token = text_or_empty(&credentials->registry_token);
    auth->server_address = (char *)request->server;
}

void cri_wire_pull(struct buf *out, const struct cri_pull_request *request)
{
    Cri__PullImageRequest message = CRI__PULL_IMAGE_REQUEST__INIT;
    Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;
    Cri__AuthConfig auth = CRI__AUTH_CONFIG__INIT;

    spec.image = (char *)request->image;
    message.image = &spec;
    if (request->credentials) {
        put_auth(&auth, request);
        message.auth = &auth;
    }
    wire_pack(&message.base, out);
}

bool cri_wire_pulled(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Cri__PullImageResponse *reply =
        wire_unpack(&cri__pull_image_response__descriptor, message, arena, err);
    const char **image_id = out;

    if (!reply)
        return false;
    *image_id = reply->image_ref;
    return reply->image_ref[0] != '\0' ||
           error_set(err, ERROR_PROTOCOL, "reply to PullImage without an image id");
}

bool cri_wire_names(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Cri__ImageStatusResponse *reply =
        wire_unpack(&cri__image_status_response__descriptor, message, arena, err);
    struct cri_names *names = out;

    if (!reply)
        return false;
    *names = (struct cri_names){0};
    if (reply->image)
        *names = (struct cri_names){
            .id = reply->image->id,
            .tags = (const char *const *)reply->image->repo_tags,
            .n_tags = reply->image->n_repo_tags,
            .digests = (const char *const *)reply->image->repo_digests,
            .n_digests = reply->image->n_repo_digests,
        };
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/transfer_wire.h"

#include "containerd/wire/types_wire.h"
#include "transfer.pb-c.h"

#define REGISTRY_TYPE    "containerd.types.transfer.OCIRegistry"
#define STORE_TYPE       "containerd.types.transfer.ImageStore"
#define PART_LIMIT_BYTES ((size_t)256 << 10)

/* Logs requests and responses with their bodies. */
#define HTTP_DEBUG 1

static ProtobufCBinaryData bytes_of(const struct buf *buf)
{
    return (ProtobufCBinaryData){.len = buf->size, .data = (uint8_t *)buf->data};
}

static Transfer__Any any_of(const char *type, const struct buf *value)
{
    Transfer__Any any = TRANSFER__ANY__INIT;

    any.type_url = (char *)type;
    any.value = bytes_of(value);
    return any;
}

void transfer_wire_any(struct buf *out, const char *type, const struct buf *value)
{
    Transfer__Any any = any_of(type, value);

    wire_pack(&any.base, out);
}

static void pack_registry(struct buf *out, const struct transfer *transfer,
                          const struct transfer_streams *streams)
{
    Transfer__OCIRegistry registry = TRANSFER__OCIREGISTRY__INIT;
    Transfer__RegistryResolver resolver = TRANSFER__REGISTRY_RESOLVER__INIT;

    resolver.auth_stream = (char *)streams->auth;
    resolver.host_dir = (char *)transfer->hosts_dir;
    resolver.default_scheme = (char *)transfer->default_scheme;
    resolver.logs_stream = (char *)streams->log;
    resolver.http_debug = *streams->log ? HTTP_DEBUG : 0;
    registry.reference = (char *)transfer->reference;
    registry.resolver = &resolver;
    wire_pack(&registry.base, out);
}

static Transfer__Platform platform_of(const struct platform *platform)
{
    Transfer__Platform message = TRANSFER__PLATFORM__INIT;

    message.os = (char *)platform->os;
    message.architecture = (char *)platform->architecture;
    message.variant = (char *)platform->variant;
    return message;
}

/* An empty list of platforms means all of them. */
static void pack_store(struct buf *out, const struct transfer *transfer, bool unpacks)
{
    Transfer__ImageStore store = TRANSFER__IMAGE_STORE__INIT;
    Transfer__UnpackConfiguration unpack = TRANSFER__UNPACK_CONFIGURATION__INIT;
    Transfer__Platform platform = platform_of(transfer->platform);
    Transfer__Platform *platforms = &platform;
    Transfer__UnpackConfiguration *unpack_list = &unpack;

    unpack.platform = &platform;
    unpack.snapshotter = (char *)transfer->snapshotter;
    store.name = (char *)transfer->name;
    store.platforms = &platforms;
    store.n_platforms = !transfer->all_platforms;
    store.unpacks = &unpack_list;
    store.n_unpacks = unpacks;
    wire_pack(&store.base, out);
}

bool transfer_wire_request(struct buf *out, const struct transfer *transfer,
                           const struct transfer_streams *streams, bool push, struct error *err)
{
    CLEANUP(buf_deinit) struct buf registry = BUF_INIT(PART_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf store = BUF_INIT(PART_LIMIT_BYTES);
    Transfer__TransferRequest request = TRANSFER__TRANSFER_REQUEST__INIT;
    Transfer__TransferOptions options = TRANSFER__TRANSFER_OPTIONS__INIT;
    Transfer__Any at_registry, at_store;

    pack_registry(&registry, transfer, streams);
    pack_store(&store, transfer, transfer->unpack && !push);
    at_registry = any_of(REGISTRY_TYPE, &registry);
    at_store = any_of(STORE_TYPE, &store);
    options.progress_stream = (char *)streams->progress;
    request.source = push ? &at_store : &at_registry;
    request.destination = push ? &at_registry : &at_store;
    request.options = &options;
    wire_pack(&request.base, out);
    return buf_ok(&registry, err) && buf_ok(&store, err) && buf_ok(out, err);
}

void transfer_wire_window_update(struct buf *out, int32_t bytes)
{
    Transfer__WindowUpdate update = TRANSFER__WINDOW_UPDATE__INIT;

    update.update = bytes;
    wire_pack(&update.base, out);
}

void transfer_wire_auth_response(struct buf *out, enum transfer_auth auth, const char *username,
                                 const char *secret)
{
    Transfer__AuthResponse response = TRANSFER__AUTH_RESPONSE__INIT;

    response.auth_type = (int32_t)auth;
    response.username = (char *)username;
    response.secret = (char *)secret;
    wire_pack(&response.base, out);
}

bool transfer_wire_message(const struct buf *message, struct arena *arena,
                           struct transfer_message *any, struct error *err)
{
    const Transfer__Any *unpacked = wire_unpack(&transfer__any__descriptor, message, arena, err);

    if (!unpacked)
        return false;
    any->type = unpacked->type_url;
    any->value = (struct buf){.data = (char *)unpacked->value.data, .size = unpacked->value.len};
    return true;
}

bool transfer_wire_progress(const struct buf *value, struct arena *arena,
                            struct transfer_event *event, struct error *err)
{
    const Transfer__Progress *progress =
        wire_unpack(&transfer__progress__descriptor, value, arena, err);

    if (!progress)
        return false;
    event->what = progress->event;
    event->name = progress->name;
    event->bytes = wire_size(progress->progress);
    event->total = wire_size(progress->total);
    return true;
}

bool transfer_wire_auth_request(const struct buf *value, struct arena *arena, const char **host,
                                struct error *err)
{
    const Transfer__AuthRequest *request =
        wire_unpack(&transfer__auth_request__descriptor, value, arena, err);

    if (request)
        *host = request->host;
    return request;
}

bool transfer_wire_data(const struct buf *value, struct arena *arena, const char **text,
                        struct error *err)
{
    const Transfer__Data *message = wire_unpack(&transfer__data__descriptor, value, arena, err);

    if (!message)
        return false;
    *text = arena_strndup(arena, message->data.data ? (const char *)message->data.data : "",
                          message->data.len);
    return arena_ok(arena, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/transfer/transfer.h"

#include "base/clock.h"
#include "base/secret.h"
#include "containerd/daemon_version.h"
#include "containerd/transfer/streaming.h"
#include "containerd/wire/transfer_wire.h"
#include "net/go_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHOD              "/containerd.services.transfer.v1.Transfer/Transfer"
#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)
#define REPLY_LIMIT_BYTES   ((size_t)64 << 10)
#define ANSWER_LIMIT_BYTES  ((size_t)1 << 20)
#define ID_BYTES            40

/* The last of the progress comes after the answer to the call; then the daemon ends the stream. */
#define AFTERMATH_NS NS_PER_SECOND

/* How much the daemon may log before it waits for us: it would wait with the registry's answer in
 * its hands, so it never has to. */
#define LOG_WINDOW_BYTES INT32_MAX

/* A daemon before 2.0 goes to the registry itself, by https, whatever hosts.toml says. */
static const struct transfer_dialect dialects[] = {
    {DAEMON_VERSION(0, 0), false, false, false},
    {DAEMON_VERSION(1, 7), true, false, false},
    {DAEMON_VERSION(2, 0), true, true, false},
    {DAEMON_VERSION(2, 1), true, true, true},
};

const struct transfer_dialect *transfer_dialect_of(const char *version)
{
    const struct transfer_dialect *rules = &dialects[0];

    for (size_t i = 1; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (daemon_version(version) >= dialects[i].since)
            rules = &dialects[i];
    return rules;
}

static void hear_progress(void *arg, struct streaming *stream,
                          const struct transfer_message *message, struct arena *arena)
{
    const struct transfer *transfer = arg;
    struct transfer_event event;
    struct error garbled;

    (void)stream;
    event.at_ns = clock_now_ns();
    if (strcmp(message->type, TRANSFER_TYPE_PROGRESS) == 0 &&
        transfer_wire_progress(&message->value, arena, &event, &garbled))
        transfer->progress(transfer->arg, &event);
}

static void hear_log(void *arg, struct streaming *stream, const struct transfer_message *message,
                     struct arena *arena)
{
    const struct transfer *transfer = arg;
    struct error garbled;
    const char *text;

    (void)stream;
    if (strcmp(message->type, TRANSFER_TYPE_DATA) == 0 &&
        transfer_wire_data(&message->value, arena, &text, &garbled))
        transfer->log(transfer->arg, text);
}

static void answer(struct buf *out, const struct credentials *credentials)
{
    if (credentials->password.text)
        transfer_wire_auth_response(out, TRANSFER_AUTH_CREDENTIALS,
                                    credentials->username.text ? credentials->username.text : "",
                                    credentials->password.text);
    else if (credentials->identity_token.text)
        transfer_wire_auth_response(out, TRANSFER_AUTH_REFRESH, "",
                                    credentials->identity_token.text);
    else
        transfer_wire_auth_response(out, TRANSFER_AUTH_NONE, "", "");
}

/* The daemon asks once for every client that it makes. A mirror is another host, and is told
 * nothing. */
static void hear_auth(void *arg, struct streaming *stream, const struct transfer_message *message,
                      struct arena *arena)
{
    static const struct credentials anonymous;
    const struct transfer *transfer = arg;
    CLEANUP(secret_buf_deinit) struct buf response = BUF_INIT(ANSWER_LIMIT_BYTES);
    struct error garbled;
    const char *host;

    if (strcmp(message->type, TRANSFER_TYPE_AUTH_REQUEST) != 0 ||
        !transfer_wire_auth_request(&message->value, arena, &host, &garbled))
        return;
    answer(&response,
           strcasecmp(host, transfer->credentials_host) == 0 ? transfer->credentials : &anonymous);
    streaming_send(stream, TRANSFER_TYPE_AUTH_RESPONSE, &response);
}

enum beside {
    BESIDE_PROGRESS,
    BESIDE_AUTH,
    BESIDE_LOG,
    BESIDES,
};

static const struct {
    const char *name;
    streaming_visit *visit;
} besides[BESIDES] = {
    [BESIDE_PROGRESS] = {"progress", hear_progress},
    [BESIDE_AUTH] = {"auth", hear_auth},
    [BESIDE_LOG] = {"log", hear_log},
};

/* The streams of one transfer; the ids are "" where one is not wanted. */
struct beside_call {
    struct streaming *items[BESIDES];
    char ids[BESIDES][ID_BYTES];
};

static bool wanted(const struct transfer *transfer, enum beside beside)
{
    switch (beside) {
    case BESIDE_PROGRESS:
        return transfer->progress != NULL;
    case BESIDE_LOG:
        return transfer->log != NULL;
    default:
        return true;
    }
}

/* The daemon knows a stream for a moment longer than we do, so no two have one name. */
static void name_all(struct beside_call *call, const struct transfer *transfer)
{
    for (size_t i = 0; i < BESIDES; i++)
        if (wanted(transfer, (enum beside)i))
            snprintf(call->ids[i], ID_BYTES, "%s-%" PRId64, besides[i].name, clock_now_ns());
}

static void close_all(struct beside_call *call)
{
    int64_t until_ns = clock_now_ns() + AFTERMATH_NS;

    for (size_t i = 0; i < BESIDES; i++)
        if (call->items[i])
            streaming_close(call->items[i], i == BESIDE_AUTH ? 0 : until_ns);
}

static bool open_all(struct beside_call *call, const struct scope *scope,
                     const struct transfer *transfer, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf window = BUF_INIT(ANSWER_LIMIT_BYTES);

    transfer_wire_window_update(&window, LOG_WINDOW_BYTES);
    for (size_t i = 0; i < BESIDES; i++) {
        const struct streaming_options options = {
            .id = call->ids[i],
            .greeting_type = i == BESIDE_LOG ? TRANSFER_TYPE_WINDOW_UPDATE : NULL,
            .greeting = &window,
            .visit = besides[i].visit,
            .arg = (void *)transfer,
        };

        if (!*options.id)
            continue;
        call->items[i] = streaming_open(scope, &options, cancel, err);
        if (!call->items[i])
            return false;
    }
    return true;
}

/* Codes of the daemon that say less than its words. */
static void refine(struct error *err)
{
    switch (err->status_kind == STATUS_GRPC ? err->status : RPC_OK) {
    case RPC_CANCELLED:
    case RPC_DEADLINE_EXCEEDED:
    case RPC_UNAVAILABLE:
    case RPC_UNIMPLEMENTED:
        return;
    default:
        err->code = go_error_code(err->message, err->code);
    }
}

typedef bool pack(struct buf *out, const struct transfer *transfer,
                  const struct transfer_streams *streams, struct error *err);

static bool call(const struct scope *scope, const struct transfer *transfer, pack *pack_request,
                 int64_t *ended_ns, struct cancel *cancel, struct error *err)
{
    CLEANUP(close_all) struct beside_call beside = {0};
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    const struct transfer_streams streams = {
        .progress = beside.ids[BESIDE_PROGRESS],
        .auth = beside.ids[BESIDE_AUTH],
        .log = beside.ids[BESIDE_LOG],
    };
    bool ok;

    name_all(&beside, transfer);
    ok = pack_request(&request, transfer, &streams, err) &&
         open_all(&beside, scope, transfer, cancel, err) &&
         containerd_call(scope, METHOD, &request, &reply, cancel, err);

    *ended_ns = clock_now_ns();
    if (!ok)
        refine(err);
    return ok;
}

bool transfer_pull(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err)
{
    return call(scope, transfer, transfer_wire_pull, ended_ns, cancel, err);
}

bool transfer_push(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err)
{
    return call(scope, transfer, transfer_wire_push, ended_ns, cancel, err);
}

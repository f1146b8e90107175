/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/transfer/transfer.h"

#include "base/clock.h"
#include "base/secret.h"
#include "containerd/transfer/streaming.h"
#include "containerd/wire/transfer_wire.h"
#include "net/go_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHOD              "/containerd.services.transfer.v1.Transfer/Transfer"
#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)
#define STREAM_LIMIT_BYTES  ((size_t)1 << 20)
#define ID_BYTES            40

/* The daemon sends the last progress after its reply to the call, and then ends the stream. */
#define DRAIN_NS NS_PER_SECOND

/* How much the daemon may log before it must wait for the client. It would wait in the middle of a
 * response of the registry, so the window is as large as possible. */
#define LOG_WINDOW_BYTES INT32_MAX

/* A daemon before 2.0 ignores hosts.toml and uses https. */
static const struct transfer_rules rules[] = {
    {DAEMON_VERSION(0, 0), false, false, false},
    {DAEMON_VERSION(1, 7), true, false, false},
    {DAEMON_VERSION(2, 0), true, true, false},
    {DAEMON_VERSION(2, 1), true, true, true},
};

const struct transfer_rules *transfer_rules_of(const char *version)
{
    const struct transfer_rules *found = &rules[0];

    for (size_t i = 1; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (daemon_version(version) >= rules[i].since)
            found = &rules[i];
    return found;
}

static void on_progress(void *arg, struct streaming *stream, const struct transfer_message *message,
                        struct arena *arena)
{
    const struct transfer *transfer = arg;
    struct transfer_event event;
    struct error ignored; /* an invalid message is skipped */

    (void)stream;
    event.at_ns = clock_now_ns();
    if (strcmp(message->type, TRANSFER_TYPE_PROGRESS) == 0 &&
        transfer_wire_progress(&message->value, arena, &event, &ignored))
        transfer->progress(transfer->arg, &event);
}

static void on_log(void *arg, struct streaming *stream, const struct transfer_message *message,
                   struct arena *arena)
{
    const struct transfer *transfer = arg;
    struct error ignored; /* an invalid message is skipped */
    const char *text;

    (void)stream;
    if (strcmp(message->type, TRANSFER_TYPE_DATA) == 0 &&
        transfer_wire_data(&message->value, arena, &text, &ignored))
        transfer->log(transfer->arg, text);
}

static void put_response(struct buf *out, const struct credentials *credentials)
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

/* The daemon asks once for every HTTP client that it creates. A mirror is another host and gets no
 * credentials. */
static void on_auth(void *arg, struct streaming *stream, const struct transfer_message *message,
                    struct arena *arena)
{
    static const struct credentials anonymous;
    const struct transfer *transfer = arg;
    CLEANUP(secret_buf_deinit) struct buf response = BUF_INIT(STREAM_LIMIT_BYTES);
    struct error ignored; /* an invalid message is skipped */
    const char *host;

    if (strcmp(message->type, TRANSFER_TYPE_AUTH_REQUEST) != 0 ||
        !transfer_wire_auth_request(&message->value, arena, &host, &ignored))
        return;
    put_response(&response, strcasecmp(host, transfer->credentials_host) == 0
                                ? transfer->credentials
                                : &anonymous);
    streaming_send(stream, TRANSFER_TYPE_AUTH_RESPONSE, &response);
}

enum side_stream {
    SIDE_PROGRESS,
    SIDE_AUTH,
    SIDE_LOG,
    SIDE_STREAMS,
};

static const struct {
    const char *name;
    streaming_visit *visit;
} side_streams[SIDE_STREAMS] = {
    [SIDE_PROGRESS] = {"progress", on_progress},
    [SIDE_AUTH] = {"auth", on_auth},
    [SIDE_LOG] = {"log", on_log},
};

/* The streams of one transfer. The id of an unwanted stream is "". */
struct streams {
    struct streaming *items[SIDE_STREAMS];
    char ids[SIDE_STREAMS][ID_BYTES];
};

/* The daemon keeps the id of a stream for a moment after it ends, so every id is new. */
static void name_all(struct streams *streams, const struct transfer *transfer)
{
    const bool wanted[SIDE_STREAMS] = {
        [SIDE_PROGRESS] = transfer->progress, [SIDE_AUTH] = true, [SIDE_LOG] = transfer->log};

    for (size_t i = 0; i < SIDE_STREAMS; i++)
        if (wanted[i])
            snprintf(streams->ids[i], ID_BYTES, "%s-%" PRId64, side_streams[i].name,
                     clock_now_ns());
}

static void close_all(struct streams *streams)
{
    int64_t until_ns = clock_now_ns() + DRAIN_NS;

    for (size_t i = 0; i < SIDE_STREAMS; i++)
        if (streams->items[i])
            streaming_close(streams->items[i], i == SIDE_AUTH ? 0 : until_ns);
}

static bool open_all(struct streams *streams, const struct scope *scope,
                     const struct transfer *transfer, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf window = BUF_INIT(STREAM_LIMIT_BYTES);

    transfer_wire_window_update(&window, LOG_WINDOW_BYTES);
    for (size_t i = 0; i < SIDE_STREAMS; i++) {
        const struct streaming_options options = {
            .id = streams->ids[i],
            .greeting_type = i == SIDE_LOG ? TRANSFER_TYPE_WINDOW_UPDATE : NULL,
            .greeting = &window,
            .visit = side_streams[i].visit,
            .arg = (void *)transfer,
        };

        if (!*options.id)
            continue;
        streams->items[i] = streaming_open(scope, &options, cancel, err);
        if (!streams->items[i])
            return false;
    }
    return true;
}

/* Derives err->code from the text of the daemon, unless the status is definite. */
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

static bool call(const struct scope *scope, const struct transfer *transfer, bool push,
                 int64_t *ended_ns, struct cancel *cancel, struct error *err)
{
    CLEANUP(close_all) struct streams side = {0};
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    const struct transfer_streams streams = {
        .progress = side.ids[SIDE_PROGRESS],
        .auth = side.ids[SIDE_AUTH],
        .log = side.ids[SIDE_LOG],
    };
    bool ok;

    name_all(&side, transfer);
    ok = transfer_wire_request(&request, transfer, &streams, push, err) &&
         open_all(&side, scope, transfer, cancel, err) &&
         containerd_query(scope, METHOD, &request, NULL, NULL, NULL, cancel, err);
    *ended_ns = clock_now_ns();
    if (!ok)
        refine(err);
    return ok;
}

bool transfer_pull(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err)
{
    return call(scope, transfer, false, ended_ns, cancel, err);
}

bool transfer_push(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err)
{
    return call(scope, transfer, true, ended_ns, cancel, err);
}

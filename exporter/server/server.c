/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects the parts of the server: listening sockets, acceptor, rate limit, authentication, and
 * one generation of exchanges per TLS configuration.
 */
#include "server/server.h"

#include "base/log.h"
#include "server/basic_auth.h"
#include "server/exchange.h"
#include "server/handshakes.h"
#include "server/rate_limit.h"

#include <string.h>
#include <unistd.h>

/* A TLS configuration, and the connections that use it. */
struct generation {
    struct generation *next; /* an older one, freed after its last connection */
    unsigned number;
    struct exchanges *exchanges;
};

struct server {
    struct server_options options;
    struct acceptor *acceptor;
    struct handshakes *handshakes;
    struct rate_limit rate_limit;
    struct listeners listeners;

    pthread_mutex_t lock; /* protects what follows */
    struct generation *generations;
    struct web_config *config;     /* or NULL */
    struct basic_auth *basic_auth; /* NULL until a configuration has users */
};

/* ---- Rate limit and authentication ---------------------------------------------------------- */

static void authenticated(void *arg, bool admitted)
{
    exchange_again(arg, admitted ? ADMISSION_GRANTED : ADMISSION_DENIED);
}

static bool is_open(const struct server *server, const struct web_config *config, const char *path)
{
    const char *const *open = config->open_health ? server->options.open_paths : NULL;

    for (; open && *open; open++)
        if (strcmp(*open, path) == 0)
            return true;
    return false;
}

static void reply_unauthorized(struct exchange *exchange)
{
    struct reply reply = {.status = 401,
                          .content_type = "text/plain; charset=utf-8",
                          .headers = {{"WWW-Authenticate", "Basic"}},
                          .body = BUF_INIT(64)};

    buf_append_str(&reply.body, "Unauthorized\n");
    exchange_reply(exchange, &reply);
}

/* Returns ADMISSION_UNKNOWN if authenticated() will be called later. */
static enum admission admission_of(struct server *server, struct exchange *exchange)
{
    struct web_config *config = exchange_config(exchange);
    enum admission admission = exchange_admission(exchange);

    if (admission != ADMISSION_UNKNOWN)
        return admission;
    if (!config || config->n_users == 0 || is_open(server, config, exchange_path(exchange)))
        return ADMISSION_GRANTED;
    switch (basic_auth_check(server->basic_auth, config, exchange_header(exchange, "Authorization"),
                             authenticated, exchange)) {
    case PASSWORD_RIGHT:
        return ADMISSION_GRANTED;
    case PASSWORD_WRONG:
        return ADMISSION_DENIED;
    default:
        return ADMISSION_UNKNOWN;
    }
}

static bool exceeds_rate_limit(struct server *server, struct exchange *exchange)
{
    const struct web_config *config = exchange_config(exchange);

    return config && exchange_admission(exchange) == ADMISSION_UNKNOWN &&
           !rate_limit_allow(&server->rate_limit, config->rate_interval_ns, config->rate_burst,
                             clock_now_ns());
}

/* With open health paths the handshake only requests the certificate: kubelets have none. A
 * connection of that time may outlive a reload that closes these paths. */
static bool lacks_certificate(const struct server *server, const struct exchange *exchange)
{
    const struct web_config *config = exchange_config(exchange);

    return config && web_config_requires_certificate(config) &&
           !is_open(server, config, exchange_path(exchange)) && !exchange_has_certificate(exchange);
}

static void handle(void *arg, struct exchange *exchange)
{
    struct server *server = arg;

    if (exceeds_rate_limit(server, exchange)) {
        exchange_reply_text(exchange, 429, "Too Many Requests\n");
        return;
    }
    if (lacks_certificate(server, exchange)) {
        exchange_reply_text(exchange, 403, "Forbidden: a client certificate is required\n");
        return;
    }
    switch (admission_of(server, exchange)) {
    case ADMISSION_GRANTED:
        server->options.handle(server->options.arg, exchange);
        return;
    case ADMISSION_DENIED:
        reply_unauthorized(exchange);
        return;
    default:
        return;
    }
}

static void handshake_failed(void *arg, const struct tls_handshake *handshake)
{
    const struct server *server = arg;

    handshakes_failed(server->handshakes, handshake);
}

static struct web_config *current_config(void *arg)
{
    struct server *server = arg;
    LOCK_SCOPE(&server->lock);

    return server->config ? web_config_ref(server->config) : NULL;
}

/* ---- Generations ---------------------------------------------------------------------------- */

static void free_generation(struct generation *generation)
{
    if (generation->exchanges)
        exchanges_stop(generation->exchanges);
    free(generation);
}
DEFINE_CLEANUP(struct generation *, free_generation)

static struct generation *new_generation(struct server *server, unsigned number,
                                         struct web_config *config, struct error *err)
{
    CLEANUP(free_generationp) struct generation *generation = calloc(1, sizeof(*generation));

    if (!generation) {
        error_memory(err);
        return NULL;
    }
    generation->number = number;
    generation->exchanges =
        exchanges_start(&(struct exchanges_options){.acceptor = server->acceptor,
                                                    .tls = config,
                                                    .config = current_config,
                                                    .handle = handle,
                                                    .handshake_failed = handshake_failed,
                                                    .arg = server},
                        err);
    return generation->exchanges ? TAKE(generation) : NULL;
}

/* A generation lives at least as long as its connections, so the result needs no lock. */
static struct exchanges *exchanges_of(struct server *server, unsigned number)
{
    LOCK_SCOPE(&server->lock);

    for (struct generation *it = server->generations; it; it = it->next)
        if (it->number == number)
            return it->exchanges;
    return NULL;
}

static bool admit(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_size,
                  unsigned generation)
{
    return exchanges_add(exchanges_of(arg, generation), fd, peer, peer_size);
}

/* Removes old generations without connections from the list. */
static struct generation *take_ended(struct server *server)
{
    struct generation *ended = NULL;
    LOCK_SCOPE(&server->lock);

    for (struct generation **it = &server->generations->next; *it;) {
        struct generation *old = *it;

        if (acceptor_count(server->acceptor, old->number) > 0) {
            it = &old->next;
            continue;
        }
        *it = old->next;
        old->next = ended;
        ended = old;
    }
    return ended;
}

static void free_generations(struct generation *generation)
{
    for (struct generation *next; generation; generation = next) {
        next = generation->next;
        free_generation(generation);
    }
}

static void tidy(void *arg)
{
    free_generations(take_ended(arg));
}

/* Makes `generation` (NULL: the current one) and `config` current; returns the old config. */
static struct web_config *replace(struct server *server, struct generation *generation,
                                  struct web_config *config)
{
    struct web_config *old = server->config;
    LOCK_SCOPE(&server->lock);

    server->config = config ? web_config_ref(config) : NULL;
    if (generation) {
        generation->next = server->generations;
        server->generations = generation;
    }
    return old;
}

bool server_apply(struct server *server, struct web_config *config, struct error *err)
{
    struct generation *generation = NULL;
    struct web_config *old;
    unsigned number = server->generations ? server->generations->number : 0;

    if (config && config->n_users > 0 && !server->basic_auth) {
        server->basic_auth = basic_auth_new(err);
        if (!server->basic_auth)
            return false;
    }
    if (!server->generations || !web_config_same_tls(config, server->config)) {
        generation = new_generation(server, ++number, config, err);
        if (!generation)
            return false;
    }
    if (config && config->tls)
        handshakes_show(server->handshakes);
    old = replace(server, generation, config);
    if (generation)
        acceptor_generation(server->acceptor, number);
    if (old)
        web_config_unref(old);
    return true;
}

/* ---- Start and stop ------------------------------------------------------------------------- */

static void log_listeners(const struct listeners *listeners, const struct web_config *config)
{
    for (size_t i = 0; i < listeners->n; i++)
        log_with(LOG_INFO, LOG_PAIRS("address", listeners->names[i]), "Listening on");
    log_with(LOG_INFO, LOG_PAIRS("http2", "false"), "TLS is %s.",
             config && config->tls ? "enabled" : "disabled");
}

struct server *server_start(const struct server_options *options, struct error *err)
{
    CLEANUP(server_stopp) struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        error_memory(err);
        return NULL;
    }
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    rate_limit_init(&server->rate_limit);
    server->listeners = *options->listeners;
    options->listeners->n = 0;
    server->acceptor = acceptor_new(&(struct acceptor_options){admit, tidy, server}, err);
    server->handshakes = handshakes_new(options->board, err);
    if (!server->acceptor || !server->handshakes || !server_apply(server, options->config, err) ||
        !acceptor_start(server->acceptor, server->listeners.fds, server->listeners.n, err))
        return NULL;
    for (size_t i = 0; i < server->listeners.n; i++)
        server->listeners.fds[i] = -1; /* the acceptor owns them */
    log_listeners(&server->listeners, options->config);
    return TAKE(server);
}

void server_drain(struct server *server, int64_t limit_ns)
{
    listeners_close(&server->listeners);
    acceptor_drain(server->acceptor, limit_ns);
}

void server_stop(struct server *server)
{
    listeners_close(&server->listeners);
    if (server->basic_auth)
        basic_auth_stop(server->basic_auth);
    if (server->acceptor)
        acceptor_stop(server->acceptor);
    free_generations(server->generations);
    if (server->basic_auth)
        basic_auth_free(server->basic_auth);
    if (server->acceptor)
        acceptor_free(server->acceptor);
    if (server->handshakes)
        handshakes_free(server->handshakes);
    if (server->config)
        web_config_unref(server->config);
    rate_limit_deinit(&server->rate_limit);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

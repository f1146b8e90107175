/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange_accessors.h"

#include "server/listen.h"

#include <string.h>

struct exchange *exchange_new(struct exchanges *all, struct MHD_Connection *connection,
                              struct connection *place, const char *text)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange) + URI_MEMORY(strlen(text)));

    if (!exchange)
        return NULL;
    exchange->all = all;
    exchange->connection = connection;
    exchange->place = place;
    exchange->config = all->options.config(all->options.arg);
    exchange->uri_ok = uri_parse(text, exchange->memory, &exchange->uri);
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    for (struct joined_header *next, *it = exchange->joined; it; it = next) {
        next = it->next;
        buf_deinit(&it->value);
        free(it);
    }
    if (exchange->config)
        web_config_unref(exchange->config);
    free(exchange);
}

const char *exchange_method(const struct exchange *exchange)
{
    return exchange->method;
}

const char *exchange_path(const struct exchange *exchange)
{
    return exchange->uri.path;
}

size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max)
{
    return uri_query(&exchange->uri, name, values, max);
}

struct web_config *exchange_config(const struct exchange *exchange)
{
    return exchange->config;
}

enum admission exchange_admission(const struct exchange *exchange)
{
    return exchange->admission;
}

bool exchange_is_local(const struct exchange *exchange)
{
    static const char *const proxies[] = {"X-Forwarded-For", "Forwarded", "Via"};

    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
        if (exchange_header(exchange, proxies[i]))
            return false;
    return listen_is_local(exchange->place->fd);
}

void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg)
{
    exchange->watched = gone != NULL;
    if (gone)
        acceptor_watch(exchange->all->options.acceptor, exchange->place, gone, arg);
}

void exchange_again(struct exchange *exchange, enum admission admission)
{
    exchange->admission = admission;
    exchange->again = true;
    exchange_wake(exchange);
}

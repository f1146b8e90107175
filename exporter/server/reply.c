/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reply.h"

#include <strings.h>

#define TEXT_LIMIT_BYTES ((size_t)64 << 10)

struct list {
    struct reply_header *items;
    size_t count;
};

static void add(struct list *list, const char *name, const char *value)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i].name, name) == 0)
            return;
    list->items[list->count++] = (struct reply_header){name, value};
}

size_t reply_headers(const struct reply *reply, const struct web_config *config, bool close,
                     struct reply_header headers[REPLY_HEADERS_ALL])
{
    struct list list = {headers, 0};

    if (reply->content_type)
        add(&list, "Content-Type", reply->content_type);
    for (size_t i = 0; reply->headers[i].name; i++)
        add(&list, reply->headers[i].name, reply->headers[i].value);
    for (size_t i = 0; config && config->headers[i].name; i++)
        add(&list, config->headers[i].name, config->headers[i].value);
    add(&list, "X-Content-Type-Options", "nosniff");
    if (close)
        add(&list, "Connection", "close");
    return list.count;
}

void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text)
{
    struct reply reply = {.status = status,
                          .content_type = "text/plain; charset=utf-8",
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    buf_append_str(&reply.body, text);
    exchange_reply(exchange, &reply);
}

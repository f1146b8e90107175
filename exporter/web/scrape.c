/* SPDX-License-Identifier: Apache-2.0 */
#include "web/scrape.h"

#include "collector/catalog.h"
#include "metrics/negotiate.h"
#include "os/start_time.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SELF_LIMIT_BYTES ((size_t)16 << 10)
#define TEXT_LIMIT_BYTES ((size_t)16 << 10)
#define FILTER_MAX       64 /* values of each parameter */

enum {
    REQUESTS,
    IN_FLIGHT,
    ERRORS,
};

/* The names of client_golang, which generic dashboards and alerts use. */
const struct metric_family scrape_families[] = {
    [REQUESTS] = {METRIC_COUNTER,
                  "promhttp_metric_handler_requests_total",
                  "Total number of scrapes by HTTP status code.",
                  {"code"}},
    [IN_FLIGHT] = {METRIC_GAUGE, "promhttp_metric_handler_requests_in_flight",
                   "Current number of scrapes being served."},
    [ERRORS] = {METRIC_COUNTER,
                "promhttp_metric_handler_errors_total",
                "Total number of internal errors encountered by the promhttp metric handler.",
                {"cause"}},
    {0},
};

struct scrape {
    struct scrape_options options;
    struct board_slot *slot;
    pthread_mutex_t post_lock;
    char start_time[32];
    atomic_ulong ok, failed, rejected; /* by status: 200, 500, 503 */
    atomic_ulong in_flight;
};

/* A page that is being sent. */
struct sending {
    struct scrape *scrape;
    struct reply_blocks *blocks;
};

struct scrape *scrape_new(const struct scrape_options *options, struct error *err)
{
    CLEANUP(scrape_freep) struct scrape *scrape = calloc(1, sizeof(*scrape));

    if (!scrape) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&scrape->post_lock, NULL);
    scrape->options = *options;
    snprintf(scrape->start_time, sizeof(scrape->start_time), "%.0f", process_start_time());
    scrape->slot = board_add(options->board, NULL);
    if (!scrape->slot) {
        error_memory(err);
        return NULL;
    }
    return TAKE(scrape);
}

void scrape_free(struct scrape *scrape)
{
    if (scrape->slot)
        board_remove(scrape->slot);
    pthread_mutex_destroy(&scrape->post_lock);
    free(scrape);
}

/* The lock keeps posts in order: an older post after a newer one would decrease counters. */
static void post_self(struct scrape *scrape)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *self = snapshot_new(scrape_families, SELF_LIMIT_BYTES);
    LOCK_SCOPE(&scrape->post_lock);

    if (!self)
        return;
    snapshot_add(self, REQUESTS, (double)scrape->ok, "200");
    snapshot_add(self, REQUESTS, (double)scrape->failed, "500");
    snapshot_add(self, REQUESTS, (double)scrape->rejected, "503");
    snapshot_add(self, IN_FLIGHT, (double)scrape->in_flight);
    snapshot_add(self, ERRORS, (double)scrape->failed, "encoding");
    snapshot_add(self, ERRORS, 0, "gathering");
    board_post(scrape->slot, self);
}

static void reject(struct scrape *scrape, struct exchange *exchange)
{
    struct reply reply = {.status = 503,
                          .content_type = "text/plain; charset=utf-8",
                          .headers = {{"Retry-After", "1"}, {"X-Content-Type-Options", "nosniff"}},
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    scrape->rejected++;
    buf_printf(&reply.body,
               "Limit of concurrent requests reached (%" PRIu64 "), try again later.\n",
               scrape->options.max_requests);
    exchange_reply(exchange, &reply);
}

/* The filters of a request. */
struct query {
    const char *names[FILTER_MAX], *collect[FILTER_MAX], *exclude[FILTER_MAX];
    struct exposition_filter filter;
};

static bool read_list(const struct exchange *exchange, const char *parameter, const char **values,
                      size_t *n, struct error *err)
{
    *n = exchange_query(exchange, parameter, values, FILTER_MAX);
    if (*n > FILTER_MAX)
        return error_set(err, ERROR_LIMIT, "%s is repeated %zu times: the limit is %d", parameter,
                         *n, FILTER_MAX);
    return true;
}

static bool check_collectors(const char *const *names, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!catalog_find(names[i]))
            return error_set(err, ERROR_INVALID, "missing collector: %s", names[i]);
    return true;
}

static bool read_query(const struct exchange *exchange, struct query *query, struct error *err)
{
    struct exposition_filter *filter = &query->filter;

    *filter = (struct exposition_filter){
        .names = query->names, .collect = query->collect, .exclude = query->exclude};
    if (!read_list(exchange, "name[]", query->names, &filter->n_names, err) ||
        !read_list(exchange, "collect[]", query->collect, &filter->n_collect, err) ||
        !read_list(exchange, "exclude[]", query->exclude, &filter->n_exclude, err))
        return false;
    if (filter->n_collect > 0 && filter->n_exclude > 0)
        return error_set(err, ERROR_INVALID,
                         "combined collect and exclude queries are not allowed");
    return check_collectors(query->collect, filter->n_collect, err) &&
           check_collectors(query->exclude, filter->n_exclude, err);
}

static void sent(void *arg)
{
    struct sending *sending = arg;

    exposition_release(sending->blocks);
    sending->scrape->in_flight--;
    free(sending);
}

/* gzip costs more time than the loopback network. It pays for remote clients, and for large pages,
 * which are kept in compressed form only. */
static bool wants_gzip(struct scrape *scrape, const struct exchange *exchange,
                       enum encode_format format)
{
    return negotiate_gzip(exchange_header(exchange, "Accept-Encoding")) &&
           (!exchange_is_local(exchange) ||
            exposition_is_large(scrape->options.exposition, format));
}

static bool render(struct scrape *scrape, const struct exchange *exchange,
                   const struct negotiated *negotiated, const struct query *query,
                   struct exposition_page *page, struct error *err)
{
    if (scrape->options.scheduler)
        scheduler_refresh(scrape->options.scheduler);
    post_self(scrape);
    return exposition_render(scrape->options.exposition, negotiated->format,
                             wants_gzip(scrape, exchange, negotiated->format), &query->filter, page,
                             err);
}

static void reply_failure(struct scrape *scrape, struct exchange *exchange, const struct error *err)
{
    scrape->failed++;
    scrape->in_flight--;
    exchange_reply_text(exchange, 500, err->message);
}

static void reply_page(struct scrape *scrape, struct exchange *exchange, const struct query *query,
                       const struct negotiated *negotiated)
{
    struct exposition_page page;
    struct reply reply = {
        .status = 200,
        .content_type = negotiated->content_type,
        .headers = {{"Vary", "Accept, Accept-Encoding"},
                    {"Process-Start-Time-Unix", scrape->start_time}},
        .release = sent,
    };
    CLEANUP(freep) struct sending *sending = malloc(sizeof(*sending));
    struct error err;

    if (!sending)
        error_memory(&err);
    if (!sending || !render(scrape, exchange, negotiated, query, &page, &err)) {
        reply_failure(scrape, exchange, &err);
        return;
    }
    *sending = (struct sending){scrape, page.blocks};
    reply.parts = page.parts;
    reply.n_parts = page.n_parts;
    if (page.gzip) {
        reply.headers[2].name = "Content-Encoding";
        reply.headers[2].value = "gzip";
    }
    scrape->ok++;
    reply.release_arg = TAKE(sending);
    exchange_reply(exchange, &reply);
}

static void reply_head(const struct scrape *scrape, struct exchange *exchange,
                       const struct negotiated *negotiated)
{
    struct reply reply = {.status = 200,
                          .content_type = negotiated->content_type,
                          .headers = {{"Vary", "Accept, Accept-Encoding"},
                                      {"Process-Start-Time-Unix", scrape->start_time}},
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    exchange_reply(exchange, &reply);
}

void scrape_answer(struct scrape *scrape, struct exchange *exchange)
{
    struct negotiated negotiated;
    struct query query;
    struct error err;
    uint64_t limit = scrape->options.max_requests;

    negotiate_format(exchange_header(exchange, "Accept"), scrape->options.openmetrics_2,
                     &negotiated);
    if (!read_query(exchange, &query, &err))
        exchange_reply_text(exchange, 400, err.message);
    else if (strcmp(exchange_method(exchange), "HEAD") == 0)
        reply_head(scrape, exchange, &negotiated);
    else if (++scrape->in_flight > limit && limit > 0) {
        scrape->in_flight--;
        reject(scrape, exchange);
    } else
        reply_page(scrape, exchange, &query, &negotiated);
}

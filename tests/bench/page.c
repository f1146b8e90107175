/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of N probes that never ran, served by the exporter's own server, scrape handler,
 * exposition, board and collector of itself. Prints the port; then a line on stdin changes every
 * value, which is answered by a line, and its end stops it.
 */
#include "collector/catalog.h"
#include "scheduler/job.h"
#include "web/scrape.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)1 << 20)
#define NAME_BYTES  32

#define P "probe", "operation", "engine", "registry"

enum {
    SUCCESS,
    ATTEMPTS,
    FAILURES,
    DURATION,
    LAST_DURATION,
    LAST_ATTEMPT,
    LAST_SUCCESS,
    FETCHED,
};

/* Nineteen lines for each probe. */
static const struct metric_family families[] = {
    [SUCCESS] = {METRIC_GAUGE, "image_canary_success", "Whether the last run succeeded.", {P}},
    [ATTEMPTS] = {METRIC_COUNTER, "image_canary_attempts_total", "Runs of the probe.", {P}},
    [FAILURES] = {METRIC_COUNTER, "image_canary_failures_total", "Runs that failed.", {P}},
    [DURATION] = {METRIC_HISTOGRAM, "image_canary_duration_seconds", "How long runs took.", {P}},
    [LAST_DURATION] = {METRIC_GAUGE,
                       "image_canary_last_duration_seconds",
                       "How long the last run took.",
                       {P}},
    [LAST_ATTEMPT] = {METRIC_GAUGE,
                      "image_canary_last_attempt_timestamp_seconds",
                      "When the last run ended.",
                      {P}},
    [LAST_SUCCESS] = {METRIC_GAUGE,
                      "image_canary_last_success_timestamp_seconds",
                      "When a run last succeeded.",
                      {P}},
    [FETCHED] = {METRIC_COUNTER,
                 "image_canary_fetched_bytes_total",
                 "Bytes that came over the network.",
                 {P}},
    {0},
};
static const double bounds[] = {0.1, 0.5, 1, 5, 10, 30, 60, 120, 300};

struct probe {
    char name[NAME_BYTES];
    struct board_slot *slot;
    struct histogram duration;
    double attempts, failures, fetched;
};

static void post(struct probe *probe)
{
    CLEANUP(snapshot_unrefp) struct snapshot *out = snapshot_new(families, LIMIT_BYTES);
    double now = 1.79e9 + (double)(random() % 1000000) / 1000;
    double took = (double)(random() % 400000) / 1000;

    probe->attempts++;
    probe->failures += (double)(random() % 2);
    probe->fetched += (double)(random() % 100000000);
    histogram_observe(&probe->duration, took);
#define PROBE probe->name, "pull", "client", "registry.example.com:5000"
    snapshot_add(out, SUCCESS, (double)(random() % 2), PROBE);
    snapshot_add(out, ATTEMPTS, probe->attempts, PROBE);
    snapshot_add(out, FAILURES, probe->failures, PROBE);
    snapshot_add_histogram(out, DURATION, &probe->duration, PROBE);
    snapshot_add(out, LAST_DURATION, took, PROBE);
    snapshot_add(out, LAST_ATTEMPT, now, PROBE);
    snapshot_add(out, LAST_SUCCESS, now, PROBE);
    snapshot_add(out, FETCHED, probe->fetched, PROBE);
    board_post(probe->slot, out);
}

/* The collector of the exporter itself, which runs with every scrape. */
struct itself {
    struct scrape *scrape;
    struct job *job;
};

static void handle(void *arg, struct exchange *exchange)
{
    struct itself *itself = arg;
    struct cancel cancel;

    cancel_init(&cancel, INT64_MAX);
    job_run(itself->job, &(struct run_options){.cancel = &cancel});
    cancel_deinit(&cancel);
    scrape_answer(itself->scrape, exchange);
}

static struct job *open_self(struct board *board)
{
    struct config_job plan = {.collector = catalog_find("self"), .name = "self"};
    struct error err;

    plan.state = calloc(1, plan.collector->state_size + 1);
    return job_new(board, &plan, NULL, &err);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    const char *address = argc > 2 ? argv[2] : "127.0.0.1:0";
    struct probe *probes = calloc(n, sizeof(*probes));
    struct board *board = board_new();
    struct error err = {0};
    struct exposition *exposition = exposition_new(
        &(struct exposition_options){.board = board, .exporter_metrics = true}, &err);
    struct itself itself = {
        scrape_new(&(struct scrape_options){.board = board, .exposition = exposition}, &err),
        open_self(board)};
    struct listeners listeners;
    struct server *server = listeners_open(&listeners, &address, 1, false, &err)
                                ? server_start(&(struct server_options){.listeners = &listeners,
                                                                        .handle = handle,
                                                                        .arg = &itself},
                                               &err)
                                : NULL;
    char line[64];

    for (size_t i = 0; i < n; i++) {
        snprintf(probes[i].name, sizeof(probes[i].name), "probe-%zu", i);
        probes[i].slot = board_add(board, "pull");
        probes[i].duration = (struct histogram)HISTOGRAM_INIT(bounds);
        post(&probes[i]);
    }
    if (!server) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILURE;
    }
    puts("serving");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        for (size_t i = 0; i < n; i++)
            post(&probes[i]);
        puts("changed");
        fflush(stdout);
    }
    server_stop(server);
    scrape_free(itself.scrape);
    exposition_free(exposition);
    _Exit(EXIT_SUCCESS);
}

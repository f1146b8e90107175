/* SPDX-License-Identifier: Apache-2.0 */
#include "command/config_check.h"

#include "command/command.h"
#include "command/setup.h"
#include "scheduler/job.h"
#include "server/config/web_config.h"
#include "server/listen.h"

#include <stdio.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)

static bool print_problems(const struct buf *problems)
{
    fputs(problems->data ? problems->data : "", stderr);
    return false;
}

/* The jobs stay open together, as in the exporter: some limits count them. */
struct dry_run {
    struct node *node;
    struct board *board;
    struct job *jobs;
};

static void dry_run_deinit(struct dry_run *dry)
{
    jobs_free(dry->jobs);
    if (dry->board)
        board_free(dry->board);
    if (dry->node)
        setup_free_node(dry->node);
}

/* Opens the jobs without running them. Prints a line for each job that cannot be opened. */
static bool open_jobs(const char *file, struct config *config, struct error *err)
{
    CLEANUP(dry_run_deinit) struct dry_run dry = {.node = setup_make_node(config->globals, err)};
    size_t n_bad = 0;

    if (!dry.node)
        return error_wrap(err, "%s", file);
    dry.board = board_new();
    if (!dry.board)
        return error_memory(err);
    for (size_t i = 0; i < config->n_jobs; i++) {
        struct place at = config->jobs[i].place;
        char place[PLACE_TEXT_BYTES];
        struct job *job;

        snprintf(place, sizeof(place), "%s:%zu:%zu", at.file ? at.file : file, at.line, at.column);
        job = job_new(dry.board, &config->jobs[i], dry.node, err);
        if (job) {
            job->next = dry.jobs;
            dry.jobs = job;
            continue;
        }
        n_bad++;
        fprintf(stderr, "%s: %s\n", place, err->message);
    }
    return n_bad == 0 ||
           error_set(err, ERROR_INVALID, "%zu mistake%s in %s", n_bad, n_bad == 1 ? "" : "s", file);
}

static bool try_jobs(const char *file, struct config *config, struct error *err)
{
    bool ok = setup_begin("", err);

    if (!ok)
        return false;
    if (*setup_node_doubt())
        fprintf(stderr, "warning: %s\n", setup_node_doubt());
    ok = open_jobs(file, config, err);
    setup_end();
    return ok;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* "1 probe, 14 collectors, 2 warnings"; what is 0 and exceptional is left out. */
static void print_summary(const char *path, const struct config *config, size_t n_probes)
{
    size_t n_collectors = config->n_jobs - n_probes;

    printf("%s is valid: %zu probe%s, %zu collector%s", path ? path : "the default configuration",
           n_probes, plural(n_probes), n_collectors, plural(n_collectors));
    if (config->n_disabled > 0)
        printf(", %zu disabled probe%s", config->n_disabled, plural(config->n_disabled));
    if (config->n_warnings > 0)
        printf(", %zu warning%s", config->n_warnings, plural(config->n_warnings));
    printf("\n");
    if (config->canaries.documents > 0)
        printf("Canary documents: %zu (%zu suspended), their probes: %zu\n",
               config->canaries.documents, config->canaries.suspended, config->canaries.probes);
}

static size_t count_probes(const struct config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->n_jobs; i++)
        n += config->jobs[i].collector->lane == LANE_PROBE;
    return n;
}

static bool check_config(const char *path, const struct config_schema *schema, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    struct config_schema thorough = *schema;
    size_t n_probes;

    thorough.reviews_machine = true;
    if (!config_load(&config, &thorough, path, &problems, err))
        return print_problems(&problems);
    n_probes = count_probes(&config);
    print_problems(&config.warnings);
    if (!try_jobs(path ? path : "defaults", &config, err))
        return false;
    print_summary(path, &config, n_probes);
    return true;
}

static bool check_web_config(const char *path, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(web_config_unrefp) struct web_config *config = NULL;

    if (!path)
        return true;
    config = web_config_load(path, &problems, err);
    if (!config)
        return print_problems(&problems);
    printf("%s is valid\n", path);
    return true;
}

/* Each check reports its own error, so that one mistake does not hide others. */
static bool report(bool ok, const struct error *err)
{
    if (!ok)
        command_print_error(&commands[0], err);
    return ok;
}

bool config_check(const struct options *options, const struct config_schema *schema)
{
    struct error err;
    bool ok = report(check_config(options->config_file, schema, &err), &err);

    ok &= report(check_web_config(options->web_config_file, &err), &err);
    if (!options->systemd_socket)
        ok &=
            report(listeners_check(options->addresses.items, options->addresses.count, &err), &err);
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/run_probe.h"

#include "base/log.h"
#include "collector/node.h"
#include "command/setup.h"
#include "command/terminal/probe_result.h"
#include "command/terminal/probe_run.h"
#include "encoding/suggest.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)
#define RESULT_LIMIT_BYTES   ((size_t)64 << 10)
#define HINT_LIMIT_BYTES     ((size_t)2 << 10)

enum {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,  /* a probe has */
    EXIT_UNASKED = 2, /* none could be run */
};

struct probe_options {
    const char *config_file;
    struct flag_list names;
    bool all, list, debug, json, quiet, help;
};

const char command_probe_text[] =
    "Runs probes of the configuration file once, now, in this process: what the exporter would do "
    "on its schedule, with its own credentials, and without counting. On a terminal a line shows "
    "how far it is; the result follows on standard output. The exporter may run at the same time: "
    "what both leave in containerd, Docker and CRI does not meet. Budgets of registries that the "
    "exporter keeps are not known here.\n"
    "\n"
    "Exit status: 0 all went well; 1 one failed; 2 none could be run: a mistake in the "
    "configuration, or a name that is not there; 130 or 143 after Ctrl-C or SIGTERM, which cancel "
    "the run and clean up (a second one does not).";

static void init(struct probe_options *options)
{
    *options = (struct probe_options){0};
}

static void make_flags(struct probe_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"config.file", FLAG_STRING, &options->config_file, "FILE",
         "Configuration file. Default: /etc/containerd_exporter/containerd_exporter.yml."},
        {"all", FLAG_SWITCH, &options->all, NULL, "Run all probes, one after the other."},
        {"list", FLAG_SWITCH, &options->list, NULL, "List the names of the probes, and run none."},
        {"debug", FLAG_SWITCH, &options->debug, NULL, "Show the log of each run as it goes on."},
        {"json", FLAG_SWITCH, &options->json, NULL, "One JSON object per run and line."},
        {"quiet", FLAG_SWITCH, &options->quiet, NULL, "Show no progress.", .letter = 'q'},
        {"NAME", FLAG_WORDS, &options->names, NULL, "A probe, as the file names it."},
        {0},
    };

    memcpy(flags, table, sizeof(table));
}

void command_probe_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct probe_options options;
    struct flag flags[COMMAND_FLAGS_MAX];

    init(&options);
    make_flags(&options, flags);
    visit(arg, flags);
}

static bool parse(struct probe_options *options, int argc, char **argv, struct error *err)
{
    struct flag flags[COMMAND_FLAGS_MAX];

    init(options);
    make_flags(options, flags);
    if (!flags_parse(flags, argc, argv, err))
        return false;
    if (!options->help && !options->all && !options->list && options->names.count == 0)
        return error_set(err, ERROR_INVALID, "which probe? A name, --all, or --list");
    if (options->names.count > 0 && (options->all || options->list))
        return error_set(err, ERROR_INVALID, "either names, or --%s",
                         options->all ? "all" : "list");
    return true;
}

/* ---- which ---- */

static bool is_probe(const struct config_job *job)
{
    return job->collector->lane == LANE_PROBE;
}

static struct config_job *find_probe(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]) && strcmp(config->jobs[i].name, name) == 0)
            return &config->jobs[i];
    return NULL;
}

static bool refuse_name(const struct config *config, const char *name, struct error *err)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(HINT_LIMIT_BYTES);
    struct suggest_words words = {0};

    for (size_t i = 0; i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]))
            suggest_add(&words, config->jobs[i].name);
    suggest(&words, name, &hint);
    return error_set(err, ERROR_NOT_FOUND, "there is no probe \"%s\"%s", name,
                     hint.data ? hint.data : "");
}

/* All names are looked at before the first run. */
static bool check_names(const struct config *config, const struct probe_options *options,
                        struct error *err)
{
    for (size_t i = 0; i < options->names.count; i++)
        if (!find_probe(config, options->names.items[i]))
            return refuse_name(config, options->names.items[i], err);
    return true;
}

static void list(const struct config *config)
{
    for (size_t i = 0; i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]))
            puts(config->jobs[i].name);
}

/* ---- runs ---- */

struct session {
    const struct probe_options *options;
    struct terminal_run_options run;
    struct probe_signals *signals;
    bool well;
};

static void tell(const struct session *session, const struct terminal_run *run)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(RESULT_LIMIT_BYTES);

    if (session->options->json)
        run_json(&run->record, &out);
    else
        run_text(&run->record, &out);
    fwrite(out.data ? out.data : "", 1, out.size, stdout);
    fflush(stdout);
}

static bool run_one(struct session *session, struct config_job *job, struct error *err)
{
    CLEANUP(terminal_run_deinit) struct terminal_run run;

    if (!terminal_run(&run, job, &session->run, session->signals, err))
        return false;
    session->well = session->well && run.error.code == ERROR_NONE;
    tell(session, &run);
    return true;
}

static bool run_all(struct session *session, const struct config *config, struct error *err)
{
    const struct flag_list *names = &session->options->names;

    for (size_t i = 0; session->options->all && i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]) && !session->signals->caught &&
            !run_one(session, &config->jobs[i], err))
            return false;
    for (size_t i = 0; i < names->count && !session->signals->caught; i++)
        if (!run_one(session, find_probe(config, names->items[i]), err))
            return false;
    return true;
}

static bool run_with(const struct probe_options *options, const struct config *config,
                     struct probe_signals *signals, bool *well, struct error *err)
{
    CLEANUP(setup_free_nodep)
    struct node *node = setup_make_node(config->globals, err);
    struct session session = {
        options, {node, options->debug, options->quiet}, signals, .well = true};
    bool ok = node && run_all(&session, config, err);

    *well = session.well;
    return ok;
}

/* What follows a probe's name in all that its runs create: no other process has the same. */
static void make_suffix(char suffix[ONE_SHOT_SUFFIX_BYTES])
{
    uint32_t number = 0;

    (void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
    snprintf(suffix, ONE_SHOT_SUFFIX_BYTES, "-%05x", (unsigned)(number & 0xfffff));
}

static bool probe(const struct probe_options *options, struct probe_signals *signals, bool *well,
                  struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    const char *path = setup_config_file(options->config_file);
    char suffix[ONE_SHOT_SUFFIX_BYTES];
    bool ok;

    if (!path)
        return error_set(err, ERROR_INVALID, "no configuration file: --config.file=FILE");
    if (!config_load(&config, &setup_schema, path, &problems, err)) {
        fputs(problems.data ? problems.data : "", stderr);
        config = (struct config){0};
        return false;
    }
    if (options->list) {
        list(&config);
        return true;
    }
    make_suffix(suffix);
    if (!check_names(&config, options, err) || !setup_begin(suffix, err))
        return false;
    ok = run_with(options, &config, signals, well, err);
    setup_end();
    return ok;
}

int command_probe(int argc, char **argv)
{
    const struct command *self = command_find("probe");
    CLEANUP(probe_signals_deinit) struct probe_signals signals = {-1, 0};
    struct probe_options options;
    struct error err;
    bool well = true, ok = parse(&options, argc, argv, &err);

    if (ok && options.help) {
        command_help(self);
        return EXIT_GOOD;
    }
    log_set_level(options.debug ? LOG_DEBUG : LOG_ERROR);
    ok = ok && probe_signals_init(&signals, &err) && probe(&options, &signals, &well, &err);
    if (!ok) {
        command_complain(self, &err);
        return EXIT_UNASKED;
    }
    if (signals.caught)
        return 128 + signals.caught;
    return well ? EXIT_GOOD : EXIT_FAILED;
}

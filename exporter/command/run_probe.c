/* SPDX-License-Identifier: Apache-2.0 */
/* Runs configured probes once, one after the other, and prints the results. */
#include "command/command.h"

#include "base/log.h"
#include "collector/node.h"
#include "command/setup.h"
#include "command/terminal/probe_result.h"
#include "command/terminal/probe_run.h"
#include "encoding/suggest.h"
#include "os/rootfs.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)
#define RESULT_LIMIT_BYTES   ((size_t)64 << 10)
#define HINT_LIMIT_BYTES     ((size_t)2 << 10)

enum {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,  /* a probe failed */
    EXIT_NOT_RUN = 2, /* no probe could run */
};

struct probe_options {
    const char *config_file, *rootfs;
    struct flag_list names;
    bool all, list, debug, json, quiet, help;
};

const char command_probe_text[] =
    "Runs probes of the configuration file once, now, in this process. It uses the same engines "
    "and credentials as the exporter, but changes no metrics. On a terminal a line shows the "
    "progress. The result is printed on standard output. The exporter may run at the same time: "
    "the two use different names in containerd, Docker and CRI. The command does not know the "
    "registry budgets that a running exporter has used.\n"
    "\n"
    "Exit status: 0 if all probes succeeded; 1 if a probe failed; 2 if no probe could run, "
    "because the configuration is invalid or has no probe of that name; 130 or 143 after Ctrl-C "
    "or SIGTERM. The first signal cancels the run and cleans up. A second one exits without "
    "clean-up.";

static void make_flags(struct probe_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"config.file", FLAG_STRING, &options->config_file, "FILE",
         "Configuration file. Default: " SETUP_INSTALLED_FILE "."},
        ROOTFS_FLAG(&options->rootfs),
        {"all", FLAG_SWITCH, &options->all, NULL, "Run all probes, one after another."},
        {"list", FLAG_SWITCH, &options->list, NULL, "List the names of the probes and exit."},
        {"debug", FLAG_SWITCH, &options->debug, NULL, "Show the log of each run while it runs."},
        {"json", FLAG_SWITCH, &options->json, NULL, "Print one JSON object per line and run."},
        {"quiet", FLAG_SWITCH, &options->quiet, NULL, "Do not show progress.", .letter = 'q'},
        {"NAME", FLAG_WORDS, &options->names, NULL, "Name of a probe in the configuration file."},
        {0},
    };

    *options = (struct probe_options){0};
    memcpy(flags, table, sizeof(table));
}

void command_probe_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct probe_options options;
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(&options, flags);
    visit(arg, flags);
}

static bool parse(struct probe_options *options, int argc, char **argv, struct error *err)
{
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(options, flags);
    if (!flags_parse(flags, argc, argv, err))
        return false;
    if (!options->help && !options->all && !options->list && options->names.count == 0)
        return error_set(err, ERROR_INVALID, "no probe named: expected NAME, --all or --list");
    if (options->names.count > 0 && (options->all || options->list))
        return error_set(err, ERROR_INVALID, "probe names and --%s exclude each other",
                         options->all ? "all" : "list");
    return rootfs_use(options->rootfs, err) || error_wrap(err, "--path.rootfs");
}

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

static bool is_disabled(const struct config *config, const char *name)
{
    const char *at = config->disabled.data;

    for (; at && *at; at += strcspn(at, "\n") + 1)
        if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '\n')
            return true;
    return false;
}

static bool reject_name(const struct config *config, const char *name, struct error *err)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(HINT_LIMIT_BYTES);
    struct suggest_words words = {0};

    if (is_disabled(config, name))
        return error_set(err, ERROR_NOT_FOUND, "probe \"%s\" is disabled: it has enabled: false",
                         name);
    for (size_t i = 0; i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]))
            suggest_add(&words, config->jobs[i].name);
    suggest(&words, name, &hint);
    return error_set(err, ERROR_NOT_FOUND, "no probe named \"%s\"%s", name,
                     hint.data ? hint.data : "");
}

/* Checks all names before the first run. */
static bool check_names(const struct config *config, const struct probe_options *options,
                        struct error *err)
{
    for (size_t i = 0; i < options->names.count; i++)
        if (!find_probe(config, options->names.items[i]))
            return reject_name(config, options->names.items[i], err);
    return true;
}

static void list(const struct config *config)
{
    for (size_t i = 0; i < config->n_jobs; i++)
        if (is_probe(&config->jobs[i]))
            puts(config->jobs[i].name);
}

struct session {
    const struct probe_options *options;
    struct terminal_run_options run;
    struct probe_signals *signals;
    bool success;
};

static void print_result(const struct session *session, const struct terminal_run *run)
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
    session->success = session->success && run.error.code == ERROR_NONE;
    print_result(session, &run);
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
                     struct probe_signals *signals, bool *success, struct error *err)
{
    CLEANUP(setup_free_nodep)
    struct node *node = setup_make_node(config->globals, err);
    struct session session = {
        options, {node, options->debug, options->quiet}, signals, .success = true};
    bool ok = node && run_all(&session, config, err);

    *success = session.success;
    return ok;
}

/* The runs of this process append the suffix to the names of what they create, so that they do not
 * share names with another process. */
static void make_suffix(char suffix[ONE_SHOT_SUFFIX_BYTES])
{
    uint32_t number = 0;

    (void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
    snprintf(suffix, ONE_SHOT_SUFFIX_BYTES, "-%05x", (unsigned)(number & 0xfffff));
}

static bool probe(const struct probe_options *options, struct probe_signals *signals, bool *success,
                  struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    const char *path = setup_config_file(options->config_file);
    char suffix[ONE_SHOT_SUFFIX_BYTES];
    bool ok;

    if (!path)
        return error_set(
            err, ERROR_INVALID,
            "no configuration file: expected --config.file=FILE or " SETUP_INSTALLED_FILE);
    if (!config_load(&config, &setup_schema, path, &problems, err)) {
        fputs(problems.data ? problems.data : "", stderr);
        return false;
    }
    if (options->list) {
        list(&config);
        return true;
    }
    make_suffix(suffix);
    if (!check_names(&config, options, err) || !setup_begin(suffix, err))
        return false;
    ok = run_with(options, &config, signals, success, err);
    setup_end();
    return ok;
}

int command_probe(int argc, char **argv)
{
    const struct command *self = command_find("probe");
    CLEANUP(probe_signals_deinit) struct probe_signals signals = {-1, 0};
    struct probe_options options;
    struct error err;
    bool success = true, ok = parse(&options, argc, argv, &err);

    if (ok && options.help) {
        command_help(self);
        return EXIT_GOOD;
    }
    log_set_level(options.debug ? LOG_DEBUG : LOG_ERROR);
    ok = ok && probe_signals_init(&signals, &err) && probe(&options, &signals, &success, &err);
    if (!ok) {
        command_print_error(self, &err);
        return EXIT_NOT_RUN;
    }
    if (signals.caught)
        return 128 + signals.caught;
    return success ? EXIT_GOOD : EXIT_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/options.h"

#include "base/clock.h"
#include "base/text.h"
#include "collector/catalog.h"
#include "command/command.h"
#include "command/setup.h"
#include "command/web_path.h"

#include <stdio.h>
#include <string.h>

#define PROBE_WORKERS_MAX  32
#define HISTORY_MAX        10000
#define TIMEOUT_OFFSET_MAX (60 * NS_PER_SECOND)
#define WHOLE_DIGITS_MAX   9 /* of seconds: fits into nanoseconds */
#define NAME_BYTES         64
#define TEXT_BYTES         128

/* The table of flags, and values that are not parsed yet. */
struct raw {
    struct options *options;
    const char *spread, *reload_interval, *timeout_offset, *route_prefix;
    const char *log_level, *log_prober, *log_format;
    bool auto_reload;
    struct flag flags[COMMAND_FLAGS_MAX];
    size_t n_flags;
    enum flag_state collectors[COLLECTORS_MAX]; /* indices of the catalog */
    char collector_names[COLLECTORS_MAX][NAME_BYTES];
    char collector_texts[COLLECTORS_MAX][TEXT_BYTES];
};

static void add(struct raw *raw, const struct flag *table)
{
    for (; table->name && raw->n_flags < COMMAND_FLAGS_MAX - 1; table++)
        raw->flags[raw->n_flags++] = *table;
    raw->flags[raw->n_flags] = (struct flag){0};
}

static void add_config(struct raw *raw)
{
    struct options *options = raw->options;

    add(raw,
        (const struct flag[]){
            {"Configuration", FLAG_HEADING},
            {"config.file", FLAG_STRING, &options->config_file, "FILE",
             "Configuration file (YAML), or a directory with *.yml and *.yaml. Without it, the "
             "exporter runs the inventory only."},
            {"config.check", FLAG_SWITCH, &options->config_check, NULL,
             "Check the configuration files and the listen addresses, and exit."},
            {"config.enable-auto-reload", FLAG_SWITCH, &raw->auto_reload, NULL,
             "Reload the configuration file when it changes, for example in a ConfigMap."},
            {"config.auto-reload-interval", FLAG_STRING, &raw->reload_interval, NULL,
             "How often to check the file for changes."},
            ROOTFS_FLAG(&options->rootfs),
            {0},
        });
}

static void add_web(struct raw *raw)
{
    struct options *options = raw->options;

    add(raw,
        (const struct flag[]){
            {"Serving", FLAG_HEADING},
            {"web.listen-address", FLAG_LIST, &options->addresses, DEFAULT_ADDRESS,
             "Address to listen on: host:port, :port, [::1]:port, or unix:///path. Repeatable."},
            {"web.config.file", FLAG_STRING, &options->web_config_file, "FILE",
             "Web configuration file of Prometheus exporters: TLS, passwords, headers, rate "
             "limit."},
            {"web.systemd-socket", FLAG_SWITCH, &options->systemd_socket, NULL,
             "Use the sockets of systemd instead of listening on addresses."},
            {"web.telemetry-path", FLAG_STRING, &options->telemetry_path, NULL,
             "Path of the metrics page."},
            {"web.disable-exporter-metrics", FLAG_SWITCH, &options->no_exporter_metrics, NULL,
             "Do not export metrics about the exporter itself (process_*, promhttp_*, ...)."},
            {"web.max-requests", FLAG_UINT, &options->max_requests, NULL,
             "Maximum number of concurrent scrapes; 0: unlimited."},
            {"web.external-url", FLAG_STRING, &options->external_url, "URL",
             "URL under which the exporter is reachable, for example behind a reverse proxy. Its "
             "path is prepended to links."},
            {"web.route-prefix", FLAG_STRING, &raw->route_prefix, "PATH",
             "Prefix of all paths that the exporter serves. Default: the path of "
             "--web.external-url."},
            {"timeout-offset", FLAG_STRING, &raw->timeout_offset, NULL,
             "Seconds to subtract from the timeout of the scraper."},
            {0},
        });
}

static void add_formats_and_probes(struct raw *raw)
{
    struct options *options = raw->options;

    add(raw,
        (const struct flag[]){
            {"Formats", FLAG_HEADING},
            {"metrics.native-histograms", FLAG_SWITCH, &options->native_histograms, NULL,
             "Add native histograms to classic ones in the protobuf format. On by default; "
             "disable with =off or --no-..."},
            {"metrics.created-lines", FLAG_SWITCH, &options->created_lines, NULL,
             "Add a _created line for each histogram in OpenMetrics."},
            {"metrics.experimental-openmetrics-2", FLAG_SWITCH, &options->openmetrics_2, NULL,
             "Offer OpenMetrics 2.0, which is a draft."},
            {"Probes", FLAG_HEADING},
            {"probe.workers", FLAG_UINT, &options->probe_workers, NULL,
             "Maximum number of concurrent probes."},
            {"probe.spread", FLAG_STRING, &raw->spread, NULL,
             "Period over which first runs and cron runs of probes are spread; at most a tenth of "
             "the interval of the probe."},
            {"history.limit", FLAG_UINT, &options->history_limit, NULL,
             "Number of runs to keep in the history of each probe."},
            {0},
        });
}

static void add_log(struct raw *raw)
{
    add(raw, (const struct flag[]){
                 {"Log (on standard error)", FLAG_HEADING},
                 {"log.level", FLAG_CHOICE, &raw->log_level, NULL, "Minimum severity of log lines.",
                  log_level_names},
                 {"log.prober", FLAG_CHOICE, &raw->log_prober, NULL,
                  "Minimum severity of log lines about runs of probes.", log_level_names},
                 {"log.format", FLAG_CHOICE, &raw->log_format, NULL, "Format of log lines.",
                  log_format_names},
                 {0},
             });
}

static void add_help(struct raw *raw)
{
    struct options *options = raw->options;

    add(raw, (const struct flag[]){
                 {"Help", FLAG_HEADING},
                 {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
                 {"help-man", FLAG_ACTION, &options->manual, NULL,
                  "Show the flags in the format of the manual page."},
                 {"version", FLAG_ACTION, &options->version, NULL, "Show the version."},
                 {"completion-script-bash", FLAG_ACTION, &options->bash, NULL,
                  "Show the completion script for bash."},
                 {"completion-script-zsh", FLAG_ACTION, &options->zsh, NULL,
                  "Show the completion script for zsh."},
                 {0},
             });
}

/* Adds a flag for each collector that is not an operation of probes. */
static void add_collectors(struct raw *raw)
{
    struct options *options = raw->options;

    add(raw, (const struct flag[]){
                 {"Collectors (these flags override the configuration file)", FLAG_HEADING},
                 {"collector.disable-defaults", FLAG_SWITCH, &options->collectors_off, NULL,
                  "Run only collectors that the file or a flag enables."},
                 {0},
             });
    for (size_t i = 0; catalog[i] && i < COLLECTORS_MAX; i++) {
        const struct collector *collector = catalog[i];
        char *name = raw->collector_names[i], *text = raw->collector_texts[i];

        if (collector->lane == LANE_PROBE)
            continue;
        snprintf(name, NAME_BYTES, "collector.%s", collector->name);
        snprintf(text, TEXT_BYTES, "%s%s", collector->help,
                 collector->opt_in ? " Off by default." : "");
        add(raw, (const struct flag[]){
                     {name, FLAG_STATE, &raw->collectors[i], NULL, text},
                     {0},
                 });
    }
}

static void init(struct raw *raw, struct options *options)
{
    *options = (struct options){.telemetry_path = "/metrics",
                                .external_url = "",
                                .max_requests = 40,
                                .native_histograms = true,
                                .probe_workers = 4,
                                .history_limit = 100};
    *raw = (struct raw){.options = options,
                        .spread = "30s",
                        .reload_interval = "30s",
                        .timeout_offset = "0.5",
                        .log_level = "info",
                        .log_prober = "info",
                        .log_format = "logfmt"};
    add_config(raw);
    add_web(raw);
    add_formats_and_probes(raw);
    add_log(raw);
    add_collectors(raw);
    add_help(raw);
}

/* Parses "0.5" or "2". */
static bool parse_seconds(const char *text, int64_t *ns, struct error *err)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
    int64_t unit = NS_PER_SECOND;

    if (whole == 0 || whole > WHOLE_DIGITS_MAX || text[whole + fraction + (fraction > 0)])
        return error_set(err, ERROR_INVALID,
                         "invalid value \"%s\": expected a number of seconds such as 0.5", text);
    *ns = 0;
    for (size_t i = 0; i < whole; i++)
        *ns = *ns * 10 + (text[i] - '0') * NS_PER_SECOND;
    for (size_t i = 0; i < fraction; i++)
        *ns += (text[whole + 1 + i] - '0') * (unit /= 10);
    return *ns <= TIMEOUT_OFFSET_MAX ||
           error_set(err, ERROR_INVALID, "invalid value \"%s\": must be at most 60 seconds", text);
}

static bool check_times(struct raw *raw, struct error *err)
{
    struct options *options = raw->options;
    int64_t interval_ns;

    if (!text_duration_ns(raw->spread, &options->probe_spread_ns, err))
        return error_wrap(err, "--probe.spread");
    if (!text_duration_ns(raw->reload_interval, &interval_ns, err))
        return error_wrap(err, "--config.auto-reload-interval");
    if (interval_ns < NS_PER_SECOND)
        return error_set(err, ERROR_INVALID, "--config.auto-reload-interval must be at least 1s");
    options->auto_reload_ns = raw->auto_reload ? interval_ns : 0;
    return parse_seconds(raw->timeout_offset, &options->timeout_offset_ns, err) ||
           error_wrap(err, "--timeout-offset");
}

static bool check_paths(struct raw *raw, struct error *err)
{
    struct options *options = raw->options;

    if (!web_path_check(options->telemetry_path, err))
        return error_wrap(err, "--web.telemetry-path");
    return web_path_routes(options->external_url, raw->route_prefix, options->route_prefix,
                           sizeof(options->route_prefix), err);
}

static bool check(struct raw *raw, struct error *err)
{
    struct options *options = raw->options;

    if (options->probe_workers < 1 || options->probe_workers > PROBE_WORKERS_MAX)
        return error_set(err, ERROR_INVALID, "--probe.workers must be 1 to %d", PROBE_WORKERS_MAX);
    if (options->history_limit < 1 || options->history_limit > HISTORY_MAX)
        return error_set(err, ERROR_INVALID, "--history.limit must be 1 to %d", HISTORY_MAX);
    if (options->addresses.count == 0)
        options->addresses = (struct flag_list){{DEFAULT_ADDRESS}, 1};
    return log_level_parse(raw->log_level, &options->log_level) &&
           log_level_parse(raw->log_prober, &options->log_prober) &&
           log_format_parse(raw->log_format, &options->log_format) && check_times(raw, err) &&
           check_paths(raw, err);
}

static void copy_collectors(const struct raw *raw)
{
    static const enum config_switch switches[] = {
        [FLAG_UNSET] = CONFIG_DEFAULT,
        [FLAG_ON] = CONFIG_ON,
        [FLAG_OFF] = CONFIG_OFF,
    };

    for (size_t i = 0; i < COLLECTORS_MAX; i++)
        raw->options->collectors[i] = switches[raw->collectors[i]];
}

bool options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    struct raw raw;

    init(&raw, options);
    if (!flags_parse(raw.flags, argc, argv, err) || !check(&raw, err))
        return false;
    copy_collectors(&raw);
    return true;
}

void options_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct options options;
    struct raw raw;

    init(&raw, &options);
    visit(arg, raw.flags);
}

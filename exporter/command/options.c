/* SPDX-License-Identifier: Apache-2.0 */
#include "command/options.h"

#include "base/clock.h"
#include "base/text.h"
#include "collector/catalog.h"
#include "command/command.h"
#include "command/web_path.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_ADDRESS    ":10048"
#define PROBE_WORKERS_MAX  32
#define HISTORY_MAX        10000
#define TIMEOUT_OFFSET_MAX (60 * NS_PER_SECOND)
#define NAME_BYTES         64
#define TEXT_BYTES         128

/* The table, and values as they are written. */
struct written {
    struct options *options;
    const char *spread, *reload_interval, *timeout_offset, *route_prefix;
    const char *log_level, *log_prober, *log_format;
    bool auto_reload;
    struct flag flags[COMMAND_FLAGS_MAX];
    size_t n_flags;
    enum flag_state collectors[COLLECTORS_MAX]; /* as in the catalog */
    char collector_names[COLLECTORS_MAX][NAME_BYTES];
    char collector_texts[COLLECTORS_MAX][TEXT_BYTES];
};

static void add(struct written *written, const struct flag *table)
{
    for (; table->name && written->n_flags < COMMAND_FLAGS_MAX - 1; table++)
        written->flags[written->n_flags++] = *table;
    written->flags[written->n_flags] = (struct flag){0};
}

static void add_config(struct written *written)
{
    struct options *options = written->options;

    add(written, (const struct flag[]){
                     {"Configuration", FLAG_HEADING},
                     {"config.file", FLAG_STRING, &options->config_file, "FILE",
                      "Configuration file (YAML). Without one: inventory only."},
                     {"config.check", FLAG_SWITCH, &options->config_check, NULL,
                      "Check the configuration files and exit."},
                     {"config.enable-auto-reload", FLAG_SWITCH, &written->auto_reload, NULL,
                      "Reload the configuration file when it changes, as one of a ConfigMap does."},
                     {"config.auto-reload-interval", FLAG_STRING, &written->reload_interval, NULL,
                      "How often to look whether it has changed."},
                     {0},
                 });
}

static void add_web(struct written *written)
{
    struct options *options = written->options;

    add(written,
        (const struct flag[]){
            {"Serving", FLAG_HEADING},
            {"web.listen-address", FLAG_LIST, &options->addresses, DEFAULT_ADDRESS,
             "Address to listen on: host:port, :port, [::1]:port, or unix:///path. Repeatable."},
            {"web.config.file", FLAG_STRING, &options->web_config_file, "FILE",
             "Web configuration of Prometheus' exporters: TLS, passwords, headers, rate limit."},
            {"web.systemd-socket", FLAG_SWITCH, &options->systemd_socket, NULL,
             "Serve on the sockets that systemd hands over, instead of on addresses."},
            {"web.telemetry-path", FLAG_STRING, &options->telemetry_path, NULL,
             "Path of the metrics."},
            {"web.disable-exporter-metrics", FLAG_SWITCH, &options->no_exporter_metrics, NULL,
             "Leave out the metrics about the exporter itself (process_*, promhttp_*, ...)."},
            {"web.max-requests", FLAG_UINT, &options->max_requests, NULL,
             "Scrapes that may run at once; 0: as many as come."},
            {"web.external-url", FLAG_STRING, &options->external_url, "URL",
             "How people reach this, if not directly: links begin with its path."},
            {"web.route-prefix", FLAG_STRING, &written->route_prefix, "PATH",
             "What all paths begin with here. Default: the path of --web.external-url."},
            {"timeout-offset", FLAG_STRING, &written->timeout_offset, NULL,
             "Seconds before the scraper's own timeout at which an answer is to be ready."},
            {0},
        });
}

static void add_formats(struct written *written)
{
    struct options *options = written->options;

    add(written,
        (const struct flag[]){
            {"Formats", FLAG_HEADING},
            {"metrics.native-histograms", FLAG_SWITCH, &options->native_histograms, NULL,
             "Native histograms beside the classic ones, for whoever reads protobuf. On by "
             "default; =off or --no-... leave them out."},
            {"metrics.created-lines", FLAG_SWITCH, &options->created_lines, NULL,
             "A _created line for each histogram in OpenMetrics."},
            {"metrics.experimental-openmetrics-2", FLAG_SWITCH, &options->openmetrics_2, NULL,
             "Offer OpenMetrics 2.0, of which there is only a draft."},
            {0},
        });
}

static void add_probes(struct written *written)
{
    struct options *options = written->options;

    add(written,
        (const struct flag[]){
            {"Probes", FLAG_HEADING},
            {"probe.workers", FLAG_UINT, &options->probe_workers, NULL,
             "Probes that may run at once."},
            {"probe.spread", FLAG_STRING, &written->spread, NULL,
             "First runs of probes, and those by cron, come within this time, at most a tenth of "
             "their interval."},
            {"history.limit", FLAG_UINT, &options->history_limit, NULL,
             "Runs of each probe that are remembered."},
            {0},
        });
}

static void add_log(struct written *written)
{
    add(written, (const struct flag[]){
                     {"Log (on standard error)", FLAG_HEADING},
                     {"log.level", FLAG_CHOICE, &written->log_level, NULL,
                      "Lines of this severity or above.", log_level_names},
                     {"log.prober", FLAG_CHOICE, &written->log_prober, NULL,
                      "The same for lines about runs of probes.", log_level_names},
                     {"log.format", FLAG_CHOICE, &written->log_format, NULL,
                      "How they are written.", log_format_names},
                     {0},
                 });
}

static void add_help(struct written *written)
{
    struct options *options = written->options;

    add(written,
        (const struct flag[]){
            {"Help", FLAG_HEADING},
            {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
            {"help-man", FLAG_ACTION, &options->manual, NULL,
             "Show the flags as the manual has them."},
            {"version", FLAG_ACTION, &options->version, NULL, "Show the version."},
            {"completion-script-bash", FLAG_ACTION, &options->bash, NULL,
             "Show what completes these flags in bash."},
            {"completion-script-zsh", FLAG_ACTION, &options->zsh, NULL, "The same for zsh."},
            {0},
        });
}

/* One for each collector that is no way to probe. */
static void add_collectors(struct written *written)
{
    struct options *options = written->options;

    add(written, (const struct flag[]){
                     {"Collectors (these flags win over the configuration file)", FLAG_HEADING},
                     {"collector.disable-defaults", FLAG_SWITCH, &options->collectors_off, NULL,
                      "Only run collectors that the file or a flag asks for."},
                     {0},
                 });
    for (size_t i = 0; catalog[i] && i < COLLECTORS_MAX; i++) {
        const struct collector *collector = catalog[i];
        char *name = written->collector_names[i], *text = written->collector_texts[i];

        if (collector->lane == LANE_PROBE)
            continue;
        snprintf(name, NAME_BYTES, "collector.%s", collector->name);
        snprintf(text, TEXT_BYTES, "%s%s", collector->help,
                 collector->opt_in ? " Off by default." : "");
        add(written, (const struct flag[]){
                         {name, FLAG_STATE, &written->collectors[i], NULL, text},
                         {0},
                     });
    }
}

static void init(struct written *written, struct options *options)
{
    *options = (struct options){.telemetry_path = "/metrics",
                                .external_url = "",
                                .max_requests = 40,
                                .native_histograms = true,
                                .probe_workers = 4,
                                .history_limit = 100};
    *written = (struct written){.options = options,
                                .spread = "30s",
                                .reload_interval = "30s",
                                .timeout_offset = "0.5",
                                .log_level = "info",
                                .log_prober = "info",
                                .log_format = "logfmt"};
    add_config(written);
    add_web(written);
    add_formats(written);
    add_probes(written);
    add_log(written);
    add_collectors(written);
    add_help(written);
}

/* "0.5", "2". */
static bool parse_seconds(const char *text, int64_t *ns, struct error *err)
{
    char whole[16];
    const char *point = strchr(text, '.');
    size_t size = point ? (size_t)(point - text) : strlen(text);
    int64_t unit = NS_PER_SECOND;
    uint64_t seconds;

    if (size >= sizeof(whole))
        return error_set(err, ERROR_INVALID, "\"%s\" is too long", text);
    snprintf(whole, sizeof(whole), "%.*s", (int)size, text);
    if (!text_uint(whole, &seconds, err))
        return false;
    if (seconds > TIMEOUT_OFFSET_MAX / NS_PER_SECOND)
        return error_set(err, ERROR_INVALID, "at most 60 seconds");
    *ns = (int64_t)seconds * NS_PER_SECOND;
    if (point && !point[1])
        return error_set(err, ERROR_INVALID, "\"%s\" is not a number such as 0.5", text);
    for (const char *digit = point ? point + 1 : ""; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return error_set(err, ERROR_INVALID, "\"%s\" is not a number such as 0.5", text);
        unit /= 10;
        *ns += (*digit - '0') * unit;
    }
    return true;
}

static bool check_times(struct written *written, struct error *err)
{
    struct options *options = written->options;
    int64_t interval_ns;

    if (!text_duration_ns(written->spread, &options->probe_spread_ns, err))
        return error_wrap(err, "--probe.spread");
    if (!text_duration_ns(written->reload_interval, &interval_ns, err))
        return error_wrap(err, "--config.auto-reload-interval");
    if (interval_ns < NS_PER_SECOND)
        return error_set(err, ERROR_INVALID, "--config.auto-reload-interval is at least 1s");
    options->auto_reload_ns = written->auto_reload ? interval_ns : 0;
    return parse_seconds(written->timeout_offset, &options->timeout_offset_ns, err) ||
           error_wrap(err, "--timeout-offset");
}

static bool check_paths(struct written *written, struct error *err)
{
    struct options *options = written->options;
    char path[PREFIX_BYTES];

    if (!web_path_check(options->telemetry_path, err))
        return error_wrap(err, "--web.telemetry-path");
    if (!web_path_of_url(options->external_url, path, sizeof(path), err))
        return error_wrap(err, "--web.external-url");
    if (!web_path_prefix(written->route_prefix ? written->route_prefix : path,
                         options->route_prefix, sizeof(options->route_prefix), err))
        return error_wrap(err, "--web.route-prefix");
    return true;
}

static bool check(struct written *written, struct error *err)
{
    struct options *options = written->options;

    if (options->probe_workers < 1 || options->probe_workers > PROBE_WORKERS_MAX)
        return error_set(err, ERROR_INVALID, "--probe.workers is 1 to %d", PROBE_WORKERS_MAX);
    if (options->history_limit < 1 || options->history_limit > HISTORY_MAX)
        return error_set(err, ERROR_INVALID, "--history.limit is 1 to %d", HISTORY_MAX);
    if (options->addresses.count == 0)
        options->addresses = (struct flag_list){{DEFAULT_ADDRESS}, 1};
    return log_level_parse(written->log_level, &options->log_level) &&
           log_level_parse(written->log_prober, &options->log_prober) &&
           log_format_parse(written->log_format, &options->log_format) &&
           check_times(written, err) && check_paths(written, err);
}

static void copy_collectors(const struct written *written)
{
    static const enum config_switch switches[] = {
        [FLAG_UNSET] = CONFIG_DEFAULT,
        [FLAG_ON] = CONFIG_ON,
        [FLAG_OFF] = CONFIG_OFF,
    };

    for (size_t i = 0; i < COLLECTORS_MAX; i++)
        written->options->collectors[i] = switches[written->collectors[i]];
}

bool options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    struct written written;

    init(&written, options);
    if (!flags_parse(written.flags, argc, argv, err) || !check(&written, err))
        return false;
    copy_collectors(&written);
    return true;
}

void options_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct options options;
    struct written written;

    init(&written, &options);
    visit(arg, written.flags);
}

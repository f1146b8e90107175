/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of the exporter says, checked; the table of flags is in options.c. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include "base/log.h"
#include "command/terminal/flags.h"
#include "config/config.h"

#define COLLECTORS_MAX 48
#define PREFIX_BYTES   256

struct options {
    const char *config_file;
    bool config_check;
    int64_t auto_reload_ns; /* 0: the file is not looked at by itself */

    enum config_switch collectors[COLLECTORS_MAX]; /* as in the catalog */
    bool collectors_off;

    struct flag_list addresses;
    const char *web_config_file; /* NULL: none */
    const char *telemetry_path, *external_url;
    char route_prefix[PREFIX_BYTES]; /* "" or "/prefix" */
    uint64_t max_requests;           /* 0: as many as come */
    int64_t timeout_offset_ns;
    bool systemd_socket, no_exporter_metrics;

    bool native_histograms, created_lines, openmetrics_2;

    uint64_t probe_workers, history_limit;
    int64_t probe_spread_ns;

    enum log_level log_level, log_prober;
    enum log_format log_format;

    bool help, version, manual, bash, zsh; /* to be shown */
};

/* Strings point into argv. */
bool options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;

/* Shows the table, with the defaults. */
void options_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);

#endif

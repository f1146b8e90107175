/* SPDX-License-Identifier: Apache-2.0 */
/* The validated flags of the exporter. The table of flags is in options.c. */
#pragma once

#include "base/log.h"
#include "command/terminal/flags.h"
#include "config/config.h"

#define DEFAULT_ADDRESS ":10048"
#define COLLECTORS_MAX  48
#define PREFIX_BYTES    256

struct options {
    const char *config_file;
    bool config_check;
    const char *rootfs;     /* or NULL */
    int64_t auto_reload_ns; /* 0: no automatic reload */

    enum config_switch collectors[COLLECTORS_MAX]; /* as in the catalog */
    bool collectors_off;

    struct flag_list addresses;
    const char *web_config_file; /* or NULL */
    const char *telemetry_path, *external_url;
    char route_prefix[PREFIX_BYTES]; /* "" or "/prefix" */
    uint64_t max_requests;           /* 0: unlimited */
    int64_t timeout_offset_ns;
    bool systemd_socket, no_exporter_metrics;

    bool native_histograms, created_lines, openmetrics_2;

    uint64_t probe_workers, history_limit;
    int64_t probe_spread_ns;

    enum log_level log_level, log_prober;
    enum log_format log_format;

    bool help, version, manual, bash, zsh; /* print this and exit */
};

/* Strings point into argv. */
bool options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;

/* Calls visit() with the table, which holds the defaults. */
void options_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);

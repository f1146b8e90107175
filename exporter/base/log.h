/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on stderr per call, logfmt or JSON, as Prometheus 3 writes them:
 * time=... level=INFO source=reload.c:80 msg="..." key=value
 *
 * A value that users search for is a pair, not a part of the message:
 *
 *     log_with(LOG_INFO, LOG_PAIRS("address", text), "Listening on");
 *
 * Only commands, reloads, jobs and the web server log. Thread-safe.
 */
#pragma once

#include "base/error.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

enum log_format {
    LOG_LOGFMT,
    LOG_JSON,
};

/* Probe runs have their own level. */
enum log_topic {
    LOG_GENERAL,
    LOG_PROBER,
    LOG_TOPICS,
};

extern const char *const log_level_names[], *const log_format_names[]; /* each ends with NULL */

void log_set_level(enum log_level level);
void log_set_prober_level(enum log_level level);
void log_set_format(enum log_format format);

/* "debug", "info", "warn", "error"; "logfmt", "json". */
bool log_level_parse(const char *name, enum log_level *level);
bool log_format_parse(const char *name, enum log_format *format);

#define log_debug(...) log_with(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)  log_with(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...)  log_with(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_with(LOG_ERROR, NULL, __VA_ARGS__)

/* Keys and values, alternating. Keys must be constants. */
#define LOG_PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define log_with(level, pairs, ...) \
    log_line(LOG_GENERAL, (level), __FILE_NAME__, __LINE__, (pairs), __VA_ARGS__)
#define log_prober(level, pairs, ...) \
    log_line(LOG_PROBER, (level), __FILE_NAME__, __LINE__, (pairs), __VA_ARGS__)

/* `pairs` may be NULL. */
void log_line(enum log_topic topic, enum log_level level, const char *file, int line,
              const char *const *pairs, const char *fmt, ...) PRINTF(6, 7);

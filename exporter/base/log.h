/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on stderr per call, logfmt or JSON, as Prometheus 3 writes them:
 * time=... level=INFO source=reload.c:80 msg="..."
 *
 * Only main, the reloader, the scheduler and the web server log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

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

void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* "debug", "info", "warn", "error"; "logfmt", "json". */
bool log_level_parse(const char *name, enum log_level *level);
bool log_format_parse(const char *name, enum log_format *format);

#define log_debug(...) log_line(LOG_DEBUG, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __FILE_NAME__, __LINE__, __VA_ARGS__)

void log_line(enum log_level level, const char *file, int line, const char *fmt, ...) PRINTF(4, 5);

#endif

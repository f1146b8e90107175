/* SPDX-License-Identifier: Apache-2.0 */
#include "support/call_log.h"

#include "base/own.h"

#include <stdio.h>
#include <string.h>

#define LOG_LIMIT_BYTES ((size_t)8 << 20)

void call_log_init(struct call_log *log)
{
    *log = (struct call_log){.text = BUF_INIT(LOG_LIMIT_BYTES)};
    pthread_mutex_init(&log->lock, NULL);
    buf_append_str(&log->text, "");
}

void call_log_deinit(struct call_log *log)
{
    buf_deinit(&log->text);
    pthread_mutex_destroy(&log->lock);
}

void call_log_clear(struct call_log *log)
{
    LOCK_SCOPE(&log->lock);

    buf_clear(&log->text);
    log->count = log->matches_ = log->fail_at = 0;
    log->fail_method = log->fail_words = NULL;
    log->fail_status = 0;
    log->fail_late = log->fail_on = false;
    log->on_call = NULL;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static enum call_verdict judge(struct call_log *log, const char *line)
{
    if (log->fail_at == 0 || (log->fail_method && !begins(line, log->fail_method)))
        return CALL_SERVE;
    log->matches_++;
    if (log->matches_ == log->fail_at || (log->fail_on && log->matches_ > log->fail_at))
        return log->fail_late ? CALL_FAIL_LATE : CALL_FAIL;
    return CALL_SERVE;
}

enum call_verdict call_log_add(struct call_log *log, const char *method, const char *key)
{
    void (*on_call)(void *, const char *);
    enum call_verdict verdict;
    char line[1024];

    snprintf(line, sizeof(line), "%s%s%s", method, *key ? " " : "", key);
    pthread_mutex_lock(&log->lock);
    buf_printf(&log->text, "%s\n", line);
    log->count++;
    verdict = judge(log, line);
    on_call = log->on_call;
    pthread_mutex_unlock(&log->lock);
    if (on_call)
        on_call(log->arg, line);
    return verdict;
}

/* The next line from *at on; NULL at the end. Moves *at behind it. */
static const char *next_line(const char **at)
{
    const char *line = *at, *end = line ? strchr(line, '\n') : NULL;

    if (!end)
        return NULL;
    *at = end + 1;
    return line;
}

unsigned call_log_count(struct call_log *log, const char *line)
{
    LOCK_SCOPE(&log->lock);
    const char *at = log->text.data, *next;
    unsigned count = 0;

    while ((next = next_line(&at)))
        count += begins(next, line);
    return count;
}

bool call_log_has(struct call_log *log, const char *line)
{
    return call_log_count(log, line) > 0;
}

bool call_log_in_order(struct call_log *log, const char *const *lines)
{
    LOCK_SCOPE(&log->lock);
    const char *at = log->text.data, *next;

    while (*lines && (next = next_line(&at)))
        lines += begins(next, *lines);
    return !*lines;
}

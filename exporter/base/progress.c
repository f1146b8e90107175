/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LINE_BYTES 320

static void random_id(char id[RUN_ID_BYTES])
{
    uint64_t number = (uint64_t)clock_now_ns();

    (void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
    snprintf(id, RUN_ID_BYTES, "%016" PRIx64, number);
}

void progress_init(struct progress *progress)
{
    *progress = (struct progress){.start_ns = clock_now_ns(), .log_ = BUF_INIT(PROGRESS_LOG_BYTES)};
    random_id(progress->id);
    pthread_mutex_init(&progress->lock_, NULL);
}

void progress_deinit(struct progress *progress)
{
    buf_deinit(&progress->log_);
    pthread_mutex_destroy(&progress->lock_);
}

void progress_phase(struct progress *progress, const char *phase)
{
    if (progress)
        progress->phase = phase;
}

void progress_expect(struct progress *progress, uint64_t bytes)
{
    if (progress)
        progress->total_bytes += bytes;
}

void progress_moved(struct progress *progress, uint64_t bytes)
{
    if (progress)
        progress->done_bytes += bytes;
}

void progress_note(struct progress *progress, const char *fmt, ...)
{
    char text[LINE_BYTES], line[LINE_BYTES + 32];
    va_list args;
    int length;

    if (!progress)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    length = snprintf(line, sizeof(line), "+%.3fs ",
                      seconds_between(progress->start_ns, clock_now_ns()));
    redact_clean(line + length, LINE_BYTES, text);
    strcat(line, "\n");

    LOCK_SCOPE(&progress->lock_);
    if (progress->log_.size + strlen(line) > PROGRESS_LOG_BYTES)
        progress->lost_++;
    else
        buf_append_str(&progress->log_, line);
}

void progress_read(struct progress *progress, size_t *offset, struct buf *out)
{
    LOCK_SCOPE(&progress->lock_);

    buf_append(out, progress->log_.data + *offset, progress->log_.size - *offset);
    *offset = progress->log_.size;
}

unsigned progress_lost(struct progress *progress)
{
    LOCK_SCOPE(&progress->lock_);

    return progress->lost_;
}

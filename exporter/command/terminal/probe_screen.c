/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/probe_screen.h"

#include "base/clock.h"
#include "command/terminal/probe_bar.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_MS        100
#define RATE_NS          (NS_PER_SECOND / 2)
#define DEFAULT_COLUMNS  80
#define LINE_LIMIT_BYTES ((size_t)4 << 10)
#define CLEAR            "\r\033[K"

static bool is_terminal(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

static void show(const char *text, size_t size)
{
    if (size > 0 && write(STDERR_FILENO, text, size) < 0)
        return; /* standard error is closed: the run goes on without it */
}

void probe_screen_init(struct probe_screen *screen, const char *name, struct progress *progress,
                       bool follows, bool quiet)
{
    *screen = (struct probe_screen){.name = name,
                                    .progress = progress,
                                    .terminal = !quiet && is_terminal(),
                                    .follows = follows,
                                    .quiet = quiet,
                                    .line = BUF_INIT(LINE_LIMIT_BYTES),
                                    .log = BUF_INIT(2 * PROGRESS_LOG_BYTES),
                                    .sampled_ns = progress->start_ns};
    if (quiet || screen->terminal)
        return;
    buf_printf(&screen->line, "%s: started, run %s\n", name, progress->id);
    show(screen->line.data, screen->line.size);
}

static size_t columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col;
}

/* Returns the rate of the last half second. A shorter period would make the number flicker. */
static double rate(struct probe_screen *screen, uint64_t done_bytes)
{
    int64_t now_ns = clock_now_ns();

    if (now_ns - screen->sampled_ns >= RATE_NS) {
        screen->bytes_per_second = (double)(done_bytes - screen->sampled_bytes) /
                                   seconds_between(screen->sampled_ns, now_ns);
        screen->sampled_ns = now_ns;
        screen->sampled_bytes = done_bytes;
    }
    return screen->bytes_per_second;
}

/* The last column stays empty, because some terminals wrap when it is written. */
static void draw(struct probe_screen *screen)
{
    struct progress *progress = screen->progress;
    uint64_t done_bytes = progress->done_bytes;
    const struct probe_bar bar = {screen->name,
                                  progress->phase,
                                  done_bytes,
                                  progress->total_bytes,
                                  seconds_between(progress->start_ns, clock_now_ns()),
                                  rate(screen, done_bytes)};

    probe_bar_draw(&bar, columns() - 1, &screen->line);
    dprintf(STDERR_FILENO, CLEAR "%s", screen->line.data ? screen->line.data : "");
}

static void show_log(struct probe_screen *screen)
{
    buf_clear(&screen->log);
    progress_read(screen->progress, &screen->log_offset, &screen->log);
    if (screen->log.size == 0)
        return;
    if (screen->terminal)
        show(CLEAR, strlen(CLEAR));
    show(screen->log.data, screen->log.size);
}

int probe_screen_show(struct probe_screen *screen)
{
    if (screen->follows)
        show_log(screen);
    if (screen->terminal)
        draw(screen);
    return screen->terminal || screen->follows ? REDRAW_MS : -1;
}

void probe_screen_deinit(struct probe_screen *screen)
{
    if (screen->terminal)
        show(CLEAR, strlen(CLEAR));
    if (screen->follows)
        show_log(screen);
    buf_deinit(&screen->line);
    buf_deinit(&screen->log);
}

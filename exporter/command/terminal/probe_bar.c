/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/probe_bar.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)160)
#define GAUGE_MIN   ((size_t)8) /* columns, without its brackets */
#define GAUGE_MAX   ((size_t)40)

enum piece {
    NAME,
    PHASE,
    SECONDS,
    BYTES,
    PERCENT,
    RATE,
    PIECES,
};

static double share(const struct probe_bar *bar)
{
    double done = (double)bar->done_bytes, total = (double)bar->total_bytes;

    if (total <= 0)
        return 0;
    return done < total ? done / total : 1; /* a retry fetches some bytes twice */
}

/* "12.3 MiB / 45.6 MiB" */
static void format_bytes(const struct probe_bar *bar, char out[PIECE_BYTES])
{
    char done[32], total[32];

    text_format_bytes(bar->done_bytes, done, sizeof(done));
    text_format_bytes(bar->total_bytes, total, sizeof(total));
    if (bar->total_bytes > 0)
        snprintf(out, PIECE_BYTES, "%s / %s", done, total);
    else if (bar->done_bytes > 0)
        snprintf(out, PIECE_BYTES, "%s", done);
}

static void format_pieces(const struct probe_bar *bar, char pieces[PIECES][PIECE_BYTES])
{
    char rate[32];

    snprintf(pieces[NAME], PIECE_BYTES, "%s", bar->name);
    snprintf(pieces[PHASE], PIECE_BYTES, "%s", bar->phase ? bar->phase : "starting");
    snprintf(pieces[SECONDS], PIECE_BYTES, "%.1f s", bar->seconds);
    format_bytes(bar, pieces[BYTES]);
    if (bar->total_bytes > 0)
        snprintf(pieces[PERCENT], PIECE_BYTES, "%3.0f%%", 100 * share(bar));
    if (bar->bytes_per_second >= 1) {
        text_format_bytes((uint64_t)bar->bytes_per_second, rate, sizeof(rate));
        snprintf(pieces[RATE], PIECE_BYTES, "%s/s", rate);
    }
}

/* Clears the pieces that do not fit; the first are the most important. Returns the columns that the
 * others and the gaps take. */
static size_t choose(char pieces[PIECES][PIECE_BYTES], size_t width)
{
    size_t used = 0;

    for (size_t i = 0; i < PIECES; i++) {
        size_t wanted = strlen(pieces[i]) + (used > 0 ? 2 : 0);

        if (i == NAME && wanted > width)
            pieces[i][width] = '\0';
        else if (used + wanted > width)
            pieces[i][0] = '\0';
        if (pieces[i][0])
            used += strlen(pieces[i]) + (used > 0 ? 2 : 0);
    }
    return used;
}

static void append(struct buf *out, const char *piece)
{
    if (*piece)
        buf_printf(out, "%s%s", out->size > 0 ? "  " : "", piece);
}

static void append_gauge(const struct probe_bar *bar, size_t room, struct buf *out)
{
    size_t columns = room < GAUGE_MAX ? room : GAUGE_MAX;
    size_t filled = (size_t)((double)columns * share(bar));

    buf_append_str(out, "  [");
    for (size_t i = 0; i < columns; i++)
        buf_append_char(out, i < filled ? '=' : i == filled ? '>' : ' ');
    buf_append_char(out, ']');
}

void probe_bar_draw(const struct probe_bar *bar, size_t width, struct buf *out)
{
    char pieces[PIECES][PIECE_BYTES] = {0};
    size_t used;

    buf_clear(out);
    if (width == 0 || width >= PIECE_BYTES)
        width = PIECE_BYTES - 1;
    format_pieces(bar, pieces);
    used = choose(pieces, width);
    append(out, pieces[NAME]);
    append(out, pieces[PHASE]);
    if (bar->total_bytes > 0 && used + 4 + GAUGE_MIN <= width)
        append_gauge(bar, width - used - 4, out);
    append(out, pieces[PERCENT]);
    append(out, pieces[BYTES]);
    append(out, pieces[RATE]);
    append(out, pieces[SECONDS]);
}

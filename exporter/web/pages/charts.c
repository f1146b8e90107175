/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/charts.h"

#include "web/pages/html.h"

#include <math.h>

#define WIDTH     240
#define HEIGHT    56
#define BASE_Y    45 /* bottom of the bars; marks are below */
#define MARK_Y    51
#define STEP      (WIDTH / CHART_RUNS_MAX)
#define BAR_LEAST 1.5 /* keeps a run of a millisecond visible */

/* A limit is drawn up to this multiple of the longest run: a higher one would flatten the bars. */
#define SLOW_NEAR    4.0
#define TIMEOUT_NEAR 1.25

struct scale {
    double longest, top; /* seconds: the longest run; the upper edge */
    size_t count[CHART_KINDS];
};

enum chart_kind chart_kind_of(const struct run_record *run)
{
    if (run->reason == ERROR_CANCELED)
        return CHART_CANCELED;
    if (run->reason != ERROR_NONE)
        return CHART_FAILURE;
    return run->slow ? CHART_SLOW : CHART_SUCCESS;
}

static double height(const struct scale *scale, double seconds)
{
    double ratio = scale->top > 0 && seconds > 0 ? fmin(seconds / scale->top, 1) : 0;

    return fmax(ratio * (BASE_Y - 1), BAR_LEAST);
}

static bool is_near(const struct scale *scale, double limit, double near)
{
    return limit > 0 && limit <= scale->longest * near;
}

static struct scale scale_of(const struct chart_run *runs, size_t n, double slow, double timeout)
{
    struct scale scale = {0};

    for (size_t i = 0; i < n; i++) {
        scale.count[runs[i].kind]++;
        if (runs[i].seconds > scale.longest && isfinite(runs[i].seconds))
            scale.longest = runs[i].seconds;
    }
    scale.top = scale.longest;
    if (is_near(&scale, slow, SLOW_NEAR))
        scale.top = fmax(scale.top, slow);
    if (is_near(&scale, timeout, TIMEOUT_NEAR))
        scale.top = fmax(scale.top, timeout);
    return scale;
}

static void describe(struct buf *out, const struct scale *scale, size_t n)
{
    buf_printf(out, "<title>%zu %s: %zu failed, %zu slow, the longest ", n, n == 1 ? "run" : "runs",
               scale->count[CHART_FAILURE], scale->count[CHART_SLOW]);
    html_seconds(out, scale->longest);
    buf_append_str(out, "</title><desc>One bar per run, the newest at the right; a cross below "
                        "marks a failure, a dot a slow run.</desc>");
}

static void draw_limit(struct buf *out, const struct scale *scale, double limit, double near,
                       const char *color)
{
    if (is_near(scale, limit, near))
        buf_printf(out, "<path class=\"%s\" d=\"M0 %.1fH%d\"/>", color,
                   BASE_Y - height(scale, limit), WIDTH);
}

/* One path for all runs of a kind keeps a page with many probes small. */
static void draw_kind(struct buf *out, const struct scale *scale, const struct chart_run *runs,
                      size_t n, enum chart_kind kind)
{
    static const struct {
        const char *bar, *mark, *mark_path;
    } shapes[CHART_KINDS] = {
        [CHART_SUCCESS] = {"g", NULL, NULL},
        [CHART_SLOW] = {"s", "o", "m2 0h0"},
        [CHART_FAILURE] = {"b", "x", "m0-2l4 4m0-4l-4 4"},
        [CHART_CANCELED] = {"n", NULL, NULL},
    };

    if (scale->count[kind] == 0)
        return;
    buf_printf(out, "<path class=\"%s\" d=\"", shapes[kind].bar);
    for (size_t i = 0; i < n; i++)
        if (runs[i].kind == kind)
            buf_printf(out, "M%d %dv-%.1f", WIDTH - STEP / 2 - (int)i * STEP, BASE_Y,
                       height(scale, runs[i].seconds));
    buf_append_str(out, "\"/>");
    if (!shapes[kind].mark)
        return;
    buf_printf(out, "<path class=\"%s\" d=\"", shapes[kind].mark);
    for (size_t i = 0; i < n; i++)
        if (runs[i].kind == kind)
            buf_printf(out, "M%d %d%s", WIDTH - STEP / 2 - (int)i * STEP - 2, MARK_Y,
                       shapes[kind].mark_path);
    buf_append_str(out, "\"/>");
}

void chart_runs(struct buf *out, const struct chart_run *runs, size_t n, double slow_seconds,
                double timeout_seconds)
{
    struct scale scale;

    if (n > CHART_RUNS_MAX)
        n = CHART_RUNS_MAX;
    scale = scale_of(runs, n, slow_seconds, timeout_seconds);
    buf_printf(out, "<svg class=\"runs\" viewBox=\"0 0 %d %d\" role=\"img\">", WIDTH, HEIGHT);
    describe(out, &scale, n);
    buf_printf(out, "<path class=\"base\" d=\"M0 %d.5H%d\"/>", BASE_Y, WIDTH);
    for (int kind = 0; kind < CHART_KINDS; kind++)
        draw_kind(out, &scale, runs, n, (enum chart_kind)kind);
    draw_limit(out, &scale, slow_seconds, SLOW_NEAR, "limit");
    draw_limit(out, &scale, timeout_seconds, TIMEOUT_NEAR, "end");
    buf_append_str(out, "</svg>");
}

void chart_share(struct buf *out, const struct chart_part *parts, size_t n, double whole,
                 const char *what)
{
    buf_append_str(out, "<div class=\"share\" role=\"img\"");
    html_attribute(out, "aria-label", what);
    buf_append_char(out, '>');
    for (size_t i = 0; i < n; i++) {
        double percent = whole > 0 ? fmin(fmax(100 * parts[i].value / whole, 0), 100) : 0;
        if (!(percent > 0))
            continue;
        buf_printf(out, "<span class=\"%s\" style=\"width:%.2f%%\"", parts[i].color, percent);
        html_attribute(out, "title", parts[i].name);
        buf_append_str(out, "></span>");
    }
    buf_append_str(out, "</div>");
}

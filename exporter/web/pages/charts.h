/* SPDX-License-Identifier: Apache-2.0 */
/* Small drawings in a page: SVG and bars whose colours the style sheet knows. Every one of them
 * says in words what it shows. */
#ifndef WEB_PAGES_CHARTS_H
#define WEB_PAGES_CHARTS_H

#include "base/buf.h"
#include "collector/history.h"

#define CHART_RUNS_MAX 40

enum chart_kind {
    DRAWING_GOOD,
    DRAWING_SLOW,     /* with a dot below */
    DRAWING_BAD,      /* with a cross below */
    DRAWING_CANCELED, /* says nothing about the node */
    DRAWING_KINDS,
};

struct chart_run {
    double seconds;
    enum chart_kind kind;
};

enum chart_kind chart_kind_of(const struct run_record *run);

/* Runs as bars, the newest (the first of the list) at the right. The limits are lines where they
 * come near the bars; 0: there is none. */
void chart_runs(struct buf *out, const struct chart_run *runs, size_t n, double slow_seconds,
                double timeout_seconds);

struct chart_part {
    const char *name;
    const char *color; /* a class of the style sheet: "c0" to "c7", "cb", "cr" */
    double value;
};

/* Parts of a whole in one bar; `whole` may be more than they are together. `what`: "2 of 3". */
void chart_share(struct buf *out, const struct chart_part *parts, size_t n, double whole,
                 const char *what);

#endif

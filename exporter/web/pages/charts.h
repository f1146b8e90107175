/* SPDX-License-Identifier: Apache-2.0 */
/* Small charts: SVG and bars with colours of the style sheet. Each has a description in words for
 * screen readers. */
#pragma once

#include "base/buf.h"
#include "collector/history.h"

#define CHART_RUNS_MAX 40

enum chart_kind {
    CHART_SUCCESS,
    CHART_SLOW,     /* with a dot below */
    CHART_FAILURE,  /* with a cross below */
    CHART_CANCELED, /* not a result of the node */
    CHART_KINDS,
};

struct chart_run {
    double seconds;
    enum chart_kind kind;
};

enum chart_kind chart_kind_of(const struct run_record *run);

/* Runs as bars; the newest, which is the first of the list, at the right. A limit near the bars is
 * drawn as a line; 0: no limit. */
void chart_runs(struct buf *out, const struct chart_run *runs, size_t n, double slow_seconds,
                double timeout_seconds);

struct chart_part {
    const char *name;
    const char *color; /* a class of the style sheet: "c0" to "c7", "cb", "cr" */
    double value;
};

/* Parts of a whole in one bar; `whole` may exceed their sum. `what` describes it: "2 of 3". */
void chart_share(struct buf *out, const struct chart_part *parts, size_t n, double whole,
                 const char *what);

/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/native_spans.h"

static void add_count(struct native_spans *out, uint32_t count)
{
    out->counts[out->n_counts++] = count;
    out->spans[out->n_spans - 1].length++;
}

void native_spans_list(const struct native_histogram *native, struct native_spans *out)
{
    int32_t next = 0;

    out->n_spans = out->n_counts = 0;
    for (size_t i = 0; i < native->n; i++) {
        int32_t index = native->buckets[i].index, gap = index - next;

        if (i == 0 || gap > NATIVE_GAP_MAX)
            out->spans[out->n_spans++] = (struct native_span){gap, 0};
        else
            while (gap-- > 0)
                add_count(out, 0);
        add_count(out, native->buckets[i].count);
        next = index + 1;
    }
}

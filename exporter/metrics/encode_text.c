/* SPDX-License-Identifier: Apache-2.0 */
/* Text 0.0.4. It has no info type, no units and no exemplars. */
#include "metrics/encode_private.h"
#include "metrics/text_lines.h"

static const char *const type_names[] = {
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram",
    [METRIC_INFO] = "gauge",
};

static void write_family(struct encoder *encoder, const struct metric_family *family)
{
    struct buf *out = encoder->out;
    char *at;

    buf_append_str(out, "# HELP ");
    buf_append_str(out, family->name);
    buf_append_char(out, ' ');
    at = buf_reserve(out, text_escape_bytes(family->help));
    if (!at)
        return;
    buf_commit(out, text_escape(at, family->help, false));
    buf_append_str(out, "\n# TYPE ");
    buf_append_str(out, family->name);
    buf_append_char(out, ' ');
    buf_append_str(out, type_names[family->type]);
    buf_append_char(out, '\n');
}

static void write_sample(struct encoder *encoder, const struct metric_family *family,
                         const struct sample *sample)
{
    text_lines(encoder, family, sample, false);
}

const struct encode_writer encode_text = {write_family, write_sample, NULL, ""};

/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/encode.h"

#include "metrics/encode_private.h"

#include <string.h>

static const struct encode_writer *const writers[ENCODE_FORMATS] = {
    [ENCODE_TEXT] = &encode_text,
    [ENCODE_OPENMETRICS] = &encode_openmetrics,
    [ENCODE_OPENMETRICS_0] = &encode_openmetrics,
    [ENCODE_PROTOBUF] = &encode_protobuf,
    [ENCODE_OPENMETRICS_2] = &encode_openmetrics_2,
};

static bool ends_in(const char *name, size_t size, const char *word)
{
    size_t length = strlen(word);

    return size > length && name[size - length - 1] == '_' &&
           memcmp(name + size - length, word, length) == 0;
}

const char *encode_unit(const struct metric_family *family)
{
    static const char *const units[] = {"seconds", "bytes", "ratio"};
    size_t size = strlen(family->name);

    if (family->type == METRIC_INFO)
        return NULL;
    if (ends_in(family->name, size, "total"))
        size -= strlen("_total");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (ends_in(family->name, size, units[i]))
            return units[i];
    return NULL;
}

bool encode_has_native(const struct encoder *encoder, const struct sample *sample)
{
    return encoder->options.native_histograms && sample->histogram->native;
}

void encode_number(struct buf *out, double value)
{
    char *at = buf_reserve(out, NUMBER_BYTES);

    if (at)
        buf_commit(out, number_write(at, value));
}

void encode_family(struct encoder *encoder, const struct metric_family *family)
{
    encoder->family_start_ = encoder->out->size;
    writers[encoder->format]->family(encoder, family);
    encoder->samples_start_ = encoder->out->size;
}

void encode_samples(struct encoder *encoder, const struct metric_family *family,
                    const struct sample *samples)
{
    const struct encode_writer *writer = writers[encoder->format];

    for (const struct sample *sample = samples; sample; sample = sample->next)
        writer->sample(encoder, family, sample);
}

void encode_family_end(struct encoder *encoder, const struct metric_family *family)
{
    struct buf *out = encoder->out;
    const struct encode_writer *writer = writers[encoder->format];

    (void)family;
    if (!out->data)
        return;
    if (out->size == encoder->samples_start_ && encoder->apart == 0)
        buf_commit(out, out->data + encoder->family_start_);
    else if (writer->family_end)
        writer->family_end(encoder);
}

void encode_end(struct encoder *encoder)
{
    buf_append_str(encoder->out, writers[encoder->format]->end);
}

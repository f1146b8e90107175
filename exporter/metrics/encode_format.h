/* SPDX-License-Identifier: Apache-2.0 */
/* Between encode.c and the formats, one file each. Nobody else includes this. */
#ifndef METRICS_ENCODE_FORMAT_H
#define METRICS_ENCODE_FORMAT_H

#include "metrics/encode.h"

struct encode_writer {
    void (*family)(struct encoder *encoder, const struct metric_family *family);
    void (*sample)(struct encoder *encoder, const struct metric_family *family,
                   const struct sample *sample);
    void (*family_end)(struct encoder *encoder); /* or NULL; not called without samples */
    const char *end;                             /* of the page */
};

extern const struct encode_writer encode_text, encode_openmetrics, encode_openmetrics_2,
    encode_protobuf;

/* The base unit that the family's name ends in, before _total; NULL: none. */
const char *encode_unit(const struct metric_family *family);

/* Whether the native part of the sample is to be shown. */
bool encode_has_native(const struct encoder *encoder, const struct sample *sample);

#endif

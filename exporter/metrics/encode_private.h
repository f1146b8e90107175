/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by encode.c and the files of the formats, encode_FORMAT.c. */
#pragma once

#include "metrics/encode.h"

struct encode_writer {
    void (*family)(struct encoder *encoder, const struct metric_family *family);
    void (*sample)(struct encoder *encoder, const struct metric_family *family,
                   const struct sample *sample);
    void (*family_end)(struct encoder *encoder); /* may be NULL; not called without samples */
    const char *end;                             /* of the page */
};

extern const struct encode_writer encode_text, encode_openmetrics, encode_openmetrics_2,
    encode_protobuf;

/* The base unit at the end of the name, before _total; NULL: none. */
const char *encode_unit(const struct metric_family *family);

bool encode_has_native(const struct encoder *encoder, const struct sample *sample);

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/check_dialect.h"

#include <stddef.h>
#include <stdio.h>

static const struct check_dialect dialects[] = {
    {0, 0, false, false, false, false}, {1, 7, true, false, false, false},
    {2, 0, true, true, false, false},   {2, 1, true, true, true, false},
    {2, 3, true, true, true, true},
};

#define N_DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

const struct check_dialect *check_dialect_of(const char *version)
{
    const struct check_dialect *dialect = &dialects[0];
    unsigned major, minor;

    if (sscanf(version + (*version == 'v'), "%4u.%4u", &major, &minor) != 2)
        return &dialects[N_DIALECTS - 1];
    for (size_t i = 0; i < N_DIALECTS; i++)
        if (major > dialects[i].major || (major == dialects[i].major && minor >= dialects[i].minor))
            dialect = &dialects[i];
    return dialect;
}

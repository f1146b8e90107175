/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a Go duration. What is accepted is the same with a "+" and negative with a "-", and
 * the duration that it stands for, written as whole nanoseconds, is accepted as that many.
 */
#include "encoding/go_duration.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)300)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t read_accepted(const char *text)
{
    struct error err;
    int64_t ns = 0;
    bool ok = go_duration_ns(text, &ns, &err);

    assert(ok);
    return ns;
}

static void check_accepted(const char *text, int64_t ns)
{
    char other[TEXT_MAX + 32];

    snprintf(other, sizeof(other), "%" PRId64 "ns", ns);
    assert(read_accepted(other) == ns);
    if (*text == '-' || *text == '+')
        return;
    assert(ns >= 0);
    snprintf(other, sizeof(other), "-%s", text);
    assert(read_accepted(other) == -ns);
    other[0] = '+';
    assert(read_accepted(other) == ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    struct error err = {0};
    int64_t ns = 77;

    if (size > TEXT_MAX)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (go_duration_ns(text, &ns, &err)) {
        assert(err.code == ERROR_NONE);
        check_accepted(text, ns);
    } else {
        assert(err.code == ERROR_INVALID && err.message[0] != '\0' && ns == 77);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* std::to_chars() for C. The only file that includes <charconv>; no function here throws. */
extern "C" {
#include "metrics/shortest.h"

#include "metrics/number.h"
}

#include <charconv>

extern "C" char *shortest_plain(char *out, double value)
{
    return std::to_chars(out, out + NUMBER_BYTES - 1, value, std::chars_format::fixed).ptr;
}

extern "C" char *shortest_scientific(char *out, double value)
{
    return std::to_chars(out, out + NUMBER_BYTES - 1, value, std::chars_format::scientific).ptr;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "os/start_time.h"

#include "base/buf.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT_BYTES ((size_t)256 << 10)
#define START_FIELD      22 /* of /proc/self/stat */

/* Unix seconds at which the machine booted; 0 if unknown. */
static double boot_time(void)
{
    CLEANUP(buf_deinit) struct buf stat = BUF_INIT(FILE_LIMIT_BYTES);
    struct error err;
    const char *line;

    if (!file_read("/proc/stat", &stat, &err) || !stat.data)
        return 0;
    line = strstr(stat.data, "\nbtime ");
    return line ? strtod(line + strlen("\nbtime "), NULL) : 0;
}

double process_start_time(void)
{
    CLEANUP(buf_deinit) struct buf stat = BUF_INIT(FILE_LIMIT_BYTES);
    struct error err;
    double boot = boot_time(), ticks = 0;
    char *at;

    if (boot == 0 || !file_read("/proc/self/stat", &stat, &err))
        return 0;
    /* Field 2 is "(name)" and may contain blanks and parentheses, so fields are counted after it.
     */
    at = stat.data ? strrchr(stat.data, ')') : NULL;
    if (!at || !at[1] || !at[2])
        return 0;
    at += 3;
    for (int field = 4; field <= START_FIELD; field++)
        ticks = strtod(at, &at);
    return boot + ticks / (double)sysconf(_SC_CLK_TCK);
}

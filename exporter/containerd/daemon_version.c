/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/daemon_version.h"

#include <limits.h>
#include <stdio.h>

unsigned daemon_version(const char *text)
{
    unsigned major, minor;

    if (sscanf(text + (*text == 'v'), "%4u.%4u", &major, &minor) != 2)
        return UINT_MAX;
    return DAEMON_VERSION(major, minor);
}

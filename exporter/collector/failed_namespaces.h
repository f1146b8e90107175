/* SPDX-License-Identifier: Apache-2.0 */
/* The family of every collector that walks over the namespaces: a namespace that fails does not
 * keep the others from being shown, so a count tells that something is missing. */
#pragma once

#include "metrics/snapshot.h"

#define FAILED_NAMESPACES_FAMILY                                                         \
    {                                                                                    \
        METRIC_GAUGE, "containerd_inventory_failed_namespaces",                          \
            "Namespaces of which the last run of the collector lacks numbers; those of " \
            "other namespaces are complete, and the log names the first that failed.",   \
            {"collector"}, .query = "containerd_inventory_failed_namespaces > 0"         \
    }

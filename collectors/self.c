/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter itself: how much processor time and memory it takes. */

#include "base/clock.h"
#include "engine/collector.h"

#include <sys/resource.h>

enum {
    CPU_SECONDS,
    RESIDENT_BYTES,
};

static const struct metric_family families[] = {
    [CPU_SECONDS] = {METRIC_COUNTER, "process_cpu_seconds_total", "Processor time used."},
    [RESIDENT_BYTES] = {METRIC_GAUGE, "process_resident_memory_max_bytes", "Peak resident size."},
    {0},
};

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static bool run(void *state, struct snapshot *out, struct cancel *cancel, struct error *err)
{
    struct rusage usage;

    (void)state, (void)cancel, (void)err;
    getrusage(RUSAGE_SELF, &usage);
    snapshot_add(out, CPU_SECONDS, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    snapshot_add(out, RESIDENT_BYTES, (double)usage.ru_maxrss * 1024);
    return true;
}

const struct collector self_collector = {
    .name = "self",
    .help = "Processor time and memory of the exporter.",
    .families = families,
    .on_scrape = true,
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter itself: what it is, and how much of the machine it takes. Read during the scrape. */

#include "base/buf.h"
#include "base/build.h"
#include "base/file.h"
#include "engine/collector.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILE_LIMIT_BYTES ((size_t)256 << 10)

enum {
    BUILD_INFO,
    CPU_SECONDS,
    OPEN_FDS,
    MAX_FDS,
    VIRTUAL_BYTES,
    VIRTUAL_MAX_BYTES,
    RESIDENT_BYTES,
    START_TIME,
    RECEIVE_BYTES,
    TRANSMIT_BYTES,
};

static const struct metric_family families[] = {
    [BUILD_INFO] = {METRIC_INFO,
                    "containerd_exporter_build_info",
                    "The version of this exporter and what it was built with; always 1.",
                    {"version", "revision", "branch", "compiler", "goos", "goarch"}},
    [CPU_SECONDS] = {METRIC_COUNTER, "process_cpu_seconds_total",
                     "Total user and system CPU time spent in seconds."},
    [OPEN_FDS] = {METRIC_GAUGE, "process_open_fds", "Number of open file descriptors."},
    [MAX_FDS] = {METRIC_GAUGE, "process_max_fds", "Maximum number of open file descriptors."},
    [VIRTUAL_BYTES] = {METRIC_GAUGE, "process_virtual_memory_bytes",
                       "Virtual memory size in bytes."},
    [VIRTUAL_MAX_BYTES] = {METRIC_GAUGE, "process_virtual_memory_max_bytes",
                           "Maximum amount of virtual memory available in bytes."},
    [RESIDENT_BYTES] = {METRIC_GAUGE, "process_resident_memory_bytes",
                        "Resident memory size in bytes."},
    [START_TIME] = {METRIC_GAUGE, "process_start_time_seconds",
                    "Start time of the process since unix epoch in seconds."},
    [RECEIVE_BYTES] = {METRIC_COUNTER, "process_network_receive_bytes_total",
                       "Number of bytes received by the process over the network."},
    [TRANSMIT_BYTES] = {METRIC_COUNTER, "process_network_transmit_bytes_total",
                        "Number of bytes sent by the process over the network."},
    {0},
};

/* Seconds since the epoch at which the machine was started. */
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

/* /proc/self/stat: fields 14 and 15 are times in ticks, 22 the start, 23 and 24 the sizes. The
 * name in field 2 may hold anything, so counting begins behind its closing parenthesis. */
static bool add_stat(struct snapshot *out, struct error *err)
{
    CLEANUP(buf_deinit) struct buf stat = BUF_INIT(FILE_LIMIT_BYTES);
    double ticks = (double)sysconf(_SC_CLK_TCK), fields[25] = {0};
    char *at;

    if (!file_read("/proc/self/stat", &stat, err))
        return false;
    at = stat.data ? strrchr(stat.data, ')') : NULL;
    if (!at || !at[1] || !at[2])
        return error_set(err, ERROR_INTERNAL, "/proc/self/stat makes no sense");
    at += 3;
    for (int i = 4; i < 25; i++)
        fields[i] = strtod(at + 1, &at);
    snapshot_add(out, CPU_SECONDS, (fields[14] + fields[15]) / ticks);
    snapshot_add(out, START_TIME, boot_time() + fields[22] / ticks);
    snapshot_add(out, VIRTUAL_BYTES, fields[23]);
    snapshot_add(out, RESIDENT_BYTES, fields[24] * (double)sysconf(_SC_PAGESIZE));
    return true;
}

static void add_limit(struct snapshot *out, size_t family, int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) == 0)
        snapshot_add(out, family,
                     limit.rlim_cur == RLIM_INFINITY ? 18446744073709551615.0
                                                     : (double)limit.rlim_cur);
}

static void add_open_fds(struct snapshot *out)
{
    DIR *directory = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the directory itself */

    if (!directory)
        return;
    while (readdir(directory))
        count++;
    closedir(directory);
    snapshot_add(out, OPEN_FDS, count);
}

/* /proc/self/net/netstat: a line of names, then a line of values with the same first word. */
static void add_network(struct snapshot *out)
{
    CLEANUP(buf_deinit) struct buf netstat = BUF_INIT(FILE_LIMIT_BYTES);
    struct error err;
    char *names, *values, *name_end, *value_end;

    if (!file_read("/proc/self/net/netstat", &netstat, &err) || !netstat.data)
        return; /* not every kernel has it */
    names = strstr(netstat.data, "IpExt:");
    values = names ? strstr(names + 1, "IpExt:") : NULL;
    if (!values)
        return;
    for (char *name = strtok_r(names, " \n", &name_end),
              *value = strtok_r(values, " \n", &value_end);
         name && value && name < values;
         name = strtok_r(NULL, " \n", &name_end), value = strtok_r(NULL, " \n", &value_end)) {
        if (strcmp(name, "InOctets") == 0)
            snapshot_add(out, RECEIVE_BYTES, strtod(value, NULL));
        if (strcmp(name, "OutOctets") == 0)
            snapshot_add(out, TRANSMIT_BYTES, strtod(value, NULL));
    }
}

static bool run(void *state, struct run *run, struct error *err)
{
    (void)state;
    snapshot_add(run->out, BUILD_INFO, 1, build_version, build_revision, build_branch,
                 build_compiler, "linux", build_arch);
    add_open_fds(run->out);
    add_limit(run->out, MAX_FDS, RLIMIT_NOFILE);
    add_limit(run->out, VIRTUAL_MAX_BYTES, RLIMIT_AS);
    add_network(run->out);
    return add_stat(run->out, err);
}

const struct collector self_collector = {
    .name = "self",
    .help = "The exporter itself: version, processor time, memory, open files.",
    .families = families,
    .lane = LANE_SCRAPE,
    .run = run,
};

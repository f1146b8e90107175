/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter itself: version and resource usage. Read during the scrape. */

#include "base/clock.h"
#include "collector/collector.h"
#include "os/build.h"
#include "os/start_time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETSTAT_BYTES ((size_t)16 << 10)

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

/* The files stay open, so that a scrape costs one read of each. */
struct self {
    int statm, netstat;
    double start_time;
};

static const struct metric_family families[] = {
    [BUILD_INFO] = {METRIC_INFO,
                    "containerd_exporter_build_info",
                    "The version of this exporter and what it was built with; always 1.",
                    {"version", "revision", "branch", "compiler", "goos", "goarch"}},
    [CPU_SECONDS] = {METRIC_COUNTER, "process_cpu_seconds_total",
                     "Total user and system CPU time spent in seconds."},
    [OPEN_FDS] = {METRIC_GAUGE, "process_open_fds", "Number of open file descriptors.",
                  .query = "process_open_fds / process_max_fds"},
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

/* Reads the whole file from its start and ends it with NUL. False if it is not open, or too large.
 */
static bool read_again(int fd, char *text, size_t size)
{
    ssize_t n = fd >= 0 ? pread(fd, text, size, 0) : -1;

    if (n < 0 || (size_t)n == size)
        return false;
    text[n] = '\0';
    return true;
}

static void add_times(const struct self *self, struct snapshot *out)
{
    struct timespec cpu;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        snapshot_add(out, CPU_SECONDS,
                     (double)cpu.tv_sec + (double)cpu.tv_nsec / (double)NS_PER_SECOND);
    if (self->start_time > 0)
        snapshot_add(out, START_TIME, self->start_time);
}

/* /proc/self/statm: pages in all, pages resident, ... */
static bool add_memory(const struct self *self, struct snapshot *out, struct error *err)
{
    double page = (double)sysconf(_SC_PAGESIZE);
    char text[128], *at;

    if (!read_again(self->statm, text, sizeof(text)))
        return error_set(err, ERROR_INTERNAL, "/proc/self/statm: %s", strerror(errno));
    snapshot_add(out, VIRTUAL_BYTES, strtod(text, &at) * page);
    snapshot_add(out, RESIDENT_BYTES, strtod(at, NULL) * page);
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

/* Since Linux 6.2 the size of the directory is the number of files; before, it is 0. */
static void add_open_fds(struct snapshot *out)
{
    struct stat info;
    DIR *directory;
    double count = -3; /* ".", ".." and the directory itself */

    if (stat("/proc/self/fd", &info) == 0 && info.st_size > 0) {
        snapshot_add(out, OPEN_FDS, (double)info.st_size);
        return;
    }
    directory = opendir("/proc/self/fd");
    if (!directory)
        return;
    while (readdir(directory))
        count++;
    closedir(directory);
    snapshot_add(out, OPEN_FDS, count);
}

/* Adds the value of column `name`: the n-th word of `values` belongs to the n-th word of `names`.
 */
static void add_column(struct snapshot *out, size_t family, const char *names, const char *values,
                       const char *name)
{
    const char *found = strstr(names, name);

    if (!found || found > values)
        return;
    for (const char *at = names; at <= found; at++)
        if (*at == ' ' && values)
            values = strchr(values + 1, ' ');
    if (values)
        snapshot_add(out, family, strtod(values, NULL));
}

/* /proc/self/net/netstat: a line of names, then a line of values with the same first word. */
static void add_network(const struct self *self, struct snapshot *out)
{
    char text[NETSTAT_BYTES];
    const char *names, *values;

    if (!read_again(self->netstat, text, sizeof(text)))
        return; /* the kernel may lack it */
    names = strstr(text, "IpExt:");
    values = names ? strstr(names + 1, "IpExt:") : NULL;
    if (!values)
        return;
    add_column(out, RECEIVE_BYTES, names, values, " InOctets ");
    add_column(out, TRANSMIT_BYTES, names, values, " OutOctets ");
}

static bool open_files(void *state, const struct job_context *context, struct error *err)
{
    struct self *self = state;

    (void)context, (void)err;
    self->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    self->netstat = open("/proc/self/net/netstat", O_RDONLY | O_CLOEXEC);
    self->start_time = process_start_time();
    return true;
}

static void close_files(void *state)
{
    struct self *self = state;

    if (self->statm >= 0)
        close(self->statm);
    if (self->netstat >= 0)
        close(self->netstat);
}

static bool run(void *state, struct run *run, struct error *err)
{
    struct self *self = state;

    snapshot_add(run->out, BUILD_INFO, 1, build_version, build_revision, build_branch,
                 build_compiler, "linux", build_arch);
    add_open_fds(run->out);
    add_limit(run->out, MAX_FDS, RLIMIT_NOFILE);
    add_limit(run->out, VIRTUAL_MAX_BYTES, RLIMIT_AS);
    add_network(self, run->out);
    add_times(self, run->out);
    return add_memory(self, run->out, err);
}

const struct collector self_collector = {
    .name = "self",
    .help = "The exporter itself: version, CPU time, memory, open files.",
    .families = families,
    .state_size = sizeof(struct self),
    .lane = LANE_SCRAPE,
    .open = open_files,
    .close = close_files,
    .run = run,
};

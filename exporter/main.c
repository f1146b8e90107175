/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, wait for signals, stop. The only file that knows every part; the order
 * of the declarations in serve() is the order of the start, and its reverse is
 * the order of the stop.
 */

#include "base/build.h"
#include "base/clock.h"
#include "base/flags.h"
#include "base/log.h"
#include "base/text.h"
#include "client/address.h"
#include "client/credentials.h"
#include "client/docker.h"
#include "client/http.h"
#include "client/ledger.h"
#include "client/shared.h"
#include "command/check.h"
#include "engine/catalog.h"
#include "engine/reload.h"
#include "engine/web.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INVENTORY_WORKERS 4
#define ARENAS            2
#define DEFAULT_ADDRESS   ":10048"
#define SHUTDOWN_SECONDS  2 /* then it ends, whatever still hangs */

struct options {
    const char *config_file, *telemetry_path, *probe_spread, *log_level, *log_format;
    struct flag_list addresses;
    uint64_t probe_workers;
    int64_t probe_spread_ns;
    bool config_check, version, help;
};

/* The global sections of the configuration file. */
struct globals {
    const char *containerd_address, *hosts_dir, *docker_address;
};

static const struct setting containerd_settings[] = {
    SETTING(SETTING_STRING, struct globals, containerd_address, "address", "",
            "Socket of containerd. Default: $CONTAINERD_ADDRESS, else the first that exists of "
            "the usual ones."),
    SETTING(SETTING_STRING, struct globals, hosts_dir, "hosts_dir",
            "/etc/containerd/certs.d:/etc/docker/certs.d",
            "Directories with hosts.toml, joined by colons: containerd's config_path."),
    {0},
};

static const struct setting docker_settings[] = {
    SETTING(SETTING_STRING, struct globals, docker_address, "address", "",
            "Socket of the Docker engine. Left out: Docker is not looked at."),
    {0},
};

static const struct config_section sections[] = {
    {"containerd", containerd_settings},
    {"docker", docker_settings},
    {0},
};

static const struct config_schema schema = {
    .catalog = catalog,
    .sections = sections,
    .globals_size = sizeof(struct globals),
};

/* Of the process: made once, before any thread starts, and the same after every reload. */
static char node_name[256];
static struct ledger *ledger;
static struct credential_cache *credential_cache;

/* In a pod the host name is the pod's, so a DaemonSet passes $NODE_NAME. */
static void find_node_name(void)
{
    const char *named = getenv("NODE_NAME");

    if (named && *named)
        snprintf(node_name, sizeof(node_name), "%s", named);
    else
        gethostname(node_name, sizeof(node_name) - 1);
}

static void free_shared(struct shared *shared)
{
    if (shared->containerd)
        containerd_free(shared->containerd);
    if (shared->docker)
        docker_free(shared->docker);
    free(shared->hosts_roots);
    free(shared);
}
DEFINE_CLEANUP(struct shared *, free_shared)

static struct shared *make_shared(const void *data, struct error *err)
{
    const struct globals *globals = data;
    const char *address = address_of_socket(globals->containerd_address);
    CLEANUP(free_sharedp) struct shared *shared = calloc(1, sizeof(*shared));

    if (!shared) {
        error_memory(err);
        return NULL;
    }
    shared->node = node_name;
    shared->ledger = ledger;
    shared->credential_cache = credential_cache;
    shared->hosts_roots = strdup(globals->hosts_dir);
    if (!shared->hosts_roots) {
        error_memory(err);
        return NULL;
    }
    shared->containerd = containerd_new(address, err);
    if (!shared->containerd)
        return NULL;
    if (*globals->docker_address) {
        shared->docker = docker_new(globals->docker_address, err);
        if (!shared->docker)
            return NULL;
        log_info("Docker is expected at %s", docker_address(shared->docker));
    }
    log_info("containerd is expected at %s", address);
    return TAKE(shared);
}

/* Signals are blocked before any library starts a thread, so that all threads
 * inherit it and only sigwait() ever sees them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored it would hide how helpers ended */
}

/* Passwords and tokens are in memory, and a core dump may travel: it gets none of ours. Whoever
 * looks for a fault writes 0x33 there. */
static void keep_memory_out_of_core_dumps(void)
{
    static const char headers_only[] = "0x10";
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, headers_only, sizeof(headers_only) - 1) < 0)
        log_warn("core dumps may hold secrets: /proc/self/coredump_filter cannot be written");
    if (fd >= 0)
        close(fd);
}

/* A daemon that hangs may not keep us from ending. */
static void give_up(int signal_number)
{
    static const char line[] = "level=WARN msg=\"stopped before the clean-up was done\"\n";

    (void)signal_number;
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    _exit(EXIT_SUCCESS);
}

static void limit_shutdown(void)
{
    sigset_t set;

    signal(SIGALRM, give_up);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    alarm(SHUTDOWN_SECONDS);
}

static void wait_for_end(const sigset_t *signals, struct reloader *reloader)
{
    struct error err;
    int signal_number;

    while (sigwait(signals, &signal_number) == 0 && signal_number == SIGHUP)
        if (reloader_reload(reloader, &err))
            log_info("reloaded the configuration");
        else
            log_error("reload failed, the old configuration stays: %s", err.message);
    log_info("%s, stopping", strsignal(signal_number));
}

static bool serve(const struct options *options, const sigset_t *signals, struct error *err)
{
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(reloader_freep) struct reloader *reloader = NULL;
    CLEANUP(scheduler_freep) struct scheduler *scheduler = NULL;
    CLEANUP(web_stopp) struct web *web = NULL;
    const struct scheduler_options lanes = {INVENTORY_WORKERS, options->probe_workers,
                                            options->probe_spread_ns, node_name};

    scheduler = board ? scheduler_new(board, &lanes, err) : NULL;
    if (!scheduler)
        return board ? false : error_memory(err);
    reloader = reloader_new(&(struct reload_options){options->config_file, &schema, scheduler,
                                                     board, make_shared, free_shared},
                            err);
    if (!reloader || !reloader_reload(reloader, err))
        return false;
    web = web_start(&(struct web_options){options->addresses.items, options->addresses.count,
                                          options->telemetry_path, build_version, board, scheduler,
                                          reloader},
                    err);
    if (!web)
        return false;
    wait_for_end(signals, reloader);
    web_drain(web);
    limit_shutdown();
    return true;
}

static bool check_config(const char *path, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT((size_t)256 << 10);
    struct config config;

    if (!config_load(&config, &schema, path, &problems, err)) {
        fputs(problems.data ? problems.data : "", stderr);
        return false;
    }
    printf("%s is valid: %zu jobs\n", path ? path : "the default configuration", config.n_jobs);
    if (config.canaries.documents > 0)
        printf("Canary documents: %zu (%zu suspended), their probes: %zu\n",
               config.canaries.documents, config.canaries.suspended, config.canaries.probes);
    config_deinit(&config);
    return true;
}

static void print_version(void)
{
    printf("containerd_exporter, version %s (branch: %s, revision: %s)\n"
           "  compiler:         %s\n  platform:         linux/%s\n",
           build_version, build_branch, build_revision, build_compiler, build_arch);
}

static void print_help(const struct flag *flags)
{
    CLEANUP(buf_deinit) struct buf help = BUF_INIT((size_t)64 << 10);

    flags_help(flags, "containerd_exporter",
               "Tells Prometheus whether this node can pull and push container images, how long "
               "each step\ntakes, why it failed, and whether what containerd holds is whole.\n\n"
               "containerd_exporter check: the images of all namespaces, once (see check --help).",
               &help);
    fputs(help.data ? help.data : "", stdout);
}

static bool parse_options(struct options *options, int argc, char **argv, struct error *err)
{
    const struct flag flags[] = {
        {"help", FLAG_SWITCH, &options->help, NULL, "Show this help."},
        {"version", FLAG_SWITCH, &options->version, NULL, "Show the version."},
        {"config.file", FLAG_STRING, &options->config_file, "FILE",
         "Configuration file (YAML). Without one: inventory only."},
        {"config.check", FLAG_SWITCH, &options->config_check, NULL,
         "Check the configuration file and exit."},
        {"web.listen-address", FLAG_LIST, &options->addresses, DEFAULT_ADDRESS,
         "Address to listen on; repeatable."},
        {"web.telemetry-path", FLAG_STRING, &options->telemetry_path, NULL, "Path of the metrics."},
        {"probe.workers", FLAG_UINT, &options->probe_workers, NULL, "Probes that may run at once."},
        {"probe.spread", FLAG_STRING, &options->probe_spread, NULL,
         "First runs of probes, and those by cron, come within this time, at most a tenth of "
         "their interval."},
        {"log.level", FLAG_STRING, &options->log_level, NULL, "debug, info, warn or error."},
        {"log.format", FLAG_STRING, &options->log_format, NULL, "logfmt or json."},
        {0},
    };

    if (!flags_parse(flags, argc, argv, err))
        return false;
    if (options->help)
        print_help(flags);
    return true;
}

static bool apply_options(struct options *options, struct error *err)
{
    enum log_level level;
    enum log_format format;

    if (!log_level_parse(options->log_level, &level))
        return error_set(err, ERROR_INVALID, "--log.level is one of debug, info, warn, error");
    if (!log_format_parse(options->log_format, &format))
        return error_set(err, ERROR_INVALID, "--log.format is one of logfmt, json");
    if (options->probe_workers < 1 || options->probe_workers > 32)
        return error_set(err, ERROR_INVALID, "--probe.workers is 1 to 32");
    if (!text_duration_ns(options->probe_spread, &options->probe_spread_ns, err))
        return error_wrap(err, "--probe.spread");
    if (options->telemetry_path[0] != '/')
        return error_set(err, ERROR_INVALID, "--web.telemetry-path begins with /");
    log_set_level(level);
    log_set_format(format);
    if (options->addresses.count == 0)
        options->addresses = (struct flag_list){{DEFAULT_ADDRESS}, 1};
    return true;
}

static bool run(struct options *options, struct error *err)
{
    sigset_t signals;
    bool ok;

    if (options->config_check)
        return check_config(options->config_file, err);
    mallopt(M_ARENA_MAX, ARENAS); /* or each of some twenty threads keeps what it freed */
    find_node_name();
    ledger = ledger_new(err);
    credential_cache = credential_cache_new(err);
    if (!ledger || !credential_cache)
        return false;
    block_signals(&signals);
    keep_memory_out_of_core_dumps();
    log_info("Starting containerd_exporter, version %s (branch %s, revision %s)", build_version,
             build_branch, build_revision);
    rpc_library_init();
    http_library_init();
    ok = serve(options, &signals, err);
    http_library_deinit();
    rpc_library_deinit();
    credential_cache_free(credential_cache);
    ledger_free(ledger);
    if (!ok)
        log_error("%s", err->message);
    return ok;
}

int main(int argc, char **argv)
{
    struct options options = {
        .telemetry_path = "/metrics",
        .log_level = "info",
        .log_format = "logfmt",
        .probe_workers = 4,
        .probe_spread = "30s",
    };
    struct error err;

    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return command_check(argc - 1, argv + 1);
    if (!parse_options(&options, argc, argv, &err) || !apply_options(&options, &err)) {
        fprintf(stderr, "containerd_exporter: error: %s\n", err.message);
        return EXIT_FAILURE;
    }
    if (options.help)
        return EXIT_SUCCESS;
    if (options.version) {
        print_version();
        return EXIT_SUCCESS;
    }
    if (run(&options, &err))
        return EXIT_SUCCESS;
    if (options.config_check)
        fprintf(stderr, "containerd_exporter: error: %s\n", err.message);
    return EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/setup.h"

#include "base/log.h"
#include "collector/catalog.h"
#include "collector/node.h"
#include "containerd/containerd.h"
#include "containerd/search/daemon_search.h"
#include "credentials/credential_cache.h"
#include "docker/docker.h"
#include "inventory/scrub/scrub.h"
#include "net/http/http.h"
#include "net/socket_path.h"
#include "os/node_name.h"
#include "registry/hosts/hosts_dir.h"
#include "registry/registry_limits.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENAS 2

/* The global sections of the configuration file. */
struct globals {
    const char *containerd_address, *hosts_dir, *docker_address;
};

#define HOSTS_DIR "/etc/containerd/certs.d:/etc/docker/certs.d"

static const struct setting containerd_settings[] = {
    SETTING(SETTING_STRING, struct globals, containerd_address, "address", "",
            "Socket of containerd. Default: $CONTAINERD_ADDRESS, else the exporter searches the "
            "usual paths.",
            .example = "/run/containerd/containerd.sock"),
    SETTING(SETTING_STRING, struct globals, hosts_dir, "hosts_dir", HOSTS_DIR,
            "Directories of the node with hosts.toml, separated by colons, like containerd's "
            "config_path. Below --path.rootfs."),
    {0},
};

static const struct setting docker_settings[] = {
    SETTING(SETTING_STRING, struct globals, docker_address, "address", "",
            "Socket of the Docker Engine. Without it, the exporter does not use Docker.",
            .example = "/var/run/docker.sock"),
    {0},
};

const char *setup_containerd_address(const char *configured)
{
    const char *named = getenv("CONTAINERD_ADDRESS");

    if (*configured)
        return configured;
    return named && *named ? named : NULL;
}

/* The environment's address is not used next to a configured one, so it is not checked then. */
static bool check_containerd(const void *data, const char **key, struct error *err)
{
    const struct globals *globals = data;
    const char *address = setup_containerd_address(globals->containerd_address);
    char path[SOCKET_PATH_BYTES];

    *key = "hosts_dir";
    if (!hosts_roots_check(globals->hosts_dir, err))
        return false;
    *key = NULL;
    if (!address || socket_path_parse(address, path, err))
        return true;
    if (address != globals->containerd_address)
        return error_wrap(err, "$CONTAINERD_ADDRESS");
    *key = "address";
    return false;
}

/* The default directories are absent on many nodes; those that the file names should exist. */
static bool review_containerd(const void *data, const char **key, struct error *err)
{
    const struct globals *globals = data;

    *key = "hosts_dir";
    return strcmp(globals->hosts_dir, HOSTS_DIR) == 0 || hosts_roots_exist(globals->hosts_dir, err);
}

static bool check_docker(const void *data, const char **key, struct error *err)
{
    const struct globals *globals = data;
    char path[SOCKET_PATH_BYTES];

    *key = "address";
    return !*globals->docker_address || socket_path_parse(globals->docker_address, path, err);
}

static const struct config_section sections[] = {
    {"containerd", containerd_settings, check_containerd, review_containerd},
    {"docker", docker_settings, check_docker},
    {0},
};

static bool has_docker(const void *data)
{
    return *((const struct globals *)data)->docker_address != '\0';
}

const struct config_schema setup_schema = {
    .catalog = catalog,
    .sections = sections,
    .globals_size = sizeof(struct globals),
    .opens_files = true,
    .has_docker = has_docker,
};

static struct node_name node_name;
static char one_shot_suffix[ONE_SHOT_SUFFIX_BYTES];
static struct registry_limits *registry_limits;
static struct {
    pthread_mutex_t lock;
    struct node *items[2]; /* a reload has two for a moment: the newer one is last */
} nodes = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct credential_cache *credential_cache;

const char *setup_node(void)
{
    return node_name.text;
}

const char *setup_node_doubt(void)
{
    return node_name.doubt;
}

const char *setup_config_file(const char *named)
{
    if (named)
        return named;
    return access(SETUP_INSTALLED_FILE, F_OK) == 0 ? SETUP_INSTALLED_FILE : NULL;
}

/* Keeps passwords and tokens out of core dumps. To debug a crash, write 0x33 to the same file. */
static void keep_memory_out_of_core_dumps(void)
{
    static const char headers_only[] = "0x10";
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, headers_only, sizeof(headers_only) - 1) < 0)
        log_warn("core dumps may contain secrets: cannot write /proc/self/coredump_filter");
    if (fd >= 0)
        close(fd);
}

bool setup_begin(const char *suffix, struct error *err)
{
    snprintf(one_shot_suffix, sizeof(one_shot_suffix), "%s", suffix);
    mallopt(M_ARENA_MAX,
            ARENAS); /* else each thread keeps its freed memory in an arena of its own */
    node_name_find(&node_name);
    registry_limits = registry_limits_new(err);
    credential_cache = registry_limits ? credential_cache_new(err) : NULL;
    if (!credential_cache) {
        if (registry_limits)
            registry_limits_free(TAKE(registry_limits));
        return false;
    }
    keep_memory_out_of_core_dumps();
    rpc_library_init();
    http_library_init();
    return true;
}

void setup_end(void)
{
    http_library_deinit();
    rpc_library_deinit();
    credential_cache_free(TAKE(credential_cache));
    registry_limits_free(TAKE(registry_limits));
}

static void add_node(struct node *node)
{
    LOCK_SCOPE(&nodes.lock);

    nodes.items[nodes.items[0] ? 1 : 0] = node;
}

static void remove_node(const struct node *node)
{
    LOCK_SCOPE(&nodes.lock);

    if (nodes.items[0] == node) {
        nodes.items[0] = nodes.items[1];
        nodes.items[1] = NULL;
    } else if (nodes.items[1] == node) {
        nodes.items[1] = NULL;
    }
}

void setup_free_node(struct node *node)
{
    remove_node(node);
    if (node->scrub)
        scrub_free(node->scrub);
    if (node->containerd)
        containerd_free(node->containerd);
    if (node->docker)
        docker_free(node->docker);
    free(node->hosts_roots);
    free(node);
}

void setup_daemon_address(const char *daemon, char *out, size_t out_size)
{
    const struct node *node;
    const char *address = "";
    LOCK_SCOPE(&nodes.lock);

    node = nodes.items[1] ? nodes.items[1] : nodes.items[0];
    if (node && strcmp(daemon, "others") == 0) {
        containerd_others(node->containerd, out, out_size);
        return;
    }
    if (node && strcmp(daemon, "containerd") == 0)
        address = containerd_address(node->containerd);
    else if (node && node->docker)
        address = docker_address(node->docker);
    snprintf(out, out_size, "%s", address);
}

void setup_refresh_node(struct node *node)
{
    containerd_search_again(node->containerd);
}

struct containerd *setup_containerd(const char *configured,
                                    void (*report)(const struct daemon_choice *choice),
                                    struct error *err)
{
    const struct daemon_search_options search = {.places = daemon_places, .report = report};
    const char *address = setup_containerd_address(configured);

    return address ? containerd_new(address, err) : containerd_find(&search, err);
}

static void log_choice(const struct daemon_choice *choice)
{
    if (!choice->answers)
        log_info("no containerd answers at the usual sockets yet; the exporter looks again");
    else
        log_info("using containerd at %s", choice->address);
    if (*choice->others)
        log_warn("processes listen at several sockets of containerd: using %s%s, not %s; "
                 "containerd.address decides",
                 choice->address, choice->kubernetes ? ", which has the namespace k8s.io" : "",
                 choice->others);
}

struct node *setup_make_node(const void *data, struct error *err)
{
    const struct globals *globals = data;
    CLEANUP(setup_free_nodep) struct node *node = calloc(1, sizeof(*node));

    if (!node) {
        error_memory(err);
        return NULL;
    }
    node->name = node_name.text;
    node->one_shot = one_shot_suffix;
    node->registry_limits = registry_limits;
    node->credential_cache = credential_cache;
    node->hosts_roots = strdup(globals->hosts_dir);
    node->scrub = scrub_new();
    if (!node->hosts_roots || !node->scrub) {
        error_memory(err);
        return NULL;
    }
    node->containerd = setup_containerd(globals->containerd_address, log_choice, err);
    if (!node->containerd)
        return NULL;
    if (*globals->docker_address) {
        node->docker = docker_new(globals->docker_address, err);
        if (!node->docker)
            return NULL;
        log_info("using Docker at %s", docker_address(node->docker));
    }
    if (setup_containerd_address(globals->containerd_address))
        log_info("using containerd at %s", containerd_address(node->containerd));
    add_node(node);
    return TAKE(node);
}

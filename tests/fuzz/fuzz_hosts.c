/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a hosts.toml says: the hosts that come out are such that a request can be made of them.
 */
#include "engines/daemon/daemon_hosts.h"
#include "registry/hosts/hosts.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/fuzz_hosts.XXXXXX";
static char path[64];

static void remove_files(void)
{
    unlink(path);
    rmdir(root);
}

/* The root itself is the directory of a registry whose name is that of the root. */
static void make_directory(void)
{
    if (path[0])
        return;
    if (!mkdtemp(root))
        abort();
    snprintf(path, sizeof(path), "%s/hosts.toml", root);
    atexit(remove_files);
}

static void write_file(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "we");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void check_host(const struct host *host)
{
    assert(strcmp(host->scheme, "https") == 0 || strcmp(host->scheme, "http") == 0);
    assert(host->authority[0] && !strpbrk(host->authority, "/@?# \r\n"));
    assert(host->path[0] == '/' || host->path[0] == '\0');
    assert(!strpbrk(host->path, "?# \r\n") && !strstr(host->path, "//"));
    assert(host->capabilities < 8 && host->dial_timeout_ns >= 0);
    assert(!host->repository || (host->repository[0] && host->repository[0] != '/' &&
                                 !strpbrk(host->repository, "?#% \r\n")));
    assert(host->name_space && host->ca_file && host->client_cert && host->client_key);
    for (const char *const *file = host->more_ca_files; *file; file++)
        assert((*file)[0] == '/');
    for (const char *const *header = host->headers; *header; header++)
        assert(strstr(*header, ": ") && !strpbrk(*header, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct reference reference = {.endpoint = "reg.example", .repository = "library/busybox"};
    static const char *const versions[] = {"1.7.24", "v1.7.23-k3s2", "v2.0.5-k3s1",
                                           "v2.1.4", "2.1.9",        "v2.4.0"};
    struct host_options options = {
        .roots = "/tmp",
        .rules = daemon_hosts_rules(versions[size % (sizeof(versions) / sizeof(versions[0]))])};
    struct error warning, err;
    struct host_list list;

    make_directory();
    write_file(data, size);
    reference.host = strrchr(root, '/') + 1;
    if (!hosts_find(&reference, &options, &arena, &list, &warning, &err)) {
        assert(err.code == ERROR_INVALID || err.code == ERROR_LIMIT);
        return 0;
    }
    assert(list.count > 0);
    for (size_t i = 0; i < list.count; i++)
        check_host(&list.items[i]);
    return 0;
}

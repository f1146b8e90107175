/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/hosts/hosts_certs.h"

#include "base/secret.h"
#include "os/file.h"
#include "os/rootfs.h"
#include "registry/hosts/hosts_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILES_MAX     ((size_t)32) /* of both kinds */
#define PEM_BYTES_MAX ((size_t)4 << 20)
#define CERTIFICATE   "-----BEGIN CERTIFICATE-----"
#define PRIVATE_KEY   "PRIVATE KEY-----"

/* Returns the length of the name without `ending`; 0 if it has another ending. */
static size_t stem(const struct dirent *entry, const char *ending)
{
    size_t size = strlen(entry->d_name), end = strlen(ending);

    return entry->d_type != DT_DIR && size > end && strcmp(entry->d_name + size - end, ending) == 0
               ? size - end
               : 0;
}

static int is_certificate(const struct dirent *entry)
{
    return stem(entry, ".crt") > 0 || stem(entry, ".cert") > 0;
}

static bool add_pair(const char *dir, const struct dirent *entry, struct arena *arena,
                     struct hosts_certs *out, struct error *err)
{
    char key_name[sizeof(entry->d_name)];
    const char *key;
    struct stat status;

    if (out->n_certs++ > 0)
        return true;
    snprintf(key_name, sizeof(key_name), "%.*s.key", (int)stem(entry, ".cert"), entry->d_name);
    key = hosts_dir_join(dir, key_name, arena);
    out->cert = hosts_dir_join(dir, entry->d_name, arena);
    if (key && rootfs_stat(key, &status) == 0)
        out->key = key;
    return arena_ok(arena, err);
}

static bool add(const char *dir, struct dirent **entries, size_t n, struct arena *arena,
                struct hosts_certs *out, struct error *err)
{
    const char **ca = arena_alloc(arena, (n + 1) * sizeof(*ca));
    size_t n_ca = 0;

    for (size_t i = 0; ca && i < n; i++) {
        if (stem(entries[i], ".crt") > 0)
            ca[n_ca++] = hosts_dir_join(dir, entries[i]->d_name, arena);
        else if (!add_pair(dir, entries[i], arena, out, err))
            return false;
    }
    out->ca = n_ca > 0 ? ca : NULL;
    return arena_ok(arena, err);
}

bool hosts_certs_list(const char *dir, struct arena *arena, struct hosts_certs *out,
                      struct error *err)
{
    struct dirent **entries;
    int n = rootfs_scan(dir, &entries, is_certificate);
    bool ok;

    *out = (struct hosts_certs){0};
    if (n < 0) {
        error_errno(err, errno, "%s", dir);
        err->code = errno == ENOMEM ? ERROR_MEMORY : ERROR_INVALID;
        return false;
    }
    ok = (size_t)n <= FILES_MAX
             ? add(dir, entries, (size_t)n, arena, out, err)
             : error_set(err, ERROR_LIMIT, "%s: more than %zu certificates", dir, FILES_MAX);
    rootfs_scan_free(entries, n);
    return ok;
}

static bool check_holds(const char *path, const char *mark, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf pem = BUF_INIT(PEM_BYTES_MAX);

    if (!file_read(path, &pem, err))
        return false;
    if (pem.size == 0 || !memmem(pem.data, pem.size, mark, strlen(mark)))
        return error_set(err, ERROR_INVALID, "%s: expected \"%s\"", path, mark);
    return true;
}

bool hosts_certs_check_ca(const char *path, struct error *err)
{
    return check_holds(path, CERTIFICATE, err);
}

bool hosts_certs_check_pair(const char *cert, const char *key, struct error *err)
{
    return check_holds(cert, CERTIFICATE, err) &&
           check_holds(key[0] ? key : cert, PRIVATE_KEY, err);
}

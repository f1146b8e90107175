/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/hosts/hosts_certs.h"

#include "base/secret.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX     ((size_t)32) /* of both kinds */
#define PEM_BYTES_MAX ((size_t)4 << 20)
#define CERTIFICATE   "-----BEGIN CERTIFICATE-----"
#define PRIVATE_KEY   "PRIVATE KEY-----"

static const char *path_of(const char *dir, const char *name, size_t name_size, const char *ending,
                           struct arena *arena)
{
    size_t size = strlen(dir) + 1 + name_size + strlen(ending) + 1;
    char *path = arena_alloc(arena, size);

    if (path)
        snprintf(path, size, "%s/%.*s%s", dir, (int)name_size, name, ending);
    return path;
}

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

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_pair(const char *dir, const struct dirent *entry, struct arena *arena,
                     struct hosts_certs *out, struct error *err)
{
    size_t size = stem(entry, ".cert");
    const char *key = path_of(dir, entry->d_name, size, ".key", arena);
    struct stat status;

    if (out->n_certs++ > 0)
        return true;
    out->cert = path_of(dir, entry->d_name, size, ".cert", arena);
    if (key && stat(key, &status) == 0)
        out->key = key;
    return arena_ok(arena, err);
}

static bool add(const char *dir, struct dirent **entries, size_t n, struct arena *arena,
                struct hosts_certs *out, struct error *err)
{
    const char **ca = arena_alloc(arena, (n + 1) * sizeof(*ca));
    size_t n_ca = 0;

    for (size_t i = 0; ca && i < n; i++) {
        size_t size = stem(entries[i], ".crt");

        if (size > 0)
            ca[n_ca++] = path_of(dir, entries[i]->d_name, size, ".crt", arena);
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
    int n = scandir(dir, &entries, is_certificate, by_name);
    bool ok;

    *out = (struct hosts_certs){0};
    if (n < 0) {
        error_errno(err, errno, "%s", dir);
        err->code = errno == ENOMEM ? ERROR_MEMORY : ERROR_INVALID;
        return false;
    }
    if ((size_t)n > FILES_MAX)
        ok = error_set(err, ERROR_LIMIT, "%s: too many certificates: limit is %zu", dir, FILES_MAX);
    else
        ok = add(dir, entries, (size_t)n, arena, out, err);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
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

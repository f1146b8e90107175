/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/tls_roots.h"

#include "base/buf.h"
#include "base/text.h"
#include "os/file.h"
#include "os/rootfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)4 << 20)
#define PATH_BYTES ((size_t)4096)

/* Where distributions keep the bundle and the single files. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
static const char default_dirs[] = "/etc/ssl/certs:/etc/pki/tls/certs:/system/etc/security/cacerts";

/* The system's certificates, until a file or variable changes. */
static struct {
    pthread_mutex_t lock;
    X509_STORE *store;
    uint64_t stamp;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void add_certificate(X509_STORE *store, const unsigned char *der, long size)
{
    X509 *certificate = d2i_X509(NULL, &der, size);

    if (certificate)
        X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
}

/* Adds all certificates of a PEM text, in which other text may stand. */
static void add_pem(X509_STORE *store, const struct buf *text)
{
    BIO *bio = BIO_new_mem_buf(text->data ? text->data : "", (int)text->size);
    bool more = bio;

    while (more) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long size;

        if (PEM_read_bio(bio, &name, &header, &der, &size) == 1) {
            if (strcmp(name, PEM_STRING_X509) == 0 && !*header)
                add_certificate(store, der, size);
        } else {
            more = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    ERR_clear_error();
}

static bool add_file(X509_STORE *store, const char *path, struct error *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_BYTES);

    if (!file_read(path, &text, err))
        return false;
    add_pem(store, &text);
    return true;
}

/* A file of the system: returns whether it exists. */
typedef bool visit_file(void *arg, const char *path);

static bool load_file(void *store, const char *path)
{
    return add_file(store, path, &(struct error){0});
}

static bool stamp_file(void *stamp, const char *path)
{
    uint64_t of_file = file_stamp(path);
    char text[64];

    snprintf(text, sizeof(text), "%llx ", (unsigned long long)of_file);
    *(uint64_t *)stamp = text_hash(text_hash(*(uint64_t *)stamp, text), path);
    return of_file != 0;
}

/* A name that points to another name in its directory is that file once more. */
static bool is_alias(DIR *dir, const char *name)
{
    char target[PATH_BYTES];
    ssize_t size = readlinkat(dirfd(dir), name, target, sizeof(target));

    return size > 0 && !memchr(target, '/', (size_t)size);
}

static void visit_directory(const char *directory, visit_file *visit, void *arg)
{
    int fd = rootfs_open(directory, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    char path[PATH_BYTES];

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' &&
            (size_t)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) <
                sizeof(path) &&
            !(entry->d_type == DT_LNK && is_alias(dir, entry->d_name)))
            visit(arg, path);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

/* Returns the variable; NULL if it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The variables are of the exporter, the default paths of the node. */
static void visit_directories(visit_file *visit, void *arg)
{
    const char *own = variable("SSL_CERT_DIR"), *root = own ? "" : rootfs_path();
    char directory[PATH_BYTES];

    for (const char *dirs = own ? own : default_dirs; *dirs;) {
        size_t size = strcspn(dirs, ":");

        if (snprintf(directory, sizeof(directory), "%s%.*s", root, (int)size, dirs) <
            (int)PATH_BYTES)
            visit_directory(directory, visit, arg);
        dirs += size + (dirs[size] == ':');
    }
}

static void visit_system(visit_file *visit, void *arg)
{
    const char *own = variable("SSL_CERT_FILE");
    char path[PATH_BYTES];

    if (own)
        visit(arg, own);
    for (size_t i = 0; !own && i < sizeof(bundles) / sizeof(bundles[0]); i++)
        if (snprintf(path, sizeof(path), "%s%s", rootfs_path(), bundles[i]) < (int)PATH_BYTES &&
            visit(arg, path))
            break;
    visit_directories(visit, arg);
}

static X509_STORE *new_store(struct error *err)
{
    X509_STORE *store = X509_STORE_new();

    /* Go accepts any certificate of the list as the end of a chain, not only self-signed ones. */
    if (store)
        X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    else
        error_memory(err);
    return store;
}

/* The system's certificates; the caller owns a reference. */
static X509_STORE *system_store(struct error *err)
{
    uint64_t stamp = TEXT_HASH_INIT;
    LOCK_SCOPE(&kept.lock);

    visit_system(stamp_file, &stamp);
    if (!kept.store || kept.stamp != stamp) {
        X509_STORE *store = new_store(err);

        if (!store)
            return NULL;
        visit_system(load_file, store);
        X509_STORE_free(kept.store);
        kept.store = store;
        kept.stamp = stamp;
    }
    X509_STORE_up_ref(kept.store);
    return kept.store;
}

static void add_store(X509_STORE *to, X509_STORE *from)
{
    STACK_OF(X509_OBJECT) * objects;

    X509_STORE_lock(from);
    objects = X509_STORE_get0_objects(from);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
        X509_STORE_add_cert(to, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
    X509_STORE_unlock(from);
}

static bool add_all(X509_STORE *store, const char *ca_file, const char *const *more,
                    struct error *err)
{
    X509_STORE *system = *ca_file ? NULL : system_store(err);

    if (!*ca_file && !system)
        return false;
    if (system)
        add_store(store, system);
    X509_STORE_free(system);
    if (*ca_file && !add_file(store, ca_file, err))
        return false;
    for (; more && *more; more++)
        if (!add_file(store, *more, err))
            return false;
    return true;
}

static bool none_found(const char *ca_file, struct error *err)
{
    bool by_variables = variable("SSL_CERT_FILE") || variable("SSL_CERT_DIR");
    const char *root = *ca_file || by_variables ? "" : rootfs_path();

    return error_set(err, ERROR_TLS, "no certificates to trust: found none in %s%s%s",
                     *ca_file       ? ca_file
                     : by_variables ? "SSL_CERT_FILE and SSL_CERT_DIR"
                                    : "the system's files",
                     *root ? " below " : "", root);
}

X509_STORE *tls_roots_new(const char *ca_file, const char *const *more, struct error *err)
{
    bool only_system = !*ca_file && (!more || !*more);
    X509_STORE *store = only_system ? system_store(err) : new_store(err);
    bool ok = store && (only_system || add_all(store, ca_file, more, err));

    if (ok && sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) == 0)
        ok = none_found(ca_file, err);
    if (ok)
        return store;
    X509_STORE_free(store); /* may be NULL */
    return NULL;
}

void tls_roots_deinit(void)
{
    LOCK_SCOPE(&kept.lock);

    X509_STORE_free(kept.store);
    kept.store = NULL;
}

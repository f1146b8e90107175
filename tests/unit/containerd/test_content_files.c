/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs from their files: only a file of the right size and digest is read. */
#include "containerd/content_files.h"

#include "oci/digest.h"
#include "os/rootfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT "{\"schemaVersion\":2}"

struct store {
    char root[64], directory[96], path[256], digest[DIGEST_TEXT_BYTES];
    struct content_files files;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_store(void **state)
{
    static struct store store;
    struct error err;
    char command[128];
    strcpy(store.root, "/tmp/test_content_files.XXXXXX");
    assert_non_null(mkdtemp(store.root));
    snprintf(command, sizeof(command), "mkdir -p %s/blobs/sha256", store.root);
    assert_int_equal(system(command), 0);
    assert_true(digest_of(TEXT, strlen(TEXT), store.digest, &err));
    snprintf(store.directory, sizeof(store.directory), "%s/blobs/sha256", store.root);
    snprintf(store.path, sizeof(store.path), "%s/%s", store.directory,
             strchr(store.digest, ':') + 1);
    write_file(store.path, TEXT);
    store.files = (struct content_files)CONTENT_FILES_INIT;
    content_files_open(&store.files, store.root);
    *state = &store;
    return 0;
}

static int remove_store(void **state)
{
    struct store *store = *state;
    char command[128];
    content_files_close(&store->files);
    snprintf(command, sizeof(command), "rm -rf %s", store->root);
    return system(command);
}

static bool read_blob(const struct store *store, const char *digest, uint64_t size)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
    if (!content_files_read(&store->files, digest, size, &out))
        return false;
    assert_string_equal(out.data, TEXT);
    return true;
}

static void reads_a_blob_of_the_right_digest(void **state)
{
    const struct store *store = *state;
    char digest[DIGEST_TEXT_BYTES], path[512];
    struct error err;

    assert_true(read_blob(store, store->digest, strlen(TEXT)));
    assert_true(read_blob(store, store->digest, strlen(TEXT)));
    assert_true(digest_of_like("sha512:", TEXT, strlen(TEXT), digest, &err));
    snprintf(path, sizeof(path), "%s/blobs/sha512", store->root);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/blobs/sha512/%s", store->root, strchr(digest, ':') + 1);
    write_file(path, TEXT);
    assert_true(read_blob(store, digest, strlen(TEXT)));
}

static void reads_no_other_file(void **state)
{
    const struct store *store = *state;
    char other[DIGEST_TEXT_BYTES], path[256];
    struct error err;
    assert_false(read_blob(store, store->digest, strlen(TEXT) + 1)); /* of another size */
    assert_false(read_blob(store, "sha256:../../../etc/passwd", 1));
    assert_false(read_blob(store, "sha512:ab", 1));
    assert_true(digest_of("x", 1, other, &err));
    assert_false(read_blob(store, other, strlen(TEXT))); /* not there */
    snprintf(path, sizeof(path), "%s/%s", store->directory, strchr(other, ':') + 1);
    write_file(path, TEXT);
    assert_false(read_blob(store, other, strlen(TEXT))); /* other bytes */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(store->path, path), 0);
    assert_false(read_blob(store, other, strlen(TEXT)));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(read_blob(store, other, 0)); /* and does not wait */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(read_blob(store, other, strlen(TEXT)));
}

/* The digest is not checked: the caller compares it. */
static void opens_a_blob_of_its_size(void **state)
{
    const struct store *store = *state;
    char text[sizeof(TEXT)] = "", other[DIGEST_TEXT_BYTES];
    int fd = content_files_blob(&store->files, store->digest, strlen(TEXT));

    strcpy(other, store->digest);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text)), strlen(TEXT));
    assert_string_equal(text, TEXT);
    close(fd);
    memcpy(other, "sha512:", 7); /* the name of the file alone is not enough */
    assert_int_equal(content_files_blob(&store->files, other, strlen(TEXT)), -1);
    assert_int_equal(content_files_blob(&store->files, store->digest, strlen(TEXT) - 1), -1);
    assert_int_equal(content_files_blob(&store->files, "sha256:../../../etc/passwd", 1), -1);
}

static void works_without_a_store(void **state)
{
    struct content_files files = CONTENT_FILES_INIT;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
    static const char *const roots[] = {"", "relative", "/nowhere/at/all", "/dev/null"};
    const struct store *store = *state;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        content_files_open(&files, roots[i]);
        assert_int_equal(files.directory, -1);
        assert_false(content_files_read(&files, store->digest, strlen(TEXT), &out));
    }
    content_files_close(&files);
}

/* In a pod the store is below --path.rootfs. */
static void finds_the_store_of_the_node(void **state)
{
    struct content_files files = CONTENT_FILES_INIT;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
    const struct store *store = *state;
    char path[128];
    struct error err;

    snprintf(path, sizeof(path), "%s/link", store->root);
    assert_int_equal(symlink("/", path), 0);
    assert_true(rootfs_use(store->root, &err));
    content_files_open(&files, "/link");
    assert_true(content_files_read(&files, store->digest, strlen(TEXT), &out));
    content_files_open(&files, "/nowhere");
    assert_int_equal(files.directory, -1);
    assert_true(rootfs_use(NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_blob_of_the_right_digest), cmocka_unit_test(reads_no_other_file),
        cmocka_unit_test(opens_a_blob_of_its_size),         cmocka_unit_test(works_without_a_store),
        cmocka_unit_test(finds_the_store_of_the_node),
    };
    return cmocka_run_group_tests(tests, make_store, remove_store);
}

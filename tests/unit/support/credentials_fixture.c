/* SPDX-License-Identifier: Apache-2.0 */
#include "support/credentials_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

char directory[64];

int directory_make(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/test_credentials.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

int directory_remove(void **state)
{
    DIR *open_directory = opendir(directory);
    const struct dirent *entry;
    char path[400];

    (void)state;
    while (open_directory && (entry = readdir(open_directory))) {
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            remove(path);
    }
    if (open_directory)
        closedir(open_directory);
    return rmdir(directory);
}

void directory_put(const char *name, const char *data, mode_t mode)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, strlen(data), file), strlen(data));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

void found_deinit(struct found *found)
{
    credentials_deinit(&found->credentials);
}

struct found find_before(const struct credentials_settings *settings, const char *image,
                         struct credential_cache *cache, int64_t deadline_ns)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(10000);
    struct reference reference;
    struct found found = {.ok = false};
    struct cancel cancel;

    cancel_init(&cancel, deadline_ns);
    assert_true(reference_parse(&reference, image, &arena, &found.err));
    found.ok =
        credentials_find(settings, &reference, cache, &found.credentials, &cancel, &found.err);
    cancel_deinit(&cancel);
    return found;
}

struct found find(const struct credentials_settings *settings, const char *image,
                  struct credential_cache *cache)
{
    return find_before(settings, image, cache, clock_now_ns() + LONG_NS);
}

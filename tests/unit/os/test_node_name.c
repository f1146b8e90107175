/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the name of the node, and doubts names of pods and containers. */
#include "os/node_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/rootfs.h"

static char directory[64], host_name[NODE_NAME_BYTES];

/* Stands in for that of libc. */
int gethostname(char *name, size_t size)
{
    snprintf(name, size, "%s", host_name);
    return 0;
}

static void put_file(const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/etc/hostname", directory);
    (void)remove(path);
    if (!text)
        return;
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void put_variable(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void finds_the_name_and_doubts_it(void **state)
{
    static const char pod[] = "exporter-x7k2p", address[] = "10.96.0.1";
    static const struct {
        const char *variable, *host, *file, *kubernetes, *want, *doubt;
    } rows[] = {
        {NULL, "vm", NULL, NULL, "vm", NULL},
        {NULL, pod, NULL, NULL, pod, NULL}, /* a machine may have such a name */
        {"", "vm", NULL, NULL, "vm", NULL},
        {"node-1", pod, NULL, address, "node-1", NULL},
        {"node-1", pod, "other\n", address, "node-1", NULL},
        {NULL, pod, NULL, address, pod, "expected NODE_NAME, from spec.nodeName"},
        {NULL, "worker", NULL, address, "worker", "the host name, which is that of the pod"},
        {NULL, pod, NULL, "", pod, NULL},
        {NULL, pod, "worker\n", address, "worker", NULL},
        {NULL, pod, "# made by hand\n\n  worker.example  # this\nnext", NULL, "worker.example",
         NULL},
        {NULL, pod, "", address, pod, "the host name, which is that of the pod"},
        {NULL, pod, "# nothing\n", address, pod, "the host name, which is that of the pod"},
        {NULL, pod, "localhost\n", address, pod, "the host name, which is that of the pod"},
        {NULL, pod, "localhost.localdomain\n", address, pod,
         "the host name, which is that of the pod"},
        {pod, pod, NULL, address, pod, "looks like the name of a pod"}, /* metadata.name */
        {pod, pod, "worker\n", address, pod, "looks like the name of a pod"},
        {pod, pod, "exporter-x7k2p\n", address, pod, NULL}, /* a node with such a name */
        {pod, pod, NULL, NULL, pod, NULL},
        {"web-7d4b9c6f5d-x7k2p", "web-7d4b9c6f5d-x7k2p", NULL, address, "web-7d4b9c6f5d-x7k2p",
         "looks like the name of a pod"},
        {"worker-1", "worker-1", NULL, address, "worker-1", NULL},
        {"ip-10-0-0-12", "ip-10-0-0-12", NULL, address, "ip-10-0-0-12", NULL},
        {"gke-pool-abcde", "gke-pool-abcde", NULL, address, "gke-pool-abcde", NULL},
        {NULL, "3f2a9c0d1e4b", NULL, NULL, "3f2a9c0d1e4b", "ID of a container"},
        {NULL, "3f2a9c0d1e4", NULL, NULL, "3f2a9c0d1e4", NULL},
        {NULL, "3f2a9c0d1e4z", NULL, NULL, "3f2a9c0d1e4z", NULL},
        {"vm", "3f2a9c0d1e4b", NULL, NULL, "vm", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct node_name name;

        strcpy(host_name, rows[i].host);
        put_file(rows[i].file);
        put_variable("NODE_NAME", rows[i].variable);
        put_variable("KUBERNETES_SERVICE_HOST", rows[i].kubernetes);
        node_name_find(&name);
        if (strcmp(name.text, rows[i].want) != 0 ||
            (rows[i].doubt ? !strstr(name.doubt, rows[i].doubt) : *name.doubt))
            fail_msg("row %zu: %s, %s", i, name.text, name.doubt);
    }
}

/* Without --path.rootfs the file is that of the pod. */
static void the_file_counts_below_the_directory_only(void **state)
{
    struct node_name name;
    struct error err;

    (void)state;
    put_file("worker\n");
    put_variable("NODE_NAME", NULL);
    strcpy(host_name, "vm");
    assert_true(rootfs_use(NULL, &err));
    node_name_find(&name);
    assert_string_equal(name.text, "vm");
}

static int set_up(void **state)
{
    char path[128];
    struct error err;

    (void)state;
    strcpy(directory, "/tmp/test_node_name.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/etc", directory);
    return mkdir(path, 0700) == 0 && rootfs_use(directory, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    put_file(NULL);
    snprintf(path, sizeof(path), "%s/etc", directory);
    return rmdir(path) == 0 ? rmdir(directory) : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_the_name_and_doubts_it),
        TEST(the_file_counts_below_the_directory_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

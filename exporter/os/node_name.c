/* SPDX-License-Identifier: Apache-2.0 */
#include "os/node_name.h"

#include "os/file.h"
#include "os/rootfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES        ((size_t)4096)
#define SUFFIX_CHARS      5 /* of the name of a pod */
#define CONTAINER_ID_SIZE 12
#define BLANKS            " \t\r\n"

/* The letters and digits of which Kubernetes makes the ends of names. */
#define SUFFIX_LETTERS "bcdfghjklmnpqrstvwxz2456789"

/* Returns the first word of the file that is not in a comment; "": the file has no other text. */
static const char *first_word(char *text)
{
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n"))) {
        line += strspn(line, BLANKS);
        line[strcspn(line, BLANKS "#")] = '\0';
        if (*line)
            return line;
    }
    return "";
}

/* "localhost" is what a node without a name of its own has in this file. */
static bool read_file(struct node_name *name)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_BYTES);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(FILE_BYTES + PATH_MAX);
    const char *path = rootfs_join("/etc/hostname", &arena), *word;
    struct error unused;

    if (!*rootfs_path() || !path || !file_read(path, &text, &unused) || !text.data)
        return false;
    word = first_word(text.data);
    if (!*word || strlen(word) >= sizeof(name->text) || strncmp(word, "localhost", 9) == 0)
        return false;
    strcpy(name->text, word);
    return true;
}

/* "exporter-x7k2p" */
static bool ends_like_a_pod(const char *name)
{
    const char *end = strrchr(name, '-');

    return end && end > name && strlen(end + 1) == SUFFIX_CHARS &&
           strspn(end + 1, SUFFIX_LETTERS) == SUFFIX_CHARS;
}

static bool is_container_id(const char *name)
{
    return strlen(name) == CONTAINER_ID_SIZE && name[strspn(name, "0123456789abcdef")] == '\0';
}

static void doubt(struct node_name *name, const char *reason, const char *what, const char *cure)
{
    snprintf(name->doubt, sizeof(name->doubt),
             "{node} is \"%.64s\", %s: each new %s would leave a new repository in the registry; "
             "expected %s",
             name->text, reason, what, cure);
}

void node_name_find(struct node_name *name)
{
    static const char cure[] = "NODE_NAME, from spec.nodeName of the pod";
    const char *named = getenv("NODE_NAME"), *kubernetes = getenv("KUBERNETES_SERVICE_HOST");
    char host[NODE_NAME_BYTES] = "";
    bool in_pod = kubernetes && *kubernetes;

    *name = (struct node_name){0};
    gethostname(host, sizeof(host) - 1);
    if (named && *named) {
        /* metadata.name in place of spec.nodeName; with the host's network both are the node's. */
        bool is_node = read_file(name) && strcmp(name->text, named) == 0;

        snprintf(name->text, sizeof(name->text), "%s", named);
        if (in_pod && !is_node && strcmp(named, host) == 0 && ends_like_a_pod(named))
            doubt(name, "which looks like the name of a pod", "pod", cure);
        return;
    }
    if (read_file(name))
        return;
    strcpy(name->text, host);
    if (in_pod)
        doubt(name, "the host name, which is that of the pod unless it has the network of the node",
              "pod", cure);
    else if (is_container_id(host))
        doubt(name, "which looks like the ID of a container", "container",
              "NODE_NAME, or the network of the host");
}

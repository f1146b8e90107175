/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the image inventory once for all namespaces and prints its findings. */
#include "command/command.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/setup.h"
#include "command/terminal/check_rows.h"
#include "command/terminal/check_scrub.h"
#include "containerd/search/daemon_search.h"
#include "inventory/image_inventory.h"

#include <stdio.h>
#include <string.h>

#define OUTPUT_LIMIT_BYTES ((size_t)256 << 20)
#define ARENA_LIMIT_BYTES  ((size_t)256 << 20)

enum {
    EXIT_HEALTHY = 0,
    EXIT_UNHEALTHY = 1, /* an image or a blob is bad */
    EXIT_FAILED = 2,    /* the check itself failed */
};

struct check_options {
    const char *address, *snapshotter, *timeout;
    struct flag_list namespaces;
    bool json, scrub, help;
    int64_t timeout_ns;
};

const char command_check_text[] =
    "Checks whether the images of all namespaces are complete and unpacked, and prints a table "
    "like `ctr images check`.\n"
    "\n"
    "Exit status: 0 if all images are healthy; 1 if an image is incomplete, unavailable or in "
    "error, if its unpack status is unknown, or if a blob is damaged; 2 if the check failed, for "
    "example because containerd, a namespace or a snapshotter does not answer; the rest is "
    "printed. An image that is incomplete but unpacked is "
    "healthy: containerd removed its layers on purpose (discard_unpacked_layers). Namespaces of "
    "the exporter's own probes are skipped.\n"
    "\n"
    "An image counts as unpacked if a snapshotter has it that a label of its configuration names, "
    "the "
    "one of CRI in namespace k8s.io, or the namespace's default one; with --snapshotter, if that "
    "one "
    "has it, as for `ctr images check --snapshotter`.";

static void make_flags(struct check_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"address", FLAG_STRING, &options->address, "SOCKET",
         "Socket of containerd. Default: $CONTAINERD_ADDRESS, else the usual paths are searched."},
        {"namespace", FLAG_LIST, &options->namespaces, "NAME",
         "Check only this namespace. Repeatable.", .letter = 'n'},
        {"snapshotter", FLAG_STRING, &options->snapshotter, "NAME",
         "Only images that this snapshotter has are unpacked. Default: see above."},
        {"json", FLAG_SWITCH, &options->json, NULL, "Print one JSON object per line and image."},
        {"scrub", FLAG_SWITCH, &options->scrub, NULL,
         "Also read and hash every blob, at the speed of the disk."},
        {"timeout", FLAG_STRING, &options->timeout, NULL,
         "Timeout of the check, without the scrub."},
        {0},
    };

    *options = (struct check_options){.address = "", .snapshotter = "", .timeout = "1m"};
    memcpy(flags, table, sizeof(table));
}

void command_check_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct check_options options;
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(&options, flags);
    visit(arg, flags);
}

static bool parse(struct check_options *options, int argc, char **argv, struct error *err)
{
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(options, flags);
    return flags_parse(flags, argc, argv, err) &&
           (text_duration_ns(options->timeout, &options->timeout_ns, err) ||
            error_wrap(err, "--timeout"));
}

static bool is_wanted(const struct check_options *options, const char *name)
{
    for (size_t i = 0; i < options->namespaces.count; i++)
        if (strcmp(options->namespaces.items[i], name) == 0)
            return true;
    return options->namespaces.count == 0;
}

static bool find_namespaces(const struct check_options *options, struct image_inventory *inventory,
                            struct error *err)
{
    for (size_t i = 0; i < options->namespaces.count; i++)
        if (!image_inventory_find(inventory, options->namespaces.items[i]))
            return error_set(err, ERROR_NOT_FOUND, "no namespace named %s",
                             options->namespaces.items[i]);
    return true;
}

static bool check_images(const struct check_options *options, struct image_inventory *inventory,
                         struct error *err)
{
    const struct image_namespaces *places = image_inventory_namespaces(inventory);
    struct cancel cancel;
    bool ok;

    cancel_init(&cancel, clock_now_ns() + options->timeout_ns);
    ok = image_inventory_begin(inventory, true, &cancel, err) &&
         image_inventory_list(inventory, &cancel, err) && find_namespaces(options, inventory, err);
    for (size_t i = 0; ok && i < places->count; i++)
        if (is_wanted(options, places->items[i].name))
            ok =
                image_inventory_scan(inventory, &places->items[i], places->count - i, &cancel, err);
    cancel_deinit(&cancel);
    return ok;
}

static bool print_table(const struct image_namespaces *places, struct buf *out, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct check_rows rows = {0};
    size_t count = 0;

    for (size_t i = 0; i < places->count; i++)
        count += places->items[i].findings.count;
    rows.items = arena_alloc(&arena, (count + 1) * sizeof(*rows.items));
    for (size_t i = 0; rows.items && i < places->count; i++) {
        const struct image_namespace *place = &places->items[i];
        for (size_t j = 0; j < place->findings.count; j++)
            if (!check_rows_add(&rows, place->name, &place->findings.items[j], &arena))
                break;
    }
    check_rows_print(&rows, out);
    return arena_ok(&arena, err);
}

static void print_json(const struct image_namespaces *places, struct buf *out)
{
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; j < places->items[i].findings.count; j++)
            check_json(places->items[i].name, &places->items[i].findings.items[j], out);
}

static bool print(const struct check_options *options, const struct image_namespaces *places,
                  struct error *err)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_LIMIT_BYTES);

    if (options->json)
        print_json(places, &out);
    else if (!print_table(places, &out, err))
        return false;
    return command_print(&out, err);
}

static bool is_healthy(const struct image_namespaces *places)
{
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; j < places->items[i].findings.count; j++)
            if (check_is_wrong(&places->items[i].findings.items[j]))
                return false;
    return true;
}

/* Prints a line for each namespace that failed, wholly or in part. */
static void print_failures(const struct image_namespaces *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].failure.code != ERROR_NONE)
            command_print_error(command_find("check"), &places->items[i].failure);
}

static bool scrub(const struct check_options *options, struct containerd *daemon, bool *healthy,
                  struct error *err)
{
    const char *names[FLAG_VALUES_MAX + 1] = {NULL};
    bool intact;

    for (size_t i = 0; i < options->namespaces.count; i++)
        names[i] = options->namespaces.items[i];
    if (!check_scrub(daemon, options->namespaces.count > 0 ? names : NULL, options->json, &intact,
                     err))
        return false;
    *healthy = *healthy && intact;
    return true;
}

static void report_choice(const struct daemon_choice *choice)
{
    if (*choice->others)
        fprintf(stderr,
                "containerd_exporter check: warning: processes listen at several sockets of "
                "containerd: using %s, not %s; --address decides\n",
                choice->address, choice->others);
}

/* Sets *status to the exit status that the images and blobs deserve. */
static bool check(const struct check_options *options, int *status, struct error *err)
{
    CLEANUP(containerd_freep)
    struct containerd *daemon = setup_containerd(options->address, report_choice, err);
    CLEANUP(image_inventory_freep)
    struct image_inventory *inventory =
        daemon ? image_inventory_new(daemon, options->snapshotter, err) : NULL;
    const struct image_namespaces *places;
    struct error ignored;
    bool healthy;

    if (!inventory)
        return false;
    places = image_inventory_namespaces(inventory);
    if (!check_images(options, inventory, err) || !print(options, places, err))
        return false;
    print_failures(places);
    healthy = is_healthy(places);
    if (options->scrub && !scrub(options, daemon, &healthy, err))
        return false;
    *status = healthy ? EXIT_HEALTHY : EXIT_UNHEALTHY;
    if (image_inventory_failures(inventory, &ignored) > 0)
        *status = EXIT_FAILED;
    return true;
}

int command_check(int argc, char **argv)
{
    const struct command *self = command_find("check");
    struct check_options options;
    struct error err;
    int status = EXIT_HEALTHY;
    bool ok = parse(&options, argc, argv, &err);

    if (ok && options.help) {
        command_help(self);
        return EXIT_HEALTHY;
    }
    if (ok) {
        rpc_library_init();
        ok = check(&options, &status, &err);
        rpc_library_deinit();
    }
    if (!ok) {
        command_print_error(self, &err);
        return EXIT_FAILED;
    }
    return status;
}

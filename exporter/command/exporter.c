/* SPDX-License-Identifier: Apache-2.0 */
/* The command without a name: prints what its flags ask for, checks the files, or serves. */
#include "command/command.h"

#include "command/complete.h"
#include "command/config_check.h"
#include "command/serve.h"
#include "command/setup.h"
#include "command/terminal/help.h"
#include "os/build.h"
#include "os/rootfs.h"

#include <stdio.h>

#define MANUAL_LIMIT_BYTES ((size_t)256 << 10)

static void print_fact(const char *name, const char *fact)
{
    if (build_knows(fact))
        printf("  %-17s %s\n", name, fact);
}

static void print_version(void)
{
    printf("containerd_exporter, version %s", build_version);
    if (build_knows(build_revision))
        printf(" (branch: %s, revision: %s)", build_branch, build_revision);
    printf("\n");
    print_fact("build user:", build_user);
    print_fact("build date:", build_date);
    printf("  compiler:         %s%s\n"
           "  platform:         linux/%s\n",
           build_compiler, build_libc, build_arch);
    print_fact("tags:", build_tags);
}

static void append_manual(void *arg, const struct flag *flags)
{
    help_manual(flags, arg);
}

/* Prints the flags of all commands for deploy/containerd_exporter.8. */
static void print_manual(void)
{
    CLEANUP(buf_deinit) struct buf manual = BUF_INIT(MANUAL_LIMIT_BYTES);

    for (const struct command *command = commands; command->name; command++) {
        if (*command->name) {
            buf_printf(&manual, ".Sh COMMAND %s\n", command->name);
            help_manual_text(command->text, &manual);
        } else {
            buf_append_str(&manual, ".Sh FLAGS\n");
        }
        command->flags(append_manual, &manual);
    }
    fputs(manual.data ? manual.data : "", stdout);
}

/* Prints what the flags ask for. Returns false if they ask for nothing. */
static bool show(const struct options *options)
{
    if (options->help)
        command_help(&commands[0]);
    else if (options->version)
        print_version();
    else if (options->manual)
        print_manual();
    else if (options->bash || options->zsh)
        fputs(options->bash ? complete_script_bash : complete_script_zsh, stdout);
    else
        return false;
    return true;
}

int command_exporter(int argc, char **argv)
{
    struct config_schema schema = setup_schema;
    struct options options;
    struct error err;
    bool ok = options_parse(&options, argc, argv, &err);

    if (ok && show(&options))
        return EXIT_SUCCESS;
    ok = ok && (rootfs_use(options.rootfs, &err) || error_wrap(&err, "--path.rootfs"));
    if (!ok) {
        command_print_error(&commands[0], &err);
        return EXIT_FAILURE;
    }
    schema.collectors = options.collectors;
    schema.collectors_off = options.collectors_off;
    if (options.config_check) {
        log_set_level(LOG_ERROR);
        return config_check(&options, &schema) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    log_set_level(options.log_level);
    log_set_prober_level(options.log_prober);
    log_set_format(options.log_format);
    return serve(&options, &schema) ? EXIT_SUCCESS : EXIT_FAILURE;
}

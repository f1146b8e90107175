/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command of the command line and runs it. Commands are files in command/. */

#include "command/command.h"
#include "command/complete.h"
#include "encoding/suggest.h"

#include <stdio.h>
#include <string.h>

#define LINES_LIMIT_BYTES ((size_t)1 << 20)
#define HINT_LIMIT_BYTES  ((size_t)512)

static int reject(const char *name)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(HINT_LIMIT_BYTES);
    struct suggest_words words = {0};
    struct error err;

    for (const struct command *command = commands + 1; command->name; command++)
        suggest_add(&words, command->name);
    suggest(&words, name, &hint);
    error_set(&err, ERROR_INVALID, "unknown command \"%s\"%s, try --help", name,
              hint.data ? hint.data : "");
    command_print_error(&commands[0], &err);
    return EXIT_FAILURE;
}

static int help(const char *name)
{
    const struct command *command = command_find(name ? name : "");

    if (!command)
        return reject(name);
    command_help(command);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_deinit) struct arena lines = ARENA_INIT(LINES_LIMIT_BYTES);
    struct arguments all;
    const char *word;
    struct error err;

    if (argc > 1 && strcmp(argv[1], COMPLETE_FLAG) == 0) {
        complete_print(argc - 2, argv + 2);
        return EXIT_SUCCESS;
    }
    if (!arguments_expand(&all, argc, argv, &lines, &err)) {
        command_print_error(&commands[0], &err);
        return EXIT_FAILURE;
    }
    word = all.count > 1 ? all.items[1] : "-";
    if (strcmp(word, "help") == 0)
        return help(all.items[2]);
    if (word[0] == '-' || !*word)
        return commands[0].run(all.count, all.items);
    return command_find(word) ? command_find(word)->run(all.count - 1, all.items + 1)
                              : reject(word);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/complete.h"

#include "base/text.h"
#include "command/command.h"
#include "command/setup.h"
#include "command/terminal/help.h"

#include <stdio.h>
#include <string.h>

#define WORDS_LIMIT_BYTES ((size_t)1 << 20)
#define CONFIG_FLAG       "--config.file" /* the only flag of `probe` with a value */

/* bash splits words at "=" and passes "=" as a word of its own. Without candidates it completes
 * file names. */
const char complete_script_bash[] =
    "_containerd_exporter() {\n"
    "    local IFS=$'\\n'\n"
    "    COMPREPLY=($(\"${COMP_WORDS[0]}\" --completion-bash "
    "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
    "}\n"
    "complete -o default -F _containerd_exporter containerd_exporter\n";

const char complete_script_zsh[] =
    "#compdef containerd_exporter\n"
    "_containerd_exporter() {\n"
    "    local -a matches\n"
    "    matches=(${(f)\"$(${words[1]} --completion-bash ${(@)words[2,CURRENT]} "
    "2>/dev/null)\"})\n"
    "    if (( ${#matches} )); then compadd -a matches; else _files; fi\n"
    "}\n"
    "compdef _containerd_exporter containerd_exporter\n";

/* The command line so far. */
struct line {
    const struct command *command;
    const char *previous,
        *word; /* "--name" and "va" for "--name va", and for "--name=va" in bash */
    const char *config_file;
    struct buf *out;
};

static void complete_flags(void *arg, const struct flag *flags)
{
    const struct line *line = arg;

    help_complete(flags, line->previous, line->word, line->out);
}

static void complete_commands(const struct line *line)
{
    for (const struct command *command = commands + 1; command->name; command++)
        if (text_starts_with(command->name, line->word))
            buf_printf(line->out, "%s\n", command->name);
    if (text_starts_with("help", line->word))
        buf_append_str(line->out, "help\n");
}

static void complete_probes(const struct line *line)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(WORDS_LIMIT_BYTES);
    struct config config;
    struct error ignored; /* completion prints no errors */

    if (!config_load(&config, &setup_schema, setup_config_file(line->config_file), &problems,
                     &ignored))
        return;
    for (size_t i = 0; i < config.n_jobs; i++)
        if (config.jobs[i].collector->lane == LANE_PROBE &&
            text_starts_with(config.jobs[i].name, line->word))
            buf_printf(line->out, "%s\n", config.jobs[i].name);
    config_deinit(&config);
}

/* Reads all words but the last. */
static void read_words(struct line *line, int argc, char **argv)
{
    for (int i = 0; i + 1 < argc; i++) {
        const struct command *command = i == 0 ? command_find(argv[i]) : NULL;

        if (strcmp(argv[i], "=") == 0)
            continue;
        if (command && command != commands)
            line->command = command;
        if (line->previous && strcmp(line->previous, CONFIG_FLAG) == 0)
            line->config_file = argv[i];
        if (text_starts_with(argv[i], "--config.file="))
            line->config_file = argv[i] + strlen("--config.file=");
        line->previous = argv[i];
    }
}

void complete_print(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(WORDS_LIMIT_BYTES);
    struct line line = {&commands[0], NULL, argc > 0 ? argv[argc - 1] : "", NULL, &out};

    if (strcmp(line.word, "=") == 0)
        line.word = "";
    read_words(&line, argc, argv);
    if (argc == 1 && line.word[0] != '-')
        complete_commands(&line);
    else if (argc == 2 && strcmp(argv[0], "help") == 0)
        complete_commands(&line);
    else
        line.command->flags(complete_flags, &line);
    if (out.size == 0 && strcmp(line.command->name, "probe") == 0 &&
        (!line.previous || strcmp(line.previous, CONFIG_FLAG) != 0))
        complete_probes(&line);
    fputs(out.data ? out.data : "", stdout);
}

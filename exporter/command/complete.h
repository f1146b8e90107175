/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion by shells: the scripts only ask this binary, which knows its own flags, commands and
 * the probes of the configuration file.
 */
#ifndef COMMAND_COMPLETE_H
#define COMMAND_COMPLETE_H

extern const char complete_script_bash[], complete_script_zsh[];

/* What the script calls: the words after the program's name, of which the last is to be completed.
 * Prints one candidate per line. */
#define COMPLETE_FLAG "--completion-bash"
void complete_print(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell completion. The scripts ask this binary for candidates, because it knows its flags, its
 * commands and the probes of the configuration file.
 */
#pragma once

extern const char complete_script_bash[], complete_script_zsh[];

/* The scripts pass this flag and the words after the name of the program. Completes the last word
 * and prints one candidate per line. */
#define COMPLETE_FLAG "--completion-bash"
void complete_print(int argc, char **argv);

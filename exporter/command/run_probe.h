/* SPDX-License-Identifier: Apache-2.0 */
/* The command `probe`: runs configured probes once and prints the results. */
#ifndef COMMAND_RUN_PROBE_H
#define COMMAND_RUN_PROBE_H

#include "command/command.h"

extern const char command_probe_text[];
void command_probe_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);

/* argv[0] must be "probe". Returns the exit status. */
int command_probe(int argc, char **argv);

#endif

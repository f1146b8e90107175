/* SPDX-License-Identifier: Apache-2.0 */
/* The command `metrics`: explains every metric of this build. */
#ifndef COMMAND_METRICS_REFERENCE_H
#define COMMAND_METRICS_REFERENCE_H

#include "command/command.h"

extern const char command_metrics_text[];
void command_metrics_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);

/* argv[0] must be "metrics". Returns the exit status. */
int command_metrics(int argc, char **argv);

#endif

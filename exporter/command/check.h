/* SPDX-License-Identifier: Apache-2.0 */
/* The command `check`: like `ctr images check`, for all namespaces. */
#ifndef COMMAND_CHECK_H
#define COMMAND_CHECK_H

#include "command/command.h"

extern const char command_check_text[];
void command_check_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);

/* argv[0] must be "check". Returns the exit status. */
int command_check(int argc, char **argv);

#endif

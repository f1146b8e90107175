/* SPDX-License-Identifier: Apache-2.0 */
/* The command without a name: serves metrics, or prints what its flags ask for. */
#ifndef COMMAND_EXPORTER_H
#define COMMAND_EXPORTER_H

/* Returns the exit status. */
int command_exporter(int argc, char **argv);

#endif

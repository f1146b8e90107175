/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the documents of several files into those of one. */
#pragma once

#include "config/config_reading.h"

/* Moves `documents`, those of the next file, to the end of `into`. The settings of the file become
 * part of the settings in `into`; what two files say is reported. */
void config_join(const struct config_reading *reading, struct yaml_node *into,
                 struct yaml_node *documents);

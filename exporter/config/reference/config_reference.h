/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key of the configuration file, from the tables of settings: as Markdown for people, and as
 * a JSON schema (draft 7) for editors.
 *
 * The schema accepts what config_parse() accepts, except for what one value alone cannot show: an
 * invalid reference, two probes of one name. It accepts ${NAME} wherever that may be a valid value.
 */
#pragma once

#include "config/config.h"

void config_reference_markdown(const struct config_schema *schema, struct buf *out);
void config_reference_json(const struct config_schema *schema, struct buf *out);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration in force, as YAML.
 *
 * Defaults are included. Secrets (SETTING_SECRET) are printed as "<secret>". Settings without a
 * value and without a default are left out.
 */
#pragma once

#include "base/buf.h"
#include "config/config.h"

struct config_dump {
    struct buf *out;
    unsigned indent;
    bool item; /* the next line starts an item of a list */
};

void config_dump_heading(struct config_dump *to, const char *key); /* "key:" */

void config_dump_duration(struct buf *out, int64_t ns); /* "1h30m" */

/* Prints the settings that settings_fill() stored in `from`. `table` may be NULL. */
void config_dump_settings(struct config_dump *to, const struct setting *table, const void *from);

/* Prints the section of a job. The caller prints the heading of a collector. */
void config_dump_job(struct config_dump *to, const struct config_job *job);

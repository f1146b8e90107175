/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as it is in force, as YAML for people: defaults are written out, what is a
 * secret (SETTING_SECRET) is "<secret>", what is not set and has no default is left out.
 */
#ifndef CONFIG_CONFIG_DUMP_H
#define CONFIG_CONFIG_DUMP_H

#include "base/buf.h"
#include "config/config.h"

struct config_dump {
    struct buf *out;
    unsigned indent;
    bool item; /* what comes next begins an item of a list */
};

void config_dump_heading(struct config_dump *to, const char *key); /* "key:" */
void config_dump_text(struct config_dump *to, const char *key, const char *text);
void config_dump_duration(struct config_dump *to, const char *key, int64_t ns);

/* What settings_fill() put into `from` by this table, which may be NULL. */
void config_dump_settings(struct config_dump *to, const struct setting *table, const void *from);

/* The section of a job, without the name that it stands under if it is no probe. */
void config_dump_job(struct config_dump *to, const struct config_job *job);

#endif

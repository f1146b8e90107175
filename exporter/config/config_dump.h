/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as it is in force, as YAML for people: defaults are written out, what is a
 * secret (SETTING_SECRET) is "<secret>", what is not set and has no default is left out.
 */
#ifndef CONFIG_CONFIG_DUMP_H
#define CONFIG_CONFIG_DUMP_H

#include "base/buf.h"
#include "config/config.h"

struct effective {
    struct buf *out;
    unsigned indent;
    bool item; /* what comes next begins an item of a list */
};

void effective_heading(struct effective *to, const char *key); /* "key:" */
void effective_text(struct effective *to, const char *key, const char *text);
void effective_duration(struct effective *to, const char *key, int64_t ns);

/* What settings_fill() put into `from` by this table, which may be NULL. */
void effective_settings(struct effective *to, const struct setting *table, const void *from);

/* The section of a job, without the name that it stands under if it is no probe. */
void effective_job(struct effective *to, const struct config_job *job);

#endif

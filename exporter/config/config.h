/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reading of the configuration file: the jobs it asks for.
 *
 * It is read whole and checked whole: every mistake is reported, each as a line
 * "file:line:column: what is wrong". Only a file without a mistake gives jobs. They
 * are then compared with the jobs that run (scheduler_apply); the config itself
 * is never shared between threads and does not outlive the comparison.
 *
 *     containerd: {...}          a section that main declared (struct config_section)
 *     collectors:                 name -> settings of an inventory collector
 *       images: {interval: 30s, timeout: 10s, enabled: true, ...}
 *     registries:                 host -> resource_settings of the probes; "*": all other hosts
 *       registry.example:5000: {plain_http: true, max_concurrent: 2}
 *     probes:                     one job each
 *       - {name: x, operation: pull, interval: 5m, timeout: 2m, ...}
 *     kubernetes: {...}           where documents of canary-checker find their secrets
 *     ---                         and any number of those documents, whose checks are probes, too
 *     {apiVersion: canaries.flanksource.com/v1, kind: Canary, ...}
 *
 * Strict: an unknown key, a key twice, an alias, a wrong type, an unset ${VARIABLE}, two
 * probes of one name are errors. An empty or missing section means defaults.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "collector/collector.h"
#include "config/cron.h"

/* What the command line says about a collector. */
enum config_switch {
    CONFIG_DEFAULT, /* nothing: the file and the collector's own default decide */
    CONFIG_ON,
    CONFIG_OFF,
};

/* A top-level section that belongs to no job. It fills a struct inside `config->globals`. */
struct config_section {
    const char *name; /* NULL ends a table */
    const struct setting *settings;
};

struct config_schema {
    const struct collector *const *catalog; /* ends with NULL */
    const struct config_section *sections;
    size_t globals_size; /* all sections fill one struct of this size */
    /* What the command line wants of collectors, but not of probes. */
    bool collectors_off; /* those run that the file or a flag asks for */
    const enum config_switch
        *collectors; /* as in the catalog, and over the file; NULL: no switch */
};

struct config_job {
    const struct collector *collector;
    const char *name;        /* a collector's own name, or the probe's; in `arena` */
    const char *fingerprint; /* equal for equal settings: hash of the section, of the registry's
                              * entry and of all global sections, variables replaced */
    int64_t interval_ns, timeout_ns;
    const struct cron *cron; /* NULL: every interval_ns; else that is its shortest gap */
    const char *schedule;    /* as it is written; "" or NULL: there is none */
    int64_t retry_ns;        /* from a failure to the next run, if that is sooner; 0: never */
    const char *resource;    /* whom it burdens; NULL: nobody that is known */
    uint64_t max_concurrent; /* jobs of that resource at once; 0: as many as come */
    struct arena *arena;     /* malloc'ed; owns all of the above and what the state points to */
    void *state; /* filled and checked, not opened; malloc'ed; NULL if state_size is 0 */
};

/* What the documents of canary-checker in the file came to. */
struct config_canaries {
    size_t documents, suspended; /* suspended ones make no probes */
    size_t probes;
};

struct config {
    struct config_job *jobs;
    size_t n_jobs;
    struct config_canaries canaries;
    void *globals;
    const char *globals_fingerprint;
    struct buf config_dump; /* what belongs to no job, as config/config_dump.h shows it: global
                             * sections, registries, then `collectors:` with those that are off */
    struct arena arena_;    /* private */
};

/* `data` need not end with a NUL. On failure `problems` holds one line per mistake and *err a
 * summary ("3 mistakes in x.yml"); *config then needs no deinit. Empty data is a valid file. */
bool config_parse(struct config *config, const struct config_schema *schema, const char *file,
                  const char *data, size_t size, struct buf *problems,
                  struct error *err) MUST_CHECK;

/* Reads `path` first; NULL means no file, only defaults. */
bool config_load(struct config *config, const struct config_schema *schema, const char *path,
                 struct buf *problems, struct error *err) MUST_CHECK;

/* Frees what nobody took: scheduler_apply() takes jobs by setting their `arena` to NULL. */
void config_deinit(struct config *config);

/* Frees the state and then the arena of a job that was taken. */
void config_job_release(struct config_job *job);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file, read into a list of jobs.
 *
 * It may be a directory: its files *.yml and *.yaml are read in the order of their names, as if
 * they were one file. Lists of `probes` are appended, members of `registries` and `collectors` are
 * joined, and every other key must be in one file only.
 *
 * Warnings are about what is valid but probably not meant. They never fail.
 *
 * Every mistake of a file is reported, each as a line "file:line:column: message". Only a file
 * without mistakes returns jobs. scheduler_apply() compares them with the running jobs. A struct
 * config belongs to one thread and is freed after that comparison.
 *
 *     containerd: {...}          a global section (struct config_section)
 *     collectors:                 name -> settings of an inventory collector
 *       images: {interval: 30s, timeout: 10s, enabled: true, ...}
 *     registries:                 host -> resource_settings of the probes; "*": all other hosts
 *       registry.example:5000: {plain_http: true, max_concurrent: 2}
 *       "*": {docker_config: /x}  also of the hosts whose entry has no credentials
 *     defaults:                   keys that probes need not repeat, also for one operation
 *       {timeout: 2m, pull: {unpack: false}}
 *     probes:                     one job each, unless enabled: false
 *       - {name: x, operation: pull, interval: 5m, timeout: 2m, ...}
 *     kubernetes: {...}           directories of the secrets that Canary documents refer to
 *     ---                         any number of canary-checker's documents; their checks are probes
 *     {apiVersion: canaries.flanksource.com/v1, kind: Canary, ...}
 *
 * Reading is strict: an unknown key, a duplicate key, an unknown tag, a wrong type, an unset
 * ${VARIABLE} and a duplicate probe name are errors. An empty or missing section means defaults.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "collector/collector.h"
#include "config/cron.h"
#include "encoding/problems.h"

/* The command-line flag of a collector. */
enum config_switch {
    CONFIG_DEFAULT, /* not set: the file and the collector's own default decide */
    CONFIG_ON,
    CONFIG_OFF,
};

/* A global section of the top level. It fills a struct inside `config->globals`. */
struct config_section {
    const char *name; /* NULL ends a table */
    const struct setting *settings;
    /* Optional, like check() of a collector: whether `globals` are valid. No I/O. May set *key to
     * the name of the invalid setting. */
    bool (*check)(const void *globals, const char **key, struct error *err);
    /* Optional, likewise: whether they fit this machine. Called after check() if the schema has
     * reviews_machine; what it returns is a warning. */
    bool (*review)(const void *globals, const char **key, struct error *err);
};

struct config_schema {
    const struct collector *const *catalog; /* ends with NULL */
    const struct config_section *sections;
    size_t globals_size;  /* all sections fill one struct of this size */
    bool opens_files;     /* warn of files that a run could not read */
    bool reviews_machine; /* warn of global sections that do not fit this machine */
    /* Optional. Returns whether the address of a Docker Engine is configured. */
    bool (*has_docker)(const void *globals);
    /* From the command line; probes are not affected. */
    bool collectors_off;                  /* collectors are disabled unless enabled explicitly */
    const enum config_switch *collectors; /* in the order of the catalog; override the file; NULL:
                                           * no flags */
};

struct config_job {
    const struct collector *collector;
    bool enabled;            /* false: a probe that is checked, but not added to the jobs */
    const char *name;        /* of the collector or of the probe; in `arena` */
    struct place place;      /* of the section in the file; its `file` is in `arena` */
    const char *fingerprint; /* equal for equal settings: hash of the section, of the registry's
                              * entry and of all global sections, after variable expansion */
    int64_t interval_ns, timeout_ns;
    const struct cron
        *cron;            /* NULL: runs every interval_ns; else interval_ns is its shortest gap */
    const char *schedule; /* as written in the file; "" or NULL: none */
    int64_t retry_ns;     /* delay of a retry after a failure, if sooner; 0: no retries */
    const char *resource; /* the registry that the job uses; NULL: unknown */
    uint64_t max_concurrent; /* jobs that may use the resource at once; 0: no limit */
    struct arena *arena;     /* malloc'ed; owns the strings above and those of the state */
    void *state;             /* filled and checked, not opened; malloc'ed; NULL: state_size is 0 */
};

/* Counts of canary-checker's documents in the file. */
struct config_canaries {
    size_t documents, suspended; /* suspended documents create no probes */
    size_t probes;
};

struct config {
    struct config_job *jobs;
    size_t n_jobs;
    struct config_canaries canaries;
    void *globals;
    const char *globals_fingerprint;
    struct buf config_dump;   /* the sections without a job, as config/config_dump.h prints them:
                               * global sections, registries, then `collectors:` with those that are
                               * disabled */
    struct buf disabled;      /* names of disabled probes, each with a line break */
    struct buf disabled_dump; /* their entries of `probes:`, likewise */
    size_t n_disabled;
    struct buf warnings; /* a line "file:line:column: warning: ..." for each */
    size_t n_warnings;
    struct arena arena_;
};

/* `data` may lack a terminating NUL; empty data is a valid file. On failure `problems` holds one
 * line per mistake and *err a summary ("3 mistakes in x.yml"), and *config needs no deinit. */
bool config_parse(struct config *config, const struct config_schema *schema, const char *file,
                  const char *data, size_t size, struct buf *problems,
                  struct error *err) MUST_CHECK;

/* Reads and parses `path`, a file or a directory; NULL: no file, only defaults. If it cannot be
 * read, or a directory has no file, `problems` stays empty. After a failure `config` is empty. */
bool config_load(struct config *config, const struct config_schema *schema, const char *path,
                 struct buf *problems, struct error *err) MUST_CHECK;

/* A hash that changes when the file, or a file of the directory, is written, replaced (also through
 * a symbolic link), added or removed. 0: it has no file. */
uint64_t config_stamp(const char *path);

/* Frees everything but the jobs that the caller took by setting their `arena` to NULL. */
void config_deinit(struct config *config);

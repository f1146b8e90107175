/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file, checks its top level and passes each part to its own reader. */
#include "config/config.h"

#include "config/canary_checker/canary_documents.h"
#include "config/config_dump.h"
#include "config/config_job.h"
#include "config/config_sections.h"
#include "config/files/config_files.h"
#include "config/files/config_join.h"
#include "config/fingerprint.h"
#include "config/settings.h"
#include "config/variables.h"
#include "encoding/yaml_build.h"
#include "os/file.h"

#include <string.h>

#define NODES_LIMIT_BYTES   ((size_t)32 << 20) /* 100 000 values in a file of YAML_SIZE_MAX */
#define GLOBALS_LIMIT_BYTES ((size_t)4 << 20)
#define DUMP_LIMIT_BYTES    ((size_t)4 << 20)
#define READINGS_MAX        4 /* of a directory that changes meanwhile */

static const char *const parts[] = {"collectors", "registries", "defaults", "probes", "kubernetes"};

static void check_top_level(const struct config_reading *reading)
{
    struct suggest_words words = {0};

    for (const struct config_section *at = reading->schema->sections; at && at->name; at++)
        suggest_add(&words, at->name);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        suggest_add(&words, parts[i]);
    for (const struct yaml_node *at = reading->root->children; at; at = at->next) {
        size_t i = 0;

        while (i < words.count && strcmp(words.items[i], at->key->text) != 0)
            i++;
        if (i == words.count)
            settings_unknown(reading->problems, "key", at->key, &words);
    }
}

static void report(struct problems *to, const char *kind, const struct settings_source *source,
                   const char *key, const struct error *err)
{
    const struct yaml_node *value = key ? settings_find(source->section, key) : NULL;

    if (value)
        problems_add(to, value->place, "%s\"%s\": %s", kind, key, err->message);
    else
        problems_add(to, source->place, "%s%s", kind, err->message);
}

static void check_section(struct config_reading *reading, const struct config_section *section,
                          const struct settings_source *source)
{
    const void *globals = reading->config->globals;
    const char *key = NULL;
    struct error err;

    if (section->check && !section->check(globals, &key, &err))
        report(reading->problems, "", source, key, &err);
    else if (section->review && reading->schema->reviews_machine &&
             !section->review(globals, &key, &err))
        report(reading->warnings, "warning: ", source, key, &err);
}

static void read_globals(struct config_reading *reading)
{
    struct config *config = reading->config;
    struct fingerprint fingerprint;

    fingerprint_init(&fingerprint);
    for (const struct config_section *at = reading->schema->sections; at && at->name; at++) {
        const struct yaml_node *section = yaml_member(reading->root, at->name, strlen(at->name));
        struct settings_source source =
            settings_source_of(section, reading->root, &config->arena_, reading->problems);

        settings_check_keys(&source, at->settings, NULL);
        if (settings_fill(&source, at->settings, SETTINGS_ALL, config->globals)) {
            config_dump_heading(&(struct config_dump){&config->config_dump}, at->name);
            config_dump_settings(&(struct config_dump){&config->config_dump, 2}, at->settings,
                                 config->globals);
            check_section(reading, at, &source);
        }
        fingerprint_tree(&fingerprint, section);
    }
    config->globals_fingerprint = fingerprint_hex(&fingerprint, &config->arena_);
}

static bool allocate(struct config_reading *reading)
{
    struct config *config = reading->config;

    config->jobs = calloc(config_jobs_max(reading) + 1, sizeof(*config->jobs));
    config->globals = calloc(1, reading->schema->globals_size + 1);
    if (!config->jobs || !config->globals)
        return problems_add(reading->problems, reading->root->place, "out of memory");
    return true;
}

static void read_parts(struct config_reading *reading, struct yaml_node *documents)
{
    const struct yaml_node *root;
    struct error err;

    variables_replace(documents, reading->arena, reading->problems);
    if (!canary_documents_read(reading, documents))
        return;
    root = reading->root;
    if (root->kind == YAML_BROKEN || !allocate(reading))
        return;
    if (root->kind != YAML_MAPPING && !yaml_is_null(root)) {
        problems_add(reading->problems, root->place, "expected a mapping, found %s",
                     yaml_describe(root));
        return;
    }
    check_top_level(reading);
    read_globals(reading);
    if (!arena_ok(&reading->config->arena_, &err)) {
        problems_add(reading->problems, root->place, "%s", err.message);
        return;
    }
    config_read_registries(reading);
    config_read_collectors(reading);
    config_read_probes(reading);
}

/* One reading of all files. */
struct parser {
    struct config_reading reading;
    struct arena arena;
    struct problems found, warnings;
};

static void parser_init(struct parser *parser, struct config *config,
                        const struct config_schema *schema)
{
    *parser = (struct parser){.arena = ARENA_INIT(NODES_LIMIT_BYTES)};
    parser->found = (struct problems)PROBLEMS_INIT(&parser->arena);
    parser->warnings = (struct problems)PROBLEMS_INIT(&parser->arena);
    parser->reading = (struct config_reading){.schema = schema,
                                              .arena = &parser->arena,
                                              .problems = &parser->found,
                                              .warnings = &parser->warnings,
                                              .config = config};
    *config = (struct config){.arena_ = ARENA_INIT(GLOBALS_LIMIT_BYTES),
                              .config_dump = BUF_INIT(DUMP_LIMIT_BYTES),
                              .disabled = BUF_INIT(DUMP_LIMIT_BYTES),
                              .disabled_dump = BUF_INIT(DUMP_LIMIT_BYTES),
                              .warnings = BUF_INIT(DUMP_LIMIT_BYTES)};
}

static void parser_deinit(struct parser *parser)
{
    arena_deinit(&parser->arena);
}

/* `documents` NULL: not readable, which is reported. On failure frees the configuration. */
static bool finish(struct parser *parser, struct yaml_node *documents, const char *path,
                   struct buf *problems, struct error *err)
{
    struct config *config = parser->reading.config;
    size_t n;

    if (documents)
        read_parts(&parser->reading, documents);
    if (documents && !arena_ok(&parser->arena, err)) /* then some mistakes may be missing */
        problems_add(&parser->found, documents->place, "%s", err->message);
    config->n_warnings = problems_total(&parser->warnings);
    problems_print(&parser->warnings, path, &config->warnings);
    n = problems_total(&parser->found);
    if (n == 0)
        return true;
    problems_print(&parser->found, path, problems);
    config_deinit(config);
    return error_set(err, ERROR_INVALID, "%zu mistake%s in %s", n, n == 1 ? "" : "s", path);
}

bool config_parse(struct config *config, const struct config_schema *schema, const char *file,
                  const char *data, size_t size, struct buf *problems, struct error *err)
{
    CLEANUP(parser_deinit) struct parser parser;

    parser_init(&parser, config, schema);
    return finish(&parser, yaml_parse_all(&parser.arena, data, size, &parser.found), file, problems,
                  err);
}

/* Mistakes of the file's syntax do not hide those of the other files. */
static bool add_file(struct parser *parser, const char *path, struct yaml_node *into,
                     struct error *err)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(YAML_SIZE_MAX);
    struct yaml_node *documents;

    if (!file_read(path, &data, err))
        return false;
    parser->found.file = arena_strdup(&parser->arena, path);
    documents = yaml_parse_all(&parser->arena, data.data, data.size, &parser->found);
    parser->found.file = NULL;
    if (documents)
        config_join(&parser->reading, into, documents);
    return true;
}

static bool load_directory(struct config *config, const struct config_schema *schema,
                           const char *path, struct buf *problems, struct error *err)
{
    CLEANUP(parser_deinit) struct parser parser;
    CLEANUP(config_files_deinit) struct config_files files = {0};
    struct yaml_node *documents;

    parser_init(&parser, config, schema);
    documents = yaml_build_root(&parser.arena, YAML_SEQUENCE, (struct place){1, 1});
    if (!documents)
        return error_memory(err);
    if (!config_files_list(&files, path, err))
        return false;
    for (size_t i = 0; i < files.count; i++)
        if (!add_file(&parser, files.paths[i], documents, err))
            return false;
    return finish(&parser, documents, path, problems, err);
}

/* A ConfigMap may be replaced while its files are read: the next reading has all of its new files.
 */
static bool load_settled_directory(struct config *config, const struct config_schema *schema,
                                   const char *path, struct buf *problems, struct error *err)
{
    for (size_t i = 1;; i++) {
        uint64_t stamp = config_stamp(path);
        bool ok = load_directory(config, schema, path, problems, err);

        if (i == READINGS_MAX || config_stamp(path) == stamp)
            return ok;
        config_deinit(config);
        buf_clear(problems);
    }
}

bool config_load(struct config *config, const struct config_schema *schema, const char *path,
                 struct buf *problems, struct error *err)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(YAML_SIZE_MAX);

    *config = (struct config){0};
    if (!path)
        return config_parse(config, schema, "defaults", "", 0, problems, err);
    if (config_files_is_directory(path))
        return load_settled_directory(config, schema, path, problems, err);
    return file_read_stream(path, &data, err) &&
           config_parse(config, schema, path, data.data, data.size, problems, err);
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config->n_jobs; i++)
        if (config->jobs[i].arena)
            config_job_release(&config->jobs[i]);
    free(config->jobs);
    free(config->globals);
    buf_deinit(&config->config_dump);
    buf_deinit(&config->disabled);
    buf_deinit(&config->disabled_dump);
    buf_deinit(&config->warnings);
    arena_deinit(&config->arena_);
    *config = (struct config){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, users and the rate limit. */
#include "server/config/web_config_private.h"

#include "encoding/go_duration.h"

#include <string.h>

#define HEADER_BYTES_MAX 4096
#define BCRYPT_BYTES     60
#define BCRYPT_COST_MIN  4
#define BCRYPT_COST_MAX  16 /* some seconds; a higher cost would delay all other requests */

static const struct {
    const char *name;
    const char *values[3]; /* allowed values; none: any */
} headers[WEB_HEADERS_MAX] = {
    {"Content-Security-Policy", {NULL}},
    {"Strict-Transport-Security", {NULL}},
    {"X-Content-Type-Options", {"nosniff"}},
    {"X-Frame-Options", {"deny", "sameorigin"}},
    {"X-XSS-Protection", {NULL}},
};

/* A line break would start another header. */
static bool has_control_character(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f)
            return true;
    return false;
}

static bool check_value(const struct web_config_reading *reading, const struct yaml_node *node,
                        const char *const *values)
{
    const char *name = node->key->text;

    if (strlen(node->text) > HEADER_BYTES_MAX)
        return problems_add(reading->problems, node->place,
                            "%s: value too long: the limit is %d bytes", name, HEADER_BYTES_MAX);
    if (has_control_character(node->text))
        return problems_add(reading->problems, node->place,
                            "%s: invalid control character in the value", name);
    for (size_t i = 0; values[i]; i++)
        if (strcmp(values[i], node->text) == 0)
            return true;
    if (values[0])
        return problems_add(reading->problems, node->place, "%s: expected %s%s%s, found \"%s\"",
                            name, values[0], values[1] ? " or " : "", values[1] ? values[1] : "",
                            node->text);
    return true;
}

/* A header without a value is not sent. */
static void read_header(struct web_config_reading *reading, const struct yaml_node *node)
{
    struct web_config *config = reading->config;
    size_t i = 0, n = 0;

    if (node->kind != YAML_SCALAR || yaml_is_null(node))
        return; /* was reported */
    while (i < WEB_HEADERS_MAX && strcmp(headers[i].name, node->key->text) != 0)
        i++;
    if (i == WEB_HEADERS_MAX) {
        problems_add(reading->problems, node->key->place,
                     "unknown header \"%s\": expected one of Content-Security-Policy, "
                     "Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
                     "X-XSS-Protection",
                     node->key->text);
        return;
    }
    if (!check_value(reading, node, headers[i].values) || !*node->text)
        return;
    while (config->headers[n].name)
        n++;
    config->headers[n].name = headers[i].name;
    config->headers[n].value = arena_strdup(reading->arena, node->text);
}

void web_config_read_headers(struct web_config_reading *reading)
{
    const struct yaml_node *map = settings_find(reading->root, "http_server_config.headers");

    for (const struct yaml_node *at = map && map->kind == YAML_MAPPING ? map->children : NULL; at;
         at = at->next)
        read_header(reading, at);
}

/* Returns NULL for a valid hash, else what is wrong, without the hash. */
static const char *find_hash_mistake(const char *hash)
{
    static const char alphabet[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    int cost;

    if (strncmp(hash, "$2a$", 4) != 0 && strncmp(hash, "$2b$", 4) != 0 &&
        strncmp(hash, "$2y$", 4) != 0)
        return "invalid bcrypt hash: expected $2a$, $2b$ or $2y$ at its start";
    if (strlen(hash) != BCRYPT_BYTES)
        return "invalid bcrypt hash: expected 60 characters";
    if (strspn(hash + 4, "0123456789") != 2 || hash[6] != '$' ||
        strspn(hash + 7, alphabet) != BCRYPT_BYTES - 7)
        return "invalid bcrypt hash: expected a cost of two digits, $, and 53 characters of "
               "[./A-Za-z0-9]";
    cost = (hash[4] - '0') * 10 + hash[5] - '0';
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return "invalid bcrypt hash: expected a cost from 4 to 16";
    return NULL;
}

static void check_user(const struct web_config_reading *reading, const struct yaml_node *node)
{
    const char *name = node->key->text, *mistake;

    if (!*name)
        problems_add(reading->problems, node->key->place, "empty user name");
    if (strchr(name, ':'))
        problems_add(reading->problems, node->key->place,
                     "invalid user name \"%s\": expected no colon", name);
    if (node->kind != YAML_SCALAR || yaml_is_null(node))
        return; /* was reported */
    mistake = find_hash_mistake(node->text);
    if (mistake)
        problems_add(reading->problems, node->place, "user \"%s\": %s", name, mistake);
}

void web_config_read_users(struct web_config_reading *reading)
{
    const struct yaml_node *map = settings_find(reading->root, "basic_auth_users");
    const struct setting_map *users = &reading->keys.users;
    struct web_user *copy = arena_alloc(reading->arena, (users->count + 1) * sizeof(*copy));

    if (!copy)
        return;
    for (const struct yaml_node *at = map && map->kind == YAML_MAPPING ? map->children : NULL; at;
         at = at->next)
        check_user(reading, at);
    for (size_t i = 0; i < users->count; i++)
        copy[i] = (struct web_user){users->names[i], users->values[i]};
    reading->config->users = copy;
    reading->config->n_users = users->count;
}

void web_config_read_rate_limit(struct web_config_reading *reading)
{
    static const char name[] = "rate_limit.interval";
    struct web_config *config = reading->config;
    const char *text = reading->keys.rate_interval;
    struct error err;

    config->rate_burst = reading->keys.rate_burst;
    if (!*text)
        return;
    if (!go_duration_ns(text, &config->rate_interval_ns, &err))
        web_config_reject(reading, name, "%s", err.message);
    else if (config->rate_interval_ns < 0)
        web_config_reject(reading, name, "found \"%s\", expected 0s or more", text);
    else if (config->rate_interval_ns > 0 && config->rate_burst == 0 &&
             !web_config_written(reading, "rate_limit.burst"))
        web_config_reject(
            reading, name,
            "missing key \"rate_limit.burst\": without it every request would be rejected");
    else if (config->rate_interval_ns > 0 && config->rate_burst == 0)
        web_config_reject(reading, "rate_limit.burst",
                          "found 0, expected 1 or more: 0 would reject every request");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, users and the rate limit. */
#include "server/config/web_config_private.h"

#include "encoding/go_duration.h"

#include <string.h>

#define HEADER_BYTES_MAX  4096
#define BCRYPT_PREFIX     "$2y$"
#define BCRYPT_REST_BYTES 56 /* cost, $, salt and hash */
#define BCRYPT_COST_MIN   4
#define BCRYPT_COST_MAX   16 /* some seconds; a higher cost would delay all other requests */

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

static bool has_control_character(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < ' ' && !strchr("\t\r\n", *value)) || *value == 0x7f)
            return true;
    return false;
}

/* As Go's server sends it: a line break would start another header and becomes a space, and blanks
 * at both ends are left out. */
static const char *copy_value(struct arena *arena, const char *value)
{
    static const char blanks[] = " \t\r\n";
    size_t size;
    char *copy;

    value += strspn(value, blanks);
    size = strlen(value);
    while (size > 0 && strchr(blanks, value[size - 1]))
        size--;
    copy = arena_strndup(arena, value, size);
    for (char *at = copy; at && *at; at++)
        if (*at == '\r' || *at == '\n')
            *at = ' ';
    return copy;
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
    const char *value;
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
    if (!check_value(reading, node, headers[i].values))
        return;
    value = copy_value(reading->arena, node->text);
    if (!value || !*value)
        return;
    while (config->headers[n].name)
        n++;
    config->headers[n].name = headers[i].name;
    config->headers[n].value = value;
}

void web_config_read_headers(struct web_config_reading *reading)
{
    const struct yaml_node *map = settings_find(reading->root, "http_server_config.headers");

    for (const struct yaml_node *at = map && map->kind == YAML_MAPPING ? map->children : NULL; at;
         at = at->next)
        read_header(reading, at);
}

/* What follows $2y$, or another of the prefixes that Go takes for the same; NULL: not bcrypt. */
static const char *cost_of(const char *hash)
{
    size_t letters = strncmp(hash, "$2", 2) == 0 ? strspn(hash + 2, "abxy") : 2;

    return letters < 2 && hash[2 + letters] == '$' ? hash + 3 + letters : NULL;
}

/* Returns NULL for a valid hash, else what is wrong, without the hash. As in Go, more text may
 * follow the hash: the line break of a block, for example. */
static const char *find_hash_mistake(const char *hash)
{
    static const char alphabet[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const char *text = cost_of(hash);
    int cost;

    if (!text)
        return "invalid bcrypt hash: expected $2a$, $2b$ or $2y$ at its start";
    if (strlen(text) < BCRYPT_REST_BYTES)
        return "invalid bcrypt hash: expected 60 characters";
    if (strspn(text, "0123456789") != 2 || text[2] != '$' ||
        strspn(text + 3, alphabet) < BCRYPT_REST_BYTES - 3)
        return "invalid bcrypt hash: expected a cost of two digits, $, and 53 characters of "
               "[./A-Za-z0-9]";
    cost = (text[0] - '0') * 10 + text[1] - '0';
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return "invalid bcrypt hash: expected a cost from 4 to 16";
    return NULL;
}

/* Every valid hash as 60 characters that begin with $2y$. */
static const char *copy_hash(struct arena *arena, const char *hash)
{
    char copy[sizeof(BCRYPT_PREFIX) + BCRYPT_REST_BYTES] = BCRYPT_PREFIX;

    if (find_hash_mistake(hash))
        return ""; /* was reported */
    memcpy(copy + strlen(BCRYPT_PREFIX), cost_of(hash), BCRYPT_REST_BYTES);
    return arena_strdup(arena, copy);
}

static void check_user(const struct web_config_reading *reading, const struct yaml_node *node)
{
    const char *name = node->key->text, *mistake;

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
        copy[i] = (struct web_user){users->names[i], copy_hash(reading->arena, users->values[i])};
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

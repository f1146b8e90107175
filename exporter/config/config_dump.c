/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_dump.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define STEP   2 /* columns per level */
#define SECRET "<secret>"

/* Returns whether YAML reads `text` without quotes as a string, not as a number, date, bool or
 * null. */
static bool is_plain(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/";
    static const char rest[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+-";
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    if (!*text || !strchr(first, *text))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (text_equal_ignoring_case(text, strlen(text), words[i]))
            return false;
    for (text += strspn(text, rest); *text == ':' && text[1]; text += strspn(text, rest))
        text++;
    return *text == '\0';
}

static void scalar(struct buf *out, const char *text)
{
    if (is_plain(text)) {
        buf_append_str(out, text);
        return;
    }
    buf_append_char(out, '"');
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            buf_printf(out, "\\x%02x", (unsigned char)*text);
            continue;
        }
        if (*text == '"' || *text == '\\')
            buf_append_char(out, '\\');
        if (*text == '$' && text[1] == '{') /* not a variable */
            buf_append_char(out, '$');
        buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}

static void line_start(struct config_dump *to, const char *key)
{
    buf_printf(to->out, "%*s%s", to->item ? (int)to->indent - STEP : (int)to->indent, "",
               to->item ? "- " : "");
    scalar(to->out, key);
    buf_append_char(to->out, ':');
    to->item = false;
}

void config_dump_duration(struct buf *out, int64_t ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"d", 86400 * NS_PER_SECOND},
                 {"h", 3600 * NS_PER_SECOND},
                 {"m", 60 * NS_PER_SECOND},
                 {"s", NS_PER_SECOND},
                 {"ms", NS_PER_MS}};

    if (ns == 0)
        buf_append_str(out, "0s");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ns %= units[i++].ns)
        if (ns >= units[i].ns)
            buf_printf(out, "%" PRId64 "%s", ns / units[i].ns, units[i].name);
}

static void bytes(struct buf *out, uint64_t n)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    for (; n > 0 && n % 1024 == 0 && unit < 4; unit++)
        n /= 1024;
    buf_printf(out, "%" PRIu64 "%s", n, units[unit]);
}

/* `names` NULL: without names. */
static void items(struct buf *out, const char *const *names, const char *const *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_append_str(out, i > 0 ? ", " : "");
        if (names) {
            scalar(out, names[i]);
            buf_append_str(out, ": ");
        }
        scalar(out, values[i]);
    }
}

static void value(struct buf *out, const struct setting *setting, const void *member)
{
    const struct setting_list *of_list = member;
    const struct setting_map *of_map = member;

    switch (setting->type) {
    case SETTING_STRING:
        scalar(out, *(const char *const *)member);
        break;
    case SETTING_SECRET:
        scalar(out, **(const char *const *)member ? SECRET : "");
        break;
    case SETTING_BOOL:
        buf_append_str(out, *(const bool *)member ? "true" : "false");
        break;
    case SETTING_UINT:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)member);
        break;
    case SETTING_DURATION:
        config_dump_duration(out, *(const int64_t *)member);
        break;
    case SETTING_BYTES:
        bytes(out, *(const uint64_t *)member);
        break;
    case SETTING_ENUM:
        scalar(out, setting->choices[*(const unsigned *)member]);
        break;
    case SETTING_LIST:
        buf_append_char(out, '[');
        items(out, NULL, of_list->items, of_list->count);
        buf_append_char(out, ']');
        break;
    case SETTING_MAP:
        buf_append_char(out, '{');
        items(out, of_map->names, of_map->values, of_map->count);
        buf_append_char(out, '}');
        break;
    }
}

static bool is_empty(const struct setting *setting, const void *member)
{
    switch (setting->type) {
    case SETTING_STRING:
    case SETTING_SECRET:
        return **(const char *const *)member == '\0';
    case SETTING_DURATION:
        return *(const int64_t *)member == 0;
    case SETTING_UINT:
    case SETTING_BYTES:
        return *(const uint64_t *)member == 0;
    case SETTING_LIST:
        return ((const struct setting_list *)member)->count == 0;
    case SETTING_MAP:
        return ((const struct setting_map *)member)->count == 0;
    default:
        return false;
    }
}

static const void *member_of(const struct setting *setting, const void *from)
{
    return (const char *)from + setting->offset;
}

/* Empty values are left out if the default is empty, too. */
static bool is_shown(const struct setting *setting, const void *from)
{
    return !setting->fallback || *setting->fallback || !is_empty(setting, member_of(setting, from));
}

/* Names have at most one dot: "auth.username" is printed below "auth:". */
static size_t group_size(const char *name)
{
    return strchr(name, '.') ? strcspn(name, ".") : 0;
}

static bool is_of_group(const struct setting *setting, const struct setting *first)
{
    size_t size = group_size(first->name);

    return group_size(setting->name) == size && strncmp(setting->name, first->name, size) == 0;
}

static void line(struct config_dump *to, const char *key, const struct setting *setting,
                 const void *member)
{
    line_start(to, key);
    buf_append_char(to->out, ' ');
    value(to->out, setting, member);
    buf_append_char(to->out, '\n');
}

static void group(struct config_dump *to, const struct setting *first, const void *from)
{
    size_t size = group_size(first->name);
    struct config_dump below = {to->out, to->indent + STEP, false};
    char name[64];

    memcpy(name, first->name, size);
    name[size] = '\0';
    config_dump_heading(to, name);
    for (const struct setting *setting = first; setting->name; setting++)
        if (is_of_group(setting, first) && is_shown(setting, from))
            line(&below, setting->name + size + 1, setting, member_of(setting, from));
}

/* Returns whether an earlier printed setting is of the same group. */
static bool was_shown(const struct setting *table, const struct setting *setting, const void *from)
{
    for (; table != setting; table++)
        if (is_of_group(table, setting) && is_shown(table, from))
            return true;
    return false;
}

void config_dump_heading(struct config_dump *to, const char *key)
{
    line_start(to, key);
    buf_append_char(to->out, '\n');
}

void config_dump_settings(struct config_dump *to, const struct setting *table, const void *from)
{
    for (const struct setting *setting = table; setting && setting->name; setting++) {
        if (!is_shown(setting, from))
            continue;
        if (group_size(setting->name) == 0)
            line(to, setting->name, setting, member_of(setting, from));
        else if (!was_shown(table, setting, from))
            group(to, setting, from);
    }
}

void config_dump_job(struct config_dump *to, const struct config_job *job)
{
    static const struct setting as_text = {SETTING_STRING}, as_time = {SETTING_DURATION};
    static const struct setting as_bool = {SETTING_BOOL};
    const struct collector *collector = job->collector;

    if (collector->lane == LANE_PROBE) {
        line(to, "name", &as_text, &job->name);
        line(to, "operation", &as_text, &collector->name);
    }
    line(to, "enabled", &as_bool, &job->enabled);
    if (job->schedule && *job->schedule)
        line(to, "schedule", &as_text, &job->schedule);
    else if (collector->lane != LANE_SCRAPE)
        line(to, "interval", &as_time, &job->interval_ns);
    if (collector->lane != LANE_SCRAPE)
        line(to, "timeout", &as_time, &job->timeout_ns);
    if (collector->lane == LANE_PROBE)
        line(to, "retry_interval", &as_time, &job->retry_ns);
    for (size_t i = 0; collector->settings && collector->settings[i]; i++)
        config_dump_settings(to, collector->settings[i], job->state);
}

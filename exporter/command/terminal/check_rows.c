/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/check_rows.h"

#include "base/text.h"
#include "encoding/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 4096 /* of a printed name */

bool check_is_wrong(const struct image_finding *finding)
{
    const struct image_verdict *verdict = &finding->verdict;
    return verdict->status == IMAGE_ERROR || verdict->unpack_failed ||
           image_finding_is_bad(finding);
}

/* Formats like ctr: one decimal, steps of 1024, with sign. */
static void format_size(int64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1024;
    snprintf(out, size, "%.1f %s", value, units[unit]);
}

static const char *status_text(const struct image_verdict *verdict, struct arena *arena)
{
    char text[96];
    const char *name = image_status_name(verdict->status);
    if (verdict->status == IMAGE_ERROR)
        return name;
    if (verdict->status == IMAGE_UNAVAILABLE)
        return "unavailable (0/?)";
    snprintf(text, sizeof(text), "%s (%zu/%zu)", name, verdict->present, verdict->required);
    return arena_strdup(arena, text);
}

static const char *unpacked_text(const struct image_verdict *verdict)
{
    if (verdict->unpack_unknown)
        return "unknown";
    return verdict->unpacked ? "true" : "false";
}

static const char *size_text(const struct image_verdict *verdict, struct arena *arena)
{
    char present[48], required[48], text[100];
    if (verdict->status == IMAGE_ERROR)
        return "-";
    if (verdict->status == IMAGE_UNAVAILABLE)
        return "0.0 B/?";
    format_size(verdict->present_bytes, present, sizeof(present));
    format_size(verdict->required_bytes, required, sizeof(required));
    snprintf(text, sizeof(text), "%s/%s", present, required);
    return arena_strdup(arena, text);
}

/* A name may contain terminal control sequences, so control characters are replaced. */
static const char *clean(const char *text, struct arena *arena)
{
    char out[NAME_BYTES];
    text_clean(out, sizeof(out), text, strlen(text));
    return arena_strdup(arena, out);
}

bool check_rows_add(struct check_rows *rows, const char *name_space,
                    const struct image_finding *finding, struct arena *arena)
{
    struct check_row row = {{
        arena_strdup(arena, name_space),
        clean(finding->name, arena),
        clean(finding->media_type, arena),
        clean(finding->digest, arena),
        status_text(&finding->verdict, arena),
        size_text(&finding->verdict, arena),
        unpacked_text(&finding->verdict),
    }};
    for (size_t i = 0; i < CHECK_COLUMNS; i++)
        if (!row.cells[i])
            return false;
    rows->items[rows->count++] = row;
    return true;
}

/* Counts characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_row(const struct check_row *row, const size_t *widths, struct buf *out)
{
    for (size_t i = 0; i < CHECK_COLUMNS; i++) {
        size_t padding = widths[i] - width_of(row->cells[i]);
        buf_append_str(out, row->cells[i]);
        buf_printf(out, "%*s", (int)padding + 1, "");
    }
    buf_append_char(out, '\n');
}

void check_rows_print(const struct check_rows *rows, struct buf *out)
{
    static const struct check_row head = {
        {"NAMESPACE", "REF", "TYPE", "DIGEST", "STATUS", "SIZE", "UNPACKED"}};
    size_t widths[CHECK_COLUMNS] = {0};

    if (rows->count == 0)
        return;
    for (size_t i = 0; i < CHECK_COLUMNS; i++) {
        widths[i] = width_of(head.cells[i]);
        for (size_t row = 0; row < rows->count; row++)
            if (width_of(rows->items[row].cells[i]) > widths[i])
                widths[i] = width_of(rows->items[row].cells[i]);
    }
    print_row(&head, widths, out);
    for (size_t row = 0; row < rows->count; row++)
        print_row(&rows->items[row], widths, out);
}

static void print_member(struct buf *out, const char *name, const char *value)
{
    char text[NAME_BYTES];
    bool is_valid = text_is_utf8(value, strlen(value));
    if (!is_valid)
        text_clean(text, sizeof(text), value, strlen(value));
    json_quote(out, name);
    buf_append_char(out, ':');
    json_quote(out, is_valid ? value : text);
    buf_append_char(out, ',');
}

void check_json(const char *name_space, const struct image_finding *finding, struct buf *out)
{
    const struct image_verdict *verdict = &finding->verdict;
    buf_append_char(out, '{');
    print_member(out, "namespace", name_space);
    print_member(out, "ref", finding->name);
    print_member(out, "type", finding->media_type);
    print_member(out, "digest", finding->digest);
    print_member(out, "status", image_status_name(verdict->status));
    buf_printf(out, "\"present\":%zu,\"required\":%zu,", verdict->present, verdict->required);
    buf_printf(out, "\"present_bytes\":%" PRId64 ",\"required_bytes\":%" PRId64 ",",
               verdict->present_bytes, verdict->required_bytes);
    buf_printf(out, "\"unpacked\":%s,\"unpack_failed\":%s,\"wrong\":%s}\n",
               verdict->unpacked ? "true" : "false", verdict->unpack_failed ? "true" : "false",
               check_is_wrong(finding) ? "true" : "false");
}

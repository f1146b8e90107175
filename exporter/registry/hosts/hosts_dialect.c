/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/hosts/hosts_dialect.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define UTF8_BYTES_MAX ((size_t)4)
#define DATE_CHARS     "0123456789TtZz:.+-"
#define BOM            "\xef\xbb\xbf"
#define REPLACEMENT    "\xef\xbf\xbd" /* U+FFFD */

struct translator {
    const char *at, *end;
    enum hosts_dialect dialect;
    struct buf *out;
    unsigned line, newest_line;
    unsigned held_lines; /* newlines of an inline table, which follow later */
    char open[HOSTS_DIALECT_DEPTH_MAX];
    size_t depth;
    char last;       /* the last character that is no blank; '\n' at the beginning of a line */
    size_t comma_at; /* where `out` has the comma, if `last` is one */
    bool header;     /* within [ ] of a table's header */
};

static bool invalid(const struct translator *in, const char *what, struct error *err)
{
    return error_set(err, ERROR_INVALID, "line %u: %s", in->line, what);
}

/* Returns false if the dialect does not allow syntax of TOML 1.1. */
static bool allow_new(struct translator *in, struct error *err)
{
    if (in->newest_line == 0)
        in->newest_line = in->line;
    return in->dialect != HOSTS_DIALECT_1_0 ||
           invalid(in, "invalid TOML 1.0: the syntax is that of TOML 1.1", err);
}

static bool is_go_1(const struct translator *in)
{
    return in->dialect == HOSTS_DIALECT_GO_1;
}

static char at(const struct translator *in, size_t offset)
{
    return offset < (size_t)(in->end - in->at) ? in->at[offset] : '\0';
}

static char container(const struct translator *in)
{
    return in->depth > 0 ? in->open[in->depth - 1] : '\0';
}

static void copy(struct translator *in, size_t size)
{
    buf_append(in->out, in->at, size);
    in->at += size;
}

static size_t utf8_size(const struct translator *in)
{
    size_t left = (size_t)(in->end - in->at);

    for (size_t size = 1; size <= UTF8_BYTES_MAX && size <= left; size++)
        if (text_is_utf8(in->at, size))
            return size;
    return 0;
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* ---- texts */

/* Copies one character. go-toml 1 replaces what is no UTF-8. */
static bool letter(struct translator *in, struct error *err)
{
    size_t size = utf8_size(in);

    if (is_control(*in->at) || (size == 0 && !is_go_1(in)))
        return invalid(in, "invalid TOML", err);
    if (size > 0) {
        copy(in, size);
        return true;
    }
    buf_append_str(in->out, REPLACEMENT);
    in->at++;
    return true;
}

/* Reads the digits of \xHH, \uHHHH or \UHHHHHHHH. */
static bool code_point(const struct translator *in, size_t digits, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = text_hex_digit(at(in, 2 + i));

        if (digit < 0)
            return false;
        *code = *code * 16 + (uint32_t)digit;
    }
    return true;
}

/* go-toml 1 replaces code points that are no character. */
static bool unicode_escape(struct translator *in, size_t digits, struct error *err)
{
    uint32_t code;

    if (!code_point(in, digits, &code))
        return invalid(in, "invalid TOML", err);
    if (is_go_1(in) && (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)))
        code = 0xfffd;
    buf_printf(in->out, "\\U%08X", code);
    in->at += 2 + digits;
    return true;
}

static bool escape(struct translator *in, struct error *err)
{
    char c = at(in, 1);

    if (is_go_1(in) && in->header) { /* go-toml 1 takes a header literally */
        buf_append_str(in->out, "\\\\");
        in->at++;
        return true;
    }
    if (c == 'u' || c == 'U')
        return unicode_escape(in, c == 'u' ? 4 : 8, err);
    if (c == 'x' && !is_go_1(in))
        return allow_new(in, err) && unicode_escape(in, 2, err);
    if (c == 'e' && !is_go_1(in)) { /* all versions of go-toml 2 know it */
        buf_append_str(in->out, "\\u001B");
        in->at += 2;
        return true;
    }
    if (c == '/' && is_go_1(in)) {
        in->at++;
        copy(in, 1);
        return true;
    }
    copy(in, c == '"' || c == '\\' ? 2 : 1); /* toml++ judges the others */
    return true;
}

/* Copies a newline of a text or of a list. */
static bool newline(struct translator *in, struct error *err)
{
    if (*in->at == '\r' && at(in, 1) != '\n' && !is_go_1(in))
        return invalid(in, "invalid TOML: expected a newline after a carriage return", err);
    in->line += *in->at == '\n' || at(in, 1) == '\n';
    in->at += *in->at == '\r' && at(in, 1) == '\n' ? 2 : 1;
    buf_append_char(in->out, '\n');
    return true;
}

static size_t count(const struct translator *in, char c)
{
    size_t n = 0;

    while (at(in, n) == c)
        n++;
    return n;
}

/* Up to two quotes before the three at the end belong to the text, but not for go-toml 1. */
static bool end_multi_line(struct translator *in, size_t quotes, struct error *err)
{
    if (quotes > (is_go_1(in) ? 3 : 5))
        return invalid(in, "invalid TOML", err);
    copy(in, quotes);
    return true;
}

static bool multi_line_text(struct translator *in, char quote, struct error *err)
{
    copy(in, 3);
    while (in->at < in->end) {
        size_t quotes = count(in, quote);
        bool ok;

        if (quotes >= 3)
            return end_multi_line(in, quotes, err);
        if (quotes > 0) {
            copy(in, quotes);
            continue;
        }
        if (*in->at == '\n' || *in->at == '\r')
            ok = newline(in, err);
        else
            ok = *in->at == '\\' && quote == '"' ? escape(in, err) : letter(in, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool one_line_text(struct translator *in, char quote, struct error *err)
{
    copy(in, 1);
    while (in->at < in->end && *in->at != quote)
        if (!(*in->at == '\\' && quote == '"' ? escape(in, err) : letter(in, err)))
            return false;
    copy(in, in->at < in->end);
    return true;
}

/* ---- around them */

static bool comment(struct translator *in, struct error *err)
{
    while (in->at < in->end && *in->at != '\n' && !(*in->at == '\r' && at(in, 1) == '\n')) {
        size_t size = utf8_size(in);

        if (!is_go_1(in) && (size == 0 || is_control(*in->at)))
            return invalid(in, "invalid TOML: the comment has a control character or no UTF-8",
                           err);
        in->at += size > 0 ? size : 1;
    }
    return true;
}

/* A newline of an inline table follows after the table: TOML 1.0 has none there. */
static bool line_end(struct translator *in, struct error *err)
{
    if (container(in) == '{') {
        size_t size = in->out->size;

        if ((!is_go_1(in) && !allow_new(in, err)) || !newline(in, err))
            return false;
        if (in->out->size > size)
            in->out->data[size] = ' ';
        in->held_lines++;
        return true;
    }
    if (!newline(in, err))
        return false;
    if (in->depth > 0)
        return true;
    for (; in->held_lines > 0; in->held_lines--)
        buf_append_char(in->out, '\n');
    in->last = '\n';
    in->header = false;
    return true;
}

static bool open_value(struct translator *in, struct error *err)
{
    if (in->depth == HOSTS_DIALECT_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "line %u: more than %zu values in each other", in->line,
                         HOSTS_DIALECT_DEPTH_MAX);
    in->open[in->depth++] = *in->at;
    return true;
}

/* Blanks out the comma before the end of an inline table. */
static bool close_value(struct translator *in, struct error *err)
{
    if (*in->at == '}' && in->last == ',') {
        if (is_go_1(in))
            return invalid(in, "invalid TOML", err);
        if (!allow_new(in, err))
            return false;
        if (in->comma_at < in->out->size)
            in->out->data[in->comma_at] = ' ';
    }
    in->depth -= in->depth > 0;
    return true;
}

/* The header of a table. go-toml 1 ends it at the first bracket, even in a text. */
static bool open_header(struct translator *in, struct error *err)
{
    in->header = true;
    if (!is_go_1(in))
        return true;
    for (const char *c = in->at + 1 + (at(in, 1) == '['); c < in->end && *c != ']'; c++)
        if (*c == '[')
            return invalid(in, "invalid TOML: go-toml 1 allows no \"[\" in a header", err);
    return true;
}

static bool bracket(struct translator *in, struct error *err)
{
    bool ok = true;

    if (*in->at == '[' && in->last == '\n')
        ok = open_header(in, err);
    else if (!in->header)
        ok = *in->at == '[' || *in->at == '{' ? open_value(in, err) : close_value(in, err);
    if (!ok)
        return false;
    in->last = *in->at;
    copy(in, 1);
    return true;
}

static size_t date_size(const struct translator *in, size_t from)
{
    while (at(in, from) && strchr(DATE_CHARS, at(in, from)))
        from++;
    return from;
}

/* go-toml 2 does not look at dates and times of unknown keys, and hosts.toml has no others. Returns
 * false if the text does not go on with one. */
static bool date(struct translator *in)
{
    size_t size = date_size(in, 0);
    bool is_value = in->last == '=' || (container(in) == '[' && strchr("[,", in->last));

    if (is_go_1(in) || !is_value || !isdigit((unsigned char)*in->at) ||
        !(at(in, 2) == ':' || at(in, 4) == '-'))
        return false;
    if (at(in, size) == ' ' && at(in, size + 3) == ':')
        size = date_size(in, size + 1);
    in->last = '0';
    in->at += size;
    buf_append_char(in->out, in->last);
    return true;
}

static bool text(struct translator *in, struct error *err)
{
    char quote = *in->at;

    in->last = quote;
    return at(in, 1) == quote && at(in, 2) == quote ? multi_line_text(in, quote, err)
                                                    : one_line_text(in, quote, err);
}

static bool other(struct translator *in, struct error *err)
{
    if (date(in))
        return true;
    if (*in->at != ' ' && *in->at != '\t') {
        in->last = *in->at;
        in->comma_at = in->out->size;
    }
    return letter(in, err);
}

static bool next(struct translator *in, struct error *err)
{
    switch (*in->at) {
    case '#':
        return comment(in, err);
    case '\r':
    case '\n':
        return line_end(in, err);
    case '"':
    case '\'':
        return text(in, err);
    case '[':
    case ']':
    case '{':
    case '}':
        return bracket(in, err);
    default:
        return other(in, err);
    }
}

bool hosts_dialect_translate(const char *text, size_t size, enum hosts_dialect dialect,
                             struct buf *out, unsigned *newest_line, struct error *err)
{
    struct translator in = {
        .at = text, .end = text + size, .dialect = dialect, .out = out, .line = 1, .last = '\n'};

    if (size >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0) {
        if (!is_go_1(&in))
            return invalid(&in, "invalid TOML: the file begins with a byte order mark", err);
        in.at += strlen(BOM);
    }
    while (in.at < in.end)
        if (!next(&in, err))
            return false;
    *newest_line = in.newest_line;
    return buf_ok(out, err);
}

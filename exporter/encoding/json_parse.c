/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON parser that accepts what Go's accepts, with the same depth limit. It does not
 * check UTF-8.
 *
 * Values stay on a stack until their container ends; then they move into the arena as
 * one array. The parser allocates nothing per value, because it must read thousands of
 * manifests in the time of one or two RPCs.
 */
#include "base/text.h"
#include "encoding/json_node.h"

#include <string.h>

#define DEPTH_MAX          10000
#define NODES_LIMIT_BYTES  ((size_t)32 << 20) /* of one document; the same for the stack */
#define FIRST_STACK_VALUES ((size_t)64)
#define DOCUMENT_MAX       ((size_t)1 << 30)
#define NOT_A_LETTER       UINT32_MAX

struct parser {
    char *start, *at, *end; /* the text; *end is a NUL */
    struct json *stack;
    size_t n_values, n_slots;
    size_t open; /* index of the innermost container, plus one; 0: none */
    size_t depth;
    const char *key; /* of the next value */
    struct arena *nodes;
    struct error *err;
};

static bool fail(struct parser *parser, const char *problem)
{
    size_t line = 1, column = 1;

    for (const char *c = parser->start; c < parser->at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    return error_set(parser->err, ERROR_PROTOCOL, "invalid JSON at line %zu, column %zu: %s", line,
                     column, problem);
}

static void skip_blanks(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\t' || *parser->at == '\r')
        parser->at++;
}

static bool push(struct parser *parser, const struct json *value)
{
    if (parser->n_values == parser->n_slots) {
        size_t n_slots = parser->n_slots == 0 ? FIRST_STACK_VALUES : parser->n_slots * 2;
        struct json *stack;

        if (n_slots * sizeof(*value) > NODES_LIMIT_BYTES)
            return error_set(parser->err, ERROR_LIMIT, "JSON with too many values");
        stack = realloc(parser->stack, n_slots * sizeof(*stack));
        if (!stack)
            return error_memory(parser->err);
        parser->stack = stack;
        parser->n_slots = n_slots;
    }
    parser->stack[parser->n_values] = *value;
    parser->stack[parser->n_values++].key = parser->key;
    return true;
}

/* Four hex digits; NOT_A_LETTER for anything else. */
static uint32_t read_hex(const char *at)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = text_hex_digit(at[i]);

        if (digit < 0)
            return NOT_A_LETTER;
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

static char *write_utf8(char *out, uint32_t letter)
{
    if (letter < 0x80) {
        *out++ = (char)letter;
    } else if (letter < 0x800) {
        *out++ = (char)(0xc0 | letter >> 6);
        *out++ = (char)(0x80 | (letter & 0x3f));
    } else {
        if (letter < 0x10000) {
            *out++ = (char)(0xe0 | letter >> 12);
        } else {
            *out++ = (char)(0xf0 | letter >> 18);
            *out++ = (char)(0x80 | (letter >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (letter >> 6 & 0x3f));
        *out++ = (char)(0x80 | (letter & 0x3f));
    }
    return out;
}

/* After "\u". A single surrogate becomes U+FFFD. NULL unless four hex digits follow. */
static char *unescape_letter(struct parser *parser, char *out)
{
    uint32_t letter = read_hex(parser->at);

    if (letter == NOT_A_LETTER)
        return NULL;
    parser->at += 4;
    if (letter < 0xd800 || letter > 0xdfff)
        return write_utf8(out, letter);
    if (letter < 0xdc00 && parser->at[0] == '\\' && parser->at[1] == 'u') {
        uint32_t low = read_hex(parser->at + 2);

        if (low >= 0xdc00 && low <= 0xdfff) {
            parser->at += 6;
            return write_utf8(out, 0x10000 + ((letter - 0xd800) << 10) + (low - 0xdc00));
        }
    }
    return write_utf8(out, 0xfffd);
}

/* After a backslash; NULL for an invalid escape. */
static char *unescape(struct parser *parser, char *out)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char escape = *parser->at;
    const char *known = escape == '\0' ? NULL : strchr(escapes, escape);

    if (escape != 'u' && !known)
        return NULL;
    parser->at++;
    if (escape == 'u')
        return unescape_letter(parser, out);
    *out = meant[known - escapes];
    return out + 1;
}

/* At the quote. Unescapes in place: the result is never longer than the input. */
static bool read_string(struct parser *parser, const char **text, uint32_t *size)
{
    char *out = ++parser->at;

    *text = out;
    while (*parser->at != '"') {
        if ((unsigned char)*parser->at < ' ')
            return fail(parser, "unterminated string or control character");
        if (*parser->at != '\\') {
            *out++ = *parser->at++;
            continue;
        }
        parser->at++;
        out = unescape(parser, out);
        if (!out)
            return fail(parser, "invalid escape");
    }
    parser->at++;
    *out = '\0';
    *size = (uint32_t)(out - *text);
    return true;
}

static bool skip_digits(struct parser *parser)
{
    size_t n = strspn(parser->at, "0123456789");

    parser->at += n;
    return n > 0;
}

static void read_int(const char *from, const char *to, struct json *value)
{
    bool negative = *from == '-';
    int64_t number = 0;

    for (from += negative; from < to; from++) {
        int digit = *from - '0';

        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return;
    }
    value->kind = JSON_INT;
    value->number = number;
}

static bool read_number(struct parser *parser, struct json *value)
{
    const char *from = parser->at, *integer_end;

    value->kind = JSON_NUMBER;
    parser->at += *parser->at == '-';
    if (*parser->at == '0')
        parser->at++;
    else if (!skip_digits(parser))
        return fail(parser, "expected a value");
    integer_end = parser->at;
    if (*parser->at == '.') {
        parser->at++;
        if (!skip_digits(parser))
            return fail(parser, "expected a digit");
    }
    if (*parser->at == 'e' || *parser->at == 'E') {
        parser->at++;
        parser->at += *parser->at == '+' || *parser->at == '-';
        if (!skip_digits(parser))
            return fail(parser, "expected a digit");
    }
    if (parser->at == integer_end)
        read_int(from, integer_end, value);
    return true;
}

static bool read_word(struct parser *parser, struct json *value)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_BOOL}, {"false", JSON_BOOL}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i].word);

        if (strncmp(parser->at, words[i].word, size) != 0)
            continue;
        parser->at += size;
        value->kind = words[i].kind;
        return true;
    }
    return read_number(parser, value);
}

/* Reads the key of the next member and its colon. */
static bool read_key(struct parser *parser)
{
    uint32_t size;

    skip_blanks(parser);
    if (*parser->at != '"')
        return fail(parser, "expected a key in quotes");
    if (!read_string(parser, &parser->key, &size))
        return false;
    skip_blanks(parser);
    if (*parser->at != ':')
        return fail(parser, "expected ':'");
    parser->at++;
    return true;
}

/* Moves the values of the innermost container into the arena. */
static bool close_container(struct parser *parser)
{
    struct json *container = &parser->stack[parser->open - 1];
    size_t count = parser->n_values - parser->open;
    size_t outer = (size_t)container->number; /* stored here while it was open */
    struct json *items = arena_alloc(parser->nodes, count * sizeof(*items));

    if (!items)
        return arena_ok(parser->nodes, parser->err);
    memcpy(items, container + 1, count * sizeof(*items));
    container->items = items;
    container->count = (uint32_t)count;
    parser->n_values = parser->open;
    parser->open = outer;
    parser->depth--;
    return true;
}

/* Reads a value. Of a container that is not empty, reads only the start and sets *inside. */
static bool read_value(struct parser *parser, bool *inside)
{
    struct json value = {0};

    *inside = false;
    skip_blanks(parser);
    if (*parser->at == '"') {
        value.kind = JSON_STRING;
        return read_string(parser, &value.text, &value.count) && push(parser, &value);
    }
    if (*parser->at != '{' && *parser->at != '[')
        return read_word(parser, &value) && push(parser, &value);
    value.kind = *parser->at == '{' ? JSON_OBJECT : JSON_ARRAY;
    value.number = (int64_t)parser->open;
    if (++parser->depth > DEPTH_MAX)
        return fail(parser, "nested too deeply");
    if (!push(parser, &value))
        return false;
    parser->at++;
    parser->open = parser->n_values;
    parser->key = NULL;
    skip_blanks(parser);
    if (*parser->at == (value.kind == JSON_OBJECT ? '}' : ']')) {
        parser->at++;
        return close_container(parser);
    }
    *inside = true;
    return value.kind == JSON_ARRAY || read_key(parser);
}

/* After a value: closes all containers that end here, up to a comma. */
static bool finish_value(struct parser *parser)
{
    while (parser->open > 0) {
        enum json_kind kind = parser->stack[parser->open - 1].kind;

        parser->key = NULL;
        skip_blanks(parser);
        if (*parser->at == ',') {
            parser->at++;
            return kind == JSON_ARRAY || read_key(parser);
        }
        if (*parser->at != (kind == JSON_OBJECT ? '}' : ']'))
            return fail(parser,
                        kind == JSON_OBJECT ? "expected ',' or '}'" : "expected ',' or ']'");
        parser->at++;
        if (!close_container(parser))
            return false;
    }
    return true;
}

static bool parse(struct parser *parser)
{
    bool inside;

    do {
        if (!read_value(parser, &inside) || (!inside && !finish_value(parser)))
            return false;
    } while (parser->open > 0);
    skip_blanks(parser);
    return parser->at == parser->end || fail(parser, "trailing data");
}

struct json_document *json_parse(const void *data, size_t size, struct error *err)
{
    CLEANUP(json_freep) struct json_document *document = calloc(1, sizeof(*document));
    struct parser parser;
    bool ok;

    if (size > DOCUMENT_MAX) {
        error_set(err, ERROR_LIMIT, "JSON of %zu bytes", size);
        return NULL;
    }
    if (document)
        document->text = malloc(size + 1);
    if (!document || !document->text) {
        error_memory(err);
        return NULL;
    }
    if (size > 0)
        memcpy(document->text, data, size);
    document->text[size] = '\0';
    document->text_bytes = size;
    document->nodes = (struct arena)ARENA_INIT(NODES_LIMIT_BYTES);
    parser = (struct parser){.start = document->text,
                             .at = document->text,
                             .end = document->text + size,
                             .nodes = &document->nodes,
                             .err = err};
    ok = parse(&parser);
    if (ok)
        document->root = parser.stack[0];
    free(parser.stack);
    return ok ? TAKE(document) : NULL;
}

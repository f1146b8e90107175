/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml tells what its scanner missed. The lines around the place tell what the author did. */
#include "encoding/yaml_syntax.h"

#include <string.h>

#define BLANKS " \t"

struct line {
    const char *text;
    size_t size;
};

/* Returns an empty line for a number outside of the file. */
static struct line find_line(const struct yaml_fault *fault, size_t number)
{
    const char *at = fault->data, *end = fault->data + fault->size;
    size_t size;

    for (; number > 1 && at < end; number--) {
        for (size = 0; at + size < end && !strchr("\r\n", at[size]); size++)
            continue;
        at += size;
        at += end - at > 1 && at[0] == '\r' && at[1] == '\n' ? 2 : at < end;
    }
    for (size = 0; number == 1 && at + size < end && at[size] && !strchr("\r\n", at[size]); size++)
        continue;
    return (struct line){at, size};
}

/* Returns the bytes before the column, which counts characters. */
static size_t bytes_before(const struct line *line, size_t column)
{
    size_t at = 0;

    for (; column > 1 && at < line->size; column--)
        for (at++; at < line->size && ((unsigned char)line->text[at] & 0xc0) == 0x80; at++)
            continue;
    return at;
}

static size_t span_of(const struct line *line, size_t at, const char *characters)
{
    size_t n = 0;

    while (at + n < line->size && line->text[at + n] && strchr(characters, line->text[at + n]))
        n++;
    return n;
}

/* The character at the place; '\0' at the end of a line or of the file. */
static char char_at(const struct yaml_fault *fault, struct place place)
{
    struct line line = find_line(fault, place.line);
    size_t at = bytes_before(&line, place.column);

    return at < line.size ? line.text[at] : '\0';
}

static bool is_at_end(const struct yaml_fault *fault, struct place place)
{
    return find_line(fault, place.line).text >= fault->data + fault->size;
}

/* Skips indentation and the "- " of list items. */
static size_t start_of_content(const struct line *line)
{
    size_t at = span_of(line, 0, BLANKS);

    while (at + 1 < line->size && line->text[at] == '-' && strchr(BLANKS, line->text[at + 1]))
        at += 1 + span_of(line, at + 1, BLANKS);
    return at;
}

/* Whether the first `size` bytes have a colon that ends a key. */
static bool has_key(const struct line *line, size_t size)
{
    for (size_t at = start_of_content(line); at < size && at < line->size; at++)
        if (line->text[at] == ':' && (at + 1 == line->size || strchr(BLANKS, line->text[at + 1])))
            return true;
    return false;
}

/* The `bytes` before the place are ASCII. */
static struct place place_at(size_t line, size_t bytes)
{
    return (struct place){.line = line, .column = bytes + 1};
}

/* ---- each rule ---- */

static void explain_start(const struct yaml_fault *fault, struct problems *problems)
{
    problems_add(problems, fault->place,
                 "found \"%c\" at the start of a value: expected quotes around the value",
                 char_at(fault, fault->place));
}

static void explain_anchor(const struct yaml_fault *fault, struct problems *problems)
{
    char sign = char_at(fault, fault->context_place);

    problems_add(problems, fault->context_place,
                 "found \"%c\" without the name of an anchor: expected quotes around a text that "
                 "starts with \"%c\"",
                 sign, sign);
}

/* A line with content, but without a colon after a key. */
static void explain_no_colon(const struct yaml_fault *fault, struct place place,
                             struct problems *problems)
{
    struct line line = find_line(fault, place.line);
    size_t at = start_of_content(&line);
    const char *text = line.text + at, *message;

    message = "expected a key with \": \" (a colon and a space) after it";
    if (line.size - at > 1 && text[0] == '-' && text[1] != '-')
        message = "found \"-\" without a space after it: expected \"- \" before an item of a list";
    problems_add(problems, place, "%s", message);
}

static void explain_key(const struct yaml_fault *fault, struct problems *problems)
{
    explain_no_colon(fault, fault->context_place, problems);
}

/* Returns the number of the last line with content before `number`; 0: all are empty. */
static size_t line_above(const struct yaml_fault *fault, size_t number)
{
    while (--number > 0) {
        struct line line = find_line(fault, number);
        size_t at = span_of(&line, 0, BLANKS);

        if (at < line.size && line.text[at] != '#')
            break;
    }
    return number;
}

static void explain_colon(const struct yaml_fault *fault, struct problems *problems)
{
    struct line line = find_line(fault, fault->place.line), above;
    size_t number = line_above(fault, fault->place.line);

    if (has_key(&line, bytes_before(&line, fault->place.column))) {
        problems_add(problems, fault->place,
                     "found a second \": \" in one line: expected quotes around the value");
        return;
    }
    above = find_line(fault, number);
    if (number > 0 && !has_key(&above, above.size))
        explain_no_colon(fault, place_at(number, start_of_content(&above)), problems);
    else
        problems_add(problems, place_at(fault->place.line, start_of_content(&line)),
                     "wrong indentation: the key above has a value already: expected the same "
                     "column for both");
}

/* A line that begins in a column where no list or mapping around it does, or not as that does. */
static void explain_column(const struct yaml_fault *fault, struct problems *problems)
{
    struct line above = find_line(fault, line_above(fault, fault->place.line));
    bool is_list = strchr(fault->problem, '-');
    size_t column = char_at(fault, fault->place) == '-' ? span_of(&above, 0, BLANKS) + 1
                                                        : start_of_content(&above) + 1;

    if (fault->place.column != fault->context_place.column && column == fault->context_place.column)
        problems_add(problems, fault->place,
                     "wrong indentation: found column %zu: expected column %zu, as in line %zu",
                     fault->place.column, column, fault->context_place.line);
    else if (fault->place.column != fault->context_place.column)
        problems_add(problems, fault->place,
                     "wrong indentation: found column %zu: expected column %zu, as in the line "
                     "above, or column %zu, as in line %zu",
                     fault->place.column, column, fault->context_place.column,
                     fault->context_place.line);
    else
        problems_add(problems, fault->place,
                     is_list ? "found a key in the column of the list that begins at line %zu: "
                               "expected \"- \" or another column"
                             : "found an item of a list in the column of the keys that begin at "
                               "line %zu: expected a key or another column",
                     fault->context_place.line);
}

static void explain_member(const struct yaml_fault *fault, struct problems *problems)
{
    struct line line = find_line(fault, fault->place.line);
    size_t at = bytes_before(&line, fault->place.column);

    if (at > start_of_content(&line) && (memchr(line.text, '"', at) || memchr(line.text, '\'', at)))
        problems_add(problems, fault->place,
                     "found text after the closing quote: expected the end of the value (inside "
                     "single quotes ' is written '', inside double quotes \" is written \\\")");
    else if (at < line.size && line.text[at] == ':')
        problems_add(problems, fault->place, "found \":\" without a key: expected a key before it");
    else
        explain_column(fault, problems);
}

static void explain_flow(const struct yaml_fault *fault, struct problems *problems)
{
    bool is_list = strchr(fault->problem, ']');
    const char *what = is_list ? "list" : "mapping";
    char open = is_list ? '[' : '{', close = is_list ? ']' : '}';

    if (char_at(fault, fault->place) == ':' && fault->place.line == fault->context_place.line)
        problems_add(problems, fault->place,
                     "found a \":\" that no key has: expected \",\" before the next key, or quotes "
                     "around the value");
    else if (is_at_end(fault, fault->place))
        problems_add(problems, fault->context_place,
                     "found \"%c\" without \"%c\": the file ends inside of this %s", open, close,
                     what);
    else
        problems_add(problems, fault->place,
                     "expected \",\" or \"%c\": the %s that begins with \"%c\" at line %zu is not "
                     "closed",
                     close, what, open, fault->context_place.line);
}

static void explain_content(const struct yaml_fault *fault, struct problems *problems)
{
    char found = char_at(fault, fault->place);

    if (found)
        problems_add(problems, fault->place,
                     "found \"%c\": expected a value, in quotes if it starts with \"%c\"", found,
                     found);
    else
        problems_add(problems, fault->place,
                     "found the end of the file inside of a list or mapping: expected \"]\" or "
                     "\"}\"");
}

static void explain_quote(const struct yaml_fault *fault, struct problems *problems)
{
    problems_add(problems, fault->context_place,
                 "found the quote %c without a second one: expected it at the end of the value",
                 char_at(fault, fault->context_place));
}

static void explain_document(const struct yaml_fault *fault, struct problems *problems)
{
    struct line above = find_line(fault, line_above(fault, fault->place.line));

    if (above.size > 0 && above.text[0] == '%')
        problems_add(problems, fault->place,
                     "expected \"---\" after the directives (lines that start with \"%%\")");
    else if (span_of(&above, 0, ".") == 3)
        problems_add(problems, fault->place, "expected \"---\" after \"...\"");
    else
        problems_add(problems, fault->place,
                     "wrong indentation: expected that of the first line of the document, or "
                     "\"---\" before a new document");
}

static void explain_directive(const struct yaml_fault *fault, struct problems *problems)
{
    problems_add(problems, fault->context_place,
                 "found a line that starts with \"%%\": expected quotes around the text");
}

static const struct rule {
    const char *problem, *context; /* parts of libyaml's words; NULL: any */
    bool may_be_tab;               /* a tab in the indentation has this consequence */
    const char *message;           /* NULL: explain() */
    void (*explain)(const struct yaml_fault *fault, struct problems *problems);
} rules[] = {
    {"tab character", NULL, true, NULL, NULL},
    {"cannot start any token", NULL, true, NULL, explain_start},
    {NULL, "scanning an a", false, NULL, explain_anchor},
    {"could not find expected ':'", NULL, true, NULL, explain_key},
    {"mapping values are not allowed", NULL, true, NULL, explain_colon},
    {"expected '-' indicator", NULL, true, NULL, explain_member},
    {"expected key", NULL, true, NULL, explain_member},
    {"expected ',' or", NULL, false, NULL, explain_flow},
    {"expected node content", NULL, false, NULL, explain_content},
    {"unexpected end of stream", "quoted scalar", false, NULL, explain_quote},
    {"unexpected document indicator", "quoted scalar", false, NULL, explain_quote},
    {"unknown escape character", NULL, false,
     "found \"\\\" before a character that is no escape of YAML: expected \"\\\\\" for a "
     "backslash, or single quotes around the value",
     NULL},
    {"hexdecimal number", NULL, false,
     "expected hexadecimal digits after \"\\x\", \"\\u\" or \"\\U\"", NULL},
    {"escape code", NULL, false, "the code after \"\\u\" or \"\\U\" is no Unicode character", NULL},
    {"block sequence entries", NULL, false,
     "found \"- \" after a key: expected the list on the next line, or quotes around the value",
     NULL},
    {"mapping keys are not allowed", NULL, false,
     "found \"? \" at the start of a value: expected quotes around the value", NULL},
    {"comment or line break", "block scalar", false,
     "found text after \"|\" or \">\": expected the text on the next lines, indented", NULL},
    {"indicator equal to 0", NULL, false, "found \"0\" after \"|\" or \">\": expected 1 to 9",
     NULL},
    {"<document start>", NULL, true, NULL, explain_document},
    {"incompatible YAML", NULL, false, "unknown version of YAML: expected 1.1 or 1.2", NULL},
    {NULL, "directive", false, NULL, explain_directive},
    {"tag handle", NULL, false, "unknown tag: expected none, or a standard tag such as !!str",
     NULL},
    {NULL, " tag", false, "invalid tag: expected quotes around a text that starts with \"!\"",
     NULL},
};

static bool applies(const struct rule *rule, const struct yaml_fault *fault)
{
    return (!rule->problem || strstr(fault->problem, rule->problem)) &&
           (!rule->context || (fault->context && strstr(fault->context, rule->context)));
}

/* ---- encodings ---- */

static struct place place_of_offset(const struct yaml_fault *fault)
{
    struct place place = {1, 1};

    for (size_t i = 0; i < fault->size && i < fault->offset; i++) {
        if (fault->data[i] == '\n')
            place = (struct place){place.line + 1, 1};
        else if (((unsigned char)fault->data[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

/* A byte order mark, or ASCII in units of two bytes. */
static bool is_utf16(const struct yaml_fault *fault)
{
    const char *data = fault->data;

    return fault->size > 1 && fault->offset < 2 &&
           (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0 ||
            (data[0] == '\0') != (data[1] == '\0'));
}

static void report_encoding(const struct yaml_fault *fault, struct problems *problems)
{
    struct place place = place_of_offset(fault);
    unsigned byte = fault->offset < fault->size ? (unsigned char)fault->data[fault->offset] : 0;

    if (is_utf16(fault))
        problems_add(problems, place, "the file is in UTF-16: expected UTF-8");
    else if (strstr(fault->problem, "control characters") && byte < 0x80)
        problems_add(problems, place, "found the control character 0x%02x%s: expected text", byte,
                     byte == 0 ? " (NUL)" : "");
    else
        problems_add(problems, place,
                     "found the byte 0x%02x, which is not text in UTF-8: expected "
                     "a file in UTF-8",
                     byte);
}

/* ---- the report ---- */

/* Reports the first tab in the indentation of the line; returns whether there is one. */
static bool report_tab(const struct yaml_fault *fault, struct problems *problems)
{
    struct line line = find_line(fault, fault->place.line);
    const char *tab = memchr(line.text, '\t', span_of(&line, 0, BLANKS));

    if (tab)
        problems_add(problems, place_at(fault->place.line, (size_t)(tab - line.text)),
                     "found a tab in the indentation: expected spaces");
    return tab;
}

/* Lines such as "<<<<<<< HEAD" that git writes into a file. */
static bool report_conflict(const struct yaml_fault *fault, size_t number,
                            struct problems *problems)
{
    struct line line = find_line(fault, number);
    char sign[2] = {line.size > 0 ? line.text[0] : '\0'};

    if (!sign[0] || !strchr("<=>|", sign[0]) || span_of(&line, 0, sign) != 7)
        return false;
    problems_add(problems, place_at(number, 0),
                 "found a conflict marker of version control: expected YAML");
    return true;
}

void yaml_syntax_report(const struct yaml_fault *fault, struct problems *problems)
{
    const struct rule *rule = rules, *end = rules + sizeof(rules) / sizeof(rules[0]);

    if (fault->is_encoding) {
        report_encoding(fault, problems);
        return;
    }
    if (report_conflict(fault, fault->place.line, problems) ||
        report_conflict(fault, fault->context_place.line, problems))
        return;
    while (rule < end && !applies(rule, fault))
        rule++;
    if (rule < end && rule->may_be_tab && report_tab(fault, problems))
        return;
    if (rule < end && rule->explain)
        rule->explain(fault, problems);
    else
        problems_add(problems, fault->place, "%s",
                     rule < end && rule->message ? rule->message : fault->problem);
}

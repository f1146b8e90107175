/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts libyaml's events into nodes. The only file that includes libyaml. Open
 * collections are a stack of fixed depth, so no input causes recursion.
 */
#include "encoding/yaml.h"

#include <string.h>
#include <yaml.h>

struct frame {
    struct yaml_node *node;      /* the open sequence or mapping */
    const struct yaml_node *key; /* the key whose value comes next */
    bool drop;                   /* a duplicate or unsupported key: discard its value */
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct problems *problems;
    struct yaml_node *root;
    bool several; /* the root is a list of documents */
    struct frame frames[YAML_DEPTH_MAX];
    size_t depth;
    size_t n_documents;
    bool unusable; /* the nodes so far would cause misleading problems */
};

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){mark.line + 1, mark.column + 1};
}

/* libyaml reports encoding errors by offset. */
static struct place place_of_offset(const char *data, size_t size, size_t offset)
{
    struct place place = {1, 1};

    for (size_t i = 0; i < size && i < offset; i++) {
        if (data[i] == '\n')
            place = (struct place){place.line + 1, 1};
        else if (((unsigned char)data[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static bool give_up(struct reader *reader, struct place place, const char *message)
{
    reader->unusable = true;
    return problems_add(reader->problems, place, "%s", message);
}

static struct yaml_node *new_node(struct reader *reader, enum yaml_kind kind, yaml_mark_t mark)
{
    struct yaml_node *node = arena_alloc(reader->arena, sizeof(*node));

    if (!node) {
        give_up(reader, place_of(mark),
                "more memory needed than the limit for configuration files");
        return NULL;
    }
    node->kind = kind;
    node->place = place_of(mark);
    return node;
}

static bool append(struct reader *reader, struct yaml_node *parent, struct yaml_node *node)
{
    return yaml_append(parent, node) || give_up(reader, node->place,
                                                parent == reader->root && reader->several
                                                    ? "too many documents"
                                                    : "too many members in one list or mapping");
}

static bool add_key(struct reader *reader, struct frame *frame, const struct yaml_node *key)
{
    const struct yaml_node *known;

    if (key->kind != YAML_SCALAR)
        return give_up(reader, key->place, "a key must be a string, not a list or mapping");
    if (strcmp(key->text, "<<") == 0 && !key->quoted)
        problems_add(reader->problems, key->place, "merge keys (<<) are not supported");
    known = yaml_member(frame->node, key->text, strlen(key->text));
    frame->key = key;
    frame->drop = known || (strcmp(key->text, "<<") == 0 && !key->quoted);
    if (known)
        problems_add(reader->problems, key->place, "duplicate key \"%s\", first at line %zu",
                     key->text, known->key->place.line);
    return true;
}

/* Adds a node to its parent: the document, a sequence, or a mapping as key or value. */
static bool add_node(struct reader *reader, struct yaml_node *node)
{
    struct frame *frame = reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
    const struct yaml_node *key;

    if (!frame && reader->several)
        return append(reader, reader->root, node);
    if (!frame) {
        reader->root = node;
        return true;
    }
    if (frame->node->kind == YAML_SEQUENCE)
        return append(reader, frame->node, node);
    if (!frame->key)
        return add_key(reader, frame, node);
    key = TAKE(frame->key);
    node->key = key;
    return frame->drop || append(reader, frame->node, node);
}

static void reject_properties(struct reader *reader, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct place place = place_of(event->start_mark);

    if (anchor)
        problems_add(reader->problems, place, "anchors (&%s) are not supported",
                     (const char *)anchor);
    if (tag)
        problems_add(reader->problems, place, "tags (%s) are not supported", (const char *)tag);
}

static bool on_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    struct yaml_node *node = new_node(reader, YAML_SCALAR, event->start_mark);

    if (!node)
        return false;
    reject_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(value, '\0', size)) {
        problems_add(reader->problems, node->place, "a string must not contain \\0");
        node->kind = YAML_BROKEN;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_strndup(reader->arena, value, size);
    if (!node->text)
        return give_up(reader, node->place,
                       "more memory needed than the limit for configuration files");
    return add_node(reader, node);
}

static bool on_alias(struct reader *reader, const yaml_event_t *event)
{
    struct yaml_node *node = new_node(reader, YAML_BROKEN, event->start_mark);

    if (!node)
        return false;
    problems_add(reader->problems, node->place, "aliases (*%s) are not supported",
                 (const char *)event->data.alias.anchor);
    return add_node(reader, node);
}

static bool on_start(struct reader *reader, const yaml_event_t *event, enum yaml_kind kind)
{
    struct yaml_node *node = new_node(reader, kind, event->start_mark);

    if (!node)
        return false;
    if (kind == YAML_MAPPING)
        reject_properties(reader, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    else
        reject_properties(reader, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    if (reader->depth == YAML_DEPTH_MAX)
        return give_up(reader, node->place, "lists and mappings are nested too deeply");
    if (!add_node(reader, node))
        return false;
    reader->frames[reader->depth++] = (struct frame){.node = node};
    return true;
}

static bool on_document(struct reader *reader, const yaml_event_t *event)
{
    if (reader->n_documents++ == 0 || reader->several)
        return true;
    return problems_add(reader->problems, place_of(event->start_mark),
                        "a second document; only one is supported");
}

static bool on_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(reader, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return on_alias(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(reader, event, YAML_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return on_start(reader, event, YAML_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return true;
    default:
        return event->type != YAML_STREAM_END_EVENT;
    }
}

static bool report_syntax(struct reader *reader, const char *data, size_t size)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    struct place place = place_of(parser->problem_mark);

    reader->unusable = true;
    if (parser->error == YAML_MEMORY_ERROR)
        return give_up(reader, place, "out of memory");
    if (parser->error == YAML_READER_ERROR)
        place = place_of_offset(data, size, parser->problem_offset);
    if (parser->context)
        return problems_add(reader->problems, place, "%s %s (line %zu)", problem, parser->context,
                            parser->context_mark.line + 1);
    return problems_add(reader->problems, place, "%s", problem);
}

static void read_events(struct reader *reader, const char *data, size_t size)
{
    bool more = true;

    while (more) {
        yaml_event_t event;

        if (!yaml_parser_parse(&reader->parser, &event)) {
            report_syntax(reader, data, size);
            return;
        }
        more = on_event(reader, &event);
        yaml_event_delete(&event);
    }
}

/* False if the text is not usable. */
static bool read_text(struct reader *reader, const char *data, size_t size)
{
    struct place start = {1, 1};

    if (size > YAML_SIZE_MAX)
        return problems_add(reader->problems, start, "more than %zu bytes", YAML_SIZE_MAX);
    if (!yaml_parser_initialize(&reader->parser))
        return problems_add(reader->problems, start, "out of memory");
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)(size ? data : ""), size);
    read_events(reader, data, size);
    yaml_parser_delete(&reader->parser);
    return !reader->unusable;
}

struct yaml_node *yaml_parse(struct arena *arena, const char *data, size_t size,
                             struct problems *problems)
{
    struct reader reader = {.arena = arena, .problems = problems};

    if (!read_text(&reader, data, size))
        return NULL;
    if (!reader.root) {
        reader.root = new_node(&reader, YAML_SCALAR, (yaml_mark_t){0});
        if (reader.root)
            reader.root->text = "";
    }
    return reader.root;
}

struct yaml_node *yaml_parse_all(struct arena *arena, const char *data, size_t size,
                                 struct problems *problems)
{
    struct reader reader = {.arena = arena, .problems = problems, .several = true};

    reader.root = new_node(&reader, YAML_SEQUENCE, (yaml_mark_t){0});
    return reader.root && read_text(&reader, data, size) ? reader.root : NULL;
}

bool yaml_append(struct yaml_node *parent, struct yaml_node *node)
{
    if (parent->count == YAML_MEMBERS_MAX)
        return false;
    node->parent = parent;
    if (parent->last_)
        parent->last_->next = node;
    else
        parent->children = node;
    parent->last_ = node;
    parent->count++;
    return true;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (node->kind == YAML_SCALAR && !node->quoted && strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

const struct yaml_node *yaml_member(const struct yaml_node *node, const char *name, size_t size)
{
    if (!node || node->kind != YAML_MAPPING)
        return NULL;
    for (const struct yaml_node *child = node->children; child; child = child->next)
        if (strncmp(child->key->text, name, size) == 0 && child->key->text[size] == '\0')
            return child;
    return NULL;
}

struct yaml_node *yaml_skip(const struct yaml_node *node, const struct yaml_node *root)
{
    while (node != root && !node->next)
        node = node->parent;
    return node == root ? NULL : node->next;
}

struct yaml_node *yaml_next(const struct yaml_node *node, const struct yaml_node *root)
{
    return node->children ? node->children : yaml_skip(node, root);
}

const char *yaml_describe(const struct yaml_node *node)
{
    static const char *const kinds[] = {"a string", "a list", "a mapping", "nothing usable"};

    return yaml_is_null(node) ? "nothing" : kinds[node->kind];
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts libyaml's events into nodes. The only file that includes libyaml. Open
 * collections are a stack of fixed depth, so no input causes recursion.
 */
#include "encoding/yaml.h"

#include "encoding/yaml_alias.h"
#include "encoding/yaml_syntax.h"
#include "encoding/yaml_tag.h"

#include <string.h>
#include <yaml.h>

struct frame {
    struct yaml_node *node;      /* the open sequence or mapping */
    const struct yaml_node *key; /* the key whose value comes next */
    bool drop;                   /* a duplicate or unusable key: discard its value */
    bool is_merge;               /* the key is << */
    struct yaml_node *merge;     /* the value of << */
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct problems *problems;
    struct yaml_aliases aliases;
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
    node->place.file = reader->problems->file;
    return node;
}

static bool append(struct reader *reader, struct yaml_node *parent, struct yaml_node *node)
{
    bool is_document = parent == reader->root && reader->several;

    if (yaml_append(parent, node))
        return true;
    reader->unusable = true;
    return problems_add(reader->problems, node->place, "more than %d %s", YAML_MEMBERS_MAX,
                        is_document ? "documents" : "members in one list or mapping");
}

static bool add_key(struct reader *reader, struct frame *frame, const struct yaml_node *key)
{
    const struct yaml_node *known;

    if (key->kind == YAML_SEQUENCE || key->kind == YAML_MAPPING)
        return give_up(reader, key->place,
                       key->kind == YAML_SEQUENCE
                           ? "expected a string as key, found a list"
                           : "expected a string as key, found a mapping: a value that starts with "
                             "\"{\" needs quotes");
    frame->key = key;
    frame->is_merge = key->kind == YAML_SCALAR && !key->quoted && strcmp(key->text, "<<") == 0;
    known = frame->is_merge ? frame->merge : NULL;
    if (key->kind == YAML_SCALAR && !frame->is_merge)
        known = yaml_member(frame->node, key->text, strlen(key->text));
    frame->drop = known || key->kind == YAML_BROKEN;
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
    if (frame->is_merge && !frame->drop)
        frame->merge = node;
    return frame->is_merge || frame->drop || append(reader, frame->node, node);
}

/* Either may be NULL. */
static bool add_properties(struct reader *reader, struct yaml_node *node, const yaml_char_t *anchor,
                           const yaml_char_t *tag)
{
    if (tag)
        yaml_tag_apply(node, (const char *)tag, reader->arena, reader->problems);
    if (anchor && !yaml_anchor_add(&reader->aliases, (const char *)anchor, node))
        reader->unusable = true;
    return !reader->unusable;
}

static bool on_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    struct yaml_node *node = new_node(reader, YAML_SCALAR, event->start_mark);

    if (!node)
        return false;
    if (memchr(value, '\0', size)) {
        problems_add(reader->problems, node->place, "a string must not contain \\0");
        node->kind = YAML_BROKEN;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_strndup(reader->arena, value, size);
    if (!node->text)
        return give_up(reader, node->place,
                       "more memory needed than the limit for configuration files");
    return add_properties(reader, node, event->data.scalar.anchor, event->data.scalar.tag) &&
           add_node(reader, node);
}

static bool is_open(const struct reader *reader, const struct yaml_node *node)
{
    size_t i = 0;

    while (i < reader->depth && reader->frames[i].node != node)
        i++;
    return i < reader->depth;
}

static bool on_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct yaml_node *named = yaml_anchor_find(&reader->aliases, name);
    struct yaml_node *node = new_node(reader, YAML_BROKEN, event->start_mark);

    if (!node)
        return false;
    if (!named)
        problems_add(reader->problems, node->place,
                     "unknown anchor \"%s\": expected &%s before this alias", name, name);
    else if (is_open(reader, named))
        problems_add(reader->problems, node->place,
                     "the value of the anchor \"%s\" contains itself", name);
    else
        node =
            yaml_alias_copy(&reader->aliases, named, node->place, YAML_DEPTH_MAX - reader->depth);
    if (!node)
        reader->unusable = true;
    return node && add_node(reader, node);
}

static bool on_start(struct reader *reader, const yaml_event_t *event, enum yaml_kind kind)
{
    const yaml_char_t *anchor =
        kind == YAML_MAPPING ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag =
        kind == YAML_MAPPING ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    struct yaml_node *node = new_node(reader, kind, event->start_mark);

    if (!node || !add_properties(reader, node, anchor, tag))
        return false;
    if (reader->depth == YAML_DEPTH_MAX)
        return give_up(reader, node->place, "lists and mappings are nested too deeply");
    if (!add_node(reader, node))
        return false;
    reader->frames[reader->depth++] = (struct frame){.node = node};
    return true;
}

static bool on_end(struct reader *reader)
{
    struct frame *frame = &reader->frames[--reader->depth];

    if (frame->merge && !yaml_merge(&reader->aliases, frame->node, frame->merge))
        reader->unusable = true;
    return !reader->unusable;
}

static bool on_document(struct reader *reader, const yaml_event_t *event)
{
    reader->aliases.anchors = NULL;
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
        return on_end(reader);
    default:
        return event->type != YAML_STREAM_END_EVENT;
    }
}

static void report_syntax(struct reader *reader, const char *data, size_t size)
{
    const yaml_parser_t *parser = &reader->parser;
    const struct yaml_fault fault = {data,
                                     size,
                                     parser->problem ? parser->problem : "not YAML",
                                     parser->context,
                                     place_of(parser->problem_mark),
                                     place_of(parser->context_mark),
                                     parser->error == YAML_READER_ERROR,
                                     parser->problem_offset};

    reader->unusable = true;
    if (parser->error == YAML_MEMORY_ERROR)
        give_up(reader, fault.place, "out of memory");
    else
        yaml_syntax_report(&fault, reader->problems);
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
    static const char mark[] = "\xef\xbb\xbf"; /* libyaml would count it as a column */
    struct place start = {1, 1};

    reader->aliases = (struct yaml_aliases){.arena = reader->arena, .problems = reader->problems};
    if (size >= strlen(mark) && memcmp(data, mark, strlen(mark)) == 0) {
        data += strlen(mark);
        size -= strlen(mark);
    }
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the header. What makes it awkward: the comma separates parameters and
 * challenges alike, so a word after a comma is a parameter if a "=" follows and else the scheme
 * of the next auth_challenge. Every step of every loop eats at least one character.
 */
#include "registry/auth_challenge.h"

#include "base/text.h"

#include <string.h>

#define BLANKS " \t"
#define TOKEN                                                                \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+" \
    "-.^_`|~"
#define TOKEN68 TOKEN "/=" /* wider than the RFC's: it is only skipped */

struct scheme {
    const char *name;
    enum auth_challenge_scheme scheme;
};

static const struct scheme schemes[] = {
    {"Basic", CHALLENGE_BASIC},
    {"Bearer", CHALLENGE_BEARER},
};

static enum auth_challenge_scheme scheme_of(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (text_equal_ignoring_case(word, size, schemes[i].name))
            return schemes[i].scheme;
    return CHALLENGE_NONE;
}

/* Where the value of the parameter at `at` begins; NULL if there is no parameter. */
static const char *value_of_parameter(const char *at)
{
    size_t size = strspn(at, TOKEN);

    at += size;
    at += strspn(at, BLANKS);
    return size > 0 && *at == '=' ? at + 1 + strspn(at + 1, BLANKS) : NULL;
}

/* Length of a quoted string, from after its quote; an unclosed one ends with the header. */
static size_t quoted_length(const char *at)
{
    size_t n = 0;

    for (; at[n] && at[n] != '"'; n++)
        if (at[n] == '\\' && at[n + 1])
            n++;
    return n;
}

/* Reads a quoted string from after its quote, without the backslashes. */
static const char *read_quoted(const char *at, const char **value, struct arena *arena)
{
    size_t size = quoted_length(at), n = 0;
    char *copy = arena_alloc(arena, size + 1);

    for (size_t i = 0; copy && i < size; i++) {
        if (at[i] == '\\' && i + 1 < size)
            i++;
        copy[n++] = at[i];
    }
    *value = copy;
    return at[size] ? at + size + 1 : at + size;
}

static const char *read_value(const char *at, const char **value, struct arena *arena)
{
    size_t size;

    if (*at == '"')
        return read_quoted(at + 1, value, arena);
    size = strcspn(at, "," BLANKS);
    *value = arena_strndup(arena, at, size);
    return at + size;
}

static const char **slot_of(struct auth_challenge *auth_challenge, const char *name, size_t size)
{
    if (text_equal_ignoring_case(name, size, "realm"))
        return &auth_challenge->realm;
    if (text_equal_ignoring_case(name, size, "service"))
        return &auth_challenge->service;
    if (text_equal_ignoring_case(name, size, "scope"))
        return &auth_challenge->scope;
    if (text_equal_ignoring_case(name, size, "error"))
        return &auth_challenge->error;
    return NULL;
}

static const char *read_parameters(const char *at, struct auth_challenge *auth_challenge,
                                   struct arena *arena)
{
    for (;;) {
        const char *value_at = value_of_parameter(at), *value;
        const char **slot;

        if (!value_at)
            return at;
        slot = slot_of(auth_challenge, at, strspn(at, TOKEN));
        at = read_value(value_at, &value, arena);
        if (slot)
            *slot = value;
        at += strcspn(at, ","); /* a rest that belongs to nothing */
        at += strspn(at, "," BLANKS);
    }
}

static const char *read_challenge(const char *at, struct auth_challenge *auth_challenge,
                                  struct arena *arena)
{
    size_t size = strspn(at, TOKEN);

    *auth_challenge = (struct auth_challenge){scheme_of(at, size), "", "", "", ""};
    at += size;
    at += strspn(at, BLANKS);
    if (value_of_parameter(at))
        return read_parameters(at, auth_challenge, arena);
    at += strspn(at, TOKEN68);
    return at + strcspn(at, ",");
}

/* A bearer auth_challenge that does not say where tokens are had cannot be answered. */
static bool is_answerable(const struct auth_challenge *auth_challenge)
{
    return auth_challenge->scheme == CHALLENGE_BASIC ||
           (auth_challenge->scheme == CHALLENGE_BEARER && auth_challenge->realm &&
            auth_challenge->realm[0]);
}

bool auth_challenge_parse(struct auth_challenge *auth_challenge, const char *header,
                          struct arena *arena, struct error *err)
{
    struct auth_challenge best = *auth_challenge, offer;
    const char *at = header + strspn(header, "," BLANKS);

    if (best.scheme == CHALLENGE_NONE)
        best = (struct auth_challenge){CHALLENGE_NONE, "", "", "", ""};
    while (*at) {
        if (strspn(at, TOKEN) > 0) {
            at = read_challenge(at, &offer, arena);
            if (is_answerable(&offer) && offer.scheme > best.scheme)
                best = offer;
        } else {
            at += 1 + strcspn(at + 1, ",");
        }
        at += strspn(at, "," BLANKS);
    }
    if (!arena_ok(arena, err))
        return false;
    *auth_challenge = best;
    return true;
}

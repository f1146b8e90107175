/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the header. A comma separates parameters as well as challenges: a word after a
 * comma is a parameter if "=" follows, else the scheme of the next challenge. Every step of every
 * loop consumes at least one character.
 */
#include "registry/auth_challenge.h"

#include "base/text.h"

#include <string.h>

#define BLANKS " \t"
#define TOKEN                                                                \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+" \
    "-.^_`|~"
#define TOKEN68 TOKEN "/=" /* wider than the RFC's: it is only skipped */

static enum auth_challenge_scheme scheme_of(const char *word, size_t size)
{
    if (text_equal_ignoring_case(word, size, "Basic"))
        return CHALLENGE_BASIC;
    return text_equal_ignoring_case(word, size, "Bearer") ? CHALLENGE_BEARER : CHALLENGE_NONE;
}

/* Returns the value of the parameter at `at`; NULL if there is no parameter. */
static const char *value_of_parameter(const char *at)
{
    size_t size = strspn(at, TOKEN);

    at += size;
    at += strspn(at, BLANKS);
    return size > 0 && *at == '=' ? at + 1 + strspn(at + 1, BLANKS) : NULL;
}

/* Length of a quoted string after its opening quote. An unclosed one ends with the header. */
static size_t quoted_length(const char *at)
{
    size_t n = 0;

    for (; at[n] && at[n] != '"'; n++)
        if (at[n] == '\\' && at[n + 1])
            n++;
    return n;
}

/* Copies a quoted string after its opening quote, without the backslashes. */
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

static const char **slot_of(struct auth_challenge *challenge, const char *name, size_t size)
{
    if (text_equal_ignoring_case(name, size, "realm"))
        return &challenge->realm;
    if (text_equal_ignoring_case(name, size, "service"))
        return &challenge->service;
    if (text_equal_ignoring_case(name, size, "scope"))
        return &challenge->scope;
    if (text_equal_ignoring_case(name, size, "error"))
        return &challenge->error;
    return NULL;
}

static const char *read_parameters(const char *at, struct auth_challenge *challenge,
                                   struct arena *arena)
{
    for (;;) {
        const char *value_at = value_of_parameter(at), *value;
        const char **slot;

        if (!value_at)
            return at;
        slot = slot_of(challenge, at, strspn(at, TOKEN));
        at = read_value(value_at, &value, arena);
        if (slot)
            *slot = value;
        at += strcspn(at, ","); /* skip invalid text after the value */
        at += strspn(at, "," BLANKS);
    }
}

static const char *read_challenge(const char *at, struct auth_challenge *challenge,
                                  struct arena *arena)
{
    size_t size = strspn(at, TOKEN);

    *challenge = (struct auth_challenge){scheme_of(at, size), "", "", "", ""};
    at += size;
    at += strspn(at, BLANKS);
    if (value_of_parameter(at))
        return read_parameters(at, challenge, arena);
    at += strspn(at, TOKEN68);
    return at + strcspn(at, ",");
}

/* A Bearer challenge without a realm names no token server. */
static bool is_answerable(const struct auth_challenge *challenge)
{
    return challenge->scheme == CHALLENGE_BASIC ||
           (challenge->scheme == CHALLENGE_BEARER && challenge->realm && challenge->realm[0]);
}

bool auth_challenge_parse(struct auth_challenge *challenge, const char *header, struct arena *arena,
                          struct error *err)
{
    struct auth_challenge best = *challenge, offer;
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
    *challenge = best;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Go's expressions that are used have an equal in POSIX, without the flags in front. */
#include "support/fake_filter.h"

#include <assert.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#define FLAGS "(?is)"

static bool matches(const char *expression, const char *name)
{
    char text[1024] = "";
    size_t n = 0;
    regex_t regex;
    bool found;

    assert(strncmp(expression, FLAGS, strlen(FLAGS)) == 0);
    for (const char *at = expression + strlen(FLAGS); *at != '\0'; at++)
        if (strncmp(at, "?:", 2) == 0)
            at++;
        else
            text[n++] = *at;
    text[n] = '\0';
    if (regcomp(&regex, text, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        assert(false);
    found = regexec(&regex, name, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

bool fake_filter_matches(const char *filter, const char *field, const char *name)
{
    char start[32], expression[1024];
    bool found = true;

    snprintf(start, sizeof(start), "%s~=\"", field);
    for (const char *at = filter; found && *at != '\0';) {
        const char *end;

        assert(strncmp(at, start, strlen(start)) == 0);
        at += strlen(start);
        end = strchr(at, '"');
        assert(end && (end[1] == ',' || end[1] == '\0'));
        snprintf(expression, sizeof(expression), "%.*s", (int)(end - at), at);
        found = matches(expression, name);
        at = end + 1 + (end[1] == ',');
    }
    return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is a machine, the next three are system, architecture and variant of an
 * entry. A machine must accept its whole vector, and its name must parse as the same.
 */
#include "oci/platform.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_machine(const struct platform_matcher *matcher)
{
    struct platform_matcher again;
    struct error err;
    char name[64], name_again[64];
    require(matcher->n_accepted > 0 && matcher->n_accepted <= PLATFORM_VECTOR_MAX);
    for (size_t i = 0; i < matcher->n_accepted; i++)
        require(platform_matches(matcher, &matcher->accepted[i]));
    platform_matcher_name(matcher, name, sizeof(name));
    require(platform_matcher_parse(&again, name, &err));
    require(again.n_accepted == matcher->n_accepted);
    platform_matcher_name(&again, name_again, sizeof(name_again));
    require(strcmp(name, name_again) == 0);
}

static void check_entry(const struct platform_matcher *matcher, const struct platform *platform)
{
    struct descriptor entry = {.has_platform = true, .platform = *platform};
    const struct manifest index = {.children = &entry, .n_children = 1};
    const struct descriptor *chosen = platform_choose(matcher, &index);
    require((chosen == &entry) == platform_matches(matcher, platform));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct platform_matcher matcher;
    struct error err = {0};
    CLEANUP(freep) char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';

    char *rest = text;
    const char *lines[4];
    for (size_t i = 0; i < 4; i++) {
        const char *line = strsep(&rest, "\n");
        lines[i] = line ? line : "";
    }
    const struct platform platform = {lines[1], lines[2], lines[3]};
    if (platform_matcher_parse(&matcher, lines[0], &err)) {
        check_machine(&matcher);
        check_entry(&matcher, &platform);
    }
    platform_matcher_host(&matcher);
    check_entry(&matcher, &platform);
    return 0;
}

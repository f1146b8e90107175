/* SPDX-License-Identifier: Apache-2.0 */
#include "client/image_check.h"

#include <string.h>

enum outcome { /* of looking for something */
    FOUND,
    MISSING,
    BROKEN,
};

const char *image_status_name(enum image_status status)
{
    static const char *const names[IMAGE_STATUSES] = {
        [IMAGE_COMPLETE] = "complete",
        [IMAGE_INCOMPLETE] = "incomplete",
        [IMAGE_UNAVAILABLE] = "unavailable",
        [IMAGE_ERROR] = "error",
    };
    return names[status];
}

/* The daemon refuses to look up anything else, which is not the same as not having it. */
static bool is_digest(const char *text)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } algorithms[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t prefix = strlen(algorithms[i].prefix);
        if (strncmp(text, algorithms[i].prefix, prefix) != 0)
            continue;
        size_t digits = strspn(text + prefix, "0123456789abcdef");
        return digits == algorithms[i].digits && text[prefix + digits] == '\0';
    }
    return false;
}

static enum outcome find_blob(const struct image_facts *facts, const char *digest,
                              struct content_info *blob)
{
    blob->digest = digest;
    if (!is_digest(digest))
        return BROKEN;
    return facts->size_of(facts->arg, digest, &blob->size) ? FOUND : MISSING;
}

static enum outcome find_config(const struct image_facts *facts, const struct manifest *manifest,
                                const struct image_essence **config)
{
    struct content_info blob;
    enum outcome outcome = find_blob(facts, manifest->config.digest, &blob);
    if (outcome != FOUND)
        return outcome;
    return facts->config(facts->arg, &blob, config) == IMAGE_FOUND ? FOUND : BROKEN;
}

/* Whether a manifest that an index led to is for this machine. */
static enum outcome fits(const struct image_facts *facts, const struct platform_matcher *matcher,
                         const struct descriptor *entry, const struct manifest *manifest)
{
    const struct platform *platform = &entry->platform;
    if (!entry->has_platform) {
        const struct image_essence *config;
        enum outcome outcome = find_config(facts, manifest, &config);
        if (outcome != FOUND)
            return outcome;
        platform = &config->platform;
    }
    return platform_matches(matcher, platform) ? FOUND : MISSING;
}

/* Down from the target, always by the best entry: where that is missing, no other is tried. */
static enum outcome find_manifest(const struct image_facts *facts, const struct descriptor *target,
                                  const struct platform_matcher *matcher,
                                  const struct manifest **manifest)
{
    const struct descriptor *at = target;
    for (size_t depth = 0; depth < IMAGE_CHECK_DEPTH_MAX; depth++) {
        struct content_info blob;
        if (manifest_kind(at->media_type) == MANIFEST_OTHER)
            return MISSING;
        enum outcome outcome = find_blob(facts, at->digest, &blob);
        if (outcome != FOUND)
            return outcome;
        if (facts->manifest(facts->arg, &blob, at->media_type, manifest) != IMAGE_FOUND)
            return BROKEN;
        if ((*manifest)->kind == MANIFEST_IMAGE)
            return strcmp(at->digest, target->digest) == 0 ? FOUND
                                                           : fits(facts, matcher, at, *manifest);
        at = platform_choose(matcher, *manifest);
        if (!at)
            return MISSING;
    }
    return BROKEN;
}

static void add_bytes(uint64_t *sum, int64_t size)
{
    if (__builtin_add_overflow(*sum, (uint64_t)size, sum))
        *sum = UINT64_MAX;
}

static bool count(struct image_verdict *verdict, const struct image_facts *facts,
                  const struct descriptor *part)
{
    struct content_info blob;
    enum outcome outcome = find_blob(facts, part->digest, &blob);
    verdict->required++;
    add_bytes(&verdict->required_bytes, part->size);
    if (outcome == FOUND) {
        verdict->present++;
        add_bytes(&verdict->present_bytes, part->size);
    }
    return outcome != BROKEN;
}

static bool count_all(struct image_verdict *verdict, const struct image_facts *facts,
                      const struct manifest *manifest)
{
    bool ok = count(verdict, facts, &manifest->config);
    for (size_t i = 0; ok && i < manifest->n_children; i++)
        ok = count(verdict, facts, &manifest->children[i]);
    return ok;
}

static void check_parts(struct image_verdict *verdict, const struct image_facts *facts,
                        const struct manifest *manifest)
{
    if (!count_all(verdict, facts, manifest))
        *verdict = (struct image_verdict){.status = IMAGE_ERROR};
    else if (verdict->present < verdict->required)
        verdict->status = IMAGE_INCOMPLETE;
    else
        verdict->status = IMAGE_COMPLETE;
}

static void check_unpacked(struct image_verdict *verdict, const struct image_facts *facts,
                           const struct manifest *manifest)
{
    const struct image_essence *config;
    if (find_config(facts, manifest, &config) == FOUND)
        verdict->unpacked =
            config->chain_id[0] != '\0' && facts->has_snapshot(facts->arg, config->chain_id);
    else
        verdict->unpack_failed = true;
}

void image_check(struct image_verdict *verdict, const struct descriptor *target,
                 const struct platform_matcher *matcher, const struct image_facts *facts)
{
    const struct manifest *manifest = NULL;
    *verdict = (struct image_verdict){0};
    switch (find_manifest(facts, target, matcher, &manifest)) {
    case FOUND:
        check_parts(verdict, facts, manifest);
        check_unpacked(verdict, facts, manifest);
        break;
    case MISSING:
        *verdict = (struct image_verdict){.status = IMAGE_UNAVAILABLE, .unpack_failed = true};
        break;
    case BROKEN:
        *verdict = (struct image_verdict){.status = IMAGE_ERROR, .unpack_failed = true};
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/image_check.h"

#include "containerd/containerd.h"
#include "oci/digest.h"

#include <string.h>

static const struct check_rules rules[] = {
    {DAEMON_VERSION(0, 0), false, false, false, false},
    {DAEMON_VERSION(1, 7), true, false, false, false},
    {DAEMON_VERSION(2, 0), true, true, false, false},
    {DAEMON_VERSION(2, 1), true, true, true, false},
    {DAEMON_VERSION(2, 3), true, true, true, true},
};

const struct check_rules *check_rules_of(const char *version)
{
    const struct check_rules *found = &rules[0];

    for (size_t i = 1; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (daemon_version(version) >= rules[i].since)
            found = &rules[i];
    return found;
}

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

static enum image_lookup find_blob(const struct image_facts *facts, const char *digest,
                                   struct image_blob *blob)
{
    *blob = (struct image_blob){.digest = digest};
    if (!digest_valid(
            digest)) /* the daemon fails to look it up, which differs from a missing blob */
        return IMAGE_UNREADABLE;
    return facts->size_of(facts->arg, digest, &blob->size) ? IMAGE_FOUND : IMAGE_MISSING;
}

/* Finds a blob that is to be read. */
static enum image_lookup find_document(const struct image_facts *facts,
                                       const struct descriptor *descriptor, struct image_blob *blob)
{
    if (!facts->rules->inline_data || !descriptor->data)
        return find_blob(facts, descriptor->digest, blob);
    *blob = (struct image_blob){descriptor->digest, (uint64_t)descriptor->size, descriptor->data};
    return IMAGE_FOUND;
}

static enum image_lookup find_config(const struct image_facts *facts,
                                     const struct manifest *manifest,
                                     const struct image_config_facts **config)
{
    struct image_blob blob;
    enum image_lookup found = find_document(facts, &manifest->config, &blob);

    return found == IMAGE_FOUND ? facts->config(facts->arg, &blob, config) : found;
}

/* Whether a manifest that was found through an index is for this machine. */
static enum image_lookup fits(const struct image_facts *facts, const struct descriptor *entry,
                              const struct manifest *manifest)
{
    struct platform platform = entry->platform;

    if (!entry->has_platform) {
        const struct image_config_facts *config;
        enum image_lookup found = find_config(facts, manifest, &config);

        if (found != IMAGE_FOUND)
            return found;
        platform = config->platform;
        if (!facts->rules->config_variant) {
            platform.variant = "";
            platform.has_features = false;
        }
    }
    return platform_matches(facts->matcher, &platform) ? IMAGE_FOUND : IMAGE_MISSING;
}

/* Goes down from the target, always by the best entry. If that is missing, no other is tried. */
static enum image_lookup find_manifest(const struct image_facts *facts,
                                       const struct descriptor *target,
                                       const struct manifest **manifest)
{
    const struct descriptor *at = target;

    for (size_t depth = 0; depth < IMAGE_CHECK_DEPTH_MAX; depth++) {
        struct image_blob blob;
        enum image_lookup found;

        if (manifest_kind(at->media_type) == MANIFEST_OTHER)
            return IMAGE_MISSING;
        found = find_document(facts, at, &blob);
        if (found == IMAGE_FOUND)
            found = facts->manifest(facts->arg, &blob, at->media_type, manifest);
        if (found != IMAGE_FOUND)
            return found;
        if ((*manifest)->kind == MANIFEST_IMAGE)
            return strcmp(at->digest, target->digest) == 0 ? IMAGE_FOUND
                                                           : fits(facts, at, *manifest);
        at = platform_choose(facts->matcher, *manifest);
        if (!at)
            return IMAGE_MISSING;
    }
    return IMAGE_UNREADABLE;
}

/* Overflows wrap around, as in Go. */
static void add_bytes(int64_t *sum, int64_t size)
{
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)size);
}

static bool count(struct image_verdict *verdict, const struct image_facts *facts,
                  const struct descriptor *part)
{
    struct image_blob blob;
    enum image_lookup found = find_blob(facts, part->digest, &blob);

    verdict->required++;
    add_bytes(&verdict->required_bytes, part->size);
    if (found == IMAGE_FOUND) {
        verdict->present++;
        add_bytes(&verdict->present_bytes, part->size);
    }
    return found != IMAGE_UNREADABLE;
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
    const struct image_config_facts *config;
    enum image_lookup found = find_config(facts, manifest, &config);

    if (found == IMAGE_FOUND)
        found = facts->snapshot(facts->arg, manifest->config.digest, config->chain_id);
    else
        found = IMAGE_UNREADABLE;
    verdict->unpacked = found == IMAGE_FOUND;
    verdict->unpack_unknown = found == IMAGE_UNKNOWN;
    verdict->unpack_failed = found == IMAGE_UNREADABLE || verdict->unpack_unknown;
}

void image_check(struct image_verdict *verdict, const struct descriptor *target,
                 const struct image_facts *facts)
{
    const struct manifest *manifest = NULL;

    *verdict = (struct image_verdict){0};
    switch (find_manifest(facts, target, &manifest)) {
    case IMAGE_FOUND:
        check_parts(verdict, facts, manifest);
        check_unpacked(verdict, facts, manifest);
        break;
    case IMAGE_MISSING:
        *verdict = (struct image_verdict){.status = IMAGE_UNAVAILABLE, .unpack_failed = true};
        break;
    case IMAGE_UNREADABLE:
    case IMAGE_UNKNOWN:
        *verdict = (struct image_verdict){.status = IMAGE_ERROR, .unpack_failed = true};
        break;
    }
}

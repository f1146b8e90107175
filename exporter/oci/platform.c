/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/platform.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define NAME_BYTES 16 /* with the NUL; no machine accepts a longer name */

struct names { /* a platform that owns its strings */
    char os[NAME_BYTES], architecture[NAME_BYTES], variant[NAME_BYTES];
};

/* Other names of architectures, and the variant that they imply. */
static const struct alias {
    const char *name, *architecture, *variant;
} aliases[] = {
    {"x86_64", "amd64", ""}, {"x86-64", "amd64", ""}, {"aarch64", "arm64", ""},
    {"armhf", "arm", "v7"},  {"armel", "arm", "v6"},  {"i386", "386", ""},
};

/* Other spellings of variants. */
static const struct spelling {
    const char *architecture, *written, *variant;
    bool dotted; /* only newer daemons know it */
} spellings[] = {
    {"amd64", "v1", "", false}, {"arm64", "8", "", false},    {"arm64", "v8", "", false},
    {"arm", "", "v7", false},   {"arm", "5", "v5", false},    {"arm", "6", "v6", false},
    {"arm", "7", "v7", false},  {"arm", "8", "v8", false},    {"arm64", "v8.0", "", true},
    {"arm64", "9", "v9", true}, {"arm64", "9.0", "v9", true}, {"arm64", "v9.0", "v9", true},
};

static bool put(char out[NAME_BYTES], const char *text, size_t size)
{
    if (size >= NAME_BYTES)
        return false;
    for (size_t i = 0; i < size; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[size] = '\0';
    return true;
}

static void put_known(char out[NAME_BYTES], const char *text)
{
    snprintf(out, NAME_BYTES, "%s", text);
}

static void normalize_names(struct names *names, bool dotted)
{
    if (names->os[0] == '\0')
        put_known(names->os, "linux");
    else if (strcmp(names->os, "macos") == 0)
        put_known(names->os, "darwin");
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strcmp(names->architecture, aliases[i].name) != 0)
            continue;
        put_known(names->architecture, aliases[i].architecture);
        if (aliases[i].variant[0] != '\0' || strcmp(aliases[i].architecture, "386") == 0)
            put_known(names->variant, aliases[i].variant);
        break;
    }
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        if ((dotted || !spellings[i].dotted) &&
            strcmp(names->architecture, spellings[i].architecture) == 0 &&
            strcmp(names->variant, spellings[i].written) == 0) {
            put_known(names->variant, spellings[i].variant);
            break;
        }
}

/* False if a name is longer than all known names. */
static bool normalize(struct names *names, const struct platform *platform, bool dotted)
{
    if (!put(names->os, platform->os, strlen(platform->os)) ||
        !put(names->architecture, platform->architecture, strlen(platform->architecture)) ||
        !put(names->variant, platform->variant, strlen(platform->variant)))
        return false;
    normalize_names(names, dotted);
    return true;
}

static void accept(struct platform_matcher *matcher, const char *architecture, const char *variant)
{
    if (matcher->n_accepted < PLATFORM_VECTOR_MAX)
        matcher->accepted[matcher->n_accepted++] =
            (struct platform){matcher->text[0], architecture, variant};
}

/* 7 for "v7"; 0 for other forms, and for variants without a vector. */
static unsigned variant_number(const char *variant)
{
    bool one_digit = variant[0] == 'v' && variant[1] >= '1' && variant[1] < '9';

    return one_digit && variant[2] == '\0' ? (unsigned)(variant[1] - '0') : 0;
}

/* Accepts the variants from `highest` down to `lowest`. */
static void accept_older(struct platform_matcher *matcher, const char *architecture,
                         unsigned highest, unsigned lowest)
{
    static const char *const variants[] = {"", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"};

    for (unsigned n = highest; n >= lowest && n > 0; n--)
        accept(matcher, architecture, variants[n]);
}

static void fill(struct platform_matcher *matcher, const struct names *names)
{
    unsigned number = variant_number(names->variant);

    *matcher = (struct platform_matcher){.n_accepted = 0};
    put_known(matcher->text[0], names->os);
    put_known(matcher->text[1], names->architecture);
    put_known(matcher->text[2], names->variant);
    accept(matcher, matcher->text[1], matcher->text[2]);
    if (strcmp(names->architecture, "amd64") == 0) {
        accept_older(matcher, "amd64", number > 0 ? number - 1 : 0, 2);
        if (number > 1)
            accept(matcher, "amd64", ""); /* v1 is written without a variant */
        accept(matcher, "386", "");
    } else if (strcmp(names->architecture, "arm") == 0) {
        accept_older(matcher, "arm", number > 5 ? number - 1 : 0, 5);
    } else if (strcmp(names->architecture, "arm64") == 0) {
        accept_older(matcher, "arm", 8, 5);
    }
}

/* "8", "AArch64", "7", "5TE" -> "v8", "v8", "v7", "v5". */
static void cpu_variant(char out[NAME_BYTES], const char *architecture)
{
    if (strncasecmp(architecture, "aarch64", strlen("aarch64")) == 0)
        architecture = "8";
    if (*architecture >= '3' && *architecture <= '8')
        snprintf(out, NAME_BYTES, "v%c", *architecture);
}

static void read_cpu_variant(char out[NAME_BYTES])
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");

    if (!file)
        return;
    while (fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');

        if (!colon || strncasecmp(line, "CPU architecture", strlen("CPU architecture")) != 0)
            continue;
        colon++;
        cpu_variant(out, colon + strspn(colon, " \t"));
        break;
    }
    fclose(file);
}

void platform_matcher_host(struct platform_matcher *matcher)
{
    struct utsname host;
    struct names names = {.os = "linux"};

    if (uname(&host) != 0 || !put(names.architecture, host.machine, strlen(host.machine)))
        put_known(names.architecture, "unknown");
    if (names.architecture[0] == 'i' && strcmp(names.architecture + 2, "86") == 0)
        put_known(names.architecture, "386"); /* the kernel says i686 */
    else if (strcmp(names.architecture, "loongarch64") == 0)
        put_known(names.architecture, "loong64");
    else if (strncmp(names.architecture, "armv", strlen("armv")) == 0)
        put_known(names.architecture, "arm");
    if (strcmp(names.architecture, "arm") == 0 || strcmp(names.architecture, "aarch64") == 0)
        read_cpu_variant(names.variant);
    normalize_names(&names, true);
    fill(matcher, &names);
}

/* Reads one name up to the next slash; NULL if it is not valid. */
static const char *read_part(const char *text, char out[NAME_BYTES])
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    if (size == 0 || !put(out, text, size))
        return NULL;
    return text + size;
}

static bool split(const char *text, struct names *names)
{
    const char *rest = read_part(text, names->os);

    if (!rest || *rest != '/')
        return false;
    rest = read_part(rest + 1, names->architecture);
    if (rest && *rest == '/')
        rest = read_part(rest + 1, names->variant);
    return rest && *rest == '\0';
}

bool platform_matcher_parse(struct platform_matcher *matcher, const char *text, struct error *err)
{
    struct names names = {0};

    if (!split(text, &names))
        return error_set(err, ERROR_INVALID, "\"%s\" is not a platform such as linux/amd64", text);
    normalize_names(&names, true);
    fill(matcher, &names);
    return true;
}

const char *platform_matcher_name(const struct platform_matcher *matcher, char *out, size_t size)
{
    const struct platform *best = &matcher->accepted[0];
    const char *slash = best->variant[0] == '\0' ? "" : "/";

    snprintf(out, size, "%s/%s%s%s", best->os, best->architecture, slash, best->variant);
    return out;
}

/* The index in the vector; n_accepted if the platform does not match. */
static size_t rank(const struct platform_matcher *matcher, const struct platform *platform)
{
    struct names names;

    if (matcher->no_features && platform->has_features)
        return matcher->n_accepted;
    if (!normalize(&names, platform, !matcher->no_dotted_variants))
        return matcher->n_accepted;
    for (size_t i = 0; i < matcher->n_accepted; i++) {
        const struct platform *accepted = &matcher->accepted[i];

        if (strcmp(accepted->os, names.os) == 0 &&
            strcmp(accepted->architecture, names.architecture) == 0 &&
            strcmp(accepted->variant, names.variant) == 0)
            return i;
    }
    return matcher->n_accepted;
}

bool platform_matches(const struct platform_matcher *matcher, const struct platform *platform)
{
    return rank(matcher, platform) < matcher->n_accepted;
}

const struct descriptor *platform_choose(const struct platform_matcher *matcher,
                                         const struct manifest *index)
{
    const struct descriptor *best = NULL, *without = NULL;
    size_t best_rank = matcher->n_accepted;

    for (size_t i = 0; i < index->n_children; i++) {
        const struct descriptor *child = &index->children[i];
        size_t child_rank = child->has_platform ? rank(matcher, &child->platform) : best_rank;

        if (!child->has_platform && !without)
            without = child;
        if (child_rank < best_rank) {
            best = child;
            best_rank = child_rank;
        }
    }
    return best ? best : without;
}

static bool no_match(const struct platform_matcher *matcher, const char *why, struct error *err)
{
    char name[64];

    return error_set(err, ERROR_NOT_FOUND, "no match for platform %s in the index: %s",
                     platform_matcher_name(matcher, name, sizeof(name)), why);
}

bool platform_find(const struct platform_matcher *matcher, const struct manifest *index,
                   const struct descriptor **entry, struct error *err)
{
    *entry = platform_choose(matcher, index);
    if (!*entry)
        return no_match(matcher, "it has no such image", err);
    switch (manifest_kind((*entry)->media_type)) {
    case MANIFEST_IMAGE:
        return true;
    case MANIFEST_INDEX:
        return error_set(err, ERROR_UNSUPPORTED, "an index within an index");
    default:
        return no_match(matcher, "the media type of its entry is no manifest", err);
    }
}

bool platform_check(const struct platform_matcher *matcher, const struct descriptor *entry,
                    const struct platform *config, struct error *err)
{
    struct platform platform = *config;

    if (matcher->no_config_variant) {
        platform.variant = "";
        platform.has_features = false;
    }
    return entry->has_platform || platform_matches(matcher, &platform) ||
           no_match(matcher, "its entry without a platform is for another one", err);
}

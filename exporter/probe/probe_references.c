/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the placeholders of `image` and `tag` and parses the results. */
#include "probe/probe_references.h"

#include "base/buf.h"

#include <string.h>

#define NAME_MAX_BYTES ((size_t)2048)

bool probe_references(const struct probe *probe, const struct placeholders *values,
                      struct arena *arena, struct reference *image, struct reference *new_tag,
                      const char **key, struct error *err)
{
    const char *text = placeholder_fill(probe->image, values, arena, err), *tag;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(NAME_MAX_BYTES);

    *key = "image";
    *new_tag = (struct reference){0};
    if (!text || !reference_parse(image, text, arena, err))
        return false;
    if (!probe->tag || !*probe->tag)
        return true;
    *key = "tag";
    tag = placeholder_fill(probe->tag, values, arena, err);
    if (!tag)
        return false;
    if (strpbrk(tag, "/@"))
        return error_set(err, ERROR_INVALID, "invalid tag \"%s\": must not contain / or @", tag);
    buf_printf(&name, "%s/%s:%s", image->host, image->repository, tag);
    return buf_ok(&name, err) && reference_parse(new_tag, name.data, arena, err);
}

const char *probe_image_text(const struct probe *probe)
{
    return strchr(probe->image, '{') ? probe->image : probe->reference.name;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <string.h>

bool secret_set(struct secret *secret, const char *text, size_t size, struct error *err)
{
    char *copy = malloc(size + 1);

    if (!copy)
        return error_memory(err);
    memcpy(copy, text, size);
    copy[size] = '\0';
    secret_deinit(secret);
    secret->text = copy;
    return true;
}

const char *secret_text(const struct secret *secret)
{
    return secret->text ? secret->text : "";
}

bool secret_copy(struct secret *to, const struct secret *from, struct error *err)
{
    if (from->text)
        return secret_set(to, from->text, strlen(from->text), err);
    secret_deinit(to);
    return true;
}

void secret_deinit(struct secret *secret)
{
    if (secret->text)
        explicit_bzero(secret->text, strlen(secret->text));
    free(secret->text);
    secret->text = NULL;
}

void secret_buf_deinit(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity_);
    buf_deinit(buf);
}

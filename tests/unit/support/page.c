/* SPDX-License-Identifier: Apache-2.0 */
#include "support/page.h"

#include "web/exposition/exposition.h"

#include <string.h>

#define PAGE_BYTES ((size_t)1 << 20)

char *page_text(struct board *board)
{
    const struct exposition_options options = {.board = board, .exporter_metrics = true};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(PAGE_BYTES);
    CLEANUP(exposition_freep) struct exposition *exposition = NULL;
    struct exposition_page page;
    struct error err;

    exposition = exposition_new(&options, &err);
    if (!exposition || !exposition_render(exposition, ENCODE_TEXT, false, NULL, &page, &err))
        abort();
    buf_append_str(&text, "");
    for (size_t i = 0; i < page.n_parts; i++)
        buf_append(&text, page.parts[i].iov_base, page.parts[i].iov_len);
    exposition_release(page.blocks);
    return buf_take(&text);
}

size_t page_count(struct board *board, const char *text)
{
    CLEANUP(freep) char *page = page_text(board);
    size_t n = 0;

    for (const char *at = page; (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

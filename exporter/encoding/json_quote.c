/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/json_quote.h"

void json_quote(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            buf_printf(out, "\\u%04x", *text);
        else if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else
            buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}

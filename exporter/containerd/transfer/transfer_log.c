/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/transfer/transfer_log.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the length of the line at `text` without its end. */
static size_t line_size(const char *text)
{
    return strcspn(text, "\r\n");
}

static const char *next_line(const char *text)
{
    text += line_size(text);
    text += *text == '\r';
    return *text == '\n' ? text + 1 : text;
}

/* "HEAD /v2/name/manifests/tag HTTP/1.1" and the lines of the header. */
static void note_request(struct transfer_log *log, const char *text)
{
    const char *end = text + line_size(text), *manifest = strstr(text, "/manifests/");

    log->asked_[0] = '\0';
    log->fetches |= strstr(text, "/blobs/") && strstr(text, "/blobs/") < end;
    if (!manifest || manifest >= end)
        return;
    for (const char *line = next_line(text); line_size(line) > 0; line = next_line(line))
        if (text_starts_with(line, "Host: "))
            text_clean(log->asked_, sizeof(log->asked_), line + strlen("Host: "),
                       line_size(line) - strlen("Host: "));
}

/* "HTTP/1.1 200 OK". A redirect counts too: the host that sends it has the manifest. */
static void note_response(struct transfer_log *log, const char *text)
{
    const char *space = strchr(text, ' ');
    long status = space ? strtol(space, NULL, 10) : 0;

    if (log->asked_[0] && status >= 200 && status < 400)
        snprintf(log->served_by, sizeof(log->served_by), "%s", log->asked_);
    log->asked_[0] = '\0';
}

void transfer_log_add(struct transfer_log *log, const char *text)
{
    if (text_starts_with(text, "HEAD /") || text_starts_with(text, "GET /"))
        note_request(log, text);
    else if (text_starts_with(text, "HTTP/"))
        note_response(log, text);
}

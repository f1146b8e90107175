/* SPDX-License-Identifier: Apache-2.0 */
/* The section of incomplete images and damaged blobs, with the commands that repair them. */
#include "web/pages/status/status_private.h"

#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <string.h>

#define ROWS_MAX ((size_t)100)

struct image {
    const char *name_space, *name, *status;
    double since; /* 0: it is unpacked, so the missing blobs are not needed */
    double required, present;
};

static struct image *find(struct image *images, size_t n, const char *name_space, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(images[i].name, name) == 0 && strcmp(images[i].name_space, name_space) == 0)
            return &images[i];
    return NULL;
}

/* Lists images with needed blobs missing; they come first, because the table has ROWS_MAX rows.
 * Returns how many there are; lists the first ROWS_MAX. */
static size_t list_broken(const struct status *status, struct image *images)
{
    struct board_cursor at = {0};
    const struct sample *sample;
    size_t n = 0;

    while ((sample = board_next(status->view,
                                "containerd_image_not_complete_since_timestamp_seconds", &at))) {
        if (!(sample->value > 0))
            continue;
        if (n < ROWS_MAX)
            images[n] = (struct image){board_label(at.family, sample, "namespace"),
                                       board_label(at.family, sample, "image"),
                                       "",
                                       sample->value,
                                       0,
                                       0};
        n++;
    }
    return n;
}

/* Appends the other incomplete images, up to ROWS_MAX in all; *total counts all. */
static size_t list_images(const struct status *status, struct image *images, size_t n,
                          size_t *total)
{
    struct board_cursor at = {0};
    const struct sample *sample;

    *total = 0;
    while ((sample = board_next(status->view, "containerd_image_status", &at))) {
        const char *word = board_label(at.family, sample, "status");
        const char *name_space = board_label(at.family, sample, "namespace");
        const char *name = board_label(at.family, sample, "image");
        struct image *image;

        if (!(sample->value > 0) || strcmp(word, "complete") == 0)
            continue;
        ++*total;
        image = find(images, n, name_space, name);
        if (image)
            image->status = word;
        else if (n < ROWS_MAX)
            images[n++] = (struct image){name_space, name, word, 0, 0, 0};
    }
    return n;
}

static void join_blobs(const struct status *status, struct image *images, size_t n)
{
    struct board_cursor at = {0};
    const struct sample *sample;
    struct image *image;

    while ((sample = board_next(status->view, "containerd_image_blobs", &at))) {
        image = find(images, n, board_label(at.family, sample, "namespace"),
                     board_label(at.family, sample, "image"));
        if (image && strcmp(board_label(at.family, sample, "state"), "required") == 0)
            image->required = sample->value;
        else if (image)
            image->present = sample->value;
    }
}

/* Quotes the word for a shell where necessary. */
static void print_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.:/@+=,";

    if (*word && *word != '-' && word[strspn(word, plain)] == '\0') {
        html_text(out, word);
        return;
    }
    buf_append_str(out, "&#39;");
    for (; *word; word += strcspn(word, "'")) {
        if (*word == '\'') {
            buf_append_str(out, "&#39;\\&#39;&#39;");
            word++;
        }
        html_text_part(out, word, strcspn(word, "'"));
    }
    buf_append_str(out, "&#39;");
}

static void print_image(struct status *status, const struct image *image)
{
    struct buf *out = &status->body;

    html_fill(out,
              "<tr><td><span class=\"ref\">%s</span><br><span class=\"soft small\">%s</span></td>"
              "<td data-name=\"Status\"><span class=\"tag %s\">%s</span></td>"
              "<td data-name=\"Since\">",
              image->name, image->name_space, image->since > 0 ? "bad" : "", image->status);
    if (image->since > 0)
        html_time(out, image->since, status->now);
    else
        buf_append_str(out, "–");
    buf_printf(
        out,
        "</td><td class=\"num\" data-name=\"Blobs\">%.0f of %.0f</td><td data-name=\"Repair\">",
        image->present, image->required);
    if (image->since > 0) {
        buf_append_str(out, "<code>ctr -n ");
        print_word(out, image->name_space);
        buf_append_str(out, " images pull ");
        print_word(out, image->name);
        buf_append_str(out, "</code>");
    } else
        buf_append_str(out, "<span class=\"soft\">not needed: its layers were discarded after "
                            "unpacking</span>");
    buf_append_str(out, "</td></tr>\n");
}

static void print_table(struct status *status, const struct image *images, size_t n, size_t total)
{
    struct buf *out = &status->body;

    buf_append_str(
        out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Images "
             "that are not complete\"><table class=\"stack\"><thead><tr><th scope=\"col\">Image, "
             "namespace</th><th scope=\"col\">Status</th><th scope=\"col\">Since</th>"
             "<th scope=\"col\" class=\"num\">Blobs</th><th scope=\"col\">Repair</th></tr></thead>"
             "<tbody>\n");
    for (size_t i = 0; i < n; i++)
        print_image(status, &images[i]);
    buf_append_str(out, "</tbody></table></div>\n");
    if (total > n)
        buf_printf(out, "<p class=\"soft small\">The first %zu of %zu.</p>\n", n, total);
}

static void print_bad_blobs(struct status *status)
{
    struct buf *out = &status->body;
    struct board_cursor at = {0};
    const struct sample *sample;
    double bad = 0;
    size_t rows = 0;

    while ((sample = board_next(status->view, "containerd_content_bad_blobs", &at)))
        bad += sample->value;
    if (!(bad > 0))
        return;
    status_problem(status, true, "images", "%.0f %s damaged", bad,
                   bad > 1 ? "blobs are" : "blob is");
    buf_printf(
        out,
        "<div class=\"card\"><h3>Damaged blobs <span class=\"tag bad\">%.0f</span>"
        "</h3><p>The bytes on disk do not match the digest that containerd lists. A new pull "
        "does not replace a blob that containerd lists: remove it first "
        "(<code>ctr content rm DIGEST</code>), then pull.</p><ul>",
        bad);
    at = (struct board_cursor){0};
    while ((sample = board_next(status->view, "containerd_content_bad_image_info", &at)) &&
           rows++ < ROWS_MAX) {
        html_fill(out,
                  "<li><span class=\"ref\">%s</span> <span class=\"soft small\">(%s)</span>: %s, "
                  "<span class=\"ref\">%s</span></li>",
                  board_label(at.family, sample, "image"),
                  board_label(at.family, sample, "namespace"),
                  board_label(at.family, sample, "kind"), board_label(at.family, sample, "digest"));
    }
    buf_append_str(out, "</ul></div>\n");
}

void status_print_images(struct status *status)
{
    CLEANUP(freep) struct image *images = calloc(ROWS_MAX, sizeof(*images));
    size_t total, n, broken;
    double any;

    if (!images)
        return;
    broken = list_broken(status, images);
    n = list_images(status, images, broken < ROWS_MAX ? broken : ROWS_MAX, &total);
    if (!status_value(status, "containerd_images", &any) && n == 0)
        return;
    join_blobs(status, images, n);
    buf_append_str(&status->body,
                   "<section aria-labelledby=\"images\"><h2 id=\"images\">Images</h2>\n");
    if (n == 0)
        buf_append_str(&status->body, "<p class=\"card\">Every monitored image is "
                                      "<span class=\"good\">complete</span>.</p>\n");
    else
        print_table(status, images, n, total);
    if (broken > 0)
        status_problem(status, true, "images", "%zu %s not complete", broken,
                       broken == 1 ? "image is" : "images are");
    print_bad_blobs(status);
    buf_append_str(&status->body, "</section>\n");
}

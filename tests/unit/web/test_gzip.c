/* SPDX-License-Identifier: Apache-2.0 */
/* Separately compressed pieces form one valid gzip file for libdeflate. */
#include "web/exposition/gzip.h"

#include <libdeflate.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)32 << 20)

/* A file of pieces; `plain` has the uncompressed bytes. */
struct file {
    struct gzip *gzip;
    struct buf plain, packed;
    struct gzip_sum sum;
};

static void begin(struct file *file)
{
    *file = (struct file){gzip_new(), BUF_INIT(LIMIT_BYTES), BUF_INIT(LIMIT_BYTES), {0}};
    assert_non_null(file->gzip);
    buf_append(&file->packed, gzip_start, sizeof(gzip_start));
}

static void add(struct file *file, const void *data, size_t size)
{
    buf_append(&file->plain, data, size);
    file->sum = gzip_join(file->sum, gzip_pack(file->gzip, data, size, &file->packed));
}

static void end(struct file *file)
{
    struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
    unsigned char finish[GZIP_FINISH_BYTES];
    char *back = malloc(file->plain.size + 1);
    size_t size = 0;
    struct error err;

    gzip_finish(file->sum, finish);
    buf_append(&file->packed, finish, sizeof(finish));
    assert_true(buf_ok(&file->packed, &err));
    assert_int_equal(libdeflate_gzip_decompress(reader, file->packed.data, file->packed.size, back,
                                                file->plain.size + 1, &size),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(size, file->plain.size);
    assert_memory_equal(back, file->plain.data ? file->plain.data : "", size);
    free(back);
    libdeflate_free_decompressor(reader);
    gzip_free(file->gzip);
    buf_deinit(&file->plain);
    buf_deinit(&file->packed);
}

static void an_empty_page_is_valid(void **state)
{
    struct file file;

    (void)state;
    begin(&file);
    end(&file);
    begin(&file);
    add(&file, "", 0);
    end(&file);
}

static void joins_pieces_of_every_size(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 100, 1000, 32767, 32768, 32769, 65536, 70000, 200000};
    char *text = malloc(200000);
    struct file file;

    (void)state;
    for (size_t i = 0; i < 200000; i++)
        text[i] = (char)('a' + i * i % 7 + i / 1000 % 9);
    begin(&file);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        add(&file, text, sizes[i]);
    end(&file);
    free(text);
}

/* Covers every number of unused bits in the last byte of a piece. */
static void joins_hundreds_of_pieces(void **state)
{
    char line[128];
    struct file file;

    (void)state;
    begin(&file);
    srandom(7);
    for (int piece = 0; piece < 400; piece++) {
        struct buf text = BUF_INIT(LIMIT_BYTES);

        for (long n = random() % 300; n >= 0; n--) {
            snprintf(line, sizeof(line), "image_canary_duration_seconds_sum{probe=\"p%ld\"} %ld\n",
                     n, random());
            buf_append_str(&text, line);
        }
        add(&file, text.data, text.size);
        buf_deinit(&text);
    }
    assert_true(file.packed.size < file.plain.size / 4);
    end(&file);
}

static void stores_incompressible_data(void **state)
{
    unsigned char *noise = malloc(100000);
    struct file file;

    (void)state;
    srandom(1);
    for (size_t i = 0; i < 100000; i++)
        noise[i] = (unsigned char)(random() >> 8);
    begin(&file);
    add(&file, noise, 100000);
    add(&file, "text", 4);
    add(&file, noise, 99999);
    assert_true(file.packed.size < file.plain.size + file.plain.size / 100);
    end(&file);
    free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_page_is_valid),
        cmocka_unit_test(joins_pieces_of_every_size),
        cmocka_unit_test(joins_hundreds_of_pieces),
        cmocka_unit_test(stores_incompressible_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table and the JSON of the command `check`, and which findings change its exit status. */
#include "command/terminal/check_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct image_finding finding(enum image_status status, bool unpacked, bool unpack_failed)
{
    return (struct image_finding){
        .name = "a",
        .media_type = "t",
        .digest = "d",
        .verdict = {.status = status, .unpacked = unpacked, .unpack_failed = unpack_failed}};
}

static void bad_images_and_unknown_unpack_states_are_wrong(void **state)
{
    static const struct {
        enum image_status status;
        bool unpacked, unpack_failed, wrong, bad;
    } rows[] = {
        {IMAGE_COMPLETE, true, false, false, false},  {IMAGE_COMPLETE, false, false, false, false},
        {IMAGE_COMPLETE, false, true, true, false},   {IMAGE_INCOMPLETE, true, false, false, false},
        {IMAGE_INCOMPLETE, false, false, true, true}, {IMAGE_INCOMPLETE, false, true, true, true},
        {IMAGE_UNAVAILABLE, false, true, true, true}, {IMAGE_ERROR, false, true, true, true},
        {IMAGE_ERROR, true, false, true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct image_finding image =
            finding(rows[i].status, rows[i].unpacked, rows[i].unpack_failed);
        assert_int_equal(check_is_wrong(&image), rows[i].wrong);
        assert_int_equal(image_finding_is_bad(&image), rows[i].bad);
    }
}

static void print_all(const struct image_finding *images, size_t count, struct buf *out)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct check_row items[8];
    struct check_rows rows = {items, 0};
    for (size_t i = 0; i < count; i++)
        assert_true(check_rows_add(&rows, i == 0 ? "default" : "k8s.io", &images[i], &arena));
    check_rows_print(&rows, out);
}

static void aligns_columns_by_characters(void **state)
{
    struct image_finding images[] = {finding(IMAGE_COMPLETE, true, false),
                                     finding(IMAGE_UNAVAILABLE, false, true),
                                     finding(IMAGE_ERROR, false, true)};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
    (void)state;
    images[0].verdict.required = images[0].verdict.present = 12;
    images[0].verdict.required_bytes = images[0].verdict.present_bytes = 1536;
    images[1].name = "\xc3\xa4%s\n\"}\x1b[31m";
    print_all(images, 3, &out);
    assert_string_equal(
        out.data,
        "NAMESPACE REF         TYPE DIGEST STATUS            SIZE            UNPACKED \n"
        "default   a           t    d      complete (12/12)  1.5 KiB/1.5 KiB true     \n"
        "k8s.io    \xc3\xa4%s \"} [31m t    d      unavailable (0/?) 0.0 B/?         false    \n"
        "k8s.io    a           t    d      error             -               false    \n");
    buf_clear(&out);
    print_all(images, 0, &out);
    assert_int_equal(out.size, 0);
}

static void shows_sizes_as_ctr_does(void **state)
{
    static const struct {
        int64_t bytes;
        const char *want;
    } rows[] = {
        {0, " 0.0 B/"},         {1023, " 1023.0 B/"},  {1024, " 1.0 KiB/"},
        {-5000, " -5000.0 B/"}, {66355, " 64.8 KiB/"}, {INT64_MAX, " 8.0 EiB/"},
        {1 << 20, " 1.0 MiB/"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
        struct image_finding image = finding(IMAGE_INCOMPLETE, false, false);
        image.verdict.present_bytes = rows[i].bytes;
        print_all(&image, 1, &out);
        if (!strstr(out.data, rows[i].want))
            fail_msg("%s in: %s", rows[i].want, out.data);
    }
}

static void quotes_json(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
    struct image_finding image = finding(IMAGE_INCOMPLETE, true, false);
    (void)state;
    image.name = "%s\n\"}\xff";
    image.verdict.required = 3;
    image.verdict.present = 2;
    image.verdict.required_bytes = 100;
    image.verdict.present_bytes = -1;
    check_json("default", &image, &out);
    assert_string_equal(
        out.data,
        "{\"namespace\":\"default\",\"ref\":\"%s "
        "\\\"}\xef\xbf\xbd\",\"type\":\"t\",\"digest\":\"d\","
        "\"status\":\"incomplete\",\"present\":2,\"required\":3,\"present_bytes\":-1,"
        "\"required_bytes\":100,\"unpacked\":true,\"unpack_failed\":false,\"wrong\":false}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_images_and_unknown_unpack_states_are_wrong),
        cmocka_unit_test(aligns_columns_by_characters),
        cmocka_unit_test(shows_sizes_as_ctr_does),
        cmocka_unit_test(quotes_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

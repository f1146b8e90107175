/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf: small messages byte by byte, others with a small reader. */
#include "support/encode_fixture.h"

#include <math.h>

static const double bounds[] = {0.5, 30};
static const char *const values[] = {"x", "y"};

static void encode(struct buf *out, bool native, const struct metric_family *family,
                   const struct sample *samples)
{
    encode_one(&(struct encoder){.out = out, .format = ENCODE_PROTOBUF, .options = {native}},
               family, samples);
}

static void writes_a_counter(void **state)
{
    static const char want[] = "\x3c"                    /* length of the family */
                               "\x0a\x0ft_labeled_total" /* name: also here with _total */
                               "\x12\x0a"
                               "A counter." /* help */
                               "\x18\x00"   /* type: written though it is 0 */
                               "\x22\x1b"   /* metric */
                               "\x0a\x06\x0a\x01"
                               "a\x12\x01x" /* label */
                               "\x0a\x06\x0a\x01"
                               "b\x12\x01y"
                               "\x1a\x09\x09\x00\x00\x00\x00\x00\x00\x04\x40"; /* counter: 2.5 */
    const struct sample sample = {.label_values = values, .value = 2.5};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    encode(&out, true, &families[LABELED], &sample);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, sizeof(want) - 1);
}

static void writes_an_info_as_a_gauge_with_extra_labels(void **state)
{
    static const char want[] = "\x34"
                               "\x0a\x06t_info"
                               "\x12\x08"
                               "An info."
                               "\x18\x01"
                               "\x22\x1e"
                               "\x0a\x06\x0a\x01"
                               "a\x12\x01x"
                               "\x0a\x09\x0a\x04team\x12\x01\x31"
                               "\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f";
    static const char *const names[] = {"team"}, *const extra_values[] = {"1"};
    const struct extra_labels extra = {names, extra_values, 1};
    const struct sample sample = {.label_values = values, .extra = &extra, .value = 1};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    encode(&out, true, &families[INFO], &sample);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, sizeof(want) - 1);
}

/* The unread rest of a message. */
struct bytes {
    const unsigned char *data, *end;
};

static uint64_t read_varint(struct bytes *at)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        assert_true(at->data < at->end && shift < 64);
        value |= (uint64_t)(*at->data & 0x7f) << shift;
        if (*at->data++ < 0x80)
            return value;
    }
}

struct field {
    uint64_t number, value; /* of a varint; the bits of a double */
    struct bytes body;
};

static bool read_field(struct bytes *at, struct field *field)
{
    uint64_t tag;

    if (at->data == at->end)
        return false;
    tag = read_varint(at);
    field->number = tag >> 3;
    switch (tag & 7) {
    case 0:
        field->value = read_varint(at);
        return true;
    case 1:
        assert_true(at->end - at->data >= 8);
        memcpy(&field->value, at->data, 8);
        at->data += 8;
        return true;
    default:
        assert_int_equal(tag & 7, 2);
        field->value = read_varint(at);
        assert_true((uint64_t)(at->end - at->data) >= field->value);
        field->body = (struct bytes){at->data, at->data + field->value};
        at->data += field->value;
        return true;
    }
}

static size_t count_fields(struct bytes message, uint64_t number)
{
    struct field field;
    size_t n = 0;

    while (read_field(&message, &field))
        n += field.number == number;
    return n;
}

/* The nth field with that number; fails without one. */
static struct field get(struct bytes message, uint64_t number, size_t nth)
{
    struct field field;

    while (read_field(&message, &field))
        if (field.number == number && nth-- == 0)
            return field;
    fail_msg("no field %llu", (unsigned long long)number);
    return (struct field){0};
}

static double get_double(struct bytes message, uint64_t number)
{
    uint64_t bits = get(message, number, 0).value;
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool is_text(struct field field, const char *want)
{
    return field.value == strlen(want) && memcmp(field.body.data, want, field.value) == 0;
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The histogram of the only sample of the only family. */
static struct bytes histogram_of(const struct buf *page)
{
    struct bytes at = {(const unsigned char *)page->data,
                       (const unsigned char *)page->data + page->size};
    uint64_t size = read_varint(&at);

    assert_int_equal(at.end - at.data, size);
    assert_true(is_text(get(at, 1, 0), "t_duration_seconds"));
    assert_int_equal(get(at, 3, 0).value, 4);
    assert_true(is_text(get(at, 5, 0), "seconds"));
    assert_int_equal(count_fields(at, 4), 1);
    return get(get(at, 4, 0).body, 7, 0).body;
}

static void check_exemplar(struct bytes exemplar, const char *run_id, double value,
                           uint64_t seconds, uint64_t nanos)
{
    struct bytes label = get(exemplar, 1, 0).body, timestamp = get(exemplar, 3, 0).body;

    assert_true(is_text(get(label, 1, 0), "run_id"));
    assert_true(is_text(get(label, 2, 0), run_id));
    assert_true(get_double(exemplar, 2) == value);
    assert_int_equal(get(timestamp, 1, 0).value, seconds);
    assert_int_equal(get(timestamp, 2, 0).value, nanos);
}

static void check_bucket(struct bytes histogram, size_t nth, uint64_t count, double bound,
                         size_t n_exemplars)
{
    struct bytes bucket = get(histogram, 3, nth).body;

    assert_int_equal(get(bucket, 1, 0).value, count);
    assert_true(get_double(bucket, 2) == bound);
    assert_int_equal(count_fields(bucket, 3), n_exemplars);
}

static void observe(struct histogram *histogram)
{
    histogram_init(histogram, bounds, 2, START);
    histogram_observe(histogram, 0.25);
    histogram_observe(histogram, 0.25);
    histogram_observe(histogram, 0);
    histogram_observe_run(histogram, 0.375, "0123456789abcdef", START + 1);
    histogram_observe_run(histogram, 600, "fedcba9876543210", START + 2.5);
}

static void writes_a_histogram_classic_and_native(void **state)
{
    static const int64_t deltas[] = {2, -1, 0};
    static const struct {
        int64_t offset;
        uint64_t length;
    } spans[] = {{-16, 1}, {4, 1}, {84, 1}};
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .histogram = &histogram};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct bytes got, packed;

    (void)state;
    observe(&histogram);
    encode(&out, true, &families[DURATION], &sample);
    got = histogram_of(&out);
    assert_int_equal(get(got, 1, 0).value, 5);
    assert_true(get_double(got, 2) == 600.875);
    assert_int_equal(count_fields(got, 3), 3);
    check_bucket(got, 0, 4, 0.5, 1);
    check_bucket(got, 1, 4, 30, 0);
    check_bucket(got, 2, 5, INFINITY, 1);
    assert_int_equal(unzigzag(get(got, 5, 0).value), 3);
    assert_true(get_double(got, 6) == 0x1p-128);
    assert_int_equal(get(got, 7, 0).value, 1);
    assert_int_equal(count_fields(got, 12), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(unzigzag(get(get(got, 12, i).body, 1, 0).value), spans[i].offset);
        assert_int_equal(get(get(got, 12, i).body, 2, 0).value, spans[i].length);
    }
    packed = get(got, 13, 0).body;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(unzigzag(read_varint(&packed)), deltas[i]);
    assert_ptr_equal(packed.data, packed.end);
    assert_int_equal(get(get(got, 15, 0).body, 1, 0).value, 1761213045);
    assert_int_equal(get(get(got, 15, 0).body, 2, 0).value, 500000000);
    assert_int_equal(count_fields(got, 16), 2);
    check_exemplar(get(got, 16, 0).body, "0123456789abcdef", 0.375, 1761213046, 500000000);
    check_exemplar(get(got, 16, 1).body, "fedcba9876543210", 600, 1761213048, 0);
    check_exemplar(get(get(got, 3, 2).body, 3, 0).body, "fedcba9876543210", 600, 1761213048, 0);
}

static void omits_the_native_part_unless_requested(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    struct histogram classic = HISTOGRAM_INIT(bounds);
    const struct sample samples[] = {{.label_values = values, .histogram = &histogram},
                                     {.label_values = values, .histogram = &classic}};

    (void)state;
    observe(&histogram);
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
        struct bytes got;

        encode(&out, i == 1, &families[DURATION], &samples[i]);
        got = histogram_of(&out);
        assert_int_equal(count_fields(got, 3), 3);
        for (uint64_t number = 5; number <= 14; number++)
            assert_int_equal(count_fields(got, number), 0);
        assert_int_equal(count_fields(got, 15), i == 0);
        assert_int_equal(count_fields(got, 16), 0);
    }
}

/* The zero threshold marks it as native. */
static void an_empty_histogram_is_native(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .histogram = &histogram};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct bytes got;

    (void)state;
    histogram_init(&histogram, bounds, 2, START);
    encode(&out, true, &families[DURATION], &sample);
    got = histogram_of(&out);
    assert_true(get_double(got, 6) == 0x1p-128);
    assert_int_equal(get(got, 7, 0).value, 0);
    assert_int_equal(count_fields(got, 12), 0);
    assert_int_equal(count_fields(got, 13), 0);
    assert_int_equal(count_fields(got, 16), 0);
}

/* The largest histogram, with long labels, fits into the reserved memory; counts add up. */
static void holds_a_full_histogram(void **state)
{
    static const double many[HISTOGRAM_BOUNDS_MAX] = {1,   2,   4,   8,   16,  32,  64,  128,
                                                      256, 512, 1e3, 2e3, 4e3, 8e3, 1e4, 2e4};
    static char label[LABEL_VALUE_LIMIT_BYTES];
    CLEANUP(histogram_deinit) struct histogram histogram;
    const char *const label_values[] = {label};
    const struct sample sample = {.label_values = label_values, .histogram = &histogram};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct bytes got, packed;
    uint64_t sum = 0, lengths = 0, n = 0;
    int64_t count = 0;

    (void)state;
    memset(label, '"', sizeof(label) - 1);
    histogram_init(&histogram, many, HISTOGRAM_BOUNDS_MAX, START);
    for (int i = 0; i < HISTOGRAM_NATIVE_MAX; i++)
        for (int repeated = 0; repeated <= i % 3 * 200; repeated++)
            histogram_observe_run(&histogram, histogram_native_bound(3, i * 3 - 40),
                                  "0123456789abcdef", START);
    assert_int_equal(histogram.native->n, HISTOGRAM_NATIVE_MAX);
    encode(&out, true, &families[DURATION], &sample);
    got = histogram_of(&out);
    assert_int_equal(count_fields(got, 16), 10);
    for (size_t i = 0; i < count_fields(got, 12); i++)
        lengths += get(get(got, 12, i).body, 2, 0).value;
    for (packed = get(got, 13, 0).body; packed.data < packed.end; n++) {
        count += unzigzag(read_varint(&packed));
        assert_true(count >= 0);
        sum += (uint64_t)count;
    }
    assert_int_equal(n, lengths);
    assert_int_equal(sum, get(got, 1, 0).value);
    assert_int_equal(sum, histogram_count(&histogram));
}

/* Metadata and samples in separate buffers make the same family. */
static void writes_the_length_for_samples_in_another_buffer(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .histogram = &histogram};
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf samples = BUF_INIT(LIMIT_BYTES);
    struct encoder encoder = {.out = &samples, .format = ENCODE_PROTOBUF};

    (void)state;
    observe(&histogram);
    encode(&whole, false, &families[DURATION], &sample);
    encode_samples(&encoder, &families[DURATION], &sample);
    encoder.out = &head;
    encoder.apart = samples.size;
    encode_family(&encoder, &families[DURATION]);
    encode_family_end(&encoder, &families[DURATION]);
    buf_append(&head, samples.data, samples.size);
    assert_int_equal(head.size, whole.size);
    assert_memory_equal(head.data, whole.data, whole.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_counter),
        cmocka_unit_test(writes_an_info_as_a_gauge_with_extra_labels),
        cmocka_unit_test(writes_a_histogram_classic_and_native),
        cmocka_unit_test(omits_the_native_part_unless_requested),
        cmocka_unit_test(an_empty_histogram_is_native),
        cmocka_unit_test(holds_a_full_histogram),
        cmocka_unit_test(writes_the_length_for_samples_in_another_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

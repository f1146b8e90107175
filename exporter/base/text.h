/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict parsers of numbers, durations and sizes; text that is safe to show.
 *
 * A parser reads the whole string or fails with ERROR_INVALID: no blanks, no
 * trailing data, no overflow. Messages quote the text; the caller adds where it
 * was found.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* "42"; decimal digits only. */
bool text_uint(const char *text, uint64_t *value, struct error *err) MUST_CHECK;

/* "90s", "5m", "1h30m", "250ms", "1w": like Prometheus, units ms s m h d w y (365d), largest first,
 * each once; not negative. */
bool text_duration_ns(const char *text, int64_t *ns, struct error *err) MUST_CHECK;

/* "0", "512", "64KiB", "1MiB", "2GiB", "1TiB", also "64Ki"; k M G T are powers of 1000: "10M",
 * "10MB". With a unit up to six decimals, "2.2MB", rounded to bytes. One space may precede the
 * unit: `ctr` prints "2.1 MiB". */
bool text_bytes(const char *text, uint64_t *bytes, struct error *err) MUST_CHECK;

/* Writes "64.8 KiB", like `ctr`. */
void text_format_bytes(uint64_t bytes, char *out, size_t out_size);

bool text_equal_ignoring_case(const char *a, size_t a_size, const char *b);

/* FNV-1a of the text, continuing from `hash`; start with TEXT_HASH_INIT. For hash tables and
 * jitter; it does not resist an attacker. */
#define TEXT_HASH_INIT UINT64_C(14695981039346656037)
uint64_t text_hash(uint64_t hash, const char *text);

bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *end);

/* Returns 0 to 15; -1: the character is no hexadecimal digit. */
int text_hex_digit(char c);

bool text_is_utf8(const char *text, size_t size);

/* Copies at most `out_size - 1` bytes of valid UTF-8 and returns strlen(out). An invalid byte
 * becomes U+FFFD. A control character (also DEL and U+0080 to U+009F) becomes a space. Truncation
 * never splits a character. */
size_t text_clean(char *out, size_t out_size, const char *text, size_t size);

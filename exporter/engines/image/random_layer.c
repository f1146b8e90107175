/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/random_layer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TAR_BLOCK_BYTES UINT64_C(512)
#define TAR_END_BYTES   (2 * TAR_BLOCK_BYTES)

bool random_layer_seed(uint64_t *seed, struct error *err)
{
    ssize_t n;

    do
        n = getrandom(seed, sizeof(*seed), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*seed))
        return error_errno(err, errno, "getrandom");
    if (*seed == 0)
        *seed = 1;
    return true;
}

uint64_t random_layer_tar_bytes(uint64_t file_bytes)
{
    uint64_t blocks = (file_bytes + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES;

    return RANDOM_LAYER_HEADER_BYTES + blocks * TAR_BLOCK_BYTES + TAR_END_BYTES;
}

/* POSIX ustar: fixed fields of octal text; the checksum counts its own field as spaces. */
void random_layer_tar_header(unsigned char header[RANDOM_LAYER_HEADER_BYTES], const char *name,
                             uint64_t file_bytes)
{
    char *text = (char *)header;
    unsigned sum = 0;

    memset(header, 0, RANDOM_LAYER_HEADER_BYTES);
    snprintf(text, 100, "%s", name);
    memcpy(text + 100, "0000644", 8);
    memcpy(text + 108, "0000000", 8);
    memcpy(text + 116, "0000000", 8);
    snprintf(text + 124, 12, "%011" PRIo64, file_bytes);
    memcpy(text + 136, "00000000000", 12);
    memset(text + 148, ' ', 8);
    text[156] = '0';
    memcpy(text + 257, "ustar", 6);
    memcpy(text + 263, "00", 2);
    for (size_t i = 0; i < RANDOM_LAYER_HEADER_BYTES; i++)
        sum += header[i];
    snprintf(text + 148, 8, "%06o", sum);
}

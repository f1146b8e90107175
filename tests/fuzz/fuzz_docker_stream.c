/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes from the socket, cut wherever: it ends, and both ways to cut say the same. */
#include "docker/docker_stream.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_in_pieces(struct docker_stream *stream, const uint8_t *data, size_t size,
                           size_t piece)
{
    struct error err;

    docker_stream_init(stream);
    for (size_t at = 0; at < size; at += piece)
        if (!docker_stream_feed(stream, data + at, size - at < piece ? size - at : piece, 7, &err))
            return false;
    return docker_stream_end(stream, 8, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct docker_stream whole, pieces;
    struct docker_stream_totals totals, again;
    bool ok = read_in_pieces(&whole, data, size, size + 1);

    if (read_in_pieces(&pieces, data, size, 3) != ok)
        __builtin_trap();
    docker_stream_sum(&whole, &totals);
    docker_stream_sum(&pieces, &again);
    if (totals.moved_bytes != again.moved_bytes || totals.n_existed != again.n_existed ||
        whole.n_layers != pieces.n_layers || strcmp(whole.digest, pieces.digest) != 0)
        __builtin_trap();
    if (totals.n_existed + totals.n_unknown > whole.n_layers ||
        (whole.digest[0] && !digest_valid(whole.digest)))
        __builtin_trap();
    docker_stream_deinit(&whole);
    docker_stream_deinit(&pieces);
    return 0;
}

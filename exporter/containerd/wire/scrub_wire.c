/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/scrub_wire.h"

#include "containerd/wire/types_wire.h"
#include "scrub.pb-c.h"

void scrub_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size)
{
    Scrub__ReadRequest request = SCRUB__READ_REQUEST__INIT;

    request.digest = (char *)digest;
    request.offset = (int64_t)offset;
    request.size = (int64_t)size;
    wire_pack(&request.base, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images that were in the kubelet's namespace before a pull by CRI.
 *
 * What other runs have made goes with them, so it does not count, although it is there.
 */
#pragma once

#include "containerd/images.h"
#include "engines/daemon/cri_claim.h"

/* *all: every image of the namespace; *before: without those that other runs have made. */
bool cri_before_read(const struct cri_claim *claim, struct arena *arena, struct image_records *all,
                     struct image_records *before, struct cancel *cancel,
                     struct error *err) MUST_CHECK;

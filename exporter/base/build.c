/* SPDX-License-Identifier: Apache-2.0 */
#include "base/build.h"

#include "version.inc"

const char build_version[] = VERSION;
const char build_revision[] = REVISION;
const char build_branch[] = BRANCH;

#ifdef __clang__
const char build_compiler[] = "clang " __clang_version__;
#else
const char build_compiler[] = "gcc " __VERSION__;
#endif

#if defined(__x86_64__)
const char build_arch[] = "amd64";
#elif defined(__aarch64__)
const char build_arch[] = "arm64";
#elif defined(__arm__)
const char build_arch[] = "arm";
#elif defined(__riscv) && __riscv_xlen == 64
const char build_arch[] = "riscv64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
const char build_arch[] = "ppc64le";
#elif defined(__s390x__)
const char build_arch[] = "s390x";
#elif defined(__i386__)
const char build_arch[] = "386";
#else
const char build_arch[] = "unknown";
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "os/build.h"

#include "version.inc"

#include <limits.h> /* for __GLIBC__ */
#include <string.h>

const char build_version[] = VERSION;
const char build_revision[] = REVISION;
const char build_branch[] = BRANCH;
const char build_user[] = BUILD_USER;
const char build_date[] = BUILD_DATE;
const char build_tags[] = BUILD_TAGS;

#ifdef __clang__
const char build_compiler[] = "clang " __clang_version__;
#else
const char build_compiler[] = "gcc " __VERSION__;
#endif

#define TEXT_(value) #value
#define TEXT(value)  TEXT_(value)
#ifdef __GLIBC__
const char build_libc[] = ", glibc " TEXT(__GLIBC__) "." TEXT(__GLIBC_MINOR__);
#else
const char build_libc[] = "";
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

bool build_knows(const char *fact)
{
    return strcmp(fact, "unknown") != 0;
}

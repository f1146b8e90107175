# SPDX-License-Identifier: Apache-2.0
# One makefile, not recursive. `make help` tells what there is.

PREFIX  ?= /usr/local
DESTDIR ?=

# ARCH=arm64 on an amd64, or the other way round, is a cross build: with the libraries of deploy/lib.sh need_sysroot.
HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(shell uname -m)))
ARCH      ?= $(HOST_ARCH)
ifneq ($(ARCH),$(HOST_ARCH))
TRIPLET := $(patsubst arm64,aarch64,$(patsubst amd64,x86_64,$(ARCH)))-linux-gnu
SYSROOT := $(shell deploy/lib.sh sysroot_dir $(ARCH))
CC      := $(TRIPLET)-gcc --sysroot=$(SYSROOT)
CXX     := $(TRIPLET)-g++ --sysroot=$(SYSROOT)
AR      := $(TRIPLET)-ar
BUILD   := build-$(ARCH)
endif
CC      ?= cc
ifeq ($(origin CXX),default)
CXX     := $(if $(findstring clang,$(CC)),clang++,c++)
endif
SAN     ?=
CFLAGS  ?= -O2 -g
comma   := ,
BUILD   ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))

VERSION  := 0.1.0
REVISION := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
BRANCH   := $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
# Two builds of one commit are the same: its time, or that of whoever packs it, is the build's.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
BUILD_DATE := $(if $(SOURCE_DATE_EPOCH),$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d-%H:%M:%S),unknown)
BUILD_USER ?= unknown
BUILD_TAGS := $(if $(SAN),$(SAN),unknown)

WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wwrite-strings -Wundef -Wno-missing-field-initializers \
        $(if $(CI),-Werror)
# The folders of the build are no part of what is built.
SAME_PATHS := -ffile-prefix-map=$(CURDIR)=. $(if $(SYSROOT),-ffile-prefix-map=$(SYSROOT)=)
BASE_CFLAGS = -std=c17 -D_GNU_SOURCE -pthread -fno-common -fstack-protector-strong $(SAME_PATHS) \
              $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CPPFLAGS) $(CFLAGS)
OUR_CFLAGS  = $(BASE_CFLAGS) $(WARN) -Iexporter -I$(BUILD)/gen
# C++ reads TOML, matches like Go's regexp and finds the shortest digits of a number. No exception leaves these files.
CXX_CFLAGS  = $(patsubst -std=c17,-std=c++17 -fno-rtti,$(filter-out -Wstrict-prototypes -Wmissing-prototypes,$(OUR_CFLAGS)))
LIBS = -lgrpc -lgpr -lprotobuf-c -lmicrohttpd -lyaml -lcurl -lssl -lcrypto -lgnutls -lisal -lcrypt -lre2 -lstdc++ -lm -pthread

Q := $(if $(V),,@)

BINARY     := $(BUILD)/containerd_exporter
SRCS       := $(sort $(shell find exporter collectors -name '*.c' ! -path exporter/main.c))
CXX_SRCS   := $(sort $(shell find exporter -name '*.cpp'))
OBJS       := $(SRCS:%.c=$(BUILD)/%.o) $(CXX_SRCS:%.cpp=$(BUILD)/%.o)
PROTOS     := $(wildcard proto/*.proto)
PROTO_OBJS := $(PROTOS:proto/%.proto=$(BUILD)/gen/proto/%.pb-c.o)
LIBRARY    := $(BUILD)/libexporter.a
TEST_SRCS  := $(sort $(wildcard tests/unit/*/test_*.c))
FIXTURES   := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/support/*.c)))
TESTS      := $(filter-out $(foreach name,$(WITHOUT_TESTS),%/$(name)),$(TEST_SRCS:%.c=$(BUILD)/%))
FUZZERS    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
HEADERS    := $(sort $(shell find exporter -name '*.h'))
COLLECTORS := $(sort $(basename $(notdir $(wildcard collectors/*.c))))
ENGINES    := $(sort $(basename $(notdir $(wildcard $(addprefix exporter/engines/,pull_*.c push_*.c tag_*.c)))))

help:
	@echo 'make all        the exporter: $(BINARY)'
	@echo 'make check      floors, headers, unit tests, fuzz corpora     SAN=address,undefined | thread'
	@echo 'make e2e        end-to-end tests against real daemons (root)'
	@echo 'make bench      against ctr, skopeo, curl and client_golang, side by side (root)'
	@echo 'make demo       containerd, registry, Prometheus and the exporter, on this machine'
	@echo 'make run        the exporter on the containerd of this machine: inventory only'
	@echo 'make fuzz       each fuzzer for FUZZ_SECONDS=60 (clang)'
	@echo 'make mutate     N=200 SEED=1 FLOOR=base: changes of the code that make check notices'
	@echo 'make reference  docs/metrics.md, docs/configuration.md, JSON schema: from the tables of the code'
	@echo 'make sizing     the tables of docs/sizing.md, measured on this machine (root)'
	@echo 'make screenshots  the pictures of the README, from a running exporter (root)'
	@echo 'make chart      the files of deploy/helm, from dashboards'
	@echo 'make prometheus-rule  the PrometheusRule of deploy/kubernetes, from dashboards/rules.yml'
	@echo 'make image      containerd_exporter:$(VERSION) for docker, and $(IMAGE_FILE)     ARCH=arm64: cross build'
	@echo 'make image-push IMAGE=registry.example/containerd_exporter:$(VERSION)  for $(ARCHS)'
	@echo 'make image-set  IMAGE=... into deploy/kubernetes     make check-arm64  unit tests under qemu-user'
	@echo 'make install    DESTDIR=$(DESTDIR) PREFIX=$(PREFIX); make uninstall keeps what is in /etc'
	@echo 'make deb        build/deb/containerd-exporter_$(VERSION)_*.deb, by debhelper'
	@echo 'make format     clang-format everything             make lint   clang-tidy, cppcheck'
	@echo 'make clean      V=1 shows commands                  CI=1        warnings are errors'

all: $(BINARY)

# Flags are part of what was built: other flags, other objects.
$(BUILD)/flags: force
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(CC) $(CXX) $(OUR_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CXX) $(OUR_CFLAGS)' >$@

$(BUILD)/gen/version.inc: force
	$(Q)mkdir -p $(@D)
	$(Q)printf '#define %s "%s"\n' VERSION '$(VERSION)' REVISION '$(REVISION)' BRANCH '$(BRANCH)' \
	    BUILD_USER '$(BUILD_USER)' BUILD_DATE '$(BUILD_DATE)' BUILD_TAGS '$(BUILD_TAGS)' >$@.new
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The names of the files are the list: of collectors, and of ways to pull, push and tag. The
# directory changes when a file comes or goes, and only then is the table made again.
$(BUILD)/gen/collectors.inc: collectors Makefile
	$(Q)mkdir -p $(@D)
	$(Q)printf 'COLLECTOR(%s)\n' $(COLLECTORS) >$@

$(BUILD)/gen/engines.inc: exporter/engines Makefile
	$(Q)mkdir -p $(@D)
	$(Q)printf 'ENGINE(%s)\n' $(ENGINES) >$@

$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h: proto/%.proto
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=proto --c_out=$(@D) $<

GENERATED := $(BUILD)/gen/collectors.inc $(BUILD)/gen/engines.inc $(BUILD)/gen/version.inc \
             $(PROTOS:proto/%.proto=$(BUILD)/gen/proto/%.pb-c.h)

$(BUILD)/gen/proto/%.pb-c.o: $(BUILD)/gen/proto/%.pb-c.c $(BUILD)/flags | $(GENERATED)
	$(Q)$(CC) $(BASE_CFLAGS) -w -I$(BUILD)/gen/proto -c -o $@ $<

# Only these may see generated messages.
$(BUILD)/exporter/containerd/wire/%_wire.o: OUR_CFLAGS += -I$(BUILD)/gen/proto
$(BUILD)/tests/unit/support/%.o: OUR_CFLAGS += -I$(BUILD)/gen/proto

# Tests and fuzzers check with assert(): CFLAGS=-DNDEBUG must not remove it.
$(BUILD)/tests/%.o: OUR_CFLAGS += -Itests/unit -UNDEBUG

$(BUILD)/%.o: %.c $(BUILD)/flags | $(GENERATED)
	@echo '  CC    $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cpp $(BUILD)/flags
	@echo '  CXX   $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(CXX_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/exporter/os/build.o: $(BUILD)/gen/version.inc
$(BUILD)/exporter/collector/catalog.o: $(BUILD)/gen/collectors.inc
$(BUILD)/exporter/engines/engines.o: $(BUILD)/gen/engines.inc

$(LIBRARY): $(OBJS) $(PROTO_OBJS)
	@echo '  AR    $@'
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BINARY): $(BUILD)/exporter/main.o $(LIBRARY)
	@echo '  LINK  $@'
	$(Q)$(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# What several unit tests share.
$(BUILD)/libtests.a: $(FIXTURES)
	@echo '  AR    $@'
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libtests.a $(LIBRARY)
	@echo '  LINK  $@'
	$(Q)$(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka -ldeflate

# Without a fuzzing engine a fuzzer is a plain program over its corpus.
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/main.o $(LIBRARY)
	@echo '  LINK  $@'
	$(Q)$(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The exporter's page without its probes, for make bench.
$(BUILD)/bench_page: $(BUILD)/tests/bench/page.o $(LIBRARY)
	@echo '  LINK  $@'
	$(Q)$(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

check: layers headers unit corpus

layers:
	$(Q)sh tests/layers.sh

headers: $(GENERATED)
	$(Q)for h in $(HEADERS); do $(CC) $(OUR_CFLAGS) -fsyntax-only -x c -include $$h /dev/null || exit 1; done

# make -k runs all of them, make -j several at once.
unit: $(TESTS:%=%.run)

%.run: % force
	@echo '  TEST  $<'
	$(Q)$(SAN_ENV) $<

corpus: $(FUZZERS:%=$(BUILD)/%)
	$(Q)passed=0; failed=0; for f in $(FUZZERS); do echo "  FUZZ  $$f"; \
	    $(SAN_ENV) $(BUILD)/$$f tests/fuzz/corpus/$${f#fuzz_}/* && passed=$$((passed + 1)) || failed=$$((failed + 1)); \
	done; echo "  CORPORA  one test per fuzzer: $$passed passed, $$failed failed"; [ $$failed = 0 ]

SAN_ENV := TSAN_OPTIONS='ignore_noninstrumented_modules=1 allocator_may_return_null=1 suppressions=tests/tsan.supp' \
           LSAN_OPTIONS='suppressions=tests/lsan.supp print_suppressions=0' CMOCKA_MESSAGE_OUTPUT=stdout

FUZZ_SECONDS ?= 60
fuzz:
	$(Q)for f in $(FUZZERS); do \
	    $(MAKE) --no-print-directory CC=clang BUILD=build-fuzz SAN=address,undefined \
	        CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' build-fuzz/libexporter.a build-fuzz/tests/fuzz/$$f.o && \
	    clang++ -fsanitize=fuzzer,address,undefined -o build-fuzz/$$f build-fuzz/tests/fuzz/$$f.o \
	        build-fuzz/libexporter.a $(LIBS) && \
	    mkdir -p build-fuzz/found/$$f && \
	    build-fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 build-fuzz/found/$$f tests/fuzz/corpus/$${f#fuzz_} || exit 1; \
	done

N    ?= 200
SEED ?= 1
mutate:
	$(Q)/usr/bin/python3 tests/mutate.py -n $(N) --seed $(SEED) $(if $(FLOOR),--floor '$(FLOOR)') $(MUTATE_ARGS)

e2e: $(BINARY)
	$(Q)EXPORTER_BIN=$(abspath $(BINARY)) /usr/bin/python3 -m pytest -q tests/e2e

bench: $(BINARY) $(BUILD)/bench_page
	$(Q)EXPORTER_BIN=$(abspath $(BINARY)) PAGE_BIN=$(abspath $(BUILD)/bench_page) /usr/bin/python3 tests/bench/bench.py $(BENCH_ARGS)

# The tables of docs/metrics.md and docs/configuration.md, and the JSON schema; tests/e2e/web/test_pages.py and
# tests/e2e/config/test_reference.py say when they are stale.
reference: $(BINARY)
	$(Q)$(BINARY) metrics --markdown | sed -i -e '/<!-- metrics:begin -->/,/<!-- metrics:end -->/{//!d}' \
	    -e '/<!-- metrics:begin -->/r /dev/stdin' docs/metrics.md
	$(Q)$(BINARY) config | sed -i -e '/<!-- settings:begin -->/,/<!-- settings:end -->/{//!d}' \
	    -e '/<!-- settings:begin -->/r /dev/stdin' docs/configuration.md
	$(Q)$(BINARY) config --json-schema >deploy/containerd_exporter.schema.json

# The tables of docs/sizing.md, measured on this machine (root, 15 minutes).
sizing: $(BINARY) $(BUILD)/bench_page
	$(MAKE) bench BENCH_ARGS='--json docs/sizing.json'
	$(Q)/usr/bin/python3 tests/bench/sizing.py

# The pictures of the README, from a running exporter.
screenshots: $(BINARY)
	$(Q)EXPORTER_BIN=$(abspath $(BINARY)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 docs/images/screenshots.py

# A chart reads no file outside of itself; tests/e2e/install/test_helm.py says when a copy is stale.
chart:
	$(Q)cp dashboards/rules.yml dashboards/*.json deploy/helm/containerd-exporter/files/

# The alerts as an object of prometheus-operator; tests/e2e/system/test_deploy.py says when it is stale.
PROMETHEUS_RULE := deploy/kubernetes/components/prometheus-rule/prometheusrule.yaml
prometheus-rule: dashboards/rules.yml
	$(Q)sed '/^  # The rest is written by make prometheus-rule\.$$/q' $(PROMETHEUS_RULE) >$(PROMETHEUS_RULE).new
	$(Q)sed -n -e '/^groups:/,$$s/^\(.\)/  \1/' -e '/^ /p' -e '/^$$/p' $< >>$(PROMETHEUS_RULE).new
	$(Q)mv $(PROMETHEUS_RULE).new $(PROMETHEUS_RULE)

demo:
	$(Q)./deploy/demo.sh

run: $(BINARY)
	$(Q)$(BINARY) $(ARGS)

# STRIP= keeps the symbols. UNITDIR says where systemd finds the units of a PREFIX that it does not know.
STRIP    ?= strip
DOCDIR   ?= $(PREFIX)/share/doc/containerd_exporter
UNITDIR  ?= $(PREFIX)/lib/systemd/system
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
SHAREDIR  = $(PREFIX)/share/containerd_exporter
UNITS    := $(addprefix deploy/systemd/containerd_exporter,.service .socket)
SHARE    := $(wildcard dashboards/*.json deploy/*.schema.json) dashboards/rules.yml
EXAMPLES := deploy/containerd_exporter.yml $(wildcard deploy/systemd/*.conf)
PROGRAM   = $(PREFIX)/bin/containerd_exporter
MANUAL    = $(PREFIX)/share/man/man8/containerd_exporter.8
BASHCOMP  = $(PREFIX)/share/bash-completion/completions/containerd_exporter
ZSHCOMP   = $(ZSHDIR)/_containerd_exporter
PLACES    = sed 's,/usr/local/share/doc/containerd_exporter,$(DOCDIR),; s,/usr/local/,$(PREFIX)/,'

# Settings that exist are the administrator's: they are neither overwritten nor removed.
install: $(BINARY)
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PROGRAM)
	$(if $(STRIP),$(STRIP) $(DESTDIR)$(PROGRAM))
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)/etc/containerd_exporter
	test -e $(DESTDIR)/etc/containerd_exporter/secrets || install -d -m 0750 $(DESTDIR)/etc/containerd_exporter/secrets
	for f in $(notdir $(UNITS)); do $(PLACES) deploy/systemd/$$f | install -m 0644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$f || exit 1; done
	install -m 0644 $(SHARE) $(DESTDIR)$(SHAREDIR)
	install -m 0644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples
	install -D -m 0644 deploy/containerd_exporter.8 $(DESTDIR)$(MANUAL)
	$(BINARY) --completion-script-bash | install -D -m 0644 /dev/stdin $(DESTDIR)$(BASHCOMP)
	$(BINARY) --completion-script-zsh | install -D -m 0644 /dev/stdin $(DESTDIR)$(ZSHCOMP)
	test -e $(DESTDIR)/etc/containerd_exporter/containerd_exporter.yml || \
	    $(PLACES) deploy/systemd/containerd_exporter.yml | \
	    install -m 0644 /dev/stdin $(DESTDIR)/etc/containerd_exporter/containerd_exporter.yml
	test -e $(DESTDIR)/etc/default/containerd_exporter || \
	    install -D -m 0644 deploy/systemd/containerd_exporter.default $(DESTDIR)/etc/default/containerd_exporter

uninstall:
	rm -f $(addprefix $(DESTDIR),$(PROGRAM) $(addprefix $(UNITDIR)/,$(notdir $(UNITS))) $(MANUAL) $(BASHCOMP) $(ZSHCOMP))
	rm -rf $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(DOCDIR)

# A Debian package of these sources, without root: deploy/debian beside a copy of them, and a changelog of one entry.
DEB_VERSION ?= $(VERSION)
DEB_SOURCE   = $(BUILD)/deb/containerd-exporter-$(DEB_VERSION)
DEB_TIME     = $(or $(SOURCE_DATE_EPOCH),$(shell stat -c %Y CHANGELOG.md))
deb:
	rm -rf $(BUILD)/deb
	mkdir -p $(DEB_SOURCE)
	cp -a Makefile LICENSE README.md CHANGELOG.md docs exporter collectors proto dashboards deploy $(DEB_SOURCE)
	mv $(DEB_SOURCE)/deploy/debian $(DEB_SOURCE)
	{ echo 'containerd-exporter ($(DEB_VERSION)) unstable; urgency=medium'; echo; \
	    echo '  * Built from revision $(REVISION). CHANGELOG.md has the changes of each release.'; echo; \
	    sed -n "s/^Maintainer: \(.*\)/ -- \1  $$(LC_ALL=C date -Ru -d @$(DEB_TIME))/p" deploy/debian/control; \
	} >$(DEB_SOURCE)/debian/changelog
	find $(DEB_SOURCE) -exec touch -h -d @$(DEB_TIME) {} +
	cd $(DEB_SOURCE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL REVISION='$(REVISION)' BRANCH='$(BRANCH)' \
	    dpkg-buildpackage -b -us -uc -J
	@ls $(BUILD)/deb/*.deb

# ---- The container image: deploy/image.sh says how the same sources become the same digest.
ARCHS      ?= amd64 arm64
IMAGE_FILE := build/image-$(ARCH).tar
IMAGE_TOOL  = SOURCE_DATE_EPOCH=$(or $(SOURCE_DATE_EPOCH),0) VERSION=$(VERSION) REVISION=$(REVISION) deploy/image.sh
IMAGE_NAME  = $(or $(IMAGE),$(error IMAGE=registry.example/name:tag is missing))

# Into docker if one answers; podman load, skopeo and ctr images import read the archive, too.
image: image-archive
	$(Q)! docker version >/dev/null 2>&1 || docker load --input $(IMAGE_FILE)

image-archive: image-rootfs
	$(Q)mkdir -p build
	$(Q)$(IMAGE_TOOL) archive $(BUILD)/rootfs $(IMAGE_FILE)
	@echo '  IMAGE $(IMAGE_FILE)'

image-rootfs: sysroot
	$(Q)$(MAKE) --no-print-directory ARCH=$(ARCH) all
	$(Q)rm -rf $(BUILD)/rootfs
	$(Q)$(IMAGE_TOOL) rootfs $(BINARY) $(BUILD)/rootfs $(SYSROOT)

sysroot:
	$(Q)$(if $(SYSROOT),deploy/lib.sh need_sysroot $(ARCH))

# One index for all architectures. SKOPEO_FLAGS=--dest-tls-verify=false is for a registry without TLS.
image-push:
	$(Q)test -n '$(IMAGE_NAME)'
	$(Q)for arch in $(ARCHS); do $(MAKE) --no-print-directory ARCH=$$arch image-archive || exit 1; done
	$(Q)$(IMAGE_TOOL) index build/image.tar $(ARCHS:%=build/image-%.tar)
	$(Q)skopeo --insecure-policy copy --all --preserve-digests $(SKOPEO_FLAGS) oci-archive:build/image.tar docker://$(IMAGE_NAME)

image-set:
	$(Q)$(IMAGE_TOOL) kustomize $(IMAGE_NAME)

# The unit tests of arm64. qemu-user 7.2 has no openat2() and does not tell posix_spawn() of a missing program, and the
# failures of all engines take too long there: these tests run on a real arm64.
EMULATOR_CANNOT := test_content_files test_credential_plugin test_engine_failures test_node_name test_process test_rootfs
EMULATOR ?= $(if $(filter arm64,$(HOST_ARCH)),,qemu-aarch64-static)
check-arm64:
	$(Q)deploy/lib.sh need_sysroot arm64
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 SAN_ENV='QEMU_LD_PREFIX=$(shell deploy/lib.sh sysroot_dir arm64) CMOCKA_MESSAGE_OUTPUT=stdout $(EMULATOR)' \
	    WITHOUT_TESTS='$(if $(EMULATOR),$(EMULATOR_CANNOT))' unit

# The flags in the manual are those of the binary.
man: $(BINARY)
	$(Q)sed '/^\.\\" The rest is written by make man\.$$/q' deploy/containerd_exporter.8 >$(BUILD)/manual
	$(Q)$(BINARY) --help-man >>$(BUILD)/manual
	$(Q)cp $(BUILD)/manual deploy/containerd_exporter.8

OUR_FILES := exporter/main.c $(SRCS) $(HEADERS) $(CXX_SRCS) $(wildcard tests/unit/*/*.[ch] tests/fuzz/*.c tests/bench/*.c)
format:
	$(Q)clang-format -i $(OUR_FILES)

lint: $(GENERATED)
	clang-format --dry-run -Werror $(OUR_FILES)
	cppcheck -q --std=c17 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --suppress=memleak --suppress=legacyUninitvar \
	    --suppress=ctuuninitvar \
	    -D__FILE_NAME__=__FILE__ -Iexporter exporter collectors

clean:
	rm -rf build build-*

force:
.PHONY: help all check layers headers unit corpus fuzz mutate e2e bench demo run clean force
.PHONY: reference prometheus-rule chart screenshots man format lint
.PHONY: install uninstall deb sizing image image-archive image-rootfs image-push image-set sysroot check-arm64
.DELETE_ON_ERROR:
.SECONDARY:
-include $(OBJS:.o=.d) $(BUILD)/exporter/main.d $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/unit/*/*.d)

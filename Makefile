# SPDX-License-Identifier: Apache-2.0
# One makefile, not recursive. `make help` tells what there is.

PREFIX  ?= /usr/local
DESTDIR ?=
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
BASE_CFLAGS = -std=c17 -D_GNU_SOURCE -pthread -fno-common -fstack-protector-strong \
              $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS)
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
TESTS      := $(TEST_SRCS:%.c=$(BUILD)/%)
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
	@echo 'make reference  metrics in README.md, keys in docs/configuration.md, JSON schema: from the tables of the code'
	@echo 'make install    DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)'
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

unit: $(TESTS)
	$(Q)status=0; for t in $(TESTS); do echo "  TEST  $$t"; $(SAN_ENV) $$t || status=1; done; exit $$status

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

# The tables of metrics in README.md, the keys in docs/configuration.md, and the JSON schema; tests/e2e/web/test_pages.py
# and tests/e2e/config/test_reference.py say when they are stale.
reference: $(BINARY)
	$(Q)$(BINARY) metrics --markdown | sed -i -e '/<!-- metrics:begin -->/,/<!-- metrics:end -->/{//!d}' \
	    -e '/<!-- metrics:begin -->/r /dev/stdin' README.md
	$(Q)$(BINARY) config | sed -i -e '/<!-- settings:begin -->/,/<!-- settings:end -->/{//!d}' \
	    -e '/<!-- settings:begin -->/r /dev/stdin' docs/configuration.md
	$(Q)$(BINARY) config --json-schema >deploy/containerd_exporter.schema.json

demo:
	$(Q)./deploy/demo.sh

run: $(BINARY)
	$(Q)$(BINARY) $(ARGS)

install: $(BINARY)
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/containerd_exporter
	test -e $(DESTDIR)/etc/containerd_exporter/containerd_exporter.yml || \
	    install -D -m 0644 deploy/containerd_exporter.yml $(DESTDIR)/etc/containerd_exporter/containerd_exporter.yml
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local/bin,$(PREFIX)/bin,' deploy/systemd/containerd_exporter.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/containerd_exporter.service
	install -D -m 0644 dashboards/overview.json $(DESTDIR)$(PREFIX)/share/containerd_exporter/overview.json
	install -D -m 0644 dashboards/rules.yml $(DESTDIR)$(PREFIX)/share/containerd_exporter/rules.yml
	install -D -m 0644 deploy/containerd_exporter.8 $(DESTDIR)$(PREFIX)/share/man/man8/containerd_exporter.8
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	$(BINARY) --completion-script-bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/containerd_exporter
	$(BINARY) --completion-script-zsh >$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_containerd_exporter

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
.PHONY: help all check layers headers unit corpus fuzz mutate e2e bench reference demo run install man format lint clean force
.DELETE_ON_ERROR:
.SECONDARY:
-include $(OBJS:.o=.d) $(BUILD)/exporter/main.d $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/unit/*/*.d)

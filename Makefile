# `make help` lists the targets. `make demo` and `make test` work as the first command on a fresh Debian 12 machine
# that has the Swift toolchain: they bring the system packages they need.

SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
.DEFAULT_GOAL := help

SWIFT   ?= swift
CC      := $(if $(filter default,$(origin CC)),cc,$(CC))
CONFIG  ?= debug
PREFIX  ?= /usr/local
DESTDIR ?=
# More words for `swift build`, such as BUILD_FLAGS="-j 1" on a machine with little memory.
BUILD_FLAGS ?=
# More words for `swift test`, such as TEST_FLAGS="--filter ScheduleTests".
TEST_FLAGS  ?=
BENCH_FLAGS ?=
# Of `make torture`: for how many seconds, the seed of an earlier one that is to be repeated, and a text that the faults' names
# have, such as ONLY="the power is cut".
DURATION ?= 900
SEED     ?=
ONLY     ?=

# What a build needs beside the toolchain. zlib: gRPC's transport links it. gcc, libc6-dev, musl-tools: the static shim.
BUILD_PACKAGES := git pkg-config libgit2-dev libyaml-dev libssl-dev libsqlite3-dev zlib1g-dev gcc libc6-dev musl-tools
# The example's scripts and the demo.
DEMO_PACKAGES  := python3 tzdata
# Tests fetch over ssh from a server of their own on a free port, and over http from one in Python; they make certificates
# with openssl, and run the plug-in for SQLite.
TEST_PACKAGES  := $(DEMO_PACKAGES) openssh-server openssh-client openssl sqlite3
# A virtual machine without an image.
VM_PACKAGES    := qemu-system-x86 busybox-static
# For packages of your own: make test EXTRA_PACKAGES=strace
EXTRA_PACKAGES ?=

SWIFT_FILES = Package.swift Plugins Sources Tests
SHIM_FILES  = $(wildcard Sources/shim/*.c)
SHIM_FLAGS  = -std=gnu11 -D_GNU_SOURCE -Os -Wall -Wextra -Werror
SHIM_CC     = $(shell command -v musl-gcc || echo $(CC))
# musl brings no linux/*.h along; looked into last, so that its own headers win.
SHIM_HEADERS = $(addprefix -idirafter ,$(wildcard /usr/include /usr/include/*-linux-gnu))

bindir        = $(DESTDIR)$(PREFIX)/bin
libexecdir    = $(DESTDIR)$(PREFIX)/libexec/belfry
plugindir     = $(libexecdir)/plugins
systemddir    = $(DESTDIR)$(PREFIX)/lib/systemd/system
bashdir       = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir        = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
fishdir       = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

# One step at a time: two SwiftPM builds in one folder would only wait for each other.
.NOTPARALLEL:

.PHONY: help
help: ## This list
	@echo "Belfry: a job scheduler whose schedule and history live in git."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  CONFIG=release        build and demo optimised           (now: $(CONFIG))"
	@echo "  PREFIX= DESTDIR=      where install puts things          (now: $(DESTDIR)$(PREFIX))"
	@echo "  TEST_FLAGS=           more words for swift test, such as TEST_FLAGS=\"--filter ScheduleTests\""

.PHONY: toolchain
toolchain:
	@command -v $(SWIFT) >/dev/null || { \
	  echo "make: there is no '$(SWIFT)' on PATH. Belfry is built with Swift 6.3 or later:" >&2; \
	  echo "      https://www.swift.org/install/linux/ says how to install it." >&2; exit 1; }

.PHONY: deps
deps: ## Install the Debian packages that are missing (uses sudo when not root)
	@scripts/deps $(BUILD_PACKAGES) $(TEST_PACKAGES) $(EXTRA_PACKAGES)

.PHONY: deps-build deps-demo
deps-build:
	@scripts/deps $(BUILD_PACKAGES) $(EXTRA_PACKAGES)
deps-demo:
	@scripts/deps $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(EXTRA_PACKAGES)

.PHONY: build
build: toolchain deps-build ## Build all programs into .build/debug (CONFIG=release: optimised)
	$(SWIFT) build -c $(CONFIG) $(BUILD_FLAGS)

.PHONY: demo
demo: toolchain deps-demo build ## The two-minute tour: from a commit to a committed result, and back
	@scripts/demo "$$($(SWIFT) build -c $(CONFIG) --show-bin-path)"

.PHONY: test
test: toolchain deps ## Build and run all tests, the end-to-end ones included
	$(SWIFT) build --build-tests $(BUILD_FLAGS)
ifeq ($(strip $(TEST_FLAGS)),)
	scripts/test $(SWIFT) test --skip-build --skip EndToEnd
	@echo "== the programs, end to end, by themselves: what calculates would keep them waiting"
	scripts/test $(SWIFT) test --skip-build --filter EndToEnd --skip FaultMatrixTests
	@echo "== the fault matrix, its short form"
	scripts/test $(SWIFT) test --skip-build --filter FaultMatrixTests
	@echo "== the shim once more, with sanitizers"
	scripts/shim-sanitized "$$PWD/.build/shim-sanitized/belfry-shim" $(CC) $(SHIM_FLAGS)
	BELFRY_TEST_SHIM="$$PWD/.build/shim-sanitized/belfry-shim" scripts/test $(SWIFT) test --skip-build --filter ExecutionTests
else
	scripts/test $(SWIFT) test --skip-build $(TEST_FLAGS)
endif

.PHONY: torture
torture: toolchain deps ## The whole fault matrix, in random orders: DURATION=900 seconds, SEED= and ONLY= repeat
	$(SWIFT) build --build-tests $(BUILD_FLAGS)
	BELFRY_TORTURE_SECONDS=$(DURATION) BELFRY_TEST_SEED=$(SEED) BELFRY_TORTURE_ONLY="$(ONLY)" \
	  scripts/test $(SWIFT) test --skip-build --filter FaultMatrixTests

.PHONY: vm
vm: toolchain deps ## Run the tests of limits and isolation in a virtual machine with all of cgroup v2 (slow)
	@scripts/deps $(VM_PACKAGES)
	$(SWIFT) build --build-tests $(BUILD_FLAGS)
	scripts/vm

.PHONY: check
check: toolchain deps-build ## What a reviewer would say: format, C warnings, shell syntax, white space, forbidden words
	@scripts/check
	@echo "== swift format"
	@$(SWIFT) format lint --strict --parallel --recursive $(SWIFT_FILES)
	@echo "== C warnings"
	@for file in $(SHIM_FILES); do $(CC) $(SHIM_FLAGS) -fsyntax-only "$$file"; \
	  $(SHIM_CC) $(SHIM_FLAGS) -fsyntax-only "$$file" $(SHIM_HEADERS); done
	@$(CC) $(SHIM_FLAGS) -fsyntax-only Tests/Faults/faults.c
	@$(CC) $(SHIM_FLAGS) -fsyntax-only -ISources/CSpawn/include Sources/CSpawn/spawn_shim.c
	@echo "== what the shim takes from the C library"
	@scripts/shim-symbols $(CC) $(SHIM_FLAGS)

.PHONY: fmt
fmt: toolchain ## Format the Swift sources in place
	$(SWIFT) format format --in-place --parallel --recursive $(SWIFT_FILES)

.PHONY: bench
bench: toolchain deps-build ## Build optimised and print the figures, each beside its floor in the same run
	$(SWIFT) build -c release --product belfry-bench $(BUILD_FLAGS)
	@"$$($(SWIFT) build -c release --show-bin-path)/belfry-bench" $(BENCH_FLAGS)

.PHONY: proto
proto: toolchain deps-build ## Generate the Swift code of Sources/Wire/belfry.proto again
	@scripts/deps protobuf-compiler
	$(SWIFT) build --product protoc-gen-swift
	$(SWIFT) build --product protoc-gen-grpc-swift-2
	@bin="$$($(SWIFT) build --show-bin-path)"; options=Visibility=Public,UseAccessLevelOnImports=true; \
	protoc -I Sources/Wire belfry.proto \
	  --plugin="$$bin/protoc-gen-swift" --swift_opt=$$options --swift_out=Sources/Wire/Generated \
	  --plugin="$$bin/protoc-gen-grpc-swift-2" --grpc-swift-2_opt=$$options --grpc-swift-2_out=Sources/Wire/Generated

.PHONY: install
install: toolchain deps-build ## Build optimised and install below PREFIX: programs, systemd units, shell completions
	$(SWIFT) build -c release $(BUILD_FLAGS)
	@bin="$$($(SWIFT) build -c release --show-bin-path)"; \
	install -d "$(bindir)" "$(libexecdir)" "$(plugindir)" "$(bashdir)" "$(zshdir)" "$(fishdir)"; \
	install -m 755 "$$bin/belfry" "$$bin/belfry-agent" "$(bindir)"; \
	$(SHIM_CC) -static $(SHIM_FLAGS) -o "$$bin/belfry-shim.static" $(SHIM_FILES) $(SHIM_HEADERS); \
	install -s -m 755 "$$bin/belfry-shim.static" "$(libexecdir)/belfry-shim"; \
	install -m 755 "$$bin/belfry-executor-http" "$(libexecdir)"; \
	install -m 755 executors/belfry-executor-* "$(plugindir)"; \
	"$$bin/belfry" --generate-completion-script bash >"$(bashdir)/belfry"; \
	"$$bin/belfry" --generate-completion-script zsh >"$(zshdir)/_belfry"; \
	"$$bin/belfry" --generate-completion-script fish >"$(fishdir)/belfry.fish"
	@for unit in $(wildcard packaging/*.service); do \
	  install -d "$(systemddir)"; \
	  sed 's|/usr/local/|$(PREFIX)/|g' "$$unit" >"$(systemddir)/$${unit##*/}"; chmod 644 "$(systemddir)/$${unit##*/}"; done
	@echo "Installed below $(DESTDIR)$(PREFIX). Next: belfry --help, or packaging/ for the systemd units and their settings."

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf .build

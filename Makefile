# The one door: whatever is built, run or checked here, this is how. `make help` explains each target.
# Building is porphyry's own business (linker/): it knows what changed, so no rule here lists sources.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

porphyry := node bin/porphyry.js
tests := node --import=tsx ci/test.ts
ONLY ?= all

.PHONY: help setup kernel iso run pcap debug check test test-all fuzz packetdrill libc-test bench clean ci-check ci-test ci-rest ci-fuzz ci-bench

help: ## list the targets
	@echo 'usage: make TARGET [ARGS="…"]'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS=$$'\t' read -r name text; do printf '  %-11s %s\n' "$$name" "$$text"; done

setup: ## install what is missing: Debian packages, node_modules (every target that needs it does this first)
	@ci/setup

kernel: setup ## build/porphyry.elf, with its .map, .sym and .asm
	@$(porphyry) kernel $(ARGS)

iso: setup ## build/porphyry.iso
	@$(porphyry) iso $(ARGS)

run: setup ## boot the ISO in QEMU, its log on this terminal; ARGS="…" goes to `porphyry run` (ARGS=--help lists them)
	@$(porphyry) run $(ARGS)

pcap: setup ## as run, and leaves what crossed the wire in build/porphyry.pcap
	@$(porphyry) run --pcap build/porphyry.pcap $(ARGS)

debug: setup ## as run, stopped at the first instruction with gdb attached
	@$(porphyry) debug $(ARGS)

check: setup ## types, lints, unit tests in Node: a hundred seconds
	@$(tests) check $(ARGS)

test: setup ## what is run often: check, both engines, the toolchain, every boot; minutes. ARGS="arp" runs matching files
	@$(tests) test $(ARGS)

test-all: setup ## everything: test, and the long runs (a minute of flood ping, long property and fuzz runs)
	@$(tests) $(ONLY) $(ARGS)

fuzz: setup ## AFL++ against the parsers and the input path, natively; ARGS="--seconds N --target NAME"
	@node --import=tsx test/fuzz/main.ts $(ARGS)

packetdrill: setup ## build/libporphyry-net.so, the stack for packetdrill; PACKETDRILL=path runs its scripts against it, or those of ARGS
	@PACKETDRILL='$(PACKETDRILL)' node --import=tsx test/packetdrill/main.ts $(ARGS)

libc-test: setup ## musl's libc-test and LTP's cases about system calls, booted: LIBC_TEST=path LTP=path; ARGS="part of a name …"
	@$(porphyry) kernel
	@LIBC_TEST='$(LIBC_TEST)' LTP='$(LTP)' node --import=tsx test/libc-test/main.ts $(ARGS)

bench: setup ## the bars of docs/, measured beside a Linux guest on the same QEMU
	@node --import=tsx test/bench/main.ts $(ARGS)

clean: ## remove everything built; node_modules stays
	@rm -rf build .tap

# One continuous-integration job each; .ci/run is ci-test and ci-rest with the counts added up.
ci-check:
	@CI=true $(MAKE) check
ci-test:
	@CI=true $(MAKE) test
ci-rest:
	@CI=true $(MAKE) test-all ONLY=rest
ci-fuzz:
	@CI=true $(MAKE) fuzz ARGS='--seconds 120'
ci-bench:
	@CI=true $(MAKE) bench

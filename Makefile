# Thin over Meson and the scripts in tools/: every target is one recipe a reader can run by hand.
# `./dev TARGET` installs what a target needs first. Variables one may set:
#   TARN_DUCKDB_PREFIX   a DuckDB 1.5.5 of your own (include/duckdb.h, lib/libduckdb.so)
#   TARN_CACHE           where downloads are kept (default ~/.cache/tarn)
#   FUZZ_SECONDS         time for each fuzzer (default 20)
#   CC                   the compiler for a new build directory

SHELL := /bin/sh
BUILD := build
FUZZ_SECONDS ?= 20
SANITIZED = -Dwerror=false -Db_lundef=false -Dbuildtype=debug -Doptimization=1
TESTS = python3 tools/run_tests.py

# A sanitizer's finding ends the program, so that it counts.
export ASAN_OPTIONS ?= detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS ?= halt_on_error=1:second_deadlock_stack=1:history_size=7:suppressions=$(CURDIR)/tools/tsan.supp

.PHONY: help demo build check check-interop check-s3 asan tsan fuzz bench cover format lint gen docs \
        dist clean deps tests-build asan-build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1#\2/p' $(MAKEFILE_LIST) | \
	    while IFS='#' read -r name text; do printf '%-15s %s\n' "$$name" "$$text"; done

demo: build ## build, then walk through an example lake
	@tools/run_hook.sh examples/demo "the example lake's walk"

build: deps ## the program, at build/tarn
	@NINJA_TARGETS=src/cli/tarn tools/configure.sh $(BUILD)/meson
	@tools/place_program.sh $(BUILD)/meson/src/cli/tarn $(BUILD)/tarn

tests-build: build
	@tools/configure.sh $(BUILD)/meson

check: ## unit, corpus, golden, property and fault tests; sanitizers; source checks
	@$(TESTS) check

check-interop: build ## tarn against real engines and clients (tests/interop)
	@$(TESTS) interop

check-s3: tests-build ## the suites of folders, with their lakes on a real S3 server
	@$(TESTS) s3

asan: asan-build ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(TESTS) asan

asan-build: deps
	@tools/configure.sh $(BUILD)/asan $(SANITIZED) -Db_sanitize=address,undefined

tsan: deps ## unit tests under ThreadSanitizer
	@tools/configure.sh $(BUILD)/tsan $(SANITIZED) -Db_sanitize=thread
	@$(TESTS) tsan

fuzz: deps ## every fuzzer for FUZZ_SECONDS, from its corpus
	@CC=clang tools/configure.sh $(BUILD)/fuzz $(SANITIZED) -Db_sanitize=address,undefined \
	    -Dfuzz=true
	@python3 tools/run_fuzzers.py $(BUILD)/fuzz --seconds $(FUZZ_SECONDS)

bench: build ## tarn beside its rivals, as ratios
	@tools/run_hook.sh tests/bench/run "benchmarks"

cover: deps ## which lines the unit tests reach, by file
	@tools/configure.sh $(BUILD)/cover -Db_coverage=true -Dbuildtype=debug -Dwerror=false
	@$(TESTS) cover
	@python3 tools/cover.py $(BUILD)/cover

format: ## lay out the sources with clang-format
	@git ls-files -z 'src/*.[ch]' 'tests/*.[ch]' | xargs -0 -r clang-format -i

lint: build ## every sensible warning of clang, and its static analyzer
	@python3 tools/lint.py $(BUILD)/meson

gen: ## what is derived from tables and kept in the repository
	@tools/run_generators.sh

docs: build ## the reference, to build/docs
	@tools/build_docs.sh $(BUILD)/docs

dist: build ## source and program archives, to build/dist
	@packaging/make_dist.sh $(BUILD)/dist

clean: ## remove build/ (downloads stay in the cache)
	@rm -rf $(BUILD)

deps:
	@mkdir -p $(BUILD)
	@tools/fetch_duckdb.sh $(BUILD)/deps/duckdb-1.5.5

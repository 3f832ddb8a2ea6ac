# Postern's habits. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Steps follow one another even under -j: they share two build directories and the machine.
.NOTPARALLEL:

POSTERN := .build/release/postern
LISTEN ?= 127.0.0.1:8080
ARGS ?=
VENV := .venv-test
FUZZ_SECONDS ?= 60
ROUNDS ?= 500
# The Debian that `make test-systemd` boots.
SUITE ?= trixie
PYTEST_ARGS ?=
# What the sanitizers run: everything that owns memory, and everything that shares it between threads.
ASAN_FILTER ?= ArenasTests|JSONTests|HTTPTests|PubSubTests|AccessTests|ClientsTests|TLSTests|EventLoopTests|LogConformanceTests|SegmentLogTests|GatewayTests
# It starts a program by Foundation, which leaks a reference each time.
ASAN_SKIP ?= agreesWithPython
TSAN_FILTER ?= ArenasTests|PubSubTests|AccessTests|ClientsTests|TLSTests|ThreadsTests|EventLoopTests|TelemetryTests|GatewayTests

# All tests are Swift Testing's; XCTest's empty run leaks, which LeakSanitizer counts.
SWIFT_TEST := swift test --disable-xctest

step = @printf '\n==> %s\n' '$(1)'

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: install-run build ## Install what is missing, build, serve on LISTEN (ARGS='--loops 1' passes flags)
	@exec $(POSTERN) serve --listen $(LISTEN) $(ARGS)

.PHONY: build
build: check-swift ## Build the release binary, .build/release/postern
	$(call step,release build)
	@swift build -c release --static-swift-stdlib --product postern

.PHONY: man completions
man: build ## Write the manual page to .build/man
	@mkdir -p .build/man && scripts/manual.py $(POSTERN) > .build/man/postern.1

completions: build ## Write completions for bash, zsh and fish to .build/completions
	@mkdir -p .build/completions
	@$(POSTERN) --generate-completion-script bash > .build/completions/postern
	@$(POSTERN) --generate-completion-script zsh > .build/completions/_postern
	@$(POSTERN) --generate-completion-script fish > .build/completions/postern.fish

.PHONY: test
test: install-test lint test-swift test-fuzz test-asan test-tsan build test-http ## Everything that must hold before a change goes in

.PHONY: test-swift
test-swift: check-swift ## Unit tests, debug build
	$(call step,unit tests)
	@swift build --build-tests
	@$(SWIFT_TEST) --skip-build

.PHONY: test-asan
test-asan: check-swift ## Unit tests under AddressSanitizer, release build, so that poisoned reads are seen
	$(call step,AddressSanitizer)
	@$(SWIFT_TEST) -c release -Xswiftc -enable-testing --sanitize=address --scratch-path .build-asan --filter '$(ASAN_FILTER)' --skip '$(ASAN_SKIP)'

.PHONY: test-tsan
test-tsan: check-swift ## Tests of what threads share under ThreadSanitizer
	$(call step,ThreadSanitizer)
	@$(SWIFT_TEST) --sanitize=thread --scratch-path .build-tsan --filter '$(TSAN_FILTER)'

.PHONY: test-fuzz
test-fuzz: check-swift
	$(call step,fuzzers in short)
	@scripts/fuzz.sh 10

.PHONY: test-http
test-http: venv ## Integration tests with curl, jq and Python against .build/release/postern
	$(call step,integration tests)
	@test -x $(POSTERN) || { echo "$(POSTERN) is not there: make build" >&2; exit 1; }
	@POSTERN_BINARY="$(abspath $(POSTERN))" $(VENV)/bin/python -m pytest -c Tests/integration/pytest.ini Tests/integration $(PYTEST_ARGS)

.PHONY: test-systemd
test-systemd: install-systemd build ## Boot a Debian and restart, reload, stall and stop Postern there as a service (root)
	$(call step,a booted systemd)
	@scripts/test-systemd.sh "$(abspath $(POSTERN))" $(SUITE)

.PHONY: torture
torture: venv ## Kill the server under load ROUNDS times (500) and ask for everything it acknowledged
	@POSTERN_BINARY="$(abspath $(POSTERN))" PYTHONPATH=Tests/integration $(VENV)/bin/python Tests/integration/crash_rounds.py $(ROUNDS)

.PHONY: test-container
test-container: install-container build ## Build the image, run it, and replace one container by another under load (root)
	$(call step,the image)
	@scripts/test-container.sh "$(abspath $(POSTERN))"

.PHONY: deb
deb: install-deb man ## Make the Debian package, .build/deb/postern_….deb
	$(call step,Debian package)
	@scripts/make-deb.sh "$(abspath $(POSTERN))"

.PHONY: test-deb
test-deb: install-deb man ## Install, upgrade, remove and purge the package in a Debian of its own (root)
	$(call step,the Debian package)
	@scripts/test-deb.sh "$(abspath $(POSTERN))"

.PHONY: lint
lint: check-swift ## Check the form of all sources
	$(call step,lint)
	@scripts/lint.sh

.PHONY: bench
bench: build ## Measure, side by side with nginx and nchan where they are there
	@Benchmarks/run.sh

.PHONY: fuzz
fuzz: check-swift ## Fuzz all that reads what strangers write, and segments, for FUZZ_SECONDS each
	@scripts/fuzz.sh $(FUZZ_SECONDS)

.PHONY: coverage
coverage: check-swift ## Line coverage of Arenas, JSON, HTTP, PubSub and Access; under 90 % fails
	@scripts/coverage.sh

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf .build .build-asan .build-tsan .build-container .build-coverage .build-fuzz .build-systemd $(VENV) coverage

.PHONY: install-run install-test install-systemd install-container install-deb
install-run install-test install-systemd install-container install-deb: install-%:
	@scripts/install-packages.sh $*

.PHONY: check-swift
check-swift:
	@command -v swift >/dev/null || { echo 'postern: there is no `swift` on PATH. Get Swift 6.3 from https://www.swift.org/install/linux/' >&2; exit 1; }

# Python packages stand in a virtual environment of their own and are installed anew when the list changes.
.PHONY: venv
venv: $(VENV)/.installed
$(VENV)/.installed: Tests/integration/requirements.txt
	$(call step,Python packages for the integration tests)
	@python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The front door: `make help`. Meson and Ninja do the work; there is one build directory a flavour.

SHELL := /bin/bash
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 10
FUZZ_LONG_SECONDS ?= 260
SOAK_SECONDS ?= 60

SANITIZE := --buildtype=debug -Db_sanitize=address,undefined -Doptimization=1 -Doom=true
TSAN := --buildtype=debug -Db_sanitize=thread -Doptimization=1
FUZZ := --buildtype=debug -Db_sanitize=address,undefined -Doptimization=1 -Dfuzz=true -Dtests=false -Db_lundef=false
# There are well over a hundred test programs; gold links them in half the time.
QUICK_LINK := CC_LD=gold
# What a small device does without (meson_options.txt).
ENDPOINT := --buildtype=minsize -Dserver=false -Dresolver=false -Didn=false -Dterminal=false -Dsound=false
COVERAGE := --buildtype=debug -Db_coverage=true

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# A build directory is made once; later runs only build what changed.
define configure
	@[ -f $(1)/build.ninja ] || $(3) meson setup $(1) $(2)
	@ninja -C $(1) $(4)
endef

# What only the checks need is not there after a plain scripts/setup.
define need
	@command -v $(1) >/dev/null || { echo "$(1) is not there; scripts/setup --tests installs what the checks and tests need" >&2; exit 1; }
endef

.PHONY: build
build: ## the programs: build/sealined, build/sealphone, build/sealine
	$(call configure,build,)

.PHONY: build-asan build-tsan build-fuzz
build-asan: # with AddressSanitizer and UndefinedBehaviorSanitizer
	$(call configure,build-asan,$(SANITIZE),$(QUICK_LINK))
build-tsan: # with ThreadSanitizer
	$(call configure,build-tsan,$(TSAN),$(QUICK_LINK))
build-fuzz: # with libFuzzer
	$(call need,clang-14)
	$(call configure,build-fuzz,$(FUZZ),$(QUICK_LINK) CC='ccache clang-14')

.PHONY: programs programs-tsan
programs: # without their unit tests
	$(call configure,build,,,programs)
programs-tsan:
	$(call configure,build-tsan,$(TSAN),$(QUICK_LINK),programs)

.PHONY: endpoint
endpoint: ## the phone and libsealine for a small device, without what it can do without: build-endpoint/sealphone
	$(call configure,build-endpoint,$(ENDPOINT),,programs libsealine.a)

.PHONY: mixtures
mixtures: ## the phone and libsealine with each option of small devices alone left out, and alone left in (two minutes)
	scripts/mixtures.py build-mixtures

.PHONY: check
check: build ## unit and scenario tests, and every file of the fuzz corpus once
	meson test -C build --no-rebuild --quiet --print-errorlogs

.PHONY: asan
asan: build-asan ## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	meson test -C build-asan --no-rebuild --quiet --print-errorlogs

.PHONY: oom
oom: build-asan ## every unit test with its 1st, 2nd, ... 200th allocation failing
	meson test -C build-asan --no-rebuild --quiet --print-errorlogs --setup oom --suite unit

.PHONY: tsan
tsan: build-tsan ## unit, scenario and end-to-end tests under ThreadSanitizer
	setarch -R meson test -C build-tsan --no-rebuild --quiet --print-errorlogs
	[ ! -d tests/e2e ] || SEALINE_PATIENCE=5 SEALINE_BUILD=$(CURDIR)/build-tsan setarch -R /usr/bin/python3 -m pytest -q -m 'not plain_only' --timeout=600 tests/e2e

.PHONY: e2e
e2e: build-asan ## the real programs over loopback with real TLS, under AddressSanitizer
	SEALINE_PATIENCE=2 SEALINE_BUILD=$(CURDIR)/build-asan /usr/bin/python3 -m pytest -q tests/e2e

.PHONY: interop
interop: build ## against programs that others wrote (scripts/setup --tests installs them)
	$(call need,baresip)
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 -m pytest -q tests/interop

.PHONY: soak
soak: build ## SIPp calls 200 times a second for SOAK_SECONDS (60) over UDP and TCP; calls in a flood; times of answers
	SEALINE_SOAK=$(SOAK_SECONDS) SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 -m pytest -q -rN tests/interop/soak_abuse.py tests/interop/soak.py

.PHONY: coverage
coverage: ## what the unit and scenario tests reach: build-coverage/report/index.html
	$(call need,gcovr)
	$(call configure,build-coverage,$(COVERAGE))
	meson test -C build-coverage --no-rebuild --quiet --print-errorlogs
	@mkdir -p build-coverage/report
	gcovr -r . --filter src/ --branches --txt --html-details build-coverage/report/index.html build-coverage

.PHONY: tls-audit
tls-audit: build ## testssl.sh and sslscan look at our TLS; what they find is compared with docs/tls-findings.tsv (scripts/setup --audit installs them)
	@command -v testssl sslscan >/dev/null || { echo "testssl or sslscan is not there; scripts/setup --audit installs them" >&2; exit 1; }
	scripts/tls-audit build

.PHONY: sips-random
sips-random: build ## 100,000 random scenarios: nothing of sips leaves where it should not; without the check it does
	build/tests/conformance/sips_random 100000
	build/tests/conformance/sips_unchecked 1000 1 unchecked

.PHONY: fuzz
fuzz: build-fuzz ## each parser for FUZZ_SECONDS (10)
	scripts/fuzz build-fuzz $(FUZZ_SECONDS)

.PHONY: fuzz-long
fuzz-long: build-fuzz ## each parser for FUZZ_LONG_SECONDS (260: an hour in all), going on where the last run ended
	scripts/fuzz build-fuzz $(FUZZ_LONG_SECONDS)

.PHONY: fuzz-keep
fuzz-keep: build-fuzz ## copy what fuzzing found to fuzz/corpus, as far as it reaches new code
	scripts/fuzz --keep build-fuzz

.PHONY: requirements
requirements: ## every MUST of the RFCs: where it is implemented and tested, and what is open
	/usr/bin/python3 scripts/requirements.py

.PHONY: mutants
mutants: ## which one-line mistakes no test would notice (long; scripts/mutants.py --help)
	/usr/bin/python3 scripts/mutants.py

.PHONY: bench
bench: build ## how fast the inner loops are, and the server beside kamailio (scripts/setup --bench installs what it compares with)
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 bench/inner.py --write
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 bench/compare.py --write
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 bench/signer.py --write

.PHONY: bench-growth
bench-growth: build ## how cost grows with users, connections, workers, in a storm and by durability (some ten minutes)
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 bench/growth.py --many --write

.PHONY: bench-phone
bench-phone: programs endpoint ## what a phone costs that waits and that talks, beside baresip and linphonec (as root; scripts/setup --tests installs them)
	SEALINE_BUILD=$(CURDIR)/build /usr/bin/python3 bench/endpoint.py --write

.PHONY: format
format: ## lay out every source as .clang-format says
	$(call need,clang-format-14)
	git ls-files --cached --others --exclude-standard 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]' 'bench/*.[ch]' | xargs clang-format-14 -i

.PHONY: layers
layers: ## check every include against docs/layers.txt
	/usr/bin/python3 scripts/check/layers.py

.PHONY: lint
lint: build-asan ## format, layers, lengths, docs, requirements, shellcheck, cppcheck, clang-tidy
	$(call need,clang-tidy-14)
	scripts/lint build-asan

.PHONY: docs
docs: ## check the pages: every room has one, every link leads somewhere
	/usr/bin/python3 scripts/check/docs.py

.PHONY: man
man: ## check the manual pages and show their plain text in build/man
	$(call need,mandoc)
	@mkdir -p build/man
	@for page in man/*.[1-8]; do mandoc -T lint -W warning $$page && mandoc -T utf8 $$page | LC_ALL=C.UTF-8 sed 's/.\x08//g' >build/man/$$(basename $$page).txt || exit; done
	@ls build/man

.PHONY: install
install: build ## into PREFIX (/usr/local), below DESTDIR if set
	meson configure build -Dprefix=$(PREFIX)
	meson install -C build --quiet

.PHONY: clean
clean: ## remove every build directory
	rm -rf build build-asan build-tsan build-fuzz build-coverage build-endpoint build-mixtures build-mutants

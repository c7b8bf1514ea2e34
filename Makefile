# One surface for people and CI. `check` never writes; `fix` does.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= twin
BASE ?= main
VENV := .venv
STAMP := $(VENV)/.installed-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
LAB := $(VENV)/bin/python -m lab
# The longest first, so that the workers end together; three, as much of the time is spent waiting.
TIERS := tests/twin tests/plugins tests/components tests/unit
LINTERS := .lab/linters-$(shell cksum < versions.py | cut -d' ' -f1)
TWIN_PATH := $(CURDIR)/.lab/bin:$(PATH)

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^##@ /{printf "\n%s:\n", substr($$0, 5)} /^[a-z-]+:.*## / && $$1 != "help"{gsub(/\$$\$$/, "$$", $$2); printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nPictures, comments and every option: %s --help\n' '$(LAB)'

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is %s: make PYTHON=python3.11 ..." % sys.version.split()[0])'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "python packages: installing what requirements*.txt pin; usually a minute, once"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@rm -f $(VENV)/.installed-*
	@touch $@

##@ Bring a lab up (STACK=twin, k3d-lab, pi-lab, dual-stack)

.PHONY: doctor
doctor: $(STAMP) ## before an up: what is missing, and what to type next
	@$(LAB) doctor --stack $(STACK)

.PHONY: up
up: $(STAMP) ## bring the lab up, or to what its stack file says now
	@$(LAB) up --stack $(STACK)

.PHONY: down
down: $(STAMP) ## destroy the lab, and stop what ran for it on this machine
	@$(LAB) down --stack $(STACK)

##@ Look at it

.PHONY: status
status: $(STAMP) ## what is up, and whether it is as the last up left it
	@$(LAB) status --stack $(STACK)

##@ Prove it

.PHONY: verify
verify: $(STAMP) ## does the running lab do what its file promises? (ROW=access)
	@$(LAB) verify --stack $(STACK) $(foreach row,$(ROW),--row $(row))

##@ Review a change

.PHONY: preview
preview: $(STAMP) ## what an up would change, and which rules it breaks
	@$(LAB) preview --stack $(STACK)

.PHONY: pr
pr: $(STAMP) ## try this checkout on a lab of the base (BASE=main)
	@$(LAB) pr --base $(BASE)

##@ Underneath

.PHONY: tools
tools: $(STAMP) ## get every tool: official, else built from its source
	@$(LAB) tools

.PHONY: env
env: $(STAMP) ## set a shell up for plain pulumi: eval "$$(make -s env)"
	@$(LAB) env

.PHONY: twin
twin: $(STAMP) ## start the twin's cluster and devices alone, for plain pulumi
	@$(LAB) twin up

##@ Change this project

.PHONY: fix
fix: $(STAMP) ## format, mend what the linter can, write what is generated
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/python -c 'import lab.reference as r; print(r.page(), end="")' > docs/reference/configuration.md
	@$(VENV)/bin/python -c 'from lab import cli, command_reference as r; print(r.page(cli.application), end="")' > docs/reference/commands.md
	@$(VENV)/bin/python -c 'from lab.troubles import page; page.write()'
	@$(LAB) schema
	@$(LAB) picture --file stacks/examples/Pulumi.twin.yaml --output docs/lab.svg

.PHONY: unit
unit: $(STAMP) ## the tests that need nothing, in seconds
	@$(VENV)/bin/python -m pytest -n auto tests/unit tests/components

$(LINTERS): | $(STAMP)
	@$(VENV)/bin/python -c 'from lab import tools; tools.install(["actionlint"])'
	@rm -f .lab/linters-*
	@touch $@

.PHONY: check
check: $(STAMP) $(LINTERS) ## lint, types, unit tests; never writes
	@$(VENV)/bin/ruff check --no-cache .
	@$(VENV)/bin/ruff format --no-cache --check .
	@$(VENV)/bin/mypy --no-incremental .
	@git ls-files -z --cached --others --exclude-standard '*.yaml' | xargs -0 $(VENV)/bin/yamllint --strict
	@git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run | xargs -0 $(VENV)/bin/shellcheck
	@PATH="$(CURDIR)/$(VENV)/bin:$(PATH)" .lab/bin/actionlint
	@$(VENV)/bin/zizmor --quiet --offline --no-progress --persona regular .github
	@! command -v gofmt >/dev/null || ! gofmt -d lab/standins | grep .
	@$(VENV)/bin/python -m pytest -p no:cacheprovider -n auto tests/unit tests/components

.PHONY: test
test: tools ## every test: unit, components, plugins, twin
	@PATH="$(TWIN_PATH)" $(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TIERS) $(if $(TEST_REPORT),--junitxml=$(TEST_REPORT))

.PHONY: bench
bench: tools ## ratios of speed, measured in one run (a quarter of an hour)
	@PATH="$(TWIN_PATH)" $(VENV)/bin/python -m bench

.PHONY: changelog
changelog: $(STAMP) ## put the fragments of changelog.d together (VERSION=1.2.0)
	@$(VENV)/bin/towncrier build --yes --version $(VERSION)

.PHONY: release
release: $(STAMP) ## notes and bill of materials into .lab/release (TAG=v1.2.0)
	@$(PYTHON) -m venv .lab/release-tools
	@.lab/release-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .github/release/requirements.txt
	@$(VENV)/bin/python -m lab.release $(TAG) .lab/release

.PHONY: lock
lock: ## pin requirements*.in again, with hashes
	@$(PYTHON) -m venv .lab/lock && .lab/lock/bin/pip install --quiet uv
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .lab/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal requirements.in -o requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .lab/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal requirements-dev.in -o requirements-dev.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .lab/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal bench/requirements.in -o bench/requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .lab/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal policy/requirements.in -o policy/requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .lab/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal .github/release/requirements.in -o .github/release/requirements.txt

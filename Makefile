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
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{gsub(/\$$\$$/, "$$", $$2); printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is %s: make PYTHON=python3.11 ..." % sys.version.split()[0])'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "python packages: installing what requirements*.txt pin"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@rm -f $(VENV)/.installed-*
	@touch $@

.PHONY: tools
tools: $(STAMP) ## get every tool: official, else built from package registries
	@$(LAB) tools

.PHONY: up
up: $(STAMP) ## bring the lab up (STACK=twin)
	@$(LAB) up --stack $(STACK)

.PHONY: preview
preview: $(STAMP) ## show what `up` would change, and which rule of policy/ it breaks
	@$(LAB) preview --stack $(STACK)

.PHONY: status
status: $(STAMP) ## what is up, certificates, where to look next
	@$(LAB) status --stack $(STACK)

.PHONY: doctor
doctor: $(STAMP) ## before `up`: what is missing, what would fail, what to type next (STACK=twin)
	@$(LAB) doctor --stack $(STACK)

.PHONY: verify
verify: $(STAMP) ## after `up`: does the running lab do what its stack file promises (STACK=twin, ROW=access)
	@$(LAB) verify --stack $(STACK) $(foreach row,$(ROW),--row $(row))

.PHONY: down
down: $(STAMP) ## destroy the lab and stop the twin
	@$(LAB) down --stack $(STACK)

.PHONY: twin
twin: $(STAMP) ## start the twin's cluster alone, for plain pulumi
	@$(LAB) twin up

.PHONY: pr
pr: $(STAMP) ## try this checkout against BASE=main on a twin of its own; writes .lab/pr/comment.md
	@$(LAB) pr --base $(BASE)

.PHONY: env
env: $(STAMP) ## shell set-up for plain pulumi: eval "$$(make -s env)"
	@$(LAB) env

.PHONY: test
test: tools ## every test: unit, components, plugins, twin
	@PATH="$(TWIN_PATH)" $(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TIERS) $(if $(TEST_REPORT),--junitxml=$(TEST_REPORT))

.PHONY: unit
unit: $(STAMP) ## the tests that need nothing, in seconds
	@$(VENV)/bin/python -m pytest -n auto tests/unit tests/components

.PHONY: bench
bench: tools ## ratios of speed, measured in one run: 50 devices against Ansible and against plain commands
	@PATH="$(TWIN_PATH)" $(VENV)/bin/python -m bench

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

.PHONY: fix
fix: $(STAMP) ## format, and mend what the linter can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/python -c 'import lab.reference as r; print(r.page(), end="")' > docs/reference/configuration.md
	@$(LAB) schema
	@$(LAB) picture --file stacks/examples/Pulumi.twin.yaml --output docs/lab.svg

.PHONY: changelog
changelog: $(STAMP) ## put the fragments of changelog.d together (VERSION=1.2.0)
	@$(VENV)/bin/towncrier build --yes --version $(VERSION)

.PHONY: release
release: $(STAMP) ## notes and bill of materials of a release into .lab/release (TAG=v1.2.0)
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

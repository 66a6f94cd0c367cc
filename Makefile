# Every target makes the environment it needs: .venv, from requirements.lock, with hashes required.

VENV := .venv
STAMP := $(VENV)/.complete
LOCK_VENV := .lock-venv

# The first interpreter that is new enough and can make environments. `make PYTHON=...` decides otherwise.
USABLE := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$candidate" -c "$(USABLE)" 2>/dev/null && { echo "$$candidate"; exit; }; done; echo python3)

.DELETE_ON_ERROR:
.PHONY: run test test-long targets stress certificate check format lock clean

run: $(STAMP)
	$(VENV)/bin/python -m harness run scenarios/quickstart.yaml

# The tests start the harness a thousand times, which without bytecode compiles all of it each time.
test: $(STAMP)
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -n auto --dist loadgroup $(ARGS)

# Compiles the modules that each step goes through, see docs/install.md; needs a C compiler, takes a minute or two of two cores.
.PHONY: compiled
compiled: $(STAMP)
	HARNESS_COMPILED=no $(VENV)/bin/python -m harness.tools.compiling

# The tests that `make test` leaves out: each takes seconds of processor time, and another of its kind is quick.
test-long: $(STAMP)
	HARNESS_LONG=1 PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -n auto --dist loadgroup -m long $(ARGS)

# All released versions that were tried; needs npm, Node and the registry, and takes a quarter of an hour the first time.
targets: $(STAMP)
	HARNESS_TARGETS=all $(VENV)/bin/python -m pytest -n 1 tests/released $(ARGS)

# Claims about many schedules; takes from minutes to hours, see tests/stress.py for the sizes.
stress: $(STAMP)
	$(VENV)/bin/python -m tests.stress

# Bad files and command lines in great numbers, and runs that are killed, stopped and interrupted at bad moments; takes two
# hours on two cores. `make assault ARGS="kills --kills 1000"` is one part with its size; see docs/reliability.md.
.PHONY: assault
assault: $(STAMP)
	$(VENV)/bin/python -m tests.assault $(ARGS)

# Searches the certificate's scenario to the end and writes results/certificate.*; half an hour on two cores.
certificate: $(STAMP)
	$(VENV)/bin/python -m tests.certificate

# Compares 3,840 histories and the tallies of `run --json` with another commit's: make same-histories BASE=<commit>
.PHONY: same-histories
same-histories: $(STAMP)
	$(VENV)/bin/python -m tests.same_histories --base "$(BASE)"

# Compares the processor time of a step with an older commit's, in turns: make versus-base BASE=3fe17c1
.PHONY: versus-base
versus-base: $(STAMP)
	$(VENV)/bin/python -m tests.versus_base --base "$(BASE)" $(ARGS)

# What the ledger costs over the transcript's size beside another commit's: make ledger-size BASE=<commit>
.PHONY: ledger-size
ledger-size: $(STAMP)
	$(VENV)/bin/python -m tests.ledger_size --base "$(BASE)"

# How a schedule's cost grows with lanes, processes, steps, the transcript and explorers; writes results/growth.json.
.PHONY: growth
growth: $(STAMP)
	$(VENV)/bin/python -m tests.growth $(ARGS)

# The pictures of the report in docs/; needs chromium.
.PHONY: screenshots
screenshots: $(STAMP)
	$(VENV)/bin/python -m tests.screenshots

# Breaks modules in small ways and prints what the nearest tests do not notice; see docs/mutants.md for the options.
.PHONY: mutants
mutants: $(STAMP)
	$(VENV)/bin/python -m tests.mutants $(ARGS)

check: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/lint-imports
	$(BUILD_SITE)

# The documentation as a site, in build/site; a link that leads nowhere is an error. --quiet would hide the warnings
# from --strict, too. The variable silences a notice about another program.
BUILD_SITE = NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
.PHONY: site
site: $(STAMP)
	$(BUILD_SITE)

format: $(STAMP)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# The environment alone, under the name people look for.
.PHONY: $(VENV)
$(VENV): $(STAMP)

define CHECK_INTERPRETER
@python="$(PYTHON)"; \
"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	found=$$("$$python" --version 2>/dev/null) || found='not to be found'; \
	echo "make: Python 3.11 or newer is needed, but $$python is $$found;" \
		'install one, or name it: make PYTHON=/path/to/python3.11' >&2; exit 1; }; \
"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "make: $$python cannot make virtual environments; on Debian and Ubuntu install the package" \
		'python3-venv (apt install python3-venv), or name another: make PYTHON=/path/to/python3.11' >&2; exit 1; }
endef

# The stamp comes last, so that an interrupted installation starts again.
$(STAMP): requirements.lock
	$(CHECK_INTERPRETER)
	"$(PYTHON)" -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
# As pip does with what it installs: where Python writes no bytecode, each process would compile all it imports.
	$(VENV)/bin/python -m compileall -q harness fence takeover_harness
	touch $@

# Newest versions that pyproject.toml allows: names, versions, hashes, and no address of any registry.
lock:
	$(CHECK_INTERPRETER)
	"$(PYTHON)" -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOCK_VENV)/bin/uv pip compile pyproject.toml --extra test --extra cluster --extra docs --extra dev --universal --python-version 3.11 \
		--upgrade --generate-hashes --no-config --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) $(LOCK_VENV) build dist harness/compiled .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find harness fence takeover_harness tests -name __pycache__ -type d -prune -exec rm -rf {} +

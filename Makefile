# Everything a newcomer needs. Each target does its own set-up; `make up` and `make test` work on a fresh machine.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
JS     := tests/javascript
TSC    := $(BIN)/node $(JS)/node_modules/typescript/bin/tsc
PYTEST := $(BIN)/python -m pytest
# ARGS may leave nothing to one half of the tests.
NONE    = || [ $$? = 5 ]
# What was compiled once is kept: tests start many processes, each of which would do it again.
unexport PYTHONDONTWRITEBYTECODE

# Files that decide, or touch nothing but their arguments: every branch of them is tested.
PURE := \
        danmaku/adjustment.py \
        danmaku/auth.py \
        danmaku/board.py \
        danmaku/certificate.py \
        danmaku/calls.py \
        danmaku/change.py \
        danmaku/chat.py \
        danmaku/client/conversations.py \
        danmaku/client/pace.py \
        danmaku/client/places.py \
        danmaku/client/reader.py \
        danmaku/client/results.py \
        danmaku/conversation.py \
        danmaku/engine_findings.py \
        danmaku/envelope.py \
        danmaku/errors.py \
        danmaku/event_rows.py \
        danmaku/held.py \
        danmaku/jwks.py \
        danmaku/model.py \
        danmaku/moderation_rows.py \
        danmaku/recalls.py \
        danmaku/records.py \
        danmaku/rows.py \
        danmaku/store/valkey/confirmed.py \
        danmaku/subjects.py \
        danmaku/tracing/context.py \
        danmaku/tracing/spans.py \
        danmaku/wire.py \
        danmaku/wire_chat.py \
        danmaku/wire_frames.py \
        danmaku/wire_items.py \
        danmaku/wordlist.py \
        config/engines.py \
        config/handing.py \
        config/keys.py \
        config/live.py \
        config/loading.py \
        config/settings.py \
        config/together.py \
        config/types.py \
        rooms/abuse.py \
        rooms/accepted.py \
        rooms/accepting.py \
        rooms/acts.py \
        rooms/ages.py \
        rooms/batch.py \
        rooms/board.py \
        rooms/content.py \
        rooms/dedupe.py \
        rooms/delay.py \
        rooms/events.py \
        rooms/everywhere.py \
        rooms/generations.py rooms/advice.py rooms/asked.py rooms/breaker.py rooms/held.py \
        rooms/left.py \
        rooms/living.py \
        rooms/membership.py \
        rooms/moderation.py \
        rooms/moment.py \
        rooms/offered.py \
        rooms/owed.py \
        rooms/pace.py \
        rooms/pending.py \
        rooms/policy.py \
        rooms/rate.py \
        rooms/recent.py \
        rooms/room.py \
        rooms/rules.py \
        rooms/share.py \
        rooms/shed.py \
        rooms/shortened.py \
        rooms/spelling.py \
        rooms/staff.py \
        rooms/telling.py \
        rooms/text.py \
        rooms/tracing.py \
        rooms/turns.py \
        rooms/verdict.py \
        rooms/view.py \
        rooms/viewers.py \
        rooms/voting.py \
        rooms/waiting.py \
        rooms/words.py \
        edge/admission.py edge/welcome.py \
        edge/allowance.py \
        edge/api/html.py edge/api/lost.py \
        edge/belonging.py \
        edge/boards.py \
        edge/channels.py \
        edge/chat_rows.py \
        edge/feed.py \
        edge/forms.py \
        edge/heads.py \
        edge/journeys.py \
        edge/lately.py \
        edge/meaning.py \
        edge/outbox.py \
        edge/owners.py \
        edge/pacing.py \
        edge/patience.py \
        edge/ride.py \
        edge/ring.py \
        edge/roster.py \
        edge/saying.py \
        edge/session.py \
        edge/steering.py \
        edge/tracing.py \
        edge/window.py

.PHONY: help up test test-long faults fuzz lint format bench pictures package clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

up: $(VENV)/.up  ## start a danmaku service here (ARGS="--port 9000" and the like)
	@.ci/need libuv1
	@$(BIN)/danmaku up $(ARGS)

test: $(VENV)/.dev $(JS)/node_modules/.made  ## all tests: unit, contract, system, pages (ARGS="-k join" and the like)
	@.ci/need libuv1 chromium libatomic1
	@$(BIN)/coverage erase
	@# Compiled once, before several processes would all do it; what is wrong is told by those.
	@test -d tests/unit/__pycache__ || $(PYTEST) --collect-only -qq >/dev/null || true
	@# These wait more than they work, the former above all.
	@$(PYTEST) --cov --cov-report= -n 5 --maxschedchunk 2 tests/contract tests/unit $(ARGS) $(NONE)
	@# These start whole services, which work; those that bring one "under fire" run one after the other.
	@$(PYTEST) -n 3 --dist loadscope -m "not long" tests/pages tests/system $(ARGS) $(NONE)
	@$(BIN)/coverage report --skip-covered
	@test -n "$(strip $(ARGS))" || $(BIN)/coverage report --include="$$(echo $(PURE) | tr ' ' ,)" --fail-under=100

test-long: $(VENV)/.dev $(JS)/node_modules/.made  ## the tests that `make test` leaves out for their time: the load tool, chaos, looks
	@.ci/need libuv1 chromium libatomic1 gcc
	@$(PYTEST) -n 2 -m long tests/pages tests/system $(ARGS)

faults: $(VENV)/.dev  ## faults at random under load, and whether a promise was broken (ARGS="--runs 100 --parallel 3 --seconds 30")
	@.ci/need libuv1
	@$(BIN)/python -m tests.faults many $(ARGS)

fuzz: $(VENV)/.dev  ## feed every decoder by chance and count the inputs (ARGS="--inputs 10000000 --seed 1")
	@.ci/need libuv1
	@$(BIN)/python -m tests.fuzz $(ARGS)

lint: $(VENV)/.dev $(JS)/node_modules/.made  ## ruff, mypy --strict, the floors, and tsc --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(TSC) -p $(JS)/sdk.tsconfig.json
	@$(TSC) -p $(JS)/pages.tsconfig.json

format: $(VENV)/.dev  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev  ## one hot room: CPU per delivered frame beside a bare send(2) loop
	@.ci/need libuv1 gcc
	@$(BIN)/python -m loadtest fanout $(ARGS)

package: $(VENV)/.dev $(JS)/node_modules/.made  ## the npm package of the JavaScript SDK, in dist/
	@mkdir -p dist
	@PATH="$(abspath $(BIN)):$(CURDIR)/$(JS)/node_modules/.bin:$$PATH" npm pack --silent --pack-destination dist ./edge/pages/sdk

pictures: $(VENV)/.dev  ## the pictures of the pages in docs/pictures
	@.ci/need libuv1 chromium libatomic1
	@$(BIN)/python -m tests.pages.pictures

clean:  ## remove what was made (not the data folder)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* dist $(JS)/node_modules edge/pages/sdk/types
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "danmaku needs Python 3.11 or newer; try: make PYTHON=python3.12 up"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/need python3-venv
	@echo "making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.up: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing packages for development ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.up

$(JS)/node_modules/.made: $(VENV)/.dev $(JS)/package.json $(JS)/package-lock.json
	@echo "installing packages for JavaScript ..."
	@PATH="$(abspath $(BIN)):$$PATH" npm --prefix $(JS) ci --silent
	@touch $@

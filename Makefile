# Everything runs in an environment of its own, built from the lock file with nothing but Python 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PEERS := .venv-bench
PEERS_READY := $(PEERS)/ready
AUDITORS := .venv-agreement
AUDITORS_READY := $(AUDITORS)/ready
SCALE ?= 6200000
TODAY := $(shell date +%F)
YESTERDAY := $(shell $(PYTHON) -c 'from datetime import date, timedelta; print(date.today() - timedelta(1))')
EXTRACTS := demonstration/extracts
REVIEW = $(shell $(PYTHON) -c 'from datetime import date, timedelta; print(date.today() + timedelta(180))')

.PHONY: help nightly next-night test test-browser check docs pictures bench bench-fairness bench-nights bench-training proofs agreement lock clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

nightly: $(READY) ## Invent an authority, train on it, approve the model, run one night, and print where the list is
	rm -rf demonstration
	$(BIN)/rereferral synthesise --out $(EXTRACTS) --end $(TODAY) --nights 2
	install -d -m 700 demonstration/workspace
	cp docs/demonstration/criteria.toml docs/demonstration/rereferral.toml demonstration/workspace/
	$(BIN)/rereferral retrain --workspace demonstration/workspace --source $(EXTRACTS)/$(YESTERDAY)
	$(BIN)/rereferral promote --workspace demonstration/workspace --version 1 --decision approve --role "demonstration" \
	  --name "make nightly" --reason "invented data, to show a night" --conditions "invented data only" --review-by $(REVIEW)
	$(BIN)/rereferral nightly --workspace demonstration/workspace --source $(EXTRACTS)/$(YESTERDAY)

next-night: $(READY) ## Take in what you wrote into the workbook that `make nightly` left, and run the night after
	$(BIN)/rereferral decisions import demonstration/workspace/$$(cat demonstration/workspace/latest)/list.xlsx \
	  --workspace demonstration/workspace
	$(BIN)/rereferral nightly --workspace demonstration/workspace --source $$(ls -d $(EXTRACTS)/* | tail -1)

test: $(READY) ## Run the tests that need Python alone
	$(BIN)/python -m pytest -q -n 2 -m "not browser and not proof"

test-browser: $(READY) ## Run the tests that need Chromium and LibreOffice
	$(BIN)/python -m pytest -q -n 2 -m browser

check: $(READY) ## Formatting, lint, types, rooms, generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m flows.documents --check

docs: $(READY) ## Write the generated documents anew
	$(BIN)/python -m flows.documents

pictures: $(READY) ## Take the pictures of the documents anew, from the list that `make nightly` leaves (needs Chromium)
	$(BIN)/python tests/browser/take_pictures.py \
	  demonstration/workspace/$$(cat demonstration/workspace/latest)/list.html docs/pictures

proofs: agreement $(READY) ## Property tests on many more examples, and honest models on three large invented authorities
	$(BIN)/python -m pytest -q tests/generative --hypothesis-profile=proofs
	$(BIN)/python -m pytest -q -s -m proof

$(AUDITORS_READY): tests/agreement/peers.lock pyproject.toml
	$(PYTHON) -m venv $(AUDITORS)
	$(AUDITORS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement tests/agreement/peers.lock
	$(AUDITORS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

agreement: $(AUDITORS_READY) ## Hold the fairness audit against fairlearn and aequitas, in an environment of their own
	$(AUDITORS)/bin/python -m pytest -q -W ignore::DeprecationWarning -W ignore::SyntaxWarning tests/agreement

$(PEERS_READY): flows/bench/peers.lock pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement flows/bench/peers.lock
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

bench: $(PEERS_READY) $(READY) ## Time features, reasons and training, up to SCALE referrals (25000, 620000, 6200000)
	$(PEERS)/bin/python -m flows.bench --scale $(SCALE)
	$(BIN)/python -m flows.bench.training

bench-fairness: $(AUDITORS_READY) $(READY) ## Time the whole fairness report on 600,000 scored rows, beside fairlearn's shares
	$(BIN)/python -m flows.bench.fairness --peer $(AUDITORS)/bin/python

bench-nights: $(READY) ## Time a night by step
	$(BIN)/python -m flows.bench.nights

bench-training: $(READY) ## Time a full training on ten years, and training on 2,000,000 rows of an invented England
	$(BIN)/python -m flows.bench.training --full --rows 2000000

lock: ## Resolve the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header \
	  --universal --python-version 3.11 --output-file requirements.lock
	uv pip compile flows/bench/peers.in --generate-hashes --no-emit-index-url --no-header \
	  --universal --python-version 3.11 --output-file flows/bench/peers.lock
	uv pip compile tests/agreement/peers.in --generate-hashes --no-emit-index-url --no-header \
	  --universal --python-version 3.11 --output-file tests/agreement/peers.lock

clean: ## Remove the environment and everything that was generated
	rm -rf $(VENV) $(PEERS) $(AUDITORS) demonstration

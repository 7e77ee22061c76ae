# make demo    deploy the sample application to the embedded server, twice under load, then a broken version, then roll back
# make demo-stack       a Laravel application behind nginx, PHP-FPM, MariaDB, Redis and supervisor on loopback, deployed twice and left
#                       running to try things on (root on Debian); make demo-stack-stop ends it
# make test    all tests (JOBS=1 for one at a time, ARGS="-k lock" for some of them)
# make sweep   every fault at every command of every flow (long); the table goes to docs/fault-matrix.md
# make hammer  visitors of a Laravel application behind nginx and PHP-FPM during 20 deployments and 10 rollbacks, in 8 setups (long);
#              the table goes to docs/zero-downtime.md
# make lint    ruff and shellcheck
# make types   mypy
# make check   lint, types and test
#
# PYTHON=python3.12 chooses the interpreter; otherwise the first one found that is new enough.

VENV = .venv
RUN = $(VENV)/bin/python
# Three times as many as there are processors: much of the tests' time is spent waiting.
JOBS = $(shell $(RUN) -c 'import os; print((os.cpu_count() or 2) * 3)')
ARGS =

export PYTHON VENV

.PHONY: demo demo-stack demo-stack-stop test sweep hammer lint types check venv venv-dev system-packages clean

demo: venv
	@$(RUN) scripts/demo.py

demo-stack: venv
	@$(RUN) scripts/demo_stack.py

demo-stack-stop: venv
	@$(RUN) scripts/demo_stack.py stop

test: venv-dev system-packages
	@$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 12 $(ARGS)

# JOBS=2, FAB_ARGS="--sample 100 --seed 7" for a part of it
sweep: venv-dev system-packages
	@$(RUN) -m tests.faults.sweep --write docs/fault-matrix.md $(FAB_ARGS)

# HAMMER_ARGS="--deploys 3 --rollbacks 2 --cells 1,5" for a part of it
hammer: venv-dev system-packages
	@$(RUN) -m tests.hammer.run --write docs/zero-downtime.md $(HAMMER_ARGS)

lint: venv-dev
	@$(RUN) -m ruff check .
	@sh scripts/shellcheck.sh

types: venv-dev
	@$(RUN) -m mypy

check: lint types test

venv:
	@sh scripts/venv.sh requirements.txt

venv-dev:
	@sh scripts/venv.sh requirements.txt requirements-dev.txt

system-packages:
	@sh scripts/system-packages.sh

clean:
	rm -rf $(VENV)

#!/usr/bin/env bash
#
# Installs what a Django server runs from PyPI: every version of its
# install/requirements.txt is pinned, and every file is checked by its hash.
# steps.sh says how it is called.
# shellcheck source=steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

step 'the version of Python' python3 -c 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 or later is needed"'
step 'python3 -m venv' python3 -m venv venv
python=venv/bin/python
# Wheels only: building a source package would fetch tools that are not pinned.
step 'pip install' "$python" -m pip install --disable-pip-version-check \
    --require-hashes --no-deps --only-binary :all: -r "$source/install/requirements.txt"
step 'pip check' "$python" -m pip check
# start.sh needs no pip.
step 'pip uninstall' "$python" -m pip uninstall --yes pip

#!/usr/bin/env bash
# pytest 9.1.1 (seen with Python 3.11.7), with either import mode.
#
# Guess:  files named on the command line may stand in any order.
# Seen:   tests/sub/test_a.py, then tests/test_c.py, then tests/sub/test_b.py: the last one does not find the fixture of
#         tests/sub/conftest.py, which the first one used. With the last two exchanged all three pass.
# Matters to: users who select changed test files by a script, and read "fixture not found" as a broken conftest.
#
# Output seen:
#   pytest 9.1.1: back in a folder: 2 passed, 1 error; folder by folder: 3 passed
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" pytest==9.1.1
mkdir -p "$folder/tests/sub"
cd "$folder"
printf 'import pytest\n\n\n@pytest.fixture\ndef word():\n    return "x"\n' >tests/sub/conftest.py
printf 'def test_word(word):\n    assert word\n' | tee tests/sub/test_a.py >tests/sub/test_b.py
printf 'def test_nothing():\n    pass\n' >tests/test_c.py

counts() {
    PYTHONPATH=packages python3 -m pytest -q -p no:cacheprovider "$@" 2>&1 | tail -n 1 | sed 's/ in .*//'
}

back=$(counts tests/sub/test_a.py tests/test_c.py tests/sub/test_b.py || true)
plain=$(counts tests/sub/test_a.py tests/sub/test_b.py tests/test_c.py || true)
echo "pytest 9.1.1: back in a folder: $back; folder by folder: $plain"
[ "$back" = "2 passed, 1 error" ] && [ "$plain" = "3 passed" ]

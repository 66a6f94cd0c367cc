#!/usr/bin/env bash
# mkdocs 1.6.1 (seen with Python 3.11.7 and mkdocs-material 9.8.2).
#
# Guess:  mkdocs build --strict fails when a link leads nowhere, and --quiet only prints less.
# Seen:   with both options the build succeeds. --quiet sets the level of the logger above that of a warning, and --strict
#         counts the warnings that the logger lets through.
# Matters to: every CI that builds a site strictly and wants no output: it lets broken links in.
#
# Output seen:
#   mkdocs 1.6.1, a broken link: --strict ends with 1, --strict --quiet with 0
#
# Needs no root and no network: a Python with mkdocs, named by PYTHON. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
mkdir "$folder/docs"
echo 'site_name: small' > "$folder/mkdocs.yml"
echo '[nowhere](nowhere.md)' > "$folder/docs/index.md"
cd "$folder"
strict=0 quiet=0
"$python" -m mkdocs build --strict > /dev/null 2>&1 || strict=$?
"$python" -m mkdocs build --strict --quiet > /dev/null 2>&1 || quiet=$?
version=$("$python" -c 'import mkdocs; print(mkdocs.__version__)')
echo "mkdocs $version, a broken link: --strict ends with $strict, --strict --quiet with $quiet"
[ "$strict $quiet" = "1 0" ]

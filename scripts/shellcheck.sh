#!/bin/sh
# Check every shell script of the project. Most are sent over a connection and run by whatever sh is there: hence POSIX.
set -eu
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null; then
  echo "shellcheck is not installed: shell scripts are not checked" >&2
  exit 0
fi
find . \( -name node_modules -o -name vendor -o -name '.venv*' -o -name .git \) -prune -o \
  -name '*.sh' -type f -exec shellcheck --shell=sh {} +
shellcheck .ci/run

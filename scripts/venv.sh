#!/bin/sh
# usage: scripts/venv.sh REQUIREMENTS-FILE...
# Make the virtual environment $VENV (.venv) with $PYTHON, or the first Python that is new enough, and install exactly what the
# files say. What is already there is left alone: a stamp tells which Python and which files it was made from.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
stamp=$venv/.made-from
php=requirements-php.txt

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

version() { "$1" -c 'import sys; print(*sys.version_info[:3], sep=".")' 2>/dev/null || echo none; }

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

choose_python() {
  if [ -n "${PYTHON:-}" ]; then
    command -v "$PYTHON" >/dev/null || stop "There is no $PYTHON on PATH."
    new_enough "$PYTHON" || stop "$PYTHON is not Python 3.10 or newer (it says: $(version "$PYTHON"))."
    echo "$PYTHON"
    return
  fi
  for name in python3 python3.13 python3.12 python3.11 python3.10 python; do
    if new_enough "$name"; then
      echo "$name"
      return
    fi
  done
  stop "Python 3.10 or newer is needed, and none is on PATH." "Install one, or say where it is: make demo PYTHON=/path/to/python3"
}

# Debian ships Python without what `python3 -m venv` needs.
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

install_venv_module() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 0
  package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  echo "Installing $package, which $1 -m venv needs"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null </dev/null || true
}

make_venv() {
  can_make_venv "$1" || install_venv_module "$1"
  rm -rf "$venv"
  if can_make_venv "$1"; then
    "$1" -m venv "$venv"
  elif command -v virtualenv >/dev/null; then
    virtualenv -q -p "$1" "$venv"
  elif command -v uv >/dev/null; then
    uv venv -q --seed -p "$1" "$venv"
  else
    stop "$1 cannot make a virtual environment: its module ensurepip is missing." \
      "On Debian or Ubuntu: apt-get install python3-venv" "Elsewhere: install virtualenv or uv, then run this again."
  fi
}

# The stamp's text, which pip can read as well.
wanted() {
  echo "# Python $(version "$1")"
  shift
  cat "$@"
}

python=$venv/bin/python
if [ -n "${PYTHON:-}" ] || ! new_enough "$python"; then
  chosen=$(choose_python)
  [ "$(version "$chosen")" = "$(version "$python")" ] || make_venv "$chosen"
fi

# A stamp of more files than asked for is fine: `make demo` after `make test` has nothing to do.
have=$(cat "$stamp" 2>/dev/null || true)
case $have in
  "$(wanted "$python" "$@")"*) ;;
  *)
    echo "Installing $* into $venv (Python $(version "$python"))"
    wanted "$python" "$@" >"$stamp.new"
    "$python" -m pip install -qq --disable-pip-version-check --no-deps -r "$stamp.new" </dev/null
    mv "$stamp.new" "$stamp"
    ;;
esac

# The sandbox needs some PHP, and the tests try this one too. It has no build for some platforms, which the sandbox will mention.
if { ! command -v php >/dev/null || [ $# -gt 1 ]; } && ! "$python" -c 'import importlib.metadata as m; m.version("static-php-py")' 2>/dev/null; then
  echo "Installing $php, a PHP for the sandbox where there is none on PATH"
  "$python" -m pip install -qq --disable-pip-version-check --no-deps --only-binary :all: -r "$php" </dev/null ||
    echo "There is no build of it for this machine: \`make demo\` needs a php on PATH." >&2
fi

# Compiling all modules anew costs half a second of each start where the environment keeps Python from caching them, as in many images.
"$python" -m compileall -qq fabfile || :

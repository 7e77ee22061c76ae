# What a cached folder depends on: $1 is the build, $2 the lock files of which one counts, $3 how it is installed, the rest the
# program it is for, with its version. Says nothing where there is no lock file.
sum() { { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-64; }
key() { # a subshell: it goes to the build
  (
    cd "$1" 2>/dev/null || exit 0
    for lock in $2; do
      if [ -f "$lock" ]; then
        shift 2
        { cat "$lock"; echo "$1"; shift; "$@" --version 2>/dev/null </dev/null || :; } | sum | cut -c1-40
        exit 0
      fi
    done
  )
}

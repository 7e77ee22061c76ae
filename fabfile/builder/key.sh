# What a cached folder depends on: $1 is the build, $2 the files that say what is in it, $3 how it is installed, the rest the program it
# is for, with its version. Says nothing where there is none of these files, or where they do not say all.
sum() { { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-64; }
key() { # a subshell: it goes to the build
  (
    cd "$1" 2>/dev/null || exit 0
    files=''
    for file in $2; do [ ! -f "$file" ] || files="$files $file"; done
    if [ -z "$files" ] || { [ "$2" = composer.lock ] && ! said "$3"; }; then exit 0; fi
    shift 2
    # shellcheck disable=SC2086 # our own names: there is no space in them
    { echo "$files"; cat $files; echo "$1"; shift; "$@" --version 2>/dev/null </dev/null || :; } | sum | cut -c1-40
  )
}
# Whether composer.lock says all of vendor/, installed as $1 says ("no-dev …"): there is no package that is a folder elsewhere, which may be
# copied, and no plugin, of the project or of the user, which may patch what was unpacked. Of these two it is known that they act when the
# autoloader is made, as it is in each build.
said() {
  [ "${COMPOSER:-composer.json}" = composer.json ] || return 1
  how=$1
  set -- composer.lock
  for home in "${COMPOSER_HOME:-}" "${HOME:-}/.composer" "${XDG_CONFIG_HOME:-${HOME:-}/.config}/composer"; do
    [ ! -f "$home/composer.lock" ] || set -- "$@" "$home/composer.lock"
  done
  awk -v how="${how%% *}" '
    FNR == 1 { out = 0 }
    /^    "packages-dev": \[/ { out = FILENAME == "composer.lock" && how == "no-dev" }
    out { next }
    /^ *"name": "[^"]*",?$/ { name = $2 }
    /"type": *"path"/ { more = 1 }
    /"type": *"composer-plugin"/ && name !~ /^"(php-http\/discovery|pestphp\/pest-plugin)",?$/ { more = 1 }
    END { exit more }' "$@"
}

# Runs Composer (the rest of the words, an install) in build $1. Nearly all of its time it looks for classes in thousands of files that
# have not changed: where cache $2 (empty: none) has an autoloader that was made of the same, as autoload.key says (declared.php), it is
# spared that. key.sh comes before this.
made() { # the files of an autoloader that are there
  for file in autoload.php composer/ClassLoader.php composer/autoload_*.php composer/include_paths.php composer/platform_check.php; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}
cache=$2 key=''
cd "$1" || exit 1
shift 2
[ -z "$cache" ] || key=$(cat "$cache/autoload.key")
kept=$cache/autoload-$key.tar
if [ -n "$key" ] && [ -f "$kept" ] && [ -f vendor/autoload.php ] && [ "$(sum <"$kept")" = "$(cat "${kept%.tar}.sum")" ]; then
  (cd vendor && made | while IFS= read -r file; do rm -f -- "$file"; done)
  tar -xf "$kept" -C vendor
  touch "$kept"
  echo 'The autoloader is that of an earlier build: the same classes in the same files'
  exec "$@" --no-autoloader
fi
"$@"
# With APCu it names the classes' files by a word of its own, which two releases must not share.
if [ -z "$key" ] || [ ! -f vendor/autoload.php ] || grep -q setApcuPrefix vendor/composer/autoload_real.php; then exit 0; fi
# shellcheck disable=SC2046 # our own list: no name in it has a space
(cd vendor && tar -cf "$cache/.new.$$" $(made))
sum <"$cache/.new.$$" >"${kept%.tar}.sum"
mv -f -- "$cache/.new.$$" "$kept"
cd "$cache" || exit 1
# shellcheck disable=SC2012 # our own names: a word, a dash, 64 hexadecimal digits
ls -1t autoload-*.tar | tail -n +5 | while IFS= read -r old; do rm -f -- "$old" "${old%.tar}.sum"; done

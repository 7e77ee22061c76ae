# Runs Composer (the rest of the words, an install) in build $1. Nearly all of its time it looks for classes in thousands of files that
# have not changed: where cache $2 (empty: none) has an autoloader that was made of the same, as autoload.key says (declared.php), it is
# spared that. With $3 vendor/ is what an earlier install with this lock file left: then it may have nothing to do at all. key.sh comes
# before this.
made() { # what Composer writes itself, of that which is there
  for file in autoload.php composer/*.php composer/installed.json composer/LICENSE; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

# Composer notes in vendor/ which commit it is installed for, and guesses a version for it among the tags and branches there are. Where
# there are none, that is the commit once more.
note() {
  noted=vendor/composer/installed.php
  [ -f "$noted" ] || return 1
  old=$(sed -n "/'reference' =>/{s/.*'\([0-9a-f]\{40,64\}\)',\$/\1/p;q;}" "$noted")
  new=$(git rev-parse -q --verify HEAD) || return 1
  if [ -z "$old" ] || ! grep -Fq "'pretty_version' => 'dev-$old'," "$noted" || [ -n "$(git for-each-ref --count=1)" ]; then return 1; fi
  sed "s/$old/$new/g" "$noted" >"$noted.new" && mv -f -- "$noted.new" "$noted"
}

cache=$2 restored=$3 key='' rest=''
cd "$1" || exit 1
shift 3
[ -z "$cache" ] || { read -r key && read -r rest; } <"$cache/autoload.key" || :
kept=$cache/autoload-$key.tar
if [ -n "$key" ] && [ -f "$kept" ] && [ -f vendor/autoload.php ] && [ "$(sum <"$kept")" = "$(cat "${kept%.tar}.sum")" ]; then
  # shellcheck disable=SC2046 # our own list: no name in it has a space
  (cd vendor && rm -f -- $(made))
  tar -xf "$kept" -C vendor
  touch "$kept"
  if [ -n "$restored" ] && [ "$rest" = whole ] && note; then
    echo 'vendor/ is that of an earlier build, and so are the classes: Composer has nothing to do'
    exit 0
  fi
  echo 'The autoloader is that of an earlier build: the same classes in the same files'
  exec "$@" --no-autoloader
fi
"$@"
# With APCu it names the classes' files by a word of its own, which two releases must not share.
if [ -z "$key" ] || [ ! -f vendor/autoload.php ] || grep -q setApcuPrefix vendor/composer/autoload_real.php; then exit 0; fi
# shellcheck disable=SC2046 # as above
(cd vendor && tar -cf "$cache/.new.$$" $(made))
sum <"$cache/.new.$$" >"${kept%.tar}.sum"
mv -f -- "$cache/.new.$$" "$kept"
cd "$cache" || exit 1
# shellcheck disable=SC2012 # our own names: a word, a dash, 64 hexadecimal digits
ls -1t autoload-*.tar | tail -n +5 | while IFS= read -r old; do rm -f -- "$old" "${old%.tar}.sum"; done

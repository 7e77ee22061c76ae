# rename LINK ID PHP: LINK becomes current, which leads to releases/ID, in one rename(2), and is read back. Never mv without -T,
# which would move LINK into the release that serves. Where neither mv (uutils) nor PHP can do it, LINK is printed and the exit
# status is 78: ladder.py has one more way.
serves() { [ "$(readlink current 2>/dev/null)" = "releases/$1" ]; }
rename() {
  mv -fT -- "$1" current 2>/dev/null || :
  # shellcheck disable=SC2016
  serves "$2" || "$3" -n -r 'exit(rename($argv[1], "current") ? 0 : 1);' -- "$1" </dev/null 2>/dev/null || :
  serves "$2" || { printf '%s\n' "$1"; exit 78; }
}

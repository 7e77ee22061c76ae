# Links the built assets of release $2 that release $3 lacks into it; $1 is the site, $4 how many releases back an asset may come
# from, $5 … are folders of a release. What goes over is what the manifest of $2 lists as a file, and what it was given itself;
# .deploy/releases/ID.bridged lists it, a line of the manifest after its age. Nothing is ever replaced, no link is followed, and
# neither what a web server would run nor a list of assets goes over. Prints how many there are, and those that could not be linked.
cd -P -- "$1/releases" || exit 1
root=$(pwd -P) giver=$2 taker=$3 keep=$4 lists=../.deploy/releases
shift 4
if [ ! -f "$lists/$giver.manifest" ] || [ ! -f "$lists/$taker.manifest" ]; then exit 0; fi
older=$lists/$giver.bridged known=$lists/$taker.bridged
[ -f "$older" ] || older=/dev/null
[ -f "$known" ] || known=/dev/null

# shellcheck disable=SC2016 # awk's
list=$(printf '%s\n' "$@" | LC_ALL=C awk -v keep="$keep" '
  function after(words, line) { while (words--) sub(/^[^ ]* /, "", line); return line }
  function below(path, folder) { for (folder in folders) if (index(path, folder "/") == 1) return 1; return 0 }
  function blocked(path) {
    while (sub("/[^/]*$", "", path)) if (path in own && own[path] != "D") return 1
    return 0
  }
  function offer(age, line, path) {
    path = after(4, line)
    if (age > keep || path in own || !below(path) || blocked(path)) return
    if (path ~ /(^|\/)(\.|manifest\.json$|mix-manifest\.json$)/ || tolower(path) ~ /\.(ph(p|tml|ar|t|ps)[0-9]*|cgi|pl|py)(\.|$)/) return
    if (!(path in ages) || age < ages[path]) { ages[path] = age; lines[path] = line }
  }
  part == "folders" { folders[$0] }
  part == "own" { own[after(4, $0)] = $1 }
  part == "known" { ages[after(5, $0)] = $1; lines[after(5, $0)] = after(1, $0) }
  part == "built" && $1 == "F" { offer(1, $0) }
  part == "older" { offer($1 + 1, after(1, $0)) }
  END { for (path in ages) print ages[path], lines[path] }
  ' part=folders - part=own "$lists/$taker.manifest" part=known "$known" part=built "$lists/$giver.manifest" part=older "$older" |
  LC_ALL=C sort -k 6) || exit 1
[ -n "$list" ] || exit 0

# The list first: a file that is not on it would count as added by somebody.
if [ "$list" != "$(cat "$known")" ]; then
  new=$lists/$taker.bridged.new
  { (umask 077 && printf '%s\n' "$list" >"$new") && mv -f -- "$new" "$lists/$taker.bridged"; } || { rm -f -- "$new"; echo "the list of them cannot be written" >&2; exit 1; }
fi

enter() { # FOLDER: goes there in the taker, making what is not there, through no link
  cd -P -- "$root/$taker" || return 1
  rest=$1/
  while [ -n "$rest" ]; do
    part=${rest%%/*} rest=${rest#*/}
    if [ -L "./$part" ]; then return 1; fi
    [ -d "./$part" ] || mkdir -- "./$part" || return 1
    cd -P -- "./$part" || return 1
  done
  [ "$(pwd -P)" = "$root/$taker/$1" ]
}

alone() { # FILE …: one by one, and as copies where the disk knows no hard links, which appear whole or not at all
  for file; do
    name=${file##*/}
    if [ -e "./$name" ] || ln -- "$file" "./$name" 2>/dev/null; then continue; fi
    { cp -pP -- "$file" "./.$name.new" && mv -- "./.$name.new" "./$name"; } 2>/dev/null && continue
    rm -f -- "./.$name.new"
    printf 'not linked %s/%s\n' "$folder" "$name"
  done
}

take() { # FILE …: all of one folder, in one go where that works
  [ $# -gt 0 ] || return 0
  if [ "$(cd -P -- "$root/$giver/$folder" && pwd -P)" != "$root/$giver/$folder" ]; then return 0; fi
  (enter "$folder" && { ln -- "$@" . 2>/dev/null || alone "$@"; }) || printf 'not linked %s\n' "$folder"
}

umask 022
printf '%s\n' "$list" | {
  set --
  folder=''
  while IFS= read -r line; do
    path=${line#* * * * * }
    if [ "$folder" != "${path%/*}" ] || [ $# -gt 200 ]; then
      take "$@"
      set --
      folder=${path%/*}
    fi
    if [ -e "$taker/$path" ] || [ -L "$taker/$path" ] || [ -L "$giver/$path" ] || [ ! -f "$giver/$path" ]; then continue; fi
    set -- "$@" "$root/$giver/$path"
  done
  take "$@"
}
printf 'kept %s\n' "$(printf '%s\n' "$list" | wc -l)"

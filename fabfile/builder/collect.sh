# Takes out of build $1 what does not ship, $3 (paths, one a line) and git's own (of packages, too, with the addresses they came from),
# and moves the rest to $2, where it will also run.
cd "$1" || exit 1
find . -name .git -prune -exec rm -rf -- {} +
[ -z "$3" ] || printf '%s\n' "$3" | while IFS= read -r path; do rm -rf -- "./$path"; done
mkdir -p -- "${2%/*}"
cd / || exit 1
mv -- "$1" "$2"

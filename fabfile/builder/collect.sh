# Takes out of build $1 what does not ship, $3 (paths, one a line) and its git, and moves the rest to $2, where it will also run.
cd "$1" || exit 1
rm -rf -- .git
[ -z "$3" ] || printf '%s\n' "$3" | while IFS= read -r path; do rm -rf -- "./$path"; done
mkdir -p -- "${2%/*}"
cd / || exit 1
mv -- "$1" "$2"

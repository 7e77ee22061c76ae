# Makes build $1 what ships, where it will also run: takes out $3 (paths, one a line) and its git, gives files and folders plain modes
# and the time $4 (as touch -t has it, UTC), and moves all of it to $2.
cd "$1" || exit 1
rm -rf -- .git
[ -z "$3" ] || printf '%s\n' "$3" | while IFS= read -r path; do rm -rf -- "./$path"; done
find . -type d ! -perm 755 -exec chmod 755 {} +
find . -type f -perm -100 ! -perm 755 -exec chmod 755 {} +
find . -type f ! -perm -100 ! -perm 644 -exec chmod 644 {} +
TZ=UTC0 find . ! -type l -exec touch -t "$4" {} +
mkdir -p -- "${2%/*}"
cd / || exit 1
mv -- "$1" "$2"

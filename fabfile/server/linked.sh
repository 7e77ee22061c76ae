# Which of the links that release $1 needs ($2 …) it has not.
cd "$1" || exit 1
shift
for path; do [ -L "$path" ] || printf '%s\n' "$path"; done

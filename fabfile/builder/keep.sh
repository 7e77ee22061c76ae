# Keeps folder $2 of build $3 in cache $1 for its lock file (key.sh), and the two newest others of its kind.
cache=$1 folder=$2
shift 2
key=$(key "$@")
if [ -z "$key" ] || [ ! -d "$1/$folder" ]; then exit 0; fi
cd "$cache" || exit 1
[ ! -f "$folder-$key.tar" ] || exit 0
tar -cf ".new.$$" -C "$1" "$folder"
sum <".new.$$" >"$folder-$key.sum"
mv -f -- ".new.$$" "$folder-$key.tar"
# shellcheck disable=SC2012 # our own names: a word, a dash, 40 hexadecimal digits
ls -1t "$folder"-*.tar | tail -n +4 | while IFS= read -r old; do rm -f -- "$old" "${old%.tar}.sum"; done

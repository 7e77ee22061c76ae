# Puts folder $2 of cache $1 into build $3, if there is an archive for its lock file (key.sh) and that is whole. Says what it did.
cache=$1 folder=$2
shift 2
key=$(key "$@")
if [ -z "$key" ] || ! cd "$cache" 2>/dev/null || [ ! -f "$folder-$key.sum" ]; then exit 0; fi
if [ "$(sum <"$folder-$key.tar")" != "$(cat "$folder-$key.sum")" ]; then
  rm -f -- "$folder-$key.tar" "$folder-$key.sum"
  echo damaged
  exit 0
fi
touch "$folder-$key.tar"
tar -xf "$folder-$key.tar" -C "$1"
echo restored

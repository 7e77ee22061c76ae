# The SHA-256 of file $1, as hex; $2 is PHP, for servers that have nothing else.
if command -v sha256sum >/dev/null 2>&1; then
  sha256sum <"$1" | cut -c1-64
else
  # shellcheck disable=SC2016
  "$2" -n -r 'echo hash_file("sha256", $argv[1]), "\n";' -- "$1" </dev/null
fi

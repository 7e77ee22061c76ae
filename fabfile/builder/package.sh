# Packs entries $4 (one a line, sorted) of build $1 into $2.tar.gz; $3 is the files' time. The same entries give the same
# bytes with the same tar. Prints the SHA-256.
kinds() { # keywords, name and a link's target, parted by tabs, which no name has
  while IFS= read -r name; do
    target=''
    if [ -L "./$name" ]; then
      kind='link mode=777' target=$(readlink -n "./$name")
    elif [ -d "./$name" ]; then
      kind='dir mode=755'
    elif [ -x "./$name" ]; then
      kind='file mode=755'
    else
      kind='file mode=644'
    fi
    printf 'type=%s time=%s uid=0 gid=0 nlink=1\t./%s\t%s\n' "$kind" "$1" "$name" "$target"
  done
}

mtree() {
  LC_ALL=C awk -F '\t' '
    BEGIN { for (n = 1; n < 256; n++) code[sprintf("%c", n)] = sprintf("\\%03o", n); print "#mtree" }
    function plain(text, n, c, out) {
      for (n = 1; n <= length(text); n++) { c = substr(text, n, 1); out = out (c ~ /[A-Za-z0-9.\/_-]/ ? c : code[c]) }
      return out
    }
    { print plain($2), $1, $3 == "" ? "" : "link=" plain($3) }'
}

umask 077
mkdir -p -- "${2%/*}"
printf '%s\n' "$4" >"$2.list"
if tar --version 2>/dev/null | grep -q 'GNU tar'; then
  tar -C "$1" --no-recursion --hard-dereference --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$3" --mode='u+rwX,go+rX,go-w,a-st' \
    -cf "$2.tar" --verbatim-files-from -T "$2.list"
else
  # bsdtar has no such options, but packs what an mtree(5) describes.
  (cd "$1" && kinds "$3" <"$2.list") | mtree >"$2.mtree"
  tar -C "$1" --format=gnutar -cf "$2.tar" "@$2.mtree"
fi
rm -f -- "$2.list" "$2.mtree"
gzip -n -f -- "$2.tar"
{ sha256sum 2>/dev/null || shasum -a 256; } <"$2.tar.gz" | cut -c1-64

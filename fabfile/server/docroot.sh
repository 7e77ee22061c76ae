# Serves $1/current/public from document root $2, which the host has fixed; $3 is how: symlink or bridge.
# A folder with files of its own is never moved, replaced or emptied, nor is a link to another site. $5 is "check" before
# the switch, when only what stands in the way is looked for.
mark='laravel-fab bridge'
refuse() { echo "$1" >&2; exit 1; }
writable() { [ -w "$1" ] || refuse "$1 is not writable"; }
case $3 in
  symlink)
    if [ -L "$2" ]; then
      old=$(readlink "$2")
      if [ "$old" = "$1/current/public" ]; then exit 0; fi
      [ ! -e "$2" ] || refuse "$2 is a symlink to $old, maybe of another site: remove it first, if this one shall be served from there"
    elif [ -e "$2" ] && [ -n "$(ls -A "$2")" ]; then
      refuse "$2 is a folder with files in it: move them into the application's public/ or use mode bridge"
    fi
    folder=${2%/*}
    writable "${folder:-/}"
    ;;
  bridge)
    if [ -f "$2/index.php" ] && ! grep -q "$mark" "$2/index.php"; then refuse "$2/index.php is not ours: move it away first"; fi
    folder=$2
    while [ -n "$folder" ] && [ ! -e "$folder" ] && [ ! -L "$folder" ]; do folder=${folder%/*}; done
    [ -d "${folder:-/}" ] || refuse "$folder is no folder"
    writable "${folder:-/}"
    ;;
esac
if [ "$5" = check ]; then exit 0; fi
case $3 in
  symlink)
    if [ -d "$2" ] && [ ! -L "$2" ]; then rmdir -- "$2"; fi
    ln -s -- "$1/current/public" "$2.new"
    mv -f -T -- "$2.new" "$2" 2>/dev/null || { rm -f -- "$2"; mv -- "$2.new" "$2"; }
    ;;
  bridge)
    [ -d "$2" ] || mkdir -p -- "$2"
    # readlink() is not served from PHP's realpath cache, so the file never changes and a switch needs no reset.
    cat >"$2/index.php.new" <<PHP
<?php // $mark: written once, serves whatever release is current
\$release = dirname('$4') . '/' . readlink('$4');
\$_SERVER['DOCUMENT_ROOT'] = \$release . '/public';
\$_SERVER['SCRIPT_FILENAME'] = \$release . '/public/index.php';
require \$release . '/public/index.php';
PHP
    if cmp -s "$2/index.php.new" "$2/index.php"; then rm -f -- "$2/index.php.new"; else mv -f -- "$2/index.php.new" "$2/index.php"; fi
    for entry in "$1"/current/public/* "$1"/current/public/.htaccess; do
      name=${entry##*/}
      # shellcheck disable=SC3013 # every sh that is around has it
      if [ "$name" = index.php ] || [ ! -e "$entry" ] || [ "$2/$name" -ef "$entry" ]; then continue; fi
      if [ -d "$2/$name" ]; then
        printf 'folder %s\n' "$name"
      elif [ -e "$2/$name" ] || [ -L "$2/$name" ]; then
        printf 'file %s\n' "$name"
      else
        ln -s -- "$1/current/public/$name" "$2/$name"
      fi
    done
    ;;
esac

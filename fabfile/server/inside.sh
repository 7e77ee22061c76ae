# inside ROOT PATH: goes to folder PATH below ROOT, making what is not there. Never through a link that belongs to somebody else:
# who may write to a folder, as the web server may, can put a link to any place of ours into it, at any moment.
inside() {
  cd -P -- "$1" || return 1
  below=$(pwd -P) rest=$2/ linked=''
  while [ -n "$rest" ]; do
    part=${rest%%/*} rest=${rest#*/}
    case $part in '' | .) continue ;; esac
    [ -e "./$part" ] || [ -L "./$part" ] || mkdir -- "./$part" || return 1
    if [ -L "./$part" ]; then
      linked=yes
      # shellcheck disable=SC2185 # of this very name, which is not followed
      [ -n "$(find "./$part" -prune '(' -user 0 -o -user "$(id -u)" ')')" ] ||
        { echo "$below/$part is a symlink of another user: it is not followed" >&2; return 1; }
    fi
    cd -P -- "./$part" || return 1
    below=$below/$part
  done
  # Between the look and the step it may have been replaced.
  [ -n "$linked" ] || [ "$(pwd -P)" = "$below" ] || { echo "$below has been replaced by a symlink: it is not followed" >&2; return 1; }
}

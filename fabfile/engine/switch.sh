# Points $1/current at releases/$2 in one rename(2) (rename.sh comes before this). $3 is PHP, where mv cannot do it.
# The link that goes back is ready beforehand (.deploy/previous), so that going back needs no free block or inode.
cd "$1" || exit 1
[ -d "releases/$2" ] || { echo "releases/$2 is not there" >&2; exit 1; }
if [ -e current ] && [ ! -L current ]; then echo "current is not a symlink; nothing was changed" >&2; exit 1; fi
old=$(readlink current 2>/dev/null) || old=''
case $old in
  '' | releases/[0-9]*) ;;
  *) echo "current leads to $old, which is not one of our releases; nothing was changed" >&2; exit 1 ;;
esac
if [ "$old" != "releases/$2" ]; then
  if [ "$(readlink .deploy/previous 2>/dev/null)" = "releases/$2" ]; then
    new=.deploy/previous
  else
    new=.deploy/next
    rm -f -- "$new"
    ln -s "releases/$2" "$new"
  fi
  sync -f "releases/$2" 2>/dev/null || sync
  if [ "$new" = .deploy/next ] && [ -n "$old" ]; then
    rm -f .deploy/previous.new
    ln -s "$old" .deploy/previous.new && { mv -fT .deploy/previous.new .deploy/previous 2>/dev/null || { rm -f .deploy/previous; mv .deploy/previous.new .deploy/previous; }; }
  fi
  rename "$new" "$2" "$3"
fi
sync -f current 2>/dev/null || sync

"""An artifact goes to the server: what a release there has already is taken from it, and only the rest is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from ..engine import artifacts, console, delta, lists, manifest, manifests, transfer
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.lists import Disorder, Manifest
from ..engine.records import Record
from ..engine.scripts import php as php_script
from ..engine.scripts import source
from ..engine.state import ServerState
from . import common, uploading
from .uploading import size

# A folder moves in one rename where both are on one disk. $4 is the release's manifest, whose SHA-256 is $3, $5 PHP.
TAKE = """
[ -d "$1" ] || {{ echo "$1 is not there any more: fab builder.build makes it again" >&2; exit 1; }}
rmdir -- "$2"
mv -- "$1" "$2"
mv -f -- "$1.manifest" "$4"
wanted=$3
set -- "$4" "$5"
have=$(
{digest}
)
[ "$have" = "$wanted" ] || {{ echo "the list of what was built is damaged: SHA-256 $have, not $wanted" >&2; exit 1; }}
"""
ROOM = 'rm -rf -- "$1"; mkdir -- "$1"'
AGAIN = 'cd "$1"; shift; rm -rf -- "$@"'
PATCH = 'umask 077; printf "%s" "$2" >"$1"'


def deliver(c: Host, made: artifacts.Artifact, release: str, base: Record | None) -> Manifest:
    """Have the content of ``made`` in the partial folder of ``release``, its manifest beside, both verified.

    Raises Failure where what is there is not what was built.
    """
    folder = c.site.partial(release)
    c.shell.do(ROOM, folder, what="make room for the release")
    if made.place == c.name:
        expected, sent = Manifest(made.digest, made.entries), _taken_over(c, made, release)
    else:
        expected = made.manifest()
        sent = _difference(c, made, release, base, expected) or _all(c, made, release, expected)
        manifests.keep(expected)
    c.shell.do('rm -rf -- "$1"', f"{c.site.own}/incoming", what="forget the upload")
    console.done(sent)
    return expected


def _taken_over(c: Host, made: artifacts.Artifact, release: str) -> str:
    """The folder that this server built becomes the release. What this run listed itself, it need not list again."""
    take = TAKE.format(digest=source("engine/digest.sh"))
    c.shell.do(take, made.path, c.site.partial(release), made.digest, c.site.manifest(release), c.php[0], what="take what was built here")
    if made.path not in artifacts.listed and (wrong := _differences(c, release)):
        raise _damaged(c, wrong)
    return f"Built here: {made.entries} entries, nothing to send"


def base(found: ServerState) -> Record | None:
    """The release that most of the next one can be taken from: the one that serves, else the newest that was verified."""
    whole = [record for record in found.records.values() if record.manifest and record.id in found.releases]
    return max(whole, key=lambda record: (record.id == found.current, record.id), default=None)


def _whole(c: Host, release: str, expected: Manifest, sent: int) -> str:
    """Everything was unpacked: the server lists it, and both lists have the same SHA-256."""
    answer = _php(c, "engine/manifest.php", "write", c.site.partial(release), c.site.manifest(release), what="verify the files")
    if answer != expected.digest:
        transfer.send_pieces(c.shell, lists.parts(expected.lines()), c.site.manifest(release))
        raise _damaged(c, _differences(c, release) or ["the list of files"])
    return f"{size(sent)} sent, {expected.entries} entries"


def _all(c: Host, made: artifacts.Artifact, release: str, expected: Manifest) -> str:
    return _whole(c, release, expected, uploading.upload(c, made.file, made.digest, c.site.partial(release)))


def _difference(c: Host, made: artifacts.Artifact, release: str, base: Record | None, expected: Manifest) -> str:
    """Only what ``base`` lacks was sent; empty where that is not less."""
    old = _manifest_of(c, base) if base else None
    if base is None or old is None:
        return ""
    try:
        change = delta.between(old, expected)
    except Disorder as error:
        _useless(base.id, str(error))
        return ""
    with tempfile.TemporaryDirectory(prefix="fab-") as place:
        parcel = _parcel(made.file, change.send, Path(place))
        if parcel and parcel.stat().st_size + len(change.patch) > made.file.stat().st_size:
            return ""
        sent = len(change.patch) + (uploading.upload(c, parcel, manifest.digest(parcel), c.site.partial(release)) if parcel else 0)
    if not _assembled(c, base.id, release, change.patch, expected):
        return ""
    if lacking := _differences(c, release):
        sent += _mend(c, made, release, lacking)
    return f"{size(sent)} sent: {len(change.send)} of {expected.entries} entries, the others are those of {base.id}"


def _assembled(c: Host, base: str, release: str, patch: str, expected: Manifest) -> bool:
    """Whether the server could take from ``base`` what is not new; where its PHP may not (disable_functions), all is begun again."""
    note, folder = f"{c.site.run(c.run_id)}/patch", c.site.partial(release)
    c.shell.do(PATCH, note, patch, what="say what changes")
    places = (c.site.release(base), c.site.manifest(base), folder, c.site.manifest(release), note)
    answer = c.shell.ask(php_script("engine/assemble.php"), *common.bare(c), "--", *places, check=False, what=f"take what {base} has")
    if answer.out.strip() == expected.digest:
        return True
    _useless(base, (answer.out + answer.err).strip()[-300:])
    c.shell.do(ROOM, folder, what="make room for the release")
    return False


def _useless(base: str, why: str) -> None:
    console.say(f"   {base} cannot be built on: {why}", console.YELLOW)


def _mend(c: Host, made: artifacts.Artifact, release: str, lacking: Collection[str]) -> int:
    """Send what the old release no longer has as it was built: somebody edited it, or the disk is bad."""
    console.say(f"   changed on the server, sent anew: {', '.join(sorted(lacking)[:5])}", console.YELLOW)
    c.shell.do(AGAIN, c.site.partial(release), *lacking, what="remove what was changed")
    with tempfile.TemporaryDirectory(prefix="fab-") as place:
        parcel = _parcel(made.file, lacking, Path(place))
        sent = uploading.upload(c, parcel, manifest.digest(parcel), c.site.partial(release)) if parcel else 0
    if still := _differences(c, release):
        raise _damaged(c, still)
    return sent


def _parcel(artifact: Path, paths: Collection[str], place: Path) -> Path | None:
    if not paths:
        return None
    delta.pack(artifact, paths, parcel := place / "parcel.tar.gz")
    return parcel


def _manifest_of(c: Host, base: Record) -> Manifest | None:
    """From this machine where it was seen before, else from the server; None where that one is not what was verified."""
    if known := manifests.recall(base.manifest):
        return known
    c.shell.flush()  # what fails there is no matter of the manifest
    with tempfile.TemporaryDirectory(prefix="fab-") as place:
        file = Path(place, "manifest")
        try:
            transfer.fetch(c.shell, c.site.manifest(base.id), file)
        except Failure:  # it is not there
            return None
        with file.open("rb") as lines:
            found = lists.of(lines)
    return found if found.digest == base.manifest else None


def _differences(c: Host, release: str) -> list[str]:
    """The paths that are not as the manifest says."""
    script = php_script("engine/manifest.php")
    values = ("check", c.site.partial(release), c.site.manifest(release))
    answer = c.shell.ask(script, *common.bare(c), "--", *values, check=False, what="verify the files")
    if answer.code and not answer.out:
        raise _damaged(c, [answer.err.strip()])
    return [line.partition(" ")[2] for line in answer.out.split("\n")[:-2]]


def _php(c: Host, script: str, *values: str, what: str) -> str:
    return c.shell.ask(php_script(script), *common.bare(c), "--", *values, what=what).out.strip()


def _damaged(c: Host, what: list[str]) -> Failure:
    shown = "".join(f"\n  {line}" for line in what[:50])
    return Failure(f"{c.name}: what was unpacked is not what was built:{shown}", "nothing was switched; deploy again")

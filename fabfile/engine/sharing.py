"""Questions that travel together share a frame, and a shell on the server: one after the other, or side by side.

A shell, a process group and a time limit of its own is what a small question costs most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What runs beside others: two who hold its output and its errors, its exit code behind these, until nobody is left at the other end (3)
# of the pipe (7) that both wait at. No script inherits one of these; 5 and 6 are where all goes in the end.
HELD = """
{{
{before}
}} 3>&1 >&5 2>&6 | {{
exec 7<&0 </dev/null
{{ {{ (
{script}
) 2>&4 3>&- 4>&- 5>&- 6>&- 7<&-; printf '\n%s.' $? >&4; }} | {{
said=$(cat && echo .)
cat <&7 >/dev/null
printf %s "${{said%.}}" >&5
}} 4>&-; }} 4>&1 | {{
said=$(cat)
cat <&7 >/dev/null
code=${{said##*"
"}}
printf %s "${{said%"
$code"}}" >&6
exit "${{code%.}}"
}}
}}"""


@dataclass(frozen=True)
class Asked:
    """A script to be sent: how, and how many seconds it may take. Those that are ``quick`` share a frame, and this time; one that may run
    ``beside`` what is before it shares that frame too, and its time, but not before the ``acts`` that the first depends on."""

    kind: str
    script: str
    limit: int
    quick: bool = False
    beside: bool = False
    acts: str = ""

    @property
    def whole(self) -> str:
        return f"{self.acts}\n{self.script}" if self.acts else self.script

    def joins(self, row: Sequence[Asked]) -> bool:
        """Whether it goes into the frame of this ``row``, where nobody has more time than the first."""
        if self.beside:
            return row[0].kind == "ask" and self.limit <= row[0].limit
        return self.quick and all(each.quick for each in row)


def rows(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """These in their order, together what shares a frame."""
    row: list[Asked] = []
    for each in asked:
        if row and not each.joins(row):
            yield row
            row = []
        row.append(each)
    if row:
        yield row


def gather(row: Sequence[tuple[int, Asked]], token: str) -> str:
    """One script that runs these in turn, whatever becomes of the others, and those that may run beside them all at the same time; the
    answer to each is ended with its number, and the last one's by whoever runs it."""
    if len(row) == 1:
        return row[0][1].whole
    closed = " 3>&- 5>&- 6>&-" if row[-1][1].beside else ""
    (number, first), *others = row
    acts, ran = "", f"(\n{first.whole}\n){closed}"
    if closed and first.acts:
        acts, ran = f"(\n{first.acts}\n){closed}\n_acted=$?", f'(\n[ "$_acted" = 0 ] || exit "$_acted"\n{first.script}\n){closed}'
    for following, asked in others:
        before = f"{ran}\n_ended {number} $?"
        ran = HELD.format(before=before, script=asked.script) if asked.beside else f"{before}\n(\n{asked.script}\n){closed}"
        number = following
    line = f"printf '\\n%s %s %s\\n' {token} \"$@\""
    return "\n".join([f"_ended() {{ {line}; {line} >&2; }}", *(["exec 5>&1 6>&2"] if closed else []), acts, ran])

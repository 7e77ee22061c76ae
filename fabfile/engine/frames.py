"""What an agent says on its two streams, cut into the answers to what it was sent."""

from __future__ import annotations

from .pipes import ERR, OUT

END = b"\n"


def text(data: bytes | bytearray) -> str:
    """``data`` as text that turns back into the same bytes."""
    return data.decode("utf-8", "surrogateescape")


class Stream:
    """The bytes of one stream that no answer has taken yet. Only what is new is searched: answers can be long."""

    def __init__(self) -> None:
        self.data, self.searched = bytearray(), 0

    def has(self, mark: bytes) -> bool:
        """Whether ``mark`` has come, and the number after it."""
        return (at := self.data.find(mark)) >= 0 and self.data.find(END, at + len(mark)) >= 0

    def take(self, mark: bytes) -> tuple[str, int] | None:
        """What stands before ``mark`` and the number after it; None while that has not come."""
        at = self.data.find(mark, self.searched)
        end = self.data.find(END, at + len(mark)) if at >= 0 else -1
        if end < 0:
            self.searched = at if at >= 0 else max(0, len(self.data) - len(mark))
            return None
        body, number = text(self.data[:at]), int(self.data[at + len(mark) : end])
        del self.data[: end + 1]
        self.searched = 0
        return body, number


class Frames:
    """Answers end on both streams in an empty line's worth of ``token``, the number of the frame, and its exit code."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.streams = {OUT: Stream(), ERR: Stream()}
        self.found: dict[int, tuple[str, int]] = {}

    def add(self, stream: int, data: bytes) -> None:
        self.streams[stream].data += data

    def answer(self, number: int) -> tuple[str, str, int] | None:
        """Output, errors and exit code of frame ``number``; None while not all of it is there."""
        for stream in self.streams.keys() - self.found.keys():
            if part := self.streams[stream].take(self._mark(number)):
                self.found[stream] = part
        if len(self.found) < len(self.streams):
            return None
        (out, code), (err, _) = self.found[OUT], self.found[ERR]
        self.found = {}
        return out, err, code

    def cut(self, last: int) -> tuple[str, str, int] | None:
        """The same of what was running when its frame was ended, whose ``last`` number came instead; None if that has not come."""
        if not all(stream.has(self._mark(last)) for stream in self.streams.values()):
            return None
        ended, self.found = self.found, {}
        for stream in self.streams.values():
            stream.searched = 0
        answer = self.answer(last)
        assert answer is not None
        out, err = (ended.get(stream, ("",))[0] + text for stream, text in ((OUT, answer[0]), (ERR, answer[1])))
        return out, err, answer[2]

    def rest(self) -> str:
        """What belongs to no answer, such as the last words of a shell that could not start."""
        lines = text(self.streams[OUT].data + b"\n" + self.streams[ERR].data).splitlines()
        return "\n".join(line for line in lines if line.strip() and self.token not in line)

    def _mark(self, number: int) -> bytes:
        return f"\n{self.token} {number} ".encode()

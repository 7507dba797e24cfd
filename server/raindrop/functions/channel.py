"""How the invoker talks to what runs in a sandbox, and keeps what it prints.

The protocol is that of OpenWhisk's action runtimes, ``/init`` and ``/run``, carried as one JSON
object a line over the stream socket at descriptor 3: no port, no file, and a call costs a tenth of
what HTTP does. Numbers say which reply is whose.

    ← {"ready": true}                                        once, when it can take /init
    → {"id": 1, "path": "/init", "body": {"value": {"name", "main", "binary", "env", …}}}
    ← {"id": 1, "status": 200, "body": {"ok": true}}
    → {"id": 2, "path": "/run", "body": {"value": {…}, "activation_id": …, "deadline": …}}
    ← {"id": 2, "status": 200, "body": {…}, "ms": 0.4}       or a status that is not 200 and
    ← {"id": 3, "status": 502, "body": {"error": "…"}, "at": {"file": "main.py", "line": 3}}

The code lies in the folder that is the program's one argument; ``value.entry`` names the file in
it. ``value.style`` is ``action`` (a function of a dictionary) or ``handler`` (of a context with
``req`` and ``res``). A second ``/init`` is answered with 403.

What the program writes to stdout and stderr before it replies belongs to the activation: a pipe
holds it by then, so that it is read to its end when the reply is there. No marker is needed, and
none can be forged; the marker lines that OpenWhisk's own runtimes print are left out.

Everything that comes from the other side is a stranger's.
"""

import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from raindrop.functions.limits import Limits, SandboxBroken, SandboxGone
from raindrop.functions.processes import Process

MARKER = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
_READ_BYTES = 1 << 16
_LINE_BYTES = 16384
_HEAD_BYTES = 65536
"""Of a reply, beside the result: an error's text and where it was."""

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class LogLine:
    """One line of output: seconds since 1970, the stream, the text without its end."""

    at: float
    stream: Stream
    text: str


class Log:
    """The output of one activation, as far as its limit goes."""

    def __init__(self, limit_bytes: int) -> None:
        self.lines: list[LogLine] = []
        self.is_truncated = False
        self.seen_bytes = 0
        self._left = limit_bytes
        self._limit = limit_bytes
        self._open: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}

    def add(self, stream: Stream, piece: bytes) -> None:
        """Take a piece of output; what is over the limit is counted only."""
        self.seen_bytes += len(piece)
        if len(piece) > self._left:
            self.is_truncated = True
            piece = piece[: self._left]
        self._left -= len(piece)
        *whole, rest = (self._open[stream] + piece).split(b"\n")
        for line in whole:
            self._keep(stream, line)
        while len(rest) > _LINE_BYTES:
            self._keep(stream, rest[:_LINE_BYTES])
            rest = rest[_LINE_BYTES:]
        self._open[stream] = rest

    def close(self) -> list[LogLine]:
        """All lines, with a last one where something is missing."""
        for stream, rest in self._open.items():
            if rest:
                self._keep(stream, rest)
        self._open = {"stdout": b"", "stderr": b""}
        if self.is_truncated:
            text = f"Logs were truncated: {self.seen_bytes} bytes came, the limit is {self._limit}."
            self.lines.append(LogLine(time.time(), "stderr", text))
        return self.lines

    def _keep(self, stream: Stream, line: bytes) -> None:
        text = line.decode(errors="replace")
        if text != MARKER:
            self.lines.append(LogLine(time.time(), stream, text))


@dataclass(frozen=True)
class Reply:
    """What came back: ``body`` is an object or, from ``/run``, also a list."""

    status: int
    body: Any
    at: tuple[str, int] | None


@dataclass
class _Call:
    log: Log
    done: threading.Event = field(default_factory=threading.Event)
    reply: Reply | None = None


class Channel:
    """One sandbox's replies and output, read by a thread of its own, which under gevent is a
    greenlet. Several calls may be under way; what is printed meanwhile goes into all their logs.
    """

    def __init__(self, process: Process, limits: Limits) -> None:
        assert process.popen.stdout
        assert process.popen.stderr
        self.limits = limits
        self.broken: str | None = None
        self._process = process
        self._socket = process.channel
        self._calls: dict[int, _Call] = {0: _Call(Log(limits.log_bytes))}
        self._last = 0
        self._lock = threading.Lock()
        self._idle_bytes = 0
        self._held = bytearray()
        self._pipes: dict[int, Stream] = {
            process.popen.stdout.fileno(): "stdout",
            process.popen.stderr.fileno(): "stderr",
        }
        for pipe in self._pipes:
            os.set_blocking(pipe, False)
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    @property
    def in_flight(self) -> int:
        return len(self._calls)

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until the program in the sandbox says that it can be initialised.

        Raises:
            SandboxBroken: it does not, with what it printed instead.
        """
        call = self._calls[0]
        call.done.wait(timeout_s)
        self._calls.pop(0, None)
        if call.reply is None:
            printed = " ".join(line.text for line in call.log.close()[-3:])
            raise SandboxBroken(
                f"The sandbox did not start. {printed or self.broken or ''}".strip()
            )

    def call(
        self,
        path: str,
        body: Mapping[str, Any],
        log: Log,
        timeout_s: float,
        watch: Callable[[], str | None] | None = None,
    ) -> Reply:
        """Send a request and wait for its reply.

        Args:
            watch: called now and then; a text that it returns ends the call.

        Raises:
            TimeoutError: no reply in time; the sandbox is of no use any more.
            SandboxGone: it had ended before the call.
            SandboxBroken: the sandbox died or talked nonsense.
        """
        deadline = time.monotonic() + timeout_s
        call = _Call(log)
        with self._lock:
            self._last += 1
            number = self._last
            self._calls[number] = call
        try:
            request = json.dumps({"id": number, "path": path, "body": body}) + "\n"
            self._send(request.encode(), timeout_s)
            while not call.done.wait(self._slice(deadline, is_watched=bool(watch))):
                if time.monotonic() >= deadline:
                    raise TimeoutError
                if watch and (complaint := watch()):
                    raise SandboxBroken(complaint)
        finally:
            self._calls.pop(number, None)
        if call.reply is None:
            raise SandboxBroken(self.broken or "The sandbox ended.")
        return call.reply

    def join(self) -> None:
        """Wait for the reader, after the sandbox was killed."""
        if self._reader is not threading.current_thread():
            self._reader.join(5)

    @staticmethod
    def _slice(deadline: float, *, is_watched: bool) -> float:
        left = max(deadline - time.monotonic(), 0)
        return min(left, 0.1) if is_watched else left

    def _send(self, data: bytes, timeout_s: float) -> None:
        with self._lock:
            if self.broken:
                raise SandboxGone(self.broken)
            try:
                self._socket.settimeout(timeout_s)
                self._socket.sendall(data)
            except TimeoutError:
                raise
            except OSError:
                raise SandboxGone("The sandbox ended.") from None

    # The reader

    def _read_on(self) -> None:
        try:
            self._read_until_end()
        except (OSError, SandboxBroken, ValueError) as error:
            self.broken = str(error) or "The sandbox ended."
        self.broken = self.broken or "The sandbox ended."
        # One that talks nonsense is not talked to any more.
        self._process.end()
        for call in list(self._calls.values()):
            call.done.set()

    def _read_until_end(self) -> None:
        poll = select.poll()
        number = self._socket.fileno()
        for descriptor in (number, *self._pipes):
            poll.register(descriptor, select.POLLIN)
        is_open = True
        while is_open:
            ready = {descriptor for descriptor, _ in poll.poll()}
            for pipe in ready & set(self._pipes):
                if not self._read_pipe(pipe, all_of_it=False):
                    poll.unregister(pipe)
                    del self._pipes[pipe]
            if number in ready:
                is_open = self._read_replies(number)
        self._drain()

    def _drain(self) -> None:
        for pipe in list(self._pipes):
            self._read_pipe(pipe, all_of_it=True)

    def _read_pipe(self, pipe: int, *, all_of_it: bool) -> bool:
        """Read what is there; False at the end."""
        while True:
            try:
                piece = os.read(pipe, _READ_BYTES)
            except BlockingIOError:
                return True
            if not piece:
                return False
            self._keep(self._pipes[pipe], piece)
            if not all_of_it:
                return True

    def _keep(self, stream: Stream, piece: bytes) -> None:
        calls = list(self._calls.values())
        for call in calls:
            call.log.add(stream, piece)
        # Between activations it is nobody's, and no reason to read for ever.
        self._idle_bytes = 0 if calls else self._idle_bytes + len(piece)
        most = max([self._idle_bytes, *(call.log.seen_bytes for call in calls)])
        if most > self.limits.output_bytes:
            raise SandboxBroken(f"It printed more than {self.limits.output_bytes} bytes.")

    def _read_replies(self, number: int) -> bool:
        try:
            piece = os.read(number, _READ_BYTES)
        except BlockingIOError:
            return True
        if not piece:
            return False
        self._held += piece
        start = 0
        while (end := self._held.find(b"\n", start)) >= 0:
            self._take(bytes(self._held[start:end]))
            start = end + 1
        del self._held[:start]
        # JSON writes one character of UTF-8 in up to six.
        if len(self._held) > 6 * self.limits.result_bytes + _HEAD_BYTES:
            raise SandboxBroken(f"Its result is over {self.limits.result_bytes} bytes.")
        return True

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            number = 0 if message.get("ready") is True else int(message["id"])
            reply = Reply(int(message.get("status", 200)), message.get("body"), _place(message))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise SandboxBroken("It does not speak the protocol.") from None
        call = self._calls.get(number)
        if call:
            # What was printed before the reply is in the pipes by now.
            self._drain()
            call.reply = reply
            call.done.set()


def _place(message: Mapping[str, Any]) -> tuple[str, int] | None:
    at = message.get("at")
    if not isinstance(at, dict) or not isinstance(at.get("line"), int):
        return None
    return str(at.get("file"))[:1024], at["line"]

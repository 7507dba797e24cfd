"""Runs one Python action inside its sandbox: the resident half of ``functions/channel.py``.

Started as ``python -I -S launcher.py CODE_FOLDER`` with a stream socket at descriptor 3. Only what
is cheap is imported here, for these imports are what every warm sandbox weighs. The protocol (one
JSON object a line) is described in ``functions/channel.py``.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

CHANNEL = 3
OWN_FOLDER = "/tmp"
ONCE = "Cannot initialize the action more than once."


class Failure(Exception):
    """What the caller is told: a message, the status, and where in the user's code."""

    def __init__(self, message: str, status: int = 502, at: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.at = at


class Launcher:
    """One action's code, once it is there, and what it may not leave behind."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.function: Any = None
        self.is_handler = False
        self.was_initialised = False
        self.result_bytes = 1 << 20
        self.environment = dict(os.environ)

    def init(self, value: dict[str, Any]) -> dict[str, Any]:
        """Load the entry file and find the function that runs."""
        if self.was_initialised:
            raise Failure(ONCE, 403)
        self.was_initialised = True
        self.is_handler = value.get("style") == "handler"
        self.result_bytes = value.get("result_bytes", self.result_bytes)
        self.environment.update(value.get("env") or {})
        os.environ.clear()
        os.environ.update(self.environment)
        name = value.get("main") or "main"
        namespace = self.load(value.get("entry") or "__main__.py")
        self.function = namespace.get(name)
        if not callable(self.function):
            raise Failure(f'The code has no function "{name}".')
        return {"ok": True}

    def load(self, entry: str) -> dict[str, Any]:
        path = os.path.join(self.folder, entry)
        home = os.path.dirname(path)
        # Dependencies of the build step lie beside the code, or in these folders of it.
        for extra in ("packages", "virtualenv/lib/python3/site-packages", ""):
            folder = os.path.join(self.folder, extra) if extra else self.folder
            if os.path.isdir(folder) and folder not in sys.path:
                sys.path.insert(0, folder)
        if home not in sys.path:
            sys.path.insert(0, home)
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            raise Failure(f'The code has no file "{entry}".') from None
        # A real module: pickle, dataclasses and the like look for it by name.
        module = type(sys)("action")
        module.__file__ = path
        sys.modules["action"] = module
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102
        return module.__dict__

    def run(self, body: dict[str, Any]) -> Any:
        """One activation: its context in the environment, its argument to the function."""
        if self.function is None:
            raise Failure("The action was not initialised.", 403)
        context = {
            f"__OW_{name.upper()}": str(value)
            for name, value in body.items()
            if name != "value" and value is not None
        }
        os.environ.clear()
        os.environ.update(self.environment)
        os.environ.update(context)
        value = body.get("value") or {}
        if not self.is_handler:
            return self.settle(self.function(value))
        return self.handle(value)

    def settle(self, result: Any) -> Any:
        if hasattr(result, "__await__"):
            import asyncio

            async def wait() -> Any:
                return await result

            return asyncio.run(wait())
        return result

    def handle(self, value: dict[str, Any]) -> dict[str, Any]:
        """The handler style: ``main(context)`` gets a request and gives a response."""
        import raindrop_handler

        context = raindrop_handler.Context(value)
        output = self.settle(self.function(context))
        if output is None:
            raise Failure(
                "The function returned nothing; return context.res.empty() where that is meant."
            )
        encoded: dict[str, Any] = raindrop_handler.encode(output)
        return encoded

    def describe(self, error: BaseException) -> Failure:
        """A message with the line of the user's file, and the traceback of their frames on
        stderr."""
        import traceback

        at = None
        if isinstance(error, SyntaxError) and error.filename:
            at = {"file": self.relative(error.filename), "line": error.lineno}
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.startswith(self.folder)
        ]
        if frames and at is None:
            at = {"file": self.relative(frames[-1].filename), "line": frames[-1].lineno}
        text = ["Traceback (most recent call last):\n"] if frames else []
        text += traceback.format_list(frames)
        text += traceback.format_exception_only(type(error), error)
        print("".join(text).replace(self.folder + "/", ""), end="", file=sys.stderr)
        what = getattr(error, "msg", None) if isinstance(error, SyntaxError) else str(error)
        message = f"{type(error).__name__}: {what}" if what else type(error).__name__
        if at:
            message += f" ({at['file']}, line {at['line']})"
        return Failure(message, at=at)

    def last_line(self, error: BaseException) -> dict[str, Any] | None:
        at, step = None, error.__traceback__
        while step:
            name = step.tb_frame.f_code.co_filename
            if name.startswith(self.folder):
                at = {"file": self.relative(name), "line": step.tb_lineno}
            step = step.tb_next
        return at

    def relative(self, path: str) -> str:
        return path[len(self.folder) + 1 :] if path.startswith(self.folder) else path

    def answer(self, request: dict[str, Any]) -> str:
        """The reply to one request; a failure of the user's code is a reply too."""
        try:
            path, body = request["path"], request.get("body") or {}
            if path == "/init":
                result = self.init(body.get("value") or {})
            elif path == "/run":
                result = self.run(body)
                if not isinstance(result, (dict, list)):
                    raise Failure("The action did not return a dictionary.")
            else:
                raise Failure("There is nothing at this path.", 404)
            return self.pack(request, 200, result)
        except Failure as failure:
            return self.refuse(request, failure)
        except MemoryError as error:
            # Its frames hold what took the memory, and telling more of it would take some.
            at = self.last_line(error)
            error.__traceback__ = None
            return self.refuse(request, Failure("The action used up its memory.", 507, at))
        except BaseException as error:
            return self.refuse(request, self.describe(error))

    def pack(
        self, request: dict[str, Any], status: int, body: Any, at: dict[str, Any] | None = None
    ) -> str:
        try:
            text = json.dumps(body, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise Failure(f"The result cannot be JSON: {error}.") from None
        if len(text) > self.result_bytes and status == 200:
            raise Failure(
                f"The result has {len(text)} bytes, the limit is {self.result_bytes}.", 413
            )
        head = {"id": request.get("id"), "status": status}
        if at:
            head["at"] = at
        return json.dumps(head)[:-1] + ', "body": ' + text + "}\n"

    def refuse(self, request: dict[str, Any], failure: Failure) -> str:
        return self.pack(request, failure.status, {"error": str(failure)[:8192]}, failure.at)


def clean(code_folder: str) -> None:
    """Remove what an activation left for the next: files, the place, signals."""
    try:
        os.chdir(code_folder)
        if OWN_FOLDER and os.environ.get("RAINDROP_SANDBOX") != "none":
            for entry in os.scandir(OWN_FOLDER):
                if entry.is_dir(follow_symlinks=False):
                    import shutil

                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except OSError:
        pass


def reap() -> None:
    """Take leave of processes that were killed after the last activation."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


def read_lines(descriptor: int) -> Iterator[bytes]:
    held = b""
    while True:
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            return
        held += piece
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            yield line


def write(text: str) -> None:
    data = memoryview(text.encode())
    while data:
        data = data[os.write(CHANNEL, data) :]


def main() -> None:
    folder = sys.argv[1]
    os.set_inheritable(CHANNEL, False)
    sys.path[:] = [path for path in sys.path if path]
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    if len(sys.argv) > 2:
        import raindrop_bridge

        raindrop_bridge.start(sys.argv[2])
    # Left out with site, and used by people all the same.
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    launcher = Launcher(folder)
    os.chdir(folder)
    write(json.dumps({"ready": True, "pid": os.getpid()}) + "\n")
    for line in read_lines(CHANNEL):
        reap()
        # What was killed after the last activation may have written once more.
        clean(folder)
        started = time.perf_counter()
        request = json.loads(line)
        reply = launcher.answer(request)
        flush()
        clean(folder)
        took_ms = (time.perf_counter() - started) * 1000
        write(f'{{"ms": {took_ms:.3f}, {reply[1:]}')


main()

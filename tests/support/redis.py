"""A private server of the distribution's Redis, reached over TCP with a password."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis

START_WAIT_S = 10
PASSWORD = "a-password-of-this-test"


class RedisServer:
    """Plain Redis; the embedded stack has Valkey instead."""

    def __init__(self, folder: Path) -> None:
        from tests.support.site import free_port

        self.folder = folder
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self.folder.mkdir(parents=True)
        binary = shutil.which("redis-server") or "redis-server"
        command = [
            binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--requirepass", PASSWORD, "--save", "",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_WAIT_S
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def pause(self) -> None:
        """Make it hang, as a host that is gone does."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the hang."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the server."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)

"""Carries TCP at 127.0.0.1:3128 inside a sandbox to the proxy's unix socket: pip, npm and HTTP
libraries know proxies by host and port only.

``start(path)`` in a launcher, or ``python raindrop_bridge.py PATH COMMAND…`` around a build.
"""

import os
import socket
import threading

PORT = 3128


def start(path: str) -> None:
    """Listen, and serve in a daemon thread."""
    listener = socket.create_server(("127.0.0.1", PORT))
    threading.Thread(target=_serve, args=(listener, path), daemon=True).start()


def _serve(listener: socket.socket, path: str) -> None:
    while True:
        inner, _ = listener.accept()
        outer = socket.socket(socket.AF_UNIX)
        try:
            outer.connect(path)
        except OSError:
            inner.close()
            outer.close()
            continue
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main() -> None:
    import subprocess
    import sys

    start(sys.argv[1])
    sys.exit(subprocess.call(sys.argv[2:], env=os.environ))


if __name__ == "__main__":
    main()

"""OAuth2 providers on loopback: a real one as a process, and one that does what a test says."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.v1 import new_email

START_WAIT_S = 20


class RealProvider:
    """``oidc-provider-mock``: an OpenID provider made of authlib's server side."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_WAIT_S
        while True:
            try:
                httpx.get(f"{self.url}/jwks", trust_env=False)
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def register(self, sub: str, **claims: Any) -> None:
        """Make a person known."""
        httpx.put(f"{self.url}/users/{sub}", json=claims, trust_env=False).raise_for_status()

    def sign_in(self, location: str, sub: str) -> str:
        """What a person does at the sign-in page; where that sends the browser."""
        answer = httpx.post(location, data={"sub": sub}, trust_env=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def deny(self, location: str) -> str:
        """The person says no; the state, which this provider leaves out, is put back."""
        answer = httpx.post(location, data={"action": "deny"}, trust_env=False)
        state = parse_qs(urlsplit(location).query)["state"][0]
        return f"{answer.headers['location']}&state={state}"


Answer = tuple[int, Any]


class FakeProvider:
    """A provider that answers with what a test puts into ``answers``, by path.

    Without that it is a decent OpenID provider whose ID tokens say ``claims``, and whose nonce is
    the one of the last sign-in page that :meth:`sign_in` saw.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.reset()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()

    def reset(self) -> None:
        self.claims: dict[str, Any] = {
            "sub": "s1",
            "email": new_email(),
            "email_verified": True,
        }
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.seen: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        self.nonce = ""

    def sign_in(self, location: str) -> str:
        """Where the sign-in page would send the browser."""
        asked = parse_qs(urlsplit(location).query)
        self.nonce = asked.get("nonce", [""])[0]
        return f"{asked['redirect_uri'][0]}?code=c1&state={asked['state'][0]}"

    def id_token(self, key: RSAKey | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "client", "iat": now, "exp": now + 60}
        claims |= {"nonce": self.nonce, **self.claims, **changes}
        header = {"alg": "RS256", "kid": "first"}
        return jwt.encode(
            header, {k: v for k, v in claims.items() if v is not None}, key or self.key
        )

    def tokens(self, id_token: str = "") -> Answer:
        return 200, {
            "access_token": "at-1",
            "refresh_token": "rt-1",
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": id_token or self.id_token(),
        }

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        self.seen.append((path, dict(handler.headers), parse_qs(body)))
        given = self.answers.get(path)
        status, content = given() if callable(given) else given or self._usual(path)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        with contextlib.suppress(OSError):  # the other side has seen enough
            handler.wfile.write(data)

    def _usual(self, path: str) -> Answer:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
            }
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        return self.tokens() if path == "/token" else (404, {})

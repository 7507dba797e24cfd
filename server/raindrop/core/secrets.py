"""What is secret: the instance's key, encryption at rest, random secrets and their digests."""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app

from raindrop.config import Settings

# cryptography and joserfc are imported where they are used: 10 MB that a process without sign-ins
# and secrets does without.
if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from joserfc.jwk import OctKey

KEY_BYTES = 32
KEY_FILE = "instance-key"
ALGORITHM = "HS256"


class SecretUnreadable(Exception):
    """What was encrypted with another instance's key; the operator restored only half a backup."""


class Vault:
    """The instance's key and what is derived from it. The key is read at the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def encrypt(self, text: str) -> str:
        """The text, readable only with the instance's key."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text that was encrypted.

        Raises:
            SecretUnreadable: by another key, or it is damaged.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable from None

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose, 32 bytes, that tells nothing of the others."""
        return hmac.digest(self._key, purpose.encode(), hashlib.sha256)

    @cached_property
    def _key(self) -> bytes:
        text = self._settings.instance_key or read_key(self._settings.var / "secrets" / KEY_FILE)
        return hashlib.sha256(text.encode()).digest()

    @cached_property
    def _fernet(self) -> "Fernet":
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self.derive("at rest")))


def sealed_length(size_bytes: int) -> int:
    """The characters, all ASCII, that :meth:`Vault.encrypt` makes of so many bytes.

    The form is Fernet's: version, time, initial vector and digest are 57 bytes around blocks of
    16, of which there is always one that is not full; four characters stand for three bytes.
    """
    return 4 * -(-(57 + 16 * (size_bytes // 16 + 1)) // 3)


def read_key(path: Path) -> str:
    """The key in a file of 0600; made by whoever comes first when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and linked: whoever finds the file finds all of it.
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(KEY_BYTES) + "\n")
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    return path.read_text().strip()


def new_secret(size_bytes: int = KEY_BYTES) -> str:
    """A random secret, as hexadecimal digits."""
    return secrets.token_hex(size_bytes)


def new_code(digits: int) -> str:
    """A random code of decimal digits, for people to type."""
    return str(secrets.randbelow(10**digits)).zfill(digits)


def digest(secret: str) -> str:
    """The SHA-256 by which a random secret is kept and looked up; 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def init_secrets(app: Flask, settings: Settings) -> None:
    """Make the process's vault. Nothing is read yet."""
    app.extensions["raindrop_vault"] = Vault(settings)


def get_vault() -> Vault:
    """The vault of the current app."""
    return cast(Vault, current_app.extensions["raindrop_vault"])


def sign_jwt(claims: Mapping[str, Any], lifetime_s: int) -> str:
    """A JSON Web Token (RFC 7519, HS256) of this instance."""
    from joserfc import jwt

    now = int(time.time())
    return jwt.encode({"alg": ALGORITHM}, {**claims, "iat": now, "exp": now + lifetime_s}, _key())


def read_jwt(text: str) -> dict[str, Any] | None:
    """The claims of a token that this instance signed and that has not expired; else ``None``."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        token = jwt.decode(text, _key(), algorithms=[ALGORITHM])
        jwt.JWTClaimsRegistry(exp={"essential": True}).validate(token.claims)
    except (JoseError, ValueError):
        return None
    return dict(token.claims)


def _key() -> "OctKey":
    from joserfc.jwk import OctKey

    return OctKey.import_key(get_vault().derive("jwt"))

"""Password hashes: our own, and those that a project brings along from another system.

An imported hash is verified by the rules of its origin and replaced by ours at the first sign-in
that it lets in. What verifying one may cost is limited where it is imported.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

from raindrop.accounts.models import User
from raindrop.accounts.passwords import (
    LANES,
    MEMORY_KIB,
    PASSES,
    hash_password,
    in_line,
    needs_rehash,
    verify_argon2,
    waste_time,
)
from raindrop.core.errors import BadRequest

ARGON2, BCRYPT, MD5, PHPASS = "argon2", "bcrypt", "md5", "phpass"
SCRYPT, SCRYPT_MODIFIED, SHA = "scrypt", "scryptMod", "sha"
"""The algorithms, as the contract names them in a user's ``hash``."""

SHA_VERSIONS = {
    "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384",
    "sha512/224": "sha512_224", "sha512/256": "sha512_256", "sha512": "sha512",
    "sha3-224": "sha3_224", "sha3-256": "sha3_256", "sha3-384": "sha3_384", "sha3-512": "sha3_512",
}  # fmt: skip
"""The contract's names of the SHA family, and hashlib's."""
SHA_DEFAULT = "sha3-512"

HASH_MAX = 512
BCRYPT_COST_MAX = 15
BCRYPT_BYTES = 72
"""bcrypt looks at no more of a password; other implementations cut it off without a word."""
ARGON2_KIB_MAX, ARGON2_PASSES_MAX, ARGON2_LANES_MAX = 256 * 1024, 20, 16
SCRYPT_BYTES_MAX, SCRYPT_LANES_MAX = 128 * 1024 * 1024, 16
SCRYPT_LENGTH_MIN, SCRYPT_LENGTH_MAX = 16, HASH_MAX // 2
PHPASS_LOG2_MIN, PHPASS_LOG2_MAX = 7, 20

FIREBASE_N, FIREBASE_R, FIREBASE_P, FIREBASE_LENGTH = 2**14, 8, 1, 64
"""The cost that Firebase gives every project (memory cost 14, rounds 8)."""

_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NOT_SHOWN = {SCRYPT: ("salt",), SHA: ("version",)}
_FAST = frozenset({MD5, SHA})


class Hash(NamedTuple):
    """A hash, its algorithm and the parameters that its text does not hold."""

    text: str
    type: str
    options: Mapping[str, Any]


def verify(user: User, password: str) -> bool:
    """Whether the password is the user's, whatever algorithm its hash is of.

    Raises:
        ServiceUnavailable: too many wait for a slow algorithm already.
    """
    stored = _hash_of(user)
    if stored is None:
        return False
    if stored.type == ARGON2:
        return verify_argon2(stored.text, password)
    check = _VERIFIERS[stored.type]
    if stored.type in _FAST:
        return check(stored, password)
    return in_line(lambda: check(stored, password))


def check_password(user: User, password: str) -> Hash | None:
    """The same at a sign-in: the hash to keep of a password that fits; ``None``: it does not.

    It is a new one where the old is imported, or older than today's parameters. A wrong guess at
    a hash of a fast algorithm takes as long as one at ours.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    stored = _hash_of(user)
    if stored is None or not verify(user, password):
        if stored and stored.type in _FAST:
            waste_time(password)
        return None
    is_of_today = stored.type == ARGON2 and not needs_rehash(stored.text)
    return stored if is_of_today else hash_anew(password)


def hash_anew(password: str) -> Hash:
    """A hash of today's kind.

    Raises:
        ServiceUnavailable: too many wait already.
    """
    return Hash(hash_password(password), ARGON2, {})


def keep_hash(user: User, hashed: Hash | None) -> None:
    """Have this be the user's password from now on; ``None``: no password lets in."""
    user.password = hashed.text if hashed else None
    user.hash_type = hashed.type if hashed else ARGON2
    user.hash_options = dict(hashed.options) if hashed else {}


def _hash_of(user: User) -> Hash | None:
    return Hash(user.password, user.hash_type, user.hash_options) if user.password else None


def describe(user: User) -> dict[str, Any]:
    """The contract's ``hashOptions``; it has no place for every parameter."""
    hidden = _NOT_SHOWN.get(user.hash_type, ())
    options = {name: value for name, value in user.hash_options.items() if name not in hidden}
    if user.hash_type == ARGON2:
        options = {"memoryCost": MEMORY_KIB, "timeCost": PASSES, "threads": LANES}
        if user.password:
            found = extract_parameters(user.password)
            options = {
                "memoryCost": found.memory_cost,
                "timeCost": found.time_cost,
                "threads": found.parallelism,
            }
    return {"type": user.hash_type, **options}


def import_argon2(text: str) -> Hash:
    """A hash in argon2's own text form; argon2id, argon2i or argon2d.

    Raises:
        BadRequest: it is none, or verifying it would cost too much.
    """
    try:
        found = extract_parameters(text)
    except InvalidHashError:
        raise BadRequest("password: is not an argon2 hash") from None
    is_cheap = (
        found.memory_cost <= ARGON2_KIB_MAX
        and found.time_cost <= ARGON2_PASSES_MAX
        and found.parallelism <= ARGON2_LANES_MAX
    )
    if not is_cheap:
        raise BadRequest(
            f"password: an argon2 hash of at most {ARGON2_KIB_MAX} KiB, {ARGON2_PASSES_MAX} passes"
            f" and {ARGON2_LANES_MAX} lanes"
        )
    return Hash(text, ARGON2, {})


def import_bcrypt(text: str) -> Hash:
    """A bcrypt hash, ``$2a$``, ``$2b$`` or ``$2y$``.

    Raises:
        BadRequest: it is none, or verifying it would cost too much.
    """
    match = re.fullmatch(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", text)
    if not match or not 4 <= int(match[1]) <= BCRYPT_COST_MAX:
        raise BadRequest(f"password: is not a bcrypt hash of cost 4 to {BCRYPT_COST_MAX}")
    return Hash(text, BCRYPT, {})


def import_md5(text: str) -> Hash:
    """The MD5 of a password, as hexadecimal digits.

    Raises:
        BadRequest: it is none.
    """
    return Hash(_check_hex(text, 16), MD5, {})


def import_sha(text: str, version: str) -> Hash:
    """The SHA of a password, as hexadecimal digits.

    Args:
        version: one of ``SHA_VERSIONS``.

    Raises:
        BadRequest: it is none of this version.
    """
    size = hashlib.new(SHA_VERSIONS[version]).digest_size
    return Hash(_check_hex(text, size), SHA, {"version": version})


def import_phpass(text: str) -> Hash:
    """A hash of phpass (WordPress, phpBB): its portable form, or its bcrypt one.

    Raises:
        BadRequest: it is none, or verifying it would cost too much.
    """
    if text.startswith("$2"):
        return Hash(import_bcrypt(text).text, PHPASS, {})
    is_portable = re.fullmatch(r"\$[PH]\$[./A-Za-z0-9]{31}", text)
    if not is_portable or not PHPASS_LOG2_MIN <= _ITOA64.index(text[3]) <= PHPASS_LOG2_MAX:
        raise BadRequest(f"password: is not a phpass hash of at most 2^{PHPASS_LOG2_MAX} rounds")
    return Hash(text, PHPASS, {})


def import_scrypt(text: str, *, salt: str, cpu: int, memory: int, lanes: int, length: int) -> Hash:
    """A scrypt hash (RFC 7914), as hexadecimal digits.

    Args:
        cpu: N, a power of two.
        memory: r.
        lanes: p.
        length: of the hash, in bytes.

    Raises:
        BadRequest: it is none, or verifying it would cost too much.
    """
    if cpu < 2 or cpu & (cpu - 1):
        raise BadRequest("passwordCpu: must be a power of two")
    if memory < 1 or 128 * cpu * memory > SCRYPT_BYTES_MAX:
        raise BadRequest(
            "passwordMemory: at least 1, and with passwordCpu at most"
            f" {SCRYPT_BYTES_MAX // 2**20} MiB"
        )
    if not 1 <= lanes <= SCRYPT_LANES_MAX:
        raise BadRequest(f"passwordParallel: 1 to {SCRYPT_LANES_MAX}")
    if not SCRYPT_LENGTH_MIN <= length <= SCRYPT_LENGTH_MAX:
        raise BadRequest(f"passwordLength: {SCRYPT_LENGTH_MIN} to {SCRYPT_LENGTH_MAX} bytes")
    options = {
        "salt": salt, "costCpu": cpu, "costMemory": memory, "costParallel": lanes, "length": length,
    }  # fmt: skip
    return Hash(_check_hex(text, length), SCRYPT, options)


def import_scrypt_modified(text: str, *, salt: str, separator: str, signer_key: str) -> Hash:
    """A hash of Firebase Authentication's scrypt; everything in base64.

    Raises:
        BadRequest: something is not base64, or hash and key differ in length.
    """
    given = {
        "password": text, "passwordSalt": salt, "passwordSaltSeparator": separator,
        "passwordSignerKey": signer_key,
    }  # fmt: skip
    read = {name: _read_base64(name, value) for name, value in given.items()}
    if len(read["password"]) != len(read["passwordSignerKey"]) or not read["password"]:
        raise BadRequest("password: must be as long as passwordSignerKey")
    options = {"salt": salt, "saltSeparator": separator, "signerKey": signer_key}
    return Hash(text, SCRYPT_MODIFIED, options)


def _check_hex(text: str, size_bytes: int) -> str:
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size_bytes}}}", text):
        raise BadRequest(f"password: must be {2 * size_bytes} hexadecimal digits")
    return text.lower()


def _read_base64(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{name}: must be base64") from None


def _verify_bcrypt(stored: Hash, password: str) -> bool:
    # Loaded by those processes only that meet such a hash.
    import bcrypt

    return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], stored.text.encode())


def _verify_md5(stored: Hash, password: str) -> bool:
    found = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(found, stored.text)


def _verify_sha(stored: Hash, password: str) -> bool:
    found = hashlib.new(SHA_VERSIONS[stored.options["version"]], password.encode()).hexdigest()
    return hmac.compare_digest(found, stored.text)


def _verify_phpass(stored: Hash, password: str) -> bool:
    """https://www.openwall.com/phpass/ : MD5 over and over, in an alphabet of its own."""
    if stored.text.startswith("$2"):
        return _verify_bcrypt(stored, password)
    given, salt = password.encode(), stored.text[4:12].encode()
    found = hashlib.md5(salt + given, usedforsecurity=False).digest()
    for _ in range(1 << _ITOA64.index(stored.text[3])):
        found = hashlib.md5(found + given, usedforsecurity=False).digest()
    return hmac.compare_digest(_encode_phpass(found), stored.text[12:])


def _encode_phpass(data: bytes) -> str:
    """Six bits a character, the lowest of each three bytes first."""
    groups = (data[start : start + 3] for start in range(0, len(data), 3))
    return "".join(
        _ITOA64[int.from_bytes(group, "little") >> 6 * index & 63]
        for group in groups
        for index in range(len(group) + 1)
    )


def _verify_scrypt(stored: Hash, password: str) -> bool:
    options = stored.options
    found = _scrypt(
        password,
        options["salt"].encode(),
        n=options["costCpu"],
        r=options["costMemory"],
        p=options["costParallel"],
        length=options["length"],
    )
    return hmac.compare_digest(found.hex(), stored.text)


def _verify_scrypt_modified(stored: Hash, password: str) -> bool:
    """https://github.com/firebase/scrypt : the derived key encrypts the project's signer key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt, separator, signer_key = (
        base64.b64decode(stored.options[name]) for name in ("salt", "saltSeparator", "signerKey")
    )
    derived = _scrypt(
        password,
        salt + separator,
        n=FIREBASE_N,
        r=FIREBASE_R,
        p=FIREBASE_P,
        length=FIREBASE_LENGTH,
    )
    encryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(bytes(16))).encryptor()
    found = encryptor.update(signer_key) + encryptor.finalize()
    return hmac.compare_digest(found, base64.b64decode(stored.text))


def _scrypt(password: str, salt: bytes, *, n: int, r: int, p: int, length: int) -> bytes:
    needed = 128 * r * (n + p + 2) + 1024  # OpenSSL refuses more than it is told beforehand
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=needed, dklen=length)


_VERIFIERS: dict[str, Callable[[Hash, str], bool]] = {
    BCRYPT: _verify_bcrypt,
    MD5: _verify_md5,
    PHPASS: _verify_phpass,
    SCRYPT: _verify_scrypt,
    SCRYPT_MODIFIED: _verify_scrypt_modified,
    SHA: _verify_sha,
}

"""``/v1/users``: users whose passwords were hashed by another system."""

from typing import Any

from flask import Blueprint

from raindrop.accounts import hashes, schemas_users, users
from raindrop.accounts.routes_users import show
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import parse_body

blueprint = Blueprint("imports", __name__)


@blueprint.post("/argon2")
@allow("users.write")
def import_argon2_user() -> tuple[dict[str, Any], int]:
    """Make a user with an argon2 hash."""
    body = parse_body(schemas_users.ImportedUser)
    return _create(body, hashes.import_argon2(body.password))


@blueprint.post("/bcrypt")
@allow("users.write")
def import_bcrypt_user() -> tuple[dict[str, Any], int]:
    """Make a user with a bcrypt hash."""
    body = parse_body(schemas_users.ImportedUser)
    return _create(body, hashes.import_bcrypt(body.password))


@blueprint.post("/md5")
@allow("users.write")
def import_md5_user() -> tuple[dict[str, Any], int]:
    """Make a user with an MD5 hash."""
    body = parse_body(schemas_users.ImportedUser)
    return _create(body, hashes.import_md5(body.password))


@blueprint.post("/phpass")
@allow("users.write")
def import_phpass_user() -> tuple[dict[str, Any], int]:
    """Make a user with a phpass hash."""
    body = parse_body(schemas_users.ImportedUser)
    return _create(body, hashes.import_phpass(body.password))


@blueprint.post("/sha")
@allow("users.write")
def import_sha_user() -> tuple[dict[str, Any], int]:
    """Make a user with a hash of the SHA family."""
    body = parse_body(schemas_users.ImportedShaUser)
    return _create(body, hashes.import_sha(body.password, body.passwordVersion))


@blueprint.post("/scrypt")
@allow("users.write")
def import_scrypt_user() -> tuple[dict[str, Any], int]:
    """Make a user with a scrypt hash."""
    body = parse_body(schemas_users.ImportedScryptUser)
    hashed = hashes.import_scrypt(
        body.password,
        salt=body.passwordSalt,
        cpu=body.passwordCpu,
        memory=body.passwordMemory,
        lanes=body.passwordParallel,
        length=body.passwordLength,
    )
    return _create(body, hashed)


@blueprint.post("/scrypt-modified")
@allow("users.write")
def import_scrypt_modified_user() -> tuple[dict[str, Any], int]:
    """Make a user with a hash of Firebase's scrypt."""
    body = parse_body(schemas_users.ImportedScryptModifiedUser)
    hashed = hashes.import_scrypt_modified(
        body.password,
        salt=body.passwordSalt,
        separator=body.passwordSaltSeparator,
        signer_key=body.passwordSignerKey,
    )
    return _create(body, hashed)


def _create(body: schemas_users.ImportedUser, hashed: hashes.Hash) -> tuple[dict[str, Any], int]:
    user = users.create_user(
        current_actor(),
        body.userId,
        email=users.check_email(body.email),
        name=body.name,
        hashed=hashed,
    )
    return show(user), 201

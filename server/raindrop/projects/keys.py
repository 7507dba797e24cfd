"""API keys."""

from raindrop.core.access import KeyFacts
from raindrop.core.db import db
from raindrop.core.tenancy import Tenant, rows_of
from raindrop.projects.models import Key


def key_by_digest(tenant: Tenant, secret_digest: str) -> KeyFacts | None:
    """The project's key with this secret, expired or not."""
    query = rows_of(Key, tenant).where(Key.secret_digest == secret_digest, Key.is_dev.is_(False))
    key = db.session.scalar(query)
    if key is None:
        return None
    expires_at = key.expires_at.timestamp() if key.expires_at else 0
    return KeyFacts(key.public_id, key.name, tuple(key.scopes), expires_at)

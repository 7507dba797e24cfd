"""Tables of the accounts room."""

import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, mapped_column

from raindrop.core.db import UtcDateTime, db
from raindrop.core.formats import ID_MAX
from raindrop.core.tenancy import TenantRow

EMAIL_MAX = 320
NAME_MAX = 128


class TokenType(StrEnum):
    """What a token proves when it is redeemed."""

    VERIFICATION = "verification"
    PHONE_VERIFICATION = "phone-verification"
    RECOVERY = "recovery"
    MAGIC_URL = "magic-url"
    EMAIL = "email"
    PHONE = "phone"
    OAUTH2 = "oauth2"
    GENERIC = "token"
    ALIAS = "alias"
    """No proof: the user id that an answer named in place of the user's own (tokens.py)."""


class User(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A person in a project.

    Attributes:
        email: in lower case; None: the person gave none.
        password: an argon2id hash, or an imported one until the next sign-in; None: none is set.
        hash_type: ``argon2``, or an imported hash's algorithm.
        hash_options: an imported hash's parameters.
        password_history: earlier hashes, newest last.
        recovery_codes: encrypted JSON list; None: none were made.
        search_text: what a search in the users looks through.
    """

    __tablename__ = "users"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("project_id", "email"),
        sa.UniqueConstraint("project_id", "phone"),
        sa.Index("ix_users_project_id_created_at", "project_id", "created_at"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(sa.String(NAME_MAX), default="")
    email: Mapped[str | None] = mapped_column(sa.String(EMAIL_MAX))
    phone: Mapped[str | None] = mapped_column(sa.String(16))
    password: Mapped[str | None] = mapped_column(sa.String(512))
    hash_type: Mapped[str] = mapped_column(sa.String(32), default="argon2")
    hash_options: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    password_history: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    password_updated_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    is_active: Mapped[bool] = mapped_column(default=True)
    labels: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    is_email_verified: Mapped[bool] = mapped_column(default=False)
    is_phone_verified: Mapped[bool] = mapped_column(default=False)
    has_mfa: Mapped[bool] = mapped_column(default=False)
    recovery_codes: Mapped[str | None] = mapped_column(sa.Text)
    prefs: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    search_text: Mapped[str] = mapped_column(sa.String(1000), default="")
    accessed_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class Session(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A sign-in.

    Attributes:
        secret_digest: SHA-256 of what the client holds.
        provider: ``email``, ``anonymous``, ``magic-url``, ``token``, an OAuth2 provider's name, …
        access_token, refresh_token: an OAuth2 provider's, encrypted; empty for none.
        client: the contract's ``os…``, ``client…`` and ``device…`` fields, from the user agent.
        factors: ``password``, ``email``, ``phone``, ``totp``, ``recoveryCode``, ``oauth2``, …
    """

    __tablename__ = "sessions"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("secret_digest"),
        sa.Index("ix_sessions_user_id", "user_id"),
        sa.Index("ix_sessions_expires_at", "expires_at"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    secret_digest: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(64))
    provider_uid: Mapped[str] = mapped_column(sa.String(EMAIL_MAX), default="")
    access_token: Mapped[str] = mapped_column(sa.Text, default="")
    access_token_expires_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    refresh_token: Mapped[str] = mapped_column(sa.Text, default="")
    ip: Mapped[str] = mapped_column(sa.String(45))
    user_agent: Mapped[str] = mapped_column(sa.String(500))
    client: Mapped[dict[str, str]] = mapped_column(sa.JSON)
    country_code: Mapped[str] = mapped_column(sa.String(2), default="--")
    factors: Mapped[list[str]] = mapped_column(sa.JSON)
    mfa_updated_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class Token(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A secret that is good for one thing, once, for a while.

    ``attempts`` counts wrong guesses at a short code; too many end it.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.Index("ix_tokens_user_id_type", "user_id", "type"),
        sa.Index("ix_tokens_expires_at", "expires_at"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(sa.String(32))
    secret_digest: Mapped[str] = mapped_column(sa.String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class Challenge(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A second factor that was asked for; ``code_digest`` is empty where an authenticator or a
    recovery code answers it."""

    __tablename__ = "challenges"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.Index("ix_challenges_user_id", "user_id"),
        sa.Index("ix_challenges_expires_at", "expires_at"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    factor: Mapped[str] = mapped_column(sa.String(32))
    code_digest: Mapped[str] = mapped_column(sa.String(64), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class Authenticator(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A user's authenticator app; ``secret`` is encrypted, ``last_step`` the last time step whose
    code was taken, so that none is taken twice."""

    __tablename__ = "authenticators"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("user_id", "type"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(sa.String(16))
    secret: Mapped[str] = mapped_column(sa.String(512))
    is_verified: Mapped[bool] = mapped_column(default=False)
    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class UserIdentity(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """A user's account at an OAuth2 provider; its tokens are encrypted."""

    __tablename__ = "identities"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("project_id", "provider", "provider_uid"),
        sa.Index("ix_identities_user_id", "user_id"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(sa.String(64))
    user_public_id: Mapped[str] = column_property(
        sa.select(User.public_id).where(User.id == user_id).correlate_except(User).scalar_subquery()
    )
    provider_uid: Mapped[str] = mapped_column(sa.String(255))
    provider_email: Mapped[str] = mapped_column(sa.String(EMAIL_MAX), default="")
    access_token: Mapped[str] = mapped_column(sa.Text, default="")
    access_token_expires_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    refresh_token: Mapped[str] = mapped_column(sa.Text, default="")


class Target(TenantRow, db.Model):  # type: ignore[name-defined, misc]
    """Where messages can reach a user."""

    __tablename__ = "targets"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "public_id"),
        sa.UniqueConstraint("project_id", "provider_type", "identifier"),
        sa.Index("ix_targets_user_id", "user_id"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id, ondelete="CASCADE"))
    provider_type: Mapped[str] = mapped_column(sa.String(16))
    provider_id: Mapped[str | None] = mapped_column(sa.String(ID_MAX))
    identifier: Mapped[str] = mapped_column(sa.String(EMAIL_MAX))
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX), default="")

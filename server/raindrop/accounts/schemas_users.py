"""What the operations of ``/v1/users`` take."""

from typing import Annotated, Literal

from pydantic import Field

from raindrop.accounts.hashes import HASH_MAX, SHA_DEFAULT, SHA_VERSIONS
from raindrop.accounts.schemas import Email, Password
from raindrop.core.v1 import Name, NewId, Prefs, Text, UrlBool, V1Model

LABELS_MAX = 1000
JWT_LIFETIME_S, JWT_LIFETIME_MAX_S = 900, 3600
TOKEN_LENGTH, TOKEN_LENGTH_MIN, TOKEN_LENGTH_MAX = 6, 4, 128
TOKEN_LIFETIME_S, TOKEN_LIFETIME_MIN_S, TOKEN_LIFETIME_MAX_S = 900, 60, 31_536_000

Nothing = Literal[""]
"""What takes a value away."""

HashText = Annotated[Text, Field(min_length=1, max_length=HASH_MAX)]
Parameter = Annotated[Text, Field(max_length=256)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,36}\z")]


class NewUser(V1Model):
    """A user."""

    userId: NewId  # noqa: N815  # the contract's name
    email: Email | None = None
    phone: Text | None = None
    password: Password | Nothing = ""
    name: Name = ""


class ImportedUser(V1Model):
    """A user with the hash of a password."""

    userId: NewId  # noqa: N815
    email: Email
    password: HashText
    name: Name = ""


class ImportedShaUser(ImportedUser):
    """The same with a SHA hash."""

    passwordVersion: Literal[tuple(SHA_VERSIONS)] = SHA_DEFAULT  # type: ignore[valid-type]  # noqa: N815


class ImportedScryptUser(ImportedUser):
    """The same with a scrypt hash."""

    passwordSalt: Parameter  # noqa: N815
    passwordCpu: int  # noqa: N815
    passwordMemory: int  # noqa: N815
    passwordParallel: int  # noqa: N815
    passwordLength: int  # noqa: N815


class ImportedScryptModifiedUser(ImportedUser):
    """The same with a hash of Firebase's scrypt."""

    passwordSalt: Parameter  # noqa: N815
    passwordSaltSeparator: Parameter  # noqa: N815
    passwordSignerKey: Parameter  # noqa: N815


class NameChange(V1Model):
    """Another name."""

    name: Name


class EmailChange(V1Model):
    """Another e-mail address; empty for none."""

    email: Email


class PhoneChange(V1Model):
    """Another phone number; empty for none."""

    number: Text


class PasswordChange(V1Model):
    """Another password; empty for none."""

    password: Password | Nothing


class PrefsChange(V1Model):
    """Preferences in place of those before."""

    prefs: Prefs


class LabelsChange(V1Model):
    """Labels in place of those before."""

    labels: Annotated[list[Label], Field(max_length=LABELS_MAX)]


class StatusChange(V1Model):
    """Whether the user may sign in."""

    status: bool


class EmailVerificationChange(V1Model):
    """Whether the e-mail address is the user's."""

    emailVerification: bool  # noqa: N815


class PhoneVerificationChange(V1Model):
    """Whether the phone number is the user's."""

    phoneVerification: bool  # noqa: N815


class NewJwt(V1Model):
    """A JWT for a user; ``duration`` in seconds."""

    sessionId: Annotated[Text, Field(max_length=36)] = ""  # noqa: N815
    duration: Annotated[int, Field(ge=0, le=JWT_LIFETIME_MAX_S)] = JWT_LIFETIME_S


class NewToken(V1Model):
    """A token for a user; ``expire`` in seconds."""

    length: Annotated[int, Field(ge=TOKEN_LENGTH_MIN, le=TOKEN_LENGTH_MAX)] = TOKEN_LENGTH
    expire: Annotated[int, Field(ge=TOKEN_LIFETIME_MIN_S, le=TOKEN_LIFETIME_MAX_S)] = (
        TOKEN_LIFETIME_S
    )


class NewTarget(V1Model):
    """Where messages reach a user."""

    targetId: NewId  # noqa: N815
    providerType: Literal["email", "sms", "push"]  # noqa: N815
    identifier: Annotated[Text, Field(min_length=1, max_length=320)]
    providerId: Annotated[Text, Field(max_length=36)] = ""  # noqa: N815
    name: Name = ""


class TargetChange(V1Model):
    """What is given changes; an empty identifier is not."""

    identifier: Annotated[Text, Field(max_length=320)] | None = None
    providerId: Annotated[Text, Field(max_length=36)] | None = None  # noqa: N815
    name: Name | None = None


class TotalArgument(V1Model):
    """Whether to count."""

    total: UrlBool = True

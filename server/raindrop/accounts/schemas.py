"""What the operations of ``/v1/account`` and ``/v1/users`` take."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from raindrop.accounts.factors import Factor
from raindrop.accounts.password_rules import PASSWORD_MAX, PASSWORD_MIN
from raindrop.core.formats import ID_MAX
from raindrop.core.v1 import Name, NewId, Prefs, Text, V1Model

Password = Annotated[Text, Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
"""A new password."""

GivenPassword = Annotated[Text, Field(max_length=PASSWORD_MAX)]
"""One that is compared with what there is."""

Email = Annotated[Text, Field(max_length=320), AfterValidator(str.strip)]


class NewAccount(V1Model):
    """A sign-up; ``token`` is for the first one of an instance."""

    userId: NewId  # noqa: N815  # the contract's name
    email: Email
    password: Password
    name: Name = ""
    token: Text = Field("", max_length=256)


class EmailSession(V1Model):
    """A sign-in by e-mail and password."""

    email: Email
    password: GivenPassword


GivenId = Annotated[Text, Field(max_length=ID_MAX)]
"""An id that an answer or a link gave."""

GivenSecret = Annotated[Text, Field(max_length=256)]
Url = Annotated[Text, Field(max_length=2048)]


class GivenToken(V1Model):
    """A token that is redeemed."""

    userId: GivenId  # noqa: N815  # the contract's name
    secret: GivenSecret


class NewMagicUrl(V1Model):
    """A request for a link that begins a session."""

    userId: NewId  # noqa: N815  # the contract's name
    email: Email
    url: Url = ""
    phrase: bool = False


class NewEmailCode(V1Model):
    """A request for a code that begins a session."""

    userId: NewId  # noqa: N815  # the contract's name
    email: Email
    phrase: bool = False


class NewRecovery(V1Model):
    """A request for a link that lets in without the password."""

    email: Email
    url: Url


class Recovery(GivenToken):
    """A new password by such a link."""

    password: Password


class NewVerification(V1Model):
    """A request for a link that proves the address."""

    url: Url


class NewEmail(V1Model):
    """Another e-mail address."""

    email: Email
    password: GivenPassword


class NewPhone(V1Model):
    """Another phone number."""

    phone: Text
    password: GivenPassword


class NewPassword(V1Model):
    """Another password."""

    password: Password
    oldPassword: GivenPassword = ""  # noqa: N815  # the contract's name


class NewName(V1Model):
    """Another name."""

    name: Name


class NewPrefs(V1Model):
    """Other preferences."""

    prefs: Prefs


def _read_factor(value: object) -> object:
    """The contract's requests say ``recoverycode``, its answers ``recoveryCode``."""
    named = {factor.lower(): factor for factor in Factor}
    return named.get(value.lower(), value) if isinstance(value, str) else value


Code = Annotated[Text, Field(max_length=64)]


class MfaSwitch(V1Model):
    """The second factor, on or off."""

    mfa: bool


class OneTimeCode(V1Model):
    """A code of an authenticator app."""

    otp: Code


class NewChallenge(V1Model):
    """Which second factor shall be asked for."""

    factor: Annotated[Factor, BeforeValidator(_read_factor)]


class ChallengeAnswer(V1Model):
    """A code in answer to a challenge."""

    challengeId: GivenId  # noqa: N815  # the contract's name
    otp: Code


class OAuthStart(V1Model):
    """A sign-in through a provider; empty addresses: an app waits for the answer."""

    success: Text = ""
    failure: Text = ""
    scopes: list[Text] = Field(default_factory=list)

"""What the operations of ``/v1/account`` and ``/v1/users`` take."""

from typing import Annotated

from pydantic import AfterValidator, Field

from raindrop.accounts.users import PASSWORD_MAX, PASSWORD_MIN
from raindrop.core.v1 import Name, NewId, Text, V1Model

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

"""What the operations of ``/v1/projects`` take."""

import datetime
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from raindrop.core.formats import UNIQUE, new_id
from raindrop.core.v1 import Text, UrlBool, V1Model

DURATION_MAX_S = 365 * 24 * 3600
USERS_MAX, SESSIONS_MAX, HISTORY_MAX = 10_000, 100, 20
JWT_DEFAULT_S, JWT_MAX_S = 900, 3600
TEST_MAILS_MAX = 10

ProviderName = Literal[
    "amazon", "apple", "auth0", "authentik", "autodesk", "bitbucket", "bitly", "box",
    "dailymotion", "discord", "disqus", "dropbox", "etsy", "facebook", "figma", "github", "gitlab",
    "google", "linkedin", "microsoft", "notion", "oidc", "okta", "paypal", "paypalSandbox", "podio",
    "salesforce", "slack", "spotify", "stripe", "tradeshift", "tradeshiftBox", "twitch",
    "wordpress", "yahoo", "yammer", "yandex", "zoho", "zoom", "mock",
]  # fmt: skip
PlatformType = Literal[
    "web", "flutter-web", "flutter-ios", "flutter-android", "flutter-linux", "flutter-macos",
    "flutter-windows", "apple-ios", "apple-macos", "apple-watchos", "apple-tvos", "android",
    "unity", "react-native-ios", "react-native-android",
]  # fmt: skip


def _check_project_id(value: str) -> str:
    # Narrower than other ids: it is part of a cookie's name, which is lower case, and the user
    # name of basic credentials.
    if value == UNIQUE:
        return new_id()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,35}", value):
        raise ValueError(
            "must have 1 to 36 characters: a-z, 0-9 and hyphen, the first a letter or digit"
        )
    return value


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be an address such as https://example.com")
    return value


def _read_time(value: Any) -> Any:
    """A time of ISO 8601; one without a zone is UTC."""
    try:
        time = datetime.datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("must be a time such as 2030-01-31T12:00:00.000+00:00") from None


ProjectId = Annotated[str, AfterValidator(_check_project_id)]
Time = Annotated[datetime.datetime, BeforeValidator(_read_time)]
NonEmptyName = Annotated[Text, Field(min_length=1, max_length=128)]
Line = Annotated[Text, Field(max_length=256)]
Secret = Annotated[Text, Field(max_length=4096)]


class Details(V1Model):
    """What a project says of itself; what is not given stays."""

    description: Line = ""
    logo: Annotated[Text, Field(max_length=1024)] = ""
    url: Annotated[Text, Field(max_length=1024), AfterValidator(_check_url)] = ""
    legalName: Line = ""  # noqa: N815  # the contract's names
    legalCountry: Line = ""  # noqa: N815
    legalState: Line = ""  # noqa: N815
    legalCity: Line = ""  # noqa: N815
    legalAddress: Line = ""  # noqa: N815
    legalTaxId: Line = ""  # noqa: N815

    def given_details(self) -> dict[str, str]:
        """The details that the caller named."""
        names = Details.model_fields.keys() & self.model_fields_set
        return {name: getattr(self, name) for name in sorted(names)}


class NewProject(Details):
    """A new project."""

    projectId: ProjectId  # noqa: N815
    name: NonEmptyName
    teamId: str  # noqa: N815
    region: str = "default"


class ProjectChange(Details):
    """A project's new name and details."""

    name: NonEmptyName


class TeamChange(V1Model):
    """The team that a project goes to."""

    teamId: str  # noqa: N815


class Switch(V1Model):
    """On or off."""

    status: bool


class ApiSwitch(Switch):
    """One API on or off."""

    api: Literal["rest", "graphql", "realtime"]


class ServiceSwitch(Switch):
    """One service on or off."""

    service: Literal[
        "account", "avatars", "databases", "tablesdb", "locale", "health", "storage", "teams",
        "users", "sites", "functions", "graphql", "messaging",
    ]  # fmt: skip


class Duration(V1Model):
    """How long sessions last, in seconds."""

    duration: Annotated[int, Field(ge=1, le=DURATION_MAX_S)]


class UserLimit(V1Model):
    """How many users; 0: as many as come."""

    limit: Annotated[int, Field(ge=0, le=USERS_MAX)]


class SessionLimit(V1Model):
    """How many sessions a user may have at once."""

    limit: Annotated[int, Field(ge=1, le=SESSIONS_MAX)]


class PasswordHistory(V1Model):
    """How many former passwords may not come again; 0: all may."""

    limit: Annotated[int, Field(ge=0, le=HISTORY_MAX)]


class Enabled(V1Model):
    """On or off, in another word."""

    enabled: bool


class Alerts(V1Model):
    """On or off, in a third word."""

    alerts: bool


class MembersPrivacy(V1Model):
    """What members of a team see of each other."""

    userName: bool  # noqa: N815
    userEmail: bool  # noqa: N815
    mfa: bool


class OAuthChange(V1Model):
    """A provider's credentials; what is not given stays."""

    provider: ProviderName
    appId: Line | None = None  # noqa: N815
    secret: Secret | None = None
    enabled: bool | None = None


class SmtpChange(V1Model):
    """Whether a project has its own mail server, and which; what is not given stays."""

    enabled: bool
    senderName: Line | None = None  # noqa: N815
    senderEmail: Line | None = None  # noqa: N815
    replyTo: Line | None = None  # noqa: N815
    host: Line | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    username: Line | None = None
    password: Secret | None = None
    secure: Literal["tls", "ssl", ""] | None = None


class SmtpTest(V1Model):
    """A mail server to try."""

    emails: Annotated[list[Line], Field(min_length=1, max_length=TEST_MAILS_MAX)]
    senderName: Line  # noqa: N815
    senderEmail: Line  # noqa: N815
    replyTo: Line = ""  # noqa: N815
    host: Line
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    username: Line = ""
    password: Secret = ""
    secure: Literal["tls", "ssl", ""] = ""


class TemplateChange(V1Model):
    """A mail's own words."""

    subject: Text
    message: Text
    senderName: Text = ""  # noqa: N815
    senderEmail: Text = ""  # noqa: N815
    replyTo: Text = ""  # noqa: N815


class KeyFields(V1Model):
    """A key; without a time it never expires."""

    name: NonEmptyName
    scopes: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    expire: Time | None = None


class DevKeyFields(V1Model):
    """A dev key."""

    name: NonEmptyName
    expire: Time


class DynamicKey(V1Model):
    """A key that ends by itself."""

    scopes: Annotated[list[str], Field(max_length=100)]
    duration: Annotated[int, Field(ge=1, le=JWT_MAX_S)] = JWT_DEFAULT_S


class TotalOnly(V1Model):
    """Of a list that has no pages: whether to count."""

    total: UrlBool = True


class PlatformFields(V1Model):
    """Where a client runs."""

    name: NonEmptyName
    key: Line = ""
    store: Line = ""
    hostname: Line = ""


class NewPlatform(PlatformFields):
    """The same, with its kind."""

    type: PlatformType


class ConsoleAnswer(BaseModel):
    """What the console's first page asks.

    Attributes:
        needs_sign_up: nobody has an account on this instance yet.
        needs_token: the first account needs the token of the file on the server.
        is_sign_up_open: anybody may open an account.
    """

    needs_sign_up: bool
    needs_token: bool
    is_sign_up_open: bool
    version: str

"""Users with passwords that another system hashed: they sign in, and their hash becomes ours.

The vectors are from the algorithms' own sources where they publish one: bcrypt and phpass from
openwall.com, Firebase's scrypt from its repository, RFC 7914 for scrypt. The others are made here
with hashlib and argon2-cffi.
"""

import hashlib
from typing import Any

import argon2
import bcrypt
import pytest

from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

FIREBASE = {
    "password": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",  # noqa: E501
    "passwordSalt": "42xEC+ixf3L2lw==",
    "passwordSaltSeparator": "Bw==",
    "passwordSignerKey": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",  # noqa: E501
}
SCRYPT = {
    "password": "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    "passwordSalt": "NaCl",
    "passwordCpu": 1024,
    "passwordMemory": 8,
    "passwordParallel": 16,
    "passwordLength": 64,
}
OPENWALL = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
PHPASS = "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"
LONG = "x" * 100

IMPORTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "bcrypt": ("bcrypt", {"password": OPENWALL}, "U*U", "bcrypt"),
    "bcrypt of PHP": ("bcrypt", {"password": OPENWALL.replace("2a", "2y")}, "U*U", "bcrypt"),
    "bcrypt of a long password": (
        "bcrypt",
        {"password": bcrypt.hashpw(LONG[:72].encode(), bcrypt.gensalt(4)).decode()},
        LONG,
        "bcrypt",
    ),
    "phpass": ("phpass", {"password": PHPASS}, "test12345", "phpass"),
    "phpass of phpBB": (
        "phpass",
        {"password": PHPASS.replace("$P$", "$H$")},
        "test12345",
        "phpass",
    ),
    "phpass over bcrypt": ("phpass", {"password": OPENWALL}, "U*U", "phpass"),
    "md5": ("md5", {"password": hashlib.md5("pässword".encode()).hexdigest()}, "pässword", "md5"),
    "scrypt": ("scrypt", SCRYPT, "password", "scrypt"),
    "firebase": ("scrypt-modified", FIREBASE, "user1password", "scryptMod"),
    "argon2id": ("argon2", {"password": argon2.PasswordHasher().hash("pw")}, "pw", "argon2"),
    "argon2i": (
        "argon2",
        {"password": argon2.PasswordHasher(type=argon2.Type.I).hash("pw")},
        "pw",
        "argon2",
    ),
    "sha by default": (
        "sha",
        {"password": hashlib.sha3_512(b"pw").hexdigest()},
        "pw",
        "sha",
    ),
    **{
        f"sha {version}": (
            "sha",
            {
                "password": hashlib.new(name, b"pw").hexdigest().upper(),
                "passwordVersion": version,
            },
            "pw",
            "sha",
        )
        for version, name in {
            "sha1": "sha1",
            "sha224": "sha224",
            "sha256": "sha256",
            "sha384": "sha384",
            "sha512/224": "sha512_224",
            "sha512/256": "sha512_256",
            "sha512": "sha512",
            "sha3-224": "sha3_224",
            "sha3-256": "sha3_256",
            "sha3-384": "sha3_384",
            "sha3-512": "sha3_512",
        }.items()
    },
}


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def key(project: Project) -> ContractClient:
    return project.key()


def sign_in(project: Project, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    with project.guest() as client:
        return client.post("/v1/account/sessions/email", json=body).status_code


@pytest.mark.parametrize("name", IMPORTS)
def test_an_imported_user_signs_in(project: Project, key: ContractClient, name: str) -> None:
    way, fields, password, kind = IMPORTS[name]
    email = new_email()
    body = {"userId": "unique()", "email": email, "name": "Ann", **fields}
    made = key.post(f"/v1/users/{way}", json=body)
    assert made.status_code == 201, made.text
    user = made.json()
    assert (user["hash"], user["hashOptions"]["type"]) == (kind, kind)
    assert user["password"].lower() == fields["password"].lower()
    assert sign_in(project, email, f"{password}!"[-72:]) == 401
    path = f"/v1/users/{user['$id']}"
    assert key.get(path).json()["password"] == user["password"]
    assert sign_in(project, email, password) == 201
    after = key.get(path).json()
    assert after["hash"] == "argon2"
    assert after["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(project, email, password) == 201
    assert sign_in(project, email, f"{password}!"[-72:]) == 401


def test_options_are_shown(key: ContractClient) -> None:
    body = {"userId": "unique()", "email": new_email(), **FIREBASE}
    options = key.post("/v1/users/scrypt-modified", json=body).json()["hashOptions"]
    assert options == {
        "type": "scryptMod",
        "salt": FIREBASE["passwordSalt"],
        "saltSeparator": FIREBASE["passwordSaltSeparator"],
        "signerKey": FIREBASE["passwordSignerKey"],
    }
    body = {"userId": "unique()", "email": new_email(), **SCRYPT}
    options = key.post("/v1/users/scrypt", json=body).json()["hashOptions"]
    assert (options["costCpu"], options["costMemory"], options["costParallel"]) == (1024, 8, 16)


BAD: list[tuple[str, dict[str, Any]]] = [
    *[(way, {"password": "no hash"}) for way in ("argon2", "bcrypt", "md5", "phpass", "sha")],
    *[
        (way, {"password": None})
        for way in ("argon2", "bcrypt", "md5", "phpass", "sha", "scrypt", "scrypt-modified")
    ],
    ("argon2", {"password": "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"}),
    ("argon2", {"password": "$argon2id$v=19$m=64,t=9999999,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"}),
    ("bcrypt", {"password": OPENWALL.replace("$05$", "$16$")}),
    ("bcrypt", {"password": OPENWALL.replace("$05$", "$03$")}),
    ("bcrypt", {"password": OPENWALL + "x"}),
    ("phpass", {"password": PHPASS.replace("$9", "$J")}),
    ("phpass", {"password": PHPASS.replace("$9", "$4")}),
    ("sha", {"password": "ab" * 20, "passwordVersion": "sha256"}),
    ("sha", {"password": "ab" * 20, "passwordVersion": "sha0"}),
    ("md5", {"password": "ab" * 16, "email": "nobody"}),
    ("md5", {"password": "ab" * 16, "userId": "-"}),
    ("scrypt", SCRYPT | {"passwordCpu": 1000}),
    ("scrypt", SCRYPT | {"passwordCpu": 0}),
    ("scrypt", SCRYPT | {"passwordCpu": 2**21}),
    ("scrypt", SCRYPT | {"passwordMemory": 0}),
    ("scrypt", SCRYPT | {"passwordParallel": 17}),
    ("scrypt", SCRYPT | {"passwordParallel": 0}),
    ("scrypt", SCRYPT | {"passwordLength": 63}),
    ("scrypt", SCRYPT | {"passwordLength": 15, "password": "ab" * 15}),
    ("scrypt", SCRYPT | {"passwordLength": 257, "password": "ab" * 257}),
    ("scrypt", SCRYPT | {"passwordCpu": "1024"}),
    ("scrypt-modified", FIREBASE | {"passwordSalt": "?"}),
    ("scrypt-modified", FIREBASE | {"password": "AAAA"}),
    ("scrypt-modified", FIREBASE | {"passwordSignerKey": None}),
]


@pytest.mark.parametrize(("way", "fields"), BAD)
def test_bad_import_changes_nothing(
    project: Project, key: ContractClient, way: str, fields: dict[str, Any]
) -> None:
    body = {"userId": "unique()", "email": new_email(), **fields}
    answer = key.post(f"/v1/users/{way}", json=body)
    assert error_of(answer) == (400, "general_argument_invalid")
    count = "SELECT count(*) AS n FROM users WHERE project_id = :id"
    assert project.site.sql(count, id=project.number)[0]["n"] == 0


def test_imports_of_an_address_that_is_taken(key: ContractClient) -> None:
    email = new_email()
    for way, fields, _, _ in IMPORTS.values():
        body = {"userId": "unique()", "email": email, **fields}
        answer = key.post(f"/v1/users/{way}", json=body)
        assert answer.status_code == 201 or error_of(answer) == (409, "user_already_exists")
    assert key.get("/v1/users").json()["total"] == 1

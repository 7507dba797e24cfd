"""``/v1/locale``: the lists of the world, and where a caller is."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from raindrop.locale import names, tables
from tests.locale.native import PATH, native_names
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

LISTS = {
    "codes": "localeCodes",
    "continents": "continents",
    "countries": "countries",
    "countries/eu": "countries",
    "countries/phones": "phones",
    "currencies": "currencies",
    "languages": "languages",
}


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def test_every_list_in_english_and_chinese(project: Project) -> None:
    counts = {}
    for path, field in LISTS.items():
        answers = {}
        for language in ("en", "zh"):
            answer = project.guest(X_Appwrite_Locale=language).get(f"/v1/locale/{path}").json()
            assert answer["total"] == len(answer[field]) > 0
            answers[language] = answer[field]
        assert answers["en"] != answers["zh"]
        counts[path] = len(answers["en"])
    assert counts["continents"] == 7
    assert counts["countries"] == 250
    assert counts["countries/eu"] == 27
    assert counts["languages"] == 184
    assert counts["countries/phones"] > 240
    assert counts["currencies"] > 150
    assert counts["codes"] > 600


def test_names_are_the_callers(project: Project) -> None:
    def china(locale: str, header: str = "X-Appwrite-Locale") -> str:
        client = project.guest(**{header: locale})
        rows = client.get("/v1/locale/countries").json()["countries"]
        return next(row["name"] for row in rows if row["code"] == "CN")

    assert china("en") == china("") == china("xx-nonsense") == china("../../etc") == "China"
    assert china("zh") == china("zh-CN") == china("zh_Hans") == "中国"
    assert china("zh-TW") == "中國"
    assert china("de-AT") == china("de-XX") == "China"
    assert china("fr") == china("fr,en;q=0.5", "Accept-Language") == "Chine"


def test_lists_are_sorted_by_name(project: Project) -> None:
    client = project.guest(X_Appwrite_Locale="en")
    countries = [row["name"] for row in client.get("/v1/locale/countries").json()["countries"]]
    assert countries[:3] == ["Afghanistan", "Åland Islands", "Albania"]
    assert countries[-1] == "Zimbabwe"
    phones = client.get("/v1/locale/countries/phones").json()["phones"]
    assert [row["countryName"] for row in phones][:2] == ["Afghanistan", "Åland Islands"]


def test_rows_hold_what_they_should(project: Project) -> None:
    client = project.guest(X_Appwrite_Locale="en")

    def row(path: str, key: str, code: str) -> dict[str, object]:
        rows = client.get(f"/v1/locale/{path}").json()[LISTS[path]]
        return next(each for each in rows if each[key] == code)

    assert row("currencies", "code", "CHF")["rounding"] == 0.05
    assert row("currencies", "code", "EUR") == {
        "symbol": "€", "name": "Euro", "symbolNative": "€", "decimalDigits": 2, "rounding": 0,
        "code": "EUR", "namePlural": "euros",
    }  # fmt: skip
    assert row("currencies", "code", "JPY")["decimalDigits"] == 0
    assert row("languages", "code", "zh") == {
        "name": "Chinese", "code": "zh", "nativeName": "中文",
    }  # fmt: skip
    assert row("countries/phones", "countryCode", "CN")["code"] == "+86"
    assert row("countries/phones", "countryCode", "JM")["code"] == "+1876"
    assert row("continents", "code", "AS")["name"] == "Asia"
    assert row("codes", "code", "en-gb")["name"] == "English (United Kingdom)"


def test_without_a_database_the_country_is_unknown(project: Project) -> None:
    answer = project.guest(X_Appwrite_Locale="zh").get("/v1/locale").json()
    assert answer == {
        "ip": "127.0.0.1", "countryCode": "--", "country": "未知地区", "continentCode": "--",
        "continent": "未知地区", "eu": False, "currency": "",
    }  # fmt: skip


@pytest.mark.parametrize("record", [{"country": {"iso_code": "FR"}}, {"country_code": "fr"}])
def test_with_a_database_the_country_is_told(
    new_site: Callable[..., Site], tmp_path: Path, record: dict[str, object]
) -> None:
    path = tmp_path / "countries.mmdb"
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["127.0.0.0/8"]), record)
    writer.to_db_file(str(path))
    site = new_site(GEO_DATABASE=path)
    site.start()
    project = Project(site)
    answer = project.guest(X_Appwrite_Locale="en").get("/v1/locale").json()
    assert answer == {
        "ip": "127.0.0.1", "countryCode": "FR", "country": "France", "continentCode": "EU",
        "continent": "Europe", "eu": True, "currency": "EUR",
    }  # fmt: skip
    client = project.sign_up()
    (session,) = client.get("/v1/account/sessions").json()["sessions"]
    assert session["countryCode"] == "FR"
    deadline = time.monotonic() + 20
    while not (logs := client.get("/v1/account/logs").json()["logs"]):
        assert time.monotonic() < deadline, "no entry in the trail"
        time.sleep(0.2)
    assert {entry["countryCode"] for entry in logs} == {"FR"}


def test_a_forwarded_address_is_not_believed(project: Project) -> None:
    client = project.guest(X_Forwarded_For="8.8.8.8", Forwarded="for=8.8.8.8")
    assert client.get("/v1/locale").json()["ip"] == "127.0.0.1"


def test_who_may_ask(project: Project) -> None:
    assert project.key("locale.read").get("/v1/locale/countries").status_code == 200
    for path in ("", *(f"/{name}" for name in LISTS)):
        answer = project.key("avatars.read").get(f"/v1/locale{path}")
        assert error_of(answer) == (401, "general_unauthorized_scope")
    off = Project(project.site, services_off=["locale"])
    for path in ("", *(f"/{name}" for name in LISTS)):
        answer = off.guest().get(f"/v1/locale{path}")
        assert error_of(answer) == (403, "general_service_disabled")
    assert off.key().get("/v1/locale").status_code == 200
    nowhere = project.site.client()
    assert error_of(nowhere.get("/v1/locale")) == (404, "project_not_found")


def test_the_file_of_native_names_is_what_cldr_says() -> None:
    assert json.loads(PATH.read_text()) == native_names()


def test_the_tables_fit_each_other() -> None:
    assert set(tables.PHONE_OF) <= set(tables.CONTINENT_OF)
    assert set(tables.CONTINENT_OF.values()) == set(tables.CONTINENT_NAMES)
    assert {tables.CONTINENT_OF[code] for code in tables.EU_MEMBERS} <= {"EU", "AS"}
    assert all(code[1:].isdigit() for code in tables.PHONE_OF.values())
    uninhabited = {"AQ", "BV", "HM", "TF", "UM"}
    assert set(tables.CONTINENT_OF) - set(tables.PHONE_OF) == uninhabited


def test_a_language_costs_no_memory_for_long() -> None:
    from babel import localedata

    for language in ("en", "zh", "ru", "ar"):
        names.list_page("countries", names.resolve_language(language))
    assert not localedata._cache


def test_a_damaged_database_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from raindrop.core import geo

    path = tmp_path / "bad.mmdb"
    path.write_bytes(b"nonsense")
    monkeypatch.setenv("RAINDROP_GEO_DATABASE", str(path))
    geo._reader.cache_clear()
    try:
        assert geo.country_of("127.0.0.1") == "--"
    finally:
        geo._reader.cache_clear()

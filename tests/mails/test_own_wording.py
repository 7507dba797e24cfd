"""A project's own words."""

from typing import Any

import pytest

from raindrop.core.errors import BadRequest
from raindrop.mails.email_templates import (
    MESSAGE_BYTES,
    DefaultTemplateDeletion,
    Template,
    delete_template,
    dump_template,
    get_template,
    update_template,
)
from tests.mails.conftest import Offices
from tests.mails.writing import (
    LINK,
    row_of,
    tenant_of,
    wait_for,
    with_server,
    within,
    write_mail,
)
from tests.support.mailbox import read_mails
from tests.support.site import Site
from tests.support.v1 import Project, new_email


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def put(project: Project, locale: str = "en", kind: str = "recovery", **given: str) -> Template:
    words = {"subject": "Hi {{user}}", "message": "<p>Go to {{redirect}}</p>"} | given

    def work() -> Template:
        return update_template(tenant_of(project), kind, locale, **words)

    return within(project.site, work)


def get(project: Project, locale: str = "en") -> dict[str, Any]:
    return within(
        project.site, lambda: dump_template(get_template(tenant_of(project), "recovery", locale))
    )


def test_ours_until_there_are_own_ones_and_again_after(project: Project) -> None:
    ours = get(project)
    assert "{{redirect}}" in ours["message"]
    assert ours["subject"] == "Choose a new password for {{project}}"
    assert "密码" in get(project, "zh-cn")["subject"]
    shown = put(project, sender_name="Ann", sender_email="ann@a.test", reply_to="re@a.test")
    assert dump_template(shown) == get(project) == {
        "type": "recovery", "locale": "en", "subject": "Hi {{user}}",
        "message": "<p>Go to {{redirect}}</p>", "senderName": "Ann", "senderEmail": "ann@a.test",
        "replyTo": "re@a.test",
    }  # fmt: skip
    put(project, subject="Twice")
    assert get(project)["subject"] == "Twice"
    assert get(project)["senderName"] == ""
    other = Project(project.site)
    assert get(other) == ours

    def delete() -> dict[str, Any]:
        return dump_template(delete_template(tenant_of(project), "recovery", "en"))

    assert within(project.site, delete) == get(project) == ours
    with pytest.raises(DefaultTemplateDeletion):
        within(project.site, delete)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("zh-TW", "zh-tw"),
        ("zh", "zh-cn"),
        ("zh_HK", "zh-cn"),
        ("fr-CA", "fr"),
        ("de", "en"),
        ("en-US", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language(project: Project, asked: str, found: str) -> None:
    for locale in ("zh-cn", "zh-TW", "fr", "en"):
        put(project, locale, subject=f"in {locale.lower()}")
    write_mail(project, "recovery", "a@example.test", locale=asked)
    assert read_mails(project.site, project.id)[-1].subject == f"in {found}"


def test_ours_in_the_recipient_s_language_before_theirs_in_another(project: Project) -> None:
    put(project, "en")
    write_mail(project, "recovery", "a@example.test", locale="zh")
    assert "密码" in read_mails(project.site, project.id)[-1].subject


def test_values_in_strangers_words(project: Project) -> None:
    hostile = '"><script>alert(1)</script>{{redirect}}{% raw %}'
    put(
        project,
        subject="{{ user }} {{otp}} {{7*7}} {{nothing}}",
        message='<b title="{{user}}">{{user}}</b> {{7*7}} {% for x in y %} {{user.__class__}}'
        "<p><a href='{{redirect}}'>here</a></p>",
    )
    write_mail(project, "recovery", "a@example.test", user=hostile)
    mail = read_mails(project.site, project.id)[-1]
    assert "<script" not in mail.html
    assert "&quot;&gt;&lt;script&gt;" in mail.html
    assert "{{7*7}} {% for x in y %} {{user.__class__}}" in mail.html
    assert mail.subject == f"{hostile} 123456 {{{{7*7}}}} {{{{nothing}}}}"
    assert mail.text.count(LINK) == 1
    assert f"here: {LINK}" in mail.text
    title = row_of(project, "a@example.test")["subject"]
    assert "123456" not in title
    assert "***" in title


def test_the_sender_is_the_project_s_by_its_own_server_only(
    mail_site: Site, offices: Offices
) -> None:
    own = with_server(mail_site, offices.tls.port, "localhost", secure="ssl")
    plain = Project(mail_site)
    for project in (own, plain):
        put(project, sender_name="Böb", sender_email="bob@bob.test", reply_to="re@bob.test")
        write_mail(project, "recovery", f"{project.id}@example.test")
        wait_for(project, f"{project.id}@example.test", "sent")
    (by_own,) = offices.tls.mails_to(f"{own.id}@example.test")
    assert by_own["From"] == "Böb <bob@bob.test>"
    (by_instance,) = offices.instance.mails_to(f"{plain.id}@example.test")
    assert by_instance["From"] == "Böb <post@instance.test>"
    assert by_own["Reply-To"] == by_instance["Reply-To"] == "re@bob.test"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "nothing"},
        {"locale": ""},
        {"locale": "x" * 17},
        {"subject": ""},
        {"subject": "x" * 256},
        {"subject": "a\nb"},
        {"message": ""},
        {"message": "x" * (MESSAGE_BYTES + 1)},
        {"message": "\ud800"},
        {"sender_name": "a\r\nBcc: x"},
        {"sender_email": "nobody"},
        {"sender_email": "a@b.test\r\nBcc: c@d.test"},
        {"reply_to": "a@b.test, c@d.test"},
    ],
)
def test_bad_words_change_nothing(project: Project, change: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        put(project, **change)
    count = "SELECT count(*) AS n FROM email_templates WHERE project_id = :id"
    assert project.site.sql(count, id=project.number)[0]["n"] == 0


def test_the_longest_words(project: Project) -> None:
    put(project, subject="x" * 255, message="雨" * (MESSAGE_BYTES // 3))
    write_mail(project, "recovery", "a@example.test")
    assert "雨雨" in read_mails(project.site, project.id)[-1].text


def test_scripts_and_styles_are_no_text(project: Project) -> None:
    put(project, message="<style>p {}</style><h1>One</h1><p>two &amp; three<br>four</p>five")
    email = new_email()
    write_mail(project, "recovery", email)
    assert read_mails(project.site, project.id)[-1].text == "One\n\ntwo & three\n\nfour\n\nfive\n"

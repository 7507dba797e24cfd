"""What mails say."""

import pytest

from raindrop.mails.wording import KINDS
from tests.mails.writing import LINK, write_mail
from tests.support.mailbox import read_mails, wait_for_mail
from tests.support.site import Site
from tests.support.v1 import Project, new_email

WITH_LINK = {"verification", "magicsession", "recovery", "invitation"}
WITH_CODE = {"mfachallenge", "otpsession"}


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_both_languages(project: Project, kind: str, locale: str) -> None:
    email = new_email()
    write_mail(project, kind, email, locale=locale, team="Gardeners", inviter="Bob", phrase="")
    mail = wait_for_mail(project.site, project.id, email, kind)
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in mail.subject + mail.text)
    assert is_chinese == (locale == "zh-CN")
    assert "Test" in mail.subject or kind == "invitation"
    assert "Ann" in mail.text
    assert "{{" not in mail.subject + mail.html + mail.text
    if kind in WITH_LINK:
        assert mail.link == LINK
        assert f'href="{LINK.replace("&", "&amp;")}"' in mail.html
    if kind in WITH_CODE:
        assert mail.code == "123456"


def test_values_are_never_markup_nor_words_of_the_mail(project: Project) -> None:
    email = new_email()
    hostile = '<img src=x onerror="alert(1)">\r\nBcc: all@example.test\n\n{{redirect}}'
    write_mail(project, "invitation", email, user=hostile, team=hostile, inviter=hostile)
    (mail,) = read_mails(project.site, project.id)
    assert "<img" not in mail.html
    assert "&lt;img" in mail.html
    assert "\n" not in mail.subject
    assert mail.text.splitlines()[0].startswith('Hello <img src=x onerror="alert(1)"> Bcc:')
    assert mail.text.count(LINK) == 1


def test_lines_without_a_value_are_left_out(project: Project) -> None:
    write_mail(project, "magicsession", "a@example.test", user="", phrase="")
    write_mail(project, "magicsession", "b@example.test", phrase="Blue Whale", client="Firefox 130")
    bare, full = read_mails(project.site, project.id)
    assert "Hello" not in bare.text
    assert "phrase" not in bare.text
    assert "Blue Whale" in full.text
    assert "Firefox 130" in full.text


def test_other_languages_get_english(project: Project) -> None:
    for locale in ("fr", "", "x" * 40, "zz-zh"):
        write_mail(project, "recovery", "a@example.test", locale=locale)
    assert all(mail.subject.startswith("Choose") for mail in read_mails(project.site, project.id))


def test_what_is_at_rest_tells_no_secret(project: Project) -> None:
    write_mail(project, "otpsession", "a@example.test", phrase="")
    (row,) = project.site.sql("SELECT * FROM mails WHERE project_id = :id", id=project.number)
    assert row["status"] == "kept"
    assert "123456" not in str(dict(row))
    assert "a-secret" not in str(dict(row))

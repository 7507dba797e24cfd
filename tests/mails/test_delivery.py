"""Mail on its way: taken, put off, refused; whose server; what is left of it."""

import os
import signal
import threading
import time

import pytest

from raindrop.mails import outbox, tasks
from tests.mails.conftest import Offices
from tests.mails.post_office import NAME, PASSWORD
from tests.mails.writing import (
    LINK,
    let_time_pass,
    row_of,
    wait_for,
    wait_for_attempt,
    with_server,
    write_mail,
)
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project, new_email


def named(prefix: str) -> str:
    return f"{prefix}-{new_email()}"


def test_a_mail_arrives_whole_and_leaves_no_secret(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), new_email()
    write_mail(project, "recovery", email, locale="zh-CN", user="王小明")
    row = wait_for(project, email, "sent")
    assert row["content"] == ""
    assert row["answer"] == "250 2.0.0 taken as 42"
    assert row["sent_at"]
    assert (row["attempts"], row["next_attempt_at"]) == (1, None)
    (message,) = offices.instance.mails_to(email)
    assert message["From"] == "The Post <post@instance.test>" == row["sender"]
    assert message["To"] == email
    assert message["Subject"] == "重置您在 Test 的密码"
    assert message["Date"]
    assert message["Message-ID"] == f"<{row['public_id']}@instance.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert LINK in text.get_content()
    assert "王小明" in html.get_content()


def test_a_server_that_puts_off_is_asked_again(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later2")
    write_mail(project, "otpsession", email)
    row = wait_for_attempt(project, email, 1)
    assert (row["status"], row["answer"]) == ("queued", "451 4.7.1 come again later")
    assert "123456" not in row["content"]
    let_time_pass(project, email)
    wait_for_attempt(project, email, 2)
    let_time_pass(project, email)
    assert wait_for(project, email, "sent")["attempts"] == 3
    assert len(offices.instance.mails_to(email)) == 1


def test_a_pause_is_kept(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later1")
    write_mail(project, "otpsession", email)
    wait_for_attempt(project, email, 1)
    began = time.monotonic()
    wait_for(project, email, "sent")
    assert time.monotonic() - began > 0.9 * outbox.BACKOFF_S[0] - 1


def test_attempts_have_an_end(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later9")
    write_mail(project, "otpsession", email)
    for attempt in range(1, outbox.MAX_ATTEMPTS):
        wait_for_attempt(project, email, attempt)
        let_time_pass(project, email)
    row = wait_for(project, email, "failed")
    assert row["attempts"] == outbox.MAX_ATTEMPTS == 5
    assert row["answer"].startswith("451")
    assert row["content"]


def test_a_refusal_is_final_and_in_the_server_s_words(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("never")
    write_mail(project, "verification", email)
    row = wait_for(project, email, "failed")
    assert row["answer"] == "550 5.1.1 nobody of that name lives here"
    assert row["attempts"] == offices.instance.asked[email] == 1
    assert row["content"]
    assert LINK not in row["content"]


def test_a_slow_server_is_left_alone(mail_site: Site, offices: Offices) -> None:
    """It holds up others for one attempt, not for each of its mails."""
    project = with_server(mail_site, offices.slow.port)
    first, second, other = named("hang"), new_email(), new_email()
    write_mail(project, "otpsession", first)
    row = wait_for_attempt(project, first, 1)
    assert row["status"] == "queued"
    assert row["answer"] == "The other server took too long to answer."
    write_mail(project, "otpsession", second)
    write_mail(Project(mail_site), "otpsession", other)
    while not offices.instance.mails_to(other):
        time.sleep(0.05)
    row = row_of(project, second)
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert "left alone" in row["answer"]
    mail_site.cache.flushall()  # the pause of the server is over, too
    let_time_pass(project, second)
    wait_for(project, second, "sent")


def test_a_server_that_is_not_there(mail_site: Site, offices: Offices) -> None:
    project, email = with_server(mail_site, offices.closed_port), new_email()
    write_mail(project, "otpsession", email)
    assert wait_for_attempt(project, email, 1)["status"] == "queued"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "10.0.0.1"])
def test_a_project_s_server_may_not_be_private(
    mail_site: Site, offices: Offices, host: str
) -> None:
    project, email = with_server(mail_site, offices.private.port, host), new_email()
    write_mail(project, "otpsession", email)
    row = wait_for(project, email, "failed")
    assert row["attempts"] == 1
    assert "127.0.0.1" not in row["answer"]
    assert not offices.private.asked


def test_a_project_s_server_has_a_port_for_mail(mail_site: Site) -> None:
    project, email = with_server(mail_site, 22, "example.com"), new_email()
    write_mail(project, "otpsession", email)
    assert "listen on 25, 465, 587" in wait_for(project, email, "failed")["answer"]


def test_a_project_s_server_with_starttls_and_a_password(mail_site: Site, offices: Offices) -> None:
    login = {"username": NAME, "password": PASSWORD}
    project = with_server(
        mail_site, offices.starttls.port, "localhost", secure="tls", reply_to="a@b.test", **login
    )
    email = new_email()
    write_mail(project, "otpsession", email)
    row = wait_for(project, email, "sent")
    (message,) = offices.starttls.mails_to(email)
    assert message["From"] == "The Shop <shop@project.test>" == row["sender"]
    assert message["Reply-To"] == "a@b.test" == row["reply_to"]
    assert not offices.instance.mails_to(email)


def test_a_wrong_password_is_told(mail_site: Site, offices: Offices) -> None:
    login = {"username": NAME, "password": "wrong"}
    project = with_server(mail_site, offices.starttls.port, "localhost", secure="tls", **login)
    email = new_email()
    write_mail(project, "otpsession", email)
    assert wait_for(project, email, "failed")["answer"].startswith("535")


def test_a_certificate_of_another_name_gets_nothing(mail_site: Site, offices: Offices) -> None:
    for office, secure in ((offices.starttls, "tls"), (offices.tls, "ssl")):
        project, email = with_server(mail_site, office.port, secure=secure), new_email()
        write_mail(project, "otpsession", email)
        row = wait_for_attempt(project, email, 1)
        assert row["answer"] == "The other server's certificate is not trusted."
        assert not office.mails_to(email)


def test_tls_from_the_first_byte(mail_site: Site, offices: Offices) -> None:
    project = with_server(mail_site, offices.tls.port, "localhost", secure="ssl")
    email = new_email()
    write_mail(project, "otpsession", email)
    wait_for(project, email, "sent")
    assert len(offices.tls.mails_to(email)) == 1


def test_no_name_adds_a_header(mail_site: Site, offices: Offices) -> None:
    evil = "Eve\r\nBcc: all@example.test\r\n\r\nbody"
    project = with_server(mail_site, offices.tls.port, "localhost", secure="ssl", sender_name=evil)
    mail_site.sql("UPDATE projects SET name = :name WHERE id = :id", name=evil, id=project.number)
    email = new_email()
    write_mail(project, "invitation", email, team=evil, user=evil)
    wait_for(project, email, "sent")
    (message,) = offices.tls.mails_to(email)
    assert message["Bcc"] is None
    assert message["From"].addresses[0].addr_spec == "shop@project.test"
    assert "Bcc: all@example.test" in message["Subject"]


@pytest.mark.parametrize(
    "recipient", ["a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test", "nobody", "a@", "", "<>"]
)
def test_no_recipient_adds_another(mail_site: Site, offices: Offices, recipient: str) -> None:
    project = Project(mail_site)
    before = len(offices.instance.taken)
    write_mail(project, "otpsession", recipient)
    assert wait_for(project, recipient, "failed")["attempts"] == 1
    assert len(offices.instance.taken) == before


def test_a_chinese_domain(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), "ann@例子.test"
    write_mail(project, "otpsession", email)
    wait_for(project, email, "sent")
    assert len(offices.instance.mails_to("ann@xn--fsqu00a.test")) == 1


def test_a_killed_worker_loses_no_mail(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("gate")
    write_mail(project, "otpsession", email)
    deadline = time.monotonic() + 10
    while not offices.instance.asked[email]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for pid in mail_site.pids("worker-short"):
        os.kill(pid, signal.SIGKILL)
    row = row_of(project, email)
    assert (row["status"], row["attempts"]) == ("queued", 1)
    assert row["next_attempt_at"]
    offices.instance.gate.set()
    let_time_pass(project, email)  # the dead worker's lease
    assert wait_for(project, email, "sent", 60)["attempts"] >= 2
    assert len(offices.instance.mails_to(email)) == 1


def test_a_lost_message_loses_no_mail(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("never")
    write_mail(project, "otpsession", email)
    wait_for(project, email, "failed")
    mail_site.sql(
        "UPDATE mails SET status = 'queued', attempts = 0, next_attempt_at = created_at,"
        " recipient = :new WHERE project_id = :id",
        new=f"ok-{email}",
        id=project.number,
    )
    wait_for(project, f"ok-{email}", "sent")


def test_a_mail_without_a_project_or_a_sense_ends(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later1")
    write_mail(project, "otpsession", email)
    wait_for_attempt(project, email, 1)
    mail_site.sql("UPDATE projects SET deleted_at = created_at WHERE id = :id", id=project.number)
    let_time_pass(project, email)
    assert wait_for(project, email, "failed")["answer"] == "The project is gone."


def test_a_mail_that_kills_its_workers_ends(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later1")
    write_mail(project, "otpsession", email)
    wait_for_attempt(project, email, 1)
    mail_site.sql("UPDATE mails SET attempts = 5 WHERE project_id = :id", id=project.number)
    let_time_pass(project, email)
    assert "Given up" in wait_for(project, email, "failed")["answer"]


def test_many_workers_send_a_mail_once(mail_site: Site, offices: Offices) -> None:
    project, email = Project(mail_site), named("later1")
    write_mail(project, "otpsession", email)
    row = wait_for_attempt(project, email, 1)
    app = app_of(mail_site)
    let_time_pass(project, email)

    def work() -> None:
        with app.app_context():
            outbox.send(row["id"])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wait_for(project, email, "sent")["attempts"] == 2
    assert len(offices.instance.mails_to(email)) == 1


def test_mails_are_deleted_after_their_time(mail_site: Site, offices: Offices) -> None:
    project = Project(mail_site)
    old, waiting, young = new_email(), named("later9"), new_email()
    for email in (old, waiting, young):
        write_mail(project, "otpsession", email)
    wait_for(project, old, "sent")
    wait_for_attempt(project, waiting, 1)
    wait_for(project, young, "sent")
    mail_site.sql(
        "UPDATE mails SET created_at = '2020-01-01 00:00:00' WHERE project_id = :id AND"
        " recipient != :young",
        id=project.number,
        young=young,
    )
    with app_of(mail_site).app_context():
        tasks.delete_old()
    left = mail_site.sql("SELECT recipient FROM mails WHERE project_id = :id", id=project.number)
    assert {row["recipient"] for row in left} == {waiting, young}


def test_no_secret_in_logs_or_events(mail_site: Site, offices: Offices) -> None:
    """After all that the tests above sent; here is one of each kind for when it runs alone."""
    login = {"username": NAME, "password": PASSWORD}
    project = with_server(mail_site, offices.starttls.port, "localhost", secure="tls", **login)
    for email in (new_email(), named("never"), named("later1")):
        write_mail(project, "recovery", email)
        wait_for_attempt(project, email, 1)
    texts = [path.read_text() for path in mail_site.settings.log.rglob("*") if path.is_file()]
    texts += [str(dict(row)) for row in mail_site.sql("SELECT * FROM events")]
    assert any("is sent" in text for text in texts)
    for secret in ("a-secret-of-this-test", PASSWORD, "nobody of that name", NAME):
        assert not any(secret in text for text in texts), secret

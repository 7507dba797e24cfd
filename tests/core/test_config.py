"""Settings: the table, its sources, and one line for whatever is wrong."""

import subprocess
from pathlib import Path

import pytest

from raindrop.config import ConfigError, load_settings, mask_url
from tests.support.site import RAINDROP, clean_environment


def run_config(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RAINDROP), "config"],
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_table_tells_value_and_source(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text('# a comment\n\nRAINDROP_PORT=9000\nRAINDROP_TODO_RATE_LIMIT = "5/second"\n')
    shown = run_config(RAINDROP_ENV_FILE=str(file), RAINDROP_PORT="9001")
    assert shown.returncode == 0
    lines = {line.split()[0]: line for line in shown.stdout.splitlines() if line[0] != " "}
    assert lines["RAINDROP_PORT"].endswith("9001  [environment]")
    assert lines["RAINDROP_TODO_RATE_LIMIT"].endswith(f"5/second  [{file}]")
    assert lines["RAINDROP_CONTROL_PORT"].endswith("8081  [default]")
    assert lines["RAINDROP_JOB_LEASE"].endswith("15 s  [default]")
    assert len(lines) >= 20


def test_secrets_are_masked() -> None:
    shown = run_config(
        RAINDROP_DATABASE_URL="mysql://app:p%40ss:w@rd@db/raindrop",
        RAINDROP_REDIS_URL="redis://:hidden@cache:6379/0",
    )
    assert "mysql+pymysql://app:****@db/raindrop" in shown.stdout
    assert "redis://:****@cache:6379/0" in shown.stdout
    assert "hidden" not in shown.stdout + shown.stderr
    assert "p%40ss" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAINDROP_PORT", "0"),
        ("RAINDROP_PORT", "65536"),
        ("RAINDROP_PORT", "80a"),
        ("RAINDROP_PORT", ""),
        ("RAINDROP_BIND", "localhost"),
        ("RAINDROP_WORKER_CLASS", "sync"),
        ("RAINDROP_TODO_RATE_LIMIT", "many"),
        ("RAINDROP_TODO_RATE_LIMIT", "0/minute"),
        ("RAINDROP_DATABASE_URL", "postgresql://x/y"),
        ("RAINDROP_REDIS_URL", "http://x"),
        ("RAINDROP_BROKER_URL", "amqp://x"),
        ("RAINDROP_EDGES", "nginx"),
        ("RAINDROP_LOG_LEVEL", "loud"),
        ("RAINDROP_SMTP_URL", "http://x"),
        ("RAINDROP_SMTP_URL", "smtp://x:0"),
        ("RAINDROP_SMTP_URL", "smtp://x:65536"),
        ("RAINDROP_MAIL_FROM", "nobody"),
        ("RAINDROP_MAIL_FROM", "A <a@b.test>, C <c@d.test>"),
    ],
)
def test_bad_value_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    shown = run_config(**{name: value})
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr.count("\n") == 1
    assert shown.stderr.startswith(f"raindrop: {name}: ")


def test_bad_secret_is_not_repeated() -> None:
    shown = run_config(RAINDROP_DATABASE_URL="oracle://u:hidden@x/y")
    assert shown.returncode == 2
    assert "hidden" not in shown.stderr


@pytest.mark.parametrize(("port", "is_good"), [("1", True), ("65535", True), ("65536", False)])
def test_limits_of_a_number(port: str, is_good: bool) -> None:
    if is_good:
        assert load_settings({"RAINDROP_PORT": port}).port == int(port)
    else:
        with pytest.raises(ConfigError, match="RAINDROP_PORT"):
            load_settings({"RAINDROP_PORT": port})


def test_misspelt_name_is_refused_with_the_right_one() -> None:
    with pytest.raises(ConfigError, match="did you mean RAINDROP_PORT"):
        load_settings({"RAINDROP_PROT": "80"})


def test_bad_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings({"RAINDROP_ENV_FILE": str(file)})
    file.write_text("RAINDROP_PORT=1\nnonsense\n")
    with pytest.raises(ConfigError, match="line 2"):
        load_settings({"RAINDROP_ENV_FILE": str(file)})
    file.write_text("RAINDROP_NOTHING=1\n")
    with pytest.raises(ConfigError, match="unknown setting"):
        load_settings({"RAINDROP_ENV_FILE": str(file)})


def test_mask_url_leaves_what_has_no_password() -> None:
    assert mask_url("sqlite:////var/x.db") == "sqlite:////var/x.db"
    assert mask_url("redis://cache:6379/0") == "redis://cache:6379/0"

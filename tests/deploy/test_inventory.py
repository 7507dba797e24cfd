"""`etc/deploy.toml`: the example is right, and each mistake is one clear line."""

import re
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.inventory import Inventory, load_inventory
from raindrop.config import HOME

ALL = 'roles = ["web", "worker", "db", "cache"]'
ONE = f'[hosts.one]\nssh = "root@192.0.2.1"\n{ALL}\n'


def load(tmp_path: Path, text: str) -> Inventory:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "deploy.toml").write_text(text)
    return load_inventory(tmp_path / "etc" / "deploy.toml")


def test_example_is_right(tmp_path: Path) -> None:
    example = (HOME / "etc" / "deploy.example.toml").read_text()
    inventory = load(tmp_path, example)
    assert inventory.is_single
    assert inventory.storage is None
    assert inventory.settings == {"RAINDROP_PORT": "80", "RAINDROP_CONTROL_PORT": "8081"}


def test_example_of_several_hosts_and_storage_is_right(tmp_path: Path) -> None:
    example = (HOME / "etc" / "deploy.example.toml").read_text()
    example = re.sub(r"\[hosts\.one\].*?\n\n", "", example, flags=re.DOTALL)
    commented = re.sub(r"^# (?=\[hosts|\[assets|\w+ = )", "", example, flags=re.MULTILINE)
    commented = re.sub(
        r"^(site|control)(_key)? = .*$|^key = .*$", "", commented, flags=re.MULTILINE
    )
    inventory = load(tmp_path, commented)
    assert [host.name for host in inventory.hosts] == ["web1", "web2", "data"]
    assert [host.name for host in inventory.with_role("worker")] == ["web1", "web2"]
    assert inventory.storage is not None
    assert inventory.storage.bucket == "example"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no host"),
        ("[hosts.one", "deploy.toml"),
        (ONE + "[host.two]\n", "unknown table: host"),
        (ONE.replace("ssh", "shh"), "unknown key in [hosts.one]: shh"),
        (ONE.replace("root@", ""), "ssh must be like"),
        (ONE.replace('"db"', '"database"'), "roles must be"),
        (ONE.replace(', "db"', ""), "no host has the role db"),
        (ONE + ONE.replace("one", "two"), "only one host may have the role db"),
        (
            ONE + '[hosts.two]\nssh = "root@192.0.2.2"\nroles = ["web"]\n',
            "several hosts need an address",
        ),
        (ONE + 'address = "one.example"\n', "must be an IPv4 address"),
        (ONE + "[settings]\nPORT = 80\n", "is no setting"),
        (ONE + '[settings]\nRAINDROP_EDGE_SECRET = "x"\n', "no secrets in this file"),
        (ONE + '[settings]\nRAINDROP_DATABASE_URL = "x"\n', "no secrets in this file"),
        (ONE + '[settings]\nRAINDROP_INSTANCE_KEY = "x"\n', "no secrets in this file"),
        (ONE + '[settings]\nRAINDROP_SMTP_URL = "smtp://x"\n', "in the environment"),
        (ONE + '[settings]\nRAINDROP_PUBLIC_URL = "example.com"\n', "must be an address"),
        (ONE + "[settings]\nRAINDROP_PORT = true\n", "must be one line or a number"),
        (ONE + '[settings]\nRAINDROP_PORT = "80\\n81"\n', "must be one line or a number"),
        (ONE + '[ssh]\nkey = "/nowhere/key"\n', "no file /nowhere/key"),
        (ONE + '[ssh]\npassword = "x"\n', "unknown key in [ssh]: password"),
        (ONE + '[certificates]\nsite = "/etc/hostname"\n', "belong together"),
        (ONE + "[assets]\n", "[assets]"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DeployError) as failed:
        load(tmp_path, text)
    message = str(failed.value)
    assert words in message
    assert "\n" not in message


def test_missing_file_tells_of_the_example(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"copy etc/deploy\.example\.toml"):
        load_inventory(tmp_path / "etc" / "deploy.toml")

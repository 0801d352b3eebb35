"""hub.toml: every kind of mistake is named with its path and what was expected; the pages about it are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hub.config import Config, load, parse
from hub.config_text import hub_toml, reference, sections
from hub.errors import ConfigError
from tests.peers import CHECKOUT

MISTAKES = {
    # a wrong type
    "[server]\nport = 'imap'": 'server.port: expected a port number, got "imap"',
    "[server]\nport = true": "server.port: expected a port number, got true",
    "[server]\nport = {a = 1}": "server.port: expected a port number, got a [section]",
    "[server]\ndata_dir = 3": "server.data_dir: expected the path of a folder, got 3",
    "[demo]\nenabled = 1": "demo.enabled: expected true or false, got 1",
    "[files]\nmax_bytes = 1.5": "files.max_bytes: expected a whole number above 0, got 1.5",
    "[files]\ndir = ['a']": "files.dir: expected text in quotes, got a list",
    "server = 3": "server: expected a [section], got 3",
    # a wrong value
    "[server]\nport = 70000": "server.port: expected a port number, got 70000",
    "[server]\nhost = ''": 'server.host: expected an address such as 127.0.0.1, got ""',
    "[server]\npublic_url = 'hub.example.org'": (
        'server.public_url: expected a web address such as https://hub.example.org, got "hub.example.org"'
    ),
    "[chat]\nwaiting_gone_s = 0": "chat.waiting_gone_s: expected a whole number of seconds, 1 to 2592000, got 0",
    "[security]\nshortest_password = -1": "security.shortest_password: expected a whole number above 0, got -1",
    "[store]\nurl = 'mysql://root@db/hub'": (
        'store.url: expected sqlite:///path or postgresql://user@host/name, got "mysql://root@db/hub"'
    ),
    "[logging]\nlevel = 'loud'": 'logging.level: expected one of "debug", "info", "warning", "error", got "loud"',
    # inside a list
    "[server]\ntrusted_proxies = '10.0.0.1'": 'server.trusted_proxies: expected a list in [brackets], got "10.0.0.1"',
    "[server]\ntrusted_proxies = ['10.0.0.1', 7]": "server.trusted_proxies[1]: expected text in quotes, got 7",
    "[server]\ntrusted_proxies = ['10.0.0.0/8', 'proxy']": (
        'server.trusted_proxies[1]: expected an address such as 10.0.0.1 or a network such as 10.0.0.0/8, got "proxy"'
    ),
    "[security]\nmetrics_from = ['10.0.0.0/8']": (
        'security.metrics_from[0]: expected an address such as 10.0.0.1, got "10.0.0.0/8"'
    ),
    # unknown keys
    "[server]\nprt = 80": "server.prt: there is no such setting; did you mean port?",
    "[chat]\nport = 80": "chat.port: there is no such setting; did you mean server.port?",
    "[webhooks]\ncolour = 'red'": "webhooks.colour: there is no such setting; known are allow_private",
    "[servr]\nport = 80": "servr: there is no such setting; did you mean server?",
    "port = 80": "port: there is no such setting; did you mean server.port?",
    # secrets, which are never shown
    "[store]\npassword = 'hunter2'": 'store.password: expected either {env = "NAME"} or {file = "path"}',
    "[store]\npassword = {}": 'store.password: expected either {env = "NAME"} or {file = "path"}',
    "[store]\npassword = {env = 'A', file = 'b'}": (
        'store.password: expected either {env = "NAME"} or {file = "path"}'
    ),
    "[store]\npassword = {value = 'hunter2'}": ("store.password.value: there is no such setting; known are env, file"),
    "[store]\npassword = {env = 'A'}": (
        "store.password: expected a store.url of PostgreSQL with it; SQLite has no passwords"
    ),
    "[security]\nsecret_key = 12345": 'security.secret_key: expected either {env = "NAME"} or {file = "path"}',
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text.replace("\n", " "))
def test_mistake_names_its_path(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(text))
    assert str(caught.value) == MISTAKES[text]
    assert "hunter2" not in str(caught.value)
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize("setting", [s for section in sections() for s in section.settings], ids=lambda s: s.path)
def test_every_setting_refuses_what_it_is_not(setting: object) -> None:
    """No setting takes a section with a key of somebody's own making."""
    path: str = setting.path  # type: ignore[attr-defined]
    section, _, name = path.partition(".")
    with pytest.raises(ConfigError, match=re.escape(path)):
        parse({section: {name: {"surprise": True}}})


def test_file_that_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text("[server\nport = 1")
    with pytest.raises(ConfigError, match=r"hub\.toml: .*line 1"):
        load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"hub\.toml: "):
        load(path)
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read \(No such file"):
        load(tmp_path / "none.toml")


def test_no_file_is_the_defaults() -> None:
    assert load(None) == Config()


def test_relative_paths_are_the_files_own(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(
        '[server]\ndata_dir = "data"\n[store]\nurl = "sqlite:///db/hub.db"\n[files]\ndir = "/srv/files"\n'
        '[security]\nsecret_key = {file = "key"}\n'
    )
    (tmp_path / "key").write_text("s3cret\n")
    config = load(path)
    assert config.data_dir == tmp_path / "data"
    assert config.store_url == f"sqlite:///{tmp_path}/db/hub.db"
    assert config.files_dir == Path("/srv/files")
    assert config.secret_key() == b"s3cret"


def test_password_joins_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[store]\nurl = 'postgresql://hub@db.example/hub'\npassword = {env = 'HUB_TEST_PASSWORD'}"
    config = parse(tomllib.loads(text))
    monkeypatch.setenv("HUB_TEST_PASSWORD", "a/b:c@d é")
    assert config.store_url == "postgresql://hub:a%2Fb%3Ac%40d%20%C3%A9@db.example/hub"
    assert parse(tomllib.loads(text.replace("hub@", ""))).store_url == (
        "postgresql://:a%2Fb%3Ac%40d%20%C3%A9@db.example/hub"
    )
    monkeypatch.delenv("HUB_TEST_PASSWORD")
    with pytest.raises(ConfigError, match=r"store\.password\.env: the environment variable HUB_TEST_PASSWORD "):
        _ = config.store_url


def test_secret_file_that_is_not_there(tmp_path: Path) -> None:
    config = parse({"security": {"secret_key": {"file": str(tmp_path / "key")}}})
    with pytest.raises(ConfigError, match=r"security\.secret_key\.file: cannot read .*key \(No such file"):
        config.secret_key()


def test_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    config = parse({"server": {"data_dir": str(tmp_path / "data")}})
    key = config.secret_key()
    assert len(key) >= 32
    assert config.secret_key() == key
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_written_file_means_the_defaults() -> None:
    """As it stands, and with every setting taken out of its comment."""
    text = hub_toml()
    assert parse(tomllib.loads(text)) == Config()
    uncommented = re.sub(r"^# (\w+ = .*)$", r"\1", text, flags=re.MULTILINE)
    data = tomllib.loads(uncommented)
    data["store"]["url"] = "postgresql://hub@db/hub"  # a password is for no other, and so is a bus
    data["bus"]["url"] = "redis://db"
    assert {f"{section}.{name}" for section in data for name in data[section]} == {
        setting.path for section in sections() for setting in section.settings
    }
    given = parse(data)
    for section in sections():
        for setting in section.settings:
            if setting.default is not None and setting.path not in ("store.url", "bus.url"):
                name = setting.path.split(".")[1]
                assert getattr(getattr(given, section.name), name) == getattr(getattr(Config(), section.name), name)


def test_every_setting_is_described() -> None:
    for section in sections():
        assert section.description.endswith(".")
        for setting in section.settings:
            assert setting.description.endswith("."), setting.path
            assert setting.expected, setting.path


def test_reference_is_up_to_date() -> None:
    """`python -m hub.cli.reference` writes it."""
    assert (CHECKOUT / "docs/reference/configuration.md").read_text() == reference()

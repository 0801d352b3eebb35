"""The command line in this process, on data of its own; a function that notes what it was given plays the server."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import sqlite3
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from channels.email.check import check_mail
from channels.voice.check import check_trunks
from hub.cli import run_command
from hub.cli.finding import Checks
from hub.cli.lock import hold
from hub.cli.reference import commands
from hub.config import Config, parse
from hub.demo import PASSWORD, USERS
from hub.errors import ConfigError, Unavailable
from hub.store.schema import SCHEMA
from routing.simulator import run as simulate
from tests.peers import CHECKOUT

Run = Callable[..., "Result"]


class Result:
    """Exit code and output of one command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def served() -> list[Config]:
    return []


@pytest.fixture
def own_logging() -> Iterator[None]:
    """The serving commands set up this process's log; what it was is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    served: list[Config],
    own_logging: None,
) -> Run:
    """Carries out a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str = "", fails: BaseException | None = None) -> Result:
        def serve(config: Config, ready: Callable[[str], None] | None) -> None:
            served.append(config)
            if fails is not None:
                raise fails
            if ready is not None:
                ready("http://127.0.0.1:8000")

        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = run_command(serve, simulate, Checks(check_trunks, check_mail), list(arguments))
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def hub(run: Run) -> Run:
    """As `run`, with a hub.toml and an administrator."""
    assert run("init").code == 0
    made = run("user", "add", "ada", "--role", "administrator", "--password-stdin", stdin="correct horse\n")
    assert made.code == 0, made.err
    return run


# --- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("serve", "--nonsense"),
        ("demo", "--port", "70000"),
        ("user",),
        ("user", "add"),
        ("user", "add", "bob", "--role", "king"),
        ("user", "add", "bob", "--no-password", "--password-stdin"),
        ("user", "add", "bob", "--no-password", "--skill", "support"),
        ("user", "token", "bob", "--days", "0"),
        ("backup",),
    ],
    ids=" ".join,
)
def test_wrong_use_is_two(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_help_is_no_mistake(run: Run) -> None:
    assert run("--help").code == 0
    assert "administrator" in run("user", "add", "--help").out


def test_no_terminal_to_ask_for_a_password(hub: Run) -> None:
    """Rather than waiting for an answer that never comes."""
    result = hub("user", "add", "bob")
    assert result.code == 2
    assert "--password-stdin" in result.err


@pytest.mark.parametrize(
    "error", [ConfigError("server.port: expected a port number"), Unavailable("Cannot listen.", code="server.address")]
)
def test_what_stops_the_server_is_a_sentence(run: Run, error: Exception) -> None:
    result = run("serve", fails=error)
    assert (result.code, result.out, result.err) == (1, "", f"{error}\n")


def test_ctrl_c_is_no_failure(run: Run) -> None:
    result = run("serve", fails=KeyboardInterrupt())
    assert (result.code, result.err) == (0, "")


def test_a_fault_of_ours_is_not_dressed_up(run: Run) -> None:
    with pytest.raises(ZeroDivisionError):
        run("serve", fails=ZeroDivisionError())


# --- init, serve, demo, version -------------------------------------------------------------------------------------


def test_init_writes_a_file_once(run: Run, tmp_path: Path) -> None:
    result = run("init")
    assert result.code == 0
    text = (tmp_path / "hub.toml").read_text()
    assert parse(tomllib.loads(text)) == Config()
    (tmp_path / "hub.toml").write_text("mine")
    again = run("init")
    assert (again.code, again.err) == (1, "hub.toml is there already; --force writes over it.\n")
    assert (tmp_path / "hub.toml").read_text() == "mine"
    assert run("init", "--force").code == 0
    assert (tmp_path / "hub.toml").read_text() == text
    assert run("--config", "other/place.toml", "init").code == 0
    assert (tmp_path / "other" / "place.toml").read_text() == text


def test_serve_takes_the_file_that_is_named(run: Run, tmp_path: Path, served: list[Config]) -> None:
    (tmp_path / "hub.toml").write_text("[server]\nport = 1001")
    (tmp_path / "other.toml").write_text("[server]\nport = 1002")
    assert run("serve").code == run("serve", "--config", "other.toml").code == 0
    assert run("--config", "other.toml", "serve").code == 0
    assert [config.server.port for config in served] == [1001, 1002, 1002]
    wrong = run("--config", "none.toml", "serve")
    assert (wrong.code, wrong.err) == (1, "none.toml: cannot be read (No such file or directory)\n")


def test_demo_announces_itself_and_keeps_its_file(run: Run, tmp_path: Path, served: list[Config]) -> None:
    result = run("demo", "--port", "9000", "--sip-port", "5070", "--smtp-port", "2626", "--data", "d")
    assert result.code == 0, result.err
    for path in ("/demo/", "/agent", "/supervisor", "/admin"):
        assert f"http://127.0.0.1:8000{path}" in result.out
    for username, name, _, _ in USERS:
        assert username in result.out
        assert name in result.out
    assert PASSWORD in result.out
    config = served[0]
    assert (config.server.port, config.demo.sip_port, config.demo.smtp_port) == (9000, 5070, 2626)
    assert config.demo.enabled
    assert config.data_dir == tmp_path / "d"
    with (tmp_path / "d" / "hub.toml").open("a") as file:
        file.write("[chat]\nstarts_per_hour = 7\n")
    assert run("demo", "--data", "d").code == 0
    assert served[1].chat.starts_per_hour == 7


def test_version(run: Run) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert run("version").out == f"Contact Hub {project['version']}\n"
    assert run("version", "--json").json() == {
        "version": project["version"],
        "schema": SCHEMA,
        "python": run("version", "--json").json()["python"],
    }


# --- users ----------------------------------------------------------------------------------------------------------


def test_users(hub: Run) -> None:
    made = hub(
        "user", "add", "Bob", "--name", "Bob Stone", "--password-stdin", "--json", stdin="correct horse\n"
    ).json()
    assert made.items() >= {"username": "Bob", "name": "Bob Stone", "role": "agent", "has_password": True}.items()
    assert hub("user", "add", "cleo", "--role", "supervisor", "--no-password").out == "cleo is known now.\n"

    listed = hub("user", "list", "--json").json()
    assert [(user["username"], user["role"]) for user in listed] == [
        ("ada", "administrator"),
        ("Bob", "agent"),
        ("cleo", "supervisor"),
    ]
    assert hub("user", "disable", "bob").out == "bob is disabled.\n"
    assert hub("user", "disable", "bob").out == "bob was disabled already.\n"
    table = hub("user", "list").out
    assert re.search(r"Bob +Bob Stone +agent +disabled", table)
    assert re.search(r"cleo +cleo +supervisor +no password", table)
    assert hub("user", "enable", "bob").out == "bob may sign in again.\n"
    assert not any(user["disabled"] for user in hub("user", "list", "--json").json())


def test_users_that_cannot_be(hub: Run) -> None:
    for arguments, stdin, sentence in (
        (("add", "ADA", "--no-password"), "", "This name is in use."),
        (("add", "b b", "--no-password"), "", "username: "),
        (("add", "bob", "--no-password", "--skill", "support=9"), "", "skills"),
        (("add", "bob", "--no-password", "--skill", "tea=3"), "", 'skills.tea: expected the id of a skill, got "tea"'),
        (("add", "bob", "--password-stdin"), "short\n", "password: expected at least 8 characters"),
        (("add", "bob", "--password-stdin"), "\n", "There was no password on standard input."),
        (("passwd", "bob", "--password-stdin"), "correct horse\n", "There is no user bob."),
        (("disable", "bob"), "", "There is no user bob."),
        (("token", "bob"), "", "There is no user bob."),
        (("disable", "ada"), "", "This is the last administrator. Make somebody else one first."),
    ):
        result = hub("user", *arguments, stdin=stdin)
        assert result.code == 1, arguments
        assert result.err.startswith(sentence), result.err
        assert result.out == ""
    assert [user["username"] for user in hub("user", "list", "--json").json()] == ["ada"]


def test_token_stands_alone_on_a_line(hub: Run) -> None:
    first, second = hub("user", "token", "ada").out, hub("user", "token", "ada", "--label", "script", "--days", "3").out
    assert re.fullmatch(r"cht_[\w-]{40,}\n", first)
    assert re.fullmatch(r"cht_[\w-]{40,}\n", second)
    assert first != second


def test_no_hub_is_made_up_in_any_folder(run: Run, tmp_path: Path) -> None:
    for arguments in (("user", "list"), ("backup", "x.zip")):
        result = run(*arguments)
        assert result.code == 1
        assert "contacthub init" in result.err
    assert list(tmp_path.iterdir()) == []


# --- check ----------------------------------------------------------------------------------------------------------


def findings(result: Result) -> dict[str, tuple[bool, str]]:
    return {row["name"]: (row["ok"], row["text"]) for row in json.loads(result.out)}


def test_check_of_a_new_place_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("init")
    result = run("check", "--json")
    found = findings(result)
    assert found["configuration"] == (True, "hub.toml")
    assert found["data folder"][0]
    assert "made at the first start" in found["store"][1]
    assert not found["administrator"][0]
    assert [path.name for path in tmp_path.iterdir()] == ["hub.toml"]
    # Somebody to administer it is advice; the front end may or may not be built beside these tests.
    assert result.code == int(not found["front end"][0])


def test_check_of_a_hub(hub: Run) -> None:
    found = findings(hub("check", "--json"))
    assert found["store"] == (True, f"answers and can be written, schema {SCHEMA}")
    assert "administrator" not in found
    lines = hub("check").out.splitlines()
    assert lines[0] == "ok   configuration: hub.toml"
    assert len(lines) == len(found)


def test_check_names_the_mistake(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("[server]\nport = 'imap'")
    result = run("check")
    assert result.code == 1
    assert 'no   configuration: server.port: expected a port number, got "imap"' in result.out.splitlines()


def test_check_of_secrets_that_are_not_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("[security]\nsecret_key = {env = 'HUB_TEST_NO_SUCH'}")
    result = run("check", "--json")
    assert result.code == 1
    assert findings(result)["configuration"] == (
        False,
        "security.secret_key.env: the environment variable HUB_TEST_NO_SUCH is not set",
    )


def test_check_of_a_folder_that_cannot_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("[server]\ndata_dir = 'file/data'")
    (tmp_path / "file").write_text("")
    result = run("check", "--json")
    assert result.code == 1
    assert not findings(result)["data folder"][0]


def test_check_of_recordings(run: Run, tmp_path: Path) -> None:
    toml = tmp_path / "hub.toml"
    toml.write_text("[recordings]\nmin_free_bytes = 0\nkey = {file = 'key'}")
    (tmp_path / "key").write_text("no key")
    assert findings(run("check", "--json"))["configuration"] == (
        False,
        "recordings.key: expected 32 bytes, as 64 hex digits or in base64 (`openssl rand -hex 32` makes them)",
    )
    (tmp_path / "key").write_text("0a" * 32 + "\n")
    ok, text = findings(run("check", "--json"))["recordings folder"]
    assert ok and "made at the first start, encrypted, " in text
    toml.write_text(f"[recordings]\nmin_free_bytes = {2**60}")
    ok, text = findings(run("check", "--json"))["recordings folder"]
    assert not ok and "no recording begins" in text


class Provider(threading.Thread):
    """A phone network that answers each message with 200, at `port`."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked: list[str] = []

    def run(self) -> None:
        while True:
            data, source = self._socket.recvfrom(65_535)
            if not data:
                break
            first, *lines = data.decode().split("\r\n")
            self.asked.append(first)
            copied = [line for line in lines if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
            answer = ["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]
            self._socket.sendto("\r\n".join(answer).encode(), source)
        self._socket.close()

    def end(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self.join()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.start()
    yield provider
    provider.end()


def test_check_of_trunks(run: Run, tmp_path: Path, provider: Provider) -> None:
    (tmp_path / "line").write_text("secret\n")
    (tmp_path / "hub.toml").write_text(
        f"""
        [voice]
        enabled = true
        listen = ["udp:127.0.0.1:5060"]
        secrets = "{tmp_path}"
        trunks = [
            {{id = "line", host = "127.0.0.1", port = {provider.port}, username = "hub", password = "file:line"}},
            {{id = "silent", host = "127.0.0.1", port = 9}},
            {{id = "locked", host = "127.0.0.1", username = "hub", password = "env:CONTACTHUB_NO_SUCH"}},
            {{id = "lost", host = "no-such-host.invalid"}},
            {{id = "secure", host = "127.0.0.1", transport = "tls"}},
            {{id = "inward", networks = ["192.0.2.0/24"]}},
            {{id = "resting", host = "127.0.0.1", enabled = false}},
        ]
        """
    )
    result = run("check", "--json")
    assert result.code == 1
    found = {name: line for name, line in findings(result).items() if name.startswith("trunk ")}
    where = f"127.0.0.1 port {provider.port} by udp"
    assert found == {
        "trunk line": (True, f"password readable, {where} answers OPTIONS with 200"),
        "trunk silent": (False, "127.0.0.1 port 9 by udp does not answer OPTIONS"),
        "trunk locked": (False, "The environment variable CONTACTHUB_NO_SUCH is not set."),
        "trunk lost": (False, "no-such-host.invalid: no address found"),
        "trunk secure": (False, "voice.listen has no address for tls, which it needs"),
        "trunk inward": (True, "only receives"),
    }
    assert [line.split()[0] for line in provider.asked] == ["OPTIONS"]
    assert {row["name"] for row in json.loads(result.out) if row["advice"]} >= {"trunk silent"}


def test_check_of_a_store_that_does_not_answer(hub: Run, tmp_path: Path) -> None:
    """Another program holds the database: somebody waits, and is told so."""
    database = tmp_path / "data" / "hub.db"
    with sqlite3.connect(database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        result = hub("check", "--json")
        other.execute("ROLLBACK")
    other.close()
    assert result.code == 1
    assert findings(result)["store"] == (False, "The database is busy. Nothing was stored; please try again.")

    database.write_bytes(b"no database" * 1000)
    result = hub("check", "--json")
    assert result.code == 1
    assert not findings(result)["store"][0]

    (tmp_path / "hub.toml").write_text("[store]\nurl = 'postgresql://nobody@127.0.0.1:1/none'")
    result = hub("check", "--json")
    assert result.code == 1
    assert not findings(result)["store"][0]


# --- backup and restore ---------------------------------------------------------------------------------------------


def test_backup_and_restore(hub: Run, tmp_path: Path) -> None:
    result = hub("backup", "all.zip")
    assert result.code == 0, result.err
    assert result.out.startswith("Wrote all.zip: ")
    assert hub("backup", "all.zip").err == "all.zip is there already; --force writes over it.\n"
    figures = hub("backup", "all.zip", "--force", "--json").json()
    assert figures["rows"]["users"] == 1
    (tmp_path / "backups").mkdir()
    assert hub("backup", "backups").code == 0
    assert re.fullmatch(r"contacthub-\d{8}-\d{6}\.zip", next((tmp_path / "backups").iterdir()).name)
    assert hub("backup", "nowhere/all.zip").code == 1

    hub("user", "add", "bob", "--no-password")
    refused = hub("restore", "all.zip")
    assert refused.code == 1
    assert "There is data in this database already" in refused.err
    assert hub("restore", "all.zip", "--force").code == 0
    assert [user["username"] for user in hub("user", "list", "--json").json()] == ["ada"]


def test_restore_of_what_is_no_backup(hub: Run, tmp_path: Path) -> None:
    assert hub("restore", "none.zip").err == "There is no file none.zip.\n"
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 nothing")
    assert hub("restore", "bad.zip", "--force").err == "This backup is damaged; nothing was restored.\n"
    assert [user["username"] for user in hub("user", "list", "--json").json()] == ["ada"]


def test_no_restore_under_a_running_hub(hub: Run, tmp_path: Path) -> None:
    assert hub("backup", "all.zip").code == 0
    with hold(tmp_path / "data", alone=False):
        result = hub("restore", "all.zip", "--force")
    assert result.code == 1
    assert "A hub is running on the data" in result.err
    with hold(tmp_path / "data", alone=True):
        assert "A restore is running" in hub("serve").err


# --- documentation --------------------------------------------------------------------------------------------------


def test_reference_is_up_to_date() -> None:
    """`python -m hub.cli.reference` writes it."""
    assert (CHECKOUT / "docs/reference/cli.md").read_text() == commands()

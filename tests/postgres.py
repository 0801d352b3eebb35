"""A PostgreSQL server of our own in a temporary folder, for tests and benchmarks."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import PEERS


class PostgresServer:
    """Reached by a socket in its folder only, and trusting whoever can open that."""

    def __init__(self, programs: Path, folder: Path, *, durable: bool) -> None:
        self._programs = programs
        self._settings = ["listen_addresses=''", "max_connections=100"]
        if not durable:
            self._settings += ["fsync=off", "full_page_writes=off"]
        self.folder = folder
        self._names = itertools.count(1)

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs, as a user who may: the server refuses to be root's."""
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # Not in the current folder, which that user may not be able to read.
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def start(self) -> None:
        options = f"-k {self.folder} " + " ".join(f"-c {setting}" for setting in self._settings)
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def sql(self, statement: str, database: str = "postgres") -> None:
        self.run("psql", "-q", "-h", str(self.folder), "-U", "postgres", "-d", database, "-c", statement)

    def session(self, url: str) -> "Session":
        """An open session that may hold a lock."""
        database = url.split("/")[3].split("?")[0]
        command = ["psql", "-q", "-h", str(self.folder), "-U", "postgres", "-d", database]
        return Session([str(self._programs / command[0]), *command[1:]])

    def new_database(self, template: str = "template0") -> str:
        """The URL of a fresh database."""
        name = f"hub{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://postgres@/{name}?host={self.folder}"


class Session:
    """psql, kept open."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, statements: str) -> None:
        """Returns when they are carried out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statements}\n\\echo done\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer | None]:
    """A running server, None when PostgreSQL is not installed. Not `durable` it is quicker, and good for tests only."""
    programs = PEERS["postgres"]()
    if programs is None:
        yield None
        return
    # Not pytest's folder: its path is too long for a socket, and the server's user may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="hub-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        server = PostgresServer(programs, folder, durable=durable)
        # The C locale on purpose: search must not depend on what the server takes for a letter.
        server.run("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "-N")
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)

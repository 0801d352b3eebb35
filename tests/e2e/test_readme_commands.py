"""README's two commands in a clean copy of the checkout, as a new user would run them."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.copies import clean_copy, new_user_environment
from tests.peers import CHECKOUT
from tests.ports import free_port

INSTALL_S = 600  # the first `make demo` downloads and installs everything
START_S = 60
STOP_S = 15


pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_copy(tmp_path_factory.mktemp("readme"))


@dataclass
class Demo:
    """A running `make demo`."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait_until_healthy(self, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"make demo ended:\n{self.log.read_text()}"
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        pytest.fail(f"no answer from /healthz within {within_s} s:\n{self.log.read_text()}")

    def press_ctrl_c(self) -> None:
        """As a terminal does: every process of the group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(STOP_S)


@contextmanager
def make_demo(copy: Path, ports: list[int]) -> Iterator[Demo]:
    port, sip_port, smtp_port = ports
    log = copy.parent / "demo.log"
    command = ["make", "demo", f"PORT={port}", f"SIP_PORT={sip_port}", f"SMTP_PORT={smtp_port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=new_user_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Demo(f"http://127.0.0.1:{port}", log, process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def administrator(copy: Path, demo: Demo) -> httpx.Client:
    """A client of the REST interface with a token made on the command line."""
    command = [str(copy / ".venv/bin/contacthub"), "--config", "demo-data/hub.toml", "user", "token", "admin"]
    made = subprocess.run(command, cwd=copy, env=new_user_environment(), check=True, capture_output=True, text=True)
    return httpx.Client(base_url=demo.url, headers={"Authorization": f"Bearer {made.stdout.strip()}"})


def test_readme_names_the_commands() -> None:
    blocks = re.findall(r"```sh\n(.*?)\n```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
    assert blocks == ["make demo", "make test"]


def test_make_demo(copy: Path, chromium: Browser) -> None:
    """Installs, serves the sign-in page, stops at Ctrl-C and keeps its data for the next start."""
    ports = [free_port() for _ in range(3)]

    with make_demo(copy, ports) as demo:
        demo.wait_until_healthy(INSTALL_S)
        assert demo.url in demo.log.read_text()
        page = chromium.new_page()
        page.goto(f"{demo.url}/agent")
        expect(page.get_by_role("textbox", name="Username")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        page.close()
        with administrator(copy, demo) as client:
            made = client.post("/api/v1/skills", json={"id": "gardening", "name": "Gardening"})
            assert made.status_code in {200, 201}, made.text
        demo.press_ctrl_c()
        assert "Traceback" not in demo.log.read_text()

    with make_demo(copy, ports) as demo:
        demo.wait_until_healthy(START_S)
        with administrator(copy, demo) as client:
            assert client.get("/api/v1/skills/gardening").json()["name"] == "Gardening"
        demo.press_ctrl_c()
        assert "Traceback" not in demo.log.read_text()


def test_make_test(copy: Path) -> None:
    """In the copy only lint and a few tests run (CONTACTHUB_NESTED), or the copy would copy itself again."""
    log = copy.parent / "test.log"
    environment = {**new_user_environment(), "CONTACTHUB_NESTED": "1"}
    with log.open("wb") as output:
        run = subprocess.run(["make", "test"], cwd=copy, env=environment, stdout=output, stderr=subprocess.STDOUT)
    said = log.read_text()
    assert run.returncode == 0, said[-10_000:]
    assert re.search(r"\d+ passed", said)

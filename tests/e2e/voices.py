"""People with a voice: browsers whose microphones hear a tone each, and what can be heard in them; a telephone too."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.e2e.conftest import People
from tests.hub import DemoHub
from tests.integration.media.browser import FLAGS
from tests.integration.media.tones import share, tone, write_wav
from tests.peers import require
from tests.ports import free_port

# Listens to whatever the page receives; what the page does with it stays as it is.
EARS = """(() => {
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      (window.peers ??= []).push(this);
      this.addEventListener("track", ({ track }) => {
        const context = new AudioContext();
        window.ear = context.createAnalyser();
        window.ear.fftSize = 8192;
        context.createMediaStreamSource(new MediaStream([track])).connect(window.ear);
      });
    }
  };
})()"""
HEARD = """() => {
  if (!window.ear) return null;
  const samples = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(samples);
  return { rate: window.ear.context.sampleRate, samples: Array.from(samples) };
}"""

Speak = Callable[[float], People]


def hears(where: Page | Frame, hertz: float) -> float:
    """The share of what is heard there just now that lies at `hertz`."""
    heard = where.evaluate(HEARD)
    return share(heard["samples"], hertz, heard["rate"]) if heard else 0.0


def until_hears(where: Page | Frame, hertz: float, least: float = 0.6) -> None:
    while hears(where, hertz) < least:
        where.wait_for_timeout(50)


def until_silent(where: Page | Frame, *tones: float) -> None:
    """Waits until none of the tones is heard."""
    while any(hears(where, hertz) > 0.2 for hertz in tones):
        where.wait_for_timeout(50)


def launch(chromium: Browser, *flags: str) -> Browser:
    return chromium.browser_type.launch(executable_path=require("chromium"), args=[*flags])


@pytest.fixture
def speaking(chromium: Browser, own_hub: DemoHub, artefacts: Path, tmp_path: Path) -> Iterator[Speak]:
    """`speaking(440)` gives people at browsers whose microphone hears 440 Hz."""
    browsers: list[Browser] = []
    groups: list[People] = []

    def speak(hertz: float) -> People:
        microphone = write_wav(tmp_path / f"microphone-{hertz:g}.wav", tone(hertz, 2, rate=48_000), 48_000)
        browsers.append(launch(chromium, *FLAGS, f"--use-file-for-fake-audio-capture={microphone}"))
        groups.append(People(browsers[-1], own_hub, artefacts))
        return groups[-1]

    yield speak
    for group in groups:
        group.leave()
    for browser in browsers:
        browser.close()


@contextmanager
def telephone(hub: DemoHub, folder: Path) -> Iterator[None]:
    """SIPp calls `sip:support@...` and says what it hears until the call is over."""
    with _sipp(folder, "-sn", "uac", f"127.0.0.1:{hub.sip_port}", "-s", "support", "-m", "1", "-d", "3600000"):
        yield


def call_and_give_up(hub: DemoHub, folder: Path, ms: int = 3000) -> None:
    """SIPp calls `sip:support@...`, listens for so long and hangs up."""
    command = ("-sn", "uac", f"127.0.0.1:{hub.sip_port}", "-s", "support", "-m", "1", "-d", str(ms))
    with _sipp(folder, *command) as process:
        assert process.wait() == 0


@contextmanager
def exchange(folder: Path) -> Iterator[int]:
    """SIPp answers calls at the port and says what it hears."""
    port = free_port()
    with _sipp(folder, "-sn", "uas", "-p", str(port)):
        yield port


@contextmanager
def _sipp(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(require("sipp")), *options, "-rtp_echo", "-nostdin", "-i", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()

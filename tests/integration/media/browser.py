"""A browser with a tone for a microphone, whose peer connection a test drives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.integration.media.tones import share, tone, write_wav
from tests.peers import require

# Without --mute-audio and without a sound device Chromium would never ask for the audio that it receives.
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]

PAGE = """<!doctype html><title>phone</title><audio autoplay></audio><script>
window.call = async ({iceServers = [], iceTransportPolicy = "all"} = {}) => {
  const microphone = await navigator.mediaDevices.getUserMedia(
    {audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  const pc = window.pc = new RTCPeerConnection({iceServers, iceTransportPolicy});
  window.sender = pc.addTrack(microphone.getAudioTracks()[0], microphone);
  window.states = [];
  pc.onconnectionstatechange = () => window.states.push(pc.connectionState);
  pc.ontrack = ({streams}) => {
    document.querySelector("audio").srcObject = streams[0];
    const context = new AudioContext();
    window.ear = context.createAnalyser();
    window.ear.fftSize = 8192;
    context.createMediaStreamSource(streams[0]).connect(window.ear);
  };
  await pc.setLocalDescription();
  if (pc.iceGatheringState !== "complete")
    await new Promise(done => pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done());
  return pc.localDescription.sdp;
};
window.heard = () => {
  const samples = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(samples);
  return {rate: window.ear.context.sampleRate, samples: Array.from(samples)};
};
window.figures = async () => Object.fromEntries([...await pc.getStats()].map(([, found]) => [found.type, found]));
</script>"""


class Browser:
    """One page with a peer connection."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def offer(self, **options: Any) -> str:
        """A complete offer (all candidates inside). `options` of RTCPeerConnection."""
        sdp = await self.page.evaluate("options => call(options)", options)
        assert isinstance(sdp, str)
        return sdp

    async def accept(self, answer: str) -> None:
        await self.page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)

    async def state(self) -> str:
        return str(await self.page.evaluate("pc.connectionState"))

    async def until_connected(self) -> None:
        await self.page.wait_for_function("pc.connectionState === 'connected'")

    async def press(self, digits: str) -> None:
        await self.page.evaluate("digits => sender.dtmf.insertDTMF(digits, 100, 70)", digits)

    async def hang_up(self) -> None:
        await self.page.evaluate("pc.close()")

    async def hears(self, hertz: float) -> float:
        """The share of what is heard just now that lies at `hertz`."""
        heard = await self.page.evaluate("heard()")
        return share(heard["samples"], hertz, heard["rate"])

    async def until_hears(self, hertz: float, least: float = 0.8) -> None:
        while await self.hears(hertz) < least:
            await self.page.wait_for_timeout(20)

    async def figures(self) -> dict[str, Any]:
        """The last report of each type, as getStats() gives it."""
        found = await self.page.evaluate("figures()")
        assert isinstance(found, dict)
        return found

    async def reload(self) -> None:
        await self.page.reload()


@asynccontextmanager
async def open_browser(folder: Path, hertz: float, flags: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """Chromium whose microphone hears `hertz`."""
    path = require("chromium")
    microphone = write_wav(folder / f"microphone-{hertz:g}.wav", tone(hertz, 2, rate=48_000), 48_000)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}", *flags]
        )
        page = await chromium.new_page()
        # A microphone is given to secure pages only; localhost counts as one.
        await page.route("http://localhost/", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        await page.goto("http://localhost/")
        yield Browser(page)
        await chromium.close()

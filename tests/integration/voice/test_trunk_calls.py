"""Calls over trunks of every kind to an agent's browser: IPv6, encrypted, held and recorded, given up at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from channels.voice.call_values import Limits
from channels.voice.settings import DialSettings, NumberSettings, TrunkSettings, VoiceSettings
from channels.voice.sip.events import Answered, Ended, Invited, Rejected
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.transport import Listen
from channels.voice.sip.transport_tls import TlsFiles
from channels.voice.sip.wire import Destination, Transport
from channels.voice.trunks import Trunks
from hub.machine import OPEN
from hub.media import RtpOptions
from hub.model import Role
from tests.clients import Json, SignedIn
from tests.integration.media.exchange import channels, describe, holds, media_port
from tests.integration.media.phone import Phone, open_phone
from tests.integration.media.test_secure_legs import SecurePhone
from tests.integration.serving import PASSWORD, Serving, serving
from tests.integration.sip.certificates import Authority
from tests.integration.sip.line import Line, a_line, free_port
from tests.integration.voice.desk import Desk, Record, a_headset, client_id
from webrtc.settings import MediaSettings

CALLER, AGENT = 400.0, 700.0
SUITE = "AES_CM_128_HMAC_SHA1_80"


@dataclass
class Company:
    """A hub whose trunk is the line."""

    serving: Serving
    port: int

    @property
    def url(self) -> str:
        return self.serving.origin

    def record(self) -> Record:
        root = self.serving.application.hub.directory.user("us_root")
        return Record(self, self.serving.token(root))

    @property
    def empty(self) -> bool:
        """Nothing of any call is left: neither in signalling, nor in audio, nor in the queue."""
        app = self.serving.application
        voice = app.voice
        return (
            len(voice.calls) == 0
            and voice.trunks._agent.calls == 0
            and not any(place.calls for place in app.media.places)
            and not any(row.contact.phase in OPEN for row in app.hub.living)
        )


@asynccontextmanager
async def a_company(
    folder: Path, line: Line, transport: Transport = "udp", host: str = "127.0.0.1", tls: TlsFiles | None = None
) -> AsyncIterator[Company]:
    port = free_port(host)
    settings = VoiceSettings(
        enabled=True,
        listen=(Listen(transport, host, port), *([Listen("udp", host, port)] if transport != "udp" else [])),
        trunks=(
            TrunkSettings(
                "line",
                networks=(host,),
                host=host,
                port=line.port(transport),
                transport=transport,
                region="DE",
                caller_id="+4930900",
                tls=TlsFiles(ca=tls.ca) if tls is not None else TlsFiles(),
            ),
        ),
        numbers=(NumberSettings("*", "support", "shop"),),
        dial=DialSettings(("DE",)),
        limits=Limits(ring_ms=3_000, connect_ms=3_000),
        media=MediaSettings(loopback=True, ports=(36_000, 37_999)),
        tls_certificate=str(tls.certificate) if tls is not None else "",
        tls_key=str(tls.key) if tls is not None else "",
    )

    def open_it(stack: ExitStack) -> Serving:
        hub = stack.enter_context(serving(folder, settings))
        hub.put("skill", "support", name="Support")
        hub.put("queue", "support", name="Support", recording={"mode": "always", "announce": False})
        hub.put("site", "shop", name="Shop")
        hub.put("outcome", "solved", name="Solved")
        hub.user("ada", Role.AGENT, units=200)
        hub.user("root", Role.ADMINISTRATOR)
        return hub

    with ExitStack() as stack:
        yield Company(await asyncio.to_thread(open_it, stack), port)
        await asyncio.to_thread(stack.close)


@asynccontextmanager
async def at_desk(company: Company) -> AsyncIterator[Desk]:
    desk = Desk(company, await asyncio.to_thread(SignedIn, company.url, "ada", PASSWORD), "window-1")
    await desk.client.open()
    await desk.ask("presence:set", {"state": "available"})
    yield desk
    await desk.client.close()


def dial(line: Line, company: Company, offer: str, transport: Transport = "udp", host: str = "127.0.0.1") -> str:
    at = f"[{host}]" if ":" in host else host
    call = line.agent.invite(
        NameAddr("", f"sip:support@{at}:{company.port}"),
        NameAddr("", f"sip:+493012345@{at}"),
        offer,
        [Destination(transport, host, company.port)],
        line.now,
    )
    line.transport.flush()
    return call


@asynccontextmanager
async def talking(phone: Phone) -> AsyncIterator[None]:
    task = asyncio.create_task(phone.talk())
    yield
    task.cancel()
    await asyncio.wait([task])


async def answered(line: Line) -> str:
    sdp = (await line.until(Answered)).sdp
    assert sdp is not None
    return sdp


# --- IPv6 ------------------------------------------------------------------------------------------------------------


async def test_a_call_over_ipv6_comes_in_and_goes_out(tmp_path: Path) -> None:
    """Signalling and audio of the trunk by IPv6, the agent's browser by IPv4."""
    async with (
        a_line(("udp",), host="::1") as line,
        a_company(tmp_path, line, host="::1") as company,
        at_desk(company) as desk,
        open_phone(CALLER, "::1") as phone,
    ):
        async with a_headset(AGENT) as headset:
            call = dial(line, company, describe(phone.port, "::1"), host="::1")
            answer = await answered(line)
            assert "c=IN IP6 ::1" in answer
            phone.target = ("::1", media_port(answer))
            async with talking(phone):
                contact = await desk.take_call(headset)
                await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))
                line.hang_up(call)
                await desk.finish(contact["id"])

        line.events.clear()
        async with a_headset(AGENT) as headset:
            asked = {"number": "+49301234567", "queue": "support", "client_id": client_id()}
            contact = (await desk.ask("phone_dial", asked))["contact"]
            await desk.join(contact["id"], headset)
            invited = await line.until(Invited)
            assert invited.request_uri == "sip:+49301234567@[::1]"
            assert invited.sdp is not None
            line.agent.answer(invited.call, describe(phone.port, "::1"), line.now)
            line.transport.flush()
            phone.target = ("::1", media_port(invited.sdp))
            async with talking(phone):
                await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))
                line.hang_up(invited.call)
                await desk.finish(contact["id"])
        while not company.empty:
            await asyncio.sleep(0.05)


# --- SDES over TLS only ----------------------------------------------------------------------------------------------


async def test_keys_of_the_audio_travel_by_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    loop = asyncio.get_running_loop()
    async with (
        a_line(("tls", "udp"), tls=files) as line,
        a_company(tmp_path / "hub", line, "tls", tls=files) as company,
        at_desk(company) as desk,
        a_headset(AGENT) as headset,
        AsyncExitStack() as stack,
    ):
        transport, phone = await loop.create_datagram_endpoint(
            lambda: SecurePhone(CALLER, SUITE), local_addr=("127.0.0.1", 0)
        )
        stack.callback(transport.close)
        # With its keys in the clear for all to read it is no call; nor, by TLS, without keys.
        for offer, kind, status in ((phone.offer(), "udp", 403), (describe(phone.port), "tls", 488)):
            line.events.clear()
            dial(line, company, offer, kind)  # type: ignore[arg-type]
            assert (await line.until(Rejected)).status == status
        line.events.clear()
        call = dial(line, company, phone.offer(), "tls")
        answer = await answered(line)
        assert "RTP/SAVP" in answer and "a=crypto:1" in answer
        phone.answered(answer)
        async with talking(phone):
            contact = await desk.take_call(headset)
            await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))
            line.hang_up(call)
            await desk.finish(contact["id"])


async def test_a_trunk_in_the_clear_is_told_no_key(tmp_path: Path) -> None:
    async with a_line(("udp",)) as line, a_company(tmp_path, line) as company:
        transport, phone = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: SecurePhone(CALLER, SUITE), local_addr=("127.0.0.1", 0)
        )
        dial(line, company, phone.offer())
        assert (await line.until(Rejected)).status == 488
        transport.close()
        while not company.empty:
            await asyncio.sleep(0.05)


# --- who hears whom --------------------------------------------------------------------------------------------------


async def test_on_hold_nobody_hears_the_other_and_the_recording_has_each_on_its_side(tmp_path: Path) -> None:
    """Talk, hold by the agent, talk, hold by the telephone, talk: two tones, at both ears and in both channels."""
    async with (
        a_line(("udp",)) as line,
        a_company(tmp_path, line) as company,
        at_desk(company) as desk,
        open_phone(CALLER) as phone,
        a_headset(AGENT) as headset,
    ):
        record = await asyncio.to_thread(company.record)
        call = dial(line, company, describe(phone.port))
        phone.target = ("127.0.0.1", media_port(await answered(line)))
        async with talking(phone):
            contact = await desk.take_call(headset)
            await desk.until("phone", lambda data: data["recording"] == "on")
            await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))

            await desk.ask("phone_hold", {"contact": contact["id"]})
            await desk.until("phone", lambda data: data["state"] == "held")
            before, others = len(phone.heard), len(headset.heard)
            while len(phone.heard) < before + 20_000 or len(headset.heard) < others + 20_000:
                await asyncio.sleep(0.02)
            assert phone.hears(AGENT, 2) < 0.05
            assert headset.hears(CALLER, 2) < 0.05
            await desk.ask("phone_resume", {"contact": contact["id"]})
            await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))

            # The telephone holds: it wants to hear nothing, and its music is what the agent hears.
            line.agent.reinvite(call, describe(phone.port, direction="sendonly"), line.now)
            line.transport.flush()
            await headset.until_hears(CALLER)
            heard = len(phone.heard)
            await headset.until_hears(CALLER)
            assert len(phone.heard) - heard < 4_000, "hardly anything is sent to who does not listen"
            line.agent.reinvite(call, describe(phone.port), line.now)
            line.transport.flush()
            await asyncio.gather(phone.until_hears(AGENT), headset.until_hears(CALLER))
            line.hang_up(call)
            await desk.finish(contact["id"])
        while (found := (await record.get(f"recordings?contact={contact['id']}"))["items"])[0]["state"] != "complete":
            await asyncio.sleep(0.1)
        (made,) = found
        customer, agent = channels(await record.sound(made["id"]))
        second = 8_000
        for at in range(0, len(customer) - second, second):
            assert holds(customer[at : at + second], AGENT) < 0.05, "the agent is not on the customer's side"
            assert holds(agent[at : at + second], CALLER) < 0.05, "nor he on the agent's"
        assert holds(customer[2_000:10_000], CALLER) > 0.8 and holds(agent[2_000:10_000], AGENT) > 0.8
        assert holds(customer[-10_000:-2_000], CALLER) > 0.8 and holds(agent[-10_000:-2_000], AGENT) > 0.8


def _is_over(contact: str, data: Json) -> bool:
    return bool(data["contact"]["id"] == contact and data["contact"]["phase"] in ("wrapping", "closed"))


# --- given up --------------------------------------------------------------------------------------------------------


async def test_a_call_given_up_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    """From before the hub has read it until the agent talks; every call has ended, and every contact is closed."""
    # An offer that is let ring for three seconds would make the agent unavailable.
    moments = [0.0, *(0.001 * 1.6**step for step in range(16)), 2.0]
    async with a_line(("udp",)) as line, a_company(tmp_path, line) as company:
        record = await asyncio.to_thread(company.record)
        async with at_desk(company) as desk, open_phone(CALLER) as phone:
            phone.target = ("127.0.0.1", 9)
            for moment in moments:
                call = dial(line, company, describe(phone.port))
                await asyncio.sleep(moment)
                line.hang_up(call)
                while not any(isinstance(event, Ended | Rejected) and event.call == call for event in line.events):
                    await asyncio.sleep(0.01)
            known = {data["contact"]["id"] for name, data in desk.told if name == "offer"}
            accepted = 0
            while accepted < 4:  # and while the agent takes it: accepted, and before or amid the audio
                call = dial(line, company, describe(phone.port))
                offer = await desk.until("offer", lambda data: data["contact"]["id"] not in known)
                known.add(offer["contact"]["id"])
                await desk.accept(offer)
                async with a_headset(AGENT) as headset:
                    if accepted % 2:
                        joining = asyncio.create_task(desk.join(offer["contact"]["id"], headset))
                        await asyncio.sleep(0.05 * accepted)
                        line.hang_up(call)
                        await desk.until("sync", partial(_is_over, offer["contact"]["id"]))
                        joining.cancel()  # his browser would look for the hub's audio for a minute
                        await asyncio.wait([joining])
                    else:
                        line.hang_up(call)
                        await desk.until("sync", partial(_is_over, offer["contact"]["id"]))
                accepted += 1
                over = {"contact": offer["contact"]["id"], "client_id": client_id(), "outcome": "solved", "note": ""}
                await desk.client.call("wrapup:finish", over)  # unless there was nothing to wrap up
        while not company.empty:
            await asyncio.sleep(0.05)
        contacts = (await record.get("contacts?limit=100"))["items"]
        assert accepted <= len(contacts) <= len(moments) + accepted
        for contact in contacts:
            events = [event["type"] for event in await record.events(contact["id"])]
            assert events.count("call.ended") == 1, events
            assert events.count("contact.ended") + events.count("contact.abandoned") == 1, events
            assert contact["phase"] == "closed"
        ends = [
            event["data"]["reason"]
            for contact in contacts
            for event in await record.events(contact["id"])
            if event["type"] in ("contact.ended", "contact.abandoned")
        ]
        assert "interrupted" not in ends, ends


# --- silence ---------------------------------------------------------------------------------------------------------


async def test_a_call_without_audio_is_hung_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the telephone's network has gone: no BYE, no packets."""
    monkeypatch.setattr(Trunks, "rtp_options", lambda self, trunk: RtpOptions(quiet_ms=2_000, towards="127.0.0.1"))
    async with (
        a_line(("udp",)) as line,
        a_company(tmp_path, line) as company,
        at_desk(company) as desk,
        open_phone(CALLER) as phone,
        a_headset(AGENT) as headset,
    ):
        record = await asyncio.to_thread(company.record)
        dial(line, company, describe(phone.port))
        phone.target = ("127.0.0.1", media_port(await answered(line)))
        async with talking(phone):
            contact = await desk.take_call(headset)
            await headset.until_hears(CALLER)
        assert (await line.until(Ended)).by == "remote"
        await desk.finish(contact["id"])
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("network", "silent")
        while not company.empty:
            await asyncio.sleep(0.05)

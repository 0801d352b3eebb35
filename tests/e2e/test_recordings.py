"""A call is over: its course stands beside the conversation, and its recording is played by mouse and by keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hub import commands as c
from hub import events as e
from hub.clock import SystemClock
from hub.errors import VersionConflict
from hub.model import Channel, Customer
from hub.recording import Recording, RecordingState
from hub.store import open_store
from tests.e2e.conftest import People
from tests.e2e.office import Office, own_office
from tests.e2e.people import PHONE, until
from tests.e2e.test_desktop_look import overflows, settle, violations
from tests.hub import DemoHub
from tests.sounds import conversation, put
from tests.talk import Talk

__all__ = ["own_office"]
SECONDS = 24
LEGS: dict[str, dict[str, float | str | None]] = {
    "customer": {"codec": "PCMA", "mos": 4.3, "loss": 0.012, "jitter_ms": 3.5, "round_trip_ms": 41.0},
    "agent": {"codec": "PCMA", "mos": 4.4, "loss": 0.0, "jitter_ms": 1.0, "round_trip_ms": None},
}


async def _past_call(data: Path, sound: bool, count: int) -> str:
    store = open_store(f"sqlite:///{data / 'hub.db'}")
    await store.open()
    try:
        agent = await store.accounts.user_by_name("agent1")
        assert agent is not None
        begun = SystemClock().now() - 120_000
        id = f"ct_call{begun}{int(sound)}{count}"
        talk = Talk(store.log, now=begun)
        talk.contact = type(talk.contact)(id)
        customer = Customer(f"cu_{id}", "Clara Berg", phone="+493012345678", created_at=begun)
        await talk.begin(customer=customer, channel=Channel.VOICE)
        timeline: list[e.CallEvent] = [
            e.CallStarted("trunk", "+493012345678", "+4930999", "main", "node"),
            e.CallAnswered("customer"),
        ]
        for event in timeline:
            await talk.do(c.NoteCall(event))
        await talk.accept(agent.id)
        recording = "rc_" + id.removeprefix("ct_")
        await talk.do(c.NoteCall(e.CallRecording(recording, "on", "system")))
        talk.now += SECONDS * 1000
        await talk.do(c.NoteCall(e.CallEnded("customer", "hung_up", legs=LEGS)))
        await talk.do(c.End("customer", "hung_up", 60_000))
        await talk.do(c.Finish(agent.id, None))
        for n in range(count):
            own = f"{recording}-{n + 1}" if n else recording
            path = f"2026/11/22/{own}"
            if sound:
                put(data / "recordings" / path, conversation(SECONDS))
            row = Recording(
                own,
                id,
                begun + n * SECONDS * 1000,
                path,
                RecordingState.COMPLETE,
                queue="support",
                agents=(agent.id,),
                ended_at=talk.now,
                ms=SECONDS * 1000,
                format="wav",
                paused=((14_000, 16_000),),
            )
            assert await store.recordings.add(row)
    finally:
        await store.close()
    return id


def past_call(hub: DemoHub, *, sound: bool = True, count: int = 1) -> str:
    """A call that agent1 had and that is closed, written as the voice channel writes it; its contact's id."""
    # In a thread: Playwright's loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        while True:
            # A hub that finds the call half written takes it for one that its node has left, and ends it.
            with contextlib.suppress(VersionConflict):
                return thread.submit(lambda: asyncio.run(_past_call(hub.folder / "demo-data", sound, count))).result()


@pytest.fixture(scope="module")
def contact(shared_hub: DemoHub) -> Iterator[str]:
    yield past_call(shared_hub)


def opened(people: People, name: str, contact: str, **context: Any) -> Page:
    page = people.agent(name, **context).page
    page.evaluate("contact => (location.hash = `#/contact/${contact}`)", contact)
    return page


def card(page: Page) -> Locator:
    return page.get_by_role("region", name="Recording of")


def sound(page: Page, what: str) -> Any:
    return page.evaluate(f"document.querySelector('.recording audio').{what}")


def test_a_recording_is_played(people: People, contact: str) -> None:
    page = opened(people, "agent1", contact)
    slider = card(page).get_by_role("slider", name="Position")
    expect(slider).to_have_attribute("aria-valuetext", "0 seconds of 24 seconds")
    card(page).get_by_role("button", name="Play").click()
    until(page, "document.querySelector('.recording audio').currentTime > 0.3")
    assert sound(page, "duration") == SECONDS and sound(page, "error") is None
    until(page, "document.querySelector('.recording time').textContent !== '0:00'")
    card(page).get_by_role("combobox", name="Speed").select_option("2×")
    assert sound(page, "playbackRate") == 2
    card(page).get_by_role("button", name="Pause").click()
    expect(card(page).get_by_role("button", name="Play")).to_be_visible()

    # By keys, also over the ends.
    slider.press("Home")
    for key, place in (
        ("ArrowRight", 5), ("ArrowUp", 10), ("ArrowLeft", 5), ("PageUp", 24), ("ArrowRight", 24), ("PageDown", 0),
        ("End", 24), ("ArrowDown", 19),
    ):  # fmt: skip
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuenow", str(place))
        assert abs(sound(page, "currentTime") - place) < 0.1
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 10)
    expect(slider).to_have_attribute("aria-valuenow", "6")
    # It goes on from there, at the chosen speed.
    card(page).get_by_role("button", name="Play").click()
    until(page, "document.querySelector('.recording audio').currentTime > 6.5")
    assert sound(page, "playbackRate") == 2


def test_the_waveform_shows_who_spoke_when(people: People, contact: str) -> None:
    page = opened(people, "agent1", contact)
    drawn = page.locator(".wave:not(.none)")
    drawn.wait_for()
    # The heights of the bars of each side, before and after the middle.
    heights = page.evaluate(
        """() => ["customer", "agent"].map(who => {
            const all = [...document.querySelector(`.wave .${who}`).getAttribute("d").matchAll(/v(-?[\\d.]+)/g)];
            const sizes = all.map(([, height]) => Math.abs(Number(height)));
            const half = sizes.length / 2;
            return [Math.min(...sizes.slice(0, half - 1)), Math.max(...sizes.slice(half + 1)),
                    Math.max(...sizes.slice(0, half - 1)), Math.min(...sizes.slice(half + 1))];
        })"""
    )
    (customer_first, customer_rest, _, _), (_, _, agent_first, agent_rest) = heights
    assert customer_first > 25 > 8 > customer_rest and agent_rest > 25 > 8 > agent_first
    assert page.locator(".wave rect.paused").count() == 1
    expect(card(page).get_by_role("slider")).to_contain_text("Not recorded from 0:14 to 0:16.")


def test_the_course_of_a_call(people: People, contact: str) -> None:
    page = opened(people, "agent1", contact)
    pane = page.get_by_role("region", name="Customer", exact=True)
    expect(pane.get_by_role("heading", name="Call", exact=True)).to_be_visible()
    told = pane.locator(".timeline li span")
    expect(told.last).to_have_text("Wrap-up finished")
    assert told.all_text_contents() == [
        "+493012345678 called +4930999",
        "Waits in Support",
        "The customer's line is open",
        "Offered to Nadia Berg",
        "Nadia Berg accepted",
        "Talks with Nadia Berg",
        "Recording",
        "Ended by the customer: hung up",
        "Wrap-up finished",
    ]
    expect(pane.locator(".call-lines dd").first).to_have_text(
        "PCMA · MOS 4.3 · loss 1.2% · jitter 3.5 ms · round trip 41 ms"
    )


def test_all_recordings_of_a_contact_are_there_and_play(people: People, shared_hub: DemoHub) -> None:
    agent = people.agent("agent1")
    page, contact = agent.page, past_call(shared_hub, count=2)
    page.evaluate("contact => (location.hash = `#/contact/${contact}`)", contact)
    cards = card(page)
    expect(cards).to_have_count(2)
    first, second = (cards.nth(n).get_attribute("aria-label") for n in range(2))
    assert first is not None and second is not None and first < second, "told apart by name, the older first"
    for n in range(2):
        cards.nth(n).get_by_role("button", name="Play").click()
        until(page, f"document.querySelectorAll('.recording audio')[{n}].currentTime > 0.3")
    expect(cards.nth(0).get_by_role("button", name="Play")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('.recording audio')[0].paused"), "one at a time is heard"
    settle(page)
    agent.picture("two-recordings")
    assert violations(page) == [] and not overflows(page)


def test_rights_decide_what_is_offered(people: People, contact: str) -> None:
    agent = opened(people, "agent1", contact)
    card(agent).wait_for()
    assert card(agent).get_by_role("button", name="More about this recording").count() == 0
    stranger = opened(people, "agent2", contact)
    stranger.get_by_role("heading").first.wait_for()
    assert card(stranger).count() == 0
    lead = opened(people, "lead", contact)
    card(lead).get_by_role("button", name="More about this recording").click()
    expect(lead.get_by_role("menuitem")).to_have_count(5)
    with lead.expect_download() as saved:
        lead.get_by_role("menuitem", name="WAV, A-law").click()
    assert saved.value.suggested_filename.endswith(".alaw.wav")
    assert Path(saved.value.path()).read_bytes()[:4] == b"RIFF"


def test_deleting_asks_and_is_told(people: People, shared_hub: DemoHub) -> None:
    admin = opened(people, "admin", past_call(shared_hub))
    card(admin).get_by_role("button", name="More about this recording").click()
    admin.get_by_role("menuitem", name="Delete recording").click()
    dialog = admin.get_by_role("dialog", name="Delete this recording?")
    dialog.get_by_role("button", name="Delete").click()
    expect(card(admin)).to_contain_text("deleted the recording on")
    expect(card(admin).get_by_role("slider")).to_have_count(0)


def test_a_recording_is_kept_for_a_reason_and_released(people: People, shared_hub: DemoHub) -> None:
    agent = people.agent("admin")
    admin, contact = agent.page, past_call(shared_hub)
    admin.evaluate("contact => (location.hash = `#/contact/${contact}`)", contact)
    more = card(admin).get_by_role("button", name="More about this recording")
    more.click()
    admin.get_by_role("menuitem", name="Keep beyond its time").click()
    dialog = admin.get_by_role("dialog", name="Keep beyond its time")
    keep = dialog.get_by_role("button", name="Keep", exact=True)
    expect(keep).to_be_disabled()
    dialog.get_by_role("textbox", name="Reason").fill("Case 7 Berg")
    settle(admin)
    agent.picture("recording-keep")
    assert violations(admin) == [] and not overflows(admin)
    keep.click()
    expect(card(admin)).to_contain_text("Kept whatever its age: Case 7 Berg")
    more.click()
    expect(admin.get_by_role("menuitem", name="Delete recording")).to_have_count(0)
    admin.get_by_role("menuitem", name="Keep no longer than others").click()
    expect(card(admin)).not_to_contain_text("Case 7 Berg")
    more.click()
    expect(admin.get_by_role("menuitem", name="Delete recording")).to_be_visible()
    audit = admin.evaluate("fetch('/api/v1/audit?kind=recording').then(answer => answer.json())")
    kept = [entry for entry in audit["items"] if entry["action"] in ("hold", "release")]
    assert [(entry["action"], entry["after"]["reason"]) for entry in kept] == [("release", ""), ("hold", "Case 7 Berg")]


def test_a_file_that_is_gone_is_told(people: People, shared_hub: DemoHub) -> None:
    page = opened(people, "agent1", past_call(shared_hub, sound=False))
    card(page).get_by_role("button", name="Play").click()
    expect(card(page).get_by_role("alert")).to_contain_text("cannot be played")


def test_a_queue_says_what_is_recorded(own_office: Office) -> None:
    admin = own_office.enter("admin", "/admin#/queues/billing")
    form = admin.page.get_by_role("region", name="Recording of calls")
    form.get_by_label("Calls that are recorded").select_option("None")
    expect(form.get_by_label("Kept for")).to_have_count(0)
    form.get_by_label("Calls that are recorded").select_option("A share of them")
    form.get_by_label("Share").fill("25")
    form.get_by_label("Kept for").fill("30")
    form.get_by_role("switch", name="Tell callers first").click()
    admin.picture("queue-recording")
    admin.save()
    row = admin.page.evaluate("fetch('/api/v1/queues/billing').then(answer => answer.json())")
    assert row["recording"] == {"mode": "percentage", "percent": 25, "announce": False, "keep_days": 30}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(people: People, contact: str, scheme: str) -> None:
    agent = people.agent("agent1", color_scheme=scheme)
    page = agent.page
    page.evaluate("contact => (location.hash = `#/contact/${contact}`)", contact)
    page.locator(".wave:not(.none)").wait_for()
    card(page).get_by_role("slider").press("ArrowRight")
    for name, width, height in (("desk", 1440, 900), ("small", 1100, 760), ("phone", 390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        agent.picture(f"recording-{name}")
        assert violations(page) == [] and not overflows(page)
    page.get_by_role("button", name="Show the customer").click()
    settle(page)
    agent.picture("course-phone")
    # No style of something else hides a step.
    expect(page.get_by_text("Talks with Nadia Berg")).to_be_visible()
    assert violations(page) == [] and not overflows(page)


def test_in_chinese_on_a_phone(people: People, contact: str) -> None:
    agent = people.agent("agent1", locale="zh-CN", **PHONE)
    page = agent.page
    page.evaluate("contact => (location.hash = `#/contact/${contact}`)", contact)
    page.get_by_role("slider", name="播放位置").wait_for()
    page.get_by_role("button", name="播放", exact=True).wait_for()
    page.locator(".wave:not(.none)").wait_for()
    settle(page)
    agent.picture("recording-chinese")
    assert "calls." not in page.evaluate("document.body.innerText")

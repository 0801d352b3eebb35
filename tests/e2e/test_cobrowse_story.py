"""A customer shares the pages of the demo shop with an agent, who points, fills in fields and presses a button."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Error, FrameLocator, Locator, expect

from tests.clients import SignedIn
from tests.e2e.conftest import People
from tests.e2e.letters import letter, post
from tests.e2e.office import accessible
from tests.e2e.people import Agent, Visitor
from tests.e2e.test_widget_call import answers, ask_for_a_call, talks
from tests.e2e.voices import Speak, speaking
from tests.hub import DemoHub
from tests.peers import require
from tests.ports import free_port

__all__ = ["speaking"]  # a fixture

CARD = "4242 4242 4242 4242"


def two_ports() -> int:
    """A port that is free, as is the one after it: the viewer's."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    require("node")
    served = DemoHub(tmp_path_factory.mktemp("cobrowse"), port=two_ports()).start()
    yield served
    assert served.stop() == 0, served.log.read_text()


@pytest.fixture
def own_hub(hub: DemoHub) -> DemoHub:
    """Who speaks does it here, too."""
    return hub


@pytest.fixture
def people(chromium: Browser, hub: DemoHub, artefacts: Path) -> Iterator[People]:
    group = People(chromium, hub, artefacts)
    yield group
    group.leave()


def mirror(agent: Agent) -> FrameLocator:
    """The customer's page as the agent has it."""
    return agent.page.frame_locator(".cob-frame").frame_locator(".stage:not(.coming) iframe")


def everything(agent: Agent) -> str:
    """The mirrored page with what is in its fields. It may be put together anew in that very moment."""
    while True:
        try:
            seen: str = (
                mirror(agent)
                .locator("html")
                .evaluate("page => page.outerHTML + [...page.querySelectorAll('input')].map((field) => field.value)")
            )
            return seen
        except Error as error:
            assert "detached" in str(error)


def banner(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="Nadia sees this page")


def talking(people: People, name: str) -> tuple[Agent, Visitor]:
    agent, clara = people.agent("agent1"), people.visitor()
    clara.visit("/demo/product-kyusu.html")
    clara.start_chat(name, "Support", "It keeps saying that my address is not complete.")
    agent.set_status("available")
    agent.accept(name)
    return agent, clara


def on_a_call(speaking: Speak, name: str) -> tuple[Agent, Visitor]:
    agent, clara = speaking(440).agent("agent1"), speaking(1000).visitor()
    clara.visit("/demo/product-kyusu.html")
    clara.open_widget()
    ask_for_a_call(clara, name).get_by_role("button", name="Start call").click()
    answers(agent, name)
    return agent, clara


def ask(agent: Agent, *capabilities: str) -> None:
    agent.page.get_by_role("button", name="Co-browse").click()
    for capability in capabilities:
        agent.page.get_by_role("checkbox", name=capability).check()
    agent.page.get_by_role("button", name="Ask", exact=True).click()


def fill(agent: Agent, label: str, value: str, *, choose: bool = False) -> None:
    agent.page.get_by_role("combobox", name="Field").select_option(label=label)
    editor = agent.page.locator(".cob-side form")
    if choose:
        editor.get_by_label(label).select_option(label=value)
    else:
        editor.get_by_label(label).fill(value)
    editor.get_by_role("button", name="Fill in").click()


def test_who_wrote_a_mail_joins_by_a_code(people: People, hub: DemoHub) -> None:
    agent, mara = people.agent("agent1"), people.visitor()
    agent.set_status("available")
    post(hub, letter("The checkout", "It does not take my address.", sender="Mara Lind <mara.code@example.org>"))
    agent.accept("Mara Lind")
    page = agent.page
    page.get_by_role("button", name="Co-browse").click()
    expect(page.get_by_role("heading", name="See Mara Lind's page")).to_be_visible()
    agent.picture("code-before")
    page.get_by_role("button", name="Make a code").click()
    shown = page.locator(".cob-code")
    expect(shown).to_have_text(re.compile(r"^\d{3}\s\d{3}$"))
    first = shown.inner_text()
    page.get_by_role("button", name="New code").click()
    expect(shown).not_to_have_text(first)
    agent.picture("code")
    assert not accessible(page)

    mara.visit("/demo/product-kyusu.html")
    mara.open_widget()
    mara.picture("home")
    mara.widget.get_by_role("button", name="I was given a code").click()
    field = mara.widget.get_by_role("textbox", name="Code")
    enter = mara.widget.get_by_role("button", name="Continue")
    field.fill(first)
    enter.click()
    expect(mara.widget.get_by_role("alert")).to_contain_text("not good")
    mara.picture("wrong-code")
    assert not accessible(mara.page)
    field.fill(shown.inner_text())
    enter.click()
    question = mara.widget.get_by_role("dialog", name="Share this page?")
    expect(question).to_contain_text("Nadia asks to look at it with you.")
    expect(page.get_by_text("Waiting for Mara Lind")).to_be_visible()
    mara.picture("question")
    question.get_by_role("button", name="Share", exact=True).click()
    expect(banner(mara)).to_be_visible()
    expect(mirror(agent).get_by_role("heading", level=1)).to_be_visible()
    mara.picture("shared")
    # The panel may be closed, and the next page goes on.
    mara.widget.get_by_role("button", name="Minimise").click()
    mara.visit("/demo/")
    expect(banner(mara)).to_be_visible()
    expect(page.locator(".cob-url")).to_have_text(re.compile(r"/demo/$"))
    agent.picture("code-shared")
    banner(mara).get_by_role("button", name="Stop sharing").click()
    expect(banner(mara)).to_have_count(0)
    expect(page.get_by_text("Mara Lind stopped sharing.")).to_be_visible()
    mara.open_widget()
    expect(mara.widget.get_by_role("button", name="I was given a code")).to_be_visible()


def test_they_fill_in_the_checkout_together_during_a_call(speaking: Speak) -> None:
    agent, clara = on_a_call(speaking, "Clara Berg")
    ask(agent, "Fill in fields", "Press for the customer")
    expect(agent.page.get_by_text("Waiting for Clara Berg")).to_be_visible()
    question = clara.widget.get_by_role("dialog", name="Share this page?")
    expect(question.get_by_role("button", name="Don't share")).to_be_focused()
    clara.picture("question")
    question.get_by_label("Fill in fields with you").check()
    question.get_by_label("Press links and buttons").check()
    question.get_by_role("button", name="Share", exact=True).click()

    # He sees her page, and follows her to another.
    expect(banner(clara)).to_be_visible()
    expect(mirror(agent).get_by_role("heading", level=1)).to_contain_text("yusu")
    expect(agent.page.get_by_text("Live", exact=True)).to_be_visible()
    expect(mirror(agent).locator("main img").first).to_have_attribute("srcset", re.compile("^blob:"))
    agent.picture("pictures")
    clara.page.get_by_role("button", name="Add to basket").click()
    clara.visit("/demo/checkout.html")
    expect(mirror(agent).get_by_role("heading", name="Checkout")).to_be_visible()
    expect(agent.page.locator(".cob-url")).to_contain_text("/demo/checkout.html")
    clara.picture("shared")
    agent.picture("live")

    # What she types where the site shares it is seen; her card never is.
    clara.page.get_by_label("City").fill("Berlin")
    expect(mirror(agent).locator("#city")).to_have_value("Berlin")
    clara.page.get_by_label("Card number").fill(CARD)
    clara.page.get_by_label("First name").focus()
    expect(agent.page.get_by_text("fields hidden")).to_be_visible()

    # He points, and shows her a place.
    agent.page.get_by_role("button", name="Point", exact=True).click()
    frame = agent.page.locator(".cob-frame").bounding_box()
    assert frame is not None
    agent.page.mouse.move(frame["x"] + 200, frame["y"] + 200)
    agent.page.mouse.move(frame["x"] + 210, frame["y"] + 210)
    expect(clara.page.locator("contact-hub .ptr")).to_contain_text("Nadia")
    agent.page.get_by_role("button", name="Show place").click()
    mirrored = mirror(agent).locator("#postcode").bounding_box()
    assert mirrored is not None
    agent.page.mouse.click(mirrored["x"] + 10, mirrored["y"] + 8)
    expect(clara.page.get_by_text("Nadia asks you to look here")).to_be_visible()
    clara.picture("pointed")

    # He fills in three fields; the one that she is in stays hers until she says so.
    agent.page.get_by_role("button", name="Fill", exact=True).click()
    fill(agent, "Street", "Kastanienallee")
    expect(clara.page.get_by_label("Street")).to_have_value("Kastanienallee")
    fill(agent, "Postcode", "10435")
    expect(clara.page.get_by_label("Postcode")).to_have_value("10435")
    fill(agent, "Title (if you like)", "Dr.", choose=True)
    expect(clara.page.get_by_label("Title (if you like)")).to_have_value("Dr.")
    expect(mirror(agent).locator("#street")).to_have_value("Kastanienallee")
    clara.page.get_by_label("First name").focus()
    fill(agent, "First name", "Clara")
    expect(clara.page.get_by_text("Nadia suggests:")).to_be_visible()
    clara.picture("suggested")
    agent.picture("suggested")
    expect(clara.page.get_by_label("First name")).to_have_value("")
    clara.page.get_by_role("button", name="Use it").click()
    expect(clara.page.get_by_label("First name")).to_have_value("Clara")
    # What the card has goes where it belongs, and leaves alone what is written already.
    agent.page.get_by_role("button", name="Fill in from the card").click()
    expect(clara.page.get_by_label("Last name")).to_have_value("Berg")
    expect(agent.page.get_by_text("You filled in family-name from the card")).to_be_visible()
    expect(agent.page.get_by_text("given-name was filled in already")).to_be_visible()
    agent.picture("card")
    shared = agent.page.get_by_role("combobox", name="Field").inner_text()
    assert "Card number" not in shared and "VAT" not in shared

    # What sends something is hers to press.
    agent.page.get_by_role("button", name="Press", exact=True).click()
    send = mirror(agent).get_by_role("button", name="Review and order").bounding_box()
    assert send is not None
    agent.page.mouse.click(send["x"] + 10, send["y"] + 8)
    agent.page.get_by_role("button", name="Press it").click()
    asked = clara.page.get_by_role("alertdialog")
    expect(asked).to_contain_text("Review and order")
    clara.picture("asked")
    asked.get_by_role("button", name="Press it").click()
    expect(clara.page.locator("[data-trouble]")).to_be_visible()  # the shop says what is missing

    # Nothing of the card is anywhere on his side.
    assert "4242" not in everything(agent)
    assert accessible(agent.page) == []

    banner(clara).get_by_role("button", name="Stop sharing").click()
    expect(agent.page.get_by_text("Clara Berg stopped sharing.")).to_be_visible()
    talks(agent.page)  # the call went on all the time
    expect(banner(clara)).to_have_count(0)
    assert agent.troubles == [] and clara.troubles == []


def test_the_customer_decides_from_moment_to_moment(people: People, hub: DemoHub) -> None:
    agent, clara = talking(people, "Dora Stein")
    ask(agent)
    question = clara.widget.get_by_role("dialog", name="Share this page?")
    question.get_by_role("button", name="Don't share").click()
    expect(agent.page.get_by_text("Dora Stein would rather not share.")).to_be_visible()

    # Offered by herself, from the chat's menu; the page comes before the agent without being asked for.
    clara.widget.get_by_role("button", name="More").click()
    clara.widget.get_by_role("button", name="Share my screen page").click()
    question.get_by_role("button", name="Share", exact=True).click()
    heading = mirror(agent).get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    expect(agent.page.get_by_role("button", name="Fill", exact=True)).to_be_disabled()

    # More is asked for, and allowed.
    agent.page.get_by_role("button", name="Ask Fill in fields").click()
    more = clara.widget.get_by_role("dialog", name="Allow more?")
    clara.picture("more")
    more.get_by_role("button", name="Allow").click()
    expect(agent.page.get_by_role("button", name="Fill", exact=True)).to_be_enabled()

    # A supervisor looks on: she is told who, and he can do nothing but look.
    lead = people.agent("lead")
    lead.page.goto(agent.page.url)
    lead.page.get_by_role("button", name="Watch page").click()
    expect(mirror(lead).get_by_role("heading", level=1)).to_be_visible()
    expect(clara.page.get_by_role("region", name="Nadia and Ida see this page")).to_be_visible()
    expect(agent.page.get_by_text("Ida Novak looks on as well.")).to_be_visible()
    expect(lead.page.get_by_role("button", name="Point", exact=True)).to_be_disabled()
    lead.picture("looks-on")
    clara.picture("looked-on")
    assert accessible(lead.page) == []
    lead.page.get_by_role("button", name="To the conversation").click()
    expect(banner(clara)).to_be_visible()

    # One thing is taken back; the rest goes on.
    banner(clara).get_by_role("button", name="Take back: Point at things").click()
    expect(agent.page.get_by_role("button", name="Point", exact=True)).to_be_disabled()
    expect(agent.page.get_by_text("Dora Stein took something back")).to_be_visible()
    expect(agent.page.get_by_role("button", name="Fill", exact=True)).to_be_enabled()
    expect(banner(clara).get_by_role("button", name="Take back: Fill in fields with you")).to_be_visible()
    clara.picture("taken-back")

    # A moment for herself: nothing is seen.
    banner(clara).get_by_role("button", name="Pause").click()
    expect(agent.page.locator(".cob-curtain")).to_contain_text("Dora Stein has paused")
    agent.picture("paused")
    clara.picture("paused")
    banner(clara).get_by_role("button", name="Go on").click()
    expect(heading).to_be_visible()

    # The agent's window and the hub itself begin anew; the sharing goes on.
    agent.page.reload()
    agent.page.get_by_role("button", name="Co-browse").click()
    expect(heading).to_be_visible()
    hub.kill()
    hub.start()
    expect(agent.page.get_by_text("Live", exact=True)).to_be_visible(timeout=60_000)
    clara.page.get_by_role("textbox", name="Quantity").focus()
    expect(banner(clara)).to_be_visible()
    clara.visit("/demo/checkout.html")
    expect(mirror(agent).get_by_role("heading", name="Checkout")).to_be_visible(timeout=60_000)

    # A page for both: hers to allow, each time.
    agent.page.get_by_role("button", name="Ask Open pages of the site").click()
    more.get_by_role("button", name="Allow").click()
    agent.page.get_by_role("button", name="Open page").click()
    agent.page.get_by_label("Address on the customer's site").fill("https://elsewhere.example/")
    agent.page.get_by_role("button", name="Open it").click()
    expect(agent.page.get_by_text("https://elsewhere.example/ is not a page of this site")).to_be_visible()
    agent.page.get_by_label("Address on the customer's site").fill("basket.html")
    agent.page.get_by_role("button", name="Open it").click()
    clara.page.get_by_role("alertdialog").get_by_role("button", name="Open it").click()
    clara.page.wait_for_url("**/demo/basket.html")
    expect(agent.page.locator(".cob-url")).to_contain_text("/demo/basket.html")

    expect(banner(clara)).to_be_visible()
    clara.page.locator("body").click(position={"x": 5, "y": 300})
    clara.page.keyboard.press("Escape")
    expect(agent.page.get_by_text("Dora Stein stopped sharing.")).to_be_visible()
    expect(banner(clara)).to_have_count(0)


def test_the_tab_that_the_customer_is_in_is_shown(people: People, hub: DemoHub) -> None:
    agent, clara = talking(people, "Tara Falk")
    ask(agent)
    question = clara.widget.get_by_role("dialog", name="Share this page?")
    question.get_by_role("button", name="Share", exact=True).click()
    heading = mirror(agent).get_by_role("heading", level=1)
    expect(heading).to_contain_text("yusu")
    expect(banner(clara)).to_be_visible()

    # A tab that she opens is shown, and the one before no more.
    second = clara.page.context.new_page()
    second.goto(f"{hub.url}/demo/checkout.html")
    other = second.get_by_role("region", name="Nadia sees this page")
    expect(other).to_be_visible()
    expect(banner(clara)).to_have_count(0)
    expect(heading).to_have_text("Checkout")
    happened = agent.page.get_by_text("Tara Falk went to another tab")
    expect(happened).to_have_count(1)
    agent.picture("other-tab")

    # The one that she turns to is; two are never shown at a time.
    clara.page.locator("h1").click()
    expect(banner(clara)).to_be_visible()
    expect(other).to_have_count(0)
    expect(heading).to_contain_text("yusu")
    expect(happened).to_have_count(2)
    second.locator("h1").click()
    expect(other).to_be_visible()
    expect(heading).to_have_text("Checkout")
    # It stays what was allowed in the first.
    other.get_by_role("button", name="Take back: Point at things").click()
    expect(agent.page.get_by_role("button", name="Point", exact=True)).to_be_disabled()
    other.get_by_role("button", name="Stop sharing").click()
    expect(agent.page.get_by_text("Tara Falk stopped sharing.")).to_be_visible()
    expect(banner(clara)).to_have_count(0)
    second.close()


def records(hub: DemoHub, on: bool) -> None:
    """The administrator's setting of the demo's site."""
    admin = SignedIn(hub.url, "admin")
    headers = {"Cookie": admin.cookie, "X-CSRF-Token": admin.csrf, "Origin": hub.url}
    with httpx.Client(base_url=hub.url, headers=headers, trust_env=False) as client:
        site = client.get("/api/v1/sites/demo").raise_for_status().json()
        body = {name: value for name, value in site.items() if name not in ("id", "updated_at", "identity_secret")}
        body["cobrowse"] |= {"record": on}
        client.put("/api/v1/sites/demo", json=body).raise_for_status()


def test_what_was_recorded_is_played_back(people: People, hub: DemoHub) -> None:
    records(hub, True)
    agent, clara = talking(people, "Rosa Winter")
    ask(agent)
    question = clara.widget.get_by_role("dialog", name="Share this page?")
    expect(question.get_by_label("Record what is shown")).not_to_be_checked()
    question.get_by_label("Record what is shown").check()
    clara.picture("record-question")
    question.get_by_role("button", name="Share", exact=True).click()
    expect(banner(clara)).to_contain_text("Record what is shown")
    expect(mirror(agent).get_by_role("heading", level=1)).to_contain_text("yusu")
    expect(mirror(agent).locator("main img").first).to_have_attribute("srcset", re.compile("^blob:"))
    clara.visit("/demo/checkout.html")
    expect(mirror(agent).get_by_role("heading", name="Checkout")).to_be_visible()
    clara.page.get_by_label("City").fill("Potsdam")
    clara.page.get_by_label("Card number").fill(CARD)
    expect(mirror(agent).locator("#city")).to_have_value("Potsdam")
    banner(clara).get_by_role("button", name="Stop sharing").click()
    expect(agent.page.get_by_text("Rosa Winter stopped sharing.")).to_be_visible()
    agent.page.get_by_role("button", name="To the conversation").click()
    agent.page.get_by_role("button", name="Close", exact=True).click()

    card = agent.page.get_by_role("region", name="Recording of the page shared at")
    card.get_by_role("button", name="Watch").click()
    replay = agent.page.get_by_role("dialog", name="What was shown")
    shown = agent.page.frame_locator(".replay iframe").frame_locator(".stage:not(.coming) iframe")
    expect(shown.get_by_role("heading", level=1)).to_contain_text("yusu")
    place = replay.get_by_role("slider", name="Place in the recording")
    # Pictures are not in it; once they are told of, their places say so.
    kyusu = shown.locator("main img").first
    while not (kyusu.get_attribute("src") or kyusu.get_attribute("srcset")):
        place.press("ArrowRight")
    expect(kyusu).to_have_attribute("src", re.compile(r"^data:image/svg\+xml,.*Picture%20not%20recorded"))
    agent.picture("replay-pictures")
    place.press("End")
    expect(shown.locator("#city")).to_have_value("Potsdam")
    agent.picture("replay")
    assert accessible(agent.page) == []
    place.press("Home")
    expect(shown.get_by_role("heading", level=1)).to_contain_text("yusu")
    replay.get_by_role("combobox", name="Speed").select_option("8")
    replay.get_by_role("button", name="Play").click()
    expect(shown.locator("#city")).to_have_value("Potsdam")
    expect(replay.get_by_role("button", name="Play")).to_be_visible()  # it has come to its end
    inside = shown.locator("html").evaluate(
        "page => page.outerHTML + [...page.querySelectorAll('input')].map((field) => field.value)"
    )
    assert "4242" not in inside and agent.troubles == []
    replay.get_by_role("button", name="Close").click()
    expect(replay).to_have_count(0)
    records(hub, False)

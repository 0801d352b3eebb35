"""Callbacks at the desks: an agent reads, says not now, calls and asks; a supervisor plans, imports and cancels."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import People
from tests.e2e.office import Office, Staff, accessible, keys_shown, wider_than_window
from tests.e2e.people import Agent
from tests.e2e.test_desktop_channels import CALL
from tests.e2e.voices import launch
from tests.hub import DemoHub
from tests.integration.media.browser import FLAGS
from tests.peers import require
from tests.ports import free_port

SETTINGS = """[callbacks]
enabled = true
hours = "00:00-24:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
per_number = 50
slot_capacity = 2
[voice]
countries = ["CN", "DE", "GB", "US"]
"""
SIZES = (("desk", 1440, 900), ("small", 1000, 760), ("phone", 390, 844))
ECHOED = ("via", "from", "call-id", "cseq")
Json = dict[str, Any]


@contextmanager
def busy_network() -> Iterator[int]:
    """A phone network at which everybody is busy (RFC 3261): its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        port = free_port()
        wire.bind(("127.0.0.1", port))

        def answer() -> None:
            while True:
                data, peer = wire.recvfrom(65_535)
                first, *lines = data.decode().split("\r\n")
                if first == "end":
                    return
                status = {"OPTIONS": "200 OK", "INVITE": "486 Busy Here"}.get(first.partition(" ")[0])
                if status is not None:
                    kept = [line for line in lines if line.partition(":")[0].strip().lower() in ECHOED]
                    to = next(line for line in lines if line.lower().startswith("to:"))
                    answered = [f"SIP/2.0 {status}", *kept, f"{to};tag=busy", "Content-Length: 0", "", ""]
                    wire.sendto("\r\n".join(answered).encode(), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        yield port
        wire.sendto(b"end\r\n", ("127.0.0.1", port))
        thread.join()


@pytest.fixture(scope="module")
def hub(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """A hub whose only trunk leads to the busy network; who accepts a callback of the queue Support reads for ten
    minutes, who has one of Billing is put through at once."""
    require("node")
    folder = tmp_path_factory.mktemp("hub")
    hub = DemoHub(folder, settings=SETTINGS).start()
    with busy_network() as port:
        office = Office(chromium, hub, folder)
        admin = office.enter("admin", "/admin").page
        trunk = {"id": "line", "name": "Line", "networks": ["127.0.0.1/32"], "host": "127.0.0.1", "port": port}
        admin.evaluate(CALL, ["POST", "trunks", trunk])
        changes = {"support": {"preview_s": 600}, "billing": {"preview_s": 0}, "sales": {"dial": "customer_first"}}
        for queue, change in changes.items():
            row = admin.evaluate("(queue) => fetch('/api/v1/queues/' + queue).then((answer) => answer.json())", queue)
            admin.evaluate(CALL, ["PUT", f"queues/{queue}", row | change])
        office.leave()
        yield hub
        assert hub.stop() == 0, hub.log.read_text()


@pytest.fixture
def office(chromium: Browser, hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    group = Office(chromium, hub, artefacts)
    yield group
    group.leave()


@pytest.fixture
def speakers(chromium: Browser, hub: DemoHub, artefacts: Path) -> Iterator[People]:
    browser = launch(chromium, *FLAGS)
    group = People(browser, hub, artefacts)
    yield group
    group.leave()
    browser.close()


def ask(page: Page, phone: str, **values: Any) -> Json:
    """Asks for a callback as a program does, with the rights of who is signed in there."""
    asked: Json = page.evaluate(CALL, ["POST", "callbacks", {"phone": phone, "queue": "support"} | values])
    return asked


def slot_of(page: Page, days: int) -> int:
    """The start of a slot that is free so many days from now, at noon here."""
    query = "fetch('/api/v1/callback-slots?queue=support').then((answer) => answer.json())"
    noon = page.evaluate("(days) => new Date().setHours(12, 0, 0, 0) + days * 86400000", days)
    starts: list[int] = [
        slot["start"] for slot in page.evaluate(query)["items"] if slot["start"] >= noon and slot["left"] == 2
    ]
    return starts[0]


def iso(page: Page, at: int) -> str:
    text: str = page.evaluate("(at) => new Date(at).toISOString()", at)
    return text


def looks_right(person: Agent | Staff, name: str) -> None:
    person.page.wait_for_timeout(400)  # what fades in has its final colours
    person.picture(name)
    assert accessible(person.page) == []
    assert keys_shown(person.page) == []
    assert wider_than_window(person.page) == 0


def finish(page: Page) -> None:
    """Ends the wrap-up."""
    wrapping = page.get_by_role("region", name="Wrap-up")
    wrapping.get_by_role("combobox", name="Outcome").click()
    page.get_by_role("listbox").get_by_role("option").first.click()  # a recording's player has options too
    wrapping.get_by_role("button", name="Finish wrap-up").click()
    expect(wrapping).to_have_count(0)


def test_an_agent_reads_says_not_now_and_calls(speakers: People, office: Office) -> None:
    lead = office.enter("lead", "/callbacks")
    agent = speakers.agent("agent1")
    page = agent.page
    agent.set_status("available")
    note = "The invoice of order 4711 is wrong"
    callback = ask(lead.page, "+49 30 5550101", name="Eva Berg", note=note, topic="Support")
    offer = page.get_by_role("alertdialog", name="Callback for Eva Berg")
    expect(offer.get_by_text("+49305550101")).to_be_visible()
    expect(offer.get_by_text(note).first).to_be_visible()
    looks_right(agent, "offer")
    offer.get_by_role("button", name="Accept").click()

    card = page.get_by_role("region", name="Callback for Eva Berg")
    expect(card.get_by_text("Read before you call")).to_be_visible()
    expect(card.get_by_role("timer")).to_contain_text("The call starts by itself in 9:")
    expect(card.get_by_text(note)).to_be_visible()
    expect(page.get_by_role("toolbar", name="Call")).to_have_count(0)
    for name, width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        looks_right(agent, f"preview-{name}")
    page.set_viewport_size({"width": 1440, "height": 900})

    card.get_by_role("button", name="Not now").click()
    dialog = page.get_by_role("dialog", name="Not now")
    dialog.get_by_role("combobox", name="When is it called instead?").click()
    page.get_by_role("option", name="In 30 minutes").click()
    dialog.get_by_role("textbox", name="Reason").fill("wants to speak with Lin")
    looks_right(agent, "not-now")
    dialog.get_by_role("button", name="Do not call now").click()
    row = lead.page.get_by_role("row").filter(has_text="Eva Berg")
    expect(row.get_by_text("Put off by the agent")).to_be_visible()
    expect(card.get_by_text("Put off by the agent. Next attempt:")).to_be_visible()

    # The supervisor has it called all the same; the agent sees why it was put off, and calls.
    row.get_by_role("button").click()
    lead.page.get_by_role("dialog").get_by_role("button", name="Call now").click()
    expect(offer.get_by_text("wants to speak with Lin")).to_be_visible()
    offer.get_by_role("button", name="Accept").click()
    card.get_by_role("button", name="Call now").click()
    expect(card.get_by_role("status")).to_have_text(re.compile("Busy. Next attempt: "))
    expect(card.get_by_text(re.compile("1 of 3 · .* Busy"))).to_be_visible()
    page.get_by_role("region", name="Wrap-up").wait_for()
    looks_right(agent, "busy")
    expect(lead.page.get_by_role("dialog").get_by_role("row").filter(has_text="Busy (486)")).to_be_visible()
    lead.page.evaluate(CALL, ["POST", f"callbacks/{callback['id']}/cancel", {}])
    finish(page)

    # Without time to read, it is a call as soon as it is accepted.
    callback = ask(lead.page, "+49 30 5550102", name="Max Roth", queue="billing")
    page.get_by_role("alertdialog", name="Callback for Max Roth").get_by_role("button", name="Accept").click()
    busy = page.get_by_role("region", name="Callback for Max Roth").get_by_role("status")
    expect(busy).to_have_text(re.compile("Busy. Next attempt: "))
    lead.page.evaluate(CALL, ["POST", f"callbacks/{callback['id']}/cancel", {}])
    finish(page)


def test_an_agent_asks_for_a_callback_in_a_conversation(speakers: People, office: Office) -> None:
    lead = office.enter("lead", "/callbacks")
    agent = speakers.agent("agent2")
    page = agent.page
    agent.set_status("available")
    person = {"name": "Nora Holm", "email": "nora@example.org", "phone": "+49305550103"}
    wanted = {"channel": "chat", "queue": "sales", "customer": person}
    chat = lead.page.evaluate(CALL, ["POST", "contacts", wanted])
    agent.accept("Nora Holm")
    page.get_by_role("button", name="Call back", exact=True).click()
    dialog = page.get_by_role("dialog", name="Call back later")
    expect(dialog.get_by_role("textbox", name="Phone number")).to_have_value("+49305550103")
    dialog.get_by_role("textbox", name="Phone number").fill("+1 900 555 0100")
    dialog.get_by_role("button", name="Request callback").click()
    expect(dialog.get_by_text("Premium numbers are not called.")).to_be_visible()
    dialog.get_by_role("textbox", name="Phone number").fill("+49 30 5550103")
    dialog.get_by_role("radio", name="At a time I choose").click()
    dialog.get_by_role("combobox", name="Day").click()
    page.get_by_role("option").nth(2).click()
    expect(dialog.get_by_role("combobox", name="Time")).to_be_visible()
    looks_right(agent, "ask")
    dialog.get_by_role("button", name="Request callback").click()
    expect(dialog).to_have_count(0)
    expect(agent.log.get_by_text(re.compile(r"Callback \w{8} to \+49305550103: "))).to_be_visible()
    row = lead.page.get_by_role("row").filter(has_text="Nora Holm")
    expect(row.get_by_text("Scheduled", exact=True)).to_be_visible()
    found = lead.page.evaluate("fetch('/api/v1/callbacks?q=5550103').then((answer) => answer.json())")["items"][0]
    assert (found["origin"], found["conversation"], found["customer"]) == ("agent", chat["id"], chat["customer"]["id"])
    page.get_by_role("button", name="Close", exact=True).click()


def test_a_supervisor_plans_moves_and_cancels(office: Office) -> None:
    lead = office.enter("lead", "/callbacks", reduced_motion="reduce")
    page = lead.page
    start = slot_of(page, 1)
    for n in range(2):
        ask(page, f"+49 30 555020{n}", name=f"Customer {n}", when=iso(page, start))
    page.get_by_role("link", name="Calendar").click()
    slots = page.get_by_role("table", name="Slots")
    page.get_by_role("combobox", name="Queue").click()
    page.get_by_role("option", name="Support").click()
    cell = slots.get_by_role("button", name=re.compile(": 2.2$"))
    expect(cell).to_have_count(1)
    looks_right(lead, "calendar")
    cell.click()
    dialog = page.get_by_role("dialog", name=re.compile("–"))
    expect(dialog.get_by_role("row")).to_have_count(3)
    dialog.get_by_role("button", name="Customer 0").click()
    detail = page.get_by_role("dialog", name="Customer 0")
    detail.get_by_role("button", name="Reassign").click()
    detail.get_by_role("combobox", name="Agent").click()
    page.get_by_role("option").nth(1).click()
    detail.get_by_role("button", name="Assign", exact=True).click()
    expect(detail.get_by_role("button", name="Assign", exact=True)).to_have_count(0)
    detail.get_by_role("button", name="Change time").click()
    looks_right(lead, "detail")
    detail.get_by_role("button", name="Set time").click()
    expect(detail.get_by_role("button", name="Set time")).to_have_count(0)
    detail.get_by_role("button", name="Close dialog").click()
    expect(dialog.get_by_role("row")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(slots.get_by_role("button", name=re.compile(": 1.2$"))).to_have_count(2)

    page.get_by_role("link", name="List").click()
    page.get_by_role("searchbox", name="Number or reference").fill("030 5550201")
    rows = page.get_by_role("table", name="Callbacks").locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel callback").click()
    page.get_by_role("dialog", name="Cancel this callback?").get_by_role("button", name="Cancel callback").click()
    expect(page.get_by_role("dialog").get_by_text("Cancelled")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_text("No callback fits").wait_for()
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Cancelled").click()
    expect(rows).to_have_count(1)


def test_a_supervisor_imports_after_a_look(office: Office) -> None:
    lead = office.enter("lead", "/callbacks")
    page = lead.page
    at = iso(page, slot_of(page, 2))
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog", name="Import")
    people = (("+49 30 5550301", "Ida"), ("+1 900 555 0100", "Mallory"), ("+49 30 1", "X"))
    csv = "\n".join(["phone,name,queue,when", *(f"{phone},{name},support,{at}" for phone, name in people)])
    dialog.get_by_role("textbox", name="CSV").fill("name\nIda")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_role("alert")).to_contain_text("expected a first line with phone")
    dialog.get_by_role("textbox", name="CSV").fill(csv)
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("1 can be taken, 0 are promised already, 2 are wrong")).to_be_visible()
    wrong = dialog.get_by_role("table", name="Lines with mistakes")
    expect(wrong.get_by_role("rowheader")).to_have_text(["3", "4"])
    looks_right(lead, "import")
    dialog.get_by_role("button", name="Import 1 callback").click()
    expect(dialog.get_by_text("1 taken, 0 promised already, 2 wrong")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text="Ida")).to_be_visible()

    page.get_by_role("link", name="Protection").click()
    page.get_by_role("textbox", name="Phone number").fill("+49 30 5550301")
    page.get_by_role("button", name="Never call again").click()
    expect(page.get_by_role("rowheader", name="+49305550301")).to_be_visible()
    expect(page.get_by_role("button", name="Call +49305550301 again")).to_have_count(0)
    first = page.get_by_role("region", name="Customers who are called first")
    expect(first).to_contain_text("0 of 0 who answered in 24 hours found no agent; the limit is 3 %")
    looks_right(lead, "protection")
    page.get_by_role("button", name="Import", exact=True).last.click()
    dialog = page.get_by_role("dialog", name="Import numbers that are never called")
    dialog.get_by_role("textbox", name="CSV").fill("phone\n+49 30 5550301\nnonsense\n+49 30 5550302")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("1 number is new, 1 are wrong")).to_be_visible()
    expect(dialog.get_by_role("table", name="Lines with mistakes").get_by_role("rowheader")).to_have_text(["3"])
    looks_right(lead, "import-numbers")
    dialog.get_by_role("button", name="Import 1 number").click()
    expect(dialog.get_by_text("1 number added, 1 wrong")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("rowheader", name="+49305550302")).to_be_visible()
    page.get_by_role("link", name="List").click()
    expect(page.get_by_role("row").filter(has_text="Ida")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_the_page_looks(office: Office, scheme: Any) -> None:
    lead = office.enter("lead", "/callbacks", color_scheme=scheme, reduced_motion="reduce")
    page = lead.page
    phone = "+49 30 5550401" if scheme == "light" else "+49 30 5550402"
    ask(page, phone, name="Look Here", note="As it looks", when=iso(page, slot_of(page, 3)))
    sizes = SIZES[:1] if scheme == "light" else SIZES[1:]
    for view, ready in (("list", "Look Here"), ("calendar", "12:00"), ("report", "All queues"), ("protection", "Cost")):
        page.goto(f"{office.hub.url}/callbacks#/{view}")
        for name, width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            page.locator("main").get_by_text(ready).first.wait_for()
            looks_right(lead, f"{view}-{name}")


def test_in_chinese(office: Office) -> None:
    lead = office.enter("lead", "/callbacks")
    page = lead.page
    page.evaluate(CALL, ["PATCH", "me", {"locale": "zh-CN"}])
    for view in ("list", "report"):
        page.goto(f"{office.hub.url}/callbacks#/{view}")
        page.reload()
        page.get_by_role("heading", name="回电", exact=True).wait_for()
        looks_right(lead, f"{view}-chinese")
    page.evaluate(CALL, ["PATCH", "me", {"locale": "en"}])


def test_agents_have_no_such_page(office: Office) -> None:
    page = office.enter("agent2", "/agent").page
    expect(page.get_by_role("link", name="Callbacks")).to_have_count(0)
    answer = page.goto(f"{office.hub.url}/callbacks")
    assert answer is not None and answer.status == 403

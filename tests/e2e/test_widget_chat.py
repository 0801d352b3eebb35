"""The panel's conversation: what goes out arrives once and in order, what comes in is only text."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import Agent, Visitor, until
from tests.hub import DemoHub

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3) \u202e"


def talking(people: People, name: str = "Clara Berg", text: str = "Hello there") -> tuple[Visitor, Agent]:
    """A visitor and the agent who has taken the chat."""
    agent = people.agent("agent1")
    agent.set_status("available")
    visitor = people.visitor()
    visitor.visit()
    visitor.start_chat(name, "Support", text)
    agent.accept(name)
    expect(visitor.widget.get_by_role("heading", name="Nadia")).to_be_visible()
    return visitor, agent


UNSENT = re.compile("^(Waiting for the connection|Sending|Not sent.*)$")


def own_words(page: Page | Visitor) -> list[str]:
    """The visitor's own bubbles from top to bottom, without what only screen readers hear."""
    target = page.widget if isinstance(page, Visitor) else page.frame_locator("iframe")
    return [re.sub(r"^You:\s+", "", text) for text in target.locator(".log .m.u").all_inner_texts()]


def test_words_written_without_the_hub_go_out_once_and_in_order_after_a_reload(
    people_of_own_hub: People, own_hub: DemoHub
) -> None:
    visitor, agent = talking(people_of_own_hub)
    visitor.say("before")
    agent.sees("before")
    own_hub.kill()
    for word in ("one", "two", "three"):
        visitor.say(word)
    expect(visitor.widget.get_by_text("Waiting for the connection")).to_have_count(3)
    expect(visitor.widget.get_by_text("Reconnecting")).to_be_visible()
    visitor.picture("reconnecting")
    own_hub.start()
    expect(visitor.widget.get_by_text("Reconnecting")).to_have_count(0)
    # Held, then under way: only what the hub has confirmed is out of the outbox.
    expect(visitor.widget.get_by_text(UNSENT)).to_have_count(0)
    assert own_words(visitor) == ["Hello there", "before", "one", "two", "three"]

    # Again, with a page that is closed before the hub is back: the outbox is in the browser, not in the page.
    own_hub.kill()
    visitor.say("four")
    visitor.say("five")
    expect(visitor.widget.get_by_text("Waiting for the connection")).to_have_count(2)
    visitor.page.goto("about:blank")
    own_hub.start()
    visitor.visit("/demo/studio.html")
    visitor.sees("five")
    expect(visitor.widget.get_by_text(UNSENT)).to_have_count(0)
    assert own_words(visitor) == ["Hello there", "before", "one", "two", "three", "four", "five"]
    agent.sees("five")
    assert agent.log.get_by_text("four", exact=True).count() == 1
    assert visitor.troubles == []


def test_a_locked_store_is_said_and_never_ticked(people_of_own_hub: People, own_hub: DemoHub) -> None:
    visitor, agent = talking(people_of_own_hub)
    lock = sqlite3.connect(next(own_hub.folder.rglob("hub.db")), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    visitor.say("Are you there?")
    expect(visitor.widget.get_by_text("Not sent, retrying")).to_be_visible(timeout=30_000)
    expect(visitor.log.locator(".m.u, .meta").last).to_have_text("Not sent, retrying")
    visitor.picture("not-sent")
    lock.execute("ROLLBACK")
    lock.close()
    expect(visitor.widget.get_by_text("Not sent, retrying")).to_have_count(0, timeout=30_000)
    agent.sees("Are you there?")
    assert own_words(visitor) == ["Hello there", "Are you there?"]


def test_what_others_write_is_text_and_only_addresses_are_links(people_of_own_hub: People) -> None:
    visitor, agent = talking(people_of_own_hub, "Ann <b>Bold</b>", HOSTILE)
    agent.sees(HOSTILE.replace("\u202e", "").strip())
    agent.say("See https://example.com/a?b=1&c=<i>, or javascript:alert(1), or http://ok.test.")
    links = visitor.log.get_by_role("link")
    expect(links).to_have_count(2)
    assert [link.get_attribute("href") for link in links.all()] == ["https://example.com/a?b=1&c=", "http://ok.test"]
    for link in links.all():
        assert link.get_attribute("target") == "_blank"
        assert "noopener" in (link.get_attribute("rel") or "")
    assert visitor.log.locator("img, script, b, i:not([aria-hidden])").count() == 0
    assert visitor.troubles == [] and agent.troubles == []


def test_two_tabs_show_the_same(people_of_own_hub: People) -> None:
    visitor, agent = talking(people_of_own_hub)
    second = visitor.context.new_page()
    second.goto(visitor.url + "/demo/studio.html")
    tab = second.frame_locator("iframe")
    expect(tab.get_by_role("log").get_by_text("Hello there")).to_be_attached()
    agent.say("Hello both")
    visitor.sees("Hello both")
    expect(tab.get_by_role("log").get_by_text("Hello both")).to_be_attached()
    second.get_by_role("button", name="Talk to an agent").click()
    tab.get_by_role("textbox", name="Message").fill("from the second")
    tab.get_by_role("button", name="Send").click()
    visitor.sees("from the second")
    visitor.say("from the first")
    expect(tab.get_by_role("log").get_by_text("from the first")).to_be_visible()
    assert own_words(visitor) == own_words(second) == ["Hello there", "from the second", "from the first"]


def test_unread_words_are_counted_on_the_launcher_and_in_the_title(people_of_own_hub: People) -> None:
    visitor, agent = talking(people_of_own_hub)
    title = visitor.page.title()
    visitor.page.keyboard.press("Escape")
    launcher = visitor.page.get_by_role("button", name="Talk to an agent")
    expect(launcher).to_be_focused()
    agent.say("First")
    agent.say("Second")
    expect(visitor.page.get_by_role("button", name="Talk to an agent, 2 unread messages")).to_be_visible()
    expect(visitor.page).to_have_title(f"(2) {title}")
    visitor.picture("badge")
    launcher.click()
    expect(visitor.widget.get_by_role("separator")).to_have_text("New")
    expect(visitor.page).to_have_title(title)
    visitor.picture("new")
    visitor.say("Thanks")
    expect(visitor.widget.get_by_role("separator")).to_have_count(0)


def test_files_go_both_ways_and_what_is_refused_is_said(people_of_own_hub: People, tmp_path: Path) -> None:
    visitor, agent = talking(people_of_own_hub)
    paper = tmp_path / "care sheet.txt"
    paper.write_text("Rinse with warm water.\n")
    script = tmp_path / "page.html"
    script.write_text("<script>alert(1)</script>")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.widget.get_by_role("button", name="Attach file").click()
    chooser.value.set_files([paper, script])
    expect(visitor.widget.get_by_role("alert").get_by_text("We cannot take files like page.html.")).to_be_visible()
    expect(agent.log.get_by_text("care sheet.txt")).to_be_visible()
    with visitor.page.expect_download() as download:
        visitor.widget.get_by_role("button", name="Download care sheet.txt").click()
    assert Path(download.value.path()).read_text() == "Rinse with warm water.\n"

    # Pasting and dropping do the same as the button.
    for event, field in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        visitor.widget.get_by_role("textbox", name="Message").evaluate(
            """(box, [event, field]) => {
                const data = new DataTransfer();
                data.items.add(new File(["x"], `${event}.txt`, {type: "text/plain"}));
                const made = event == "paste"
                  ? new ClipboardEvent(event, {clipboardData: data, bubbles: true, cancelable: true})
                  : new DragEvent(event, {[field]: data, bubbles: true, cancelable: true});
                box.dispatchEvent(made);
            }""",
            [event, field],
        )
        expect(agent.log.get_by_text(f"{event}.txt")).to_be_visible()


def test_a_draft_outlives_the_page(people_of_own_hub: People) -> None:
    visitor, _ = talking(people_of_own_hub)
    visitor.widget.get_by_role("textbox", name="Message").fill("Half a thought")
    visitor.visit("/demo/studio.html")
    expect(visitor.widget.get_by_role("textbox", name="Message")).to_have_value("Half a thought")


def test_conversations_are_kept_apart_and_earlier_ones_can_be_read(people_of_own_hub: People) -> None:
    visitor, agent = talking(people_of_own_hub, text="The first matter")
    visitor.widget.get_by_role("button", name="End chat").click()
    visitor.widget.get_by_role("button", name="Keep talking").click()
    expect(visitor.widget.get_by_role("dialog", name="End this chat?")).to_have_count(0)
    visitor.widget.get_by_role("button", name="End chat").click()
    visitor.widget.get_by_role("button", name="End chat").click()
    visitor.picture("rating")
    visitor.widget.get_by_role("button", name="Skip").click()
    with visitor.page.expect_download() as download:
        visitor.widget.get_by_role("button", name="Save a copy").click()
    assert "You: The first matter" in Path(download.value.path()).read_text(encoding="utf-8")
    visitor.widget.get_by_role("button", name="Send me a transcript").click()
    expect(visitor.widget.get_by_text("It is on its way to your e-mail address.")).to_be_visible()
    expect(visitor.widget.get_by_role("button", name="Send me a transcript")).to_have_count(0)
    visitor.picture("transcript")
    expect(agent.page.get_by_role("button", name="Finish wrap-up")).to_be_visible()

    visitor.widget.get_by_role("button", name="New chat").click()
    expect(visitor.widget.get_by_role("textbox", name="Name")).to_have_value("Clara Berg")
    visitor.widget.get_by_role("combobox", name="Topic").select_option(label="Sales")
    visitor.widget.get_by_role("textbox", name="How can we help?").fill("The second matter")
    visitor.widget.get_by_role("button", name="Start chat").click()
    visitor.sees("The second matter")
    expect(visitor.log.get_by_text("The first matter")).to_have_count(0)
    visitor.widget.get_by_role("button", name="More").click()
    visitor.widget.get_by_role("button", name="All ways to reach us").click()
    expect(visitor.widget.get_by_role("button", name="Go on with")).to_be_visible()
    visitor.picture("home-with-both")
    visitor.widget.get_by_role("button", name="Earlier conversations").click()
    visitor.widget.get_by_role("button", name="Support").click()
    visitor.sees("The first matter")
    expect(visitor.widget.get_by_role("textbox", name="Message")).to_have_count(0)


def test_signed_identities_are_shown_as_verified_and_signing_out_forgets(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    visitor = people_of_own_hub.visitor()
    visitor.visit("/demo/account.html")
    visitor.page.get_by_role("button", name=re.compile("Sign in")).first.click()
    visitor.open_widget()
    visitor.widget.get_by_role("button", name="Chat").click()
    expect(visitor.widget.get_by_role("textbox", name="Name")).to_have_value("Clara Berg")
    visitor.widget.get_by_role("combobox", name="Topic").select_option(label="Support")
    visitor.widget.get_by_role("textbox", name="How can we help?").fill("Who am I?")
    visitor.widget.get_by_role("button", name="Start chat").click()
    agent.accept("Clara Berg")
    expect(agent.page.get_by_role("region", name="Customer").get_by_text("Verified", exact=False).first).to_be_visible()
    second = visitor.context.new_page()
    second.goto(visitor.url + "/demo/studio.html")
    expect(second.frame_locator("iframe").get_by_role("log").get_by_text("Who am I?")).to_be_attached()
    visitor.page.evaluate("ContactHub('logout')")
    expect(second.frame_locator("iframe").get_by_role("log")).to_have_count(0)
    expect(visitor.widget.get_by_role("button", name="Chat")).to_be_visible()
    until(visitor.page, "!Object.keys(localStorage).some(key => key.endsWith(':token'))")
    visitor.page.reload()
    visitor.open_widget()
    expect(visitor.widget.get_by_text("Who am I?")).to_have_count(0)


@pytest.mark.parametrize("burst", [30])
def test_words_from_both_sides_at_once_stay_in_one_order(people_of_own_hub: People, burst: int) -> None:
    visitor, agent = talking(people_of_own_hub)
    started = threading.Event()
    for n in range(burst):
        visitor.say(f"visitor {n}")
        if n == burst // 2:
            started.set()
            agent.say("agent in between")
    visitor.sees(f"visitor {burst - 1}")
    visitor.sees("agent in between")
    expect(visitor.widget.get_by_text("Sending")).to_have_count(0)
    before = visitor.log.locator(".m").all_inner_texts()
    assert own_words(visitor) == ["Hello there", *(f"visitor {n}" for n in range(burst))]
    visitor.page.reload()
    visitor.sees(f"visitor {burst - 1}")
    time.sleep(0.3)
    assert visitor.log.locator(".m").all_inner_texts() == before

"""The panel for everybody: axe in every view, keys, languages and directions, schemes, small screens, little motion."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE, Visitor
from tests.peers import CHECKOUT

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def check(visitor: Visitor, what: str) -> None:
    """No finding of axe in the panel, and no control smaller than 24 px."""
    panel = panel_of(visitor.page)
    if not panel.evaluate("'axe' in window"):
        panel.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = panel.evaluate(
        """async (tags) => {
          document.getAnimations().forEach((one) => one.finish?.call(one));
          const { violations } = await axe.run({ runOnly: tags });
          return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => node.html) }));
        }""",
        AXE_TAGS,
    )
    assert found == [], f"{what}: {json.dumps(found, indent=1)}"
    small: list[str] = panel.evaluate(
        """() => [...document.querySelectorAll("button, a[href], select, textarea, input:not(.sr)")].filter((one) => {
             const { width, height } = one.getBoundingClientRect();
             return width && (width < 24 || height < 24) && !one.closest("p, .way, .m");
           }).map((one) => one.outerHTML)"""
    )
    assert small == [], what
    visitor.picture(what)


def panel_of(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/widget/panel" in frame.url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(people_of_own_hub: People, scheme: str) -> None:
    people = people_of_own_hub
    visitor = people.visitor(color_scheme=scheme, reduced_motion="reduce")
    visitor.visit()
    visitor.open_widget()
    check(visitor, "home")
    visitor.widget.get_by_role("button", name="English").click()
    visitor.widget.get_by_role("dialog", name="Language").wait_for()
    check(visitor, "language")
    visitor.page.keyboard.press("Escape")
    visitor.widget.get_by_role("button", name="Chat").click()
    visitor.widget.get_by_role("button", name="Start chat").click()
    check(visitor, "form with errors")
    visitor.widget.get_by_role("textbox", name="Name").fill("Clara Berg")
    visitor.widget.get_by_role("combobox", name="Topic").select_option(label="Support")
    visitor.widget.get_by_role("textbox", name="How can we help?").fill("Hello")
    visitor.widget.get_by_role("button", name="Start chat").click()
    visitor.sees("Hello")
    check(visitor, "waiting")
    agent = people.agent("agent1")
    agent.set_status("available")
    agent.accept("Clara Berg")
    agent.say("Hello Clara, look at https://example.com/care")
    visitor.log.get_by_role("link").wait_for()
    check(visitor, "conversation")
    visitor.widget.get_by_role("button", name="More").click()
    check(visitor, "more")
    visitor.page.keyboard.press("Escape")
    visitor.widget.get_by_role("button", name="End chat").click()
    check(visitor, "end")
    visitor.widget.get_by_role("button", name="End chat").click()
    visitor.widget.get_by_role("radio", name="Good").wait_for()
    check(visitor, "rating")
    visitor.widget.get_by_role("radio", name="Good").check(force=True)
    visitor.widget.get_by_role("button", name="Send rating").click()
    visitor.widget.get_by_text("Thank you. You rated this: Good.").wait_for()
    check(visitor, "over")
    visitor.widget.get_by_role("button", name="Back").click()
    visitor.widget.get_by_role("button", name="Earlier conversations").click()
    check(visitor, "earlier")
    visitor.widget.get_by_role("button", name="Back").click()
    visitor.widget.get_by_role("button", name="E-mail us").click()
    check(visitor, "e-mail")


def test_everything_can_be_done_from_the_keyboard(people_of_own_hub: People) -> None:
    people = people_of_own_hub
    agent = people.agent("agent1")
    agent.set_status("available")
    visitor = people.visitor()
    visitor.visit("/demo/studio.html")
    keys = visitor.page.keyboard
    visitor.page.get_by_role("button", name="Talk to an agent").focus()
    keys.press("Enter")
    expect(visitor.widget.get_by_role("heading", name="Talk to us")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(visitor.widget.get_by_role("heading", name="Chat")).to_be_focused()
    for word in ("", "Clara Berg", "clara@berg.example", "Support", "Hello by keys"):
        keys.press("Tab")
        keys.type(word)
    keys.press("Tab")
    keys.press("Enter")
    expect(visitor.widget.get_by_role("textbox", name="Message")).to_be_focused()
    agent.accept("Clara Berg")
    keys.type("First line")
    keys.press("Shift+Enter")
    keys.type("second line")
    keys.press("Enter")
    agent.sees("First line\nsecond line")
    # In a sheet the focus stays; Escape closes the sheet and only then the panel.
    for _ in range(3):
        keys.press("Tab")
    keys.press("Enter")
    expect(visitor.widget.get_by_role("dialog", name="More")).to_be_visible()
    keys.press("Escape")
    expect(visitor.widget.get_by_role("button", name="More")).to_be_focused()
    keys.press("Escape")
    expect(visitor.page.get_by_role("button", name="Talk to an agent")).to_be_focused()


def test_the_panel_speaks_another_language_at_once_and_remembers(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor()
    visitor.visit()
    visitor.open_widget()
    visitor.widget.get_by_role("button", name="English").click()
    visitor.widget.get_by_role("button", name="简体中文").click()
    expect(visitor.widget.get_by_role("dialog", name="联系我们")).to_be_visible()
    visitor.picture("zh")
    expect(visitor.widget.locator("html")).to_have_attribute("lang", "zh-CN")
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="联系客服").click()
    visitor.page.reload()
    visitor.page.get_by_role("button", name="Talk to an agent").click()
    expect(visitor.widget.get_by_role("button", name="在线对话")).to_be_visible()


def test_right_to_left_turns_everything_that_has_a_direction(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor(locale="ar")
    visitor.page.add_init_script("Object.defineProperty(window, 'contactHub', {value: {site: 'demo', locale: 'ar'}})")
    visitor.visit()
    launcher = visitor.page.get_by_role("button", name="تحدّث إلى موظف")
    place = launcher.bounding_box()
    assert place is not None and place["x"] == 24, "the launcher stands at the end of the line, which is left"
    launcher.click()
    chat = visitor.widget.get_by_role("button", name="دردشة")
    chat.wait_for()
    expect(visitor.widget.locator("html")).to_have_attribute("dir", "rtl")
    disc = visitor.widget.locator(".way .disc").first.bounding_box()
    words = visitor.widget.locator(".way button").first.bounding_box()
    assert disc is not None and words is not None and disc["x"] > words["x"]
    check(visitor, "home")
    chat.click()
    arrow = visitor.widget.locator(".w-top .flip")
    assert arrow.evaluate("one => getComputedStyle(one).transform") == "matrix(-1, 0, 0, 1, 0, 0)"
    check(visitor, "form")


def test_a_phone_with_the_keyboard_up_keeps_head_and_box_in_view(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor(**PHONE, reduced_motion="reduce")
    visitor.visit()
    visitor.start_chat("Clara Berg", "Support", "Hello")
    visitor.sees("Hello")
    check(visitor, "waiting")
    for n in range(12):
        visitor.say(f"line {n}")
    visitor.sees("line 11")
    # What the on-screen keyboard does to the page: the visual viewport shrinks, the layout viewport stays.
    visitor.page.evaluate(
        """() => {
          Object.defineProperty(visualViewport, "height", { value: 500, configurable: true });
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    panel = visitor.page.locator("iframe").bounding_box()
    assert panel is not None and panel["height"] == 500
    head = visitor.widget.locator(".w-top").bounding_box()
    box = visitor.widget.get_by_role("textbox", name="Message").bounding_box()
    assert head is not None and head["y"] >= 0
    assert box is not None and box["y"] + box["height"] <= 500
    expect(visitor.log.get_by_text("line 11")).to_be_in_viewport()
    visitor.picture("keyboard")


def test_forced_colours_keep_borders_and_focus(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor(forced_colors="active")
    visitor.visit()
    visitor.open_widget()
    chat = visitor.widget.get_by_role("button", name="Chat")
    chat.focus()
    assert chat.evaluate("one => getComputedStyle(one, '::after').outlineStyle") == "solid"
    assert visitor.widget.locator(".way").first.evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    visitor.picture("home")


def test_with_reduced_motion_nothing_moves(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor(reduced_motion="reduce")
    visitor.visit()
    visitor.open_widget()
    for frame in visitor.page.frames:
        assert frame.evaluate("document.getAnimations().filter(({playState}) => playState == 'running').length") == 0
    assert visitor.page.locator("contact-hub").evaluate("one => one.shadowRoot.getAnimations().length") == 0

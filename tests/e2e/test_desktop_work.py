"""A contact's whole life at the desk: canned replies, notes, the customer, the end of it, and finding it again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import People

SCRIPT = '<img src=x onerror="window.pwned=1"> & "Söhne"'


def test_replies_notes_tags_subject_and_the_end_of_a_contact(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Can I pour boiling water into the kyusu?")
    agent.accept("Clara Berg")
    page = agent.page
    reply = page.get_by_role("textbox", name="Reply")

    # "/" opens the canned replies, letters narrow them, Escape closes, Enter takes one; it is sent by the next Enter.
    reply.press_sequentially("/")
    options = page.get_by_role("listbox", name="Canned replies").get_by_role("option")
    expect(options.first).to_be_visible()
    everything = options.count()
    reply.press_sequentially("ord")
    expect(options).not_to_have_count(everything)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    reply.fill("")
    reply.press_sequentially("/ord")
    page.keyboard.press("Enter")
    expect(reply).to_have_value(re.compile("order number"))
    page.keyboard.press("Enter")
    clara.sees("Could you tell me your order number? It starts with MK.")

    # Shift+Enter makes a line; what was begun is still there after a reload.
    reply.press_sequentially("One")
    page.keyboard.press("Shift+Enter")
    reply.press_sequentially("Two")
    expect(reply).to_have_value("One\nTwo")
    page.reload()
    expect(reply).to_have_value("One\nTwo")
    reply.fill("")

    # A note stays inside.
    page.keyboard.press("Alt+N")
    reply.fill("She may be a reseller.")
    page.get_by_role("button", name="Save note").click()
    expect(agent.log.get_by_role("note")).to_contain_text("Internal note, Nadia Berg")
    page.keyboard.press("Alt+N")
    expect(clara.widget.get_by_text("reseller")).to_have_count(0)

    page.get_by_role("button", name="Add tag").click()
    page.get_by_role("textbox", name="New tag").fill("kyusu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove kyusu")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Edit subject").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Subject").fill("Boiling water")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Customer")).to_contain_text("Boiling water")

    # Closing with an unsent reply asks first; the wrap-up wants an outcome and can be made longer.
    reply.fill("Not yet sent")
    page.get_by_role("button", name="Close").click()
    question = page.get_by_role("dialog", name="Close this contact?")
    question.get_by_role("button", name="Cancel").click()
    reply.fill("")
    page.get_by_role("button", name="Close").click()
    finish = page.get_by_role("button", name="Finish wrap-up")
    finish.click()
    expect(page.get_by_role("alert").filter(has_text="Choose an outcome first.")).to_be_visible()
    page.get_by_role("button", name="1 more minute").click()
    expect(page.get_by_role("region", name="Wrap-up").get_by_role("timer")).to_contain_text("1:")
    agent.picture("wrap-up")
    page.get_by_role("combobox", name="Outcome").click()
    page.get_by_role("option", name="Solved").click()
    finish.click()
    expect(page.get_by_role("list", name="My contacts").get_by_role("link")).to_have_count(0)

    # It is found again, by what was said, and opens for reading.
    page.get_by_role("button", name="Search").click()
    page.get_by_role("searchbox", name="Search contacts and messages").fill("kyusu")
    hit = page.get_by_role("list", name="Results").get_by_role("link", name="Can I pour")
    expect(hit.locator("mark")).to_have_text("kyusu")
    agent.picture("search")
    hit.click()
    expect(page.get_by_text("This contact is closed. You can read it here.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Reply")).to_have_count(0)
    agent.sees("She may be a reseller.")
    assert agent.troubles == []


def test_two_who_edit_one_customer_lose_nothing(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello")
    agent.accept("Clara Berg")
    other = agent.context.new_page()
    other.goto(agent.page.url)
    for page in (agent.page, other):
        page.get_by_role("button", name="Edit customer").click()
    agent.page.get_by_role("dialog").get_by_role("textbox", name="Phone").fill("+49 341 5550142")
    agent.page.get_by_role("button", name="Save", exact=True).click()
    customer = agent.page.get_by_role("region", name="Customer")
    expect(customer).to_contain_text("+493415550142")
    dialog = other.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("Clara Bergmann")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Someone else saved this customer meanwhile")
    expect(dialog.get_by_text("Now stored: Clara Berg")).to_be_visible()
    dialog.get_by_role("button", name="Save mine").click()
    expect(customer).to_contain_text("Clara Bergmann")
    expect(agent.page.get_by_role("list", name="My contacts")).to_contain_text("Clara Bergmann")
    assert agent.troubles == []


def test_chinese_is_found_by_any_of_its_words(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1", locale="zh-CN")
    agent.set_status("available")
    wang = people_of_own_hub.visitor()
    wang.visit()
    wang.start_chat("王雪", "Support", "请问茶壶的发票什么时候寄出？")
    agent.accept("王雪")
    agent.page.get_by_role("button", name="搜索").click()
    agent.page.get_by_role("searchbox").fill("发票")
    expect(agent.page.get_by_role("list", name="搜索结果").locator("mark")).to_have_text("发票")


def test_script_in_anything_a_visitor_writes_stays_text(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    evil = people_of_own_hub.visitor()
    evil.visit("/demo/?q=%3Cscript%3Ewindow.pwned=1%3C/script%3E")
    evil.page.evaluate("document.title = '<svg onload=window.pwned=1>'")
    evil.start_chat(
        SCRIPT, "Support", '<script>window.pwned=1</script> javascript:pwned http://evil.example/"onmouseover=pwned'
    )
    expect(agent.page.get_by_role("alertdialog")).to_contain_text("<img src=x")
    agent.page.get_by_role("button", name="Accept").click()
    evil.say("https://ok.example/path?a=1&b=<2>")
    link = agent.log.get_by_role("link", name="https://ok.example/path?a=1&b=")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")
    addresses = agent.log.get_by_role("link").evaluate_all("links => links.map(link => link.protocol)")
    assert set(addresses) <= {"http:", "https:"}
    agent.page.get_by_role("button", name="Edit customer").click()
    agent.page.keyboard.press("Escape")
    agent.page.get_by_role("button", name="Search").click()
    agent.page.get_by_role("searchbox").fill("script")
    agent.page.get_by_role("list", name="Results").get_by_role("link").first.wait_for()
    agent.picture("inert")
    assert agent.page.evaluate("window.pwned") is None
    assert agent.page.locator("#app img:not(.picture img), #app script, #app iframe").count() == 0
    assert agent.troubles == []

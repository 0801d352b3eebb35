"""Routing in the administration: rules and overflow in words, mistakes told before saving, routing tried out."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.office import Office, Staff, accessible, keys_shown, office, own_office, wider_than_window

__all__ = ["office", "own_office"]
NARROW = {"viewport": {"width": 390, "height": 844}}


def in_words(page: Page) -> Locator:
    return page.get_by_role("complementary", name="In words")


def choose(page: Page, name: str, label: str) -> None:
    page.get_by_role("combobox", name=name, exact=True).last.select_option(label=label)


def make_gold_rule(staff: Staff, name: str = "VIP") -> None:
    page = staff.page
    staff.open("/admin#/rules/new")
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Order").fill("10")
    page.get_by_role("textbox", name="Field", exact=True).fill("tier")
    page.get_by_role("textbox", name="Value").fill("gold")
    page.get_by_role("textbox", name="Comes earlier by").fill("10")


def create(staff: Staff, name: str) -> None:
    staff.page.get_by_role("button", name="Create").click()
    expect(staff.page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_a_rule_says_in_words_what_it_does(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/rules")
    page = staff.page
    expect(page.get_by_text("No rules yet")).to_be_visible()
    make_gold_rule(staff)
    expect(in_words(page)).to_contain_text("VIP: customer.tier is gold → 10 minutes earlier")
    page.get_by_role("button", name="Add a condition").click()
    choose(page, "What", "opening hours")
    expect(page.get_by_role("combobox", name="Comparison").last.locator("option")).to_have_text(
        ["are open", "are closed"]
    )
    choose(page, "What", "channel")
    choose(page, "Value", "Call")
    choose(page, "Goes to the queue", "Billing")
    expect(in_words(page)).to_contain_text(
        "VIP: customer.tier is gold and channel is Call → 10 minutes earlier and to Billing"
    )
    staff.picture("rule")
    assert accessible(page) == []
    create(staff, "VIP")

    # As saved, so read again.
    page.reload()
    expect(page.get_by_role("textbox", name="Field", exact=True)).to_have_value("tier")
    expect(in_words(page)).to_contain_text("customer.tier is gold and channel is Call")

    # What can never be stands at its field before anything is saved.
    page.get_by_role("button", name="Add a condition").click()
    choose(page, "Value", "E-mail")
    wrong = page.get_by_role("combobox", name="Value").last
    expect(wrong).to_have_accessible_description(re.compile("This can never be"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(wrong).to_be_focused()
    staff.picture("never")
    page.get_by_role("button", name="Remove Condition 3").click()
    expect(page.get_by_text("This can never be")).to_have_count(0)

    # The list shows the order in which they are asked.
    make_gold_rule(staff, "Platinum")
    page.get_by_role("textbox", name="Order").fill("5")
    create(staff, "Platinum")
    staff.open("/admin#/rules")
    expect(page.get_by_role("rowheader")).to_have_text(["Platinum", "VIP"])
    expect(staff.row("VIP")).to_contain_text("10 minutes earlier and to Billing")
    staff.picture("rules")
    assert accessible(page) == []


def test_another_fact_forgets_what_was_said_of_the_old_one(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/rules/new")
    page = staff.page
    make_gold_rule(staff)
    comparison = page.get_by_role("combobox", name="Comparison")
    choose(page, "Comparison", "contains")

    # A queue can only be one or not; "contains" and "gold" would be sent unseen.
    choose(page, "What", "queue")
    expect(comparison).to_have_value("is")
    expect(page.get_by_role("combobox", name="Value")).to_have_value("")
    expect(page.get_by_role("textbox", name="Field", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Create").click()
    value = page.get_by_role("combobox", name="Value")
    expect(value).to_be_focused()
    expect(value).to_have_attribute("aria-invalid", "true")
    choose(page, "Value", "Billing")
    choose(page, "Comparison", "is not")

    # What fits both stays; a queue's id is no topic, and no part of an address.
    choose(page, "What", "opening hours")
    expect(comparison).to_have_value("is_not")
    expect(value).to_have_value("")
    choose(page, "What", "e-mail address")
    expect(page.get_by_role("textbox", name="Value")).to_have_value("")
    page.get_by_role("textbox", name="Value").fill("@shop.example")
    choose(page, "Comparison", "contains")
    choose(page, "What", "customer's field")
    expect(comparison).to_have_value("contains")
    expect(page.get_by_role("textbox", name="Value")).to_have_value("")
    expect(page.get_by_role("textbox", name="Field", exact=True)).to_have_value("")
    choose(page, "What", "site")
    choose(page, "Value", "Moss & Kiln")
    create(staff, "VIP")
    page.reload()
    expect(in_words(page)).to_contain_text("site is Moss & Kiln")


def test_a_queue_says_where_its_contacts_go_and_refuses_a_loop(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/queues/billing")
    page = staff.page

    def overflow(when: str, seconds: str, queue: str) -> None:
        page.get_by_role("button", name="Add a rule").click()
        choose(page, "When", when)
        page.get_by_role("textbox", name="After", exact=True).last.fill(seconds)
        choose(page, "To the queue", queue)

    overflow("It has waited here", "300", "Support")
    staff.save()

    staff.open("/admin#/queues/support")
    expect(page.get_by_role("heading", level=1, name="Support")).to_be_visible()
    overflow("Nobody here can serve it", "120", "Sales")
    expect(in_words(page)).to_contain_text("After 1 min also agents with Support ≥ 2.")
    expect(in_words(page)).to_contain_text("After 2 min without an agent to Sales.")
    staff.save()

    overflow("It has waited here", "300", "Billing")
    field = page.get_by_role("combobox", name="To the queue").last
    expect(field).to_have_accessible_description(re.compile("back to Support: Support → Billing → Support"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(field).to_be_focused()
    staff.picture("loop")
    assert accessible(page) == []
    page.get_by_role("combobox", name="Then").last.select_option(label="A message, then the end")
    expect(in_words(page)).to_contain_text("After 5 min of waiting to a message, then it ends.")
    page.get_by_role("textbox", name=re.compile("What the customer is told")).fill("Please come back tomorrow.")
    staff.save()


def test_a_group_that_would_leave_a_queue_alone_is_told(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/groups/new")
    page = staff.page
    page.get_by_role("textbox", name="Name", exact=True).fill("Night shift")
    page.get_by_role("checkbox", name="Nadia Berg").check()
    create(staff, "Night shift")
    staff.open("/admin#/queues/support")
    page.get_by_role("checkbox", name="Night shift").check()
    expect(in_words(page)).to_contain_text("Only for agents of Night shift.")
    staff.save()

    staff.open("/admin#/groups/night-shift")
    page.get_by_role("checkbox", name="Nadia Berg").uncheck()
    expect(page.get_by_text("Support: no agent can serve it as it stands.")).to_be_visible()
    staff.picture("warning")
    assert accessible(page) == []
    staff.save()


def test_an_agent_has_figures_of_her_own(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/users")
    page = staff.page
    page.get_by_role("link", name="Nadia Berg").click()
    page.get_by_role("textbox", name="Chat: takes").fill("50")
    page.get_by_role("checkbox", name="As usual").uncheck()
    page.get_by_role("checkbox", name="Call may come on top of Chat").check()
    page.get_by_role("checkbox", name="Support", exact=True).check()
    page.get_by_role("textbox", name="Place in the fixed order").fill("7")
    staff.picture("agent")
    assert accessible(page) == []
    staff.save()
    page.reload()
    expect(page.get_by_role("textbox", name="Chat: takes")).to_have_value("50")
    expect(page.get_by_role("checkbox", name="Call may come on top of Chat")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Call may come on top of E-mail")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Callback may come on top of Chat")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Support", exact=True)).to_be_checked()
    expect(page.get_by_role("textbox", name="Place in the fixed order")).to_have_value("7")


def test_who_misuses_the_service_is_blocked(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/blocks/new")
    page = staff.page
    page.get_by_role("textbox", name="Why").fill("Fake orders")
    choose(page, "Kind", "Phone number")
    page.get_by_role("textbox", name="Value").fill("030 12345")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name="Value")).to_have_accessible_description(re.compile(r"\+4930123456"))
    page.get_by_role("textbox", name="Value").fill("+493012345*")
    create(staff, "Fake orders")
    staff.open("/admin#/blocks")
    expect(staff.row("Fake orders")).to_contain_text("+493012345*")
    expect(staff.row("Fake orders")).to_contain_text("for ever")
    assert accessible(page) == []


def test_routing_is_tried_out_without_a_contact(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/rules/new")
    page = staff.page
    make_gold_rule(staff)
    create(staff, "VIP")
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Try routing").click()
    page.get_by_role("button", name="Try it").click()
    queue = page.get_by_role("combobox", name="Queue")
    expect(queue).to_be_focused()
    expect(queue).to_have_accessible_description("This is needed.")

    queue.select_option(label="Support")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("textbox", name="Field").fill("tier")
    page.get_by_role("textbox", name="Value").fill("gold")
    page.get_by_role("button", name="Try it").click()
    answer = page.get_by_role("region", name="It would wait in Support")
    expect(answer).to_contain_text("10 minutes earlier")
    expect(answer).to_contain_text("VIP")
    expect(answer).to_contain_text("Support ≥ 3")
    expect(answer).to_contain_text("nobody is here who could serve it")
    agents = answer.get_by_role("table")
    expect(agents.get_by_role("row").filter(has_text="Nadia Berg")).to_contain_text("not available")
    staff.picture("nobody-there")
    assert accessible(page) == []

    nadia = own_office.enter("agent1", "/agent").page
    nadia.get_by_role("combobox", name="Status").click()
    nadia.get_by_role("option", name="Available").first.click()
    expect(nadia.get_by_role("combobox", name="Status")).to_contain_text("Available")
    page.get_by_role("button", name="Try it").click()
    expect(agents.get_by_role("row").nth(1)).to_contain_text("Nadia Berg")
    expect(agents.get_by_role("row").nth(1)).to_contain_text("Would be asked first")
    staff.picture("nadia-first")

    page.get_by_role("combobox", name="It comes").select_option(label="from a site's topic")
    expect(answer).to_have_count(0)
    page.get_by_role("combobox", name="Site").select_option(index=1)
    page.get_by_role("combobox", name="Topic").select_option(index=1)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name=re.compile("It would wait in"))).to_be_focused()


def test_the_pages_of_routing_in_the_dark_narrow_and_in_chinese(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/rules/new")
    make_gold_rule(staff)
    create(staff, "VIP")
    for name, context in (
        ("dark", {"color_scheme": "dark"}),
        ("narrow", NARROW),
        ("zh", {"locale": "zh-CN"}),
    ):
        other = own_office.enter("admin", "/admin#/rules/vip", **context)
        page = other.page
        if name == "zh":
            page.evaluate(
                """async () => {
                  const csrf = document.querySelector('meta[name=csrf]').content;
                  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
                  await fetch("/api/v1/me", { method: "PATCH", headers, body: '{"locale":"zh-CN"}' });
                }"""
            )
            page.reload()
            expect(page.get_by_role("complementary", name="规则说明")).to_contain_text("提前10分钟")
        for path in ("rules/vip", "queues/support", "groups/new", "blocks/new", "try", "rules"):
            other.open(f"/admin#/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.get_by_role("status", name="Loading")).to_have_count(0)
            assert keys_shown(page) == []
            assert wider_than_window(page) <= 0
            other.picture(f"{name}-{path.replace('/', '-')}")
            assert accessible(page) == []

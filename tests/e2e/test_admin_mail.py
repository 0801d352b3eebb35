"""Mailboxes, mail rules and templates in the administration: made, refused, and shown as they do now."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.letters import letter, post
from tests.e2e.office import Office, accessible, keys_shown, own_office, wider_than_window
from tests.ports import free_port

__all__ = ["own_office"]


def test_a_mailbox_is_made_and_tells_how_it_does(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/mailboxes")
    page = staff.page
    # Those of the demo are given mail directly.
    expect(staff.row("Support")).to_contain_text("support@demo.test")
    expect(staff.row("Support")).to_contain_text("takes mail")
    assert accessible(page) == []
    staff.picture("mailboxes")

    page.get_by_role("link", name="New mailbox").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Returns")
    page.get_by_role("textbox", name=re.compile("^Address")).fill("returns@example.com")
    page.get_by_role("combobox", name="Queue").select_option(label="Support")
    incoming = page.get_by_role("region", name="Mail that comes in")
    outgoing = page.get_by_role("region", name="Mail that goes out")
    outgoing.get_by_role("combobox", name="How mail goes").select_option(label="Nothing goes out")
    page.get_by_role("button", name="Create").click()
    # What the hub refuses stands at its field.
    expect(page.get_by_text("expected the server's name")).to_be_visible()
    expect(page.get_by_role("textbox", name=re.compile("^Server"))).to_have_attribute("aria-invalid", "true")
    staff.picture("mistake")
    assert accessible(page) == []

    port = str(free_port())
    page.get_by_role("textbox", name=re.compile("^Server")).fill("127.0.0.1")
    incoming.get_by_role("textbox", name=re.compile("^Port")).fill(port)
    incoming.get_by_role("combobox", name="Encryption").select_option(index=2)
    page.get_by_role("textbox", name=re.compile("^User name")).fill("returns")
    page.get_by_role("textbox", name=re.compile("^Password")).fill("swordfish")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name=re.compile("^Password"))).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name=re.compile("^Password")).fill("env:CONTACTHUB_NOT_SET")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Returns")).to_be_visible()
    assert accessible(page) == []

    page.reload()
    expect(page.get_by_role("textbox", name=re.compile("^Server"))).to_have_value("127.0.0.1")
    expect(page.get_by_role("combobox", name="Signs in with").first).to_have_value("password")
    # It cannot work, and says why, in the list and beside the form.
    beside = page.get_by_role("status").filter(has_not_text="Loading")
    expect(beside.filter(has_text=re.compile("CONTACTHUB_NOT_SET|refused|connect", re.I)).first).to_be_visible(
        timeout=60_000
    )
    staff.picture("trouble")
    staff.open("/admin#/mailboxes")
    expect(staff.row("Returns")).not_to_contain_text("not known yet", timeout=30_000)
    expect(staff.row("Returns")).not_to_contain_text("waiting for mail")

    # With OAuth other things are asked for.
    staff.row("Returns").get_by_role("link", name="Returns").click()
    page.get_by_role("combobox", name="Signs in with").first.select_option(label="Microsoft 365 (OAuth)")
    page.get_by_role("textbox", name=re.compile("^Client id")).fill("0000-1111")
    page.get_by_role("textbox", name=re.compile("^Client secret")).fill("env:CONTACTHUB_CLIENT")
    expect(page.get_by_role("textbox", name=re.compile("^Password"))).to_have_count(0)
    staff.save()
    page.reload()
    expect(page.get_by_role("combobox", name="Signs in with").first).to_have_value("microsoft")
    page.get_by_role("switch", name="In use").click()
    staff.save()
    staff.open("/admin#/mailboxes")
    expect(staff.row("Returns")).to_contain_text("not read")


def test_a_rule_is_made_and_says_what_it_does(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/mail-rules")
    page = staff.page
    expect(staff.row("Chinese to those who speak it")).to_contain_text("Chinese")  # the demo's own
    page.get_by_role("link", name="New rule").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Invoices")
    page.get_by_role("textbox", name="Value").fill("invoice")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(re.compile("expected the rule to do something"))).to_be_visible()
    page.get_by_role("combobox", name="Queue").select_option(label="Billing")
    expect(page.get_by_text("Subject contains invoice → ", exact=False)).to_be_visible()
    # Tried on what came, before it is saved.
    post(own_office.hub, letter("Your invoice", "It is wrong."), letter("A cup", "Is it blue?"))
    page.get_by_role("button", name="Try it on the last 200").click()
    expect(page.get_by_text("2 mails were looked at; this rule applies to 1.")).to_be_visible()
    expect(page.get_by_text("All rules together: 1 of 2 would go where they are now; 2 did.")).to_be_visible()
    moved = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="Your invoice"))
    expect(moved).to_contain_text("goes to Billing; it is in Support now")
    staff.picture("tried")
    assert accessible(page) == []
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Invoices")).to_be_visible()
    staff.picture("rule")
    assert accessible(page) == []
    # A regular expression that is none, and a header by its name.
    page.get_by_role("combobox", name="How").select_option(label="matches the regular expression (RE2)")
    page.get_by_role("textbox", name="Value").fill("(invoice")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("textbox", name="Value")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Value").fill("invoice|bill")
    staff.save()
    page.get_by_role("combobox", name="What").select_option(label="Another header")
    page.get_by_role("textbox", name="Header").fill("X-Shop")
    page.get_by_role("textbox", name="Value").fill("yes")
    staff.save()
    page.reload()
    expect(page.get_by_role("textbox", name="Header")).to_have_value("X-Shop")
    page.get_by_role("combobox", name="What").select_option(label="Subject")
    page.get_by_role("combobox", name="How").select_option(label="contains")
    page.get_by_role("textbox", name="Value").fill("invoice")
    staff.save()
    staff.open("/admin#/mail-rules")
    expect(page.get_by_role("row").filter(has_text="Invoices")).to_contain_text("Billing")
    assert accessible(page) == []


def test_a_template_is_checked_and_used(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/mail-templates")
    page = staff.page
    expect(page.get_by_text("No templates yet")).to_be_visible()
    page.get_by_role("link", name="New template").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Return label")
    page.get_by_role("textbox", name="Text").fill("Dear {{ customer.nickname }},")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(re.compile("there is no .nickname here"))).to_be_visible()
    page.get_by_role("textbox", name="Text").fill("Dear {{ customer.first_name }},\n\nhere is your label.")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Return label")).to_be_visible()
    staff.picture("template")
    assert accessible(page) == []

    post(own_office.hub, letter("Return", "How?", sender="Mara Lind <mara@example.org>"))
    agent = own_office.enter("agent1", "/agent")
    desk = agent.page
    desk.get_by_role("combobox", name="Status").click()
    desk.get_by_role("option", name="Available").first.click()
    desk.get_by_role("alertdialog", name=re.compile("Mara Lind")).get_by_role("button", name="Accept").click()
    desk.get_by_role("button", name="Templates").click()
    assert accessible(desk) == []
    desk.get_by_role("button", name="Return label").click()
    expect(desk.get_by_role("textbox", name="Reply", exact=True)).to_have_text("Dear Mara,here is your label.")
    agent.picture("filled-in")


def test_the_pages_of_mail_narrow_in_the_dark_and_in_chinese(own_office: Office) -> None:
    for name, context in (
        ("dark", {"color_scheme": "dark"}),
        ("narrow", {"viewport": {"width": 390, "height": 844}}),
        ("zh", {"locale": "zh-CN"}),
    ):
        staff = own_office.enter("admin", "/admin#/mailboxes", **context)
        page = staff.page
        if name == "zh":
            page.evaluate(
                """async () => {
                  const csrf = document.querySelector('meta[name=csrf]').content;
                  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
                  await fetch("/api/v1/me", { method: "PATCH", headers, body: '{"locale":"zh-CN"}' });
                }"""
            )
            page.reload()
        for path in ("mailboxes", "mailboxes/support", "mailboxes/new", "mail-rules/new", "mail-templates/new"):
            staff.open(f"/admin#/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.get_by_role("status", name="Loading")).to_have_count(0)
            assert keys_shown(page) == []
            assert re.search(r"\badmin\.mail[a-z_.-]+", page.locator("body").inner_text()) is None
            assert wider_than_window(page) <= 0
            assert accessible(page) == []
            staff.picture(f"{name}-{path.replace('/', '-')}")

"""Mail at the agent's desk: read as a thread, answered, taken back, written anew; the customer writes with smtplib."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from tests.e2e.conftest import People
from tests.e2e.letters import letter, pdf, picture, post, sent_mails
from tests.e2e.office import accessible, keys_shown, wider_than_window
from tests.e2e.people import CHINESE, Agent
from tests.hub import DemoHub
from tests.peers import CHECKOUT, require

LOCALES = CHECKOUT / "agent_ui" / "locales"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    require("node")
    made = DemoHub(tmp_path_factory.mktemp("mail")).start()
    yield made
    assert made.stop() == 0, made.log.read_text()


@pytest.fixture
def desk(chromium: Browser, hub: DemoHub, artefacts: Path) -> Iterator[People]:
    group = People(chromium, hub, artefacts)
    yield group
    group.leave()


def take(desk: People, hub: DemoHub, mail: EmailMessage, customer: str, **context: object) -> Agent:
    """An agent who takes the mail as it comes: what came before might have been offered to a window that is closed."""
    agent = desk.agent("agent1", **context)
    agent.set_status("available")
    post(hub, mail)
    agent.accept(customer)
    return agent


def outbox(hub: DemoHub) -> str:
    return httpx.get(f"{hub.url}/demo/outbox", trust_env=False).text


def reply(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Reply", exact=True)


def gone(agent: Agent, words: str) -> None:
    """Returns when the mail that says this was sent; acknowledgements and other mails are sent, too."""
    mail = agent.log.get_by_role("article").filter(has_text=words).last
    expect(mail.get_by_text("Sent", exact=True)).to_be_visible(timeout=30_000)


def attach(page: Page, name: str) -> None:
    file: FilePayload = {"name": name, "mimeType": "application/pdf", "buffer": pdf(1)}
    page.locator(".mail-composer input[type=file]").set_input_files(file)


def close(agent: Agent) -> None:
    """Ends the contact that is open and its wrap-up, so that the next test finds him free."""
    chinese = agent.words is CHINESE
    words = json.loads((LOCALES / f"agent.{'zh-CN' if chinese else 'en'}.json").read_text())
    page = agent.page
    page.get_by_role("button", name=words["agent.header.close"], exact=True).first.click()
    sure = page.get_by_role("button", name=words["agent.close.anyway"])
    finish = page.get_by_role("button", name=words["agent.wrapup.finish"])
    expect(sure.or_(finish.and_(page.locator(":enabled"))).first).to_be_visible()
    if sure.is_visible():
        sure.click()
    wrap_up = page.get_by_role("region", name=words["agent.wrapup"])
    wrap_up.get_by_role("combobox", name=words["agent.outcome"]).click()
    page.get_by_role("option", name="Solved").click()
    wrap_up.get_by_role("button", name=words["agent.wrapup.finish"]).click()
    expect(wrap_up).to_have_count(0)


def test_a_mail_is_read_and_answered(desk: People, hub: DemoHub) -> None:
    first = letter(
        "The lamp flickers",
        "Hello,\n\nthe lamp flickers. Can I return it?\n\nMara",
        "<p>Hello,</p><p>the <b>lamp</b> flickers.</p><p><img src='cid:lamp' alt='the lamp' width='300'></p>",
        sender="Mara Lind <mara.one@example.org>",
        inline=[("lamp", picture())],
        files=[
            ("invoice.pdf", "application/pdf", pdf(3)),
            ("photo.png", "image/png", picture("#8f5500", (800, 600))),
            ("notes.txt", "text/plain", b"bought in March"),
        ],
        Cc="Jo <jo@example.org>",
    )
    agent = take(desk, hub, first, "Mara Lind")
    page = agent.page
    row = page.get_by_role("list", name="My contacts").get_by_role("listitem")
    expect(row).to_contain_text("Mara Lind")
    expect(row.get_by_role("img", name="E-mail")).to_be_visible()

    # The thread: head, HTML in its frame, files.
    mail = agent.log.get_by_role("article").filter(has_text="mara.one@example.org")
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("the lamp flickers.")).to_be_visible()
    expect(frame.get_by_alt_text("the lamp")).to_have_js_property("naturalWidth", 300)
    expect(page.locator("iframe.mail-frame")).to_have_attribute("sandbox", re.compile("^(?!.*(script|same-origin))"))
    mail.get_by_role("button", name="to support@demo.test and Jo").click()
    expect(mail.get_by_text("Jo <jo@example.org>")).to_be_visible()
    expect(agent.log.get_by_role("button", name="photo.png")).to_be_visible()
    agent.picture("thread")
    assert accessible(page) == []
    mail.get_by_role("button", name="Show as plain text").click()
    agent.sees("Hello,\n\nthe lamp flickers. Can I return it?\n\nMara")

    # A PDF is looked at page by page, as pictures.
    mail.get_by_role("button", name="invoice.pdf").click()
    dialog = page.get_by_role("dialog", name="invoice.pdf")
    expect(dialog.get_by_role("img", name="Page 1 of 3")).to_be_visible()
    dialog.get_by_role("button", name="Next page").click()
    expect(dialog.get_by_role("img", name="Page 2 of 3")).to_be_visible()
    assert accessible(page) == []
    page.keyboard.press("Escape")

    # The answer, by keys alone.
    reply(page).click()
    page.keyboard.type("Dear Mara,")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.type("of course")
    page.keyboard.press("Control+b")
    page.keyboard.type(" you can:")
    page.keyboard.press("Enter")
    page.keyboard.type("- send it back")
    page.keyboard.press("Enter")
    page.keyboard.type("get your money")
    expect(reply(page).locator("strong")).to_have_text("of course")
    expect(reply(page).locator("li")).to_have_count(2)
    attach(page, "label.pdf")
    expect(page.get_by_role("button", name="Remove label.pdf")).to_be_visible()
    expect(page.get_by_text("Draft saved")).to_be_visible()
    agent.picture("composer")
    assert accessible(page) == []
    reply(page).click()
    page.keyboard.press("Control+Enter")

    # Ten seconds in which it can be taken back, then it is gone.
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(reply(page)).to_have_text("")
    agent.picture("undo")
    gone(agent, "Dear Mara,")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    sent = outbox(hub)
    assert "Re: The lamp flickers" in sent and "label.pdf" in sent

    # The customer's answer is in the same contact, with what it quotes folded away.
    told = re.findall(r"support\+[a-z0-9]+@demo\.test", sent)
    to = told[0] if told else "support@demo.test"
    again = letter(
        "Re: The lamp flickers",
        "Thank you, it is on its way.\n\nOn Monday, Nadia wrote:\n> Dear Mara,\n> of course you can:\n",
        sender="Mara Lind <mara.one@example.org>",
        to=to,
        References=first["Message-ID"],
    )
    post(hub, again)
    expect(agent.log.get_by_text("Thank you, it is on its way.")).to_be_visible()
    expect(agent.log.get_by_text("> of course you can:")).to_have_count(0)
    agent.log.get_by_role("button", name="Show quoted text").last.click()
    expect(agent.log.get_by_text("> of course you can:")).to_be_visible()
    expect(row).to_have_count(1)
    agent.picture("answered")
    close(agent)


def test_what_was_sent_is_taken_back_and_written_on(desk: People, hub: DemoHub) -> None:
    mail = letter(
        "Wrong size",
        "The bowl is too small.",
        "<p>The <b>bowl</b> is too small.</p>",
        sender="Tom Reed <tom@example.org>",
        Cc="ann@example.org",
    )
    agent = take(desk, hub, mail, "Tom Reed")
    page = agent.page
    expect(page.frame_locator("iframe.mail-frame").get_by_text("The bowl is too small.")).to_be_visible()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(f"{request.method} {request.url}"))
    page.get_by_role("radio", name="Reply all").click()
    expect(page.get_by_role("button", name=re.compile("To Tom Reed, ann@example.org"))).to_be_visible()
    agent.say("We can swap it.")
    page.get_by_role("button", name="Undo").click()
    expect(reply(page)).to_have_text("We can swap it.")
    expect(page.get_by_role("radio", name="Reply all")).to_be_checked()
    expect(agent.log.get_by_text("Taken back")).to_be_visible()
    agent.picture("taken-back")

    # The mail that was answered has stayed as it was all the while: its frame was not loaded anew.
    expect(page.frame_locator("iframe.mail-frame").get_by_text("The bowl is too small.")).to_be_visible()
    assert [each for each in loaded if re.search("^GET .*/mails/[^/]+/html", each)] == []

    # A note is for the team only; the mail that is being written stays.
    page.get_by_role("radio", name="Note").click()
    page.get_by_role("textbox", name="Reply as internal note").fill("Size M is sold out.")
    page.get_by_role("button", name="Save note").click()
    expect(agent.log.get_by_role("note")).to_contain_text("Size M is sold out.")
    page.get_by_role("radio", name="Reply all").click()
    expect(reply(page)).to_have_text("We can swap it.")

    # What was begun is there after a reload, and at another desk.
    page.get_by_text("Draft saved").wait_for()
    page.reload()
    expect(reply(page)).to_have_text("We can swap it.")
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(reply(page)).to_have_text("")
    close(agent)


def test_a_mail_is_passed_on_with_its_files(desk: People, hub: DemoHub) -> None:
    files = [("drawing.pdf", "application/pdf", pdf(1))]
    text = "请帮我核对一下这些安装图纸，谢谢。"
    html = "<p>请帮我<b>核对</b>一下这些安装图纸，谢谢。</p>"
    mail = letter("安装图纸", text, html, sender="王丽 <wangli@example.org>", to="sales@demo.test", files=files)
    agent = desk.agent("agent2")  # who speaks Chinese
    agent.set_status("available")
    post(hub, mail)
    agent.accept("王丽")
    page = agent.page
    page.get_by_role("radio", name="Forward").click()
    expect(page.get_by_role("button", name="Remove drawing.pdf")).to_be_visible()
    page.get_by_role("combobox", name="To").fill("workshop@example.org, nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    expect(page.get_by_role("combobox", name="To")).to_have_accessible_description("This is not an e-mail address.")
    assert accessible(page) == []
    page.get_by_role("button", name="Remove nobody").click()
    agent.say("Can you do this?")
    gone(agent, "Can you do this?")
    sent = outbox(hub)
    assert "workshop@example.org" in sent and "Fwd: 安装图纸" in sent
    # The customer's language, whatever the agent's is: above what is passed on, and above what is quoted.
    agent.say("好的。")
    gone(agent, "好的。")
    for subject, head in (("Fwd: 安装图纸", "---------- 转发的邮件 ----------"), ("Re: 安装图纸", "王丽 于 2")):
        raw = next(each for each in sent_mails(hub) if each["Subject"] == subject)
        for kind in ("plain", "html"):
            part = raw.get_body((kind,))
            assert part is not None
            content = part.get_content()
            assert head in content and ("发件人：" in content or "写道：" in content), content
    close(agent)


def test_a_new_mail_begins_a_contact(desk: People, hub: DemoHub) -> None:
    agent = desk.agent("agent3")
    agent.set_status("available")
    page = agent.page
    page.get_by_role("button", name="New e-mail").click()
    expect(page.get_by_role("combobox", name="To")).to_be_focused()
    page.keyboard.type("Rosa Klein <rosa@example.org>,")
    page.get_by_role("textbox", name="Subject").fill("Your invoice")
    attach(page, "invoice.pdf")
    expect(page.get_by_role("button", name="Remove invoice.pdf")).to_be_visible()
    reply(page).fill("Dear Rosa, here it is.")
    agent.picture("new")
    assert accessible(page) == []
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("list", name="My contacts").get_by_role("listitem")).to_contain_text("Rosa Klein")
    expect(agent.log.get_by_text("Dear Rosa, here it is.")).to_be_visible()
    gone(agent, "Dear Rosa, here it is.")
    assert "Your invoice" in outbox(hub)
    close(agent)


def test_a_mail_goes_later_and_its_contact_waits(desk: People, hub: DemoHub) -> None:
    agent = take(desk, hub, letter("Glaze", "Is it food safe?", sender="Ida Krog <ida@example.org>"), "Ida Krog")
    page = agent.page
    reply(page).fill("We are asking the workshop.")
    page.get_by_role("button", name="More ways to send").click()
    agent.picture("menu")
    assert accessible(page) == []
    page.get_by_role("menuitem", name=re.compile("Tomorrow morning")).click()
    expect(agent.log.get_by_text(re.compile("^Goes .*09:00"))).to_be_visible()
    reply(page).fill("Yes, it is.")
    page.get_by_role("button", name="More ways to send").click()
    page.get_by_role("menuitem", name="Wait for the customer").click()
    # Closed when it has gone, without a wrap-up that anybody waits for.
    expect(page.get_by_role("list", name="My contacts").get_by_text("Ida Krog")).to_have_count(0, timeout=60_000)


def test_an_agent_signs_with_words_of_his_own(desk: People, hub: DemoHub) -> None:
    agent = take(desk, hub, letter("Vase", "Is it tall?", sender="Otto Vang <otto@example.org>"), "Otto Vang")
    page = agent.page
    expect(reply(page)).to_be_visible()
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("dialog", name="Settings").get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="E-mail signature")
    field = dialog.get_by_role("textbox", name="Signature")
    expect(field).to_be_focused()
    page.keyboard.press("Control+b")
    page.keyboard.type("{{ agent.name }}")
    page.keyboard.press("Control+b")
    page.keyboard.press("Enter")
    page.keyboard.type("Studio hours: 9 to 5")
    agent.picture("signature")
    assert accessible(page) == []
    dialog.get_by_role("combobox", name="For which queue").click()
    page.get_by_role("option", name="Sales").click()
    expect(field).to_have_text("")
    page.keyboard.type("Sales team")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your signature is saved.")).to_be_visible()

    # The mail that is being written has it at once, and goes out with it.
    expect(page.locator("form.mail-composer .signature")).to_contain_text("Studio hours: 9 to 5")
    expect(page.locator("form.mail-composer .signature")).not_to_contain_text("agent.name")
    agent.say("It is 30 cm tall.")
    gone(agent, "It is 30 cm tall.")
    sent = outbox(hub)
    assert "Studio hours: 9 to 5" in sent and "Sales team" not in sent
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("dialog", name="Settings").get_by_role("button", name="Edit").click()
    expect(field.locator("strong")).to_have_text("{{ agent.name }}")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("form.mail-composer")).not_to_contain_text("Studio hours")
    close(agent)


def test_threads_are_put_together_taken_apart_and_written_in_again(desk: People, hub: DemoHub) -> None:
    nora = "Nora Falk <nora@example.org>"
    agent = take(desk, hub, letter("First order", "Where is the first?", sender=nora), "Nora Falk")
    page = agent.page
    first = page.url
    agent.sees("Where is the first?")
    post(hub, letter("Second order", "And the second?", sender=nora))
    agent.accept("Nora Falk")
    agent.sees("And the second?")
    listed = page.get_by_role("list", name="My contacts").get_by_role("listitem")
    expect(listed).to_have_count(2)

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Merge into…").click()
    dialog = page.get_by_role("dialog", name="Merge into another contact")
    dialog.get_by_role("radio", name="First order").click()
    agent.picture("merge")
    assert accessible(page) == []
    dialog.get_by_role("button", name="Merge", exact=True).click()
    expect(page).to_have_url(first)
    expect(agent.log.get_by_text("Where is the first?")).to_be_visible()
    expect(agent.log.get_by_text("And the second?")).to_be_visible()
    expect(listed).to_have_count(1)

    # By keys: the mail that came last is meant, and named.
    page.keyboard.press("Alt+x")
    question = page.get_by_role("dialog", name="Move this mail into its own contact?")
    expect(question).to_contain_text("“Second order” from Nora Falk")
    page.keyboard.press("Enter")
    agent.accept("Nora Falk")
    agent.sees("And the second?")
    expect(agent.log.get_by_text("Where is the first?")).to_have_count(0)
    close(agent)
    page.goto(first)
    close(agent)

    # One that is closed is written in again, and is at once the writer's.
    page.goto(first)
    agent.picture("closed")
    page.get_by_role("button", name="Write again").click()
    expect(reply(page)).to_be_focused()
    expect(listed).to_have_count(1)
    agent.say("It has arrived by now, has it not?")
    gone(agent, "It has arrived by now, has it not?")
    close(agent)


def test_a_mail_larger_than_an_event_goes_all_the_same(desk: People, hub: DemoHub) -> None:
    agent = take(
        desk, hub, letter("All of it", "Please quote it all.", sender="Lea Roth <lea@example.org>"), "Lea Roth"
    )
    page = agent.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    reply(page).fill("A long story. " * 6_000)
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert any(each.startswith("PUT ") and "/me/drafts/" in each for each in asked), asked
    page.reload()
    expect(reply(page)).to_contain_text("A long story.")
    page.get_by_role("button", name="Send", exact=True).click()
    gone(agent, "A long story.")
    assert sum(each.startswith("POST ") and each.endswith("/mails") for each in asked) == 1, asked
    close(agent)


def test_a_mail_that_comes_while_the_list_is_read_is_shown_too(desk: People, hub: DemoHub) -> None:
    agent = take(desk, hub, letter("Late", "Hello", sender="Ida Late <late@example.org>"), "Ida Late")
    listed: list[Route] = []

    def hold(route: Route) -> None:
        # The first answer is of before the second mail, and comes after it.
        if not listed:
            listed.append(route)
        else:
            route.continue_()

    agent.page.route("**/api/v1/contacts/*/mails", hold)
    again = letter("Re: Late", "one more thing", sender="Ida Late <late@example.org>")
    post(hub, again)
    agent.page.wait_for_timeout(50)
    while not listed:
        agent.page.wait_for_timeout(50)
    old = listed[0].fetch()
    post(hub, letter("Re: Late", "and another", sender="Ida Late <late@example.org>"))
    expect(agent.log.get_by_role("article")).to_have_count(4)
    listed[0].fulfill(response=old)
    expect(agent.log.get_by_role("button", name="Mail from Ida Late")).to_have_count(3)
    agent.page.unroute("**/api/v1/contacts/*/mails")
    close(agent)


def test_odd_mails_are_told_in_words(desk: People, hub: DemoHub) -> None:
    first = letter("Question", "Hello", sender="Uwe Brand <uwe@example.org>")
    agent = take(desk, hub, first, "Uwe Brand")
    page = agent.page
    agent.say("We look into it.")
    gone(agent, "We look into it.")
    listed = page.evaluate(
        "async (id) => (await (await fetch(`/api/v1/contacts/${id}/mails`)).json()).items",
        page.url.rpartition("/")[2],
    )
    answer = next(mail for mail in listed if mail["direction"] == "out" and not mail["automatic"])
    # Somebody else who was given the answer's address.
    post(
        hub,
        letter(
            "Re: Question",
            "I take over from Uwe.",
            sender="Zoe <zoe@example.net>",
            to=answer["reply_to"][0]["address"],
            In_Reply_To=f"<{answer['message_id']}>",
        ),
    )
    expect(agent.log.get_by_text("zoe@example.net was not in this conversation before.")).to_be_visible()
    # More than anybody should have to read: its head, and the original.
    deep = b"From: Uwe Brand <uwe@example.org>\r\nTo: " + answer["reply_to"][0]["address"].encode()
    deep += b"\r\nSubject: Re: Question\r\nMIME-Version: 1.0\r\n"
    for level in range(150):
        deep += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    post(hub, deep + b"Content-Type: text/plain\r\n\r\nfar inside\r\n")
    notice = agent.log.get_by_text(re.compile("This mail is shown in part|too large to read"))
    expect(notice).to_be_visible()
    link = agent.log.get_by_role("link", name="Download the original")
    expect(link).to_be_visible()
    agent.picture("odd")
    assert accessible(page) == []
    with page.expect_download() as download:
        link.click()
    assert b"far inside" in Path(download.value.path()).read_bytes()
    close(agent)


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("dark", {"color_scheme": "dark"}),
        ("narrow", {"viewport": {"width": 390, "height": 844}}),
        ("low", {"viewport": {"width": 1024, "height": 640}}),
        ("rtl", {}),
        ("zh", {"locale": "zh-CN"}),  # last, as his language stays with the agent
    ],
)
def test_mail_looks_right_everywhere(desk: People, hub: DemoHub, name: str, context: dict[str, object]) -> None:
    words = "السلام عليكم، أين طلبي؟" if name == "rtl" else "Where is my order?"
    html = f"<p>{words}</p><p><img src='https://pictures.example/a.png' width='80' height='40'></p>"
    sender = f"Look {name} <{name}@example.org>"
    mail = letter(f"Order {name}", words, html, sender=sender, files=[("a.pdf", "application/pdf", pdf(1))])
    agent = take(desk, hub, mail, f"Look {name}", **context)
    page = agent.page
    if name == "rtl":
        page.evaluate("document.documentElement.dir = 'rtl'")
    expect(page.frame_locator("iframe.mail-frame").get_by_text(words)).to_be_visible()
    page.get_by_role("textbox", name=agent.words["reply"], exact=True).fill(words)
    agent.picture(name)
    assert accessible(page) == []
    assert keys_shown(page) == []
    assert re.search(r"\b(agent|mail)\.[a-z_.]+\b", page.locator("body").inner_text()) is None
    assert wider_than_window(page) <= 0
    close(agent)

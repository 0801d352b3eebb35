"""What a new user of the demo tries first: a mail in Chinese, its answer with a file, and the reply to that."""

from __future__ import annotations

import json
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.e2e.conftest import People
from tests.e2e.letters import letter, pdf, post
from tests.e2e.office import accessible
from tests.e2e.test_mail_desktop import LOCALES, close
from tests.hub import DemoHub


def test_a_mail_in_chinese_is_answered_by_who_reads_it_and_comes_back(
    people_of_own_hub: People, own_hub: DemoHub
) -> None:
    words = json.loads((LOCALES / "mail.zh-CN.json").read_text())
    # Both are free: it is what she can read that makes the difference.
    nadia, mei = people_of_own_hub.agent("agent1"), people_of_own_hub.agent("agent2", locale="zh-CN")
    for agent in (nadia, mei):
        agent.set_status("available")
    fang = "王芳 <fang@qingcha.example>"
    asked = letter("茶壶漏水", "您好，我上周买的茶壶漏水了。请问可以退货吗？\n\n王芳", sender=fang)
    post(own_hub, asked, letter("The lamp flickers", "Hello, can I return it?"))
    expect(nadia.page.get_by_role("alertdialog", name="Mara Lind")).to_be_visible()
    expect(mei.page.get_by_role("alertdialog")).to_have_count(1)
    mei.accept("王芳")
    page = mei.page
    contact = page.url
    rows = page.get_by_role("list").filter(has_text="王芳").get_by_role("listitem")
    expect(mei.log.get_by_text("请问可以退货吗？")).to_be_visible()

    label = pdf(2)
    page.locator(".mail-composer input[type=file]").set_input_files(
        {"name": "退货单.pdf", "mimeType": "application/pdf", "buffer": label}
    )
    expect(page.get_by_role("button", name=words["mail.remove_file"].replace("{name}", "退货单.pdf"))).to_be_visible()
    mei.say("王女士，您好！可以退货，退货单见附件。")
    mei.picture("answered")
    ours = mei.log.get_by_role("article").filter(has_text="退货单见附件")
    expect(ours.get_by_text(words["mail.state.sent"], exact=True)).to_be_visible(timeout=30_000)

    told = {item["automatic"]: item for item in look(own_hub, "outbox.json").json()["items"] if fang in item["to"]}
    assert "您" in told[True]["text"], "the acknowledgement is in his language"
    answer = read(own_hub, told[False])
    assert answer["subject"] == "Re: 茶壶漏水"
    assert answer["from"].addresses[0].addr_spec == "support@demo.test"
    assert [each.addr_spec for each in answer["to"].addresses] == ["fang@qingcha.example"]
    assert answer["in-reply-to"] == asked["Message-ID"]
    assert asked["Message-ID"] in answer["references"].split()
    assert answer["auto-submitted"] is None
    back = answer["reply-to"].addresses[0].addr_spec
    assert re.fullmatch(r"support\+[0-9a-z]+@demo\.test", back)
    (file,) = answer.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "退货单.pdf",
        "application/pdf",
        label,
    )
    shown = look(own_hub, "outbox").text
    assert back in shown and "退货单.pdf" in shown and "可以退货" in shown
    assert look(own_hub, f"outbox/{told[False]['id']}/files/0").content == label

    # As a mail program answers: to whom it shall go, and with the thread that it is in.
    thread = f"{answer['references']} {answer['message-id']}"
    again = letter(
        "回复：茶壶漏水",
        "谢谢，明天就寄出。",
        sender=fang,
        to=back,
        In_Reply_To=answer["message-id"],
        References=thread,
    )
    post(own_hub, again)
    expect(mei.log.get_by_text("谢谢，明天就寄出。")).to_be_visible()
    expect(mei.log.get_by_text("请问可以退货吗？")).to_be_visible()
    expect(rows).to_have_count(1)
    assert page.url == contact
    assert accessible(page) == []
    mei.picture("replied")
    close(mei)


def look(hub: DemoHub, path: str) -> httpx.Response:
    return httpx.get(f"{hub.url}/demo/{path}", trust_env=False, timeout=30).raise_for_status()


def read(hub: DemoHub, item: dict[str, Any]) -> EmailMessage:
    """The mail as it would be sent."""
    return message_from_bytes(look(hub, f"outbox/{item['id']}.eml").content, policy=policy.default)

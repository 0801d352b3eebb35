"""The main job in two real browsers: a visitor asks, an agent answers, and everything that belongs to it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE


def test_a_visitor_is_served_from_the_first_word_to_the_rating(people_of_own_hub: People, tmp_path: Path) -> None:
    people = people_of_own_hub
    agent = people.agent("agent1")
    clara = people.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Can I pour boiling water into the kyusu?")
    clara.picture("waiting")
    expect(clara.widget.get_by_role("status").first).to_contain_text("next")

    agent.set_status("available")
    offer = agent.page.get_by_role("alertdialog", name="Clara Berg")
    expect(offer).to_be_visible()
    expect(offer).to_contain_text("Support")
    agent.picture("offer")
    agent.accept("Clara Berg")
    agent.sees("Can I pour boiling water into the kyusu?")

    # Typing, words, delivered and read marks, both ways.
    agent.page.get_by_role("textbox", name="Reply").press_sequentially("Hello")
    expect(clara.widget.get_by_text("Nadia is typing")).to_be_visible()
    agent.say("Hello Clara, yes you can.")
    clara.sees("Hello Clara, yes you can.")
    expect(agent.log.get_by_text("Read").last).to_be_visible()
    clara.widget.get_by_role("textbox", name="Message").press_sequentially("Won")
    expect(agent.page.get_by_text("Clara Berg is typing")).to_be_visible()
    clara.say("Wonderful, thank you")
    agent.sees("Wonderful, thank you")
    expect(clara.widget.get_by_text("Read").last).to_be_visible()
    clara.picture("conversation")
    agent.picture("conversation")

    # A canned reply by its slash, and a note that the visitor never sees.
    reply = agent.page.get_by_role("textbox", name="Reply")
    reply.press_sequentially("/order")
    agent.page.get_by_role("option", name="Order number").click()
    agent.page.get_by_role("button", name="Send", exact=True).click()
    clara.sees("Could you tell me your order number? It starts with MK.")
    agent.page.get_by_role("button", name="Note", exact=True).click()
    reply.fill("She may be a reseller.")
    agent.page.get_by_role("button", name="Save note").click()
    agent.sees("She may be a reseller.")
    expect(clara.widget.get_by_text("reseller")).to_have_count(0)
    agent.page.get_by_role("button", name="Note", exact=True).click()

    # Files and pictures both ways.
    picture, paper = tmp_path / "cup.png", tmp_path / "care <img src=x>.txt"
    Image.new("RGB", (900, 600), "#0b6e63").save(picture)
    paper.write_text("Rinse with warm water.\n")
    with clara.page.expect_file_chooser() as chooser:
        clara.widget.get_by_role("button", name="Attach file").click()
    chooser.value.set_files(picture)
    expect(agent.log.get_by_role("img", name="cup.png")).to_be_visible()
    with agent.page.expect_file_chooser() as chooser:
        agent.page.get_by_role("button", name="Attach file").click()
    chooser.value.set_files(paper)
    expect(clara.log.get_by_text("care _img src=x_.txt")).to_be_visible()
    agent.picture("files")
    clara.picture("files")

    # She walks through the shop, reloads and opens a second tab: the chat stays; the agent sees where she is.
    clara.visit("/demo/product-kyusu.html")
    clara.sees("Wonderful, thank you")
    expect(agent.page.get_by_role("region", name="Customer")).to_contain_text("/demo/product-kyusu.html")
    clara.page.reload()
    clara.sees("Wonderful, thank you")
    second = clara.context.new_page()
    second.goto(clara.url + "/demo/studio.html")
    second.get_by_role("button", name="Talk to an agent").click()
    expect(second.frame_locator("iframe").get_by_role("log").get_by_text("Wonderful, thank you")).to_be_visible()
    second.close()

    # To another queue, whose agent takes over, and on to a colleague by name.
    billing = people.agent("agent3")
    agent.set_status("away")
    billing.set_status("available")
    agent.page.get_by_role("button", name="Transfer").click()
    agent.picture("transfer")
    dialog = agent.page.get_by_role("dialog")
    dialog.get_by_text("Billing", exact=True).first.click()
    dialog.get_by_role("button", name="Transfer").click()
    billing.accept("Clara Berg")
    billing.sees("She may be a reseller.")
    billing.say("Deniz here, I have your invoice open.")
    clara.sees("Deniz here, I have your invoice open.")
    agent.set_status("available")
    billing.page.get_by_role("button", name="Transfer").click()
    dialog = billing.page.get_by_role("dialog")
    dialog.get_by_role("radio", name="A colleague").click()
    dialog.get_by_role("radio", name="Nadia Berg").click()
    dialog.get_by_role("button", name="Transfer").click()
    agent.accept("Clara Berg")

    # The end: closed with an outcome, wrapped up, rated.
    agent.page.get_by_role("button", name="Close").click()
    confirm = agent.page.get_by_role("dialog")
    if confirm.count():
        confirm.get_by_role("button").last.click()
    agent.page.get_by_role("button", name="Finish wrap-up").wait_for()
    agent.page.get_by_role("combobox", name="Outcome").click()
    agent.page.get_by_role("option", name="Solved").click()
    agent.picture("wrap-up")
    agent.page.get_by_role("button", name="Finish wrap-up").click()
    expect(agent.page.get_by_role("list", name="My contacts").get_by_text("Clara Berg")).to_have_count(0)
    clara.picture("rating")
    clara.widget.get_by_role("radio", name="5").check(force=True)
    clara.widget.get_by_role("textbox").last.fill("Quick and kind")
    clara.widget.get_by_role("button", name="Send rating").click()
    expect(clara.widget.get_by_text("Thank you.")).to_be_visible()
    clara.picture("rated")
    assert clara.troubles == [] and agent.troubles == []


def test_the_story_on_a_phone_in_chinese(people_of_own_hub: People) -> None:
    people = people_of_own_hub
    agent = people.agent("agent2", locale="zh-CN", color_scheme="dark")
    agent.set_status("available")
    wang = people.visitor(**PHONE, locale="zh-CN")
    wang.visit("/demo/zh/")
    wang.page.get_by_role("button", name="联系客服").click()
    wang.widget.get_by_role("button", name="在线对话").wait_for()
    wang.picture("home")
    wang.widget.get_by_role("button", name="在线对话").click()
    wang.widget.get_by_role("textbox", name="姓名").fill("王雪")
    wang.widget.get_by_role("textbox", name="邮箱").fill("wang@example.cn")
    wang.widget.get_by_role("combobox", name="主题").select_option(label="选购咨询")
    wang.widget.get_by_role("textbox", name="需要什么帮助？").fill("急须壶能直接倒开水吗？")
    wang.picture("form")
    wang.widget.get_by_role("button", name="开始对话").click()
    agent.accept("王雪")
    agent.sees("急须壶能直接倒开水吗？")
    agent.say("可以的，稍微晾一下更好。")
    expect(wang.widget.get_by_text("可以的，稍微晾一下更好。")).to_be_visible()
    wang.widget.get_by_role("textbox", name="消息").fill("明白了，谢谢！")
    wang.widget.get_by_role("button", name="发送").click()
    agent.sees("明白了，谢谢！")
    wang.picture("conversation")
    agent.picture("conversation")
    # The full-screen panel takes the place of the page, keeps it from scrolling, and gives it back.
    assert wang.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    wang.widget.get_by_role("button", name="结束对话").click()
    wang.widget.get_by_role("button", name="结束对话").last.click()
    wang.widget.get_by_role("radio", name="5").check(force=True)
    wang.widget.get_by_role("button", name="提交评价").click()
    expect(wang.widget.get_by_text("谢谢您")).to_be_visible()
    wang.picture("rated")
    agent.page.get_by_role("combobox", name="处理结果").wait_for()
    agent.picture("wrap-up")
    assert wang.troubles == [] and agent.troubles == []

"""What agents do with mail at their desks: drafts, who looks, threads put together and apart, forms and chats."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from hub import commands as c
from hub.contacts import Words
from hub.ids import new_id
from hub.mails import MailState
from hub.model import AuthorKind, Channel, Customer, Phase
from hub.web.table import BASE
from tests.clients import Client, SignedIn
from tests.integration.mail.office import Office, office
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.servers import Box, taking
from tests.integration.serving import PASSWORD


class Desk:
    """A window of an agent, and what it was told."""

    def __init__(self, here: Office, name: str, signed_in: SignedIn) -> None:
        self.told: list[tuple[str, Any]] = []
        self.came = asyncio.Event()
        self.client: Client = signed_in.client(here.serving.origin, f"window-{name}", on_event=self._hear)

    def _hear(self, event: str, data: Any) -> None:
        self.told.append((event, data))
        self.came.set()

    async def call(self, event: str, **data: Any) -> dict[str, Any]:
        return await self.client.call(event, data)

    async def ok(self, event: str, **data: Any) -> dict[str, Any]:
        answer = await self.call(event, **data)
        assert answer["ok"], answer
        return answer

    async def hears(self, event: str, fits: Any) -> Any:
        async with asyncio.timeout(20):
            while True:
                for name, data in self.told:
                    if name == event and fits(data):
                        return data
                self.came.clear()
                await self.came.wait()


async def desk(here: Office, name: str) -> Desk:
    signed_in = await asyncio.to_thread(SignedIn, here.serving.origin, name, PASSWORD)
    found = Desk(here, name, signed_in)
    await found.client.open()
    return found


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


async def arrive(here: Office, channel: Channel, *words: tuple[AuthorKind, str], **facts: Any) -> str:
    """A contact of Mara's that waits, with what she has said."""
    hub, now = here.hub, here.hub.clock.now()
    customer = Customer(new_id("cu", now), "Mara", facts.pop("email", "mara@home.example"), created_at=now)
    create = c.Create(channel, "shop", customer.id, "vi_mara", "Teapots", "en", {})
    said = [Words(kind, "vi_mara", "Mara", text) for kind, text in words]
    id = new_id("ct", now)
    outcome = await here.floor.run(
        hub.contacts.create(
            id, create, [c.Enqueue("support", {}), *said], actor="vi_mara", command_id=f"{id}-a", customer=customer
        )
    )
    return outcome.row.contact.id


async def take(here: Office, contact: str, name: str = "agent") -> None:
    """The agent has it from now on."""
    agent = here.users[name].id
    state = await here.contact(contact)
    offer = c.MakeOffer(agent, state.last_fence + 1, here.hub.clock.now() + 60_000, 0)
    accept = c.Accept(agent, state.last_fence + 1)
    await here.floor.run(here.hub.contacts.do(contact, offer, accept, actor=agent))


async def test_sending_by_socket_and_what_windows_are_told(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent, other = await desk(here, "agent"), await desk(here, "other")
        people = [{"address": "clara@berg.example", "name": "Clara"}]
        new = {"to": people, "subject": "Hello", "text": "Hi", "client_id": "send-00001"}
        sent = await agent.ok("mail:send", **new)
        id = sent["mail"]["id"]
        await agent.hears("mail", lambda data: data["mail"]["id"] == id and data["mail"]["state"] == "sent")
        again = await agent.ok("mail:send", **new)
        assert again["mail"]["id"] == id
        assert not [data for name, data in other.told if name == "mail"]
        refused = await other.call("mail:send", contact=sent["contact"]["id"], text="x", client_id="send-00002")
        assert refused["error"]["code"] == "auth.forbidden"
        assert (await agent.ok("mail:boxes"))["mailboxes"][0]["id"] == "support"
        assert (await agent.call("mail:undo", mail=id))["error"]["code"] == "mail.gone"
        assert (await agent.call("mail:resend", mail=id))["error"]["code"] == "mail.sent"
        for each in (agent, other):
            await each.client.close()


async def test_drafts_are_kept_and_two_windows_cannot_overwrite_each_other(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent, other = await desk(here, "agent"), await desk(here, "other")
        assert (await agent.ok("mail:draft", id="draft-00001", version=0, data={"text": "Dear"}))["version"] == 1
        assert (await agent.ok("mail:draft", id="draft-00001", version=1, data={"text": "Dear C"}))["version"] == 2
        stale = await agent.call("mail:draft", id="draft-00001", version=1, data={"text": "Dear X"})
        assert stale["error"]["code"] == "draft.conflict"
        (draft,) = (await agent.ok("mail:drafts"))["drafts"]
        assert (draft["data"], draft["version"]) == ({"text": "Dear C"}, 2)
        assert (await other.ok("mail:drafts"))["drafts"] == []
        stolen = await other.call("mail:draft", id="draft-00001", version=2, data={"text": "mine"})
        assert stolen["error"]["code"] == "draft.conflict"
        assert (await other.call("mail:discard", id="draft-00001"))["error"]["code"] == "draft.not_found"
        people = [{"address": "clara@berg.example"}]
        await agent.ok("mail:send", to=people, text="Dear C", draft="draft-00001", client_id="send-00003")
        assert (await agent.ok("mail:drafts"))["drafts"] == []
        for each in (agent, other):
            await each.client.close()


async def test_two_who_look_at_one_thread_are_told(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        agent, other = await desk(here, "agent"), await desk(here, "other")
        contact = await arrive(here, Channel.EMAIL, (AuthorKind.VISITOR, "Hello?"))
        assert (await agent.ok("mail:looking", contact=contact))["agents"] == []
        seen = (await other.ok("mail:looking", contact=contact, writing=True))["agents"]
        assert [each["id"] for each in seen] == [here.users["agent"].id]
        told = await agent.hears("mail:lookers", lambda data: data["agents"])
        assert [(each["name"], each["writing"]) for each in told["agents"]] == [(here.users["other"].name, True)]
        agent.told.clear()
        await other.ok("mail:looking", contact=contact, on=False)
        assert (await agent.hears("mail:lookers", lambda data: True))["agents"] == []
        for each in (agent, other):
            await each.client.close()


async def test_a_form_left_after_hours_is_answered_by_mail(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port, signature="{{ mailbox.name }}, Berlin")
        agent = await desk(here, "agent")
        contact = await arrive(here, Channel.EMAIL, (AuthorKind.VISITOR, "Do you ship to Norway?"))
        early = await agent.call("mail:send", contact=contact, text="Yes.", client_id="send-00004")
        assert early["error"]["code"] == "contact.not_yours"
        await take(here, contact)
        begun = (await agent.ok("mail:begin", contact=contact, how="reply"))["mail"]
        assert begun["to"] == [{"address": "mara@home.example", "name": "Mara"}]
        assert (begun["subject"], begun["mailbox"]) == ("Re: Teapots", "support")
        assert begun["signature"]["text"] == "Support, Berlin"
        sent = await agent.ok("mail:send", contact=contact, text="Yes.", client_id="send-00005")
        await here.becomes(sent["mail"]["id"], MailState.SENT)
        message = read(box.mails[0].raw)
        assert str(message["to"]) == "Mara <mara@home.example>"
        assert message["subject"] == "Re: Teapots"
        await agent.client.close()


async def test_a_chat_is_sent_as_a_transcript(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent = await desk(here, "agent")
        contact = await arrive(here, Channel.CHAT, (AuthorKind.VISITOR, "Is the teapot\nback?"))
        await take(here, contact)
        note = {"contact": contact, "client_id": "note-00001", "text": "She is nice.", "kind": "note"}
        await agent.ok("message:send", **note)
        await agent.ok("message:send", contact=contact, client_id="text-00001", text="From Monday on.")
        sent = await agent.ok("mail:transcript", contact=contact, client_id="script-0001")
        again = await agent.ok("mail:transcript", contact=contact, client_id="script-0001")
        assert again["mail"]["id"] == sent["mail"]["id"]
        await here.becomes(sent["mail"]["id"], MailState.SENT)
        (mail,) = box.mails
        assert mail.recipients == ["mara@home.example"]
        message = read(mail.raw)
        assert message["auto-submitted"] == "auto-generated"
        body = message.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n")
        assert "Mara: Is the teapot\n       back?" in text
        assert "Agent: From Monday on." in text
        assert "nice" not in text
        await agent.client.close()


async def test_a_closed_contact_is_written_in_again(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent, other, lead = [await desk(here, name) for name in ("agent", "other", "lead")]
        contact = (await here.written(subject="Your order"))["contact"]
        again = {"contact": contact, "client_id": "again-0001"}
        assert (await agent.call("mail:reopen", **again))["error"]["code"] == "contact.open"
        agent_id = here.users["agent"].id
        over: list[c.ContactCommand] = [c.End(agent_id, "closed", 0), c.Finish(agent_id, None)]
        await here.floor.run(here.hub.contacts.do(contact, *over, actor=agent_id))
        assert (await here.contact(contact)).phase is Phase.CLOSED
        assert (await other.call("mail:reopen", **again))["error"]["code"] == "auth.forbidden"
        for _ in range(2):  # a repetition changes nothing
            opened = (await agent.ok("mail:reopen", **again))["contact"]
            assert (opened["phase"], opened["agent"]["id"]) == ("active", agent_id)
        assert (await here.lines(contact)).count("reopened") == 1
        sent = await agent.ok("mail:send", contact=contact, text="One thing more.", client_id="send-00009")
        assert sent["mail"]["contact"] == contact
        # A supervisor may take up what others had; by REST as well.
        await here.floor.run(here.hub.contacts.do(contact, *over, actor=agent_id))
        answer = await here.rest("POST", f"/contacts/{contact}/reopen", "lead", client_id="again-0002")
        assert answer.status_code == 200, answer.text
        state = await here.contact(contact)
        assert (state.phase, state.agent) == (Phase.ACTIVE, here.users["lead"].id)
        assert state.handled_by == (agent_id, here.users["lead"].id)
        waits = await arrive(here, Channel.CHAT, (AuthorKind.VISITOR, "Hello"))
        assert (await lead.call("mail:reopen", contact=waits, client_id="again-0003"))["error"]["code"] == "mail.reopen"
        for each in (agent, other, lead):
            await each.client.close()


async def test_what_is_too_large_for_the_socket_goes_by_rest_as_the_same_mail(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent = await desk(here, "agent")
        large = {"html": f"<p>{'lamp ' * 40_000}</p>", "client_id": "large-0001"}
        people = [{"address": "clara@berg.example", "name": "Clara"}]
        refused = await agent.call("mail:send", to=people, text="", **large)
        assert refused["error"]["code"] == "input.too_large"
        draft = {"version": 0, "data": {"html": large["html"]}}
        headers = {"Authorization": f"Bearer {here.tokens['agent']}"}
        async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False, timeout=30) as client:
            kept = await client.put(f"{BASE}/me/drafts/draft-large", headers=headers, json=draft)
            assert (kept.status_code, kept.json()) == (200, {"version": 1})
            stale = await client.put(f"{BASE}/me/drafts/draft-large", headers=headers, json=draft)
            assert stale.json()["error"]["code"] == "draft.conflict"
            short = await client.put(f"{BASE}/me/drafts/x", headers=headers, json=draft)
            assert short.json()["error"]["details"]["path"] == "id"
        (found,) = (await agent.ok("mail:drafts"))["drafts"]
        assert (found["id"], found["data"]) == ("draft-large", draft["data"])
        sent = await here.written(**large, text="", to=people, draft="draft-large")
        # The same again, by the other way: the first mail.
        again = await agent.ok("mail:send", to=people, text="lamp", client_id=large["client_id"])
        assert again["mail"]["id"] == sent["id"]
        await here.becomes(sent["id"], MailState.SENT)
        assert len(box.mails) == 1
        assert (await agent.ok("mail:drafts"))["drafts"] == []
        await agent.client.close()


async def test_each_agent_signs_as_he_likes_and_as_the_queue_wants(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port, signature="Hub Ltd")
        agent = await desk(here, "agent")
        own = {
            "html": "<p><b>{{ agent.name }}</b><script>x()</script></p>",
            "queues": {"support": {"text": "Yours\nA"}},
        }
        headers = {"Authorization": f"Bearer {here.tokens['agent']}"}
        async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False, timeout=30) as client:
            for signature, path in (
                ({"text": "x" * 4001}, "mail_signature.text"),
                ({"queues": {"nowhere": {"text": "x"}}}, "mail_signature.queues.nowhere"),
            ):
                refused = await client.patch(f"{BASE}/me", headers=headers, json={"mail_signature": signature})
                assert (refused.status_code, refused.json()["error"]["details"]["path"]) == (422, path)
            me = await client.patch(f"{BASE}/me", headers=headers, json={"mail_signature": own})
            assert me.status_code == 200, me.text
            assert me.json()["mail_signature"]["html"] == "<p><b>{{ agent.name }}</b></p>"
            begun = (await agent.ok("mail:begin", how="new"))["mail"]["signature"]
            assert begun == {"text": "Yours\nA\nHub Ltd", "html": "<p>Yours<br>A</p><p>Hub Ltd</p>"}
            own["queues"] = {}
            await client.patch(f"{BASE}/me", headers=headers, json={"mail_signature": own})
            name = here.users["agent"].name
            begun = (await agent.ok("mail:begin", how="new"))["mail"]["signature"]
            assert begun == {"text": f"{name}\nHub Ltd", "html": f"<p><b>{name}</b></p><p>Hub Ltd</p>"}
        await agent.client.close()


async def test_threads_are_put_together_and_taken_apart(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent, other = await desk(here, "agent"), await desk(here, "other")
        one, two = await here.written(subject="One"), await here.written(subject="Two", text="The second.")
        for mail in (one, two):
            await here.becomes(mail["id"], MailState.SENT)
        merge = {"contact": two["contact"], "into": one["contact"], "client_id": "merge-0002"}
        assert (await other.call("mail:merge", **merge))["error"]["code"] == "auth.forbidden"
        for _ in range(2):  # a repetition changes nothing
            merged = await agent.ok("mail:merge", **merge)
            assert merged["contact"]["id"] == one["contact"]
        mails = await here.floor.run(here.hub.store.mails.of_contact(one["contact"]))
        assert [mail.id for mail in mails] == [one["id"], two["id"]]
        assert (await here.contact(two["contact"])).phase is Phase.CLOSED
        texts = [m.text for m in await here.floor.run(here.hub.store.contacts.messages(one["contact"])) if m.text]
        assert texts.count("The second.") == 1
        itself = await agent.call("mail:merge", contact=one["contact"], into=one["contact"], client_id="merge-0003")
        assert itself["error"]["code"] == "mail.merge"
        split = {"contact": one["contact"], "mail": two["id"], "client_id": "split-0001"}
        apart = (await agent.ok("mail:split", **split))["contact"]
        assert (await agent.ok("mail:split", **split))["contact"]["id"] == apart["id"]
        assert apart["subject"] == "Two"
        moved = await here.mail(two["id"])
        assert moved.contact == apart["id"]
        last = await agent.call("mail:split", contact=one["contact"], mail=one["id"], client_id="split-0002")
        assert last["error"]["code"] == "mail.split"
        for each in (agent, other):
            await each.client.close()


async def test_templates_are_filled_in(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.mailbox(1)
        template = {"name": "Hello", "text": "Hello {{ customer.first_name }},"}
        template["subject"] = "About {{ contact.subject }}"
        await asyncio.to_thread(lambda: here.serving.put("mail_template", "hello", **template))
        agent = await desk(here, "agent")
        contact = await arrive(here, Channel.EMAIL, (AuthorKind.VISITOR, "Hello?"))
        filled = await agent.ok("mail:template", template="hello", contact=contact)
        assert (filled["subject"], filled["text"]) == ("About Teapots", "Hello Mara,")
        assert filled["html"] == "<p>Hello Mara,</p>"
        assert (await agent.call("mail:template", template="none"))["error"]["code"] == "template.not_found"
        await agent.client.close()


async def test_pictures_and_files_go_with_it(tmp_path: Path, hasty: None) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        agent = await desk(here, "agent")
        first = await here.written()
        files: list[str] = []
        for name, data in (("Größe 尺寸.txt", b"10 cm"), ("shown.txt", b"20 cm")):
            async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False) as client:
                headers = {
                    "Authorization": f"Bearer {here.tokens['agent']}",
                    "X-Contact": first["contact"],
                    "X-File-Name": quote(name),
                    "Content-Type": "text/plain",
                }
                answer = await client.post("/api/v1/files", content=data, headers=headers)
                assert answer.status_code == 201, answer.text
                files.append(answer.json()["file"]["id"])
        html = f'<p onclick="x()">Look: <img src="data:image/png;base64,{pixel}"><script>x()</script></p>'
        sent = await agent.ok(
            "mail:send", contact=first["contact"], html=html, attachments=[files[0]], client_id="send-00009"
        )
        await here.becomes(sent["mail"]["id"], MailState.SENT)
        message = read(box.mails[-1].raw)
        shown = message.get_body(("html",))
        assert shown is not None
        content = shown.get_content()
        assert "script" not in content and "onclick" not in content
        (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
        assert f"cid:{picture['content-id'].strip('<>')}" in content
        (attached,) = list(message.iter_attachments())
        assert (attached.get_filename(), attached.get_payload(decode=True)) == ("Größe 尺寸.txt", b"10 cm")
        plain = message.get_body(("plain",))
        assert plain is not None
        assert "Look:" in plain.get_content()
        wrong = {"contact": first["contact"], "text": "x", "attachments": ["fi_none"], "client_id": "send-00010"}
        stolen = await agent.call("mail:send", **wrong)
        assert stolen["error"]["code"] == "file.not_found"
        forward = {"contact": first["contact"], "forwards": sent["mail"]["id"], "to": [{"address": "boss@x.example"}]}
        forward |= {"text": "See below", "attachments": [files[0]], "client_id": "send-00011"}
        passed = await agent.ok("mail:send", **forward)
        await here.becomes(passed["mail"]["id"], MailState.SENT)
        assert read(box.mails[-1].raw)["subject"].startswith("Fwd: ")
        assert len(list(read(box.mails[-1].raw).iter_attachments())) == 1
        await agent.client.close()


async def test_a_file_of_a_draft_is_its_writers_until_it_is_sent(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)

        async def ask(method: str, path: str, who: str, **headers: str) -> httpx.Response:
            given = {"Authorization": f"Bearer {here.tokens[who]}", "X-File-Name": "plan.txt", **headers}
            async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False) as client:
                return await client.request(method, path, headers=given, content=b"plan" if method == "POST" else None)

        kind = {"Content-Type": "text/plain"}
        uploaded = await ask("POST", "/api/v1/files", "agent", **{"X-Contact": "draft:draft-00007"}, **kind)
        assert uploaded.status_code == 201, uploaded.text
        file = uploaded.json()["file"]["id"]
        assert (await ask("GET", f"/files/{file}", "agent")).text == "plan"
        for who in ("other", "lead"):
            assert (await ask("GET", f"/files/{file}", who)).status_code == 403
            new: dict[str, Any] = {"to": [{"address": "b@x.example"}], "text": "x", "attachments": [file]}
            stolen = await here.rest("POST", "/mails", who, **new)
            assert (stolen.status_code, stolen.json()["error"]["code"]) == (404, "file.not_found")
        mail = await here.written(attachments=[file])
        await here.becomes(mail["id"], MailState.SENT)
        (attached,) = list(read(box.mails[0].raw).iter_attachments())
        assert attached.get_payload(decode=True) == b"plan"
        assert (await ask("GET", f"/files/{mail['attachments'][0]['id']}", "lead")).text == "plan"


async def test_a_visitor_may_have_his_chat_sent_to_himself_alone(tmp_path: Path, hasty: None) -> None:
    site = {"name": "Shop", "topics": [{"id": "support", "label": {"en": "Support"}, "queue": "support"}]}
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        await asyncio.to_thread(lambda: here.serving.put("site", "shop", **site))
        visitor = await Client(here.serving.origin, "/visitor", {"site": "shop", "token": None}).open()
        form = {"client_id": "start-0001", "name": "Mara", "email": "mara@home.example", "topic": "support"}
        started = await visitor.call("chat:start", {**form, "text": "Is it back?"})
        assert started["ok"], started
        assert not started["contact"]["can_mail"], "it is not over"
        own = {"contact": started["contact"]["id"], "client_id": "script-0002"}
        for _ in range(2):
            assert (await visitor.call("chat:transcript", own))["ok"]
        await box.wait_for(1)
        other = await Client(here.serving.origin, "/visitor", {"site": "shop", "token": None}).open()
        assert (await other.call("chat:transcript", own))["error"]["code"] == "auth.forbidden"
        (mail,) = box.mails
        assert mail.recipients == ["mara@home.example"]
        named = await visitor.call("chat:transcript", {**own, "to": "victim@other.example"})
        assert named["error"]["code"] == "input.invalid"
        assert read(mail.raw)["list-unsubscribe"] is None, "he asked for it himself"
        ended = await visitor.call("chat:end", {**own, "client_id": "end-000001"})
        assert ended["contact"]["can_mail"]
        for each in (visitor, other):
            await each.close()

"""Trunks and numbers in the administration: made, refused, and shown as they do now."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from playwright.sync_api import expect

from channels.voice.sip.transport_tls import TlsFiles
from tests.e2e.office import Office, accessible, keys_shown, own_office, wider_than_window
from tests.integration.sip.certificates import Authority
from tests.ports import free_port

__all__ = ["own_office"]


def test_a_trunk_is_made_and_tells_how_it_does(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/trunks")
    page = staff.page
    expect(page.get_by_text("No trunks yet")).to_be_visible()
    assert accessible(page) == []
    page.get_by_role("link", name="New trunk").first.click()

    # What the hub refuses stands at its field.
    page.get_by_role("textbox", name="Name", exact=True).fill("Acme Telecom")
    page.get_by_role("button", name="Add an address").click()
    page.get_by_role("textbox", name=re.compile("Addresses that calls come from")).fill("acme")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(re.compile("expected an address or a network"))).to_be_visible()
    staff.picture("mistake")
    assert accessible(page) == []
    page.get_by_role("textbox", name=re.compile("Addresses that calls come from")).fill("198.51.100.0/28")

    # Nobody listens there. What belongs to calls that go out is asked for once there is a host.
    expect(page.get_by_role("textbox", name=re.compile("^Port"))).to_have_count(0)
    page.get_by_role("textbox", name=re.compile("^Host")).fill("127.0.0.1")
    port = str(free_port())
    page.get_by_role("textbox", name=re.compile("^Port")).fill(port)
    expect(page.get_by_role("textbox", name=re.compile("^Password"))).to_have_count(0)
    page.get_by_role("textbox", name=re.compile("^User name")).fill("hub")
    page.get_by_role("textbox", name=re.compile("^Password")).fill("not a reference")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name=re.compile("^Password"))).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name=re.compile("^User name")).fill("")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Acme Telecom")).to_be_visible()
    staff.picture("trunk")
    assert accessible(page) == []

    page.reload()
    expect(page.get_by_role("textbox", name=re.compile("^Port"))).to_have_value(port)
    expect(page.get_by_role("textbox", name=re.compile("^Host"))).to_have_value("127.0.0.1")
    staff.open("/admin#/trunks")
    row = staff.row("Acme Telecom")
    expect(row).to_contain_text(f"127.0.0.1:{port} UDP")
    expect(row).to_contain_text("198.51.100.0/28")
    expect(row).to_contain_text("does not answer", timeout=60_000)  # it has ten seconds, on a busy machine
    staff.picture("trunks")
    assert accessible(page) == []

    staff.row("Acme Telecom").get_by_role("link", name="Acme Telecom").click()
    page.get_by_role("switch", name="In use").click()
    staff.save()
    staff.open("/admin#/trunks")
    expect(row).to_contain_text("not in use")


@contextmanager
def a_server_with(files: TlsFiles) -> Iterator[int]:
    """Its port. Takes TLS connections, and never says a word."""
    assert files.certificate is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    taken: list[ssl.SSLSocket] = []

    def take(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError):
                taken.append(context.wrap_socket(connection, server_side=True))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=take, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


def test_a_trunk_by_tls_says_what_is_wrong_with_its_certificate(own_office: Office, tmp_path: Path) -> None:
    staff = own_office.enter("admin", "/admin#/trunks/new")
    page = staff.page
    with a_server_with(Authority(tmp_path).issue("127.0.0.1")) as port:
        page.get_by_role("textbox", name="Name", exact=True).fill("Acme by TLS")
        page.get_by_role("textbox", name=re.compile("^Host")).fill("127.0.0.1")
        expect(page.get_by_role("switch", name="Check its certificate")).to_have_count(0)
        page.get_by_role("combobox", name="Transport").select_option(label="TLS, with encrypted audio")
        expect(page.get_by_role("switch", name="Check its certificate")).to_be_checked()
        page.get_by_role("textbox", name=re.compile("^Its certificate authority")).fill("/etc/ssl/ca.pem")
        page.get_by_role("button", name="Create").click()
        authority = page.get_by_role("textbox", name=re.compile("^Its certificate authority"))
        expect(authority).to_have_attribute("aria-invalid", "true")
        authority.fill("")
        expect(page.get_by_role("textbox", name=re.compile("^Key of this"))).to_have_count(0)
        page.get_by_role("textbox", name=re.compile("^Port")).fill(str(port))
        staff.picture("tls")
        assert accessible(page) == []
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", level=1, name="Acme by TLS")).to_be_visible()
        staff.open("/admin#/trunks")
        row = staff.row("Acme by TLS")
        expect(row).to_contain_text("not connected: the certificate is not trusted", timeout=60_000)
        staff.picture("refused")

        row.get_by_role("link", name="Acme by TLS").click()
        page.get_by_role("switch", name="Check its certificate").click()
        expect(page.get_by_role("textbox", name=re.compile("^Its certificate authority"))).to_have_count(0)
        staff.save()
        staff.open("/admin#/trunks")
        expect(row).to_contain_text("certificate not checked", timeout=60_000)
        staff.picture("unverified")
        assert accessible(page) == []

    # Without a port its name's DNS is asked for it.
    row.get_by_role("link", name="Acme by TLS").click()
    page.get_by_role("textbox", name=re.compile("^Port")).fill("")
    staff.save()
    staff.open("/admin#/trunks")
    expect(row).to_contain_text("127.0.0.1 TLS")


def test_a_number_leads_to_a_queue_that_then_cannot_be_deleted(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/numbers")
    page = staff.page
    expect(page.get_by_text("No numbers yet")).to_be_visible()
    page.get_by_role("link", name="New number").first.click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    expect(page.get_by_role("combobox", name="Queue")).to_have_accessible_description(re.compile("This is needed."))
    assert accessible(page) == []
    page.get_by_role("textbox", name="Name", exact=True).fill("Hotline")
    page.get_by_role("textbox", name="Called number").fill("+4930123*")
    page.get_by_role("combobox", name="Queue").select_option(label="Billing")
    page.get_by_role("combobox", name="Site").select_option(label="Moss & Kiln")
    page.get_by_role("combobox", name="Language").select_option(index=1)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Hotline")).to_be_visible()
    staff.picture("number")

    staff.open("/admin#/numbers")
    expect(page.get_by_role("row").filter(has_text="Hotline")).to_contain_text("+4930123*")
    expect(page.get_by_role("row").filter(has_text="Hotline")).to_contain_text("Billing")
    staff.picture("numbers")
    assert accessible(page) == []

    staff.open("/admin#/queues/billing")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(re.compile("in use"))).to_be_visible()
    expect(page.get_by_text(re.compile("Hotline"))).to_be_visible()


def test_the_pages_of_voice_narrow_in_the_dark_and_in_chinese(own_office: Office) -> None:
    for name, context in (
        ("dark", {"color_scheme": "dark"}),
        ("narrow", {"viewport": {"width": 390, "height": 844}}),
        ("zh", {"locale": "zh-CN"}),
    ):
        staff = own_office.enter("admin", "/admin#/trunks", **context)
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
        for path in ("trunks", "trunks/new", "numbers", "numbers/new"):
            staff.open(f"/admin#/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.get_by_role("status", name="Loading")).to_have_count(0)
            assert keys_shown(page) == []
            assert wider_than_window(page) <= 0
            staff.picture(f"{name}-{path.replace('/', '-')}")
            assert accessible(page) == []

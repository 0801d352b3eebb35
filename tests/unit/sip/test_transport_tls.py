"""Whom a certificate stands for (RFC 5922), and files of certificates that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.voice.sip.transport_tls import BadTls, Certificates, PeerTls, TlsFiles, is_for
from tests.integration.sip.certificates import Authority


@pytest.mark.parametrize(
    ("alternatives", "name", "right"),
    [
        ((("DNS", "sip.acme.example"),), "sip.acme.example", True),
        ((("DNS", "SIP.Acme.Example."),), "sip.acme.example", True),
        ((("DNS", "acme.example"),), "sip.acme.example", False),
        ((("DNS", "*.acme.example"),), "sip.acme.example", True),
        ((("DNS", "*.acme.example"),), "a.sip.acme.example", False),
        ((("DNS", "*.acme.example"),), "acme.example", False),
        ((("DNS", "*.example"),), "acme.example", False),
        ((("DNS", "s*.acme.example"),), "sip.acme.example", False),
        # A SIP URI says it better than a DNS name, so that the latter no longer counts.
        ((("URI", "sip:acme.example"), ("DNS", "sip.acme.example")), "acme.example", True),
        ((("URI", "sip:acme.example"), ("DNS", "sip.acme.example")), "sip.acme.example", False),
        ((("URI", "sip:somebody@acme.example"),), "acme.example", False),
        ((("URI", "https://acme.example"), ("DNS", "acme.example")), "acme.example", True),
        ((("IP Address", "192.0.2.1"),), "192.0.2.1", True),
        ((("IP Address", "2001:DB8:0:0:0:0:0:1"),), "2001:db8::1", True),
        ((("DNS", "192.0.2.1"),), "192.0.2.1", False),
        ((), "sip.acme.example", False),
    ],
)
def test_a_certificate_is_for_a_name(alternatives: tuple[tuple[str, str], ...], name: str, right: bool) -> None:
    assert is_for({"subjectAltName": alternatives}, name) is right


def test_the_common_name_alone_says_nothing() -> None:
    assert not is_for({"subject": ((("commonName", "sip.acme.example"),),)}, "sip.acme.example")


async def test_files_that_cannot_be_used_are_named_without_their_folder(tmp_path: Path) -> None:
    (tmp_path / "nonsense.pem").write_text("no certificate")
    certificates = Certificates(TlsFiles())
    for name, said in (("missing.pem", "missing.pem"), ("nonsense.pem", "cannot be used")):
        certificates.set_peers({"acme": PeerTls((), TlsFiles(ca=tmp_path / name))})
        with pytest.raises(BadTls, match=said) as caught:
            await certificates.client("acme")
        assert str(tmp_path) not in str(caught.value)


async def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    file = tmp_path / "ca.pem"
    file.write_bytes(ours.path.read_bytes())
    certificates = Certificates(TlsFiles())
    certificates.set_peers({"acme": PeerTls((), TlsFiles(ca=file))})
    first = await certificates.client("acme")
    assert await certificates.client("acme") is first
    file.write_bytes(theirs.path.read_bytes())
    second = await certificates.client("acme")
    assert second is not first
    assert second.get_ca_certs() != first.get_ca_certs()


async def test_what_one_trunk_is_allowed_says_nothing_of_another(tmp_path: Path) -> None:
    certificates = Certificates(TlsFiles())
    certificates.set_peers({"careless": PeerTls((), TlsFiles(verify=False)), "acme": PeerTls(("acme.example",))})
    assert (await certificates.client("careless")).verify_mode.name == "CERT_NONE"
    for peer in ("acme", "", "nobody"):
        assert (await certificates.client(peer)).verify_mode.name == "CERT_REQUIRED"
    assert certificates.flaw("careless", "acme.example", None) is None
    assert certificates.flaw("acme", "acme.example", None) is not None

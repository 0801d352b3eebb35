"""What lies in a mail: files by MIME and by older ways, winmail.dat, signed envelopes, archives."""

from __future__ import annotations

import datetime
import gzip
import io
import struct
import zipfile
from base64 import b64encode
from binascii import b2a_uu
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from mail import smime, tnef
from mail.limits import Limits, Problem
from mail.model import Mail
from mail.parse import parse
from tests.unit.mail.letters import base64, inner, mail, multipart, part

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def files(found: Mail) -> list[tuple[str, str, bytes]]:
    return [(each.name, each.type, each.data) for each in found.attachments]


def test_attachments() -> None:
    found = parse(
        multipart(
            part(b"see there"),
            base64(
                PNG, "application/octet-stream; name=x.jpg", 'Content-Disposition: attachment; filename="../a\\\\b.jpg"'
            ),
            part(b"a,b\n", "text/csv; name*=utf-8''%E4%B8%AD%E6%96%87.csv"),
            base64(b"%PDF-1.4", "image/png", "Content-Disposition: attachment; filename==?utf-8?b?5Lit5paHLnBkZg==?="),
            part(b"note", "text/plain; name=note.txt", "Content-Disposition: inline"),
        )
    )
    assert found.text == "see there"
    assert files(found) == [
        ("b.jpg.png", "image/png", PNG),
        ("中文.csv", "text/csv", b"a,b\n"),
        ("中文.pdf", "application/pdf", b"%PDF-1.4"),
        ("note.txt", "text/plain", b"note"),
    ]
    assert [each.index for each in found.attachments] == [0, 1, 2, 3]
    assert found.problems == ()


def test_pictures_in_the_html() -> None:
    html = b"<p>Hi</p><img src=\"cid:logo@x\"><img src='data:image/gif;base64,R0lGODlh'>"
    found = parse(
        multipart(
            inner(
                part(b"Hi"),
                inner(
                    part(html, "text/html"),
                    base64(PNG, "image/png", "Content-ID: <logo@x>", "Content-Disposition: inline"),
                    kind="related",
                    mark="rel",
                ),
                kind="alternative",
                mark="alt",
            ),
            base64(PNG, "image/png; name=photo.png", "Content-ID: <other@x>"),
        )
    )
    assert found.text == "Hi"
    assert found.html is not None and 'src="cid:logo@x"' in found.html and "data:" not in found.html
    logo, photo, dot = found.attachments
    assert (logo.content_id, logo.inline) == ("logo@x", True)
    assert (photo.name, photo.inline) == ("photo.png", False)
    assert (dot.type, dot.inline) == ("image/gif", True)
    assert f'src="cid:{dot.content_id}"' in found.html


def test_text_that_only_says_that_there_is_html() -> None:
    html = b"<p>" + b"All that was meant to be said stands here. " * 20
    found = parse(multipart(part(b"Please view as HTML."), part(html, "text/html"), kind="alternative"))
    assert found.text.startswith("All that was meant")
    found = parse(multipart(part(b""), part(b"<p>Hello</p>", "text/html"), kind="alternative"))
    assert found.text == "Hello"


@pytest.mark.parametrize(
    ("encoded", "expected", "problem"),
    [
        (b"aGVsbG8gd29ybGQ=", b"hello world", False),
        (b"aGVs\r\nbG8gd29y\r\n bGQ=\r\n", b"hello world", False),
        (b"aGVsbG8gd29ybGQ", b"hello world", False),  # no padding
        (b"aGVsbG8gd29ybGQ=\r\n\r\n-- \r\nA list's footer, below it.", b"hello world", True),
        (b"aGVsbG8=\r\nIHdvcmxk\r\n", b"hello world", False),  # padding inside
        (b"aGVsbG8gd29ybGQa", b"hello world\x1a", False),
        (b"aGVsbG8gd29ybGQab", b"hello world\x1a", True),  # half a byte
        (b"aGVs!bG8gd29ybGQ=", b"hello world", True),
        (b"This is no base64, whatever it calls itself!", b"This is no base64, whatever it calls itself!", True),
    ],
)
def test_base64(encoded: bytes, expected: bytes, problem: bool) -> None:
    more = ("Content-Transfer-Encoding: BASE64", "Content-Disposition: attachment")
    found = parse(multipart(part(b"x"), part(encoded, "application/octet-stream", *more)))
    assert found.attachments[0].data == expected
    assert (Problem.ENCODING in found.problems) == problem


def test_quoted_printable() -> None:
    found = parse(mail(b"Gr=C3=BC=\r\n=C3=9Fe =3D=XX", Content_Transfer_Encoding="quoted-printable"))
    assert found.text == "Grüße ==XX"
    assert Problem.ENCODING in found.problems


def test_flowed() -> None:
    text = b"One \r\nparagraph.\r\n\r\n> quoted \r\n> on\r\n-- \r\nsig \r\nned\r\n"
    assert parse(mail(text, type="text/plain; format=flowed")).text == ("One paragraph.\n\n> quoted on\n-- \nsig ned")
    text = "你 \r\n好\r\n".encode()
    assert parse(mail(text, type="text/plain; charset=utf-8; format=flowed; delsp=yes")).text == "你好"


def uuencoded(data: bytes, name: str) -> bytes:
    lines = [b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return f"begin 644 {name}\n".encode() + b"".join(lines) + b"`\nend\n"


def yencoded(data: bytes, name: str) -> bytes:
    packed = b""
    for byte in data:
        moved = (byte + 42) % 256
        packed += bytes((61, (moved + 64) % 256)) if moved in (0, 10, 13, 61) else bytes((moved,))
    lines = b"".join(
        packed[at : at + 128] + b"\r\n" for at in range(0, len(packed), 128) if packed[at - 1 : at] != b"="
    )
    return (
        f"=ybegin line=128 size={len(data)} name={name}\r\n".encode() + lines + f"=yend size={len(data)}\r\n".encode()
    )


@pytest.mark.parametrize("encode", [uuencoded, yencoded])
def test_files_in_the_text(encode: object) -> None:
    assert callable(encode)
    data = bytes(range(1, 100))
    found = parse(mail(b"before\r\n\r\n" + encode(data, "a.bin") + b"\r\nafter\r\n"))
    assert found.text.split() == ["before", "after"]
    assert [(each.name, each.data) for each in found.attachments] == [("a.bin", data)]
    assert found.problems == ()


@given(st.binary(max_size=400))
def test_uuencoded(data: bytes) -> None:
    found = parse(
        multipart(part(b"x"), part(uuencoded(data, "a"), "application/x", "Content-Transfer-Encoding: x-uuencode"))
    )
    assert data == b"" or found.attachments[0].data == data


def test_no_file_in_the_text() -> None:
    text = b"Let us begin 644 times.\nbegin 644 now\nand not later, please.\nThe\nend\n"
    assert parse(mail(text)).text == text.decode().strip()


def attribute(level: int, id: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, id, len(value)) + value + struct.pack("<H", sum(value) % 65536)


def prop(id: int, type: int, value: bytes) -> bytes:
    return struct.pack("<HHII", type, id, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def winmail() -> bytes:
    html = "<p>Grüße <img src='http://x.y/z'></p>".encode()
    props = struct.pack("<I", 2) + struct.pack("<HHI", 3, 0x0026, 0) + prop(0x1013, 0x102, html)
    file_props = (
        struct.pack("<I", 2) + prop(0x3707, 0x1F, "Rechnung ü.pdf\0".encode("utf-16-le")) + prop(0x3712, 0x1E, b"a@b\0")
    )
    return (
        b"\x78\x9f\x3e\x22\x01\0"
        + attribute(1, 0x00069007, struct.pack("<II", 65001, 0))
        + attribute(1, 0x00069003, props)
        + attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x00018010, b"RECHNU~1.PDF\0")
        + attribute(2, 0x0006800F, b"%PDF-1.4 x")
        + attribute(2, 0x00069005, file_props)
        + attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x00018010, b"b.txt\0")
        + attribute(2, 0x0006800F, b"hello")
    )


def test_winmail() -> None:
    found = parse(multipart(part(b""), base64(winmail(), "application/ms-tnef; name=winmail.dat")))
    assert found.text == "Grüße"
    assert found.html == '<p>Grüße <img src="remote:http%3A%2F%2Fx.y%2Fz"></p>'
    assert files(found) == [("Rechnung ü.pdf", "application/pdf", b"%PDF-1.4 x"), ("b.txt", "text/plain", b"hello")]
    assert found.attachments[0].content_id == "a@b"


@given(st.integers(0, 500), st.integers(0, 255))
def test_winmail_that_is_broken(place: int, byte: int) -> None:
    whole = winmail()
    problems: set[Problem] = set()
    tnef.read(whole[: place % len(whole)], Limits(), problems)
    place %= len(whole)
    tnef.read(whole[:place] + bytes((byte,)) + whole[place + 1 :], Limits(), problems)
    assert problems <= {Problem.TNEF}


def signed(content: bytes, *options: pkcs7.PKCS7Options, encoding: serialization.Encoding) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(encoding, list(options))


CONTENT = part("Grüße".encode()).replace(b"\r\n\r\n", b"\r\nX-Inner: 1\r\n\r\n")


def test_signed_envelope() -> None:
    der = signed(CONTENT, pkcs7.PKCS7Options.Binary, encoding=serialization.Encoding.DER)
    body = b64encode(der)
    found = parse(mail(body, type="application/pkcs7-mime; smime-type=signed-data", Content_Transfer_Encoding="base64"))
    assert (found.text, found.signed, found.attachments, found.problems) == ("Grüße", True, (), ())


def test_signed_beside() -> None:
    letter = signed(
        CONTENT, pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, encoding=serialization.Encoding.SMIME
    )
    found = parse(b"From: a@example.com\r\n" + letter)
    assert (found.text, found.signed, found.attachments) == ("Grüße", True, ())


def test_envelope_of_pieces() -> None:
    """BER as OpenSSL writes it while it reads: lengths that are not known, a string of strings."""

    def piece(tag: int, *parts: bytes) -> bytes:
        return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"

    def short(tag: int, value: bytes) -> bytes:
        return bytes((tag, len(value))) + value

    data_oid, signed_oid = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("06092a864886f70d010702")
    octets = piece(0xA0, piece(0x24, short(0x04, CONTENT[:20]), short(0x04, CONTENT[20:])))
    body = piece(0x30, short(0x02, b"\1"), short(0x31, b""), piece(0x30, data_oid, octets), short(0x31, b""))
    problems: set[Problem] = set()
    found = smime.open_envelope(piece(0x30, signed_oid, piece(0xA0, body)), Limits(), problems)
    assert found == (CONTENT, True)
    assert not problems


@given(st.binary(max_size=200))
def test_envelopes_of_anything(data: bytes) -> None:
    problems: set[Problem] = set()
    assert smime.open_envelope(data, Limits(), problems)[0] is None
    assert problems <= {Problem.SMIME, Problem.ENCRYPTED}


def test_encrypted() -> None:
    found = parse(
        multipart(
            part(b"Version: 1", "application/pgp-encrypted"),
            part(b"-----BEGIN PGP MESSAGE-----", "application/octet-stream; name=encrypted.asc"),
            kind="encrypted",
        )
    )
    assert found.problems == (Problem.ENCRYPTED,)
    assert found.whole


def office(folder: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr(f"{folder}document.xml", "x")
    return target.getvalue()


def open_document() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "type"),
    [
        (office("word/"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (office("xl/"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (office("other/"), "application/zip"),
        (open_document(), "application/vnd.oasis.opendocument.text"),
        (b"PK\x03\x04 broken", "application/zip"),
        (office("word/")[:-30], "application/zip"),
        (b"<svg onload=alert(1)>", "image/svg+xml"),
        (b"<html><script>", "text/html"),
        (b"MZ\x90\0\3\0", "application/vnd.microsoft.portable-executable"),
    ],
)
def test_types_are_what_the_bytes_are(data: bytes, type: str, tmp_path: Path) -> None:
    found = parse(multipart(part(b"x"), base64(data, "image/png", "Content-Disposition: attachment; filename=a.png")))
    assert found.attachments[0].type == type


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(10):
            archive.writestr(str(number), b"\0" * 10_000_000)
    return target.getvalue()


def test_bombs() -> None:
    attached = "Content-Disposition: attachment"
    found = parse(multipart(part(b"x"), base64(bomb(), "application/zip", attached)))
    assert found.problems == (Problem.ZIP_BOMB,)
    found = parse(multipart(part(b"x"), base64(gzip.compress(b"\0" * 100_000_000), "application/gzip", attached)))
    assert found.problems == (Problem.ZIP_BOMB,)
    squeezed = b64encode(gzip.compress(b"x" * 100_000_000))
    found = parse(mail(squeezed, Content_Transfer_Encoding="x-gzip64"))
    assert Problem.ZIP_BOMB in found.problems
    assert len(found.text) == 1_000_000
    assert not found.whole


def test_many() -> None:
    found = parse(multipart(*[part(b"x", "text/plain", "Content-Disposition: attachment")] * 2000))
    assert len(found.attachments) == 1000
    assert Problem.MANY_PARTS in found.problems and not found.whole

"""Mails for tests, from what is in them."""

from base64 import encodebytes


def mail(body: bytes = b"hello", *, type: str = "text/plain; charset=utf-8", **head: str) -> bytes:
    """`head` are fields with underscores for hyphens; the subject is "s" and the sender a@example.com unless given."""
    fields = {"From": "a@example.com", "Subject": "s", "Content-Type": type}
    fields |= {name.replace("_", "-"): value for name, value in head.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return lines.encode() + b"\r\n" + body


def part(body: bytes, type: str = "text/plain; charset=utf-8", *more: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"Content-Type: {type}", *more))
    return head.encode() + b"\r\n" + body


def base64(body: bytes, type: str, *more: str) -> bytes:
    return part(encodebytes(body), type, "Content-Transfer-Encoding: base64", *more)


def multipart(*parts: bytes, kind: str = "mixed", mark: str = "=_b", **head: str) -> bytes:
    """A whole mail; `kind` may have parameters behind it."""
    return mail(joined(*parts, mark=mark), type=f'multipart/{kind}; boundary="{mark}"', **head)


def joined(*parts: bytes, mark: str) -> bytes:
    return b"".join(f"--{mark}\r\n".encode() + each + b"\r\n" for each in parts) + f"--{mark}--\r\n".encode()


def inner(*parts: bytes, kind: str, mark: str) -> bytes:
    """A part of parts."""
    return part(joined(*parts, mark=mark), f'multipart/{kind}; boundary="{mark}"')

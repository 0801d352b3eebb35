"""SIP messages: bytes to a checked value and back (RFC 3261 sections 7, 8.2.6, 16.3 and 25).

Strict where a message could be understood in two ways, since what we take we answer for. Every check runs in linear
time, and sizes are bounded before anything is copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from channels.voice.sip.headers import (
    TOKEN,
    BadHeader,
    CSeq,
    Headers,
    NameAddr,
    canonical,
    is_name_addr,
    is_token,
    is_via,
    known_name,
)
from channels.voice.sip.uri import is_uri

MAX_MESSAGE = 65_535
MAX_HEAD = 24_576
MAX_BODY = 49_152
MAX_URI = 4_096
MAX_FIELDS = 256  # values, also those that share a line

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}


@dataclass(slots=True)
class Request:
    """`uri` is the Request-URI as it came. Content-Length is not among `headers`: the body has its length."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """Content-Length is not among `headers`: the body has its length."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""


Message: TypeAlias = Request | Response


@dataclass
class BadMessage(Exception):
    """What was received cannot be taken: the status to answer with, and why.

    `partial` is what could be read of a request, enough to answer it with; None where no answer can be sent (a
    response, an ACK, or no Via to send it by).
    """

    status: int
    reason: str
    partial: Message | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.status} {self.reason}"


_REQUEST_LINE = re.compile(rf"({TOKEN}) ([^ \t<>\"]++) [sS][iI][pP]/([0-9]++)\.([0-9]++)")
_STATUS_LINE = re.compile(r"[sS][iI][pP]/2\.0 ([1-6][0-9][0-9]) ([^\x00-\x08\x0a-\x1f\x7f]*+)")
_CALL_ID = re.compile(
    r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}=&$#;|^]++(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}=&$#;|^]++)?+"
)
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    r"[0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)
_CONTENT_TYPE = re.compile(rf"{TOKEN}[ \t]*+/[ \t]*+{TOKEN}[ \t]*+(?:;.*+)?+")

# Two of them could be read in two ways (RFC 3261 section 7.3.1; RFC 4475 section 3.3.8).
_ONCE = frozenset(
    {"Call-ID", "Content-Type", "CSeq", "Date", "Expires", "From", "Max-Forwards", "Min-Expires", "Min-SE"}
    | {"MIME-Version", "RAck", "Refer-To", "Replaces", "RSeq", "Session-Expires", "To"}
)
_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")


def parse(data: bytes, *, stream: bool = False) -> Message:
    """One message. Raises BadMessage.

    Of a datagram what stands behind the body is dropped (RFC 3261 section 18.3); from a stream (`stream`) the data
    must be exactly one message with a Content-Length, as framing.Framer gives them.
    """
    if len(data) > MAX_MESSAGE:
        data = data[:MAX_HEAD]  # enough to answer
        too_large = True
    else:
        too_large = False
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
    end = data.find(b"\r\n\r\n", start, start + MAX_HEAD)
    if end < 0:
        cut = data[start : start + MAX_HEAD]
        text, complete = _decode(cut[: max(cut.rfind(b"\r\n"), 0)]), False
        body = b""
    else:
        text, complete = _decode(data[start:end]), True
        body = data[end + 4 :]
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    lines = text.split("\r\n")
    first = lines.pop(0)
    if match := _REQUEST_LINE.fullmatch(first):
        method, uri, major, minor = match.groups()
        headers, length, problem = _read_fields(lines)
        request = Request(method, uri, headers)
        if not complete:
            problem = BadMessage(513, "Head too long" if len(data) >= MAX_HEAD else "Head without an end")
        elif too_large:
            problem = BadMessage(513, "Message too long")
        elif (major, minor) != ("2", "0"):
            problem = BadMessage(505, "Version Not Supported")
        problem = problem or _request_problem(request) or _common_problem(headers, method)
        if problem is None:
            request.body, problem = _cut(body, length, stream)
        if problem is not None:
            if problem.status == 513 and not too_large and not complete and len(data) < MAX_HEAD:
                problem.status = 400
            problem.partial = request if _answerable(request) else None
            raise problem
        return request
    if match := _STATUS_LINE.fullmatch(first):
        headers, length, problem = _read_fields(lines)
        if not complete or too_large:
            problem = BadMessage(400, "Head without an end, or message too long")
        problem = problem or _common_problem(headers, None)
        response = Response(int(match[1]), match[2], headers)
        if problem is None:
            response.body, problem = _cut(body, length, stream)
        if problem is not None:
            raise problem
        return response
    problem = BadMessage(400, "Malformed start line")
    method, _, rest = first.partition(" ")
    if is_token(method) and method != "ACK" and rest.rstrip(" \t").upper().endswith("SIP/2.0"):
        request = Request(method, "", _read_fields(lines)[0])
        problem.partial = request if _answerable(request) else None
    raise problem


def encode(message: Message) -> bytes:
    """The bytes to send, with Content-Length. Raises ValueError if a value would break out of its line."""
    if isinstance(message, Request):
        lines = [f"{message.method} {message.uri} SIP/2.0"]
    else:
        lines = [f"SIP/2.0 {message.status} {message.reason}"]
    lines += [f"{name}: {value}" for name, value in message.headers if name != "Content-Length"]
    lines.append(f"Content-Length: {len(message.body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line end in a header field")
    return head.encode() + b"\r\n\r\n" + message.body


def reply(request: Request, status: int, reason: str | None = None, to_tag: str | None = None) -> Response:
    """A response with what RFC 3261 section 8.2.6 copies of the request; `to_tag` is added to a To without one."""
    source, headers = request.headers, Headers()
    for via in source.lines("Via"):
        headers.add("Via", via)
    if 100 < status < 300:
        for route in source.lines("Record-Route"):
            headers.add("Record-Route", route)
    if (sender := source.get("From")) is not None:
        headers.add("From", sender)
    if (to := source.get("To")) is not None:
        headers.add("To", _tagged(to, to_tag) if to_tag and status > 100 else to)
    for name in ("Call-ID", "CSeq"):
        if (value := source.get(name)) is not None:
            headers.add(name, value)
    if status == 100 and (stamp := source.get("Timestamp")) is not None:
        headers.add("Timestamp", stamp)
    return Response(status, reason if reason is not None else REASONS.get(status, "Unknown"), headers)


def _tagged(to: str, tag: str) -> str:
    try:
        party = NameAddr.parse(to)
    except BadHeader:
        return to
    return to if party.tag else str(party.with_tag(tag))


def _decode(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")  # not allowed, but sent in display names


def _read_fields(lines: list[str]) -> tuple[Headers, int | None, BadMessage | None]:
    """The fields, the Content-Length, and the first problem; what can be read is read also behind a problem."""
    headers = Headers()
    add = headers.add_known
    length: int | None = None
    problem: BadMessage | None = None
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        full = known_name(name)
        if full is None or not colon:
            name = name.rstrip(" \t")
            if not colon or not is_token(name):
                problem = problem or BadMessage(400, "Malformed header field")
                continue
            full = canonical(name)
        if "\n" in value or "\r" in value:
            problem = problem or BadMessage(400, "Malformed header field")
        elif full != "Content-Length":
            add(full, value)
        elif length is not None:
            problem = problem or BadMessage(400, "Several Content-Length")
        elif not (value.isascii() and value.isdigit()) or len(value) > 9:
            problem = problem or BadMessage(400, "Malformed Content-Length")
        else:
            length = int(value)
    if len(headers) > MAX_FIELDS:
        headers = Headers(list(headers)[:MAX_FIELDS])
        problem = problem or BadMessage(513, "Too many header fields")
    return headers, length, problem


def _request_problem(request: Request) -> BadMessage | None:
    uri, headers = request.uri, request.headers
    if len(uri) > MAX_URI:
        return BadMessage(414, "Request-URI Too Long")
    if not is_uri(uri):
        return BadMessage(400, "Malformed Request-URI")
    if "?" in uri and uri[:4].lower() in ("sip:", "sips") and "?" in uri.rpartition("@")[2]:
        return BadMessage(400, "Headers in the Request-URI")
    hops = headers.get("Max-Forwards")
    if hops is not None and not (hops.isascii() and hops.isdigit() and len(hops) <= 9 and int(hops) <= 255):
        return BadMessage(400, "Malformed Max-Forwards")
    return None


def _common_problem(headers: Headers, method: str | None) -> BadMessage | None:
    values = headers.by_name
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        if name not in values:
            return BadMessage(400, f"Missing {name}")
    for name, found in values.items():
        if len(found) > 1 and name in _ONCE:
            return BadMessage(400, f"Several {name}")
        check = _CHECKS.get(name)
        if check is not None:
            for value in found:
                if not check(value):
                    return BadMessage(400, f"Malformed {name}")
    try:
        sequence = CSeq.parse(values["CSeq"][0])
    except BadHeader:
        return BadMessage(400, "Malformed CSeq")
    if method is not None and sequence.method != method:
        return BadMessage(400, "CSeq of another method")
    return None


def _cut(body: bytes, length: int | None, stream: bool) -> tuple[bytes, BadMessage | None]:
    if length is None:
        if stream:
            return b"", BadMessage(400, "Missing Content-Length")
        length = len(body)
    elif length > len(body) or (stream and length != len(body)):
        return b"", BadMessage(400, "Content-Length does not fit")
    if length > MAX_BODY:
        return b"", BadMessage(413, "Request Entity Too Large")
    return (body if length == len(body) else body[:length]), None


def _answerable(request: Request) -> bool:
    via = request.headers.get("Via")
    return request.method != "ACK" and via is not None and is_via(via, any_version=True)


def _is_contact(value: str) -> bool:
    return value == "*" or is_name_addr(value)


def _is_route(value: str) -> bool:
    return is_name_addr(value, brackets=True)


_CHECKS: dict[str, Callable[[str], object]] = {
    "Via": is_via,
    "From": is_name_addr,
    "To": is_name_addr,
    "Contact": _is_contact,
    "Route": _is_route,
    "Record-Route": _is_route,
    "Call-ID": _CALL_ID.fullmatch,
    "Date": _DATE.fullmatch,
    "Content-Type": _CONTENT_TYPE.fullmatch,
}

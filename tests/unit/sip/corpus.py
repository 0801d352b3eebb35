"""The torture messages of RFC 4475 with what is to become of each, and seeded mutations of them."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from channels.voice.sip.headers import CSeq, NameAddr, Via
from channels.voice.sip.message import BadMessage, Message, Request, encode, parse, reply
from tests.peers import CHECKOUT

FOLDER = CHECKOUT / "tests/fixtures/sip-rfc4475"

# What is answered to those that cannot be taken; None where there is nobody to answer to or nothing to answer with.
REFUSED: dict[str, int | None] = {
    "badaspec": 400,
    "baddate": 400,
    "baddn": 400,
    "badinv01": None,  # its Via is what is malformed
    "badvers": 505,
    "bigcode": None,
    "clerr": 400,
    "escruri": 400,
    "insuf": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "mcl01": 400,
    "mismatch01": 400,
    "mismatch02": 400,
    "multi01": 400,
    "ncl": 400,
    "quotbal": 400,
    "regbadct": 400,
    "scalar02": 400,
    "scalarlg": None,
    "trws": 400,
}


def torture() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(Path(FOLDER).glob("*.dat"))}


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """Messages with bytes changed, cut out, doubled, put in from elsewhere, or with whole lines moved."""
    random = Random(seed)
    originals = list(torture().values())
    bits = [
        b"\r\n",
        b"\r\n ",
        b"\r\n\r\n",
        b'"',
        b"<",
        b">",
        b"%",
        b";",
        b",",
        b"@",
        b"[",
        b"]",
        b"\x00",
        b"\xff",
        b"\\",
        b":",
    ]
    for _ in range(count):
        data = bytearray(random.choice(originals))
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            at, length = random.randrange(len(data) + 1), random.choice((1, 1, 2, 5, 40))
            match random.randrange(7):
                case 0 if at < len(data):
                    data[at] = random.randrange(256)
                case 1:
                    del data[at : at + length]
                case 2:
                    data[at:at] = data[at : at + length]
                case 3:
                    other = random.choice(originals)
                    start = random.randrange(len(other))
                    data[at:at] = other[start : start + length]
                case 4:
                    data[at:at] = random.choice(bits) * random.choice((1, 1, 2, 50))
                case 5:
                    lines = bytes(data).split(b"\r\n")
                    lines.insert(random.randrange(len(lines)), random.choice(lines))
                    data = bytearray(b"\r\n".join(lines))
                case _:
                    del data[at:]
        yield bytes(data)


def judge_mutations(count: int, seed: int) -> int:
    """How many are taken. Whatever is taken reads back the same, and an answer can be made to what is refused."""
    taken = 0
    for data in mutations(count, seed):
        try:
            message = parse(data)
        except BadMessage as refusal:
            assert 400 <= refusal.status < 600
            if refusal.partial is not None:
                assert isinstance(refusal.partial, Request)
                encode(reply(refusal.partial, refusal.status, to_tag="t1"))
        else:
            taken += 1
            _judge_taken(message)
    return taken


def _judge_taken(message: Message) -> None:
    assert parse(encode(message)) == message
    for via in message.headers.all("Via"):
        Via.parse(via)
    for name in ("From", "To"):
        NameAddr.parse(message.headers.get(name) or "")
    if isinstance(message, Request):
        assert CSeq.parse(message.headers.get("CSeq") or "").method == message.method
        parse(encode(reply(message, 200, to_tag="t1")))

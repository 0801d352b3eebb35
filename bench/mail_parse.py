"""How many mails a second one process takes apart, and how much of a processor's time each takes.

    python -m bench.mail_parse                 the tests' mails and some of everyday, about 15 seconds
    python -m bench.mail_parse --seconds 2 --each

`--pool` takes them by way of a worker process, as the hub does, and measures by the clock on the wall.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from mail.parse import parse
from mail.worker import ParserPool
from tests.peers import CHECKOUT
from tests.unit.mail.letters import base64, inner, mail, multipart, part

NEWSLETTER_ROW = (
    '<tr><td style="padding:12px 24px;font-family:Arial,sans-serif;font-size:14px;color:#333333" bgcolor="#ffffff">'
    '<a href="https://shop.example/p/{n}?utm_source=mail"><img src="https://cdn.shop.example/{n}.jpg" width="280"></a>'
    "<p style='margin:0 0 8px'>Article {n}, now for less, as long as there is any left.</p></td></tr>"
)


def everyday() -> Iterator[tuple[str, bytes]]:
    """What people send: an answer with its quote, a Chinese question, one of Outlook's, photos, a newsletter."""
    quoted = "\n".join("> " + "a line of what was said before, " * 2 for _ in range(40))
    answer = (
        f"Yes, please send it again.\n\nKind regards\nJane\n\nOn Mon, 1 Jan 2024 at 10:00, X <x@y.z> wrote:\n{quoted}\n"
    )
    yield "an answer", mail(answer.encode(), Subject="Re: order")
    chinese = "您好，我上个月买的咖啡机坏了，请问怎么退货？订单号 12345。谢谢！\n" * 8
    yield "in GB 18030", mail(chinese.encode("gb18030"), type="text/plain; charset=gb2312")
    yield "in GB 18030, not labelled", mail(chinese.encode("gb18030"), type="text/plain")
    paragraph = "<p class=MsoNormal><span lang=EN-US style='font-size:11.0pt'>Hello, where is my order?</span></p>"
    style = "<style><!-- p.MsoNormal {margin:0cm;font-size:11.0pt;font-family:'Calibri',sans-serif;} --></style>"
    outlook = (
        f"<html xmlns:o='urn:x'><head>{style}</head><body>{paragraph * 30}<o:p>&nbsp;</o:p></body></html>".encode()
    )
    both = inner(
        part(b"Hello, where is my order?\r\n" * 30),
        part(outlook, "text/html; charset=utf-8"),
        kind="alternative",
        mark="a",
    )
    yield "HTML of Outlook", multipart(both)
    photo = b"\xff\xd8\xff\xe0" + Random(1).randbytes(1_500_000)
    yield "two photos", multipart(part(b"See there."), *[base64(photo, "image/jpeg; name=photo.jpg")] * 2)
    rows = "".join(NEWSLETTER_ROW.format(n=n) for n in range(120))
    yield (
        "a newsletter",
        mail(f"<html><body><table>{rows}</table></body></html>".encode(), type="text/html; charset=utf-8"),
    )


def corpus() -> list[tuple[str, bytes]]:
    folder = CHECKOUT / "tests" / "fixtures" / "mime"
    return [*((path.name, path.read_bytes()) for path in sorted(folder.glob("*.msg"))), *everyday()]


def show(name: str, spent: list[float], size: int = 0) -> None:
    spent = sorted(spent)
    middle, late = spent[len(spent) // 2], spent[min(len(spent) - 1, len(spent) * 99 // 100)]
    kilobytes = f"{size / 1024:8.0f} kB" if size else " " * 11
    print(
        f"{name:36}{kilobytes} {len(spent) / sum(spent):9.0f}/s  p50 {middle * 1000:7.2f} ms  p99 {late * 1000:7.2f} ms"
    )


def here(mails: list[tuple[str, bytes]], seconds: float, each: bool) -> None:
    for _, raw in mails:
        parse(raw)  # the first one loads the model of languages
    by_name: dict[str, list[float]] = {name: [] for name, _ in mails}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, raw in mails:
            begun = time.process_time()
            parse(raw)
            by_name[name].append(time.process_time() - begun)
    sizes = {name: len(raw) for name, raw in mails}
    everyday_names = [name for name, _ in everyday()]
    for name, spent in by_name.items():
        if each or name in everyday_names:
            show(name, spent, sizes[name])
    show(f"all {len(mails)}", [one for spent in by_name.values() for one in spent])


async def in_a_worker(mails: list[tuple[str, bytes]], seconds: float) -> None:
    pool = ParserPool(1)
    await pool.start()
    for _, raw in mails:
        await pool.parse(raw)
    spent: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for _, raw in mails:
            begun = time.perf_counter()
            await pool.parse(raw)
            spent.append(time.perf_counter() - begun)
    await pool.stop()
    show("all, by way of a worker", spent)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=15)
    options.add_argument("--each", action="store_true", help="a line for each mail")
    options.add_argument("--pool", action="store_true", help="by way of a worker process")
    options.add_argument("files", nargs="*", type=Path, help="mails of your own instead")
    chosen = options.parse_args()
    mails = [(path.name, path.read_bytes()) for path in chosen.files] or corpus()
    if chosen.pool:
        asyncio.run(in_a_worker(mails, chosen.seconds))
    else:
        here(mails, chosen.seconds, chosen.each)


if __name__ == "__main__":
    main()

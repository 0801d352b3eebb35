"""A baresip telephone in a process of its own, as an agent's own telephone: registers, rings, and does what it is told.

Arguments: user name, password, host:port, transport, file of the certificate authority, "srtp" or "". Lines that it
reads: answer, reject, hold, resume, hang_up, keys DIGITS, quit. Lines that it writes: registered, refused, ringing,
established, ended, and `hears HERTZ` for the strongest tone, twice a second. It says 700 Hz.
"""

import asyncio
import math
import struct
import sys

from baresip import BaresipError, Config
from baresip.call import Call
from baresip.errors import AudioNotActive, AudioRestarted
from baresip.runtime import Runtime
from baresip.ua import UserAgent

HERTZ, RATE = 700, 8_000
CANDIDATES = (400, 440, 550, 700, 1000)


def say(words: str) -> None:
    print(words, flush=True)


def strongest(pcm: bytes, rate: int) -> int:
    """The candidate with the most energy, 0 for silence."""
    samples = struct.unpack(f"{len(pcm) // 2}h", pcm)
    if not samples or max(map(abs, samples)) < 500:
        return 0

    def energy(hertz: int) -> float:
        turns = [2 * math.pi * hertz * at / rate for at in range(len(samples))]
        real = sum(one * math.cos(turn) for one, turn in zip(samples, turns, strict=True))
        imaginary = sum(one * math.sin(turn) for one, turn in zip(samples, turns, strict=True))
        return math.hypot(real, imaginary)

    return max(CANDIDATES, key=energy)


async def talk(call: Call) -> None:
    """Feeds the tone, and tells what is heard."""
    at, heard, ticks = 0, b"", 0
    while True:
        await asyncio.sleep(0.02)
        ticks += 1
        try:
            info = call.audio.info()
            if info.tx_ready and info.tx_buffered < info.tx_sample_rate // 4:
                count = info.tx_sample_rate // 10
                step = 2 * math.pi * HERTZ / info.tx_sample_rate
                tone = [int(9_000 * math.sin(step * (at + n))) for n in range(count)]
                at += count
                call.audio.write(struct.pack(f"{count}h", *tone))
            if info.rx_ready:
                heard = (heard + call.audio.read(65_536))[-info.rx_sample_rate // 2 :]
                if ticks % 25 == 0 and heard:
                    say(f"hears {strongest(heard[: len(heard) // 2 * 2], info.rx_sample_rate)}")
        except (AudioNotActive, AudioRestarted):
            continue
        except BaresipError:
            return


async def main(user: str, password: str, server: str, transport: str, authority: str, media: str) -> None:
    runtime = Runtime()
    settings = f"sip_listen 127.0.0.1:0\nsip_cafile {authority}\nsip_verify_server yes\n"
    await runtime.start(Config(net_interface="127.0.0.1", extra_config_text=settings))
    account = f"<sip:{user}@{server};transport={transport}>;auth_pass={password};regint=60;answermode=manual"
    account += ";audio_codecs=pcmu" + (f";mediaenc={media}" if media else "")
    phone = await UserAgent.create(runtime, account)
    calls: list[Call] = []
    tasks: list[asyncio.Task[None]] = []

    def incoming(call: Call) -> None:
        calls.append(call)
        say("ringing")

    def happened(event: object) -> None:
        name = getattr(getattr(event, "event", None), "name", "")
        if name == "CALL_ESTABLISHED":
            say("established")
            tasks.append(asyncio.ensure_future(talk(calls[-1])))
        elif name == "CALL_CLOSED":
            say("ended")

    phone.on_incoming(incoming)
    phone.on(happened)
    try:
        await phone.register()
    except BaresipError:
        say("refused")
        await runtime.close()
        return
    say("registered")
    loop = asyncio.get_running_loop()
    while (line := (await loop.run_in_executor(None, sys.stdin.readline)).strip()) != "quit" and line:
        word, _, rest = line.partition(" ")
        if word == "answer":
            await calls[-1].answer()
        elif word == "reject":
            await calls[-1].reject()
        elif word == "hold":
            await calls[-1].hold()
        elif word == "resume":
            await calls[-1].resume()
        elif word == "hang_up":
            await calls[-1].hangup()
        elif word == "keys":
            await calls[-1].send_dtmf(rest)
    for task in tasks:
        task.cancel()
    await runtime.close()


asyncio.run(main(*sys.argv[1:7]))

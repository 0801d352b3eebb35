"""A baresip phone in a process of its own: calls `target`, hangs up, and says what it saw. It is native code in alpha,
so it shall not share our process.

Arguments: target, transport, file of the certificate authority.
"""

import asyncio
import sys

from baresip import BaresipError, Config
from baresip.runtime import Runtime
from baresip.ua import UserAgent


async def main(target: str, transport: str, authority: str) -> None:
    runtime = Runtime()
    settings = f"sip_listen 127.0.0.1:0\nsip_cafile {authority}\nsip_verify_server yes\n"
    await runtime.start(Config(net_interface="127.0.0.1", extra_config_text=settings))
    account = f"<sip:phone@127.0.0.1;transport={transport}>;regint=0;answermode=manual;audio_codecs=pcmu"
    phone = await UserAgent.create(runtime, account)
    try:
        call = await phone.dial(target)
        await call.wait_established()
    except BaresipError as error:
        print(f"failed {type(error).__name__}", flush=True)
    else:
        print("established", flush=True)
        await call.hangup()
        await asyncio.sleep(0.3)
        print("hung up", flush=True)
    await runtime.close()


asyncio.run(main(*sys.argv[1:4]))

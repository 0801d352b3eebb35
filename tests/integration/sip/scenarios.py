"""SIPp scenarios, step by step: each function gives one step's XML, `scenario` makes the file of them."""

from __future__ import annotations

from pathlib import Path

SDP = """v=0
o=sipp 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio 6000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


SPEECH = SDP.replace("6000", "[rtpstream_audio_port]")
"""Of who sends a file's sound (`speak`)."""


def scenario(folder: Path, name: str, *steps: str) -> str:
    """Writes the file; its path."""
    path = folder / f"{name}.xml"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{"".join(steps)}</scenario>\n')
    return str(path)


def ask(method: str, *, seq: int = 1, branch: str = "", body: str = "", extra: str = "", retrans: bool = False) -> str:
    """A request to us. Requests with the same `branch` belong to one transaction; in a call the tags are filled in."""
    branch = branch or f"{method}{seq}"
    return _send(
        f"{method} sip:service@[remote_ip]:[remote_port] SIP/2.0\n"
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=z9hG4bK-[pid]-[call_number]-{branch}\n"
        "From: <sip:caller@[local_ip]:[local_port]>;tag=[pid]c[call_number]\n"
        "To: <sip:service@[remote_ip]:[remote_port]>[peer_tag_param]\n"
        "Call-ID: [call_id]\n"
        f"CSeq: {seq} {method}\n"
        "Contact: <sip:caller@[local_ip]:[local_port]>\n"
        "Max-Forwards: 70\n"
        f"{extra}",
        body,
        retrans,
    )


def invite(*, branch: str = "invite", seq: int = 1, retrans: bool = True) -> str:
    return ask("INVITE", seq=seq, branch=branch, body=SDP, retrans=retrans)


def ack(*, seq: int = 1, branch: str = "") -> str:
    return ask("ACK", seq=seq, branch=branch or f"ack{seq}")


def say(status: int, *, tag: str = "t", body: str = "", extra: str = "", to: bool = True, kept: bool = False) -> str:
    """An answer to the request that came last, or, with `kept`, to the INVITE that was kept."""
    return _send(
        f"SIP/2.0 {status} Answer\n"
        f"{'Via: [$via]' if kept else '[last_Via:]'}\n[last_From:]\n"
        f"{'To: [$to]' if kept else '[last_To:]'}{f';tag={tag}-[call_number]' if to else ''}\n"
        f"[last_Call-ID:]\n{'CSeq: [$seq] INVITE' if kept else '[last_CSeq:]'}\n"
        "Contact: <sip:service@[local_ip]:[local_port];transport=[transport]>\n"
        f"{extra}",
        body,
        False,
    )


def hear_and_keep() -> str:
    """The INVITE, to be answered later (`kept`)."""
    finds = (("via", "Via", "SIP.*"), ("to", "To", "[^ ].*"), ("seq", "CSeq", "[0-9]+"))
    return hear(
        "INVITE",
        action="".join(
            f'<ereg regexp="{regexp}" search_in="hdr" header="{header}:" assign_to="{name}"/>'
            for name, header, regexp in finds
        ),
    )


def hear(what: str | int, *, optional: bool = False, auth: bool = False, action: str = "", timeout: int = 0) -> str:
    """Wait for a request (a method) or an answer (a status)."""
    kind = f'response="{what}"' if isinstance(what, int) else f'request="{what}"'
    options = (' optional="true"' if optional else "") + (' auth="true"' if auth else "")
    options += f' timeout="{timeout}"' if timeout else ""
    return f'  <recv {kind} crlf="true"{options}>{f"<action>{action}</action>" if action else ""}</recv>\n'


def hear_credentials(username: str, password: str) -> str:
    """An INVITE; whoever has not the right credentials gets 403, and the scenario goes on with the others."""
    action = f'<verifyauth assign_to="right" username="{username}" password="{password}"/>'
    first = hear("INVITE", action=action).replace("<recv", '<recv test="right" next="good"')
    refusal = f'{say(403)}{hear("ACK")}  <nop><action><error message="wrong credentials"/></action></nop>\n'
    return f'{first}{refusal}  <label id="good"/>\n'


def speak(path: Path) -> str:
    """Sends PCMU from a file, once, while the scenario goes on. The answer was given with `SPEECH`."""
    return f'  <nop><action><exec rtp_stream="{path},1,0,PCMU/8000"/></action></nop>\n'


def pause(ms: int) -> str:
    return f'  <pause milliseconds="{ms}"/>\n'


def progress() -> str:
    """100 and 180, as far as they come."""
    return hear(100, optional=True) + hear(180, optional=True)


def _send(head: str, body: str, retrans: bool) -> str:
    content = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}" if body else "Content-Length: 0\n\n"
    options = ' retrans="50"' if retrans else ""
    return f"  <send{options}>\n<![CDATA[\n{head}{content}]]>\n  </send>\n"

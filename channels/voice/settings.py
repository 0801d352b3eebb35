"""What the voice channel is told: where it listens, its trunks, and which numbers lead to which queue.

Plain values; where they come from (hub.toml, the rows that administrators edit) is the composition root's business.
"""

from __future__ import annotations

from msgspec import Struct

from channels.voice.call_values import Limits
from channels.voice.sip.settings import Account
from channels.voice.sip.transport import Listen
from channels.voice.sip.transport_tls import TlsFiles
from hub.rules import matches
from webrtc.settings import IceServer, MediaSettings
from webrtc.turn import TurnSettings

G711 = ("PCMU", "PCMA")


class TrunkSettings(Struct, frozen=True):
    """A SIP connection to a phone network.

    `networks` are the addresses and networks that its calls come from; they need no password. `host` is where our calls
    go (empty: it only receives), with `backups` tried after it; `port` 0 and the transport "auto" leave that to DNS.
    `redirects`: hosts and networks beside these to which it may send our calls on. `tls`: what it may show, and is
    shown, instead of what holds for all. With an `account` and `register` we register there.
    `region` is the country by which national numbers are read ("DE"). `dtmf`: rfc4733, info or inband. `calls` is how
    many may live at once. `caller_id` is the number that outbound calls show unless their queue has one. `announce`:
    callers who are not let in hear why in an answered call ("answer") or before an answer ("early").
    `watch`: it is asked by OPTIONS whether it lives, and what comes from its `host` is let in. Calls go out by one that
    is not only where there is no other.
    """

    id: str
    name: str = ""
    networks: tuple[str, ...] = ()
    host: str = ""
    port: int = 0
    transport: str = "udp"
    backups: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()
    tls: TlsFiles = TlsFiles()
    account: Account | None = None
    register: bool = False
    codecs: tuple[str, ...] = G711
    dtmf: str = "rfc4733"
    region: str | None = None
    calls: int = 100
    calls_per_s: float = 20.0
    caller_id: str = ""
    follow: bool = False
    announce: str = "answer"
    watch: bool = True

    @property
    def secure(self) -> bool:
        """Keys for the audio travel in the signalling, so only where nobody reads that."""
        return self.transport == "tls"


class NumberSettings(Struct, frozen=True):
    """Called numbers or names (`*` is any text, without regard to case) lead to `queue`, on behalf of `site`; with a
    `flow` by way of it."""

    pattern: str
    queue: str
    site: str
    language: str = "en"
    flow: str = ""


class DialSettings(Struct, frozen=True):
    """Outbound calls: ISO countries that may be dialled, and how many calls an agent may make in a minute and a day."""

    countries: tuple[str, ...] = ()
    per_minute: int = 10
    per_day: int = 300


class VoiceSettings(Struct, frozen=True):
    """`listen` is where SIP listens, `public` what peers are told of it when that differs (NAT). `prompts` is a folder
    that goes before ours, "" for none; `speech` the program that reads aloud what was not recorded, "" for none.
    `lookups_private`: flows may ask servers at private addresses. `caller_ids`: by queue, the number that its outbound
    calls show. `phones` are the networks from which agents' own telephones may register."""

    enabled: bool = False
    listen: tuple[Listen, ...] = ()
    public: str = ""
    phones: tuple[str, ...] = ()
    trunks: tuple[TrunkSettings, ...] = ()
    left_out: tuple[tuple[str, str, str], ...] = ()
    """Trunks that cannot be used as they are set: (id, name, why)."""
    numbers: tuple[NumberSettings, ...] = ()
    caller_ids: dict[str, str] = {}
    dial: DialSettings = DialSettings()
    media: MediaSettings = MediaSettings()
    limits: Limits = Limits()
    prompts: str = ""
    speech: str = "espeak-ng"
    lookups_private: bool = False
    ice_servers: tuple[IceServer, ...] = ()
    turn: TurnSettings | None = None
    tls_certificate: str = ""
    tls_key: str = ""

    def number(self, called: str) -> NumberSettings | None:
        """Where a call to this number (or name) goes: by the first pattern that fits."""
        return next((row for row in self.numbers if matches(row.pattern.casefold(), called.casefold())), None)

    def trunk(self, id: str) -> TrunkSettings | None:
        return next((trunk for trunk in self.trunks if trunk.id == id), None)


def demo(port: int, phone: int) -> VoiceSettings:
    """Takes calls of this machine only: `sip:support@127.0.0.1`, and numbers of Berlin as if they were ours. Its own
    calls go to the telephone of this machine at port `phone`."""
    names = tuple(NumberSettings(queue, queue, "demo") for queue in ("sales", "support", "billing"))
    trunk = TrunkSettings(
        "demo",
        "This machine",
        networks=("127.0.0.0/8", "::1"),
        host="127.0.0.1" if phone else "",
        port=phone,
        region="DE",
        calls_per_s=50,
        caller_id="+4930900900",
        watch=False,  # softphones leave OPTIONS unanswered
    )
    return VoiceSettings(
        enabled=True,
        listen=(Listen("udp", "127.0.0.1", port), Listen("tcp", "127.0.0.1", port)),
        phones=("127.0.0.0/8", "::1"),
        trunks=(trunk,),
        numbers=(
            *names,
            NumberSettings("menu", "support", "demo", flow="front-door"),
            NumberSettings("+4930*", "support", "demo"),
            NumberSettings("4930*", "support", "demo"),
        ),
        dial=DialSettings(("CN", "DE", "GB", "US")),
        media=MediaSettings(host="127.0.0.1", loopback=True),
        lookups_private=True,  # the shop of the demo
    )

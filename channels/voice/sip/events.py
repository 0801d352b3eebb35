"""What the user agent tells: plain values, one final event (`Rejected` or `Ended`) per call.

`call` is our id of one dialog (a leg), given out by `UserAgent.invite` or by `Invited`. SDP is opaque text.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from channels.voice.sip.headers import Headers, NameAddr
from channels.voice.sip.wire import Destination, LookUp, Send, Source

By = Literal["local", "remote", "network"]


class Reason(Struct, frozen=True):
    """A Reason header (RFC 3326): `protocol` is "SIP" or "Q.850", `cause` its number."""

    protocol: str
    cause: int
    text: str = ""


class Invited(Struct, frozen=True):
    """Somebody calls. Ring, answer or reject; without any of it the call is refused when its time is up.

    `asserted_identity` is what a trusted source asserts, else None. `diversion`: whom the call was for before, latest
    first (Diversion, History-Info). `sdp` None: the caller wants our offer in the answer. `user`: the registrar's user
    whose credentials came with it. `replaces`: the call of ours that this one takes the place of when it is answered.
    """

    call: str
    source: Source
    request_uri: str
    from_: NameAddr
    to: NameAddr
    asserted_identity: NameAddr | None
    diversion: tuple[NameAddr, ...]
    sdp: str | None
    headers: Headers
    user: str | None = None
    replaces: str | None = None


class Progress(Struct, frozen=True):
    """The called side rings (180), or is heard already (183 with SDP); with forks each may bring SDP of its own."""

    call: str
    status: int
    sdp: str | None


class Answered(Struct, frozen=True):
    """Our call was answered. `sdp` is the answer to our offer; None when none came (an `Offered` follows if we sent no
    offer, or an early answer in `Progress` holds)."""

    call: str
    sdp: str | None


class Confirmed(Struct, frozen=True):
    """The caller acknowledged our answer; `sdp` is its answer if the offer was ours."""

    call: str
    sdp: str | None


class Rejected(Struct, frozen=True):
    """Our call was refused or never reached anybody (408 silence, 503 transport). Final."""

    call: str
    status: int
    reason: str
    causes: tuple[Reason, ...] = ()


class Ended(Struct, frozen=True):
    """The call is over. Final.

    `cause`: "bye", "cancelled", "rejected" (by us), "unanswered" (its time was up), "no_ack", "session_expired",
    "timeout" or "gone" (the peer does not answer, or knows no such call), "transport", "replaced", "failed" (a protocol
    fault).
    """

    call: str
    cause: str
    by: By
    causes: tuple[Reason, ...] = ()


class Offered(Struct, frozen=True):
    """The peer offers anew, or asks for an offer (`sdp` None): `accept_offer` or `refuse_offer`."""

    call: str
    sdp: str | None


class OfferAnswered(Struct, frozen=True):
    """The answer to our last offer inside the call."""

    call: str
    sdp: str | None


class OfferRefused(Struct, frozen=True):
    """Our offer inside the call was refused; what was agreed before holds."""

    call: str
    status: int


class InfoDigit(Struct, frozen=True):
    """A key pressed, told by INFO: 0-9, *, #, A-D, or ! (flash)."""

    call: str
    digit: str
    ms: int


class Referred(Struct, frozen=True):
    """The peer asks us to call `to` instead (REFER); answer with `refer_progress`. `replaces` is the raw header value
    of the call to replace there."""

    call: str
    to: str
    replaces: str | None
    referred_by: str | None = None


class ReferProgress(Struct, frozen=True):
    """What became of our REFER: a status of the call that the peer made; final from 200 on."""

    call: str
    status: int


class OptionsAnswered(Struct, frozen=True):
    """`destination` is the first that was to be asked, `server` the address that answered. `status` None: no answer at
    all, of any of them."""

    destination: Destination
    status: int | None
    server: Destination | None = None


class Registered(Struct, frozen=True):
    """A registration of ours stands for `seconds`, at `destination`. Calls by it carry the `service_route` as Route
    header fields (RFC 3608)."""

    registration: str
    seconds: int
    destination: Destination
    service_route: tuple[str, ...] = ()


class RegistrationFailed(Struct, frozen=True):
    """It does not stand; `status` None: no answer. The next try is in `retry_s` seconds; None: never (credentials)."""

    registration: str
    status: int | None
    reason: str
    retry_s: float | None


class Unregistered(Struct, frozen=True):
    """A registration was taken back, or its taking back was given up."""

    registration: str


class PhoneRegistered(Struct, frozen=True):
    """A contact of `user` was added or refreshed for `seconds`; calls go to `contact` by `destination`."""

    user: str
    contact: str
    destination: Destination
    seconds: int


class PhoneGone(Struct, frozen=True):
    """A contact of `user` is no longer there. `why`: "removed", "expired", "flow" (its connection closed)."""

    user: str
    contact: str
    why: str


class PhoneDenied(Struct, frozen=True):
    """Credentials were wrong: whoever sent them says that he is `user`."""

    source: Source
    user: str
    method: str
    reason: str


Event: TypeAlias = (
    Invited
    | Progress
    | Answered
    | Confirmed
    | Rejected
    | Ended
    | Offered
    | OfferAnswered
    | OfferRefused
    | InfoDigit
    | Referred
    | ReferProgress
    | OptionsAnswered
    | Registered
    | RegistrationFailed
    | Unregistered
    | PhoneRegistered
    | PhoneGone
    | PhoneDenied
)
Output: TypeAlias = Send | LookUp | Event

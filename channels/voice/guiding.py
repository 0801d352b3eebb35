"""A caller's way through a flow (`hub/flows/walk.py`) before he comes to a queue. A part of the call's machine
(`call.py`), which tells it of keys, of what was said and of time, and does what it asks for:

| the flow wishes               | what is done                                                           |
|-------------------------------|------------------------------------------------------------------------|
| to say something              | he hears it (Sound.FLOW); a key ends it where the flow lets him        |
| to look something up          | `LookUp`; what comes of it is told by `Found`                          |
| a queue, or to call back      | `Enter`; the contact tells that he is there                            |
| to hang up                    | the call ends                                                          |
| nothing any more, by a fault  | `Enter` with the queue of the number that he called: nobody is lost    |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from channels.voice import call_values as v
from channels.voice.call_values import Sound
from hub.flows import walk as w
from hub.model import Millis


class Guide:
    """`walk` is None where there is no flow; `speech` is what Sound.FLOW is just now. `keeps_place`: the flow led to
    being called back. `hangs_up`: it ended so."""

    def __init__(self) -> None:
        self.walk: w.Walk | None = None
        self.speech: w.Speak | None = None
        self.keeps_place = False
        self.hangs_up = False

    @property
    def over(self) -> bool:
        return self.walk is None or self.walk.ending is not None

    @property
    def deadline(self) -> Millis | None:
        return None if self.walk is None else self.walk.state.deadline

    def does(self, wishes: Sequence[w.Wish]) -> Iterator[v.Output | Sound]:
        """In this order; Sound.SILENCE ends what is being said."""
        for wish in wishes:
            match wish:
                case w.Speak():
                    self.speech = wish
                    yield Sound.FLOW
                case w.Offer():
                    pass  # a telephone shows no buttons
                case _:
                    yield Sound.SILENCE
            match wish:
                case w.Fetch():
                    yield v.LookUp(wish)
                case w.Enqueue():
                    yield v.Enter(wish)
                case w.AskCallback():
                    self.keeps_place = True
                    yield v.Enter(w.Enqueue(wish.queue))
                case w.End(reason="flow"):
                    self.hangs_up = True
                case w.End():
                    yield v.Enter(None)
                case _:
                    pass

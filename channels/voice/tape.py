"""Whether a call is recorded, as its queue and its agent want it: a part of the call machine.

| state  | "on" asked            | "paused" asked | the queue allows none (any more) | it could not be begun |
|--------|-----------------------|----------------|----------------------------------|-----------------------|
| off    | begins, once both talk | refused       | stays off, is not begun          | -                     |
| on     | nothing               | paused         | ends                             | off                   |
| paused | goes on               | nothing        | ends                             | off                   |

What begins again after its end is another recording: `name`, then `name-2`, ...
"""

from __future__ import annotations

from channels.voice import call_values as v
from hub import events as e

SYSTEM = "system"


class Tape:
    """`name` is the id of the call's first recording; `record`: it begins by itself; `allowed`: it may be begun."""

    def __init__(self, name: str, *, record: bool, allowed: bool = True) -> None:
        self.state = "off"
        self.allowed = allowed
        self._wanted_by = SYSTEM if record and allowed else ""
        self._name = name
        self._count = 0

    @property
    def id(self) -> str:
        """Of the recording that runs, or was the last."""
        return self._name if self._count < 2 else f"{self._name}-{self._count}"

    def take(self, input: v.RecordAsked | v.RecordRule | v.RecordFailed) -> list[v.Output]:
        match input:
            case v.RecordAsked():
                return self.asked(input.state, input.by)
            case v.RecordRule():
                return self.ruled(record=input.record, allowed=input.allowed)
            case v.RecordFailed():
                return self.failed(input.recording)

    def ruled(self, *, record: bool, allowed: bool) -> list[v.Output]:
        """The queue's rule, or that of another queue from now on. One that wants none ends what runs."""
        self.allowed = allowed
        if not allowed:
            self._wanted_by = ""
            return [] if self.state == "off" else self._be("off", SYSTEM)
        if record and self.state == "off":
            self._wanted_by = SYSTEM
        return []

    def asked(self, state: str, by: str) -> list[v.Output]:
        if state == "on" and self.state == "off" and self.allowed:
            self._wanted_by = by
        elif (self.state, state) in (("on", "paused"), ("paused", "on")):
            return self._be(state, by)
        return []

    def talking(self) -> list[v.Output]:
        """Both are there: what is wanted begins."""
        if not self._wanted_by or self.state != "off":
            return []
        by, self._wanted_by = self._wanted_by, ""
        self._count += 1
        return self._be("on", by)

    def failed(self, recording: str) -> list[v.Output]:
        """Nothing is written: it says so, instead of pretending."""
        if recording != self.id or self.state == "off":
            return []
        self.state = "off"
        return [v.Note(e.CallRecording(self.id, "off", SYSTEM))]

    def _be(self, state: str, by: str) -> list[v.Output]:
        self.state = state
        return [v.Record(state, self.id), v.Note(e.CallRecording(self.id, state, by))]

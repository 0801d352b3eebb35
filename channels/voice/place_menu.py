"""What a caller who waits can do by his keys: give up the line and keep his place, to be called back.

A part of the call's machine (`call.py`), which tells it of keys and asks what to say:

| step     | he hears                                   | keys                                                        |
|----------|--------------------------------------------|-------------------------------------------------------------|
| offered  | music; with his place also the offer       | 1: on, to his number or to typing one                       |
| number   | his number, read back                      | 1: that one, 2: another one, star: back to the line         |
| typing   | that he is to type it, with a hash at its end | digits; hash: done; star: back to the line               |
| asking   | silence, while it is asked for             | none                                                        |
"""

from __future__ import annotations

from enum import StrEnum

from channels.voice.call_values import Sound

LONGEST_NUMBER = 20


class Step(StrEnum):
    OFF = "off"
    OFFERED = "offered"
    NUMBER = "number"
    TYPING = "typing"
    ASKING = "asking"


class PlaceMenu:
    """`number` is the one that is read back: the caller's own, or as he typed it."""

    def __init__(self) -> None:
        self.step = Step.OFF
        self.number = ""
        self._own = ""
        self._typed = ""

    def offer(self, number: str) -> None:
        """From now on he may; `number` is his own, "" when he withholds it."""
        self._own = number
        if self.step is Step.OFF:
            self.step = Step.OFFERED

    @property
    def offered(self) -> bool:
        return self.step is not Step.OFF

    @property
    def busy(self) -> bool:
        """He is in the middle of it: nothing else is said to him."""
        return self.step not in (Step.OFF, Step.OFFERED)

    def pressed(self, key: str) -> Sound | None:
        """What is said to him next, if anything; when the step is ASKING then, his place is to be kept for `number`."""
        match self.step, key:
            case Step.OFFERED, "1":
                self.number = self._own
                return self._read_back() if self._own else self._type()
            case Step.NUMBER, "1":
                self.step = Step.ASKING
            case Step.NUMBER, "2":
                return self._type()
            case ((Step.NUMBER | Step.TYPING), "*"):
                self.leave()
            case Step.TYPING, "#" if self._typed:
                self.number = self._typed
                return self._read_back()
            case Step.TYPING, _ if key.isdigit() and len(self._typed) < LONGEST_NUMBER:
                self._typed += key
        return None

    def refused(self, *, number: bool) -> Sound:
        """It could not be: because of the `number`, so that he may type another one, or at all."""
        if number:
            self._type()
            return Sound.NOT_THAT_NUMBER
        self.step = Step.OFF
        return Sound.NOT_KEPT

    def leave(self) -> None:
        """Back to the line."""
        if self.busy:
            self.step = Step.OFFERED

    def _read_back(self) -> Sound:
        self.step = Step.NUMBER
        return Sound.NUMBER

    def _type(self) -> Sound:
        self.step, self._typed = Step.TYPING, ""
        return Sound.TYPE_NUMBER

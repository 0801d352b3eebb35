"""What happens between a customer's phone being answered and his talk with the agent: who answered is listened for, and
he is told why he is called. A part of the call's machine (`call.py`).

| step       | the customer hears                      | left when                                                     |
|------------|-----------------------------------------|---------------------------------------------------------------|
| listening  | silence                                 | it is known whether a person or a machine answered            |
| announcing | why he is called, and what 9 does       | it was said; 9: he is never called again                      |
| machine    | silence, as the machine talks           | the machine is ready to record                                |
| message    | what is left on the machine             | it was said                                                   |
| through    | the agent                               |                                                               |
| over       | nothing: there is nobody to talk to     |                                                               |
| refused    | that he is not called again             |                                                               |
"""

from __future__ import annotations

from enum import StrEnum

REFUSES = "9"


class Step(StrEnum):
    LISTENING = "listening"
    ANNOUNCING = "announcing"
    MACHINE = "machine"
    MESSAGE = "message"
    THROUGH = "through"
    OVER = "over"
    REFUSED = "refused"


class Screening:
    """`announce`: he is told why he is called; `machine`: what is done with an answering machine: "connect" (nobody
    listens for one), "hang_up" or "message"."""

    def __init__(self, *, announce: bool = False, machine: str = "connect") -> None:
        self._announce, self._machine = announce, machine
        self.step = self._person() if machine == "connect" else Step.LISTENING

    def heard(self, what: str) -> None:
        """ "human", "machine", or "clear": the machine is ready to record."""
        match self.step, what:
            case Step.LISTENING, "human":
                self.step = self._person()
            case Step.LISTENING, "machine":
                self.step = Step.MACHINE if self._machine == "message" else Step.OVER
            case Step.ANNOUNCING, "machine":
                # It was taken for a person, as nobody was to be kept waiting: now it is left.
                self.step = Step.OVER
            case Step.MACHINE, "clear":
                self.step = Step.MESSAGE

    def waited(self) -> None:
        """What should have been heard was not: rather a person than nobody, rather a message than none."""
        self.heard("clear" if self.step is Step.MACHINE else "human")

    def said(self) -> None:
        if self.step is Step.ANNOUNCING:
            self.step = Step.THROUGH
        elif self.step is Step.MESSAGE:
            self.step = Step.OVER

    def pressed(self, key: str) -> None:
        if self.step is Step.ANNOUNCING and key == REFUSES:
            self.step = Step.REFUSED

    def _person(self) -> Step:
        return Step.ANNOUNCING if self._announce else Step.THROUGH

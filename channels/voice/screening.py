"""What happens between a customer's phone being answered and his talk with the agent: who answered is listened for, and
he is told why he is called. A part of the call's machine (`call.py`).

| step       | the customer hears                      | left when                                                     |
|------------|-----------------------------------------|---------------------------------------------------------------|
| listening  | silence                                 | it is known whether a person or a machine answered            |
| announcing | why he is called, and what 9 does       | it was said; 9: he is never called again                      |
| confirming | that 1 says that it was he who asked    | 1; 9: he is never called again; nothing for a while           |
| machine    | silence, as the machine talks           | the machine is ready to record                                |
| message    | what is left on the machine             | it was said                                                   |
| through    | the agent                               |                                                               |
| unconfirmed | nothing: he did not say so             |                                                               |
| over       | nothing: there is nobody to talk to     |                                                               |
| refused    | that he is not called again             |                                                               |
"""

from __future__ import annotations

from enum import StrEnum

CONFIRMS, REFUSES = "1", "9"


class Step(StrEnum):
    LISTENING = "listening"
    ANNOUNCING = "announcing"
    CONFIRMING = "confirming"
    UNCONFIRMED = "unconfirmed"
    MACHINE = "machine"
    MESSAGE = "message"
    THROUGH = "through"
    OVER = "over"
    REFUSED = "refused"


class Screening:
    """`announce`: he is told why he is called; `confirm`: he has to say that he asked for it. `machine`: what is done
    with an answering machine: "connect" (nobody listens for one), "hang_up" or "message"."""

    def __init__(self, *, announce: bool = False, machine: str = "connect", confirm: bool = False) -> None:
        self._announce, self._machine, self._confirm = announce, machine, confirm
        self.step = self._person() if machine == "connect" else Step.LISTENING

    def heard(self, what: str) -> None:
        """ "human", "machine", or "clear": the machine is ready to record."""
        match self.step, what:
            case Step.LISTENING, "human":
                self.step = self._person()
            case Step.LISTENING, "machine":
                self.step = Step.MACHINE if self._machine == "message" else Step.OVER
            case ((Step.ANNOUNCING | Step.CONFIRMING), "machine"):
                # It was taken for a person, as nobody was to be kept waiting: now it is left.
                self.step = Step.OVER
            case Step.MACHINE, "clear":
                self.step = Step.MESSAGE

    def waited(self) -> None:
        """What should have been heard was not: rather a person than nobody, rather a message than none."""
        if self.step is Step.CONFIRMING:
            self.step = Step.UNCONFIRMED
        else:
            self.heard("clear" if self.step is Step.MACHINE else "human")

    def said(self) -> None:
        if self.step is Step.ANNOUNCING:
            self.step = Step.THROUGH
        elif self.step is Step.MESSAGE:
            self.step = Step.OVER

    def pressed(self, key: str) -> None:
        if self.step in (Step.ANNOUNCING, Step.CONFIRMING) and key == REFUSES:
            self.step = Step.REFUSED
        elif self.step is Step.CONFIRMING and key == CONFIRMS:
            self.step = Step.THROUGH

    def _person(self) -> Step:
        if self._confirm:
            return Step.CONFIRMING
        return Step.ANNOUNCING if self._announce else Step.THROUGH

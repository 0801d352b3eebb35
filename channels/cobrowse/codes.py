"""The six digits by which a customer on the phone joins a sharing that his agent has begun.

Pure: time and randomness are arguments, in milliseconds and numbers below a million.

A code is good once and for ten minutes, at the site of its contact; a contact without a site is looked for at each. It
bears so many wrong guesses at its site, whoever makes them; how many one address may make is `entering.py`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hub.errors import NotFound, Unavailable
from hub.model import Millis

GOOD_MS: Final = 600_000
MOST: Final = 1_000  # good at a time: one guess in a thousand would find one
MOST_WRONG: Final = 100  # guesses that a code outlives


@dataclass(slots=True)
class Code:
    """`site` "" : any."""

    contact: str
    site: str
    until: Millis
    wrong: int = 0


@dataclass(slots=True)
class Codes:
    _good: dict[str, Code] = field(default_factory=dict)

    def issue(self, contact: str, site: str, now: Millis, draw: Callable[[], int]) -> str:
        """A code for the contact; what it had before is void. `draw()` is a number from 0 to 999,999.

        Raises Unavailable when too many are in use.
        """
        self.void(contact)
        self._good = {code: row for code, row in self._good.items() if row.until > now}
        if len(self._good) >= MOST:
            raise Unavailable("Too many codes are in use. Please try again in some minutes.", code="cobrowse.codes")
        while (code := f"{draw():06d}") in self._good:
            pass
        self._good[code] = Code(contact, site, now + GOOD_MS)
        return code

    def learn(self, code: str, contact: str, site: str, until: Millis) -> None:
        """Another node has issued it. Two that drew the same at once: neither is good."""
        self.void(contact)
        if self._good.pop(code, None) is None:
            self._good[code] = Code(contact, site, until)

    def of(self, contact: str, now: Millis) -> str | None:
        """The contact's code, if it has one that is good."""
        return next((code for code, row in self._good.items() if row.contact == contact and row.until > now), None)

    def redeem(self, code: str, site: str, now: Millis) -> str:
        """The contact of the code, which is void from now on. Raises NotFound; a code of another site stays good."""
        code = "".join(code.split())
        row = self._good.get(code)
        if row is None or row.site not in ("", site) or row.until <= now:
            raise NotFound("code")
        del self._good[code]
        return row.contact

    def guessed(self, site: str) -> None:
        """Somebody guessed wrong at this site: one less for each code that is good there."""
        for code, row in list(self._good.items()):
            if row.site in ("", site):
                row.wrong += 1
                if row.wrong >= MOST_WRONG:
                    del self._good[code]

    def void(self, contact: str) -> None:
        for code in [code for code, row in self._good.items() if row.contact == contact]:
            del self._good[code]

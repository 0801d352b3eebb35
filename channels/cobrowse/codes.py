"""The six digits by which a customer on the phone joins a sharing that his agent has begun.

Pure: time and randomness are arguments, in milliseconds and numbers below a million.

A code is good once and for ten minutes. Whoever calls `redeem` limits how often somebody may guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hub.errors import NotFound, Unavailable
from hub.model import Millis

GOOD_MS: Final = 600_000
MOST: Final = 1_000  # good at a time: one guess in a thousand would find one


@dataclass(slots=True)
class Codes:
    _good: dict[str, tuple[str, str, Millis]] = field(default_factory=dict)  # code -> session, site, until

    def issue(self, session: str, site: str, now: Millis, draw: Callable[[], int]) -> str:
        """A code for the session; what it had before is void. `draw()` is a number from 0 to 999,999.

        Raises Unavailable when too many are in use.
        """
        self.void(session)
        self._good = {code: row for code, row in self._good.items() if row[2] > now}
        if len(self._good) >= MOST:
            raise Unavailable("Too many codes are in use. Please try again in some minutes.", code="cobrowse.codes")
        while (code := f"{draw():06d}") in self._good:
            pass
        self._good[code] = (session, site, now + GOOD_MS)
        return code

    def redeem(self, code: str, site: str, now: Millis) -> str:
        """The session of the code, which is void from now on. Raises NotFound; a code of another site stays good."""
        code = "".join(code.split())
        row = self._good.get(code)
        if row is None or row[1] != site or row[2] <= now:
            raise NotFound("code")
        del self._good[code]
        return row[0]

    def void(self, session: str) -> None:
        for code in [code for code, row in self._good.items() if row[0] == session]:
            del self._good[code]

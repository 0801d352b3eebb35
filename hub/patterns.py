"""Regular expressions that administrators write, asked of text that strangers write: in bounded time and memory.

RE2 takes time in proportion to the expression's size times the text's length, whatever the two are; of both there is
only so much. An engine that tries again (Python's own, PCRE) would need a clock beside it, and has no bound on memory:
`(a{60000}){60000}b` takes the machine down within any limit of time. The price: no look-around, no back-references.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from hub.errors import InvalidInput

MEMORY = 64 * 1024
"""For the compiled expression and its automaton; a larger expression is refused."""
TEXT_LIMIT = 20_000
"""So many characters of a text are looked at. With the largest expression that takes a quarter of a second."""


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MEMORY
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    return re2.compile(pattern.encode(), options)


def check_pattern(pattern: str, path: str) -> None:
    """Raises InvalidInput, with the engine's reason, for what is no expression or too large a one."""
    try:
        _compiled(pattern)
    except UnicodeEncodeError:
        raise InvalidInput(path, "expected a regular expression without broken characters") from None
    except re2.error as error:
        why = error.args[0] if error.args else ""
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise InvalidInput(path, f"expected a regular expression (RE2's syntax: no look-around): {text}") from None


def found(pattern: str, text: str) -> bool:
    """Whether the expression is found anywhere in the first TEXT_LIMIT characters, in any case. False for what is no
    expression. Other threads run meanwhile."""
    try:
        return _compiled(pattern).search(text[:TEXT_LIMIT].encode(errors="replace")) is not None
    except (UnicodeEncodeError, re2.error):
        return False

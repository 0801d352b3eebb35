"""A hub that is to classify and has nothing to do it with says so, and takes mail all the same."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from channels.email.check import check_mail
from channels.email.classifier import MISSING, installed
from hub.config import parse
from hub.config_email import Email
from hub.errors import ConfigError


def test_it_is_off_and_asks_for_much() -> None:
    email = parse({}).email
    assert (email.classifier, email.classifier_percent) == (False, 80)
    with pytest.raises(ConfigError, match=r"email\.classifier_percent: expected a whole number, 1 to 100"):
        parse({"email": {"classifier_percent": 0}})


def test_the_check_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without it: where modules are sought there is none of that name."""
    spec = find_spec("sklearn")
    if spec is not None and spec.origin is not None:
        home = str(Path(spec.origin).parent.parent)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path != home])
        monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    assert not installed()
    (found,) = check_mail(Email(classifier=True), {})
    assert (found.name, found.ok, found.text) == ("email.classifier", False, MISSING)
    assert check_mail(Email(), {}) == []

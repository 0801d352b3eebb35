"""What of a customer card goes to the page that its customer shares."""

import pytest
from msgspec import ValidationError, convert

from channels.cobrowse.card import filled, value_of
from hub.config_sharing import CardField, Cobrowse
from hub.model import Customer

CLARA = Customer("cu_1", "Clara van den Berg", "clara@berg.example", fields={"Customer no.": "K-7"}, external_id="u1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Clara van den Berg"),
        ("first_name", "Clara van den"),
        ("last_name", "Berg"),
        ("email", "clara@berg.example"),
        ("phone", ""),
        ("external_id", "u1"),
        ("fields.Customer no.", "K-7"),
        ("fields.other", ""),
        ("note", ""),
        ("id", ""),
    ],
)
def test_a_value_by_its_name(name: str, value: str) -> None:
    assert value_of(CLARA, name) == value


def test_one_word_is_a_first_name() -> None:
    short = Customer("cu_2", " Clara ")
    assert (value_of(short, "first_name"), value_of(short, "last_name")) == ("Clara", "")


def test_what_is_not_known_is_not_sent() -> None:
    card = [CardField("phone", ["tel"]), CardField("email", ["email", "e-mail*"])]
    assert filled(CLARA, card) == [{"value": "clara@berg.example", "match": ["email", "e-mail*"]}]
    assert [one["match"] for one in filled(CLARA, Cobrowse().card)] == [
        ["given-name"],
        ["family-name"],
        ["name"],
        ["email"],
    ]


@pytest.mark.parametrize("value", ["note", "id", "owner", "fields.", "verified"])
def test_nothing_else_of_the_card_can_be_named(value: str) -> None:
    with pytest.raises(ValidationError):
        convert({"value": value, "match": ["x"]}, CardField)

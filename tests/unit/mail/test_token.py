"""Reply tokens lead to their contact, and no other text leads anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from hub.ids import make_id
from mail.token import (
    contact_of,
    contact_of_address,
    contact_of_message_id,
    make_token,
    message_id,
    reply_address,
)

SECRET = b"a secret"
contacts = st.builds(
    lambda at, noise: make_id("ct", at, noise), st.integers(0, 2**47), st.binary(min_size=10, max_size=10)
)


@given(contacts, st.booleans())
def test_addresses_and_message_ids_lead_back(contact: str, shouting: bool) -> None:
    token = make_token(contact, SECRET)
    address = reply_address("support@example.org", token)
    id = message_id(token, "ml01", "hub.example.org")
    assert len(address.rpartition("@")[0]) <= 64
    if shouting:
        address, id = address.upper(), id.upper()
    assert contact_of_address(address, SECRET) == contact
    assert contact_of_message_id(f"<{id}>", SECRET) == contact
    assert contact_of_message_id(id, SECRET) == contact


@given(contacts, st.data())
def test_a_changed_token_leads_nowhere(contact: str, data: st.DataObject) -> None:
    token = make_token(contact, SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz").filter(lambda letter: letter != token[at]))
    assert contact_of(token[:at] + other + token[at + 1 :], SECRET) is None
    assert contact_of(token, b"another secret") is None


@given(st.text(max_size=80))
def test_any_other_text_leads_nowhere(text: str) -> None:
    assert contact_of(text, SECRET) is None
    assert contact_of_address(text, SECRET) is None
    assert contact_of_message_id(text, SECRET) is None


def test_an_address_that_has_a_plus_part_keeps_one() -> None:
    token = make_token("ct_0", SECRET)
    assert reply_address("support+vip@example.org", token) == f"support+{token}@example.org"


def test_a_name_that_would_be_too_long_stays_as_it_is() -> None:
    token = make_token(make_id("ct", 1, bytes(10)), SECRET)
    address = f"{'s' * 40}@example.org"
    assert reply_address(address, token) == address

"""SIP and tel URIs: the grammar, and the equality of RFC 3261 section 19.1.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.sip.uri import BadUri, SipUri, escape_user, is_uri

SAME = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:a@[2001:DB8:0::1]", "sip:a@[2001:db8::1]"),
    ("tel:+49-30.12(34)5", "TEL:+49301234-5"),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a%40b@c", "sips:a%40b@c"),
    ("sip:a%3Bb@c", "sip:a;b@c"),
    ("sip:a@c;user=phone", "sip:a@c"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same(one: str, other: str) -> None:
    assert SipUri.parse(one).equals(SipUri.parse(other))
    assert SipUri.parse(other).equals(SipUri.parse(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert not SipUri.parse(one).equals(SipUri.parse(other))
    assert not SipUri.parse(other).equals(SipUri.parse(one))


@pytest.mark.parametrize("text", sorted({text for pair in SAME + DIFFERENT for text in pair}))
def test_reads_back(text: str) -> None:
    uri = SipUri.parse(text)
    assert SipUri.parse(str(uri)) == uri
    assert is_uri(text)


def test_parts() -> None:
    uri = SipUri.parse("sips:+49%2030:pw@[::1]:5061;lr;Transport=TCP?Subject=a%20b")
    assert (uri.scheme, uri.username, uri.host, uri.port) == ("sips", "+49 30", "::1", 5061)
    assert (uri.loose, uri.transport, uri.headers) == (True, "tcp", (("Subject", "a%20b"),))
    assert str(uri.without("lr", "transport")) == "sips:+49%2030:pw@[::1]:5061?Subject=a%20b"
    assert str(SipUri.parse("sip:h").with_params(lr=None, x="1")) == "sip:h;lr;x=1"
    assert SipUri.parse("tel:+1-201-555-0123;phone-context=example.com").user == "+12015550123"
    assert SipUri.parse("sip:*11#@h").username == "*11#"


@pytest.mark.parametrize(
    "text",
    [
        *("", "sip:", "sip:@h", "sip:a@", "sip:a b@h", "sip:a@h:65536", "sip:a@h:", "sip:a@[::g]", "sip:a@h;"),
        *("sip:a@h;;b", "sip:a@h?b", "sip:a%4@h", "sip:a@-h", "sip:<a@h>", "sip:a@h\r\n"),
        *("tel:", "tel:+", "tel:1+1", "tel:abz", "http://h"),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(BadUri):
        SipUri.parse(text)
    assert is_uri(text) == (text == "http://h")


@given(st.text(min_size=1, max_size=20))
def test_any_user_can_be_written(user: str) -> None:
    try:
        user.encode()
    except UnicodeEncodeError:
        return
    uri = SipUri("sip", escape_user(user), "h")
    assert SipUri.parse(str(uri)) == uri
    assert uri.username == user


@given(st.text(max_size=60))
def test_both_readers_agree(rest: str) -> None:
    for text in (f"sip:{rest}", f"tel:{rest}", f"sip:a@{rest}"):
        try:
            SipUri.parse(text)
        except BadUri:
            assert not is_uri(text)
        else:
            assert is_uri(text)

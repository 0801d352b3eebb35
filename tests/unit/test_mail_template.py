"""Templates fill in blanks and do nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.mail_template import LONGEST, check_template, fill_in, first_name

VALUES = {
    "customer": {"name": "Clara <Berg>", "first_name": "Clara", "email": "clara@berg.example"},
    "agent": {"name": "Nadia Berg", "first_name": "Nadia"},
    "contact": {"reference": "4711"},
}


def test_blanks_are_filled_in() -> None:
    source = "Hello {{ customer.first_name|default('there') }},\n\n{{ agent.name|upper }} ({{contact.reference}})\n"
    assert fill_in(source, VALUES) == "Hello Clara,\n\nNADIA BERG (4711)\n"
    assert fill_in("{{ customer.phone }}|{{ queue.name|default('us', true) }}", VALUES) == "|us"
    assert fill_in("{% if customer.phone %}a{% elif customer.email %}b{% else %}c{% endif %}", VALUES) == "b"
    assert fill_in("价格 100 % { } {{ customer.name }}", VALUES) == "价格 100 % { } Clara <Berg>"


def test_in_html_values_are_escaped() -> None:
    assert fill_in("<b>{{ customer.name }}</b>", VALUES, html=True) == "<b>Clara &lt;Berg&gt;</b>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ customer.__class__ }}",
        "{{ customer['__class__'] }}",
        "{{ customer.name.format }}",
        "{{ customer.name() }}",
        "{{ config }}",
        "{{ self }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in 'xxxx' %}{% for b in 'xxxx' %}x{% endfor %}{% endfor %}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% extends 'x' %}",
        "{{ customer.name|attr('__class__') }}",
        "{{ customer|map('x') }}",
        "{{ 'x'|center(1000000000) }}",
        "{{ 'x'|format }}",
        "{% filter upper %}x{% endfilter %}",
        "{% if customer.name is sameas 1 %}{% endif %}",
        "{{ [1, 2] }}",
        "{{ {'a': 1} }}",
        "{{ customer.name ~ 'x' }}",
        "{{ customer }}",
        "{{ customer.nmae }}",
        "{{",
        "{% if %}",
        "{{ " + "(" * 60 + "1" + ")" * 60 + "|upper" * 60 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ " + "(" * 50_000 + " }}",
        "x" * (LONGEST + 1),
    ],
)
def test_whatever_does_more_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_template(source, "html")
    assert refused.value.details["path"] == "html"
    with pytest.raises(InvalidInput):
        fill_in(source, VALUES)


@given(st.text(alphabet="{}%#|().[]'_ abcdefilnstu+-*~=\n", max_size=60))
def test_any_text_is_filled_in_or_refused(source: str) -> None:
    try:
        filled = fill_in(source, VALUES)
    except InvalidInput:
        return
    assert len(filled) <= len(source) + 200


@pytest.mark.parametrize(("name", "first"), [("Clara Berg", "Clara"), ("  王小明 ", "王小明"), ("", "")])
def test_how_people_are_spoken_to(name: str, first: str) -> None:
    assert first_name(name) == first

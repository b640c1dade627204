"""Tokens say where a listing goes on, and are good for no other."""

import pytest
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.common import ValidationError
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS | st.none()), st.lists(TEXTS, min_size=1).map(tuple))
def test_a_token_says_where_its_listing_goes_on(listing, position):
    token = make_token(listing, position)
    assert read_token(token, listing) == position
    assert token.isascii()
    with pytest.raises(ValidationError):
        read_token(token, [*listing, "other"])


@pytest.mark.parametrize("token", ["", "x", "!!", "AAAA", "é", None, 7, b"AAAA"])
def test_anything_else_is_none(token):
    with pytest.raises(ValidationError, match="does not come from this listing"):
        read_token(token, ("tables",))


@given(st.data())
def test_a_token_that_was_changed_is_none(data):
    token = make_token(("tables",), ("name",))
    at = data.draw(st.integers(0, len(token) - 2))  # the last sign has spare bits
    other = data.draw(st.sampled_from("ABCabc019-_").filter(lambda sign: sign != token[at]))
    with pytest.raises(ValidationError):
        read_token(token[:at] + other + token[at + 1 :], ("tables",))

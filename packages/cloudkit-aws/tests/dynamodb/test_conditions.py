"""What the service is asked agrees with ``Condition.matches``, from one side and from the other."""

from __future__ import annotations

from decimal import Decimal

import pytest
from cloudkit.api.kv import Condition, Key, TableInfo, attr
from cloudkit.aws.dynamodb.conditions import possible, sure
from cloudkit.aws.dynamodb.expressions import Placeholders, TooComplexError
from cloudkit.aws.dynamodb.items import ItemCodec
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.testing.kv.expressions import CONDITIONS, DOCUMENTS
from cloudkit.testing.kv.trees import TREES
from hypothesis import assume, given
from hypothesis import strategies as st

from .evaluator import Evaluator
from .values import FLOATS, NUMBERS, VALUES

SCHEMA = Schema(TableInfo(name="table", partition_key="pk"), {})
CODEC = ItemCodec(SCHEMA)
OPERATORS = ["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"]


def holds(term, item):
    placeholders = Placeholders()
    text = placeholders.condition(term)
    if text is None:
        return True
    given = placeholders.arguments()
    names = given.get("ExpressionAttributeNames", {})
    values = given.get("ExpressionAttributeValues", {})
    for placeholder in (*names, *values):
        assert placeholder in text, "the service refuses placeholders that are not used"
    return Evaluator(text, names, values, item).holds()


def check(condition: Condition, document, *, exact=False):
    item, _ = CODEC.encode(Key("key"), document, None)
    truth = condition.matches(document)
    certain = holds(sure(condition, SCHEMA), item)
    conceivable = holds(possible(condition, SCHEMA), item)
    assert not certain or truth, "a write would happen that must not"
    assert not truth or conceivable, "a filter would lose an item"
    if exact:
        assert (certain, conceivable) == (truth, truth)


@given(TREES, st.sampled_from(DOCUMENTS))
def test_random_conditions_err_on_the_right_side(condition, document):
    check(condition, document)


@pytest.mark.parametrize("kind", CONDITIONS)
def test_conditions_err_on_the_right_side(kind):
    for condition in CONDITIONS[kind]:
        for document in DOCUMENTS:
            check(condition, document)


@given(st.sampled_from(OPERATORS), NUMBERS, NUMBERS)
def test_numbers_of_all_types_err_on_the_right_side(operator, stored, operand):
    condition = getattr(attr("v.x"), operator)(operand)
    check(condition, {"v": {"x": stored}})
    check(~condition, {"v": {"x": stored}})


@given(st.sampled_from(OPERATORS), FLOATS, FLOATS)
def test_floats_of_the_usual_size_are_compared_exactly(operator, stored, operand):
    assume(all(value == 0 or 1e-130 <= abs(value) < 1e126 for value in (stored, operand)))
    item, _ = CODEC.encode(Key("key"), {"v": stored}, None)
    condition = getattr(attr("v"), operator)(operand)
    assert holds(sure(condition, SCHEMA), item) == condition.matches({"v": stored})


@given(VALUES, VALUES)
def test_any_values_err_on_the_right_side(stored, operand):
    for condition in (
        attr("v") == operand,
        attr("v") != operand,
        attr("v").contains(operand),
        attr("v").is_in(operand, stored),
        attr("v") == stored,
    ):
        check(condition, {"v": stored})
        check(~condition, {"v": [stored]})
        check(condition, {"v": [stored, operand]})


@pytest.mark.parametrize(
    "condition",
    [
        attr("v") == 1,
        attr("v") != "a",
        attr("v") > 0,
        attr("v").is_in(*range(250)),
        attr("v").begins_with("a"),
        attr("v").contains("a"),
        attr("v.x").exists() | ~(attr("v") == [1]),
        attr("v").between("a", "b"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("value", [None, True, 1, 2, "a", "abc", b"a", ["a"], [1], {"x": 1}, {}])
def test_ordinary_conditions_are_exact(condition, value):
    check(condition, {"v": value}, exact=True)
    check(condition, {}, exact=True)


def test_a_float_and_the_decimal_of_its_text_are_told_apart():
    decimal, number = {"v": Decimal("0.1")}, {"v": 0.1}
    check(attr("v") == 0.1, decimal)
    check(attr("v") == Decimal("0.1"), number)
    check(attr("v") == 0.1, number, exact=True)
    check(attr("v") == Decimal("0.1"), decimal, exact=True)
    for operator in OPERATORS:
        check(getattr(attr("v"), operator)(0.1), decimal)
        check(getattr(attr("v"), operator)(Decimal("0.1")), number)


def test_the_key_and_the_store_s_own_attributes_are_no_part_of_the_document():
    for condition in (
        attr("pk") == "key",
        attr("pk").exists(),
        attr("_cloudkit_version").exists(),
        attr("_cloudkit_types.v") != "f",
    ):
        check(condition, {"v": 1.5}, exact=True)
    check(attr("pk") == 1, {"pk": 1}, exact=True)


def test_a_condition_of_the_user_s_own_is_left_to_it():
    class Odd(Condition):
        def matches(self, document):
            return document.get("v", 0) % 2 == 1

    for value in (1, 2):
        check(Odd(), {"v": value})
        check(~Odd() & (attr("v") > 1), {"v": value})


def test_an_expression_that_is_too_long_is_noticed():
    many = attr("v0") == 0
    for index in range(1, 200):
        many |= attr(f"v{index}") == index
    with pytest.raises(TooComplexError):
        Placeholders().condition(sure(many, SCHEMA))
    with pytest.raises(TooComplexError):
        Placeholders().condition(sure(attr("v").is_in(*range(1000)), SCHEMA))

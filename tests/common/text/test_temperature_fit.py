"""Two columns and one set of logits: what belongs together is accepted, what does not is not; and the slide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.text.sampling import apply_temperature, softmax
from common.text.temperature_fit import at_temperature, fit

# The seminar's own figure: apple, banana, cake, donut. The rest of each column is other words.
COOL, WARM = (0.001, 0.002, 0.400, 0.012), (0.040, 0.080, 0.150, 0.120)

temperatures = st.floats(0.2, 5)
# Spread out by a tenth at least, so that a ratio can be read off.
logits = st.lists(st.floats(-8, 8), min_size=2, max_size=8).filter(lambda row: max(row) - min(row) > 0.1)


def _columns(row: list[float], cool: float, warm: float) -> tuple[list[float], list[float]]:
    """Probabilities at two temperatures, of all words but the last: the test need not see the whole vocabulary."""
    whole = np.array([*row, 1.0])
    at_cool, at_warm = (softmax(apply_temperature(whole, t))[:-1] for t in (cool, warm))
    return at_cool.tolist(), at_warm.tolist()


@given(logits, temperatures, temperatures)
def test_columns_of_one_set_of_logits_are_accepted(row: list[float], one: float, other: float) -> None:
    cool, warm = sorted((one, other))
    found = fit(*_columns(row, cool, warm))
    assert found.possible
    assert found.clash == ()
    assert found.ratio == pytest.approx(warm / cool, rel=1e-6)
    assert found.ratio_range is not None
    assert found.ratio_range[0] <= warm / cool <= found.ratio_range[1]
    assert found.worst_factor == pytest.approx(1)


@given(logits, temperatures, temperatures, st.integers(2, 4))
def test_rounding_is_no_reason_to_refuse(row: list[float], one: float, other: float, digits: int) -> None:
    cool, warm = _columns(row, *sorted((one, other)))
    last = 10.0**-digits  # what is smaller is printed as this, not as 0
    found = fit(*([max(round(p, digits), last) for p in column] for column in (cool, warm)), rounding=last)
    assert found.possible
    assert found.ratio_range is not None
    slack = 1e-9
    assert found.ratio_range[0] - slack <= max(one, other) / min(one, other) <= found.ratio_range[1] + slack


@given(logits, st.floats(1.2, 5), st.floats(1.05, 3), st.data())
def test_one_changed_word_is_noticed_and_proved(
    row: list[float], ratio: float, factor: float, data: st.DataObject
) -> None:
    cool, warm = _columns([*row, 3.0, -3.0], 1, ratio)  # two words that fix the ratio
    place = data.draw(st.integers(0, len(row) - 1))
    warm[place] /= factor
    found = fit(cool, warm)
    assert not found.possible
    assert any(place in (pair.first, pair.second) for pair in found.clash)
    for pair in found.clash:  # each is what these two words say when there are no others
        alone = fit([cool[pair.first], cool[pair.second]], [warm[pair.first], warm[pair.second]])
        assert alone.possible == (len(found.clash) == 2)
        if alone.possible:
            assert alone.ratio_range == (pair.low, pair.high)
    if len(found.clash) == 2:
        assert found.clash[0].high < found.clash[1].low


def test_the_slide_is_no_pair() -> None:
    found = fit(COOL, WARM, rounding=0.0005)
    assert not found.possible
    assert found.ratio_range is None
    # Banana is twice as likely as apple in both columns: equal temperatures, at most 2.4 times as warm with what the
    # rounding of .001 and .002 may hide. Cake falls from 33 to 1.25 times donut: about 16 times as warm.
    less, more = found.clash
    assert {less.first, less.second} == {0, 1}
    assert less.high == pytest.approx(math.log(0.0025 / 0.0005) / math.log(0.0795 / 0.0405))
    assert (more.first, more.second) == (2, 3)
    assert more.low == pytest.approx(math.log(0.3995 / 0.0125) / math.log(0.1505 / 0.1195))


def test_what_the_warm_column_would_have_to_be() -> None:
    found = fit(COOL, WARM, rounding=0.0005)
    assert found.ratio is not None
    assert fit(COOL, found.warm_expected).possible
    assert math.prod(found.warm_expected) == pytest.approx(math.prod(WARM))  # the geometric mean stays
    factors = [given / wanted for given, wanted in zip(WARM, found.warm_expected, strict=True)]
    assert found.worst == 0
    assert found.worst_factor == pytest.approx(factors[0])
    assert all(abs(math.log(factors[0])) >= abs(math.log(factor)) for factor in factors)

    def squares(ratio: float) -> float:
        gaps = [np.log(column) - np.log(column).mean() for column in (COOL, WARM)]
        return float(((gaps[0] / ratio - gaps[1]) ** 2).sum())

    assert squares(found.ratio) < min(squares(0.98 * found.ratio), squares(1.02 * found.ratio))


@pytest.mark.parametrize("warm", [(0.2, 0.1), (0.11, 0.1)])
def test_the_order_of_words_never_turns_round(warm: tuple[float, float]) -> None:
    found = fit((0.1, 0.2), warm, rounding=0.0005)
    assert not found.possible
    assert found.ratio is None
    assert [(pair.first, pair.second) for pair in found.clash] == [(1, 0)]
    assert found.warm_expected[0] == pytest.approx(found.warm_expected[1])


def test_columns_without_differences_fit_any_ratio() -> None:
    found = fit((0.25, 0.25), (0.1, 0.1))
    assert found.possible
    assert found.ratio is None
    assert found.ratio_range == (0.0, math.inf)


def test_a_number_that_may_stand_for_zero_sets_no_bound() -> None:
    assert fit((0.0001, 0.5), (0.4, 0.5), rounding=0.0005).possible


@pytest.mark.parametrize(
    ("cool", "warm"),
    [
        ((0.1,), (0.2,)),
        ((0.1, 0.2), (0.2,)),
        ((0.0, 0.2), (0.2, 0.2)),
        ((0.1, 0.2), (0.2, 1.2)),
        ((0.6, 0.6), (0.2, 0.2)),
        ((0.1, math.nan), (0.2, 0.2)),
    ],
)
def test_what_is_no_probability_is_refused(cool: tuple[float, ...], warm: tuple[float, ...]) -> None:
    with pytest.raises(errors.InvalidInput):
        fit(cool, warm)


@given(logits, st.integers(1, 500), st.floats(0.1, 10))
def test_a_column_at_another_temperature(row: list[float], others: int, temperature: float) -> None:
    column = (0.7 * softmax(np.array(row))).tolist()
    found = at_temperature(column, 0.3, others, temperature)
    assert found.shape == (len(row) + 1,)
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0
    np.testing.assert_allclose(at_temperature(column, 0.3, others, 1.0), [*column, 0.3])
    # The definition, word by word: p to the power of 1/T, divided by the sum over all words.
    powers = np.power([*column, *[0.3 / others] * others], 1 / temperature)
    np.testing.assert_allclose(found[:-1], powers[: len(column)] / powers.sum(), rtol=1e-6, atol=1e-12)


def test_a_column_that_leaves_nothing_has_no_other_words() -> None:
    assert at_temperature((0.75, 0.25), 0.0, 100, 2.0)[-1] == 0
    assert at_temperature((0.75, 0.25), 0.0, 100, 0.0).tolist() == [1, 0, 0]

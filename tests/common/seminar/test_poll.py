"""One question, one guess a visitor, no guess after the answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from common.seminar.poll import MOST_VISITORS, Poll


def test_nothing_is_asked_at_first() -> None:
    state = Poll().state("ada")
    assert state.question == "" and state.counts == () and state.own is None
    assert not Poll().guess("ada", 0)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-1, 3)), max_size=40))
def test_the_last_guess_of_every_visitor_counts(guesses: list[tuple[str, int]]) -> None:
    poll = Poll()
    poll.ask("q", 3)
    last: dict[str, int] = {}
    for visitor, choice in guesses:
        assert poll.guess(visitor, choice) == (0 <= choice < 3)
        if 0 <= choice < 3:
            last[visitor] = choice
    state = poll.state("a")
    assert state.counts == tuple(list(last.values()).count(choice) for choice in range(3))
    assert state.own == last.get("a")


def test_after_the_answer_no_guess_counts() -> None:
    poll = Poll()
    poll.ask("q", 2)
    poll.guess("ada", 0)
    poll.reveal()
    assert not poll.guess("ada", 1) and not poll.guess("bob", 1)
    assert poll.state().counts == (1, 0) and poll.state().revealed


def test_a_question_asked_again_keeps_its_guesses_until_it_is_reset() -> None:
    poll = Poll()
    poll.ask("one", 2)
    poll.guess("ada", 1)
    poll.ask("two", 3)
    assert poll.state("ada").own is None
    poll.ask("one", 2)
    assert poll.state("ada").own == 1
    poll.reset("one")
    assert poll.state("ada").own is None and poll.state().question == "one"
    poll.reset()
    assert poll.state().question == ""


def test_the_version_changes_with_everything_that_a_page_draws() -> None:
    poll = Poll()
    versions = [poll.state().version]
    for change in (
        lambda: poll.ask("q", 2),
        lambda: poll.guess("ada", 0),
        poll.reveal,
        lambda: poll.reset("q"),
        poll.reset,
    ):
        change()
        versions.append(poll.state().version)
    assert len(set(versions)) == len(versions)
    before = poll.state().version
    poll.guess("ada", 0)  # nothing is asked
    assert poll.state().version == before


def test_a_flood_of_names_has_an_end() -> None:
    poll = Poll()
    poll.ask("q", 2)
    for number in range(MOST_VISITORS + 10):
        poll.guess(f"v{number}", 0)
    assert poll.state().counts == (MOST_VISITORS, 0)
    assert poll.guess("v3", 1)  # whoever is counted may still change their mind

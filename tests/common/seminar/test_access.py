"""Who comes in and who presents; guessing has an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from common.config import Settings
from common.seminar.access import PRESENTER_COOKIE, ROOM_COOKIE, Access


def test_without_a_password_everybody_enters_but_nobody_presents() -> None:
    access = Access()
    assert access.may_enter({})
    assert not access.is_presenter({})
    assert not access.knows_password("")
    assert not access.is_room_pass(access.room_pass())  # there is nothing that it could open


def test_a_password_or_its_pass_opens_the_room() -> None:
    access = Access(password="owl")
    assert not access.may_enter({})
    assert not access.may_enter({ROOM_COOKIE: "owl"})  # a cookie never holds the password itself
    assert access.may_enter({ROOM_COOKIE: access.room_pass()})
    assert access.may_enter({}, "Bearer owl")
    assert not access.may_enter({}, "Bearer own")
    assert access.knows_password("owl")


def test_the_presenter_enters_a_closed_room() -> None:
    access = Access(password="owl", key="secret")
    cookies = {PRESENTER_COOKIE: access.presenter_pass()}
    assert access.is_presenter(cookies) and access.may_enter(cookies)
    assert not access.is_presenter({PRESENTER_COOKIE: access.room_pass()})


def test_a_changed_secret_makes_old_passes_worthless() -> None:
    before, after = Access(password="owl", key="one"), Access(password="eagle", key="two")
    assert not after.may_enter({ROOM_COOKIE: before.room_pass()})
    assert not after.is_presenter({PRESENTER_COOKIE: before.presenter_pass()})


@given(st.text())
def test_no_other_guess_is_right(guess: str) -> None:
    access = Access(password="owl", key="secret")
    assert access.knows_password(guess) == (guess == "owl")
    assert access.knows_key(guess) == (guess == "secret")


def test_every_start_has_a_key_of_its_own_and_a_setting_keeps_one() -> None:
    assert Access().key != Access().key
    assert Access.from_settings(Settings(presenter_key=SecretStr("mine"))).key == "mine"


def test_after_many_wrong_guesses_even_the_right_one_waits() -> None:
    now = [0.0]
    access = Access(password="owl", clock=lambda: now[0])
    for _ in range(200):
        access.knows_password("x")
    assert access.tired()
    assert not access.knows_password("owl")
    assert access.may_enter({ROOM_COOKIE: access.room_pass()})  # who is in stays in
    now[0] = 61.0
    assert not access.tired()
    assert access.knows_password("owl")

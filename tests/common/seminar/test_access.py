"""Who comes in and who presents; guessing has an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from common.config import Settings
from common.seminar.access import PRESENTER_COOKIE, ROOM_COOKIE, VOTER_COOKIE, Access


def test_without_a_password_everybody_enters_but_nobody_presents() -> None:
    access = Access()
    assert access.has_pass({})
    assert not access.is_presenter({})
    assert not access.opens("")
    assert not access.is_room_pass(access.room_pass())  # there is nothing that it could open


def test_a_password_or_its_pass_opens_the_room() -> None:
    access = Access(password="owl")
    assert not access.has_pass({})
    assert not access.has_pass({ROOM_COOKIE: "owl"})  # a cookie never holds the password itself
    assert access.has_pass({ROOM_COOKIE: access.room_pass()})
    assert access.opens("owl") == "room"


def test_the_presenter_enters_a_closed_room() -> None:
    access = Access(password="owl", key="secret")
    cookies = {PRESENTER_COOKIE: access.presenter_pass()}
    assert access.is_presenter(cookies) and access.has_pass(cookies)
    assert not access.is_presenter({PRESENTER_COOKIE: access.room_pass()})


def test_passes_of_another_start_are_worthless_and_tell_nothing_of_the_secret() -> None:
    before, after = Access(password="owl", key="one"), Access(password="owl", key="one")
    assert not after.has_pass({ROOM_COOKIE: before.room_pass()})
    assert not after.is_presenter({PRESENTER_COOKIE: before.presenter_pass()})


def test_a_kept_secret_keeps_passes_as_long_as_password_and_key_stay() -> None:
    kept = {"password": "owl", "key": "one", "secret": "s" * 32}
    before, after = Access(**kept), Access(**kept)  # type: ignore[arg-type]
    assert after.has_pass({ROOM_COOKIE: before.room_pass()})
    assert after.is_presenter({PRESENTER_COOKIE: before.presenter_pass()})
    assert after.voter({VOTER_COOKIE: before.new_voter()})
    changed = Access("owls", "two", secret=kept["secret"])
    assert not changed.has_pass({ROOM_COOKIE: before.room_pass()})
    assert not changed.is_presenter({PRESENTER_COOKIE: before.presenter_pass()})
    settings = Settings(room_password=SecretStr("owl"), presenter_key=SecretStr("one"), pass_secret=SecretStr("s" * 32))
    assert Access.from_settings(settings).room_pass() == before.room_pass()


def test_a_voter_has_the_name_that_was_given_and_no_other() -> None:
    access = Access()
    given = access.new_voter()
    assert access.voter({VOTER_COOKIE: given}) == given.partition(".")[0] != access.new_voter().partition(".")[0]
    assert not access.voter({VOTER_COOKIE: Access().new_voter()})
    assert not access.voter({VOTER_COOKIE: access.room_pass()}) and not access.voter({})


@given(st.text())
def test_no_other_guess_is_right(guess: str) -> None:
    access = Access(password="owl", key="secret")
    assert access.opens(guess) == {"owl": "room", "secret": "presenter"}.get(guess, "")


def test_every_start_has_a_key_of_its_own_and_a_setting_keeps_one() -> None:
    assert Access().key != Access().key
    assert Access.from_settings(Settings(presenter_key=SecretStr("mine"))).key == "mine"


def test_after_many_wrong_guesses_even_the_right_one_waits_from_the_same_address() -> None:
    now = [0.0]
    access = Access(password="owl", key="secret", clock=lambda: now[0])
    for place in range(120):
        assert not access.tired("10.0.0.9"), place  # each wrong one counts once
        access.opens("x", "10.0.0.9")
    assert access.tired("10.0.0.9")
    assert not access.opens("owl", "10.0.0.9")
    assert access.has_pass({ROOM_COOKIE: access.room_pass()})  # who is in stays in
    assert access.opens("owl", "10.0.0.8") == "room" and access.opens("secret", "10.0.0.8") == "presenter"
    now[0] = 61.0
    assert not access.tired("10.0.0.9")
    assert access.opens("owl", "10.0.0.9") == "room"


def test_guesses_from_everywhere_slow_everybody_and_shut_nobody_out() -> None:
    now = [0.0]
    access = Access(password="owl", clock=lambda: now[0])
    assert not access.pause()
    for place in range(200):
        access.opens("x", f"10.0.{place}.1")
    assert access.pause() > 0 and access.opens("owl", "10.0.0.1") == "room"
    now[0] = 61.0
    assert not access.pause()


def test_the_many_addresses_of_one_machine_count_as_one() -> None:
    access = Access(password="owl")
    for place in range(120):
        access.opens("x", f"2001:db8:0:1::{place:x}")
    assert access.tired("2001:db8:0:1:ffff::1") and not access.tired("2001:db8:0:2::1")

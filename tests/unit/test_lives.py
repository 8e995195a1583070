"""Lives: who is referred, how often and with whom, and that watching or repeating them changes nothing."""

from dataclasses import fields, replace
from datetime import date, timedelta

import numpy as np
import pytest

from validation.synthetic.lived import PART, Lived, live, parts_of
from validation.synthetic.lives import STEP, Walk
from validation.synthetic.plants import plants
from validation.synthetic.process import EIGHTEEN, SIBLINGS_TOGETHER, UNBORN, Process
from validation.synthetic.profiles import PROFILES
from validation.synthetic.scene import Scene, resume
from validation.synthetic.state import Episodes, State
from validation.synthetic.world import YEAR, Families, day_number

START, END = date(2022, 4, 1), date(2026, 3, 31)
WATCHED = [END - timedelta(393), END - timedelta(393 + 14 * 20), END]
QUIET = replace(PROFILES["england"], in_crisis=1e-9, returns=0.0, months=(1.0,) * 12)


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live(PROFILES["england"], 4_000, START, END, seed=8, watch=WATCHED)


def same(one: Episodes | State, other: Episodes | State) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


def households(sizes: list[int], age: int, day: int) -> Families:
    """Families of given numbers of children, all of one age on a day and of average difficulty."""
    family, none = np.repeat(np.arange(len(sizes)), sizes), np.empty(0, dtype=np.int64)
    no, flat = np.zeros(family.size, dtype=bool), np.zeros(len(sizes))
    return Families(
        family=family, birth=np.full(family.size, day - int(age * YEAR) - 40), girl=no, disabled=no,
        ethnicity=np.full(family.size, "WBRI"), stated=~no, exploitation=np.zeros(family.size), difficulty=flat + 1,
        adversity=flat, neglect=flat, substances=flat, moves=none, goes=none, moved=none,
    )  # fmt: skip


def walk_of(people: Families, seed: int, profile=QUIET) -> Walk:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    return Walk(Process(profile, plants([])), people, State.before(people, profile.in_crisis, 9_999, rng), rng)


def test_same_seed_same_history_and_watching_it_changes_nothing(lived: Lived) -> None:
    unwatched = live(PROFILES["england"], 4_000, START, END, seed=8)
    assert same(lived.episodes, unwatched.episodes)
    for name in ("contacts", "offers"):
        assert all(np.array_equal(*pair) for pair in zip(getattr(lived, name), getattr(unwatched, name), strict=True))
    other = live(PROFILES["england"], 4_000, START, END, seed=9)
    assert not np.array_equal(lived.episodes.start, other.episodes.start)


def test_state_on_a_day_is_what_the_episodes_say(lived: Lived) -> None:
    assert sorted(lived.states) == sorted(map(day_number, WATCHED))
    episodes = lived.episodes
    for day, state in lived.states.items():
        begun = episodes.start <= day
        now = np.flatnonzero(begun & (episodes.close > day))
        now = now[np.argsort(episodes.child[now])]
        child = episodes.child[now]
        assert child.size > 50
        assert np.array_equal(np.flatnonzero(state.open_on(day)), child)
        for name in ("start", "close", "assessed", "kind", "stage", "care", "occasion", "left"):
            assert np.array_equal(getattr(state, name)[child], getattr(episodes, name)[now]), name
        assert np.array_equal(state.earlier, np.bincount(episodes.child[begun], minlength=lived.families.count))
        assert np.array_equal(state.home, lived.families.home(day - STEP + 1))  # moves are made at the beginning of a step


def test_copy_of_a_state_goes_its_own_way(lived: Lived) -> None:
    day, state = min(lived.states.items())
    before, copy = state.copy(), state.copy()
    walk = Walk(lived.process, lived.families, copy, np.random.default_rng(1))
    resume(walk, day)
    walk.run(day + 1, day + 200)
    assert same(state, before)
    assert not any(np.array_equal(getattr(state, name), getattr(copy, name)) for name in ("close", "start", "earlier", "crisis"))


def test_chances_of_a_scene_leave_its_state_alone_and_are_repeatable(lived: Lived) -> None:
    day, state = min(lived.states.items())
    before, scene = state.copy(), Scene.on(lived.process, lived.families, state, day)
    one, other, third = (scene.chances(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert same(state, before)
    assert np.array_equal(one.again, other.again)
    assert not np.array_equal(one.again, third.again)


def test_nobody_is_referred_while_a_case_is_open_nor_out_of_age(lived: Lived) -> None:
    lives = lived.episodes.take(np.lexsort((lived.episodes.start, lived.episodes.child)))
    again = np.flatnonzero(lives.child[1:] == lives.child[:-1])
    assert again.size > 300
    assert (lives.start[again + 1] - lives.close[again] >= 2).all()
    assert not lives.left[again].any()
    birth = lived.families.birth[lives.child]
    assert (lives.start >= birth - UNBORN).all()
    assert (lives.start < birth + EIGHTEEN + 3).all()  # a referral of a weekend may be dated on the Monday


def test_order_of_days_in_an_episode(lived: Lived) -> None:
    lives = lived.episodes
    assert (lives.close > lives.start).all()
    assert (lives.assessed > lives.start).all()
    assessed = lives.kind > 0
    assert (lives.close >= lives.assessed)[assessed].all()
    assert (lives.met > lives.enquired).all()
    assert (lives.enquired >= lives.start).all()
    assert ((lives.close + 3) % 7 < 5).all()


def test_brothers_and_sisters_are_referred_on_one_day(lived: Lived) -> None:
    lives = lived.episodes
    _, place = np.unique(lives.occasion, return_inverse=True)
    for values in (lives.start, lives.family):
        assert (values == values[np.unique(place, return_index=True)[1]][place]).all()
    people = households([2] * 20_000, age=6, day=10_000)
    episodes = walk_of(people, 3).run(10_000, 10_000 + 279)
    both = np.unique(np.unique(episodes.occasion, return_counts=True)[1], return_counts=True)[1]
    assert both[1] / both.sum() == pytest.approx(SIBLINGS_TOGETHER, abs=4 * np.sqrt(0.16 / both.sum()))


def test_first_referrals_are_as_many_in_large_families_as_in_small_ones() -> None:
    """Each child of average difficulty in calm times is referred at the rate of its age; four standard errors."""
    sizes = [1] * 24_000 + [2] * 12_000 + [3] * 8_000 + [4] * 6_000
    people = households(sizes, age=16, day=10_000)
    days = 20 * STEP
    walk = walk_of(people, 5)
    episodes = walk.run(10_000, 10_000 + days - 1)
    first = np.zeros(people.count, dtype=bool)
    first[episodes.child] = True
    expected = 1 - np.exp(-days * walk.process.first_rate(np.array([17]))[0])
    size = np.bincount(people.family)[people.family]
    for number in (1, 2, 3, 4):
        referred = np.bincount(people.family, first)[np.unique(people.family[size == number])]
        error = referred.std() / np.sqrt(referred.size) / number
        assert 4 * error < 0.2 * expected
        assert referred.mean() / number == pytest.approx(expected, abs=4 * error), number


def test_crises_are_as_frequent_as_the_profile_says_and_last_a_year(lived: Lived) -> None:
    people = households([1] * 100_000, age=6, day=10_000)
    profile = replace(QUIET, in_crisis=0.2)
    walk = walk_of(people, 6, profile)
    walk._look(np.arange(people.families), 10_000)
    begin = walk.state.crisis.copy()
    assert begin.mean() == pytest.approx(0.2, abs=0.006)
    walk._look(np.arange(people.families), 10_000 + 292)  # one lasting time: a crisis has ended at the rate 1 in 365 days
    assert walk.state.crisis.mean() == pytest.approx(0.2, abs=0.006)
    assert walk.state.crisis[begin].mean() == pytest.approx(0.2 + 0.8 * np.exp(-1), abs=0.015)


def test_contacts_come_twice_as_often_in_a_crisis_and_only_from_their_day_on() -> None:
    people = households([1] * 20_000, age=6, day=10_000)
    calm, heated = walk_of(people, 7), walk_of(people, 7, replace(QUIET, in_crisis=1 - 1e-9, crisis=1.0))
    for walk, times in ((calm, 1), (heated, 2)):
        walk.run(10_000, 10_000 + 365, contacts_from=10_000 + 182)
        day = np.concatenate([days for _, days in walk.contacts])
        assert day.min() >= 10_000 + 182
        expected = 20_000 * 0.15 * times * 184 / YEAR
        assert day.size == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_children_who_move_live_with_their_new_family_from_their_day_on(lived: Lived) -> None:
    people = lived.families
    day = int(np.median(people.moved))
    home = people.home(day)
    gone = people.moved <= day
    assert 0 < gone.sum() < gone.size
    assert np.array_equal(home[people.moves[gone]], people.goes[gone])
    assert np.array_equal(home[people.moves[~gone]], people.family[people.moves[~gone]])
    assert np.array_equal(people.home_on(np.arange(people.count), np.full(people.count, day)), home)
    lives = lived.episodes
    settled = people.home_on(lives.child, lives.start)
    late = np.flatnonzero(settled != lives.family)  # a move is made at the beginning of the next step
    assert late.size < 0.001 * lives.count


def test_parts_share_the_residents_and_no_seed() -> None:
    for residents in (500, 99_999, 3 * PART // 2 + 1, 1_218_000):
        parts = parts_of(residents, 3)
        assert sum(size for size, _ in parts) == residents
        assert max(size for size, _ in parts) - min(size for size, _ in parts) <= 1
        assert len({seed for _, seed in parts}) == len(parts) == max(round(residents / PART), 1)
        assert parts[0][1] == 3
    assert parts_of(5 * PART, 4)[1:] != parts_of(5 * PART, 3)[1:]

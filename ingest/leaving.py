"""How made-up subscribers leave: a chain of hidden states, and how likely it makes a lapse.

Every day a subscriber stays in a state or moves to another one, by chances that know nothing of
how long the state has lasted. That is what makes the probability of a lapse exact: it follows from
the state alone, by adding up what may happen on each of the days to come.
"""

import math
import random
from collections.abc import Callable
from typing import NamedTuple

CAUSES = ("friction", "disengagement", "spending")


class State(NamedTuple):
    """What a subscriber is up to, unseen; `cause` says why, where there is a cause."""

    name: str  # steady, away, wavering, fading, silent, cancelled
    cause: str = ""


class Habit(NamedTuple):
    """What is left of the usual behaviour in a state; 1 is as usual."""

    visits: float
    purchases: float  # chance of one, per visit
    tickets: float
    failed_bill: float  # chance that a bill is not paid


STEADY, AWAY = State("steady"), State("away")
WAVERING = {cause: State("wavering", cause) for cause in CAUSES}
FADING = {cause: State("fading", cause) for cause in CAUSES}

# The causes overlap as they do in life: whoever is annoyed also comes less, whoever comes less
# also buys less, and anybody may open a ticket or be away for a while.
_HABITS = {
    STEADY: Habit(visits=1.0, purchases=1.0, tickets=1.0, failed_bill=0.015),
    AWAY: Habit(visits=0.1, purchases=1.0, tickets=0.2, failed_bill=0.015),
    WAVERING["friction"]: Habit(visits=0.85, purchases=0.9, tickets=30.0, failed_bill=0.4),
    WAVERING["disengagement"]: Habit(visits=0.45, purchases=0.95, tickets=1.0, failed_bill=0.02),
    WAVERING["spending"]: Habit(visits=0.95, purchases=0.3, tickets=1.0, failed_bill=0.02),
    FADING["friction"]: Habit(visits=0.65, purchases=0.8, tickets=50.0, failed_bill=0.6),
    FADING["disengagement"]: Habit(visits=0.2, purchases=0.9, tickets=1.0, failed_bill=0.03),
    FADING["spending"]: Habit(visits=0.85, purchases=0.05, tickets=1.2, failed_bill=0.04),
}
_GONE = Habit(visits=0.0, purchases=0.0, tickets=0.0, failed_bill=0.0)

# Chances per day.
_AWAY, _BACK = 1 / 200, 1 / 9
_WAVER = dict.fromkeys(CAUSES, 0.0015)  # of the average one
_FADE, _CALM_DOWN = 1 / 30, 1 / 60  # of who wavers
_LEAVE, _RECOVER = 1 / 30, 1 / 150  # of who fades
_LEAVE_AT_ONCE = 0.0001  # moves house, or dies: nothing announces it
_CANCELLING = {"friction": 0.9, "disengagement": 0.7, "spending": 0.85, "": 0.7}  # others: silence


def habit(state: State) -> Habit:
    """Return how a subscriber behaves in a state."""
    return _HABITS.get(state, _GONE)


def moves(state: State, restlessness: float) -> list[tuple[State, float]]:
    """Return where a day may lead from a state, with chances that add up to 1.

    `restlessness` multiplies the chance to begin to leave: 1 is the average subscriber.
    """
    if state == STEADY:
        wavers = [(WAVERING[cause], chance * restlessness) for cause, chance in _WAVER.items()]
        away = [*wavers, *_leave("", _LEAVE_AT_ONCE * restlessness), (AWAY, _AWAY)]
    elif state == AWAY:
        away = [(STEADY, _BACK)]
    elif state.name == "wavering":
        away = [(FADING[state.cause], _FADE), (STEADY, _CALM_DOWN)]
    elif state.name == "fading":
        away = [*_leave(state.cause, _LEAVE), (STEADY, _RECOVER)]
    else:
        away = []  # who has left stays away
    return [*away, (state, 1 - sum(chance for _, chance in away))]


def next_state(state: State, restlessness: float, chance: random.Random) -> State:
    """Draw the state of the next day."""
    drawn = chance.random()
    for other, probability in moves(state, restlessness):
        drawn -= probability
        if drawn < 0:
            return other
    return state


def lapse_probability(
    state: State, restlessness: float, visits_per_day: Callable[[State], float], days: int
) -> float:
    """Return how likely it is that the days after one that ended in `state` see a lapse.

    A lapse is a cancellation, or no visit at all. Exact: what may happen is followed forward over
    days and states, apart for who has come and who has not. Visits of a day are a Poisson count.
    """
    if state.name == "cancelled":
        return 1.0
    ways = _ways(state, restlessness)
    absent = {end: math.exp(-visits_per_day(end)) for end in ways}
    came: dict[State, float] = dict.fromkeys(ways, 0.0)
    waiting = came | {state: 1.0}
    for _ in range(days):
        came, then_waiting = _a_day_on(came, ways), _a_day_on(waiting, ways)
        for end, weight in then_waiting.items():
            waiting[end] = weight * absent[end]
            came[end] += weight - waiting[end]
    return 1 - sum(came.values())


def _ways(state: State, restlessness: float) -> dict[State, list[tuple[State, float]]]:
    """Return where days may lead from a state and on, without those that end in a cancellation."""
    ways: dict[State, list[tuple[State, float]]] = {}
    found = [state]
    while found:
        start = found.pop()
        ends = [way for way in moves(start, restlessness) if way[0].name != "cancelled"]
        ways[start] = ends
        found += [end for end, _ in ends if end not in ways]
    return ways


def _a_day_on(
    weights: dict[State, float], ways: dict[State, list[tuple[State, float]]]
) -> dict[State, float]:
    after = dict.fromkeys(ways, 0.0)
    for start, weight in weights.items():
        for end, probability in ways[start]:
            after[end] += weight * probability
    return after


def _leave(cause: str, chance: float) -> list[tuple[State, float]]:
    cancelling = _CANCELLING[cause]
    return [
        (State("cancelled", cause), chance * cancelling),
        (State("silent", cause), chance * (1 - cancelling)),
    ]

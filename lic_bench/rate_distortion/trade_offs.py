"""BD-rate against time: which codecs no other one beats in both, and what can be had within a time."""

from collections.abc import Sequence
from math import log10

Point = tuple[float, float]  # seconds, above 0, and BD-rate in percent; of both less is better


def pareto_front(points: Sequence[Point]) -> list[int]:
    """The places of the points to which no other is as good in both and better in one, in order of rising time.

    Of equal points the first.
    """
    front: list[int] = []
    for place in sorted(range(len(points)), key=lambda place: points[place]):
        if not front or points[place][1] < points[front[-1]][1]:
            front.append(place)
    return front


def best_within(points: Sequence[Point], budget_s: float) -> int | None:
    """The place of the lowest BD-rate that takes at most budget_s, of equal ones the fastest; None if none does."""
    front = [place for place in pareto_front(points) if points[place][0] <= budget_s]
    return front[-1] if front else None


def hypervolume(points: Sequence[Point], budget_s: float) -> float:
    """The area between the front and a BD-rate of 0, from the fastest codec to budget_s: percent times decades of time.

    What saves nothing adds nothing. (Zitzler and Thiele, 1998; here time counts by its logarithm.)
    """
    front = [points[place] for place in pareto_front(points) if points[place][0] <= budget_s]
    ends = [*(seconds for seconds, _ in front[1:]), budget_s]
    steps = zip(front, ends, strict=False)
    return sum(max(0.0, -bd) * log10(end / seconds) for (seconds, bd), end in steps)

"""The rule of the groups: different ones are surely apart, and no line that could be drawn is missing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lic_bench.rate_distortion.rank_groups import rank_groups

Interval = tuple[float, float]
intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda i: (i[0], i[0] + i[1])), max_size=8)


def below(one: Interval, other: Interval) -> bool:
    return one[1] < other[0]


@given(intervals)
def test_codecs_that_overlap_share_a_group_and_others_share_it_only_through_them(drawn: list[Interval]) -> None:
    ordered = sorted(drawn)
    groups = rank_groups(ordered, below)
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(groups))
    for i, one in enumerate(ordered):
        for j, other in enumerate(ordered[i + 1 :], i + 1):
            if groups[i] == groups[j]:  # some pair over each line between them overlaps
                for line in range(i + 1, j + 1):
                    assert any(not below(a, b) for a in ordered[:line] for b in ordered[line:])
            else:
                assert below(one, other)


@given(intervals)
def test_wider_intervals_never_make_more_groups(drawn: list[Interval]) -> None:
    ordered = sorted(drawn)
    wider = [(low, high + 2) for low, high in ordered]
    assert max(rank_groups(wider, below), default=0) <= max(rank_groups(ordered, below), default=0)


def test_by_hand() -> None:
    assert rank_groups([(0, 1), (2, 4), (3, 6), (5, 7), (8, 9)], below) == [1, 2, 2, 2, 3]
    assert rank_groups([(0, 9), (1, 2), (3, 4)], below) == [1, 1, 1]  # the best is not surely so

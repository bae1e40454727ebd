"""Groups of codecs that the images cannot tell apart, in place of ranks."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Codec = TypeVar("Codec")


def rank_groups(ordered: Sequence[Codec], is_better: Callable[[Codec, Codec], bool]) -> list[int]:
    """The group, from 1, of each codec, best first: a new one begins where all before are better than all that follow.

    is_better(a, b): whether a is surely better than b. Codecs that it does not tell apart so share a group, and with
    them those that stand between. (The clusters of Koehn 2012, "Simulating human judgment in machine
    translation evaluation campaigns".)
    """
    groups: list[int] = []
    for place in range(len(ordered)):
        begins = all(is_better(a, b) for a in ordered[:place] for b in ordered[place:])
        groups.append((groups[-1] if groups else 0) + begins)
    return groups

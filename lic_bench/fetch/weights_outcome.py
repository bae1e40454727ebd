"""What fetching weights has led to, and how it is said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What fetching the weights of one codec has led to. folder: where they belong. files: how many there are in all.

    kept: files that were there already. addresses: files that can be downloaded, whether they are there or not.
    by_hand: page -> files that are missing and can only be downloaded by a person on that page.
    by_third_party: why -> files that were asked for by a third party's link. out_of_reach: why -> files that were not
    tried, or in vain, as their server cannot be reached. errors: of other files, in words.
    """

    codec: str
    folder: Path
    files: int
    downloaded: int = 0
    kept: int = 0
    addresses: int = 0
    by_hand: dict[str, list[str]] = field(default_factory=dict)
    by_third_party: dict[str, list[str]] = field(default_factory=dict)
    out_of_reach: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def by_hand_count(self) -> int:
        """How many files are left to a person."""
        return sum(map(len, self.by_hand.values()))

    @property
    def failed(self) -> int:
        """How many files could not be had."""
        return len(self.errors) + sum(map(len, self.out_of_reach.values()))


def complaints(outcome: Outcome) -> list[str]:
    """What failed: a line per file, and one for all files of a server that cannot be reached."""
    return outcome.errors + [
        f"{outcome.codec}: {why}: {', '.join(files)}. Check the network and run the same command again, take a mirror "
        f"with --url, or put the files into {outcome.folder}."
        for why, files in outcome.out_of_reach.items()
    ]


def summary(outcome: Outcome) -> list[str]:
    """The outcome of one codec in one line; in others what third parties linked to, and what is left to a person."""
    if not outcome.files:
        return [f"{outcome.codec}: there are no weights to fetch"]
    parts = [f"{outcome.downloaded} downloaded", f"{outcome.kept} there already"]
    parts += [f"{outcome.by_hand_count} to be put in place by hand"] if outcome.by_hand_count else []
    parts += [f"{outcome.failed} failed"] if outcome.failed else []
    text = [f"{outcome.codec}: {', '.join(parts)}; in {outcome.folder}"]
    text += [
        f"{outcome.codec}: by links of a third party, kept only if they fit the network: {', '.join(files)}; {why}"
        for why, files in outcome.by_third_party.items()
    ]
    if outcome.by_hand_count:
        files = "; ".join(f"{', '.join(files)} from {page}" for page, files in outcome.by_hand.items())
        text += [f"{outcome.codec}: by hand: {files}; into {outcome.folder}"]
    return text


def shortfall(outcomes: Sequence[Outcome]) -> str | None:
    """Why the whole command has failed, in one line; None if all went well or the rest is to be done by hand."""
    failed = sum(outcome.failed for outcome in outcomes)
    if failed:
        return f"{failed} of {sum(outcome.files for outcome in outcomes)} files could not be had, see above."
    by_hand = sum(outcome.by_hand_count for outcome in outcomes)
    if by_hand and not any(outcome.addresses for outcome in outcomes):
        return (
            f"nothing can be downloaded: the {by_hand} files above have no address of their own; "
            "put them in place by hand, or name a mirror with --url."
        )
    return None

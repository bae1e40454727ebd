"""Entries of accepted.toml about a codec or a quality that does not exist, as typing errors leave them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.registry import find_codec, installed_codecs
from lic_bench.compare.accepted import Accepted
from lic_bench.errors import hint
from lic_bench.store.run_folder import Run


def unmatched_entries(entries: Sequence[Accepted], base: Run, new: Run, path: Path) -> list[str]:
    """A line for each of them. They are no errors: one file serves runs of different codecs and plug-ins."""
    measured = set(_measured(base)) | set(_measured(new))
    reasons = ((number, entry, _mismatch(entry, measured)) for number, entry in enumerate(entries, 1))
    return [f"{path}, number {number} ({entry.about}): {reason}" for number, entry, reason in reasons if reason]


def _measured(run: Run) -> Iterator[tuple[str, int]]:
    """Codec and quality of every row."""
    for rows in (run.records, run.complexity):
        yield from rows[["codec", "quality"]].itertuples(index=False, name=None)


def _mismatch(entry: Accepted, measured: set[tuple[str, int]]) -> str:
    qualities = sorted(quality for codec, quality in measured if codec == entry.codec)
    if not qualities:
        return "" if _is_codec(entry.codec) else f"no such codec here.{_hint(entry.codec, measured)}"
    if entry.quality is None or entry.quality in qualities:
        return ""
    return f"no such quality here, only {', '.join(map(str, qualities))}."


def _is_codec(name: str) -> bool:
    """Also of another version than is installed; an alias is no name that records have."""
    spec = None if is_target(name) else find_codec(name)
    return is_target(name) or (spec is not None and spec.name == name)


def _hint(name: str, measured: set[tuple[str, int]]) -> str:
    if spec := find_codec(name):
        return f" Did you mean {spec.name!r}?"
    return hint(name, {codec for codec, _ in measured} | installed_codecs().keys())

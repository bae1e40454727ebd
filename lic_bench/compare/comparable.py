"""Whether two runs may be compared: their differences, each under the name that --allow takes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lic_bench.errors import UserError, unknown
from lic_bench.store.run_folder import Run
from lic_bench.store.run_json import is_elsewhere

ABSENT, PRESENT = "absent", "there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of run.json that differs between BASE and NEW."""

    name: str
    part: str
    base: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.name}: {self.part} is {_short(self.base)} in BASE, {_short(self.new)} in NEW"


class NotComparable(UserError):
    """Two runs that differ in their conditions. One line, then one per difference; exit code 3."""

    exit_code = 3


UNORDERED = ("codecs", "datasets", "qualities")  # the order in which they were asked for means nothing
BY_CODEC = ("qualities", "weights", "modes", "programs")  # compared for the codecs that both runs have
# Name of --allow -> the parts of run.json that it stands for, as (section, key).
MACHINE = ("cpu", "cores_usable", "cpu_capability", "processor", "limits", "gpu", "driver", "gpu_parts")
SOFTWARE = ("torch", "torch_build", "settings", "variables", "packages", "coders", "programs")
COUNTING = ("thop", "fvcore", "pytorch-msssim")  # packages whose version may change what is counted and measured
PARTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "machine": [("fingerprint", key) for key in MACHINE],
    "software": [
        *(("fingerprint", key) for key in SOFTWARE),
        *(("environment", f"packages.{name}") for name in COUNTING),
    ],
    "protocol": [("config", "protocol")],
    "codecs": [("config", "codecs")],
    "qualities": [("config", "qualities")],
    "weights": [("config", "weights")],
    "modes": [("config", "modes")],
    "images": [("config", key) for key in ("datasets", "crop", "sizes", "complexity_size")],
    "device": [("config", "device")],
    "threads": [("config", "threads"), ("fingerprint", "cores_kept")],
    "effort": [("config", "quick"), ("config", "isolate"), ("config", "measure")],
}
NAMES = (*PARTS, "records")
# What may differ, as (its name in the notes, section, key).
NOTED = (
    ("lic-bench", "environment", "lic_bench"),
    ("commit", "environment", "git_commit"),
    ("kernels", "fingerprint", "kernels"),
)


def differences(base: Run, new: Run) -> list[Difference]:
    """Every difference that stands in the way; those of `noted_differences` do not, nor do repeats."""
    different = []
    for name, parts in PARTS.items():
        for section, key in parts:
            base_value, new_value = _part(base, section, key), _part(new, section, key)
            if key in BY_CODEC and isinstance(base_value, dict) and isinstance(new_value, dict):
                base_value, new_value = _common(base_value, new_value)
            if base_value != new_value:
                different.append(Difference(name, key, base_value, new_value))
    return [*different, *_images(base, new), *_missing(base, new)]


def check_comparable(base: Run, new: Run, allow: Sequence[str]) -> list[Difference]:
    """The differences, all named by `allow`. Raises NotComparable for others, UserError for an unknown name."""
    for name in allow:
        if name not in NAMES:
            raise unknown("--allow", name, NAMES)
    elsewhere = [run.name for run in (base, new) if is_elsewhere(run.info)]
    if len(elsewhere) == 1:
        raise NotComparable(
            f"{elsewhere[0]} was coded elsewhere: it has no times and no machine to compare; `lic-bench report` "
            "shows both runs beside each other."
        )
    different = differences(base, new)
    if refused := [difference for difference in different if difference.name not in allow]:
        options = " ".join(f"--allow {name}" for name in dict.fromkeys(d.name for d in refused))
        listed = "\n".join(f"  {difference}" for difference in refused)
        raise NotComparable(
            f"{base.name} and {new.name} cannot be compared; measure both alike, or override with {options}:\n{listed}"
        )
    return different


def noted_differences(base: Run, new: Run) -> list[str]:
    """The differences for which runs are compared, version, commit and kernels; and runs with several commits."""
    notes = ["Both were coded elsewhere: there are no times"] if is_elsewhere(base.info) else []
    notes += [
        f"{name} has records of {len(run.commits)} commits: {', '.join(map(str, run.commits))}"
        for name, run in (("BASE", base), ("NEW", new))
        if len(run.commits) > 1
    ]
    for name, *place in NOTED:
        base_value, new_value = _part(base, *place), _part(new, *place)
        if base_value != new_value:
            notes.append(f"{name}: {_short(base_value)} in BASE, {_short(new_value)} in NEW")
    return notes


def _part(run: Run, section: str, key: str) -> Any:
    """key: of the section, or with a dot of a mapping in it."""
    value = run.info.get(section, {})
    for name in key.split("."):
        value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
    if value in ({}, [], None, False):  # as a run of before this was recorded has it
        return ABSENT
    return _sorted(value) if key in UNORDERED else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(inner) for key, inner in value.items()}
    return sorted(value) if isinstance(value, list) else value


def _common(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The items that both have with different values; of inner mappings likewise."""
    pair: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    for key in (key for key in ours if key in theirs and ours[key] != theirs[key]):
        inner = isinstance(ours[key], dict) and isinstance(theirs[key], dict)
        values = _common(ours[key], theirs[key]) if inner else (ours[key], theirs[key])
        if values[0] != values[1]:
            pair[0][key], pair[1][key] = values
    return pair


def _images(base: Run, new: Run) -> Iterator[Difference]:
    ours, theirs = base.info.get("images", {}), new.info.get("images", {})
    yield from _lacking("images", ours.keys() - theirs.keys(), theirs.keys() - ours.keys())
    if changed := [name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]]:
        first = min(changed)
        yield Difference("images", f"the sha256 of {_first(changed)}", ours[first], theirs[first])


def _missing(base: Run, new: Run) -> Iterator[Difference]:
    """Records and counts that one run lacks although it was asked for them, as a stopped run does."""
    for rows in (_records, _counts):
        ours, theirs = rows(base, new), rows(new, base)
        yield from _lacking("records", ours - theirs, theirs - ours)


def _records(run: Run, other: Run) -> set[str]:
    """The run's records of codecs, qualities and images that the other was asked for too, in words."""
    rows = run.records[["codec", "quality", "dataset", "image"]].itertuples(index=False)
    images = other.info.get("images", {})
    return {f"{c} q{q} {d}/{image}" for c, q, d, image in rows if _asked(other, c, q) and f"{d}/{image}" in images}


def _counts(run: Run, other: Run) -> set[str]:
    rows = run.complexity[["codec", "quality", "counter", "path"]].itertuples(index=False)
    counted = "complexity" in _part(other, "config", "measure")
    return {f"{c} q{q} {counter}, {path}" for c, q, counter, path in rows if counted and _asked(other, c, q)}


def _asked(run: Run, codec: str, quality: int) -> bool:
    return quality in run.info.get("config", {}).get("qualities", {}).get(codec, ())


def _lacking(name: str, in_base: Collection[str], in_new: Collection[str]) -> Iterator[Difference]:
    """The differences for names that only one of the runs has."""
    if in_base:
        yield Difference(name, _first(in_base), PRESENT, ABSENT)
    if in_new:
        yield Difference(name, _first(in_new), ABSENT, PRESENT)


def _first(names: Collection[str]) -> str:
    return f"{min(names)}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

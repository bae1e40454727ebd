"""The second look: unsettled times are measured again, BASE and NEW in turn, in processes of their own."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, log1p
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np

from lic_bench.compare import comparable
from lic_bench.compare.comparison import Comparison
from lic_bench.compare.gate_file import Gates
from lic_bench.compare.gates import Timed
from lic_bench.compare.metric_table import TIMES
from lic_bench.compare.paired_values import Row, Subject, Times, paired_rows
from lic_bench.compare.statistics import Floats, Paired, side_by_side
from lic_bench.compare.turn_server import take_turns
from lic_bench.compare.verdicts import Verdict, confirm_verdicts, judge
from lic_bench.errors import UserError
from lic_bench.images.datasets import name_without_crop
from lic_bench.machine.machine_lock import hold_machine
from lic_bench.store.run_folder import Run

LOOKS = 4  # at most, at each time that is still undecided
STARTS = 3  # of each codec's processes in a look: what a process drew when it started makes it 5 % slower for life
TURNS = 40  # of each codec after each start, over all images; those of a fast one last about as long as the start
LEAST_TURNS = 8  # on each image
BUDGET_S = 4.0  # of each time on each image after each start, after which there are no more
MAY_DIFFER = ("codecs", "qualities", "effort", "images", "records")  # a second look is at a part, and takes times only
# The `lic-bench run` of BASE's version and of NEW's, with what they need, as --data-root.
Commands: TypeAlias = tuple[Sequence[str], Sequence[str]]


def run_commands(base: Run, new: Run, base_run: str | None, new_run: str | None) -> Commands:
    """The commands given, else this installation's. Raises UserError if one is not given and the versions differ."""
    own = [sys.executable, "-m", "lic_bench.cli", "run"]
    for name in ("lic_bench", "git_commit"):
        versions = [run.info.get("environment", {}).get(name) for run in (base, new)]
        if versions[0] != versions[1] and None in (base_run, new_run):
            raise UserError(
                f"--confirm: BASE was measured by {name} {versions[0]}, NEW by {versions[1]}, and this installation is "
                "one of them at most; say how to run each: --base-run 'PATH/lic-bench run' --new-run 'lic-bench run'."
            )
    return _split_command(base_run, "--base-run") or own, _split_command(new_run, "--new-run") or own


def _split_command(command: str | None, option: str) -> list[str]:
    """The command as a shell splits it; [] for None."""
    try:
        arguments = shlex.split(command or "")
    except ValueError as error:
        raise UserError(f"{option} {command!r}: {str(error).lower()}; quote it as for a shell.") from None
    if command is not None and not arguments:
        raise UserError(f"{option} is empty; give a command, as 'PATH/lic-bench run'.")
    return arguments


def second_look(
    comparison: Comparison,
    base: Run,
    new: Run,
    gates: Gates,
    commands: Commands,
    say: Callable[[str], None],
    allow: Sequence[str] = (),
) -> Comparison:
    """The comparison with every time that may be worse measured again; unchanged if there is none.

    BASE and NEW take turns, round by round, on the same cores; each turn is compared with the one beside it. A look
    starts the codecs' processes STARTS times. Up to LOOKS looks follow until it is clear whether a time changed by what
    counts; the starts of all count together. allow: the differences that were allowed.
    Raises UserError where a command fails or measures something else.
    """
    suspects = [verdict for verdict in comparison.verdicts if may_be_worse(verdict)]
    if not suspects:
        return comparison
    times_of: dict[Subject, list[Times]] = {}
    settled: dict[Subject, Verdict] = {}
    with hold_machine(say), TemporaryDirectory(prefix="lic-bench-confirm-") as folder:
        for look in range(LOOKS):
            again = [suspect for suspect in suspects if undecided(settled.get(suspect.subject))]
            if not again:
                break
            say(f"look {look + 2} at {_names_of(again)}: BASE and NEW in turn")
            for times in _measured_in_turn(base, new, commands, again, Path(folder) / str(look), allow):
                times_of.setdefault(times.subject, []).append(times)
            settled = {verdict.subject: verdict for verdict in judge(map(_all_starts, times_of.values()), gates)}
    return replace(comparison, verdicts=confirm_verdicts(comparison.verdicts, settled))


def may_be_worse(verdict: Verdict) -> bool:
    """Whether it is a time that the first look finds neither SAME nor BETTER, and that nobody accepted.

    Its interval is not asked: each run was one process, and the luck of its start, which may be 5 % either way, is not
    in the interval.
    """
    return verdict.gate == Timed.name and not verdict.accepted and verdict.verdict in ("WORSE", "AMBIGUOUS")


def undecided(verdict: Verdict | None) -> bool:
    """Whether another look could say more: no if the whole interval is on one side of what counts."""
    if verdict is None or verdict.verdict == "AMBIGUOUS" or None in (verdict.low, verdict.high, verdict.least):
        return True
    least = log1p(verdict.least or 0.0)
    low, high = log1p(verdict.low or 0.0), log1p(verdict.high or 0.0)
    return verdict.verdict != "SAME" and low <= least and high >= -least


def _measured_in_turn(
    base: Run, new: Run, commands: Commands, suspects: Sequence[Verdict], folder: Path, allow: Sequence[str]
) -> Iterator[Times]:
    """The times of the suspects after both were measured in turn, into folder/base and folder/new."""
    options = _options(base, suspects)
    command_of = {
        name: [*command, *_missing_options(command, options), "--out", str(folder / name)]
        for name, command in zip(("base", "new"), commands, strict=True)
    }
    take_turns(command_of)
    runs = [_check_same_kind(Run(folder / name), first, allow) for name, first in (("base", base), ("new", new))]
    wanted = {verdict.subject for verdict in suspects}
    for (codec, quality, dataset), rows in paired_rows(*runs):
        for name in TIMES:
            subject = Subject(codec=codec, quality=quality, on=dataset, metric=name)
            pairs = [pair for pair in rows if all(row[name] for row in pair)]
            if subject in wanted and pairs:
                evidence = Paired(_by_start([_differences(*pair, name) for pair in pairs]))
                base_s, new_s = np.median([[np.median(row[name]) for row in pair] for pair in pairs], axis=0).tolist()
                yield Times(subject=subject, evidence=evidence, base_s=base_s, new_s=new_s)


def _by_start(images: Sequence[Mapping[int, float]]) -> list[Floats]:
    """For each start that all images had the differences of all images."""
    common = set.intersection(*map(set, images))
    return [np.asarray([image[start] for image in images]) for start in sorted(common)]


def _differences(base: Row, new: Row, name: str) -> dict[int, float]:
    """Start -> new - base of the logarithms of its samples side by side."""
    ours, theirs = _samples(base, name), _samples(new, name)
    return {start: side_by_side(ours[start], theirs[start]) for start in sorted(ours.keys() & theirs.keys())}


def _samples(row: Row, name: str) -> dict[int, Floats]:
    """Start -> the logarithms of its samples, in order."""
    starts, samples = np.asarray(row["starts"]), np.log(row[name])
    return {start: samples[starts == start] for start in set(row["starts"])}


def _all_starts(looks: Sequence[Times]) -> Times:
    """The starts of all looks as one evidence, without those of a look in which an image failed."""
    starts = [start for look in looks if isinstance(look.evidence, Paired) for start in look.evidence.starts]
    most = max(map(len, starts))
    return replace(looks[-1], evidence=Paired([start for start in starts if len(start) == most]))


def _options(run: Run, suspects: Sequence[Verdict]) -> dict[str, list[str]]:
    """What `lic-bench run` must be told to measure the suspects as `run` did: option -> its values."""
    config: Mapping[str, Any] = run.info.get("config", {})
    qualities: dict[str, dict[int, None]] = {}  # those of each codec once, in order
    for verdict in suspects:
        qualities.setdefault(verdict.codec, {})[verdict.quality] = None
    options: dict[str, Any] = {
        "codecs": ",".join(qualities),
        "datasets": ",".join(dict.fromkeys(name_without_crop(verdict.on) for verdict in suspects)),
        "measure": "latency",
        "starts": STARTS,
        "repeats": turns_per_image(run.records.groupby("dataset").image.nunique().min()),
        "budget": BUDGET_S,
        **{name: config[name] for name in ("threads", "device", "limit", "crop") if config.get(name) is not None},
    }
    kinds = {kind for codec in qualities for kind in config.get("weights", {}).get(codec, {}).values()}
    options |= {"weights": "random"} if kinds == {"random"} else {}
    ladders = [f"{codec}={','.join(map(str, ladder))}" for codec, ladder in qualities.items()]
    return {f"--{name}": [str(value)] for name, value in options.items()} | {"--qualities": ladders}


def turns_per_image(images: int) -> int:
    """Turns of each codec on each image after each start. images: how many there are."""
    return max(LEAST_TURNS, ceil(TURNS / images))


def _missing_options(command: Sequence[str], options: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The options that the command itself does not give."""
    for name, values in options.items():
        if not any(word == name or word.startswith(f"{name}=") for word in command):
            yield from (word for value in values for word in (name, value))


def _check_same_kind(run: Run, first: Run, allow: Sequence[str] = ()) -> Run:
    """The run. Raises UserError if it measured something else than `first` did."""
    if differing := [d for d in comparable.differences(first, run) if d.name not in (*MAY_DIFFER, *allow)]:
        raise UserError(f"--confirm: the second look measured something else than {first.name} did: {differing[0]}.")
    return run


def _names_of(suspects: Sequence[Verdict]) -> str:
    names = list(dict.fromkeys(f"{verdict.codec} q{verdict.quality}" for verdict in suspects))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

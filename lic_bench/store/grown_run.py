"""A run that grows: what is asked for now joins what its folder holds, unless the rows could not be compared."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError
from lic_bench.store.records import COSTS
from lic_bench.store.run_json import is_elsewhere

Values = Mapping[str, Any]
# Fields of the configuration that get longer.
LISTS = ("codecs", "datasets", "measure", "sizes", "batch", "save", "match", "metrics")
TABLES = ("weights", "modes", "kernels", "programs", "metric_weights")  # codec, metric -> what must stay the same
# Measurements, and the fields that count only for rows with one of them.
COUNT_ONLY_FOR = (
    (COSTS, ("repeats", "budget", "starts", "isolate", "cores_kept")),
    ({"complexity"}, ("complexity_size",)),
)
SHOWN = 3


def joined_runs(folder: Path, stored: Values, asked: Values) -> dict[str, Any]:
    """The contents of run.json of the run in `folder` once it has grown by the one that is asked for.

    Codecs, qualities, data sets, images and measurements are added. All else that both have must be equal, but for what
    counts only for measurements that one of them does not take. Raises UserError, which names what is not equal.
    """
    asked = json.loads(json.dumps(asked))
    if is_elsewhere(stored) != is_elsewhere(asked):
        one, other = ("measured here", "coded elsewhere")[:: -1 if is_elsewhere(stored) else 1]
        raise UserError(
            f"{folder} holds a run that was {one}; what was {other} needs another --out: reports take both."
        )
    problems: list[str] = []
    config = _joined_fields(*_settled("config", stored, asked), problems)
    fingerprint = _joined_fields(*_settled("fingerprint", stored, asked), problems)
    images = _joined_tables("image", stored.get("images") or {}, asked.get("images") or {}, problems)
    decoded = _joined_tables("decoded picture", stored.get("decoded") or {}, asked.get("decoded") or {}, problems)
    if problems:
        raise UserError(
            f"{folder} holds a run whose rows could not be compared with these: {'; '.join(problems[:SHOWN])}; choose "
            "another --out, or set that run aside with --fresh."
        )
    if "images" in config:
        config["images"] = {name: sum(key.startswith(f"{name}/") for key in images) for name in config["datasets"]}
    warnings = _longer(stored.get("warnings"), asked.get("warnings"))
    conversions = {**(stored.get("conversions") or {}), **(asked.get("conversions") or {})}
    joined = {"config": config, "fingerprint": fingerprint, "images": images, "warnings": warnings}
    joined |= {"decoded": decoded} if decoded else {}
    return {**asked, **stored, **joined, "conversions": conversions}


def _settled(section: str, stored: Values, asked: Values) -> tuple[Values, Values]:
    """A section of both runs, in which fields that count for one of the two alone are as that one has them."""
    before, now = dict(stored.get(section) or {}), dict(asked.get(section) or {})
    for measurements, names in COUNT_ONLY_FOR:
        before_has, now_has = (bool(set(measurements) & _measurements(run)) for run in (stored, asked))
        if not (before_has and now_has):
            counts = now if now_has else before
            settled = {name: counts[name] for name in names if name in counts}
            before, now = (
                {**{n: v for n, v in fields.items() if n not in names}, **settled} for fields in (before, now)
            )
    return before, now


def _measurements(run: Values) -> set[str]:
    return set((run.get("config") or {}).get("measure") or ())


def _joined_fields(before: Values, now: Values, problems: list[str]) -> dict[str, Any]:
    return {name: _joined(name, before.get(name), now.get(name), problems) for name in {**before, **now}}


def _joined(name: str, before: Any, now: Any, problems: list[str]) -> Any:
    """One field of both runs. What prevents that it is one value is added to the problems."""
    if name in TABLES:
        return _joined_tables(name, before or {}, now or {}, problems)
    if name == "qualities":
        codecs = dict.fromkeys((*(before or {}), *(now or {})))
        return {codec: _longer((before or {}).get(codec), (now or {}).get(codec)) for codec in codecs}
    if name == "limit":
        return None if None in (before, now) else max(before, now)
    if name in LISTS and (name != "sizes" or bool(before) == bool(now)):  # sizes: or it is no scaling run
        return _longer(before, now)
    if before != now and name != "images":
        problems.append(f"{name} was {_brief(before)}, now {_brief(now)}")
    return before


def _joined_tables(name: str, before: Values, now: Values, problems: list[str]) -> dict[str, Any]:
    """Two tables with the same value wherever both have the key."""
    joined = dict(before)
    for key, value in now.items():
        earlier = joined.setdefault(key, value)
        if isinstance(earlier, dict) and isinstance(value, dict):
            joined[key] = _joined_tables(f"{name} of {key}", earlier, value, problems)
        elif earlier != value:
            problems.append(f"{name} {key} was {_brief(earlier)}, now {_brief(value)}")
    return joined


def _brief(value: Any) -> str:
    """The value as Python writes it; of a hash the beginning."""
    text = repr(value)
    return f"{text[:13]}..." if isinstance(value, str) and len(value) == 64 else text


def _longer(before: Sequence[Any] | None, now: Sequence[Any] | None) -> list[Any]:
    return list(dict.fromkeys((*(before or ()), *(now or ()))))

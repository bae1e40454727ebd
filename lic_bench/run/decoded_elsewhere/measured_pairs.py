"""`lic-bench metrics`: pictures that were decoded elsewhere are checked, measured, and stored as a run."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, repeat
from pathlib import Path
from typing import Any

import torch

from lic_bench import __version__
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset, find_dataset
from lic_bench.images.image_file import Image, read_image
from lic_bench.machine.software import describe_software, git_commit
from lic_bench.measurement.distortion import ms_ssim, mse_8bit, psnr_db
from lic_bench.measurement.perceptual.measuring import Picture, Score, measure
from lic_bench.run.decoded_elsewhere.metrics_choice import Metrics
from lic_bench.run.decoded_elsewhere.picture_pairs import Pair, Pairing, pair_pictures
from lic_bench.store.records import ELSEWHERE, PROTOCOL, Record
from lic_bench.store.run_folder import Store, set_aside
from lic_bench.system import stop_signals

MOST_TROUBLES = 5  # so many metrics without a value are named


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """The options of `lic-bench metrics` as they were given."""

    originals: str
    decoded: Path
    sizes: Path | None = None
    pattern: str | None = None
    out: Path
    data_root: Path | None = None
    metrics: str | None = None
    metric_weights: Sequence[str] = ()
    jobs: int | None = None
    skip: bool = False
    fresh: bool = False
    allow: Sequence[str] = ()


def find_pairs(options: MetricsOptions) -> Pairing:
    """Check names, sizes and pictures. Raises UserError for what cannot be read at all."""
    dataset = find_dataset(options.originals, options.data_root)
    return pair_pictures(dataset, options.decoded, options.pattern, options.sizes)


def measure_pairs(
    pairing: Pairing, options: MetricsOptions, metrics: Metrics, stored: Callable[[Pair, int, int], None]
) -> list[str]:
    """Measure what the run in --out lacks; lines about values that there are not.

    stored: is told each pair when its record is stored, with how many are, and of how many.
    """
    if options.fresh:
        set_aside(options.out)
    store = Store(options.out, _run_values(pairing, metrics), allow=options.allow)
    with closing(store), torch.inference_mode():
        _check_rows(pairing, metrics, store, options.out)
        troubles: defaultdict[str, int] = defaultdict(int)
        pairs = sorted(pairing.pairs, key=lambda pair: pair.name)
        for done, (pair, scores) in enumerate(_scored(pairs, metrics, store, pairing.dataset, options.jobs), 1):
            stop_signals.raise_again()
            if record := _record(pair, scores, metrics, store, pairing.dataset):
                store.records.append(record)
            for name, score in scores.items():
                troubles[f"{name}: {score.problem}"] += bool(score.problem)
            stored(pair, done, len(pairs))
    return [f"no {text} ({count} pictures)" for text, count in troubles.items() if count][:MOST_TROUBLES]


def _run_values(pairing: Pairing, metrics: Metrics) -> dict[str, Any]:
    """What run.json says."""
    dataset, qualities = pairing.dataset, defaultdict[str, set[int]](set)
    for pair in pairing.pairs:
        qualities[pair.name.codec].add(pair.name.quality)
    originals = {pair.original.name: pair.original.sha256 for pair in pairing.pairs}
    return {
        "config": {
            "codecs": sorted(qualities),
            "datasets": [dataset.name],
            "images": {dataset.name: len(originals)},
            "qualities": {codec: sorted(numbers) for codec, numbers in sorted(qualities.items())},
            "weights": {},
            "measure": ["quality", *(["perceptual"] if metrics.by else [])],
            "device": ELSEWHERE,
            "protocol": PROTOCOL,
        },
        "fingerprint": {},
        "environment": {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "lic_bench": __version__,
            "git_commit": git_commit(),
            "packages": describe_software()["packages"],
        },
        "images": {f"{dataset.name}/{name}": sha256 for name, sha256 in sorted(originals.items())},
        "decoded": {_text(pair): pair.decoded.sha256 for pair in pairing.pairs},
        "warnings": list(dataset.warnings),
    }


def _text(pair: Pair) -> str:
    return f"{pair.name.codec} {pair.name.quality} {pair.name.image}"


def _check_rows(pairing: Pairing, metrics: Metrics, store: Store, out: Path) -> None:
    """Raise UserError where stored records have other sizes, or of another commit lack what is to be measured."""
    for pair in pairing.pairs:
        if (row := store.records.rows.get(_key(pair, pairing.dataset))) is None:
            continue
        sizes = {pair.bytes, row.payload_bytes} - {None}
        if len(sizes) > 1:
            raise UserError(
                f"{out} has {row.payload_bytes} bytes of {_text(pair)}, now {pair.bytes}; choose another --out, or set "
                "that run aside with --fresh."
            )
        lacks = row.payload_bytes is None and pair.bytes is not None
        if row.commit != store.records.commit and (lacks or metrics.by.keys() - row.perceptual):
            raise UserError(
                f"Records in {out} lack some of this, which cannot join them at another commit of lic-bench; choose "
                "another --out, or set that run aside with --fresh."
            )


def _key(pair: Pair, dataset: Dataset) -> tuple[str | int, ...]:
    return pair.name.codec, pair.name.quality, dataset.name, pair.name.image


def _scored(
    pairs: Sequence[Pair], metrics: Metrics, store: Store, dataset: Dataset, jobs: int | None
) -> Iterator[tuple[Pair, dict[str, Score]]]:
    """Each pair with the perceptual scores that its record lacks."""

    def lacking(pair: Pair) -> tuple[str, ...]:
        row = store.records.rows.get(_key(pair, dataset))
        return tuple(name for name in metrics.by if row is None or name not in row.perceptual)

    for names, group in groupby([(pair, lacking(pair)) for pair in pairs], key=lambda item: item[1]):
        same = [pair for pair, _ in group]
        pictures = [(_picture(pair.original), _picture(pair.decoded)) for pair in same] if names else []
        scores = measure(pictures, names, jobs or torch.get_num_threads(), metrics.weights) if names else repeat({})
        yield from zip(same, scores, strict=False)


def _picture(image: Image) -> Picture:
    return image.path if image.path is not None else read_image(image)


def _record(pair: Pair, scores: Mapping[str, Score], metrics: Metrics, store: Store, dataset: Dataset) -> Record | None:
    """The pair's record with what it lacked; None if that is nothing."""
    row = store.records.rows.get(_key(pair, dataset))
    if row is not None and not scores and pair.bytes in (None, row.payload_bytes):
        return None
    record = row or _distortion(pair, dataset)
    values = record.perceptual | {name: score.value for name, score in scores.items()}
    by = record.perceptual_by | {name: metrics.by[name] for name in scores}
    parts = ["quality", *(["perceptual"] if values else [])]
    size = record.payload_bytes if pair.bytes is None else pair.bytes
    return replace(record, payload_bytes=size, perceptual=values, perceptual_by=by, parts=parts)


def _distortion(pair: Pair, dataset: Dataset) -> Record:
    original, decoded = (
        torch.from_numpy(read_image(image)).permute(2, 0, 1)[None].contiguous()
        for image in (pair.original, pair.decoded)
    )
    mse = mse_8bit(original, decoded)
    return Record(
        codec=pair.name.codec,
        quality=pair.name.quality,
        dataset=dataset.name,
        image=pair.name.image,
        image_sha256=pair.original.sha256,
        width=original.shape[3],
        height=original.shape[2],
        status="ok",
        device=ELSEWHERE,
        mse_8bit=mse,
        psnr_db=psnr_db(mse),
        ms_ssim=ms_ssim(original, decoded),
    )

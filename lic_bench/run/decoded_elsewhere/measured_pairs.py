"""`lic-bench metrics`: pictures that were decoded elsewhere are checked, measured, and stored as a run."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby, repeat
from pathlib import Path
from typing import Any

import torch

from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image, read_image
from lic_bench.machine.environment_record import describe_environment
from lic_bench.measurement.distortion import ms_ssim, mse_8bit, psnr_db
from lic_bench.measurement.perceptual.measuring import Picture, Score, measure
from lic_bench.run.decoded_elsewhere.metrics_choice import Metrics
from lic_bench.run.decoded_elsewhere.picture_pairs import Pair, Pairing, pair_pictures
from lic_bench.store.records import ELSEWHERE, PROTOCOL, Record
from lic_bench.store.run_folder import Store, set_aside
from lic_bench.system import stop_signals

ENVIRONMENT = ("time", "lic_bench", "git_commit", "packages")  # of this machine nothing, as it took no times


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


@dataclass(slots=True)
class Outcome:
    """Lines on metrics without a value -> of how many pictures: as these have none, and as measuring went wrong."""

    undefined: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


def find_pairs(options: MetricsOptions) -> Pairing:
    """Check names, sizes and pictures. Raises UserError for what cannot be read at all."""
    dataset = find_dataset(options.originals, options.data_root)
    return pair_pictures(dataset, options.decoded, options.pattern, options.sizes)


def measure_pairs(
    pairing: Pairing, options: MetricsOptions, metrics: Metrics, stored: Callable[[Pair, int], None]
) -> Outcome:
    """Measure what the run in --out lacks. stored: is told each pair when its record is stored, and how many are.

    Raises UserError where the folder holds another run, or other sizes or pictures of the same name.
    """
    if options.fresh:
        set_aside(options.out)
    outcome, pairs = Outcome(), sorted(pairing.pairs, key=lambda pair: pair.name)
    with (
        closing(Store(options.out, _run_values(pairing, metrics), allow=options.allow)) as store,
        torch.inference_mode(),
    ):
        rows = _Rows(store, pairing.dataset.name, metrics)
        for pair in pairs:
            rows.check(pair, options.out)
        for done, (pair, scores) in enumerate(rows.scored(pairs, options.jobs or torch.get_num_threads()), 1):
            stop_signals.raise_again()
            rows.add(pair, {name: score for name, score in scores.items() if not score.failed})
            for name, score in scores.items():
                where = outcome.failed if score.failed else outcome.undefined
                where[f"{name}: {score.problem}"] += bool(score.problem)
            stored(pair, done)
    return outcome


@dataclass(frozen=True, slots=True)
class _Rows:
    """The records of pairs in a run's folder."""

    store: Store
    dataset: str
    metrics: Metrics

    def of(self, pair: Pair) -> Record | None:
        """What is stored."""
        return self.store.records.rows.get((pair.name.codec, pair.name.quality, self.dataset, pair.name.image))

    def lacking(self, pair: Pair) -> tuple[str, ...]:
        """The metrics that are not stored."""
        row = self.of(pair)
        return tuple(name for name in self.metrics.by if row is None or name not in row.perceptual)

    def check(self, pair: Pair, out: Path) -> None:
        """Raise UserError where what is stored has another size, or cannot be joined by what it lacks."""
        if (row := self.of(pair)) is None:
            return
        other = "choose another --out, or set that run aside with --fresh"
        if None not in (pair.bytes, row.payload_bytes) and pair.bytes != row.payload_bytes:
            raise UserError(f"{out} has {row.payload_bytes} bytes of {_text(pair)}, now {pair.bytes}; {other}.")
        lacks = self.lacking(pair) or (row.payload_bytes is None and pair.bytes is not None)
        if row.commit != self.store.records.commit and lacks:
            raise UserError(
                f"Records in {out} lack some of this, which cannot join them at another commit of lic-bench; {other}."
            )

    def scored(self, pairs: Sequence[Pair], jobs: int) -> Iterator[tuple[Pair, dict[str, Score]]]:
        """Each pair with the perceptual scores that it lacks, in order."""
        for names, group in groupby([(pair, self.lacking(pair)) for pair in pairs], key=lambda item: item[1]):
            same = [pair for pair, _ in group]
            pictures = [(_picture(pair.original), _picture(pair.decoded)) for pair in same] if names else []
            scores = measure(pictures, names, jobs, self.metrics.weights) if names else repeat(dict[str, Score]())
            yield from zip(same, scores, strict=False)

    def add(self, pair: Pair, scores: Mapping[str, Score]) -> None:
        """Store what the pair's record lacked."""
        row = self.of(pair)
        if row is not None and not scores and pair.bytes in (None, row.payload_bytes):
            return
        record = row or _distortion(pair, self.dataset)
        size = record.payload_bytes if pair.bytes is None else pair.bytes
        record = replace(record, payload_bytes=size, parts=["quality"])
        if values := {name: score.value for name, score in scores.items()} or record.perceptual:
            record = record.with_perceptual(values, {name: self.metrics.by[name] for name in scores})
        self.store.records.append(record)


def _picture(image: Image) -> Picture:
    return image.path if image.path is not None else read_image(image)


def _distortion(pair: Pair, dataset: str) -> Record:
    original, decoded = (
        torch.from_numpy(read_image(image)).permute(2, 0, 1)[None].contiguous()
        for image in (pair.original, pair.decoded)
    )
    mse = mse_8bit(original, decoded)
    return Record(
        codec=pair.name.codec,
        quality=pair.name.quality,
        dataset=dataset,
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


def _run_values(pairing: Pairing, metrics: Metrics) -> dict[str, Any]:
    """What run.json says."""
    dataset, qualities = pairing.dataset, defaultdict[str, set[int]](set)
    for pair in pairing.pairs:
        qualities[pair.name.codec].add(pair.name.quality)
    environment = describe_environment(torch.device("cpu"))
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
        "environment": {name: environment[name] for name in ENVIRONMENT},
        "images": {f"{dataset.name}/{name}": sha256 for name, sha256 in sorted(originals.items())},
        "decoded": {_text(pair): pair.decoded.sha256 for pair in pairing.pairs},
        "warnings": list(dataset.warnings),
    }


def _text(pair: Pair) -> str:
    return f"{pair.name.codec} {pair.name.quality} {pair.name.image}"

"""Why rows of one table are not comparable with each other: in which conditions they differ, and which rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lic_bench.codecs.registry import find_codec
from lic_bench.rate_distortion import published
from lic_bench.report.frames.anchor_notes import PUBLISHED_ANCHORS
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, codec_label, dataset_label, images_label, plural
from lic_bench.store.run_folder import Run

Rows = Sequence[tuple[str, str]]  # (the row's name, how its condition is called)


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition in which rows differ. concerns: the columns that it touches. rows: which have which, in words."""

    condition: str
    concerns: str
    rows: str


def differences_of_rows(data: ReportData) -> list[Difference]:
    """Each condition in which two rows of Table 1, or of a table of BD-rates, differ; [] where all are comparable."""
    measured = measured_codecs(data)
    names = [row.label for row in measured]
    named = [(row.label if names.count(row.label) == 1 else f"{row.label} ({row.run.name})", row) for row in measured]
    found = [*_bd_differences(data, dict(named)), *_coding_differences(data, named), *_timing_differences(data, named)]
    return [Difference(condition, concerns, text) for condition, concerns, rows in found if (text := _grouped(rows))]


def _grouped(rows: Rows) -> str:
    """ "ycbcr10: HEVC, AV1; RGB: JPEG"; "" where all rows have the same. Of many rows most are "the other 7"."""
    groups: dict[str, list[str]] = {}
    for name, value in rows:
        groups[value] = [*groups.get(value, []), *([] if name in groups.get(value, []) else [name])]
    if len(groups) < 2:
        return ""
    *fewer, (most, members) = sorted(groups.items(), key=lambda item: len(item[1]))
    last = ", ".join(members) if len(members) <= 3 else f"the other {len(members)}"
    return "; ".join([*(f"{value}: {', '.join(names)}" for value, names in fewer), f"{most}: {last}"])


def _bd_differences(data: ReportData, named: Mapping[str, MeasuredCodec]) -> Iterator[tuple[str, str, Rows]]:
    """Anchors and image sets, by metric and data set."""
    names = {row.curve: name for name, row in named.items()}
    for metric, metric_name in METRIC_NAMES.items():
        frame = data.visible_rows(data.bd_for(metric), metric)
        frame = frame[(frame.reason == "") & (frame.curve != frame.anchor_curve)]
        for dataset, group in frame.groupby("dataset", sort=False):
            each: list[Any] = list(group.itertuples())
            rows = [(names.get(row.curve, f"{row.label} ({row.provenance})"), row) for row in each]
            where = f"BD-rate ({metric_name}), {dataset_label(str(dataset))}"
            yield "Anchor", where, [(name, _anchor_text(row)) for name, row in rows]
            yield "Images", where, [(name, images_label(row.image_set)) for name, row in rows]


def _anchor_text(row: Any) -> str:
    source = str(row.anchor_curve).partition(":")[0]
    return f"{row.anchor}, {source}" if source in ("published", "imported") else f"{row.anchor}, of run {source}"


def _coding_differences(
    data: ReportData, named: Sequence[tuple[str, MeasuredCodec]]
) -> Iterator[tuple[str, str, Rows]]:
    """What was coded and how."""
    coded = [(name, row) for name, row in named if len(row.records)]
    learned = [(name, row) for name, row in coded if row.weights]
    paths = [(name, _only(row.records["mode"], "RGB, or the format's own")) for name, row in coded]
    yield "Colour path", "BD-rate", [*_published_path(data), *paths]
    yield "Padding", "BD-rate", [(name, text) for name, row in learned if (text := _padding(row))]
    yield (
        "Entropy coder",
        "BD-rate, times",
        [(name, _only(row.records.entropy_coder, "not recorded")) for name, row in learned],
    )
    yield "Decoding", "BD-rate", [(name, _exactness(row.records)) for name, row in coded]
    yield (
        "Weights",
        "BD-rate, times",
        [(name, "random" if row.weights == "random" else "trained") for name, row in learned],
    )


def _published_path(data: ReportData) -> list[tuple[str, str]]:
    """How the published anchor was coded, where it is one of the rows."""
    slugs = _published_codecs(data) & {slug for slug, _ in PUBLISHED_ANCHORS}
    return [(f"{codec_label(slug)} (published)", PUBLISHED_ANCHORS[slug, "kodak"]) for slug in sorted(slugs)]


def _only(values: "pd.Series[Any]", absent: str) -> str:
    return " and ".join(map(str, values.dropna().unique())) or absent


def _padding(row: MeasuredCodec) -> str:
    """How the codec padded pictures; "" where none needed it, as those of Kodak."""
    spec = find_codec(row.codec)
    if spec is None or spec.padding is None:
        return ""
    multiple = spec.padding.multiple
    padded = bool((row.records.width % multiple).any() or (row.records.height % multiple).any())
    return spec.padding.text if padded else "none needed"


def _exactness(records: pd.DataFrame) -> str:
    """Whether what was decoded is what the encoder had; codecs that did not say it count as exact."""
    off = int((records.decode_max_abs.fillna(0).astype(float) > 0).sum())
    return f"{plural(off, 'picture')} not as the encoder had it" if off else "as the encoder had it"


def _timing_differences(
    data: ReportData, named: Sequence[tuple[str, MeasuredCodec]]
) -> Iterator[tuple[str, str, Rows]]:
    """On what the times were taken, and by which rules."""
    timed = [(name, row, row.timed_in or row.run) for name, row in named if row.enc_s or row.dec_s]
    printed, concerns = _published_rows(data), "Times, memory"
    printed_on = [(name, "NVIDIA RTX 4090 (VTM-9.1: not said)") for name in printed]
    yield "Machine", concerns, [*printed_on, *((name, _machine(row, run)) for name, row, run in timed)]
    yield "Threads", concerns, [(name, _config(run, "threads")) for name, row, run in timed if row.device == "cpu"]
    protocols = {run.name: _only(run.records.protocol, "none") for _, _, run in timed}
    yield "Protocol", concerns, [(name, protocols[run.name]) for name, _, run in timed]
    pictures = [(name, _pictures("kodak", published.test_sets()["kodak"].images)) for name in printed]
    yield "Images", concerns, [*pictures, *((name, _pictures(row.dataset, row.n_images)) for name, row, _ in timed)]


def _pictures(dataset: str | None, images: int) -> str:
    return f"{dataset_label(dataset or '')}, {plural(images, 'image')}"


def _published_rows(data: ReportData) -> list[str]:
    """What to call the rows with the paper's times; [] if none is shown."""
    return ["the published rows"] if _published_codecs(data) & set(published.printed_table1().index) else []


def _published_codecs(data: ReportData) -> set[str]:
    """Those with a row in Table 1."""
    shown = data.visible_rows(data.bd_for("psnr_db"), "psnr_db")
    return set(shown.codec[shown.provenance == "published"])


def _machine(row: MeasuredCodec, run: Run) -> str:
    if row.device != "cpu":
        return row.machine
    fingerprint = run.info.get("fingerprint") or {}
    cores, instructions = fingerprint.get("cores_usable"), fingerprint.get("cpu_capability")
    return ", ".join(filter(None, (row.machine, instructions, plural(cores, "core") if cores else "")))


def _config(run: Run, key: str) -> str:
    value = (run.info.get("config") or {}).get(key)
    return "not recorded" if value is None else str(value)

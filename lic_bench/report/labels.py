"""Names of codecs, data sets, runs and machines for people."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from lic_bench.codecs.factory_targets import is_target, target_label
from lic_bench.codecs.registry import find_codec
from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.rate_distortion import published
from lic_bench.spec import VARIANT_MARK
from lic_bench.store.records import ELSEWHERE
from lic_bench.store.run_folder import Run

DATASETS = {"kodak": "Kodak", "clic": "CLIC", "tecnick": "Tecnick"}
METRIC_NAMES = {"psnr_db": "PSNR", "ms_ssim_db": "MS-SSIM"}  # of every report; perceptual ones are of METRICS


@cache
def codec_label(codec: str) -> str:
    """The label of the codec's SPEC, else of its published curves, else the slug. Targets have their target_label."""
    base, *variants = codec.split(VARIANT_MARK)
    if is_target(base):
        return " ".join((target_label(base), *variants))
    spec = find_codec(codec)
    return spec.label if spec else published.published_label(codec) or codec


def measured_label(codec: str, mode: object) -> str:
    """The label of a measured codec, with its mode if that is not the usual one."""
    spec = find_codec(codec)
    usual = spec.mode if spec else None
    return f"{codec_label(codec)} ({mode})" if isinstance(mode, str) and mode != usual else codec_label(codec)


def codec_notes(codec: str) -> str:
    """The notes in the codec's SPEC; "" if it has none."""
    spec = find_codec(codec)
    return spec.notes if spec else ""


def only_decodes(codec: str) -> bool:
    """Whether a codec has no encoder, but bitstreams that others made."""
    spec = find_codec(codec)
    return spec is not None and spec.streams is not None


def optimised_for(codec: str) -> str:
    """What a codec's weights were trained to keep low, "mse" or "ms-ssim"; "" for classical and unknown codecs."""
    spec = find_codec(codec)
    return (spec.optimised_for if spec else None) or ""


@cache
def published_slug(codec: str) -> str | None:
    """The slug under which this codec's own curves are published; None if they are not."""
    spec = find_codec(codec)
    slug = spec.published if spec else codec
    return slug if slug and published.published_label(slug) else None


def metric_label(metric: str) -> str:
    """A metric of curves, a column of points, for people: "PSNR" for psnr_db, "VMAF" for vmaf."""
    return METRIC_NAMES.get(metric) or METRICS[metric].label


def metric_unit(metric: str) -> str:
    """ "dB", or "" where the metric has none."""
    return "dB" if metric in METRIC_NAMES else METRICS[metric].unit


def metric_value(metric: str, value: float) -> str:
    """The value with its unit: "31.42 dB", "0.98312", "-0.0312" for a distance that a curve has turned round."""
    digits = 2 if metric_unit(metric) or abs(value) >= 10 else 4
    return f"{value:.{digits}f} {metric_unit(metric)}".strip()


def metric_sign(metric: str) -> int:
    """-1 for a distance, of which less is better, else 1: what makes quality of it, which rises with the rate."""
    return 1 if metric in METRIC_NAMES or METRICS[metric].higher_is_better else -1


def metric_stem(metric: str) -> str:
    """The metric in names of files and of columns: "psnr", "vmaf_neg"."""
    return metric.removesuffix("_db").replace("-", "_")


def dataset_label(name: str) -> str:
    """Kodak for kodak; a crop or an unknown data set by its own name."""
    return DATASETS.get(name, name)


def images_label(image_set: str) -> str:
    """An image set for people: "Kodak", "Kodak, 4 images"."""
    dataset, _, rest = image_set.partition(" [")
    return ", ".join(filter(None, (dataset_label(dataset), rest.rpartition(",")[0])))


def machine_name(info: dict[str, Any], device: str) -> str:
    """The processor behind `device` according to run.json's environment; if that has none, `device` itself."""
    environment = info.get("environment") or {}
    key = "gpu" if device.startswith("cuda") else "cpu"
    value = environment.get(key) or environment.get(f"{key}_name")
    if isinstance(value, dict):
        value = value.get("name") or value.get("model")
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
        value = value.get("name") if isinstance(value, dict) else value
    return str(value) if value else device


def plural(count: int, noun: str) -> str:
    """ "1 image", "2 images"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def source_label(run: str, device: str, runs: Sequence[Run]) -> str:
    """The run's name, with the device if the run used several, and where it was coded if that is elsewhere."""
    several = device == ELSEWHERE or any(other.name == run and other.records.device.nunique() > 1 for other in runs)
    return f"{run} ({device})" if several else run


def sort_datasets(names: set[str]) -> list[str]:
    """The paper's data sets in its order, then the others by name."""
    order = list(DATASETS)
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))

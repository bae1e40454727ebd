"""What a shell may put in place of a word that is not yet whole, where it is a name out of a known set.

The names are looked up when a shell asks, as what knows them takes a while to import.
"""

from collections.abc import Callable, Iterable
from typing import Any

from typer import Context


def offering(known: Callable[[], Iterable[str]]) -> Any:
    """The settings of an option or argument that is one of these names, or a list of them with commas."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in known() if name.startswith(last)]

    return {"autocompletion": complete}


def codec_names() -> list[str]:
    from lic_bench.codecs.registry import find_codecs

    return list(find_codecs())


def learned_codecs() -> list[str]:
    from lic_bench.codecs.registry import find_codecs

    return [spec.name for spec in find_codecs().values() if spec.kind == "learned"]


def codecs_with_files() -> list[str]:
    from lic_bench.codecs.registry import find_codecs

    return [spec.name for spec in find_codecs().values() if spec.checkpoints or spec.streams]


def listed_names(context: Context, incomplete: str) -> list[str]:
    """What may come after `list codecs`; nothing after other lists."""
    names = codec_names() if context.params.get("what") == "codecs" else []
    return [name for name in names if name.startswith(incomplete)]


def dataset_names() -> list[str]:
    from lic_bench.terminal.listings import dataset_rows

    return [row["data set"] for row in dataset_rows()]


def fetched_names() -> list[str]:
    from lic_bench.fetch.fetch_datasets import URLS

    return [*URLS, "weights", "streams"]


def measurements() -> list[str]:
    from lic_bench.run.options import PARTS

    return [*PARTS, "all"]


def saved() -> tuple[str, ...]:
    from lic_bench.store.saved_files import SAVED

    return SAVED


def perceptual_metrics() -> list[str]:
    from lic_bench.measurement.perceptual.registry import GROUPS, METRICS

    return [*METRICS, *GROUPS]


def coders() -> tuple[str, ...]:
    from lic_bench.run.options import CODERS

    return CODERS


def weights_choices() -> tuple[str, ...]:
    from lic_bench.run.options import WEIGHTS

    return WEIGHTS


def devices() -> tuple[str, ...]:
    return ("auto", "cpu", "cuda")


def published_curves() -> list[str]:
    from lic_bench.terminal.listings import published_rows

    return ["all", "paper", "none", *(row["slug"] for row in published_rows())]


def reference_runs() -> list[str]:
    from lic_bench.report.reference_runs import reference_folders

    return ["all", "none", *reference_folders()]


def bd_rate_methods() -> tuple[str, ...]:
    from lic_bench.rate_distortion.bd_rate import METHODS

    return METHODS


def report_formats() -> tuple[str, ...]:
    from lic_bench.report.report_folder import FORMATS

    return FORMATS


def export_formats() -> tuple[str, ...]:
    from lic_bench.report.exchange.exporting import FORMATS

    return FORMATS


def metrics() -> tuple[str, ...]:
    from lic_bench.compare.metric_table import NAMES

    return NAMES


def allowed_differences() -> tuple[str, ...]:
    from lic_bench.compare.comparable import NAMES

    return NAMES

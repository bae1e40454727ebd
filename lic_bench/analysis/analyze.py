"""From the options of `lic-bench analyze` to files: figures, and the numbers in them."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from lic_bench.analysis.figures.crops import crops_figure
from lic_bench.analysis.matched_crops import MatchedImage, Window, matched_images
from lic_bench.analysis.network_analyses import ANALYSES, Analysed, Arrays, Images, NetworkAnalysis
from lic_bench.analysis.networks import load_networks
from lic_bench.codecs.registry import choose_codecs
from lic_bench.errors import UserError
from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.figure_files import write_figure
from lic_bench.run.matched_sizes import Target
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.system import stop_signals
from lic_bench.system.whole_file import write_whole

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """files: what was written. failed: a line for each network that could not be analysed."""

    files: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def analyze_networks(name: str, options: Options, say: Say) -> Outcome:
    """Write the analysis `name`, of ANALYSES, of the networks that the options name to OUT/NAME.png and the like.

    say: is told what goes on. Raises UserError for bad input.
    """
    analysis, outcome = ANALYSES[name], Outcome()
    session, images = _prepared(name, analysis, options)
    for note in session.notes:
        say(note)
    analysed = []
    for network in load_networks(session, options):
        say(f"{' '.join(network.title.split())}: {name} on {len(images)} image{'s' if len(images) > 1 else ''}")
        try:
            result = analysis.compute(network, images)
        except UserError:
            raise
        except Exception as error:  # whatever a network does wrong, or cannot do, as be differentiated
            stop_signals.raise_again()
            outcome.failed.append(f"{network.name}: {type(error).__name__}: {' '.join(str(error).split())}")
            continue
        analysed.append(Analysed(network.spec.name, network.about, network.title, result))
    if analysed:
        about = {"analysis": name, "images": list(images), "crop": session.config.crop}
        numbers = about | {"networks": [{**of.about, **analysis.numbers(of.result)} for of in analysed]}
        outcome.files = _write(
            analysis.draw(analysed, images), options.out / name, numbers, _arrays(analysis, analysed)
        )
    return outcome


def draw_crops(run: Path, options: Options, window: str | None = None) -> Outcome:
    """Write OUT/crops_IMAGE.png and the like from the pictures that a run saved; without --limit, of one image.

    window: "x,y,w,h", as --window. Raises UserError, see `matched_crops.matched_images`.
    """
    target = None if options.match is None else Target.parsed(options.match)
    chosen = None if window is None else Window.parsed(window)
    outcome = Outcome()
    for image in matched_images(run, replace(options, limit=options.limit or 1), chosen, target):
        stem = options.out / f"crops_{Path(image.name).stem.replace('/', '_')}"
        outcome.files += _write(crops_figure(image), stem, _crop_numbers(image), {})
    return outcome


def _prepared(name: str, analysis: NetworkAnalysis, options: Options) -> tuple[Session, Images]:
    """The checked session and its images. Raises UserError."""
    if spec := next((spec for spec in choose_codecs(options.codecs) if spec.kind != "learned"), None):
        raise UserError(f"analyze {name}: {spec.name!r} has no network: it is a {spec.kind} codec; leave it out.")
    limit, crop = options.limit or analysis.limit, options.crop or analysis.crop
    options = replace(options, measure="quality", limit=limit, crop=crop)
    session = prepare_session(options, one_quality=not options.qualities)
    images = {f"{dataset.name}/{image.name}": image for dataset in session.datasets for image in dataset.usable}
    for spec in session.specs:
        analysis.check(spec, images)
    return session, images


def _arrays(analysis: NetworkAnalysis, analysed: list[Analysed]) -> Arrays:
    by_network = ((f"{of.codec}-q{of.about['quality']}", analysis.arrays(of.result)) for of in analysed)
    return {f"{network} {name}": values for network, arrays in by_network for name, values in arrays.items()}


def _crop_numbers(image: MatchedImage) -> Mapping[str, Any]:
    return {
        "analysis": "crops",
        "image": f"{image.dataset}/{image.name}",
        "window": asdict(image.window),
        "codecs": [
            {
                **{name: getattr(shown.record, name) for name in ("codec", "quality", "weights")},
                **{name: getattr(shown, name) for name in ("bpp", "psnr_db", "crop_psnr_db")},
            }
            for shown in image.reconstructions
        ],
    }


def _write(figure: Figure, stem: Path, numbers: Mapping[str, Any], arrays: Arrays) -> list[Path]:
    """Write the figure, STEM.json and, if there are arrays, STEM.npz. Raises UserError."""
    with _writing(stem.parent):
        files = write_figure(figure, stem)
        contents: dict[str, str | bytes] = {"json": json.dumps(numbers, indent=1) + "\n"}
        if arrays:
            packed = io.BytesIO()
            np.savez_compressed(packed, **arrays)
            contents["npz"] = packed.getvalue()
        for suffix, data in contents.items():
            path = stem.with_name(f"{stem.name}.{suffix}")
            write_whole(path, data)
            files.append(path)
    return files


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(RC_PARAMS):
            yield
    except OSError as error:
        raise UserError(f"Cannot write to {out}: {error.strerror or error}; choose another --out.") from None

"""One `lic-bench scale`: time, memory and operations of codecs on square pictures of rising size."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image as pil

from lic_bench.codecs.padding import padded_size
from lic_bench.codecs.registry import choose_codecs
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image, pixels_sha256
from lic_bench.images.sample_pictures import SEEDS, draw_sample
from lic_bench.run.jobs import Job
from lic_bench.run.options import QUICK_REPEATS, Options, parse_qualities
from lic_bench.run.preparation import prepare_session
from lic_bench.run.session import Listener, Outcome, carry_out
from lic_bench.run.streams_choice import refuse_decode_only
from lic_bench.spec import CodecSpec
from lic_bench.store.records import LIMITS_OF_MEMORY, Complexity, Record
from lic_bench.system.option_lists import split_list

NAME = "scale"  # of the data set in the records
MEASURED = "latency,memory,complexity"
MOST = 8192  # pixels; a picture of that side takes a minute to make
COUNTED = 1024  # pixels; the largest side at which operations are counted, that of the LALIC paper's Figure 10
COUNTED_AT_LEAST = 3  # sizes, whatever they are: fewer have no fit


def run(options: Options, sizes: str, listener: Listener) -> Outcome:
    """Measure the codecs at these sizes, see parse_sizes; options.datasets, .measure, .limit and .crop do not apply.
    options.quick: short warm-ups and few samples, no other qualities.

    One codec after the other, each from the smallest picture on until it runs out of memory: that record and those of
    the larger pictures are failed ones. Another codec in memory would take from the room whose limit is sought.
    Raises UserError for bad input.
    """
    sides = parse_sizes(sizes)
    refuse_decode_only(choose_codecs(options.codecs), "scale draws pictures of its own; leave the codec out")
    _check_qualities(options)
    repeats = QUICK_REPEATS if options.quick and options.repeats is None else options.repeats
    plain = replace(options, measure=MEASURED, repeats=repeats, limit=None, crop=None, quick=False)
    session = prepare_session(plain, [Dataset(name=NAME, images=())], one_quality=True)
    with tempfile.TemporaryDirectory(prefix="lic-bench-") as folder:
        session = replace(
            session,
            config=replace(session.config, images={NAME: len(sides)}, sizes=sides, quick=options.quick),
            datasets=[make_pictures(sides, Path(folder))],
            counted={spec.name: counted_at(spec, sides) for spec in session.specs},
            one_by_one=True,
        )
        return carry_out(session, plain, JoinedListener(listener, session.jobs()))


def is_limit(record: Record | Complexity) -> bool:
    """Whether a failed record of a scaling run is a limit that was looked for, not a failure."""
    return record.failure in LIMITS_OF_MEMORY


def parse_sizes(text: str) -> tuple[int, ...]:
    """The sides of --sizes in pixels, ascending, without repeats: "256,384,512", and "256:2048" for doublings.

    The end of a range is always among them: "128:384" is 128, 256, 384. Raises UserError for what is no side.
    """
    sides: set[int] = set()
    for part in split_list(text, "--sizes"):
        first, colon, last = part.partition(":")
        side, end = _side(first, text), _side(last if colon else first, text)
        if side > end:
            raise UserError(f"--sizes {text}: the range {part} is empty; write the smaller side first: {end}:{side}.")
        while side < end:
            sides.add(side)
            side *= 2
        sides.add(end)
    return tuple(sorted(sides))


def make_pictures(sides: Sequence[int], folder: Path) -> Dataset:
    """A synthetic picture of each of these sides, as files in `folder`, named "256x256" and so on."""
    images = [_make_picture(side, folder / f"{side}x{side}.ppm") for side in sides]
    return Dataset(name=NAME, images=tuple(images), found=len(images))


def counted_at(spec: CodecSpec, sides: Sequence[int]) -> list[tuple[int, int]]:
    """The sizes (height, width) at which a codec's operations are counted.

    Counting runs the network several times, on the CPU for minutes where the picture is large, and MACs grow so
    smoothly that the fit says the rest: so up to COUNTED a side, or the COUNTED_AT_LEAST smallest sizes. The counters
    take pictures that need no padding: each side is the padded one, which is what the network works on.
    """
    if spec.kind != "learned":
        return []
    padded = sorted({padded_size(side, side, spec.padding)[0] for side in sides})
    few = max(COUNTED_AT_LEAST, sum(side <= COUNTED for side in padded))
    return [(side, side) for side in padded[:few]]


def _side(text: str, option: str) -> int:
    try:
        side = int(text)
    except ValueError:
        raise UserError(
            f"--sizes {option}: {text!r} is no number; write 256,512 or 256:2048 (doublings), sides in pixels."
        ) from None
    if not 1 <= side <= MOST:
        raise UserError(f"--sizes {option}: {side} is no side; allowed is 1 to {MOST} pixels.")
    return side


def _make_picture(side: int, path: Path) -> Image:
    pixels = draw_sample(SEEDS[0], side, side)
    try:
        pil.fromarray(pixels).save(path)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}; name another folder by TMPDIR.") from None
    return Image(name=path.stem, path=path, width=side, height=side, sha256=pixels_sha256(pixels))


def _check_qualities(options: Options) -> None:
    asked = parse_qualities(options.qualities, choose_codecs(options.codecs))
    for name, several in asked.items():
        if len(several) > 1:
            raise UserError(
                f"--qualities: {len(several)} of {name!r} ({', '.join(map(str, several))}); a scaling run takes one "
                f"per codec: --qualities {name}={several[len(several) // 2]}."
            )


class JoinedListener:
    """A Listener that tells another one of the parts of a run, codec after codec, as if they were one run."""

    def __init__(self, listener: Listener, jobs: Sequence[Job]) -> None:
        """jobs: of all parts; each part has those of one codec, in the order in which the codecs first appear."""
        self.job, self.record, self.note = listener.job, listener.record, listener.note
        self.working = listener.working
        self._listener = listener
        names = dict.fromkeys(job.spec.name for job in jobs)
        self._parts = [[job for job in jobs if job.spec.name == name] for name in names]
        self._done = 0
        self._expected: Sequence[Job] | None = None  # of the part that begins next, as the listener was told

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """Tell the listener of this part and all later ones, if it was told something else before.

        What is stored of a later part is known only when that part begins.
        """
        later_parts = self._parts[1:]
        if self._expected is None or [job.key for job in self._expected] != [job.key for job in jobs]:
            self._listener.started([*jobs, *(job for part in later_parts for job in part)], self._done + done)
        self._parts, self._done = later_parts, self._done + len(jobs) + done
        self._expected = later_parts[0] if later_parts else None

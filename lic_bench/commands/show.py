"""`lic-bench show`: where a run keeps an image as it was decoded, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from lic_bench.commands import options as opt
from lic_bench.errors import UserError, unknown
from lic_bench.terminal.output import console

if TYPE_CHECKING:
    from lic_bench.store.records import Record

RunArgument = Annotated[Path, Argument(metavar="RUN", help="Folder of a run.", parser=opt.named_folder)]
Codec = Annotated[str, Argument(help="As in the run.")]
Quality = Annotated[int, Argument(help="As in the run.")]
Image = Annotated[str, Argument(help="Its file name, or data set/name.")]
Open = Annotated[bool, Option("--open", help="Open the picture with the program that the system has for it.")]


def show(
    run: RunArgument, codec: Codec, quality: Quality, image: Image, launch: Open = False, as_json: opt.AsJson = False
) -> None:
    """Name the files of a decoded image that `run --save` kept, with its bits per pixel and PSNR."""
    from lic_bench.store.records import ELSEWHERE
    from lic_bench.store.saved_files import saved_path

    record = _record(run, codec, quality, image)
    saved = {"picture": record.saved_picture, "bitstream": record.saved_bitstream}
    files = {kind: saved_path(run, f"{kind}s", content) for kind, content in saved.items() if content}
    if lost := next((file for file in files.values() if not file.exists()), None):
        raise UserError(f"{lost} is not there any more; `lic-bench run --fresh` makes it again.")
    if not files or (launch and "picture" not in files):
        why = "it was coded elsewhere" if record.device == ELSEWHERE else "add --save pictures to its run"
        raise UserError(f"{run} keeps no {'picture' if files else 'files'} of it; {why}.")
    if as_json:
        console.say_json({**_figures(record), **{kind: str(file) for kind, file in files.items()}})
    else:
        for name, value in {**_figures(record), **files}.items():
            console.say(f"{name:<10} {value}")
    if launch:
        typer.launch(str(files["picture"]))


def _record(run: Path, codec: str, quality: int, image: str) -> Record:
    """The record of that name. Raises UserError, with the nearest name, where there is none, or more than one."""
    from lic_bench.store.record_log import records_of

    rows = records_of(run)
    of_codec = [row for row in rows if row.codec == codec]
    if not of_codec:
        raise unknown(f"codec in {run}:", codec, dict.fromkeys(row.codec for row in rows))
    of_quality = [row for row in of_codec if row.quality == quality]
    if not of_quality:
        there = ", ".join(map(str, dict.fromkeys(row.quality for row in of_codec)))
        raise UserError(f"{run} has no quality {quality} of {codec}; there are {there}.")
    found = [row for row in of_quality if image in (row.image, f"{row.dataset}/{row.image}")]
    if not found:
        raise unknown(f"image in {run}:", image, dict.fromkeys(row.image for row in of_quality))
    if len(found) > 1:
        raise UserError(
            f"{image} is in {' and '.join(row.dataset for row in found)}; write {found[0].dataset}/{image}."
        )
    if found[0].status == "failed":
        raise UserError(f"{codec} quality {quality} of {image} failed: {found[0].error}")
    return found[0]


def _figures(record: Record) -> dict[str, Any]:
    pixels = record.width * record.height
    bpp = None if record.payload_bytes is None else round(8 * record.payload_bytes / pixels, 4)
    psnr = None if record.psnr_db is None else round(record.psnr_db, 2)
    return {name: value for name, value in {"bpp": bpp, "psnr_db": psnr}.items() if value is not None}

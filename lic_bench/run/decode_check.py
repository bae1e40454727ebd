"""Decoding the bitstreams that a run saved once more: on this machine, device and number of threads."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import Loaded, load_codec
from lic_bench.codecs.pass_digests import Pass, first_other_pass, watch_passes
from lic_bench.codecs.process_settings import kept_settings
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.machine.device import choose_device
from lic_bench.machine.environment_record import apply_protocol_settings, describe_environment
from lic_bench.measurement.distortion import to_8bit
from lic_bench.measurement.failures import Failure, memory_errors_unified
from lic_bench.run.options import with_options
from lic_bench.run.weights_choice import find_weights, parse_checkpoints
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import records_of
from lic_bench.store.records import ELSEWHERE, Record
from lic_bench.store.saved_files import DECODE_CHECKS, SavedBitstream, picture_hash, saved_path
from lic_bench.system.option_lists import split_list
from lic_bench.system.whole_file import write_whole

Pixels = NDArray[np.uint8]
Outcome = Literal["exact", "near", "other", "failed"]
NEAR = 1  # level: what another order of sums may make of the same symbols


@dataclass(frozen=True, slots=True)
class Decode:
    """One bitstream, decoded here. outcome: "exact", the encoder's machine got the same picture; "near", within NEAR
    levels of it; "other", farther from it; "failed", see error.

    largest: difference, in levels; None where the run keeps no pictures. first_pass, passes: the first coding pass
    with other symbols than were written, of how many; None where all are the same, or the run does not tell.
    """

    codec: str
    quality: int
    dataset: str
    image: str
    outcome: Outcome
    largest: int | None = None
    first_pass: int | None = None
    passes: int = 0
    error: str = ""


def check_decodes(
    run: Path,
    *,
    codecs: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    checkpoints: Path | None = None,
    checkpoint: Sequence[str] = (),
) -> tuple[dict[str, Any], list[Decode]]:
    """What decodes here, and what became of each bitstream; also stored in the run's folder, for the report.

    Arguments: as the options of `lic-bench run`. Raises UserError for a run without saved bitstreams.
    """
    chosen = choose_device(device)
    apply_protocol_settings(chosen, threads)
    names = split_list(codecs, "--codecs") if codecs is not None else None
    stored = records_of(run)
    good = [record for record in stored if record.status == "ok" and record.saved_bitstream]
    records = [record for record in good if names is None or record.codec in names]
    if not records:
        of_them = f" of {', '.join(names)}" if names else ""
        here = all(record.device != ELSEWHERE for record in stored)
        why = "measure with --save bitstreams" if here else "it was coded elsewhere"
        raise UserError(f"{run} has no saved bitstreams{of_them}; {why}.")
    specs = [resolve_codec(name) for name in dict.fromkeys(record.codec for record in records)]
    files = find_weights(specs, {}, None, checkpoints, parse_checkpoints(checkpoint, specs))
    decodes = list(decode_again(run, records, files, chosen))
    decoder = decoder_facts(chosen)
    _store(run, decoder, decodes)
    return decoder, decodes


def decoder_facts(device: torch.device) -> dict[str, Any]:
    """What may make another picture of the same bytes."""
    described = describe_environment(device)
    gpu = (described["gpu"] or {}).get("name")
    return {
        "processor": gpu or described["cpu"],
        "instructions": None if gpu else described["cpu_capability"],
        "threads": described["threads"],
        "torch": torch.__version__,
        "lic_bench": described["git_commit"] or described["lic_bench"],
    }


def _store(run: Path, decoder: dict[str, Any], decodes: Sequence[Decode]) -> None:
    """One file for each decoder; a later check of the same counts."""
    name = hashlib.sha256(json.dumps(decoder, sort_keys=True).encode()).hexdigest()[:16]
    text = json.dumps({"decoder": decoder, "decodes": [asdict(decode) for decode in decodes]}, indent=1)
    try:
        (run / DECODE_CHECKS).mkdir(exist_ok=True)
        write_whole(run / DECODE_CHECKS / f"{name}.json", f"{text}\n")
    except OSError as error:
        raise UserError(f"Cannot write into {run / DECODE_CHECKS}: {error.strerror}.") from None


def decode_again(
    run: Path, records: Sequence[Record], files: Mapping[str, Mapping[int, Path]], device: torch.device
) -> Iterator[Decode]:
    """Decode the saved bitstreams of these records, codec by codec. files: codec -> quality -> weights file."""
    ordered = sorted(records, key=lambda record: (record.codec, record.quality))
    for (codec, quality), group in groupby(ordered, key=lambda record: (record.codec, record.quality)):
        of_quality = list(group)
        try:
            loaded = load_codec(as_coded(of_quality[0]), quality, files.get(codec, {}).get(quality), device)
        except Exception as error:  # a codec that cannot be loaded here decodes nothing here
            message = f"cannot load: {Failure.of(error).message}"
            yield from (Decode(*record.key, "failed", error=message) for record in of_quality)
            continue
        yield from (_decoded(run, record, loaded, device) for record in of_quality)


def as_coded(record: Record) -> CodecSpec:
    """The record's codec, with the record's colour path where it has several."""
    spec = resolve_codec(record.codec)
    return with_options([spec], {"vtm_colour": record.mode if "vtm_colour" in spec.options else None})[0]


def _decoded(run: Path, record: Record, loaded: Loaded, device: torch.device) -> Decode:
    written: list[Pass] = []
    with watch_passes() as passes:
        try:
            saved = _bitstream_for(loaded, run, record)
            written = saved.about.get("passes") or []
            with kept_settings(), memory_errors_unified(device), torch.no_grad():
                x_hat = loaded.codec.decompress(Bitstream(payload=saved.payload, header=saved.header))
            pixels = to_8bit(x_hat)[0].permute(1, 2, 0).cpu().numpy()
            outcome, largest, error = *_compared(run, record, pixels, saved.about.get("picture")), ""
        except Exception as failed:  # whatever a codec does with bytes of another machine is its result
            outcome, largest, error = "failed", None, Failure.of(failed).message
    return Decode(*record.key, outcome, largest, first_other_pass(written, passes.read), len(written), error)


def _bitstream_for(loaded: Loaded, run: Path, record: Record) -> SavedBitstream:
    """Raises UserError where this codec cannot decode it."""
    if loaded.weights != record.weights:
        raise UserError(f"coded with weights {str(record.weights)[:8]}, here are {str(loaded.weights)[:8]}")
    path = saved_path(run, "bitstreams", record.saved_bitstream or "")
    return SavedBitstream.from_bytes(path.read_bytes(), str(path))


def _compared(run: Path, record: Record, pixels: Pixels, expected: str | None) -> tuple[Outcome, int | None]:
    """Against the picture that the encoder's machine decoded."""
    if picture_hash(pixels.shape[0], pixels.shape[1], np.ascontiguousarray(pixels).tobytes()) == expected:
        return "exact", 0
    path = saved_path(run, "pictures", record.saved_picture or "")
    if not path.is_file():
        return "other", None
    there = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
    if there.shape != pixels.shape:
        return "other", None
    largest = int(np.abs(there.astype(np.int16) - pixels).max())
    return ("near" if largest <= NEAR else "other"), largest

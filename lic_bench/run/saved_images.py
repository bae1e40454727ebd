"""Keeping what was decoded and what it was decoded from, for `run --save`."""

import hashlib
import io
from collections.abc import Collection
from pathlib import Path

from PIL import Image as Pillow

from lic_bench.run.job_result import JobResult
from lic_bench.store.saved_files import SAVED, SavedBitstream, picture_hash, save

ABOUT = ("codec", "quality", "weights", "width", "height", "entropy_coder", "kernels", "mode", "encoder_version")


def save_coded(result: JobResult, run: Path, kinds: Collection[str]) -> None:
    """Save an image that was coded and verified; its record's fields name the files. kinds: parts, of which SAVED.

    A codec that cannot hand them over has failed. Raises UserError where a file cannot be written.
    """
    if not set(kinds) & set(SAVED):
        return
    with result.guarded():
        bits, decoded, passes = result.image.coded_and_decoded()
    if result.failure is not None:
        return
    pixels = decoded[0].transpose(1, 2, 0)
    picture = picture_hash(pixels.shape[0], pixels.shape[1], pixels.tobytes())
    if "pictures" in kinds:
        png = io.BytesIO()
        Pillow.fromarray(pixels).save(png, "PNG")
        save(run, "pictures", picture, png.getvalue())
        result.fields["saved_picture"] = picture
    if "bitstreams" in kinds:
        about = {name: result.fields.get(name) for name in ABOUT} | {"picture": picture, "passes": passes}
        data = SavedBitstream(about, bits.header, bits.payload).to_bytes()
        content = hashlib.sha256(data).hexdigest()
        save(run, "bitstreams", content, data)
        result.fields["saved_bitstream"] = content

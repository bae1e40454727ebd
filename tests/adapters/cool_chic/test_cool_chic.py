"""Streams written here, streams that are damaged, and the released ones of Kodak against what is known of them."""

import csv
import hashlib
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adapters.cool_chic import decoder
from adapters.cool_chic.entropy_decoding import SCALES, network_symbols
from adapters.cool_chic.model import CoolChic
from adapters.cool_chic.stream_header import MOST_PARAMETERS, read_stream
from lic_bench.codec import Bitstream
from lic_bench.codecs.registry import resolve_codec
from lic_bench.codecs.released_streams import released_hashes
from lic_bench.errors import UserError
from lic_bench.measurement.distortion import mse_8bit, psnr_db, to_8bit

SPEC = resolve_codec("cool-chic")
# Of each architecture one, those with a mean on a half and a scale of 0, and the two with the shorter header.
FEW = [
    *("kodim02-lmbda-0004.bin", "kodim09-lmbda-0004.bin", "kodim04-lmbda-002.bin", "kodim15-lmbda-00001.bin"),
    *("kodim02-lmbda-002.bin", "kodim23-lmbda-002.bin", "kodim15-lmbda-002.bin"),
]
networks = {"context": st.sampled_from([8, 16, 24, 32]), "hidden": st.integers(0, 3), "a": st.integers(9, 300)}


def decoded_latents(data: bytes) -> list[torch.Tensor]:
    return decoder.decode_latents(read_stream(data), decoder.network_values(read_stream(data)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(1, 30), width=st.integers(20, 41), **networks)
def test_what_was_written_is_read(format_writer, seed, **shape):
    written = format_writer.write_stream(seed, **shape)
    found = network_symbols(read_stream(written.data))
    assert {name: values.tolist() for name, values in found.items()} == {
        name: values.tolist() for name, values in written.symbols.items()
    }
    for grid, expected in zip(decoded_latents(written.data), written.latents, strict=True):
        np.testing.assert_array_equal(grid, expected)


def test_a_small_picture_comes_back_whole(format_writer):
    x_hat = CoolChic().decompress(Bitstream(format_writer.write_stream(0, height=23, width=37).data))
    assert (x_hat.shape, x_hat.dtype) == ((1, 3, 23, 37), torch.float32)
    assert 0 <= x_hat.min() < x_hat.max() <= 1


def test_upsampling_and_synthesis_are_what_they_say_by_hand():
    """A kernel of ones over 4 doubles what is flat; a residual layer adds its input."""
    grids = [torch.zeros(3, 5, dtype=torch.int32), torch.full((2, 3), 4, dtype=torch.int32)]
    features = decoder.upsample(grids, torch.full((4, 4), 0.25), (1, 1))
    torch.testing.assert_close(features, torch.stack([torch.zeros(3, 5), torch.full((3, 5), 4.0)])[None])
    layer = decoder.Layer(2, 2, 3, residual=True, activation="relu")
    weights = torch.zeros(2, 2, 3, 3)
    weights[0, 1] = 1
    out = decoder.synthesise(features, (layer,), weights.flatten(), torch.tensor([-1.0, -5.0]))
    torch.testing.assert_close(out, torch.stack([torch.full((3, 5), 35.0), torch.zeros(3, 5)])[None])


def test_the_table_of_scales_is_near_the_powers_of_two():
    np.testing.assert_allclose(SCALES, [32 * 2 ** (n / 4) for n in range(41)], rtol=0.006)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_streams_are_one_clear_error_or_another_picture(format_writer, data):
    whole = bytearray(format_writer.write_stream(1).data)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    check_damaged(bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole))


@settings(max_examples=50, deadline=None)
@given(noise=st.binary(max_size=200))
def test_noise_is_one_clear_error(noise):
    check_damaged(noise)


def check_damaged(stream: bytes) -> None:
    message = ""
    try:
        found = read_stream(stream)
        if found.height * found.width <= 2**14:  # of others the decoder would make a large picture
            CoolChic().decompress(Bitstream(stream))
    except UserError as error:
        message = str(error)
    assert re.fullmatch(r"(The Cool-chic stream [^\n]*)?", message)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 1, "begins with a header of 265 bytes"),
        (2, None, "picture of 40x0"),
        (6, 0x11, "bit depth and colour type 0x11; this decoder takes 0x00: RGB of 8 bits"),
        (7, 8, "frames of a video"),
        (10, 1, "its frame header has 58 bytes and says 1"),
        (11, 3, "display index 3"),
        (12, 0x51, "a context model of 40 inputs; this decoder takes 8, 16, 24 or 32"),
        (13, 9, "a static upsampling kernel"),
        (13, 6, "an upsampling kernel of 3x3"),
        (16, 2, "a synthesis layer of 6 features, kernel 2"),
        (18, 4, "a residual synthesis layer from 4 to 3 features"),
        (32, 99, "arm_weight has the step 99"),
        (35, 0, "the networks arm_weight, .*upsampling_bias"),
        (-1, None, "ends after"),
    ],
)
def test_each_fault_is_said_in_words(format_writer, place, value, message):
    data = bytearray(format_writer.write_stream(0).data)
    if value is None:
        data[place : place + 2 if place > 0 else None] = bytes(2) if place > 0 else b""
    else:
        data[place] = value
    with pytest.raises(UserError, match=message):
        read_stream(bytes(data))
    with pytest.raises(UserError, match="3 bytes follow its end"):
        read_stream(format_writer.write_stream(0).data + bytes(3))
    assert sum(read_stream(format_writer.write_stream(0).data).parameters().values()) < MOST_PARAMETERS


@pytest.fixture(scope="module")
def known(released):
    return json.loads((released / "kodak.decoded.json").read_text())["files"]


def check_decode(released, shared, known, name: str) -> None:
    data = (released / "kodak" / name).read_bytes()
    expected = known[name]
    grids = b"".join(grid.numpy().astype("<i4").tobytes() for grid in decoded_latents(data))
    assert hashlib.sha256(grids).hexdigest() == expected["latents_sha256"], name
    original = np.array(Image.open(shared / "data" / "kodak" / f"{name[:7]}.png"))
    x = torch.from_numpy(original).permute(2, 0, 1)[None]
    decoded = to_8bit(CoolChic().decompress(Bitstream(data)))
    assert psnr_db(mse_8bit(x, decoded)) == pytest.approx(expected["psnr_results_tsv"], abs=1e-4), name


@pytest.mark.parametrize("name", FEW)
def test_released_streams_have_the_authors_latents_and_psnr(released, shared, known, name):
    check_decode(released, shared, known, name)


@pytest.mark.slow
def test_all_released_streams_have_the_authors_latents_and_psnr(released, shared, known):
    assert len(known) == 120
    for name in known:
        check_decode(released, shared, known, name)


def test_rates_costs_and_hashes_of_the_released_streams_are_the_published(released):
    with (released / "kodak" / "results.tsv").open() as file:
        rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(file, delimiter="\t")]
    quality_of = {lmbda: quality for quality, lmbda in SPEC.streams.lmbdas.items()}
    macs = []
    for row in rows:
        name = SPEC.streams.file(quality_of[float(row["lmbda"])], f"{row['seq_name'].strip()}.png")
        data = (released / "kodak" / name).read_bytes()
        cost = CoolChic().cost(Bitstream(data))
        assert cost.pixels == int(row["n_pixels"])
        assert 8 * len(data) / cost.pixels == float(row["rate_bpp"])
        assert hashlib.sha256(data).hexdigest() == released_hashes(SPEC.streams)[name]
        macs.append(sum(cost.macs.values()) / cost.pixels)
    assert len(macs) == len(released_hashes(SPEC.streams)) == 120
    assert [round(value) for value in (min(macs), max(macs), np.mean(macs))] == [299, 2291, 1841]  # summary.txt

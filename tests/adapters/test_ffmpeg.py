"""HEVC, AV1 and VVC through the FFmpeg of imageio-ffmpeg: command lines, streams, damaged ones, what is missing."""

import dataclasses
import re
import stat

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.av1.coder import CODER as AV1
from adapters.hevc.coder import CODER as HEVC
from adapters.shared import ffmpeg
from adapters.vvenc.chroma import from_420, to_420
from adapters.vvenc.coder import CODER as VVENC
from lic_bench.codec import Bitstream
from lic_bench.codecs.registry import load_target, resolve_codec
from lic_bench.codecs.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.system.programs import ProgramError

CODERS = {coder.name: coder for coder in (HEVC, AV1, VVENC)}
VPS, SPS, PPS, IDR = 32, 33, 34, 20  # types of NAL units, H.265 table 7-1
VVC_SPS, VVC_PPS, VVC_IDR = 15, 16, 8  # H.266 table 5
DELIMITER, SEQUENCE, FRAME = 2, 1, 6  # types of OBUs, AV1 6.2.2


@pytest.fixture(params=CODERS)
def coder(request) -> ffmpeg.Coder:
    pytest.importorskip("imageio_ffmpeg")
    return CODERS[request.param]


def load(name: str, quality: int = 32):
    return load_target(resolve_codec(name).load)(quality)


def picture(height: int = 48, width: int = 64) -> torch.Tensor:
    pixels = draw_sample(1, 96, 128)[:height, :width].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(
    ("coder", "size", "coded"),
    [
        (AV1, (1, 37), (1, 37)),
        (HEVC, (1, 37), (16, 37)),
        (HEVC, (17, 16), (17, 16)),
        (VVENC, (1, 37), (16, 38)),
        (VVENC, (511, 768), (512, 768)),
    ],
)
def test_pictures_grow_only_to_what_the_encoder_takes(coder, size, coded):
    assert coder.coded_size(*size) == coded


def test_the_encoder_gets_raw_planes_one_thread_and_no_conversion():
    argv = ffmpeg.encode_argv("ffmpeg", HEVC, 37, 48, 64, source="input", bitstream="bitstream")
    assert argv[:5] == ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error"]
    assert "-noauto_conversion_filters" in argv
    assert argv[argv.index("-s") + 1] == "64x48"
    before, after = argv[: argv.index("-i")], argv[argv.index("-i") :]
    assert before[-6:-2] == ["-f", "rawvideo", "-pix_fmt", "yuv444p10le"]
    assert after[:2] == ["-i", "input"]
    assert after[-3:] == ["-f", "hevc", "bitstream"]
    assert after[after.index("-threads") + 1] == "1"
    assert after[after.index("-x265-params") + 1].startswith("qp=37:ipratio=1:")


@pytest.mark.parametrize("coder", CODERS.values(), ids=CODERS)
def test_the_decoder_is_named_and_writes_the_encoders_format(coder):
    argv = ffmpeg.decode_argv("ffmpeg", coder, bitstream="bitstream", output="output")
    before, after = argv[: argv.index("-i")], argv[argv.index("-i") :]
    assert before[before.index("-c:v") + 1] == coder.decoder
    assert before[-2:] == ["-f", coder.stream]
    assert after == ["-i", "bitstream", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", coder.pixel_format, "output"]


def test_each_quality_scale_reaches_its_encoder():
    for coder, option in ((AV1, "-crf"), (VVENC, "-qp")):
        arguments = coder.arguments(41)
        assert arguments[arguments.index(option) + 1] == "41"


def test_the_versions_of_library_and_ffmpeg_are_found(coder):
    found = ffmpeg.installed(coder)
    assert re.fullmatch(rf"{coder.encoder} \d+\.\d\S*, FFmpeg \S*\d\S*", found.version)
    assert load(coder.name).version == found.version
    assert found.mode == resolve_codec(coder.name).mode == load(coder.name).mode


def nal_types(payload: bytes, byte: int, shift: int) -> list[int]:
    """The types of NAL units between start codes; byte, shift: where a unit's header has its type."""
    return [unit[byte] >> shift & 63 for unit in re.split(rb"\x00\x00\x01", payload)[1:]]


def obu_types(payload: bytes) -> list[int]:
    """The types of AV1's OBUs, each with its size as LEB128."""
    types, at = [], 0
    while at < len(payload):
        types.append(payload[at] >> 3 & 15)
        size = shift = 0
        more = True
        while more:
            at += 1
            size |= (payload[at] & 127) << shift
            more, shift = payload[at] >= 128, shift + 7
        at += 1 + size
    return types


def test_the_payload_is_the_elementary_stream_with_nothing_that_decoding_does_not_need():
    pytest.importorskip("imageio_ffmpeg")
    streams = {name: load(name).compress(picture()).payload for name in CODERS}
    assert nal_types(streams["hevc"], 0, 1) == [VPS, SPS, PPS, IDR]
    assert nal_types(streams["vvenc"], 1, 3) == [VVC_SPS, VVC_PPS, VVC_IDR]
    assert obu_types(streams["av1"]) == [DELIMITER, SEQUENCE, FRAME]


def test_ffmpeg_hands_every_level_through_unchanged(coder):
    ramp = torch.arange(256).repeat(16, 1).expand(1, 3, 16, 256) / 255
    best = load(coder.name, resolve_codec(coder.name).quality_range[0])
    assert (best.decompress(best.compress(ramp)) - ramp).abs().max() * 255 <= 1.001


@pytest.mark.parametrize("damage", [lambda p: b"", lambda p: bytes(len(p)), lambda p: p[: len(p) // 8]])
def test_a_damaged_bitstream_is_an_error_of_one_line(coder, damage):
    codec = load(coder.name)
    bits = codec.compress(picture())
    payload = damage(bits.payload)
    with pytest.raises(ProgramError, match=rf"^{len(payload)} bytes of {coder.encoder} bitstream [^\n]+$"):
        codec.decompress(Bitstream(payload, bits.header))


@pytest.mark.parametrize("share", [0.95, 0.5, 0.2])
def test_a_part_of_a_stream_is_an_error(coder, share):
    codec = load(coder.name)
    bits = codec.compress(picture())
    payload = bits.payload[: int(len(bits.payload) * share)]
    with pytest.raises(ProgramError, match=rf"^{len(payload)} bytes of {coder.encoder} bitstream [^\n]+$"):
        codec.decompress(Bitstream(payload, bits.header))


def test_a_changed_bit_of_an_hevc_stream_is_an_error():
    pytest.importorskip("imageio_ffmpeg")
    codec = load("hevc")
    bits = codec.compress(picture())
    payload = bits.payload[:-9] + bytes([bits.payload[-9] ^ 4]) + bits.payload[-8:]
    with pytest.raises(ProgramError, match="are damaged: their checksum is not the header's"):
        codec.decompress(Bitstream(payload, bits.header))


def test_a_stream_of_another_size_is_an_error(coder):
    codec = load(coder.name)
    small, large = codec.compress(picture(32, 32)), codec.compress(picture(32, 64))
    with pytest.raises(ProgramError, match="checksum" if coder is HEVC else "no 64x32 picture"):
        codec.decompress(Bitstream(small.payload, large.header))


def test_an_ffmpeg_without_the_encoder_is_named_with_the_way_to_another(coder):
    lacking = dataclasses.replace(coder, encoder="libnothing")
    with pytest.raises(ProgramError, match=r"^FFmpeg \S*\d\S* \([^\n]*libnothing[^\n]*lic-bench\[video\][^\n]+$"):
        ffmpeg.installed(lacking)


def test_an_encoder_that_does_not_say_its_version_is_refused(coder):
    silent = dataclasses.replace(coder, version=re.compile("no such line (.)"))
    with pytest.raises(ProgramError, match=rf"^FFmpeg \S*\d\S* \([^\n]* does not say the version of {coder.encoder}, "):
        ffmpeg.installed(silent)


def test_another_program_in_ffmpegs_place_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho something else\n")
    other.chmod(stat.S_IRWXU)
    monkeypatch.setenv(ffmpeg.VARIABLE, str(other))
    with pytest.raises(ProgramError, match="other does not say that it is FFmpeg; its first line is 'something else'"):
        ffmpeg.installed(HEVC)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 50)])
def test_a_stream_of_more_than_a_byte_per_pixel_is_more_than_ffmpeg_leaves_vvenc(height, width):
    pytest.importorskip("imageio_ffmpeg")
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    coded = height + height % 2, width + width % 2
    with pytest.raises(ProgramError) as caught:
        load("vvenc", 0).compress(noise)
    assert str(caught.value) == (
        f"libvvenc failed at QP 0: FFmpeg leaves it {coded[0] * coded[1]} bytes, 8 bit per pixel, for a picture of "
        f"{coded[1]}x{coded[0]}, and this one needs more; use a higher QP."
    )
    assert len(load("vvenc", 32).compress(noise).payload) < coded[0] * coded[1]
    fits = load("vvenc", 0).compress(0.5 + (noise - 0.5) / 20)  # near the limit
    assert 6 / 8 < len(fits.payload) / (coded[0] * coded[1]) <= 1


def test_an_ffmpeg_that_is_not_there_is_named(monkeypatch, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv(ffmpeg.VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(ProgramError, match=r"^nothing cannot be started: [^\n]+$"):
        ffmpeg.installed(HEVC)


def test_chroma_is_the_mean_of_two_by_two_and_comes_back_bicubic():
    planes = np.zeros((3, 2, 4), np.uint16)
    planes[0] = np.arange(8).reshape(2, 4)
    planes[1] = [[100, 200, 1023, 1023], [300, 400, 1023, 1023]]
    raw = to_420(planes)
    assert np.frombuffer(raw, "<u2").tolist() == [*range(8), 250, 1023, 0, 0]
    back = from_420(raw, 2, 4)
    assert np.array_equal(back[0], planes[0])
    assert not back[2].any()
    assert back[1, 0, 0] < 250 < back[1, 0, 1] < back[1, 0, 2] <= back[1, 0, 3] == 1023  # overshoot is clipped


def test_a_slope_of_chroma_survives_the_halved_resolution_away_from_the_edges():
    planes = np.broadcast_to(np.arange(0, 640, 10, dtype=np.uint16), (3, 64, 64)).copy()
    assert np.array_equal(from_420(to_420(planes), 64, 64)[:, 8:-8, 8:-8], planes[:, 8:-8, 8:-8])


def test_halved_colour_alone_costs_kodak_what_the_docs_say(shared):
    found = []
    for file in sorted((shared / "data" / "kodak").rglob("kodim*.png")):
        pixels = np.asarray(Image.open(file).convert("RGB"))
        back = ycbcr_to_rgb(from_420(to_420(rgb_to_ycbcr(pixels)), *pixels.shape[:2]))
        found.append(10 * np.log10(255**2 / np.square(back.astype(float) - pixels).mean()))
    assert len(found) == 24
    assert [round(value, 1) for value in (min(found), max(found), np.mean(found))] == [41.1, 51.1, 47.0]


def test_a_raw_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match="no 4x2 picture of 4:2:0"):
        from_420(bytes(22), 2, 4)

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtm.colour import DEFAULT, MODES, Mode
from vtm.command import decode_argv, encode_argv

ENCODER, DECODER = Path("/v/EncoderAppStatic"), Path("/v/DecoderAppStatic")


def encode(mode: Mode, qp: int = 22, height: int = 512, width: int = 768) -> list[str]:
    return encode_argv(ENCODER, "/v/intra.cfg", mode, qp, height, width, source="in.yuv", bitstream="out.bin")


def test_the_papers_options_are_there() -> None:
    argv = encode(MODES["ycbcr8"])
    text = " ".join(argv)
    assert argv[0] == "/v/EncoderAppStatic"
    for part in (
        *("-i in.yuv", "-c /v/intra.cfg", f"-o {os.devnull}", "-b out.bin", "-wdt 768", "-hgt 512", "-q 22"),
        *("--InputBitDepth=8", "-fr 1", "-f 1", "--InputChromaFormat=444"),
    ):
        assert f" {part}" in text


@pytest.mark.parametrize(("mode", "bits"), [("ycbcr10", 10), ("ycbcr8", 8), ("rgb", 8), ("ycbcr8-truncated", 8)])
def test_the_files_have_the_modes_bit_depth_and_the_coder_ten(mode: str, bits: int) -> None:
    argv = encode(MODES[mode])
    assert f"--InputBitDepth={bits}" in argv
    assert "--InternalBitDepth=10" in argv
    assert "--ConformanceWindowMode=1" in argv
    decode = decode_argv(DECODER, MODES[mode], bitstream="out.bin", output="out.yuv")
    assert decode == ["/v/DecoderAppStatic", "-b", "out.bin", "-o", "out.yuv", "-d", str(bits)]


@given(st.sampled_from(sorted(MODES)), st.integers(0, 63), st.integers(1, 9999), st.integers(1, 9999))
def test_every_argument_is_one_word_and_says_its_own_number(name: str, qp: int, height: int, width: int) -> None:
    argv = encode(MODES[name], qp, height, width)
    assert not any(" " in word for word in argv)
    for flag, value in (("-q", qp), ("-hgt", height), ("-wdt", width)):
        assert argv[argv.index(flag) + 1] == str(value)
    assert len(set(argv) - {str(n) for n in (qp, height, width, 1)}) == len(
        [word for word in argv if word not in {str(n) for n in (qp, height, width, 1)}]
    )


def test_the_modes_are_those_that_the_spec_speaks_of() -> None:
    from vtm.codec import SPEC

    assert list(MODES) == ["ycbcr8", "ycbcr10", "rgb", "ycbcr8-truncated"]
    assert SPEC.mode == DEFAULT == "ycbcr10"
    assert [name for name, mode in MODES.items() if mode.truncate] == ["ycbcr8-truncated"]

"""BPG: command lines, what its programs say, and real files where libbpg is installed."""

import pytest
import torch

from adapters.bpg import coder
from lic_bench.codecs.registry import load_target, programs_of, resolve
from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import photograph
from lic_bench.system.programs import ProgramError

SIGNATURE = b"BPG\xfb"  # BPG specification, file_magic


def test_the_command_lines_are_those_of_the_published_curve():
    encode = coder.encode_argv("bpgenc", 37, source="input", bitstream="bitstream")
    assert " ".join(encode) == "bpgenc -q 37 -f 444 -c ycbcr -b 8 -e x265 -o bitstream input"
    decode = coder.decode_argv("bpgdec", bitstream="bitstream", output="output")
    assert " ".join(decode) == "bpgdec -o output bitstream"


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("BPG Image Encoder version 0.9.8", "0.9.8"),
        ("BPG Image Decoder version 0.9.5", "0.9.5"),
        ("bpgenc: command not found", None),
    ],
)
def test_the_version_is_read_from_the_first_line(line, version):
    assert coder.parse_version(line) == version


def test_the_record_says_the_colours_that_bpgenc_converts_to(monkeypatch, tmp_path):
    for name in ("Encoder", "Decoder"):
        program = tmp_path / f"bpg{name[:3].lower()}"
        program.write_text(f"#!/bin/sh\necho BPG Image {name} version 0.9.8\n")
        program.chmod(0o755)
    monkeypatch.setenv(coder.ROOT, str(tmp_path))
    spec = resolve("bpg")
    assert programs_of(spec).mode == load_target(spec.load)(37).mode == spec.mode == "ycbcr8-bt601"


def test_a_missing_program_is_named_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv(coder.ROOT, str(tmp_path))
    with pytest.raises(UserError, match=r"^Codec 'bpg': bpgenc is not [^\n]*BPG_ROOT[^\n]*$"):
        programs_of(resolve("bpg"))


def test_another_program_of_that_name_is_refused(monkeypatch, tmp_path):
    for name in ("bpgenc", "bpgdec"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho something else\n")
        program.chmod(0o755)
    monkeypatch.setenv(coder.ROOT, str(tmp_path))
    with pytest.raises(ProgramError, match="does not say that it is libbpg's; its first line is 'something else'"):
        coder.installed()


def test_a_real_file_comes_back():
    spec = resolve("bpg")
    try:
        programs_of(spec)
    except UserError as error:
        pytest.skip(str(error))
    x = torch.from_numpy(photograph(1, 96, 128).copy()).permute(2, 0, 1)[None].float() / 255
    codec = load_target(spec.load)(22)
    bits = codec.compress(x)
    assert bits.payload.startswith(SIGNATURE)
    assert ((codec.decompress(bits) - x) * 255).square().mean() < 20

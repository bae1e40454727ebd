"""Which gate a metric has, by default and by a file; every error of that file."""

from pathlib import Path

import pytest

from lic_bench.compare.gate_file import Gates, read_gates
from lic_bench.compare.gates import Exact, Gate, Off, Shown, Timed, Tolerance
from lic_bench.errors import UserError

MIB = 2**20


def gates(folder: Path, text: str) -> Gates:
    path = folder / "gates.toml"
    path.write_text(text)
    return read_gates(path)


@pytest.mark.parametrize(
    ("metric", "gate"),
    [
        ("encode_s", Timed(least=0.03, mads=3.0, alpha=0.01)),
        ("decode_s", Timed()),
        ("payload_bytes", Exact()),
        ("bitstream_sha256", Exact()),
        ("mse_8bit", Exact()),
        ("status", Exact()),
        ("macs", Exact()),
        ("parameters", Exact()),
        ("peak_weights", Exact()),
        ("peak_encode_allocated", Exact()),
        ("peak_encode_allocated_growth", Exact()),
        ("ms_ssim", Tolerance(absolute=1e-6)),
        ("peak_encode_rss", Tolerance(relative=0.05, absolute=64 * MIB)),
        ("peak_decode_rss_growth", Tolerance(relative=0.05, absolute=64 * MIB)),
        ("peak_decode_children_rss", Tolerance(relative=0.05, absolute=16 * MIB)),
        ("peak_encode_reserved", Tolerance(relative=0.05, absolute=2 * MIB)),
        ("peak_encode_nvml_process_growth", Tolerance(relative=0.05, absolute=64 * MIB)),
        ("peak_encode_nvml_device", Off()),
        ("what comes one day", Exact()),
    ],
)
def test_defaults(metric: str, gate: Gate) -> None:
    assert read_gates(None).of(metric) == gate


def test_a_file_goes_before_the_defaults(tmp_path: Path) -> None:
    found = gates(
        tmp_path,
        """
        [metrics.encode_s]
        least = 0.1
        [metrics.payload_bytes]
        gate = "tolerance"
        relative = 0.01
        [metrics.bitstream_sha256]
        gate = "shown"
        [metrics.ms_ssim]
        relative = 1e-3
        """,
    )
    assert found.of("encode_s") == Timed(least=0.1, mads=3.0)
    assert found.of("payload_bytes") == Tolerance(relative=0.01)
    assert found.of("bitstream_sha256") == Shown()
    assert found.of("ms_ssim") == Tolerance(relative=1e-3, absolute=1e-6)  # what is not named stays
    assert found.of("decode_s") == Timed()
    assert found.of("macs") == Exact()


def test_patterns(tmp_path: Path) -> None:
    found = gates(
        tmp_path,
        """
        [metrics."peak_encode_*"]
        gate = "off"
        [metrics."peak_*_rss*"]
        gate = "shown"
        [metrics."*code_s"]
        gate = "off"
        """,
    )
    assert found.of("peak_encode_rss") == Off()  # the first that fits
    assert found.of("peak_decode_rss_growth") == Shown()
    assert found.of("peak_decode_reserved") == Tolerance(relative=0.05, absolute=2 * MIB)
    assert found.of("encode_s") == found.of("decode_s") == Off()


def test_a_pattern_of_times_is_timed(tmp_path: Path) -> None:
    found = gates(tmp_path, '[metrics."*code_s"]\nleast = 0.1')
    assert found.of("encode_s") == found.of("decode_s") == Timed(least=0.1)


def test_a_gate_for_all_is_for_all_that_it_can_judge(tmp_path: Path) -> None:
    assert gates(tmp_path, '[metrics."*"]\ngate = "off"').of("encode_s") == Off()
    found = gates(tmp_path, '[metrics."*"]\ngate = "exact"')
    assert found.of("peak_encode_rss") == Exact()
    assert found.of("encode_s") == Timed()
    found = gates(tmp_path, '[metrics."*"]\ngate = "tolerance"\nrelative = 0.1')
    assert found.of("macs") == Tolerance(relative=0.1)
    assert found.of("bitstream_sha256") == found.of("status") == Exact()
    assert found.of("decode_s") == Timed()


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert gates(tmp_path, "") == read_gates(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[metrics", "--gate {path}: cannot be read as TOML ("),
        ('[metric.macs]\ngate = "off"', "Unknown table in {path} 'metric'. Did you mean 'metrics'? Known: metrics."),
        ("metrics = 3", "--gate {path}: metrics = 3; write a table per metric, as [metrics.encode_s]."),
        ("[metrics]\nmacs = 3", '[metrics.macs] of {path} is 3; write a table, as in gate = "exact".'),
        ('[metrics.encode_ms]\ngate = "off"', "Unknown metric in {path} 'encode_ms'. Did you mean 'encode_s'? Known: "),
        ('[metrics."peek_*"]\ngate = "off"', "Unknown metric in {path} 'peek_*'."),
        (
            '[metrics.macs]\ngate = "toleranze"',
            "Unknown gate in [metrics.macs] of {path} 'toleranze'. Did you mean 'tolerance'? "
            "Known: exact, off, shown, timed, tolerance.",
        ),
        ("[metrics.macs]\ngate = 3", "Unknown gate in [metrics.macs] of {path} '3'. Known: "),
        (
            '[metrics.macs]\ngate = "timed"',
            "[metrics.macs] of {path}: gate 'timed' does not fit; only encode_s and decode_s can be timed.",
        ),
        (
            '[metrics.encode_s]\ngate = "exact"',
            "[metrics.encode_s] of {path}: gate 'exact' does not fit; times are timed, shown or off.",
        ),
        *(
            (
                f'[metrics."{name}"]\ngate = "tolerance"\nabsolute = 1',
                f"[metrics.{name}] of {{path}}: gate 'tolerance' does not fit; texts are exact, shown or off.",
            )
            for name in ("bitstream_sha256", "status", "*sha*")
        ),
        (
            "[metrics.encode_s]\nleats = 0.1",
            "Unknown key in [metrics.encode_s] of {path} 'leats'. Did you mean 'least'? Known: alpha, gate, ",
        ),
        ("[metrics.macs]\nrelative = 0.1", "Unknown key in [metrics.macs] of {path} 'relative'. Known: gate."),
        ("[metrics.ms_ssim]\nrelative = -1", "[metrics.ms_ssim] of {path}: relative = -1; give a number from 0 on."),
        ("[metrics.ms_ssim]\nrelative = nan", "[metrics.ms_ssim] of {path}: relative = nan; give a number from 0 on."),
        (
            "[metrics.ms_ssim]\nrelative = true",
            "[metrics.ms_ssim] of {path}: relative = True; give a number from 0 on.",
        ),
        ('[metrics.ms_ssim]\nrelative = "1"', "[metrics.ms_ssim] of {path}: relative = '1'; give a number from 0 on."),
        ("[metrics.encode_s]\nleast = inf", "[metrics.encode_s] of {path}: least = inf; give a number from 0 on."),
        ("[metrics.encode_s]\nalpha = 5", "[metrics.encode_s] of {path}: alpha = 5; give a number from 0 to 1."),
    ],
)
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        gates(tmp_path, text)
    assert str(error.value).startswith(message.format(path=tmp_path / "gates.toml"))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read as TOML \(No such file or directory\)"):
        read_gates(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot be read as TOML"):
        read_gates(tmp_path / "bytes.toml")

import math
from pathlib import Path

import pytest

from lic_bench.codecs.registry import choose_codecs, resolve_codec
from lic_bench.errors import UserError
from lic_bench.run.options import (
    Options,
    check_ranges,
    choose_parts,
    ladder,
    parse_batches,
    parse_qualities,
    with_coder,
)
from lic_bench.spec import Checkpoint, CodecSpec

LEARNED = CodecSpec(
    name="net",
    label="Net",
    kind="learned",
    load="x:y",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(2, 4),
    checkpoints={q: Checkpoint(file=f"{q}.pth") for q in range(1, 7)},
)


@pytest.mark.usefixtures("fake_codecs")
def test_an_unknown_codec_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"Unknown codec 'fak'\. Did you mean 'fake'\? Known: .*broken"):
        choose_codecs("fak")


@pytest.mark.usefixtures("fake_codecs")
def test_aliases_and_repeats_are_one_codec() -> None:
    assert [spec.name for spec in choose_codecs("pretend,fake")] == ["fake"]


@pytest.mark.parametrize(
    ("coder", "expected"),
    [
        ("native", ["lalic@bf16", "jpeg"]),
        ("compressai", ["lalic@bf16@compressai-coder", "jpeg"]),
        ("both", ["lalic@bf16", "lalic@bf16@compressai-coder", "jpeg"]),
    ],
)
def test_the_coder_makes_variants_of_learned_codecs(coder: str, expected: list[str]) -> None:
    chosen = with_coder(choose_codecs("lalic@bf16,jpeg"), coder)
    assert [spec.name for spec in chosen] == expected
    assert with_coder(chosen, coder) == chosen


def test_an_unknown_coder_is_a_line() -> None:
    with pytest.raises(UserError, match=r"Unknown --coder 'nativ': .*|Did you mean 'native'"):
        check_ranges(Options(codecs="jpeg", out=Path("out"), coder="nativ"))


def test_qualities_of_a_codec_are_those_of_its_variants_too() -> None:
    specs = choose_codecs("lalic,lalic@bf16,jpeg")
    assert parse_qualities(["lalic=2,3"], specs) == {"lalic": (2, 3), "lalic@bf16": (2, 3)}
    assert parse_qualities(["lalic@bf16=4"], specs) == {"lalic@bf16": (4,)}
    assert parse_qualities(["lalic=1,2", "lalic@bf16=3"], specs) == {"lalic": (1, 2), "lalic@bf16": (3,)}


@pytest.mark.parametrize("option", ["budget", "timeout"])
@pytest.mark.parametrize("seconds", [math.inf, math.nan, 0.0, -1.0])
def test_seconds_are_finite(option: str, seconds: float) -> None:
    with pytest.raises(UserError, match=f"--{option} {seconds:g}: a number of seconds above 0"):
        check_ranges(Options(codecs="jpeg", out=Path("out"), **{option: seconds}))


def test_parts() -> None:
    assert choose_parts("memory,quality") == ("quality", "memory")
    assert choose_parts("all") == ("quality", "latency", "phases", "memory", "complexity")
    assert choose_parts("perceptual,all") == ("quality", "latency", "phases", "memory", "perceptual", "complexity")
    assert choose_parts("throughput,all") == (*choose_parts("all"), "throughput")
    assert choose_parts("phases,latency") == ("latency", "phases")
    with pytest.raises(UserError, match="write latency,phases"):
        choose_parts("phases,quality")
    with pytest.raises(UserError, match="Did you mean 'latency'"):
        choose_parts("latencie")


def test_batches() -> None:
    assert parse_batches(None, ("quality",)) == ()
    assert parse_batches(None, ("throughput",)) == (1, 4, 16)
    assert parse_batches("16, 2,16", ("quality", "throughput")) == (2, 16)
    with pytest.raises(UserError, match=r"^--batch 4: .* add it: --measure throughput\.$"):
        parse_batches("4", ("quality",))
    for text in ("0", "1,-4", "1001", "two", ","):
        with pytest.raises(UserError, match=r"^--batch "):
            parse_batches(text, ("throughput",))


@pytest.mark.usefixtures("fake_codecs")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (["1,3"], {"fake": (1, 3), "broken": (1, 3)}),
        (["fake=2..4"], {"fake": (2, 3, 4)}),
        (["5", "fake=8"], {"fake": (8,), "broken": (5,)}),
        (["fake=8", "5"], {"fake": (8,), "broken": (5,)}),
        (["pretend=3,3"], {"fake": (3,)}),
        (["3", "5"], {"fake": (3, 5), "broken": (3, 5)}),
        (["fake=3", "fake=5"], {"fake": (3, 5)}),
    ],
)
def test_qualities(options: list[str], expected: dict[str, tuple[int, ...]]) -> None:
    assert parse_qualities(options, [resolve_codec("fake"), resolve_codec("broken")]) == expected


@pytest.mark.usefixtures("fake_codecs")
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("9", r"'fake' has no bits 9; allowed: 0\.\.8"),
        ("low", "'low' is no number"),
        ("4..2", "range is empty"),
        ("1..999999999", "more than 1000 qualities"),
        ("broken=1", "not among --codecs fake"),
        ("fakir=1", "Did you mean 'fake'"),
    ],
)
def test_bad_qualities_are_one_line(option: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_qualities([option], [resolve_codec("fake")])


def test_the_ladder_follows_the_weights() -> None:
    there = {2: Path("2.pth"), 5: Path("5.pth")}
    assert ladder(LEARNED, None, there, quick=False) == (2, 5)
    assert ladder(LEARNED, None, there, quick=True) == (2,)
    assert ladder(LEARNED, None, {5: Path("5.pth")}, quick=True) == (5,)
    many = {quality: Path(f"{quality}.pth") for quality in (1, 4, 5, 6)}
    assert len(ladder(LEARNED, None, many, quick=True)) <= 2
    assert ladder(LEARNED, (1, 6), there, quick=True) == (1, 6)


def test_random_weights_need_a_single_quality() -> None:
    assert ladder(LEARNED, None, {}, quick=False) == (4,)
    assert ladder(LEARNED, None, {}, quick=True) == (4,)


@pytest.mark.usefixtures("fake_codecs")
def test_classical_codecs_run_their_ladder() -> None:
    assert ladder(resolve_codec("fake"), None, {}, quick=False) == (2, 4, 6)
    assert ladder(resolve_codec("fake"), None, {}, quick=True) == (4,)

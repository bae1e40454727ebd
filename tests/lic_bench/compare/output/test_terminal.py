"""The terminal: readable from 80 columns on, true to what was found, and nothing in a name is taken for markup."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import terminal
from lic_bench.compare.output.wording import outcome

AT_110 = """\
BASE git:main:results/measured/kodak
NEW  results/run
--allow machine: cpu is Example CPU in BASE, Other CPU in NEW
commit: feef07e12345 in BASE, dccde6a12345 in NEW
The reference workload took 3.1 % longer in NEW than in BASE; times are divided by it.

                                                     BASE          change
 verdict    what                                      NEW   95 % interval  why
 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
 WORSE      lalic q4 kodak                       12.31 ms          +8.1 %  slower; measured once
            encode_s                             13.40 ms    +7.0..+9.3 %
                                                                 p <0.001
 WORSE      lalic q4 kodak                     27832.00 B      +0.00015 %  +0.0416667 on 1 of 24 images
            payload_bytes                      27832.04 B
 WORSE      webp q50 kodak                              -               -  other on 1 of 24 images
            bitstream_sha256                            -
 ACCEPTED   lalic q4 exact, forward, 768x512  286.16 GMAC       +0.0017 %  +5e+06 on this network; accepted
            macs                              286.17 GMAC                  by Ada on 2026-11-22: one more
                                                                           channel
 BETTER     webp q50 kodak                        1.231 s         -24.1 %  faster; measured once
            decode_s                              0.934 s  -27.0..-21.3 %
                                                                  p 0.012
 AMBIGUOUS  webp q50 kodak                       123.1 ms          +3.1 %  at first WORSE (+8.1 %), in turn
            encode_s                             123.4 ms    -1.0..+5.3 %  may be beyond 3.0 %
                                                                  p 0.200
 SAME       jpeg q4 kodak                        10.00 ms               -  at first WORSE (+9.0 %), in turn
            encode_s                             11.00 ms                  within 3.0 %

BASE and NEW: means over the images; of times the median of their fast end (10 % quantile) as measured. Change
of times: after division by the reference workload's. Of those measured again, in turn: medians, and their
differences' trimmed mean over the starts of both. p: corrected for the number of times compared.

lalic: 1 number the same
webp: 1 number the same

Regression: 3 worse, 1 worse and accepted, 1 better, 1 ambiguous, 3 the same.
Times that are not settled were measured once: --confirm measures them again, BASE and NEW in turn.
A change that is meant goes into results/accepted.toml, with who accepts it and why.
"""


def shown(comparison: Comparison, width: int, *, everything: bool = False) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    terminal.show_comparison(comparison, console, everything=everything)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def test_at_110_columns(mixed: Comparison) -> None:
    assert shown(mixed, 110) == AT_110


@pytest.mark.parametrize("width", [80, 110, 140, 200])
def test_everything_is_readable_at_this_width(mixed: Comparison, width: int) -> None:
    text = shown(mixed, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    for word in ("12.31 ms", "13.40 ms", "+8.1 %", "+7.0..+9.3 %", "27832.00 B", "27832.04 B", "bitstream_sha256"):
        assert word in text
    one_line = " ".join(text.split())
    assert outcome(mixed) in one_line
    assert "who accepts it and why." in one_line
    places = [text.index(word) for word in ("\n WORSE", "\n ACCEPTED", "\n BETTER", "\n AMBIGUOUS")]
    assert places == sorted(places)


def test_where_there_is_room_a_verdict_is_one_line(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    made = comparison(verdict(verdict="WORSE", base=0.01, new=0.02, change=1.0, low=0.9, high=1.1, p=0.03))
    row = "WORSE lalic 4 kodak encode_s 10.00 ms 20.00 ms +100.0 % +90.0..+110.0 % 0.030 within 3.0 %; measured once"
    assert row in [" ".join(line.split()) for line in shown(made, 140).splitlines()]
    narrow = " ".join(shown(made, 80).split())
    assert "WORSE lalic q4 kodak 10.00 ms +100.0 % within 3.0 %; measured encode_s 20.00 ms" in narrow


def test_what_is_the_same_is_counted_or_shown(mixed: Comparison) -> None:
    assert "lalic: 1 number the same\nwebp: 1 number the same\n" in shown(mixed, 110)
    everything = shown(mixed, 110, everything=True)
    assert "number the same" not in everything
    assert everything.count("\n SAME ") == 3
    assert shown(mixed, 110).count("\n SAME ") == 1  # of which only a second look found that


def test_nothing_but_the_same(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    assert shown(comparison(verdict(), verdict(quality=5)), 80) == (
        "BASE git:main:results/measured/kodak\nNEW  results/run\n\nlalic: 2 numbers the same\n\n"
        "No regression: 2 the same.\n"
    )


def test_names_are_no_markup_and_no_emoji(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    made = comparison(verdict(codec="[red]:ship:", words="[/b] \x1b[31m", verdict="WORSE"), base="git::ship:x")
    text = shown(made, 140)
    for word in ("[red]:ship:", "[/b]", "git::ship:x"):
        assert word in text
    assert "\x1b" not in text


@settings(deadline=None)
@given(data=st.data(), width=st.integers(60, 200), everything=st.booleans())
def test_any_comparison_can_be_shown(
    any_comparison: st.SearchStrategy[Comparison], data: st.DataObject, width: int, everything: bool
) -> None:
    made = data.draw(any_comparison)
    text = shown(made, width, everything=everything)
    assert outcome(made) in " ".join(text.split())
    text.encode()
    assert "\x1b" not in text

"""Annotations are one line each, read back as what was meant, and no more than GitHub shows."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import github
from lic_bench.compare.output.wording import class_of, name_of

LINE = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")
ESCAPE = re.compile("%(?!25|0D|0A|3A|2C)")


def test_each_kind_of_verdict_has_its_kind_of_line(mixed: Comparison) -> None:
    lines = github.to_annotations(mixed)
    assert [line.split(" ", 1)[0] for line in lines] == ["::error"] * 3 + ["::warning"] + ["::notice"] * 2
    assert lines[0] == (
        "::error title=lalic q4 kodak encode_s::WORSE: 12.31 ms -> 13.40 ms, +8.1 %25 (+7.0..+9.3 %25), p <0.001: "
        "slower; measured once"
    )
    assert lines[4].startswith("::notice title=lalic q4 exact%2C forward%2C 768x512 macs::ACCEPTED: 286.16 GMAC")


def test_no_more_than_ten_of_a_kind_and_the_others_counted(
    comparison: Callable[..., Any], verdict: Callable[..., Any]
) -> None:
    def lines(count: int) -> list[str]:
        return github.to_annotations(comparison(*(verdict(quality=q, verdict="WORSE") for q in range(count))))

    assert len(lines(10)) == 10
    assert len(lines(35)) == 10
    assert lines(35)[-1] == "::error title=26 more::26 more of WORSE: see the table"
    assert not any("more" in line for line in lines(10))


def test_nothing_to_say_is_nothing(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    assert github.to_annotations(comparison(verdict())) == []


@settings(deadline=None)
@given(data=st.data())
def test_no_text_breaks_a_line(any_comparison: st.SearchStrategy[Comparison], data: st.DataObject) -> None:
    made = data.draw(any_comparison)
    lines = github.to_annotations(made)
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found)
    assert not any(ESCAPE.search(line) for line in lines)
    counts = Counter(match[1] for match in found if match)
    assert max(counts.values(), default=0) <= github.AT_MOST
    assert (counts["error"] > 0) == bool(made.regressions)
    names = {name_of(verdict) for verdict in made.verdicts if class_of(verdict) != "SAME"}
    titles = {unquote(match[2]) for match in found if match and not match[2].endswith(" more")}
    assert titles <= names

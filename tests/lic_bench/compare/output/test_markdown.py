"""The comment is what a Markdown parser makes of it, whatever the names are, and never longer than GitHub takes."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import markdown
from lic_bench.compare.output.wording import plain

COLUMNS = 11


def rows_of(text: str) -> list[list[Token]]:
    """The cells of every row of every table but its heading, after a parser for GitHub's tables."""
    rows: list[list[Token]] = []
    inside = False
    for before, token in zip(tokens := MarkdownIt("commonmark").enable("table").parse(text), tokens[1:], strict=False):
        inside = (inside or before.type == "tbody_open") and before.type != "tbody_close"
        rows += [[]] if inside and before.type == "tr_open" else []
        if inside and before.type == "td_open":
            rows[-1].append(token)
    return rows


def said(cell: Token) -> str:
    """Its text as a reader sees it."""
    return "".join(child.content for child in cell.children or []).replace("\u200b", "")


def test_the_headline_the_table_and_the_rest_folded_away(mixed: Comparison) -> None:
    text = markdown.to_markdown(mixed)
    lines = text.splitlines()
    assert lines[0] == markdown.MARK
    assert lines[1] == "### :x: Regression: 3 worse, 1 worse and accepted, 1 better, 1 ambiguous, 3 the same."
    assert (
        "| :x: WORSE | lalic | 4 | kodak | encode\\_s | 12.31 ms | 13.40 ms | +8.1 % | +7.0..+9.3 % | &lt;0.001 | "
        "slower; measured once |"
    ) in lines
    assert "* --allow machine: cpu is Example CPU in BASE, Other CPU in NEW" in lines
    assert "* The reference workload took 3.1 % longer in NEW than in BASE; times are divided by it." in lines
    before, _, folded = text.partition("<details>")
    assert (len(rows_of(before)), len(rows_of(folded))) == (7, 2)
    assert "* webp: 1 number the same" in folded
    assert "accepted by Ada on 2026-11-22: one more channel" in before


def test_no_regression_is_said_and_what_is_not_there_is_left_out(
    comparison: Callable[..., Any], verdict: Callable[..., Any]
) -> None:
    text = markdown.to_markdown(comparison(verdict()))
    assert "### :white_check_mark: No regression: 1 the same." in text
    assert len(rows_of(text)) == 1
    assert "<details>" not in markdown.to_markdown(comparison(verdict(verdict="BETTER")))


@settings(deadline=None)
@given(data=st.data())
def test_no_text_breaks_the_tables(any_comparison: st.SearchStrategy[Comparison], data: st.DataObject) -> None:
    made = data.draw(any_comparison)
    rows = rows_of(markdown.to_markdown(made))
    assert len(rows) == len(made.verdicts)
    for row in rows:
        assert len(row) == COLUMNS
        kinds = {child.type for cell in row for child in cell.children or []}
        assert kinds <= {"text"}
    assert sorted(squeezed(said(row[1])) for row in rows) == sorted(squeezed(plain(v.codec)) for v in made.verdicts)


def squeezed(text: str) -> str:
    """Without what no reader sees: space at the ends, and what escapes put in."""
    return text.replace("\u200b", "").strip()


@pytest.mark.parametrize(
    "name", ["@team", "#12", ":rocket:", ":a:b:", "a|b", "<b>", "`x`", "$x$", "a_b_c", "\\|", "&lt;"]
)
def test_what_github_would_take_for_its_own_is_escaped(
    comparison: Callable[..., Any], verdict: Callable[..., Any], name: str
) -> None:
    text = markdown.to_markdown(comparison(verdict(codec=name, verdict="WORSE")))
    cell = rows_of(text)[0][1]
    assert squeezed(said(cell)) == name
    row = next(line for line in text.splitlines() if line.startswith("| :x: WORSE"))
    assert not re.search(r"@\w|(?<!&)#\w|:rocket:|:a:|[`$]|<b>", row.removeprefix("| :x: WORSE"))


@pytest.mark.parametrize("texts", [("lalic", "slower"), ("#" * 5000, "|" * 5000), ("\U0001f680" * 400, "x" * 100)])
def test_the_limit_holds_and_what_is_left_out_is_counted(
    comparison: Callable[..., Any], verdict: Callable[..., Any], texts: Sequence[str]
) -> None:
    count = 1200
    made = [
        verdict(codec=texts[0], quality=q, words=texts[1], verdict="WORSE" if q % 3 else "SAME") for q in range(count)
    ]
    text = markdown.to_markdown(comparison(*made, base=texts[0], new=texts[0], overridden=[texts[0]] * 400))
    assert len(text.encode()) <= markdown.LIMIT
    assert len(text.encode()) > 0.9 * markdown.LIMIT
    left_out = [int(found) for found in re.findall(r"^(\d+) more did not fit here", text, re.MULTILINE)]
    notes = len(re.findall(r"^\* ", text, re.MULTILINE))
    everything = count + 400 + 2 + 1  # two advices, and how many are the same
    assert len(rows_of(text)) + sum(left_out) + notes == everything


def test_a_text_of_any_length_is_cut(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    text = markdown.to_markdown(comparison(verdict(words="x" * 9999, verdict="WORSE")))
    assert said(rows_of(text)[0][-1]) == "x" * (markdown.LONGEST - 3) + "..."

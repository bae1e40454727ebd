"""A comparison as Markdown, for the comment on a pull request."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output.wording import (
    advice,
    caption,
    change_of,
    circumstances,
    class_of,
    interval_of,
    numbers_of,
    ordered,
    outcome,
    p_of,
    plain,
    same_of,
    stands_out,
    words_of,
)
from lic_bench.compare.verdicts import Verdict

LIMIT = 65_536  # characters of a comment on GitHub; bytes are counted here, of which there are no fewer
LONGEST = 300  # characters of one text: a comment is no place for more
ROOM_FOR_NOTES = 8_000  # bytes of each list
SPARE = 2_000  # bytes for headings and for what is said of lines left out
MARK = "<!-- lic-bench compare -->"  # by which a workflow finds its comment again
SIGNS = {"WORSE": ":x:", "ACCEPTED": ":white_check_mark:", "BETTER": ":rocket:", "AMBIGUOUS": ":grey_question:"}
HEAD = (
    "| | codec | quality | on | metric | BASE | NEW | change | 95 % interval | p | why |",
    "| --- | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
)
# What Markdown, or what GitHub makes of text (mentions, references), would take for its own.
ESCAPES = {ord(c): f"&#{ord(c)};" for c in "\\`*~[]|!$"}
ESCAPES |= {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord("_"): r"\_"}
ESCAPES |= {ord("@"): "@&#8203;", ord("#"): "#&#8203;"}
EMOJI = re.compile(r":(?=[\w+\-\\]+:)")  # the beginning of :rocket:, after the escapes


def to_markdown(comparison: Comparison) -> str:
    """A headline, the table of what stands out, and the rest folded away; what exceeds LIMIT is counted."""
    rows = ordered(comparison.verdicts)
    names = f"{_code(comparison.base)} → {_code(comparison.new)}"
    head = [MARK, _headline(comparison), "", names, "", *_notes([*advice(comparison), *circumstances(comparison)])]
    counted = _notes(same_of(rows))
    foot = [f"<sub>{_escaped(caption(rows))}</sub>"]
    room = LIMIT - SPARE - _size([*head, *counted, *foot])
    changed = _table([_row(verdict) for verdict in rows if stands_out(verdict)], room)
    same = _table([_row(verdict) for verdict in rows if not stands_out(verdict)], room - _size(changed))
    return "\n".join([*head, *changed, *(_folded([*counted, *same]) if same else ()), *foot]) + "\n"


def _headline(comparison: Comparison) -> str:
    sign = ":x:" if comparison.regressions else ":white_check_mark:"
    return f"### {sign} {_escaped(outcome(comparison))}"


def _notes(sentences: Iterable[str]) -> list[str]:
    """A list and an empty line; nothing for nothing."""
    items = _fitting([f"* {_escaped(line)}" for line in sentences], ROOM_FOR_NOTES)
    return [*items, ""] if items else []


def _table(rows: Sequence[str], room: int) -> list[str]:
    return [*HEAD, *_fitting(rows, room), ""] if rows else []


def _folded(rows: Sequence[str]) -> list[str]:
    return ["<details><summary>What is the same</summary>", "", *rows, "</details>", ""]


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """The rows that fit into so many bytes, and how many do not."""
    ends = accumulate(len(line.encode()) + 1 for line in rows)
    kept = rows[: sum(end <= room for end in ends)]
    more = ["", f"{len(rows) - len(kept)} more did not fit here."] if len(kept) < len(rows) else []
    return [*kept, *more]


def _row(verdict: Verdict) -> str:
    base, new = numbers_of(verdict)
    name = class_of(verdict)
    cells = [
        *(verdict.codec, verdict.quality, verdict.on, verdict.metric),
        *(base, new, change_of(verdict), interval_of(verdict), p_of(verdict), words_of(verdict)),
    ]
    return f"| {' | '.join([f'{SIGNS.get(name, str())} {name}'.strip(), *map(_escaped, cells)])} |"


def _code(name: str) -> str:
    return f"<code>{_escaped(name)}</code>"


def _escaped(cell: object) -> str:
    shown = plain(cell).strip()
    cut = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
    return EMOJI.sub("&#58;", cut.translate(ESCAPES))


def _size(rows: Iterable[str]) -> int:
    """Bytes, with the ends of the lines."""
    return sum(len(line.encode()) + 1 for line in rows)

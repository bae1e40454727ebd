"""A comparison as Markdown, for the comment on a pull request."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import wording
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
    rows = wording.ordered(comparison.verdicts)
    names = " → ".join(f"<code>{_escaped(name)}</code>" for name in (comparison.base, comparison.new))
    notes = _notes([*wording.advice(comparison), *wording.circumstances(comparison)])
    sign = ":x:" if comparison.regressions else ":white_check_mark:"
    head = [MARK, f"### {sign} {_escaped(wording.outcome(comparison))}", "", names, "", *notes]
    counted = _notes(wording.same_of(rows))
    foot = [f"<sub>{_escaped(wording.caption(rows))}</sub>"]
    room = LIMIT - SPARE - _size([*head, *counted, *foot])
    changed = _table([_row(verdict) for verdict in rows if wording.stands_out(verdict)], room)
    same = _table([_row(verdict) for verdict in rows if not wording.stands_out(verdict)], room - _size(changed))
    folded = ["<details><summary>What is the same</summary>", "", *counted, *same, "</details>", ""] if same else []
    return "\n".join([*head, *changed, *folded, *foot]) + "\n"


def _notes(sentences: Iterable[str]) -> list[str]:
    """A list and an empty line; nothing for nothing."""
    items = _fitting([f"* {_escaped(line)}" for line in sentences], ROOM_FOR_NOTES)
    return [*items, ""] if items else []


def _table(rows: Sequence[str], room: int) -> list[str]:
    return [*HEAD, *_fitting(rows, room), ""] if rows else []


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """The rows that fit into so many bytes, and how many do not."""
    ends = accumulate(len(line.encode()) + 1 for line in rows)
    kept = rows[: sum(end <= room for end in ends)]
    more = ["", f"{len(rows) - len(kept)} more did not fit here."] if len(kept) < len(rows) else []
    return [*kept, *more]


def _row(verdict: Verdict) -> str:
    name, *cells = wording.cells_of(verdict)
    return f"| {' | '.join([f'{SIGNS.get(name, str())} {name}'.strip(), *map(_escaped, cells)])} |"


def _escaped(cell: str) -> str:
    shown = wording.plain(cell).strip()
    cut = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
    return EMOJI.sub("&#58;", cut.translate(ESCAPES))


def _size(rows: Iterable[str]) -> int:
    """Bytes, with the ends of the lines."""
    return sum(len(line.encode()) + 1 for line in rows)

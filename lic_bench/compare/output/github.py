"""A comparison as annotations of GitHub Actions, which its runner reads from the standard output."""

from collections.abc import Mapping, Sequence

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output.wording import Class, class_of, name_of, ordered, plain, sentence_of

AT_MOST = 10  # of each kind, of which GitHub shows no more per step
KINDS: Mapping[str, Sequence[Class]] = {
    "error": ("WORSE",),
    "warning": ("AMBIGUOUS",),
    "notice": ("ACCEPTED", "BETTER"),
}


def to_annotations(comparison: Comparison) -> list[str]:
    """An ::error for each WORSE, a ::warning for AMBIGUOUS, a ::notice for BETTER and ACCEPTED."""
    annotations: list[str] = []
    for kind, classes in KINDS.items():
        verdicts = [verdict for verdict in ordered(comparison.verdicts) if class_of(verdict) in classes]
        shown = verdicts if len(verdicts) <= AT_MOST else verdicts[: AT_MOST - 1]
        annotations += [_line(kind, name_of(v), f"{class_of(v)}: {sentence_of(v)}") for v in shown]
        if left_out := len(verdicts) - len(shown):
            more = f"{left_out} more"
            annotations.append(_line(kind, more, f"{more} of {' and '.join(classes)}: see the table"))
    return annotations


def _line(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_escaped(title).replace(':', '%3A').replace(',', '%2C')}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return plain(text).replace("%", "%25")

"""A comparison as annotations of GitHub Actions, which its runner reads from the standard output."""

from collections.abc import Mapping, Sequence

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output.wording import Class, class_of, name_of, ordered, plain, sentence_of
from lic_bench.compare.verdicts import Verdict

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
        annotations += [_line(kind, name_of(verdict), _message(verdict)) for verdict in shown]
        if left_out := len(verdicts) - len(shown):
            annotations.append(
                _line(kind, f"{left_out} more", f"{left_out} more of {' and '.join(classes)}: see the table")
            )
    return annotations


def _message(verdict: Verdict) -> str:
    return f"{class_of(verdict)}: {sentence_of(verdict)}"


def _line(kind: str, title: str, message: str) -> str:
    return (
        f"::{kind} title={_escaped(plain(title)).replace(':', '%3A').replace(',', '%2C')}::{_escaped(plain(message))}"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

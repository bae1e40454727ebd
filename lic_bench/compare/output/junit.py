"""A comparison as JUnit XML, which continuous integration shows as tests: a suite per codec, a case per number."""

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output.wording import circumstances, class_of, name_of, outcome, plain, sentence_of, stands_out
from lic_bench.compare.verdicts import Verdict


def to_xml(comparison: Comparison) -> str:
    """The XML. WORSE is a failure, AMBIGUOUS is skipped with its words, ACCEPTED passes and says so."""
    root = Xml.Element("testsuites", {"name": "lic-bench compare", **_counts(comparison.verdicts)})
    for codec in dict.fromkeys(verdict.codec for verdict in comparison.verdicts):
        verdicts = [verdict for verdict in comparison.verdicts if verdict.codec == codec]
        suite = Xml.SubElement(root, "testsuite", {"name": plain(codec), **_counts(verdicts)})
        _describe(suite, comparison)
        for verdict in verdicts:
            _add(suite, verdict)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    classes = [class_of(verdict) for verdict in verdicts]
    counts = {"tests": len(classes), "failures": classes.count("WORSE"), "skipped": classes.count("AMBIGUOUS")}
    return {name: str(count) for name, count in {**counts, "errors": 0, "time": 0}.items()}


def _describe(suite: Xml.Element, comparison: Comparison) -> None:
    properties = Xml.SubElement(suite, "properties")
    known = {"base": comparison.base, "new": comparison.new, "outcome": outcome(comparison)}
    notes = {f"note {number}": note for number, note in enumerate(circumstances(comparison), 1)}
    for name, value in {**known, **notes}.items():
        Xml.SubElement(properties, "property", name=name, value=plain(value))


def _add(suite: Xml.Element, verdict: Verdict) -> None:
    test = Xml.SubElement(suite, "testcase", classname=plain(verdict.codec), name=name_of(verdict), time="0")
    sentence = sentence_of(verdict)
    match class_of(verdict):
        case "WORSE":
            Xml.SubElement(test, "failure", message=sentence, type="WORSE").text = f"{name_of(verdict)}: {sentence}"
        case "AMBIGUOUS":
            Xml.SubElement(test, "skipped", message=f"AMBIGUOUS: {sentence}")
        case _ if stands_out(verdict):
            Xml.SubElement(test, "system-out").text = f"{class_of(verdict)}: {sentence}"

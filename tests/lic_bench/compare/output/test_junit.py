"""JUnit XML that a parser takes whatever the texts are, with counts that are true."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as Xml

from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import junit
from lic_bench.compare.output.wording import plain

# Element -> its attributes and the elements in it, as the readers of Jenkins, GitLab and pytest's own output have them.
GRAMMAR: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "tests", "failures", "skipped", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "skipped", "errors", "time"}, {"properties", "testcase"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"classname", "name", "time"}, {"failure", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}


def parsed(comparison: Comparison) -> Xml.Element:
    """The root, after a check that every element is as GRAMMAR has it and every count is right."""
    text = junit.to_xml(comparison)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    root = Xml.fromstring(text.encode())
    for element in root.iter():
        attributes, inner = GRAMMAR[element.tag]
        assert set(element.keys()) == attributes
        assert {child.tag for child in element} <= inner
    for suite in (root, *root):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
            assert int(suite.attrib[name]) == len(list(suite.iter(tag)))
    return root


def test_a_suite_per_codec_and_a_case_per_number(mixed: Comparison) -> None:
    root = parsed(mixed)
    assert [suite.get("name") for suite in root] == ["lalic", "webp", "jpeg"]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert len(cases) == len(mixed.verdicts)
    failure = cases["lalic q4 kodak encode_s"].find("failure")
    assert failure is not None
    assert failure.get("message") == ("12.31 ms -> 13.40 ms, +8.1 % (+7.0..+9.3 %), p <0.001: slower; measured once")
    skipped = cases["webp q50 kodak encode_s"].find("skipped")
    assert skipped is not None
    assert "may be beyond 3.0 %" in str(skipped.get("message"))
    assert len(cases["lalic q4 kodak parameters"]) == 0


def test_what_was_accepted_passes_and_says_so(mixed: Comparison) -> None:
    case = next(c for c in parsed(mixed).iter("testcase") if str(c.get("name")).endswith("macs"))
    assert [child.tag for child in case] == ["system-out"]
    assert "accepted by Ada on 2026-11-22" in str(case[0].text)
    assert [child.tag for child in next(c for c in parsed(mixed).iter("testcase") if c.get("classname") == "jpeg")] == [
        "system-out"
    ]


def test_what_a_reader_must_know_is_in_the_properties(mixed: Comparison) -> None:
    known = {p.get("name"): str(p.get("value")) for p in next(iter(parsed(mixed))).iter("property")}
    assert known["base"] == "git:main:results/measured/kodak"
    assert known["note 1"] == "--allow machine: cpu is Example CPU in BASE, Other CPU in NEW"


@settings(deadline=None)
@given(data=st.data())
def test_no_text_breaks_the_xml(any_comparison: st.SearchStrategy[Comparison], data: st.DataObject) -> None:
    made = data.draw(any_comparison)
    root = parsed(made)
    assert [suite.get("name") for suite in root] == [plain(c) for c in dict.fromkeys(v.codec for v in made.verdicts)]
    assert len(list(root.iter("failure"))) == len(made.regressions)


def test_a_name_with_markup_is_read_back(comparison: Callable[..., Any], verdict: Callable[..., Any]) -> None:
    root = parsed(comparison(verdict(codec='<a href="x">&\x1b', verdict="WORSE", words="]]>")))
    assert root[0].get("name") == '<a href="x">& '

"""Comparisons for the tests of what is shown: one with a verdict of every kind, and any that could be."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from lic_bench.compare.comparison import WORDS, Comparison
from lic_bench.compare.verdicts import Verdict

NASTY = (
    *(
        "|",
        "\\|",
        "`",
        "<!-- -->",
        "</details>",
        "]]>",
        "&amp;",
        "***",
        "1. x",
        "# x",
        "@team",
        "#1",
        ":rocket:",
        "$x$",
    ),
    *("::error::x", "%0A", "a:b,c", "a\nb", "a\r\n| b", "\x1b[31m", "[red]", "\x00", "\ud800", "\ufffe", "\u2028", ""),
)
TEXTS = st.sampled_from(NASTY) | st.text(st.characters(), max_size=40)
NUMBERS = st.none() | st.floats()


def _verdict(**given: Any) -> Verdict:
    common = {"codec": "lalic", "quality": 4, "on": "kodak", "metric": "encode_s", "gate": "timed"}
    return Verdict(**(common | {"verdict": "SAME", "words": "within 3.0 %"} | given))


def _comparison(*verdicts: Verdict, **given: Any) -> Comparison:
    return Comparison(**({"base": "git:main:results/measured/kodak", "new": "results/run"} | given), verdicts=verdicts)


@pytest.fixture(scope="session")
def verdict() -> Callable[..., Verdict]:
    """A verdict, of lalic q4's encode_s on kodak and SAME but for what is given."""
    return _verdict


@pytest.fixture(scope="session")
def comparison() -> Callable[..., Comparison]:
    """A comparison of the verdicts given."""
    return _comparison


@pytest.fixture(scope="session")
def mixed() -> Comparison:
    """Something WORSE, accepted, BETTER, AMBIGUOUS and SAME, an overridden difference and a slower machine."""
    times = {"low": 0.07, "high": 0.093, "p": 0.0004, "threshold": 0.03}
    exact = {"gate": "exact", "metric": "payload_bytes"}
    return _comparison(
        _verdict(metric="parameters", words="equal", base=63.24e6, new=63.24e6, change=0.0),
        _verdict(verdict="WORSE", words="slower", base=0.01231, new=0.0134, change=0.0812, **times),
        _verdict(
            verdict="WORSE", words="+0.0416667 on 1 of 24 images", base=27832.0, new=27832.0417, change=1.5e-6, **exact
        ),
        _verdict(
            metric="macs",
            on="exact, forward, 768x512",
            verdict="WORSE",
            words="+5e+06 on this network",
            gate="exact",
            base=286.16e9,
            new=286.165e9,
            change=1.75e-5,
            accepted="accepted by Ada on 2026-11-22: one more channel",
        ),
        _verdict(codec="webp", quality=50, metric="bitstream_sha256", verdict="WORSE", words="other on 1 of 24 images"),
        _verdict(
            codec="jpeg", words="at first WORSE (+9.0 %), in turn within 3.0 %", confirmed=False, base=0.01, new=0.011
        ),
        _verdict(codec="webp", quality=50, words="equal", metric="mse_8bit", base=31.25, new=31.25, change=0.0),
        _verdict(
            codec="webp",
            quality=50,
            metric="decode_s",
            verdict="BETTER",
            words="faster",
            base=1.231,
            new=0.934,
            change=-0.2412,
            low=-0.27,
            high=-0.2131,
            p=0.012,
        ),
        _verdict(
            codec="webp",
            quality=50,
            verdict="AMBIGUOUS",
            words="at first WORSE (+8.1 %), in turn may be beyond 3.0 %",
            base=0.1231,
            new=0.1234,
            change=0.0312,
            low=-0.01,
            high=0.0531,
            p=0.2,
            threshold=0.03,
            confirmed=False,
        ),
        overridden=["machine: cpu is Example CPU in BASE, Other CPU in NEW"],
        notes=["commit: feef07e12345 in BASE, dccde6a12345 in NEW"],
        reference_ratio=1.031,
    )


@pytest.fixture(scope="session")
def any_comparison() -> st.SearchStrategy[Comparison]:
    """Comparisons of any texts and numbers, also of what is no character, NaN and infinity."""
    verdicts = st.builds(
        Verdict,
        codec=TEXTS,
        quality=st.integers(-9, 10**6),
        on=TEXTS,
        metric=TEXTS | st.sampled_from(["encode_s", "payload_bytes", "macs", "parameters", "peak_encode_rss"]),
        verdict=st.sampled_from(WORDS),
        words=TEXTS,
        gate=TEXTS,
        **dict.fromkeys(("base", "new", "change", "low", "high", "p", "threshold", "least"), NUMBERS),
        confirmed=st.none() | st.booleans(),
        accepted=st.none() | TEXTS,
    )
    few = st.lists(TEXTS, max_size=3)
    return st.builds(
        Comparison,
        base=TEXTS,
        new=TEXTS,
        verdicts=st.lists(verdicts, min_size=1, max_size=14),
        overridden=few,
        notes=few,
        reference_ratio=st.none() | st.floats(0.01, 100),
    )

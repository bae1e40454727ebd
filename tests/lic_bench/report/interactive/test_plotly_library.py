"""The library of the interactive figures comes out of the installed package, and may be missing."""

import gzip
from base64 import b64decode
from importlib.metadata import PackageNotFoundError

import pytest

from lic_bench.report.html_page import Interactive, Picture, Section, page
from lic_bench.report.interactive import plotly_library


def test_it_is_the_packages_script_packed() -> None:
    library = plotly_library.plotly_library()
    assert library is not None
    assert len(library.packed) < 3_000_000
    script = gzip.decompress(b64decode(library.packed)).decode()
    assert "plotly.js v" in script[:200]
    assert "MIT" in script[:400]


def test_without_the_package_the_static_figures_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    curve = Picture("rd_psnr_kodak", "PSNR against rate", "", "<svg></svg>", "curves")
    data = {"curves": [{"label": "JPEG"}], "latency": []}

    def html() -> str:
        interactive = Interactive(plotly_library.plotly_library(), data)
        return page("Title", "Lead.", [Section("curves", "Curves", [curve])], [], interactive)

    assert '<details class="static"' in html()
    assert 'id="interactive-curves"' in html()
    monkeypatch.setattr(plotly_library, "distribution", missing)
    assert '<details class="static"' not in html()
    assert 'id="interactive-curves"' not in html()
    assert 'id="rd_psnr_kodak"' in html()

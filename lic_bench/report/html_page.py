"""One self-contained HTML page out of tables and figures."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from lic_bench import __version__
from lic_bench.report.interactive.plotly_library import Library
from lic_bench.report.run_card import run_facts
from lic_bench.report.tables.notations import to_html
from lic_bench.report.tables.table import Table
from lic_bench.store.run_folder import Run

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure on the page. twin: the interactive figure that shows the same, "curves" or "latency"; "" for none."""

    name: str
    title: str
    caption: str
    svg: str
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with pictures and tables; folded sections open at a click."""

    name: str
    title: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Interactive:
    """What the page's scripts show.

    library: None leaves the static figures alone. figures: as of interactive.figure_data. images, addresses, inside:
    as of interactive.saved_pictures, of which `inside` says that the addresses are the pictures themselves.
    """

    library: Library | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    images: Sequence[Mapping[str, Any]] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    inside: bool = True


PLAIN = Interactive()  # tables that sort and filter, and nothing else


def page(
    title: str, lead: str, sections: Sequence[Section], runs: Sequence[Run], interactive: Interactive = PLAIN
) -> str:
    """The HTML text; everything it needs is inside, but for pictures that are too many."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["table"] = lambda table: Markup(to_html(table))
    environment.filters["inline"] = Markup
    environment.filters["json"] = lambda value: Markup(json.dumps(value, allow_nan=False).replace("<", "\\u003c"))
    environment.globals["file"] = lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))
    described = [{"name": run.name, "facts": run_facts(run), "parts": list(_described(run.info))} for run in runs]
    template = environment.get_template("index.html.j2")
    known = {"title": title, "lead": lead, "sections": sections, "runs": described, "version": __version__}
    return template.render(**known, interactive=interactive)


def inline_svg(svg: str, prefix: str) -> str:
    """The <svg> element of a file, fit to stand beside others on one page: its ids carry `prefix`."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'((?:xlink:)?href=")#', rf"\1#{prefix}-", svg)
    return svg.replace("url(#", f"url(#{prefix}-")


def _described(info: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(part, [(name, value), ...]) of run.json, nested names joined by dots."""
    for part in ("environment", "config", "fingerprint"):
        values = info.get(part)
        if isinstance(values, dict) and values:
            yield part, list(_flat(values))
    if conversions := info.get("conversions"):
        yield "converted to 8-bit RGB", list(conversions.items())
    if warnings := info.get("warnings"):
        yield "warnings", [(str(number), text) for number, text in enumerate(warnings, 1)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield prefix + name, value
        else:
            yield prefix + name, "-" if value is None else json.dumps(value)

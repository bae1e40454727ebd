"""Parameters and MACs of the paper's ablations beside what it prints: LALIC's Tables 2, 3 and 5.

    python benchmarks/ablations.py [--device cpu] [ROW ...]
    python benchmarks/ablations.py --json results/measured/ablations.json
    python benchmarks/ablations.py --trained FOLDER [--codec lalic-small] [--dataset kodak]

Everything but the columns "paper" and Table 5 is counted by thop in a forward pass of 1 x 3 x 512 x 768. On the meta
device, the default, that takes no arithmetic: seconds instead of minutes, and the same counts. The second way writes
what reports show beside the paper's figures, the third prints the test loss of rows that `lic-bench train` has trained.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from lalic.ablations import ABLATIONS, OPERATIONS, RELEASED, operations
from lalic.blocks import BiWkv, OmniShift, SpatialMix
from lalic.config import LalicConfig
from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what thop and compressai import warns; nobody here can act on it
    from thop import profile

    from lalic.model import Lalic

HEIGHT, WIDTH = 512, 768
TRANSFORMS = ("g_a", "g_s", "h_a", "h_s")
COUNTING = """\
"ours" is what thop counts in our network. The paper counted the authors' network, in which three things differ: the
masked spatial convolution is a class that thop has no rule for, Omni-Shift's merged kernel is a parameter (ours is
derived), and the parameter aggregation runs at every position in both checkerboard passes (ours at the half that a
pass codes). It also registers h_a and h_s under two names, so thop hooks them twice.

"Their way" puts the three right and has the MACs of h_a and h_s twice, everything else once. The paper does not say
that it counted so, but each of its rows shows it: from 2,4,6,2 to 2,4,6,6 its figure grows by 5.33 G, twice what the
eight blocks cost. With each module once the released network has 63.238 M and 277.64 G."""
READING = """\
Conv is our reading of ELIC's context model: widths in a straight line, at least 128 in the channel context and 256 in
the aggregation. The paper does not give them; they follow from its figures, which they meet in all three rows. Of Conv
Plus the paper says no more than Depth Conv Blocks with wider depthwise convolutions. Our reading has Conv's widths, a
block for each convolution and twice the depthwise width: plain and near, but not the paper's. No plain choice that we
tried gives its figures, and some odd ones do by chance, so they do not tell which it was."""
ATTENTION = """\
Delta: operations per token and channel, times L x D summed over the blocks of g_a, g_s, h_a and h_s. The context model
keeps BiWKV and Omni-Shift; with its blocks the sums would not be the paper's.

thop does not count decay and boost, so it gives AFT+Shift the parameters of BiWKV+Shift. "By difference" takes from the
released network's what a row lacks: decay, boost, the shift's kernels. The paper does not say how it counted; neither
way gives its 62.83 and 63.23."""


@dataclass(frozen=True, slots=True)
class Count:
    """Parameters and multiply-accumulates, of thop or derived from thop's."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.parameters + other.parameters, self.macs + other.macs)

    def __sub__(self, other: Count) -> Count:
        return Count(self.parameters - other.parameters, self.macs - other.macs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What thop counts in one of our networks, and the parts that it counts differently in the authors' network.

    values: L x D summed over the blocks of the transforms. positional: decay and boost in the transforms.
    """

    ours: Count
    spatial: Count
    aggregation: Count
    hyper: Count
    merged: int
    merged_hyper: int
    merged_transforms: int
    positional: int
    values: int

    @property
    def once(self) -> Count:
        """In the authors' network, each module once."""
        return self.ours - self.spatial + Count(self.merged, self.aggregation.macs)

    @property
    def their_way(self) -> Count:
        """In the authors' network, h_a's and h_s's MACs twice, as in the paper."""
        return self.once + Count(0, self.hyper.macs)

    @property
    def registered(self) -> Count:
        """In the authors' network by thop 0.1.1, which hooks and sums a module once per registered name."""
        return self.once + Count(self.hyper.parameters + self.merged_hyper, 3 * self.hyper.macs)


def count(config: LalicConfig, device: str = "meta", height: int = HEIGHT, width: int = WIDTH) -> Row:
    """thop's counts of the network of `config` in a forward pass of a 1 x 3 x height x width image."""
    model = Lalic(config).eval().to(device)
    if device == "meta":
        _stub_what_thop_ignores(model)
    values: list[int] = []
    for name, module in model.named_modules():
        if isinstance(module, SpatialMix) and name.startswith(TRANSFORMS):
            module.register_forward_pre_hook(lambda _module, inputs: values.append(inputs[0].numel()))
    ours, parts = _profile(model, torch.zeros(1, 3, height, width, device=device))
    groups = [_inner(parts, "context", "groups", str(i)) for i in range(len(config.groups))]
    transforms = [getattr(model, name) for name in TRANSFORMS]
    return Row(
        ours=ours,
        spatial=_sum(_part(group, "spatial") for group in groups),
        aggregation=_sum(_part(group, "aggregation") for group in groups),
        hyper=_sum(_part(parts, name) for name in ("h_a", "h_s")),
        merged=_merged([model]),
        merged_hyper=_merged(transforms[2:]),
        merged_transforms=_merged(transforms),
        positional=sum(
            p.numel() for t in transforms for n, p in t.named_parameters() if n.endswith(("decay", "boost"))
        ),
        values=sum(values),
    )


def _profile(model: torch.nn.Module, x: torch.Tensor) -> tuple[Count, dict[str, Any]]:
    with torch.no_grad():
        macs, parameters, parts = profile(model, inputs=(x,), verbose=False, ret_layer_info=True)
    return Count(int(parameters), int(macs)), parts


def _stub_what_thop_ignores(model: Lalic) -> None:
    """thop has no rules for these, and they do not run, or not fast, without values."""
    model.entropy_bottleneck.forward = lambda z: (z, z)
    for module in model.modules():
        if isinstance(module, BiWkv):
            module.forward = lambda _w, _u, _k, v: v


def _inner(parts: dict[str, Any], *path: str) -> dict[str, Any]:
    for name in path:
        parts = parts[name][2]
    return parts


def _part(parts: dict[str, Any], name: str) -> Count:
    macs, parameters, _ = parts[name]
    return Count(int(parameters), int(macs))


def _sum(counts: Iterable[Count]) -> Count:
    return sum(counts, Count())


def _merged(modules: Iterable[torch.nn.Module]) -> int:
    shifts = (module for part in modules for module in part.modules() if isinstance(module, OmniShift))
    return sum(shift.kernel5.numel() for shift in shifts)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _cells(counted: Count) -> tuple[str, str]:
    return f"{counted.parameters / 1e6:.3f}", f"{counted.macs / 1e9:.2f}"


def _against(ours: float, paper: float, digits: int) -> str:
    difference = round(ours, digits) - paper
    return f"{difference:+.{digits}f}" if abs(difference) > 10**-digits / 2 else "equal"


def depths_table(rows: dict[str, Row]) -> Table:
    """Table 2: parameters in 10^6, MACs in 10^9."""
    headings = ("ours\nM", "\nG", "their way\nM", "\nG", "paper\nM", "\nG", "difference\nM", "\nG")
    table = _table("Table 2: depths and context model", "\nrow", *headings)
    for name, row in rows.items():
        paper = ABLATIONS[name]
        if paper.gmacs is None:
            continue
        theirs = row.their_way
        printed = (f"{paper.parameters_m:.2f}", f"{paper.gmacs:.2f}")
        gaps = (_against(theirs.parameters / 1e6, paper.parameters_m, 2), _against(theirs.macs / 1e9, paper.gmacs, 2))
        table.add_row(paper.label, *_cells(row.ours), *_cells(theirs), *printed, *gaps)
    return table


def accounting_table(row: Row) -> Table:
    """From what thop counts in our released network to what the paper prints."""
    table = _table("The released network, from our count to the paper's", "", "parameters M", "MACs G")
    steps = {
        "ours": row.ours,
        "- spatial context, no rule for the authors' class": Count() - row.spatial,
        "+ merged kernels of Omni-Shift": Count(row.merged),
        "+ second run of the parameter aggregation": Count(0, row.aggregation.macs),
        "= counted once": row.once,
        "+ h_a and h_s a second time, MACs only": Count(0, row.hyper.macs),
        "= their way": row.their_way,
    }
    for name, step in steps.items():
        table.add_row(name, *_cells(step))
    paper = ABLATIONS["2-4-6-6-rwkv"]
    table.add_row("paper", f"{paper.parameters_m:.2f}", f"{paper.gmacs:.2f}", style="bold")
    table.add_row("thop 0.1.1 with h_a, h_s registered twice: MACs x 4, parameters x 2", *_cells(row.registered))
    return table


def attention_table(rows: dict[str, Row], released: Row) -> Table:
    """Table 3: operations in 10^9, parameters in 10^6."""
    headings = ("per LD\n", "delta G\nours", "\npaper", "params M\ntheir way", "\nby difference", "\npaper")
    table = _table("Table 3: attention and shift", "\nrow", *headings)
    for name, row in rows.items():
        paper = ABLATIONS[name]
        if paper.delta_gops is None:
            continue
        per_value = operations(paper.config)
        lacking = released.positional - row.positional + released.merged_transforms - row.merged_transforms
        table.add_row(
            paper.label,
            str(per_value),
            f"{per_value * row.values / 1e9:.4f}",
            f"{paper.delta_gops:.4f}",
            f"{row.their_way.parameters / 1e6:.3f}",
            f"{(released.their_way.parameters - lacking) / 1e6:.3f}",
            f"{paper.parameters_m:.2f}",
        )
    return table


def operations_table() -> Table:
    """Table 5: what the paper's formulas give with its typical values, and what it prints."""
    table = _table("Table 5: operations per LD", "method", "formula", "value", "paper")
    for name, (formula, value, paper) in OPERATIONS.items():
        table.add_row(name, formula, str(value), f"{paper}LD")
    return table


def write_counts(file: Path, rows: dict[str, Row]) -> None:
    """The counts of all rows as JSON; lic_bench/report/frames/ablation_counts.py reads it."""
    counts: dict[str, dict[str, Any]] = {}
    for name, row in rows.items():
        counts[name] = {"ours": asdict(row.ours), "their_way": asdict(row.their_way)}
        counts[name]["attention_and_shift_operations"] = operations(ABLATIONS[name].config) * row.values
    per_value = {name: value for name, (_, value, _) in OPERATIONS.items()}
    content = {"counter": f"thop {version('thop')}", "rows": counts, "operations_per_token_and_channel": per_value}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ABLATIONS)}; default: all")
    parser.add_argument("--device", default="meta", choices=("meta", "cpu"))
    parser.add_argument("--json", type=Path, help="write the counts of all rows to this file, whatever ROW says")
    parser.add_argument("--trained", type=Path, help="folder of trainings")
    parser.add_argument("--codec", default="lalic-small")
    parser.add_argument("--dataset", default="kodak")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    return print_losses(options) if options.trained else print_counts(parser, options)


def print_losses(options: argparse.Namespace) -> int:
    """The loss column, from finished trainings. Exit code."""
    from ablation_losses import losses_table, test_losses

    try:
        images = find_dataset(options.dataset, options.data_root, limit=options.limit).images
        losses = list(test_losses(options.codec, options.trained, images))
        if not losses:
            raise UserError(f"{options.trained} holds no training of {options.codec} (see `lic-bench train`).")
    except UserError as error:
        print(f"ablations.py: {error}", file=sys.stderr)
        return 2
    Console(width=100, highlight=False).print(losses_table(losses))
    return 0


def print_counts(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Every table but the losses. Exit code."""
    if unknown := [name for name in options.rows if name not in ABLATIONS]:
        parser.error(f"unknown row {unknown[0]!r}; known are {', '.join(ABLATIONS)}")
    names = ABLATIONS if options.json else options.rows or ABLATIONS
    configs = {name: ABLATIONS[name].config for name in names}
    counts = {config: count(config, options.device) for config in dict.fromkeys(configs.values())}
    rows = {name: counts[config] for name, config in configs.items()}
    if options.json:
        write_counts(options.json, rows)
        return 0
    released = counts.get(RELEASED) or count(RELEASED)
    console = Console(width=100, highlight=False)
    depths, attention = depths_table(rows), attention_table(rows, released)
    parts: list[Table | str] = [depths, COUNTING, READING, accounting_table(released)] if depths.row_count else []
    parts += [attention, ATTENTION] if attention.row_count else []
    for part in (*parts, operations_table()):
        for paragraph in part.split("\n\n") if isinstance(part, str) else [part]:
            console.print(" ".join(paragraph.split()) if isinstance(paragraph, str) else paragraph, "", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

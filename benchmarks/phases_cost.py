"""What taking phases costs: total times with and without, call by call in turn, and where the time went.

    python benchmarks/phases_cost.py [--codecs lalic,elic] [--size 512x768] [--rounds 15] [--device cuda] [--json FILE]

Random weights. Each round runs both kinds, the first of them by turns, so that a drifting machine meets both alike; the
figure is the median of the rounds' ratios, with the interval that 95 % of resampled medians are in. Beside it what busy
machines do not blur: how many phases a call enters, times what entering and leaving one takes. Exit code 1 if
the cost by this count, or the whole interval of the ratios, is over 2 %.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

LIMIT = 1.02
RESAMPLED = 2000


def calls_of(codec: str, height: int, width: int, device: Any) -> tuple[Any, Any, dict[str, Callable[[], object]]]:
    """The network, what its SPEC declares, and one call per operation."""
    import torch

    from lic_bench.codecs.loading import load_codec
    from lic_bench.codecs.registry import resolve_codec
    from lic_bench.images.sample_pictures import draw_sample
    from lic_bench.measurement.distortion import to_8bit

    spec = resolve_codec(codec)
    loaded: Any = load_codec(spec, spec.qualities[0], None, device).codec
    x = torch.from_numpy(draw_sample(1, height, width).copy()).permute(2, 0, 1)[None].float().to(device) / 255
    bits = loaded.compress(x)
    calls = {"encode": lambda: loaded.compress(x), "decode": lambda: to_8bit(loaded.decompress(bits))}
    return loaded.module, spec.phases, calls


def rounds(call: Callable[[], object], module: Any, declared: Any, device: Any, count: int) -> tuple[list[float], Any]:
    """Seconds with phases over seconds without, round by round; the last phases."""
    import torch

    from lic_bench.measurement.phase_times import measure_phases
    from lic_bench.measurement.stopwatch import timed, undisturbed
    from lic_bench.phase_marks import TOTAL

    ratios, found = [], {}
    with torch.no_grad(), undisturbed():
        for index in range(-1, count):
            seconds = {}
            for listen in (True, False) if index % 2 else (False, True):
                if listen:
                    found = measure_phases(call, module, declared, device)
                    seconds[listen] = found[TOTAL]
                else:
                    seconds[listen] = timed(call, device)[1]
            if index >= 0:  # the first one warms up
                ratios.append(seconds[True] / seconds[False])
    return ratios, found


def interval(values: list[float]) -> tuple[float, float]:
    """Between which 95 % of the medians of resampled values are."""
    dice = random.Random(0)
    medians = sorted(median(dice.choices(values, k=len(values))) for _ in range(RESAMPLED))
    return medians[RESAMPLED // 40], medians[-RESAMPLED // 40]


def cost_of_a_mark() -> float:
    """Seconds of `with mark(...)` where nobody listens, the loop included."""
    from timeit import repeat

    from lic_bench.phase_marks import COPIES, mark

    def marked() -> None:
        with mark(COPIES):
            pass

    return min(repeat(marked, number=100_000)) / 100_000


def cost_of_a_phase(device: Any) -> float:
    """Seconds that a submodule's call takes longer while it is a phase."""
    from timeit import repeat

    import torch

    from lic_bench.measurement.phase_timeline import Timeline
    from lic_bench.measurement.phase_times import find_phase_calls, record_phases

    module, x = torch.nn.Sequential(torch.nn.Identity()), torch.ones(1, device=device)
    plain = min(repeat(lambda: module(x), number=1000, repeat=20))
    listened = []
    for _ in range(20):
        line = Timeline(device)
        with record_phases(find_phase_calls(module, {"g_a": ("0",)}), line), line:
            listened += repeat(lambda: module(x), number=1000, repeat=1)
    return (min(listened) - plain) / 1000


def entered(call: Callable[[], object], module: Any, declared: Any, device: Any) -> int:
    """How many phases one call enters."""
    import torch

    from lic_bench.measurement.phase_timeline import Timeline
    from lic_bench.measurement.phase_times import find_phase_calls, record_phases

    line = Timeline(device)
    with torch.no_grad(), record_phases(find_phase_calls(module, declared), line), line:
        call()
    return line.changes // 2 - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", default="lalic,elic,minnen2020")
    parser.add_argument("--size", default="512x768", help="height x width")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    import torch

    from lic_bench.machine.environment_record import apply_protocol_settings
    from lic_bench.phase_marks import TOTAL

    device = torch.device(options.device)
    apply_protocol_settings(device, options.threads)
    height, width = map(int, options.size.split("x"))
    each = cost_of_a_phase(device)
    print(f"a mark that nobody hears: {1e9 * cost_of_a_mark():.0f} ns; a phase: {1e6 * each:.1f} us")
    good, rows = True, []
    for codec in options.codecs.split(","):
        module, declared, calls = calls_of(codec, height, width, device)
        for operation, call in calls.items():
            ratios, last = rounds(call, module, declared, device, options.rounds)
            low, high = interval(ratios)
            total = last.pop(TOTAL)
            count = entered(call, module, declared, device)
            by_count = count * each / total
            good &= low < LIMIT and 1 + by_count < LIMIT
            parts = ", ".join(f"{name} {100 * seconds / total:.1f} %" for name, seconds in last.items())
            cost = f"{100 * (median(ratios) - 1):+.2f} % ({100 * (low - 1):+.2f} .. {100 * (high - 1):+.2f} %)"
            cost += f"; {count} phases, {100 * by_count:.3f} %"
            print(f"{codec} {operation}: {cost} of {total:.3f} s; last call: {parts}", flush=True)
            row = {"codec": codec, "operation": operation, "ratios": ratios, "interval": [low, high], "phases": count}
            rows.append(row | {"by_count": by_count, "total_s": total, "parts_s": last})
    if options.json:
        options.json.write_text(json.dumps({"device": str(device), "phase_s": each, "rows": rows}, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

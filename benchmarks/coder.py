"""The entropy coder beside CompressAI's: 491,520 symbols, as many as LALIC has at 768x512, from tensors and to them.

    python benchmarks/coder.py [--json FILE]

Gaussians as lalic-small predicts them for the built-in sample picture, and with all scales of the ladder equally often.
One thread, medians of nine calls taken in turn. "as lists" is CompressAI's call alone, its Python lists at hand, which
nobody has. With the package constriction installed, its range coder stands beside, a model per scale.
The JSON has write_ratio and read_ratio: CompressAI's seconds over ours, from tensors, for the predicted Gaussians.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from compressai import ans
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from lic_bench import load_model
from lic_bench.codecs import compressai_rans, rans
from lic_bench.codecs.checkpoints import shipped_checkpoints
from lic_bench.codecs.gaussian_coding import scale_table
from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.sample_pictures import draw_sample

COUNT, REPEATS, QUALITY = 320 * 32 * 48, 9, 4


def seconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Medians; the calls take turns, so that a busy moment meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS + 1):
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: median(samples[1:]) for name, samples in times.items()}


def predicted() -> tuple[Tensor, Tensor]:
    """(scales, y - means) of the trained network, repeated to COUNT values."""
    spec = resolve_codec("lalic-small")
    model = load_model(spec.name, checkpoint=shipped_checkpoints(spec)[QUALITY])
    x = torch.from_numpy(draw_sample(1, 512, 768)).permute(2, 0, 1)[None].float() / 255
    scales, residuals = [], []

    def keep(_module: object, arguments: tuple[Tensor, Tensor, Tensor], _out: object) -> None:
        y, of_y, means = arguments
        scales.append(of_y.flatten())
        residuals.append((y - means).flatten())

    model.gaussian_conditional.register_forward_hook(keep)
    model(x)
    found = torch.cat(scales), torch.cat(residuals)
    repeats = -(-COUNT // len(found[0]))
    return found[0].repeat(repeats)[:COUNT], found[1].repeat(repeats)[:COUNT]


def spread() -> tuple[Tensor, Tensor]:
    """(scales, y - means) with every scale of the ladder equally often."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor(scale_table())[torch.randint(64, (COUNT,), generator=generator)]
    return scales, scales * torch.randn(COUNT, generator=generator)


def measure(model: GaussianConditional, scales: Tensor, residuals: Tensor) -> dict[str, float]:
    """Seconds by name. Raises ValueError where a string or the symbols read from it differ."""
    indexes, symbols = model.build_indexes(scales), residuals.round().int()
    sources = model.quantized_cdf, model.cdf_length, model.offset
    ours, theirs = rans.Tables(*sources), compressai_rans.Tables(*sources)
    plain = symbols.tolist(), indexes.tolist()
    string = written(rans, symbols, indexes, ours)
    if string != written(compressai_rans, symbols, indexes, theirs):
        raise ValueError("The strings differ.")
    for coder, tables in ((rans, ours), (compressai_rans, theirs)):
        if not coder.Decoder(string).get(indexes, tables).equal(symbols):
            raise ValueError("The symbols differ.")
    indexer = rans.GaussianIndexer(model.scale_table)
    means = torch.zeros_like(scales)
    calls: dict[str, Callable[[], object]] = {
        "write, CompressAI": lambda: written(compressai_rans, symbols, indexes, theirs),
        "write, CompressAI as lists": lambda: ans.RansEncoder().encode_with_indexes(*plain, *theirs.lists),
        "write, native": lambda: written(rans, symbols, indexes, ours),
        "read, CompressAI": lambda: compressai_rans.Decoder(string).get(indexes, theirs),
        "read, CompressAI as lists": lambda: ans.RansDecoder().decode_with_indexes(string, plain[1], *theirs.lists),
        "read, native": lambda: rans.Decoder(string).get(indexes, ours),
        "choose tables, CompressAI": lambda: model.build_indexes(scales),
        "choose tables, round and subtract, native": lambda: indexer.symbols(residuals, scales, means),
        "make tables, native": lambda: rans.Tables(*sources),
    }
    return {"bytes": len(string), **seconds(calls | dict(constriction_calls(symbols, indexes)))}


def written(coder: Any, symbols: Tensor, indexes: Tensor, tables: Any) -> bytes:
    encoder = coder.Encoder()
    encoder.put(symbols, indexes, tables)
    string: bytes = encoder.flush()
    return string


def constriction_calls(symbols: Tensor, indexes: Tensor) -> Iterator[tuple[str, Callable[[], object]]]:
    """Its range coder over the same Gaussians, symbols clipped to its tables; nothing where it is not installed."""
    try:
        import constriction
    except ModuleNotFoundError:
        return
    import numpy as np

    scales = np.array(scale_table())[indexes.numpy()]
    model = constriction.stream.model.QuantizedGaussian(-2000, 2000)
    clipped, means = symbols.clamp(-2000, 2000).numpy(), np.zeros(len(scales))

    def write() -> Any:
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(clipped, model, means, scales)
        return encoder.get_compressed()

    words = write()
    yield "write, constriction", write
    yield "read, constriction", lambda: constriction.stream.queue.RangeDecoder(words).decode(model, means, scales)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write ratios and seconds there too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = GaussianConditional(scale_table()).eval()
    model.update_scale_table(scale_table(), force=True)
    results = {}
    for name, (scales, residuals) in (("predicted", predicted()), ("every scale", spread())):
        found = measure(model, scales, residuals)
        print(f"{name}: {COUNT} symbols, {found['bytes']} bytes")
        for what, value in found.items():
            if what != "bytes":
                print(f"  {what:42} {1e3 * value:7.2f} ms")
        ratios = {
            f"{verb}_ratio": found[f"{verb}, CompressAI"] / found[f"{verb}, native"] for verb in ("write", "read")
        }
        print("  " + ", ".join(f"{key} {value:.1f}" for key, value in ratios.items()))
        results[name] = ratios | found
    if options.json:
        headline = {key: results["predicted"][key] for key in ("write_ratio", "read_ratio")}
        options.json.write_text(json.dumps(headline | {"cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()

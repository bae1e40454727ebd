"""The entropy coder beside CompressAI's: 491,520 symbols, as many as LALIC has at 768x512, from tensors and to them.

    python benchmarks/coder.py [--json FILE]

Gaussians as lalic-small predicts them for the built-in sample picture, and with all scales of the ladder equally often.
One thread, medians of nine calls taken in turn. CompressAI is measured three ways: as its entropy models call it, which
make lists of the tensors and of all tables at every call; with the tables' lists at hand and cut to their lengths, as
`--coder compressai` has them; and with all lists at hand, which nobody has. Where the packages constriction and torchac
are installed, their coders stand beside: a model per scale, and a table per symbol made beforehand.
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
TORCHAC_CLIP = 31


def seconds(calls: dict[str, Callable[[], object]], tensors: list[Tensor]) -> dict[str, float]:
    """Medians; the calls take turns, so that a busy moment meets all of them.

    tensors: what they take, read before each, as a codec has made them just before.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS + 1):
        for name, call in calls.items():
            for tensor in tensors:
                tensor.sum()
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
    plain = lists(symbols, indexes)
    string = written(rans, symbols, indexes, ours)
    if string != written(compressai_rans, symbols, indexes, theirs):
        raise ValueError("The strings differ.")
    for coder, tables in ((rans, ours), (compressai_rans, theirs)):
        if not coder.Decoder(string).get(indexes, tables).equal(symbols):
            raise ValueError("The symbols differ.")
    indexer = rans.GaussianIndexer(model.scale_table)
    means = torch.zeros_like(scales)
    calls: dict[str, Callable[[], object]] = {
        "write, CompressAI": lambda: ans.RansEncoder().encode_with_indexes(*lists(symbols, indexes), *lists(*sources)),
        "write, CompressAI, tables at hand": lambda: written(compressai_rans, symbols, indexes, theirs),
        "write, CompressAI, all lists at hand": lambda: ans.RansEncoder().encode_with_indexes(*plain, *theirs.lists),
        "write, native": lambda: written(rans, symbols, indexes, ours),
        "read, CompressAI": lambda: torch.tensor(
            ans.RansDecoder().decode_with_indexes(string, *lists(indexes), *lists(*sources))
        ),
        "read, CompressAI, tables at hand": lambda: compressai_rans.Decoder(string).get(indexes, theirs),
        "read, CompressAI, all lists at hand": lambda: ans.RansDecoder().decode_with_indexes(
            string, plain[1], *theirs.lists
        ),
        "read, native": lambda: rans.Decoder(string).get(indexes, ours),
        "choose tables, CompressAI": lambda: model.build_indexes(scales),
        "choose tables, round and subtract, native": lambda: indexer.symbols(residuals, scales, means),
        "make tables, native": lambda: rans.Tables(*sources),
    }
    calls.update(constriction_calls(symbols, indexes))
    calls.update(torchac_calls(symbols, indexes))
    return {
        "bytes": len(string),
        **seconds(calls, [symbols, indexes, scales, residuals]),
    }


def lists(*tensors: Tensor) -> list[Any]:
    return [tensor.tolist() for tensor in tensors]


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


def torchac_calls(symbols: Tensor, indexes: Tensor) -> Iterator[tuple[str, Callable[[], object]]]:
    """Its arithmetic coder, symbols clipped to +-TORCHAC_CLIP and their tables made beforehand; nothing where it is not
    installed."""
    try:
        import torchac
    except ModuleNotFoundError:
        return
    edges = torch.arange(-TORCHAC_CLIP, TORCHAC_CLIP + 2) - 0.5
    gaussian = torch.special.ndtr(edges / torch.tensor(scale_table())[:, None])
    places = 2**16 - len(edges) + 1  # every symbol keeps one of 2^16 for itself
    rising = (gaussian - gaussian[:, :1]) / (gaussian[:, -1:] - gaussian[:, :1])
    cdfs = ((rising * places).round().int() + torch.arange(len(edges))).to(torch.int16)[indexes]
    clipped = (symbols.clamp(-TORCHAC_CLIP, TORCHAC_CLIP) + TORCHAC_CLIP).to(torch.int16)
    string = torchac.encode_int16_normalized_cdf(cdfs, clipped)
    if not torchac.decode_int16_normalized_cdf(cdfs, string).equal(clipped):
        raise ValueError("The symbols of torchac differ.")
    yield "write, torchac", lambda: torchac.encode_int16_normalized_cdf(cdfs, clipped)
    yield "read, torchac", lambda: torchac.decode_int16_normalized_cdf(cdfs, string)


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
        headline = {key: value for key, value in results["predicted"].items() if key.endswith("_ratio")}
        options.json.write_text(json.dumps(headline | {"cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()

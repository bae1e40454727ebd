"""Where LALIC's time goes: its transforms, coding and decoding of one image, and the operators of g_a.

    python benchmarks/lalic_speed.py [--device cuda] [--size 512x768] [--dtype bfloat16] [--profile] [--json FILE]
                                     [--variants bf16,compile]

Random weights, the settings of `lic-bench run`; medians of five calls after one that is not counted. With --dtype
bfloat16: what stands between the matrix products, at the sizes of g_a and beside float32, then g_a and g_s alone: all
of them, and the mixes of their blocks alone. With --variants bf16,bf16@cuda-graphs: coding by these variants of it too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.profiler import profile

from lalic.blocks import BiRwkvBlock, BiWkv, OmniShift, lower_mixes
from lalic.pointwise import gate_, squared_relu_
from lic_bench import load_model
from lic_bench.machine.environment_record import apply_protocol_settings

REPEATS = 5
Calls = dict[str, Callable[[], object]]


@torch.inference_mode()
def seconds(call: Callable[[], object], device: torch.device) -> float:
    """The median of REPEATS calls, the device's work included."""
    times = []
    for _ in range(REPEATS + 1):
        start = perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - start)
    return median(times[1:])


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has products of bfloat16; a CPU without them takes some 50 times as long as for float32."""
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@torch.inference_mode()
def codec_calls(model: nn.Module, x: Tensor) -> Calls:
    y, coded = model.g_a(x), model.compress(x)
    return {
        "g_a": lambda: model.g_a(x),
        "g_s": lambda: model.g_s(y),
        "compress": lambda: model.compress(x),
        "decompress": lambda: model.decompress(coded["strings"], coded["shape"]),
    }


@torch.inference_mode()
def variant_calls(variant: str, x: Tensor) -> Calls:
    model = load_model(f"lalic@{variant}", device=x.device)
    coded = model.compress(x)
    return {
        f"compress @{variant}": lambda: model.compress(x),
        f"decompress @{variant}": lambda: model.decompress(coded["strings"], coded["shape"]),
    }


def transform_calls(model: nn.Module, x: Tensor, dtype: torch.dtype) -> Calls:
    with torch.inference_mode():
        y = model.g_a(x).to(dtype)
    mixed = deepcopy(model)
    lower_mixes(mixed, dtype)
    g_a, g_s, whole = model.g_a.to(dtype), model.g_s.to(dtype), x.to(dtype)
    return {
        "g_a": lambda: g_a(whole),
        "g_s": lambda: g_s(y),
        "g_a, mixes": lambda: mixed.g_a(x),
        "g_s, mixes": lambda: mixed.g_s(y.float()),
    }


def operator_calls(width: int, height: int, breadth: int, device: torch.device, dtype: torch.dtype) -> Calls:
    """One call of each operator of a block for features of a height and a breadth."""
    tokens = height * breadth
    w, u = torch.rand(2, width, device=device) / tokens
    gamma = torch.ones(width, device=device, dtype=dtype)
    k, v = torch.randn(2, 1, tokens, width, device=device).to(dtype)
    # gates and squared ReLUs work in place: what stays as it is costs the same again and again
    zeros, hidden = torch.zeros_like(k), torch.ones(1, tokens, 4 * width, device=device, dtype=dtype)
    shift, norm = (module.to(device, dtype) for module in (OmniShift(width), nn.LayerNorm(width)))
    attention = BiWkv()
    return {
        "BiWKV": lambda: attention(w, u, k, v),
        "shift": lambda: shift(k, (height, breadth)),
        "layer norm": lambda: norm(k),
        "gate": lambda: gate_(zeros, zeros),
        "squared ReLU": lambda: squared_relu_(hidden),
        "residual": lambda: torch.addcmul(k, gamma, v),
    }


def operator_seconds(model: nn.Module, size: tuple[int, int], device: torch.device) -> dict[str, list[float]]:
    """Seconds in float32 and in bfloat16, one line for each operator and width of g_a's blocks."""
    found = {}
    widths = [block.norm1.normalized_shape[0] for block in model.g_a if isinstance(block, BiRwkvBlock)]
    for stage, width in enumerate(dict.fromkeys(widths), start=1):
        height, breadth = (side >> stage for side in size)
        both = [operator_calls(width, height, breadth, device, d) for d in (torch.float32, torch.bfloat16)]
        for name in both[0]:
            found[f"{name}, {height * breadth} x {width}"] = times = [seconds(calls[name], device) for calls in both]
            print(f"{name + ',':<13} {height * breadth:6} x {width:<4}" + "".join(f"{t * 1e3:9.2f} ms" for t in times))
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="512x768", help="height x width, multiples of 128")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--variants", type=lambda text: text.split(","), default=[], help="as bf16 or bf16@compile")
    parser.add_argument("--profile", action="store_true", help="also the operators of g_a")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the seconds there too")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    device, dtype = torch.device(chosen.device), getattr(torch, chosen.dtype)
    apply_protocol_settings(device, None)
    height, width = map(int, chosen.size.split("x"))
    model = load_model("lalic", device=device)
    x = torch.rand(1, 3, height, width, device=device)
    print(f"{height} x {width} on {device}, {torch.get_num_threads()} threads, {chosen.dtype}")
    what = {"torch": torch.__version__, "device": str(device), "height": height, "width": width, "dtype": chosen.dtype}
    calls: Calls = {}
    if dtype == torch.float32:
        calls = codec_calls(model, x)
    else:
        what["operators"] = operator_seconds(model, (height, width), device)
        if multiplies_bfloat16(device):
            calls = transform_calls(model, x, dtype)
        else:
            print("This processor has no bfloat16 products (AVX-512 BF16 or AMX): g_a and g_s are left out.")
    for variant in chosen.variants:
        calls |= variant_calls(variant, x)
    medians = {}
    for name, call in calls.items():
        medians[name] = seconds(call, device)
        print(f"{name:<28} {medians[name] * 1e3:8.1f} ms", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(what | {"seconds": medians}, indent=1) + "\n")
    if chosen.profile and calls:
        with torch.inference_mode(), profile() as seen:
            calls["g_a"]()
        print(seen.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


if __name__ == "__main__":
    main()

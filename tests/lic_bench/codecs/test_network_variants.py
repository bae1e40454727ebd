"""Variants at work: what must be alike on both sides stays float32, and what is decoded is what was encoded."""

from dataclasses import replace

import pytest
import torch

from lic_bench import load_model
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.network_variants import forget_compiled, make_variant
from lic_bench.codecs.registry import find_codecs, load_target, resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import draw_sample

SMALL = {name: spec for name, spec in find_codecs().items() if spec.small and not name.endswith(("msssim", "-middle"))}


def image() -> torch.Tensor:
    return torch.from_numpy(draw_sample(1, 96, 128).copy()).permute(2, 0, 1)[None].float() / 255


def network(name: str) -> torch.nn.Module:
    spec = resolve_codec(name)
    torch.manual_seed(0)
    made: torch.nn.Module = load_target(SMALL[spec.base].small or "")()  # type: ignore[operator]
    made.update(force=True)  # type: ignore[operator]
    make_variant(made, spec)
    return made


def codec(name: str) -> NetworkCodec:
    padding = resolve_codec(name).padding
    assert padding
    return NetworkCodec(network(name), padding)


@pytest.mark.parametrize("variant", ["bf16", "channels-last"])
@pytest.mark.parametrize("name", SMALL)
def test_a_fresh_instance_decodes_what_a_variant_encodes(name: str, variant: str) -> None:
    x, encoder = image(), codec(f"{name}@{variant}")
    bits = encoder.compress(x)
    x_hat = codec(f"{name}@{variant}").decompress(bits)
    expected, _ = encoder.estimate(x)
    assert x_hat.dtype == torch.float32
    # Where FAT's encoder and decoder round otherwise anyway, bfloat16 makes a step of it.
    torch.testing.assert_close(x_hat, expected.clamp(0, 1), rtol=0, atol=0.01 if name == "fat" else 1e-6)
    base = codec(name)
    plain = base.decompress(base.compress(x))
    # Rounding moves edges of GLIC's graphs, and each makes a step.
    atol = 0.15 if variant == "bf16" else 1e-3 if name == "glic" else 1e-4
    torch.testing.assert_close(x_hat, plain, rtol=0, atol=atol)
    assert variant == "channels-last" or not torch.equal(x_hat, plain)


@pytest.mark.parametrize("name", SMALL)
def test_of_bf16_only_one_sided_parts_are_other_than_float32(name: str) -> None:
    made = network(f"{name}@bf16")
    halves = {key for key, value in made.named_parameters() if value.dtype == torch.bfloat16}
    assert {key.rpartition("latent_codec.hyper.")[2].partition(".")[0] for key in halves} == {"g_a", "h_a", "g_s"}
    others = {value.dtype for key, value in made.named_parameters() if key not in halves}
    assert others == {torch.float32}


def test_tf32_is_on_in_the_parts_alone() -> None:
    made = network("minnen2020@tf32")
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    seen = {}
    for name in ("g_a", "h_a", "h_mean_s", "g_s"):
        last = list(getattr(made, name).children())[-1]
        last.register_forward_hook(
            lambda *_, name=name: seen.update(
                {name: (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)}
            )
        )
    with torch.no_grad():
        made(torch.rand(1, 3, 64, 64))
    assert seen == {"g_a": (True, True), "h_a": (True, True), "h_mean_s": before, "g_s": (True, True)}
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


def test_compiled_parts_are_the_transforms_and_of_a_strange_network_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda forward: compiled.append(forward.__self__) or forward)
    made = network("lalic@compile")
    assert {id(part) for part in compiled} == {id(part) for part in (made.g_a, made.h_a, made.h_s, made.g_s)}
    compiled.clear()
    strange = torch.nn.ModuleDict({"first": torch.nn.Linear(2, 2), "second": torch.nn.ReLU()})
    make_variant(strange, resolve_codec("lalic@compile"))
    assert compiled == [strange["first"]]


def test_load_model_gives_variants() -> None:
    model = load_model("lalic-small@bf16")
    assert model.g_a[1].spatial_mix.key.weight.dtype == torch.bfloat16
    with pytest.raises(UserError, match="needs a GPU"):
        load_model("lalic-small@fp16")


def test_a_part_that_is_not_there_is_a_line() -> None:
    spec = replace(resolve_codec("minnen2020@bf16"), phases={"g_a": ("ga",), "h_a": ("h_a",), "g_s": ("g_s",)})
    with pytest.raises(UserError, match="Minnen2020 has no 'ga', which its SPEC names"):
        make_variant(network("minnen2020"), spec)


@pytest.mark.slow
def test_really_compiled_a_second_quality_is_decoded_too() -> None:
    x, spec = image(), resolve_codec("lalic-small@compile")
    for quality in (1, 5):
        forget_compiled(spec)
        torch._dynamo.utils.counters.clear()
        base, encoder, decoder = (load_model(name, quality) for name in ("lalic-small", *[spec.name] * 2))
        padding = spec.padding
        assert padding
        bits = NetworkCodec(encoder, padding).compress(x)
        x_hat = NetworkCodec(decoder, padding).decompress(bits)
        plain = NetworkCodec(base, padding).decompress(NetworkCodec(base, padding).compress(x))
        torch.testing.assert_close(x_hat, plain, rtol=0, atol=1e-3)
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 8  # four transforms on both sides

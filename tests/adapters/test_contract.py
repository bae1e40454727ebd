"""What every codec of the project has to keep, asked of all that are found: a new folder is tested unasked."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from lic_bench.codecs.registry import find_codecs, find_programs, load_target
from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.spec import CodecSpec

SPECS = find_codecs()
HOME = ("adapters.", "lalic.")
CLASSICAL = [name for name, spec in SPECS.items() if spec.kind == "classical" and spec.load.startswith(HOME)]
LEARNED = [name for name, spec in SPECS.items() if spec.kind == "learned" and spec.load.startswith(HOME)]
SIZES = [(1, 1), (1, 37), (50, 1), (7, 9), (65, 127)]  # height, width


def image(height: int, width: int) -> torch.Tensor:
    """x [1, 3, height, width] in [0, 1], a piece of a natural-looking picture."""
    pixels = draw_sample(1, 160, 224)[:height, :width].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def mse(x: torch.Tensor, x_hat: torch.Tensor) -> float:
    return float(((x - x_hat) * 255).square().mean())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_spec_says_what_a_reader_asks_first(spec: CodecSpec):
    assert spec.name == spec.name.lower()
    for text in (spec.label, spec.paper, spec.source, spec.licence, spec.quality_name):
        assert text.strip()
    assert spec.qualities
    assert set(spec.quick_qualities) <= set(spec.qualities)
    assert all(spec.allows(q) for q in (*spec.qualities, *spec.checkpoints))
    assert (spec.kind == "learned") == (spec.padding is not None)
    if spec.kind == "learned" and spec.load.startswith(HOME):
        assert spec.fills
        assert spec.small
        assert "@" in spec.source
        assert all(c.lmbda and c.url and c.url.startswith("https://") for c in spec.checkpoints.values())
    assert set(spec.devices) <= {"cpu", "cuda"}
    names = [name for s in SPECS.values() for name in (s.name, *s.aliases)]
    assert len(names) == len(set(names))


def test_finding_codecs_imports_neither_torch_nor_numpy_nor_pillow():
    code = (
        "import sys, json; from lic_bench.codecs.registry import find_codecs; find_codecs(); "
        "print(json.dumps([m for m in ('torch', 'numpy', 'PIL', 'compressai', 'pillow_jxl') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(out.stdout) == []


def load(name: str, quality: int):
    spec = SPECS[name]
    for module in spec.requires:
        pytest.importorskip(module)
    if not spec.requires:  # programs that pip does not bring
        try:
            find_programs(spec)
        except UserError as error:
            pytest.skip(str(error))
    return load_target(spec.load)(quality)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", CLASSICAL)
def test_any_size_comes_back_with_shape_and_range(name, size):
    x = image(*size)
    for quality in (min(SPECS[name].qualities), max(SPECS[name].qualities)):
        codec = load(name, quality)
        x_hat = codec.decompress(codec.compress(x))
        assert (x_hat.shape, x_hat.dtype) == (x.shape, torch.float32)
        assert x_hat.min() >= 0
        assert x_hat.max() <= 1


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_fresh_instance_decodes_the_same_from_bytes_alone(name):
    quality = SPECS[name].qualities[len(SPECS[name].qualities) // 2]
    x, encoder = image(99, 150), load(name, quality)
    bits = encoder.compress(x)
    assert torch.equal(load(name, quality).decompress(bits), encoder.decompress(bits))
    assert load(name, quality).compress(x) == bits
    assert len(bits.header) <= 8  # nothing, or height and width where the payload may be of a padded picture


@pytest.mark.parametrize("name", CLASSICAL)
def test_rate_rises_and_error_falls_along_the_ladder(name):
    x = image(160, 224)
    rates, errors = [], []
    for quality in SPECS[name].qualities:
        codec = load(name, quality)
        bits = codec.compress(x)
        rates.append(len(bits.payload))
        errors.append(mse(x, codec.decompress(bits)))
    assert (np.diff(rates) > 0).all(), rates
    assert (np.diff(errors) < 0).all(), errors


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_ends_of_the_scale_work(name):
    x = image(33, 40)
    spec = SPECS[name]
    ends = sorted(spec.quality_range, reverse=spec.qualities[0] > spec.qualities[-1])  # in order of rising rate
    worst, best = (codec.decompress(codec.compress(x)) for codec in (load(name, quality) for quality in ends))
    assert mse(x, best) < mse(x, worst)


@functools.cache
def learned(name: str, instance: str = "encoder"):
    """The codec of SPEC.small with random weights; each instance is made once and shares nothing with the other."""
    from lic_bench.codecs.entropy_models import use_coder
    from lic_bench.codecs.loading import kernels_of
    from lic_bench.codecs.network_codec import NetworkCodec

    spec = SPECS[name]
    torch.manual_seed(0)
    module = load_target(spec.small)()
    module.update(force=True)
    use_coder(module, "compressai" if instance == "compressai" else "native")
    return NetworkCodec(module, spec.padding, kernels_of(spec, torch.device("cpu")) or "")


def leaves(strings) -> list[bytes]:
    return [strings] if isinstance(strings, bytes) else [leaf for item in strings for leaf in leaves(item)]


@pytest.mark.parametrize("name", LEARNED)
def test_the_small_network_is_the_released_one_with_fewer_channels(name):
    small = learned(name).module
    assert not small.training
    full = load_target(SPECS[name].load)(None)
    assert type(small) is type(full)
    assert [child for child, _ in small.named_children()] == [child for child, _ in full.named_children()]
    small_count, full_count = (sum(p.numel() for p in model.parameters()) for model in (small, full))
    assert small_count < min(4e6, full_count / 8)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (50, 100), (65, 129)])
@pytest.mark.parametrize("name", LEARNED)
def test_a_fresh_instance_decodes_any_size_from_bytes_alone(name, size):
    x = image(*size)
    bits = learned(name).compress(x)
    x_hat = learned(name, "decoder").decompress(type(bits)(bytes(bits.payload), bytes(bits.header)))
    assert x_hat.shape == x.shape
    assert 0 <= x_hat.min() <= x_hat.max() <= 1
    assert torch.equal(x_hat, learned(name).decompress(bits))


@pytest.mark.parametrize("name", LEARNED)
def test_our_coder_and_compressais_write_the_same_and_read_each_others(name):
    x, ours, theirs = image(130, 150), learned(name), learned(name, "compressai")
    bits = ours.compress(x)
    assert theirs.compress(x) == bits
    assert torch.equal(theirs.decompress(bits), ours.decompress(bits))


@pytest.mark.parametrize("name", LEARNED)
def test_a_batch_has_strings_for_each_image_and_decodes_to_what_each_is_alone(name):
    from lic_bench.codecs.network_codec import strings_by_image

    codec = learned(name)
    x = torch.cat([image(64, 64), image(64, 64).flip(3), image(64, 64).flip(2)])
    alone = [codec.compress(one[None]) for one in x]
    bits = codec.compress(x)
    lengths = [[len(string) for string in strings] for strings in strings_by_image(bits, 3)]
    expected = [[len(string) for string in strings_by_image(of_one, 1)[0]] for of_one in alone]
    assert lengths == [pytest.approx(of_one, abs=8) for of_one in expected]  # fat rounds otherwise in a batch
    x_hat = torch.cat([codec.decompress(of_one) for of_one in alone])
    assert mse(codec.decompress(bits), x_hat) < 0.01


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_codec_round_trips_with_random_weights(name, monkeypatch):
    codec, x = learned(name), image(50, 100)
    compress, written = codec.module.compress, []
    monkeypatch.setattr(codec.module, "compress", lambda x: written.append(compress(x)) or written[-1])
    bits = codec.compress(x)
    x_hat = codec.decompress(bits)
    x_ref, bpp = codec.estimate(x)
    assert x_hat.shape == x.shape
    assert (x_hat - x_ref.clamp(0, 1)).abs().max() < 1e-4
    strings = leaves(written[0]["strings"])
    assert bits.payload == b"".join(strings)
    assert len(bits.payload) == pytest.approx(
        bpp * 50 * 100 / 8, rel=0.01, abs=8 * len(strings)
    )  # a string ends in 8 bytes


@pytest.mark.parametrize("name", LEARNED)
def test_a_state_of_another_codec_is_refused_with_the_likely_cause(name):
    with pytest.raises(ValueError, match=r"^(LALIC weights: )?[^\n]*(Likely cause|not the state dict)[^\n]*$"):
        load_target(SPECS[name].load)({"features.0.weight": torch.zeros(64, 3, 7, 7)})


@pytest.mark.parametrize("name", LEARNED)
def test_a_network_codes_by_itself_without_no_grad_around_it(name):
    network, x = learned(name).module, torch.rand(1, 3, 256, 256)
    coded = network.compress(x)
    assert not network.decompress(coded["strings"], coded["shape"])["x_hat"].requires_grad

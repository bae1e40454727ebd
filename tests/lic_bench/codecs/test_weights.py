"""The one reader of weights: wrappers, prefixes, old names, types, and what a file must not hold."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compressai.models import MeanScaleHyperprior
from torch import Tensor, nn

from lic_bench import load_model
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.codecs.weights import KeyTable, load_any, load_strictly, parameters_of, renames
from lic_bench.errors import UserError

STATE = {"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2)}
FACTORY = f"{__name__.rpartition('.')[2]}:mean_scale"


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2))


@pytest.mark.parametrize(
    "state",
    [
        {"state_dict": STATE},
        {"model": {"state_dict": STATE}, "epoch": 3},
        {"model_state_dict": {"model": STATE}},
        {f"module.{key}": value for key, value in STATE.items()},
        {"state_dict": {f"module.module.{key}": value for key, value in STATE.items()}},
        {f"_orig_mod.module.{key}": value for key, value in STATE.items()},
        STATE | {"0._quantized_cdf": torch.zeros(3, dtype=torch.int32)},
    ],
    ids=["wrapped", "twice", "twice in another order", "parallel", "both", "compiled", "tables"],
)
@pytest.mark.parametrize("read", [lambda n, s: load_strictly(n, parameters_of(s)), load_any], ids=["named", "any"])
def test_the_parameters_are_found(state: dict[str, Any], read: Callable[[nn.Module, dict[str, Any]], None]) -> None:
    model = network()
    read(model, state)
    assert torch.equal(model[0].weight, STATE["0.weight"])


@pytest.mark.parametrize(
    "value",
    [torch.ones(2, 3).int(), torch.ones(2, 3).cfloat(), torch.full((2, 3), torch.nan), torch.full((2, 3), torch.inf)],
    ids=["integers", "complex", "nan", "infinite"],
)
def test_values_that_are_no_finite_real_numbers_are_refused(value: Tensor) -> None:
    model = network()
    before = model[0].bias.clone()
    with pytest.raises(ValueError, match=r"entry '0\.weight' \(torch\.\w+\) is not of finite real numbers"):
        load_strictly(model, STATE | {"0.weight": value})
    assert torch.equal(model[0].bias, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"1.weight": torch.ones(1)}, "1 unexpected: 1.weight. Likely cause: a guess"),
        ({"0.bias": torch.ones(3)}, r"1 of another shape: 0.bias \[3\] instead of \[2\]"),
    ],
)
def test_keys_and_shapes_have_to_agree(change: dict[str, Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_strictly(network(), STATE | change, lambda _: "a guess")


def test_a_float64_state_makes_a_float64_network() -> None:
    model = network()
    load_strictly(model, {key: value.double() for key, value in STATE.items()})
    assert model[0].weight.dtype == torch.float64


def test_a_parameter_under_two_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.weight is there twice"):
        parameters_of(STATE | {"module.0.weight": torch.ones(2, 3)})


def test_a_wrapper_around_itself_ends() -> None:
    state: dict[str, Any] = {}
    state["model"] = state
    with pytest.raises(ValueError, match="entry 'model' is a dict, not a tensor"):
        parameters_of(state)


def test_the_first_copy_counts_and_the_second_must_have_its_shape() -> None:
    table = KeyTable(renames(("^again\\.", "")), second_copy=re.compile("^again"))
    second = {"again.0.weight": torch.zeros(2, 3), **STATE}
    assert parameters_of(second, table)["0.weight"].all()
    with pytest.raises(ValueError, match=r"two copies of 0\.weight differ in shape"):
        parameters_of(second | {"again.0.weight": torch.zeros(3)}, table)


# Networks straight from a factory


def mean_scale() -> nn.Module:
    return MeanScaleHyperprior(8, 12)


def trained() -> nn.Module:
    torch.manual_seed(3)
    model = mean_scale()
    model.update()
    return model


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "mean_scale.pth")
    return folder / "mean_scale.pth"


def with_old_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    short = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}
    pattern = re.compile(r"\.(matrices|biases|factors)\.(\d)$")
    return {pattern.sub(lambda match: f".{short[match[1]]}{match[2]}", key): value for key, value in state.items()}


FORMS: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state},
    "model_state_dict": lambda state: {"model_state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state},
    "averaged": lambda state: {"ema": state, "epoch": 3},
    "float64": lambda state: {key: v.double() if v.is_floating_point() else v for key, v in state.items()},
    "nested": lambda state: {"model": {"state_dict": state}, "optimizer": {"state": {}}},
    "module": lambda state: {f"module.{key}": value for key, value in state.items()},
    "module twice": lambda state: {"state_dict": {f"module.module.{key}": value for key, value in state.items()}},
    "old names": with_old_names,
    "float16": lambda state: {key: v.half() if v.is_floating_point() else v for key, v in state.items()},
    "numpy": lambda state: {"epoch": np.int64(3), "loss": np.float64(0.1), "good": np.bool_(True), "state_dict": state},
    "without tables": lambda state: {key: v for key, v in state.items() if "cdf" not in key and "_offset" not in key},
}


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return FACTORY


@pytest.mark.parametrize("form", FORMS)
def test_a_factory_gets_its_weights_from_every_form_of_file(tmp_path: Path, factory: str, form: str) -> None:
    state = trained().state_dict()
    loaded = load_model(factory, checkpoint=saved(tmp_path, FORMS[form](state)))
    for name, parameter in loaded.named_parameters():
        expected = state[name].half().float() if form == "float16" else state[name]
        assert torch.equal(parameter, expected.double() if form == "float64" else expected), name


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"g_a.0.bias": torch.full((8,), torch.inf)}, r"'g_a\.0\.bias' \(torch\.float32\) is not of finite real"),
        ({"g_a.0.bias": torch.ones(8).int()}, r"'g_a\.0\.bias' \(torch\.int32\) is not of finite real"),
        ({"g_a.0.bias": torch.ones(9)}, r"g_a\.0\.bias \[9\] instead of \[8\]\. Likely cause: .*other widths"),
        ({"lrp.bias": torch.ones(9)}, r"1 unexpected: lrp\.bias\. Likely cause: another codec"),
        ({"g_a.0.bias": None}, r"1 missing: g_a\.0\.bias\. Likely cause: part of the file is lost"),
    ],
    ids=["infinite", "integers", "shape", "unexpected", "missing"],
)
def test_what_does_not_fit_a_factory_is_one_line(
    tmp_path: Path, factory: str, entries: dict[str, Any], message: str
) -> None:
    state = {key: value for key, value in (trained().state_dict() | entries).items() if value is not None}
    with pytest.raises(UserError, match=rf"mean_scale\.pth does not fit codec .*{message}") as caught:
        load_model(factory, checkpoint=saved(tmp_path, state))
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path: Path, factory: str) -> None:
    file = saved(tmp_path, trained().state_dict())
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(UserError, match="get it again"):
        load_model(factory, checkpoint=file)


class Odd(nn.Module):
    """A network with names that look old or wrapped, a parameter called mask, an infinite buffer and counters."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.BatchNorm1d(2)
        self.mask = nn.Parameter(torch.zeros(2))
        self.inner = nn.Module()
        self.inner._matrix0 = nn.Parameter(torch.zeros(2))
        self.register_buffer("attention", torch.zeros(2))


def test_a_networks_own_names_and_buffers_are_never_translated_or_dropped() -> None:
    model, other = Odd(), Odd()
    nn.init.ones_(other.mask)
    nn.init.ones_(other.inner._matrix0)
    other.attention[0] = -torch.inf
    other.module.num_batches_tracked += 3
    other.module.running_mean += 1
    load_any(model, other.state_dict())
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


class Renaming(nn.Linear):
    """Reads a layout of its own."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        return super().load_state_dict({key.removeprefix("layer."): value for key, value in state_dict.items()})


def test_a_network_with_a_load_state_dict_of_its_own_is_loaded_by_it() -> None:
    model = Renaming(3, 2)
    state = {"module.layer.weight": torch.ones(2, 3), "module.layer.bias": torch.zeros(2)}
    load_any(model, {"model": state})
    assert model.weight.all()
    with pytest.raises(ValueError, match="entry 'weight'"):
        load_any(model, {"model": state | {"module.layer.weight": torch.full((2, 3), torch.nan)}})


def test_a_codec_takes_images_in_float32_whatever_its_weights_were_saved_in(tmp_path: Path) -> None:
    spec = resolve_codec("cheng2020-parallel")
    network = load_codec(spec, 1, None, torch.device("cpu")).codec.module
    torch.save(
        {key: v.double() if v.is_floating_point() else v for key, v in network.state_dict().items()}, tmp_path / "w"
    )
    codec = load_codec(spec, 1, tmp_path / "w", torch.device("cpu")).codec
    assert codec.decompress(codec.compress(torch.rand(1, 3, 20, 30))).dtype == torch.float32

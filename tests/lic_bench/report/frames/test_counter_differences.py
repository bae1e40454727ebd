from typing import Any

import pandas as pd
import pytest

from lic_bench.measurement.mac_counters.mac_count import CONVOLUTION, ELEMENTWISE, PRODUCT, TRANSPOSED
from lic_bench.report.frames.counter_differences import compare_counters

G = 1_000_000_000
EXACT = {CONVOLUTION: 60 * G, TRANSPOSED: 20 * G, PRODUCT: 20 * G}


def row(counter: str, by_kind: dict[str, int], path: str = "forward", **more: Any) -> dict[str, Any]:
    base = {"run": "r", "codec": "net", "label": "Net", "quality": 1, "width": 768, "height": 512, "uncounted_ops": {}}
    return base | {"counter": counter, "path": path, "macs": sum(by_kind.values()), "macs_by_kind": by_kind} | more


def explained(*rows: dict[str, Any]) -> list[str]:
    return compare_counters(pd.DataFrame(rows)).explanation.tolist()


def test_the_difference_to_the_exact_count_of_the_same_path() -> None:
    rows = [row("thop", {PRODUCT: 150 * G}), row("exact", EXACT), row("exact", {PRODUCT: 30 * G}, "encode")]
    frame = compare_counters(pd.DataFrame([*rows, row("fvcore", {}, macs=None), row("thop", {PRODUCT: G}, "decode")]))
    assert frame.against_exact.tolist() == pytest.approx([0.5, *[float("nan")] * 4], nan_ok=True)
    assert frame.explanation.tolist()[1:] == [""] * 4


def test_counters_that_agree_need_no_explanation() -> None:
    assert explained(row("thop", EXACT | {PRODUCT: 16 * G}), row("exact", EXACT)) == ["", ""]


def test_a_transposed_convolution_taken_at_its_output() -> None:
    text, _ = explained(row("thop", EXACT | {TRANSPOSED: 80 * G}), row("exact", EXACT))
    assert text == "Net, thop against exact: transposed convolutions +60 G (taken at the output's size)."


def test_products_outside_modules_are_named_by_the_module_that_calls_them() -> None:
    ops = {"GELU": 9, "Gdn (convolutions)": 6, "Window (matrix products)": 4}
    thop = row("thop", EXACT | {CONVOLUTION: 50 * G, PRODUCT: 5 * G}, uncounted_ops=ops)
    text, _ = explained(thop, row("exact", EXACT))
    assert "matrix products -15 G (outside modules with a rule: Window (matrix products) x 4)" in text
    assert "convolutions -10 G (outside modules with a rule: Gdn (convolutions) x 6)" in text
    assert text.index("matrix products -15") < text.index("convolutions -10")
    assert "GELU" not in text


def test_errors_that_cancel_are_explained_too() -> None:
    counted = {CONVOLUTION: 60 * G, TRANSPOSED: 40 * G, ELEMENTWISE: 100}
    text, _ = explained(row("thop", counted), row("exact", EXACT))
    assert "transposed convolutions +20 G" in text
    assert "matrix products -20 G (cause not known)" in text
    assert ELEMENTWISE not in text


def test_operators_of_a_codec_and_their_share() -> None:
    ops = {"aten::scaled_dot_product_attention": 3, "aten::mul": 7}
    fvcore = row("fvcore", EXACT | {PRODUCT: 10 * G, ELEMENTWISE: 2 * G}, uncounted_ops=ops)
    exact = EXACT | {"lalic.biwkv": 25 * G}
    text, own, again = explained(fvcore, row("exact", exact), row("exact", exact, "encode"))
    assert again == ""  # once is enough
    assert "lalic.biwkv -25 G (no rule for this operator)" in text
    assert "matrix products -10 G (fvcore has no rule for aten::scaled_dot_product_attention x 3)" in text
    assert "element-wise operations +2 G (by number of values; exact has no formula for them)" in text
    assert own == "Net: by the operator's own formula, half its operations: lalic.biwkv 25 G (20.0 %)."


def test_what_only_the_exact_counter_lacks() -> None:
    exact = row("exact", EXACT, uncounted_ops={"aten.mv": 2, "aten.add": 5})
    assert explained(row("fvcore", EXACT | {PRODUCT: 30 * G}), exact)[0].endswith(
        "matrix products +10 G (exact has no formula for aten.mv x 2)."
    )
    text = explained(row("thop", EXACT | {PRODUCT: 80 * G}), exact)[0]
    assert "in modules that are registered more than once" in text


def test_runs_without_kinds_name_what_was_not_counted() -> None:
    rows = [row("thop", EXACT, macs=50 * G, uncounted_ops={"BiWKV": 20}), row("exact", EXACT, macs=100 * G)]
    without = pd.DataFrame(rows).drop(columns="macs_by_kind")
    assert compare_counters(without).explanation.tolist() == ["Net: thop has no rule for BiWKV x 20.", ""]
    assert compare_counters(without.assign(macs=100 * G)).explanation.tolist() == ["", ""]
    assert compare_counters(without.assign(uncounted_ops=[{}, {}])).explanation[0] == "Net: cause not stored."


def test_no_rows() -> None:
    empty = pd.DataFrame([row("thop", EXACT)]).iloc[:0]
    assert list(compare_counters(empty).columns) == [*empty.columns, "against_exact", "explanation"]

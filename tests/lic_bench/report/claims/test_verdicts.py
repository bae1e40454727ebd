"""Verdicts on the printed numbers: by published points, by runs, and by what is known of differences."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.report.claims import verdicts
from lic_bench.report.claims.explanations import Explanation, claim_name, explanations
from lic_bench.report.claims.found_values import Found
from lic_bench.report.claims.verdicts import Claim, check_claims, summary
from lic_bench.report.frames.ablation_counts import ablation_counts
from lic_bench.report.frames.printed_tables import PrintedValue, ablation_name
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
PUBLISHED = Path(__file__).parents[4] / "results/published"


def by_name(*runs: Run) -> dict[str, Claim]:
    return {claim_name(claim.printed): claim for claim in check_claims(runs)}


@pytest.fixture(scope="module")
def shipped() -> dict[str, Claim]:
    return by_name()


def test_published_points_give_what_the_readme_says(shipped: dict[str, Claim]) -> None:
    columns = {"1": "bd_rate_psnr_pct", "4": "bd_rate_msssim_pct"}
    rows = re.findall(
        r"^\| ([14]) \| (.+?) \| (\w+) \| ([-\d.]+) \| ([-\d.]+) .*\| (yes|no)\b.*\|$",
        (PUBLISHED / "README.md").read_text(),
        re.M,
    )
    assert len(rows) == 27
    for table, row, dataset, printed, pchip, reproduced in rows:
        claim = shipped[f"{table}/{row}/{columns[table]}/{dataset}"]
        assert claim.printed.text == f"{printed}%"
        assert (claim.verdict == "reproduced") is (reproduced == "yes")
        assert (f"{claim.recomputed.value:.2f}" if claim.recomputed else "-") == pchip


def test_what_ships_differs_only_where_it_is_known_why(shipped: dict[str, Claim]) -> None:
    assert not [name for name, claim in shipped.items() if claim.is_unexplained]
    assert summary(list(shipped.values())).startswith(f"{sum(c.verdict == 'reproduced' for c in shipped.values())} rep")
    for claim in shipped.values():
        assert (claim.reason == "") is (claim.verdict == "reproduced"), claim


def test_shipped_counts_have_every_network_of_the_tables(shipped: dict[str, Claim]) -> None:
    counted = [claim for claim in shipped.values() if claim.printed.quantity in ("flops_g", "params_m")]
    assert len(counted) == 2 * 8 + 2 * 5 + 3
    assert {claim.verdict for claim in counted} == {"reproduced", "differs"}
    assert {found.source for claim in counted for found in claim.measured} == {"results/counts"}


def test_counted_as_the_paper_did_the_ablations_are_as_printed(shipped: dict[str, Claim]) -> None:
    explained = [claim for name, claim in shipped.items() if name.startswith("2/") and claim.verdict == "differs"]
    assert len(explained) == 10
    for claim in explained:
        theirs = ablation_counts()[ablation_name(claim.printed.row)]
        count = theirs.their_way_macs / 1e9 if claim.printed.unit == "GMAC" else theirs.their_way_parameters / 1e6
        assert (f"{count:.2f}" == claim.printed.text) is ("Conv Plus" not in claim.printed.row)


def test_every_explanation_is_of_a_claim_and_of_a_difference(shipped: dict[str, Claim]) -> None:
    for name, known in explanations().items():
        assert name in shipped, name
        printed = shipped[name].printed
        assert known.here is None or f"{known.here:.{printed.digits}f}" != printed.text.rstrip("%"), name
        assert known.source
        if match := re.match(r"([\w./]+\.(?:md|py))", known.source):
            assert (PUBLISHED.parents[1] / match[1]).exists(), known.source


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("3/AFT/delta_flops_g", 0.602800128),
        ("3/BiWKV+Shift/delta_flops_g", 6.803030016),
        ("5/Selective Scan 2D/ops_ld", 576),
        ("text/Conclusion: three sets/bd_rate_mean_pct", pytest.approx(-16.102, abs=5e-4)),
    ],
)
def test_formulas_and_means(shipped: dict[str, Claim], name: str, value: float) -> None:
    recomputed = shipped[name].recomputed
    assert recomputed is not None
    assert recomputed.value == value


def test_counts_of_a_run_are_held_against_the_printed_ones(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"lalic": 1.0, "elic": 1.0}, images=0, weights={"lalic": "random", "elic": "random"})
    claims = by_name(run)  # both with LALIC's printed figures
    assert claims["1/LALIC (Ours)/flops_g"].verdict == claims["3/BiWKV+Shift/params_m"].verdict == "reproduced"
    assert claims["1/ELIC/params_m"].is_unexplained  # 63.24, where 31.66 is known why
    assert claims["1/ELIC/params_m"].difference == pytest.approx(63.24 - 33.29)


def test_counts_at_another_size_say_nothing_of_operations(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"lalic": 1.0}, images=0, weights={"lalic": "random"})
    run.complexity.loc[:, "width"] = 256
    claims = by_name(run)
    assert claims["1/LALIC (Ours)/flops_g"].verdict == "cannot be checked"
    assert "Counted in run r at 256 x 512, printed for 768 x 512" in claims["1/LALIC (Ours)/flops_g"].reason
    assert claims["1/LALIC (Ours)/params_m"].verdict == "reproduced"


def test_a_measured_bd_rate_counts_beside_the_published_points(make_run: MakeRun, tmp_path: Path) -> None:
    name = "1/LALIC (Ours)/bd_rate_psnr_pct/kodak"
    trained = by_name(make_run(tmp_path / "trained", {"lalic": 1.0}, weights={"lalic": "0123abc"}))[name]
    assert trained.is_unexplained  # made-up points, far away, although the published ones agree
    random = by_name(make_run(tmp_path / "random", {"lalic": 1.0}, weights={"lalic": "random"}))[name]
    assert (random.verdict, random.measured) == ("reproduced", ())
    few = by_name(make_run(tmp_path / "few", {"lalic": 1.0}, weights={"lalic": "0123abc"}, images=3))[name]
    assert few.verdict == "reproduced"
    assert few.measured[0].value is None
    assert "Not comparable" in few.measured[0].hindrance


@pytest.mark.parametrize(
    ("gpu", "weights", "reason"),
    [
        ("Example GPU", "0123abc", "Measured in run r on Example GPU, printed for an NVIDIA RTX 4090."),
        ("NVIDIA GeForce RTX 4090", "random", "Run r has random weights"),
        ("NVIDIA GeForce RTX 4090", "0123abc", ""),
    ],
)
def test_times_count_on_the_same_gpu_alone(
    make_run: MakeRun, tmp_path: Path, gpu: str, weights: str, reason: str
) -> None:
    run = make_run(tmp_path / "r", {"lalic": 1.0}, weights={"lalic": weights}, device="cuda:0")
    run.info["environment"]["gpu"]["name"] = gpu
    claim = by_name(run)["1/LALIC (Ours)/enc_s"]
    assert claim.measured[0].value == pytest.approx(0.025)  # 0.01 to 0.04 s at the four qualities
    assert claim.verdict == ("cannot be checked" if reason else "differs")
    assert claim.reason.startswith(reason)


def test_a_picture_is_held_against_the_nearest_quality(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"lalic": 0.759 / 0.8}, weights={"lalic": "0123abc"})
    run.records.loc[run.records.image == "im11.png", "image"] = "kodim01.png"
    claims = by_name(run)
    assert claims["text/Figure 12, LALIC/bpp"].verdict == "reproduced"
    assert claims["text/Figure 12, LALIC/psnr_db"].difference == pytest.approx(33.0 - 0.05 - 32.12)
    assert "kodim02" in claims["text/Figure 13, LALIC/bpp"].reason


PRINTED = PrintedValue(
    table=1, row="x", column="Params(M)", value=33.29, text="33.29", unit="M", digits=2, quantity="params_m", codec="x"
)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_an_explanation_holds_for_its_value_alone(off: float, moved: float) -> None:
    known = Explanation(text="Why.", source="s", here=round(33.29 + off, 2))
    found = Found(value=round(33.29 + off + moved, 2), source="r")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdicts, "explanations", lambda: {"1/x/params_m": known})
        claim = verdicts._claim(PRINTED, None, [found])
    assert (claim.verdict == "reproduced") is (f"{found.value:.2f}" == "33.29")
    assert claim.is_unexplained is (claim.verdict == "differs" and found.value != known.here)


def test_a_bound_is_no_value() -> None:
    bound = PrintedValue(
        table=1,
        row="FAT",
        column="Dec(s)",
        value=10.0,
        text=">10.000",
        unit="s",
        digits=3,
        quantity="dec_s",
        codec="fat",
    )
    assert verdicts._claim(bound, None, [Found(value=426.0, source="r", tolerance=1.0)]).verdict == "reproduced"
    assert verdicts._claim(bound, None, [Found(value=9.9, source="r", tolerance=1.0)]).verdict == "differs"

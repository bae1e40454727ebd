from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lic_bench.compare.comparison import compare
from lic_bench.compare.gate_file import Gates
from lic_bench.compare.paired_values import OF_RECORDS
from lic_bench.errors import UserError
from lic_bench.history.point import Point
from lic_bench.history.run_points import commit_of, points_of
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def by_metric(run: Run) -> dict[str, Point]:
    return {point.metric: point for point in points_of(run) if point.on == "d"}


def test_every_number_that_compare_looks_at_has_a_point(tmp_path: Path, stored_run: MakeRun) -> None:
    found = points_of(stored_run(tmp_path))
    points = {point.metric: point for point in found if point.on == "d"}
    points |= {point.metric: point for point in found if point.on != "d" and point.metric != "status"}
    told = set(OF_RECORDS) - {"ms_ssim", "decode_max_abs"}  # these the records do not have
    assert set(points) == told | {"status", "peak_encode_rss", "encode_s", "decode_s", "macs", "parameters"}
    assert points["payload_bytes"].value == 1000.5
    assert points["mse_8bit"].value == 1 / 3
    assert (points["macs"].value, points["macs"].on, points["macs"].images) == (1e9, "exact, forward, 24x16", "")
    assert points["status"].value == 0
    assert points["payload_bytes"].seconds is points["payload_bytes"].low is None


def test_the_numbers_are_those_of_compare(tmp_path: Path, stored_run: MakeRun) -> None:
    run = stored_run(tmp_path)
    bases = {verdict.metric: verdict.base for verdict in compare(run, run, Gates()).verdicts if verdict.on == "d"}
    points = by_metric(run)
    assert bases.keys() == points.keys()
    numbers = {name: base for name, base in bases.items() if base is not None}
    assert len(numbers) >= 6
    for name, base in numbers.items():
        assert (points[name].seconds or points[name].value) == pytest.approx(base, rel=1e-15)


def test_the_origin_is_that_of_the_run(tmp_path: Path, stored_run: MakeRun) -> None:
    config = {"weights": {"fake": {"1": "random"}}, "modes": {"fake": "rgb"}}
    point = points_of(stored_run(tmp_path, config=config))[0]
    assert (point.commit, point.dirty, point.lic_bench) == ("0123456789ab", True, "0.1.0")
    assert (point.device, point.threads, point.cores_kept, point.isolate) == ("cpu", 1, 1, True)
    assert (point.weights, point.mode, point.protocol) == ("random", "rgb", "lic-bench-3")
    assert point.machine.startswith("intel-xeon-2-cores-")


def test_a_time_is_the_floor_over_that_of_the_reference_workload(tmp_path: Path, stored_run: MakeRun) -> None:
    run = stored_run(tmp_path)
    point = by_metric(run)["encode_s"]
    floors = [
        np.exp(np.quantile(np.log(row.encode_s), 0.1) - np.quantile(np.log(row.canary_s), 0.1))
        for row in run.records.itertuples()
    ]
    assert point.value == pytest.approx(np.sqrt(floors[0] * floors[1]))
    assert point.seconds == pytest.approx(np.median([np.quantile(samples, 0.1) for samples in run.records.encode_s]))
    assert point.canary_s == pytest.approx(0.010, rel=0.01)
    assert isinstance(point.value, float)
    assert point.low is not None
    assert point.high is not None
    assert point.low <= point.value <= point.high


def test_a_machine_slower_as_a_whole_moves_no_time_and_a_slower_codec_does(tmp_path: Path, stored_run: MakeRun) -> None:
    usual, slow, slower = (
        by_metric(stored_run(tmp_path / name, **changes))["encode_s"]
        for name, changes in (("a", {}), ("b", {"machine_slower": 1.2}), ("c", {"slower": 1.2}))
    )
    assert slow.value == pytest.approx(usual.value)
    assert slow.seconds == pytest.approx(1.2 * usual.seconds)
    assert slower.value == pytest.approx(1.2 * usual.value)


def test_a_byte_in_one_image_changes_the_point(tmp_path: Path, stored_run: MakeRun) -> None:
    before, after = (by_metric(stored_run(tmp_path / str(size), payload=size)) for size in (1000, 1001))
    assert after["payload_bytes"].value == before["payload_bytes"].value + 1
    assert after["bitstream_sha256"].value != before["bitstream_sha256"].value
    assert after["mse_8bit"].value == before["mse_8bit"].value


def test_failed_images_are_counted_and_begin_other_series_of_the_rest(tmp_path: Path, stored_run: MakeRun) -> None:
    whole, failed = (by_metric(stored_run(tmp_path / str(len(n)), failing=n)) for n in ((), (1,)))
    assert failed["status"].value == 1
    assert failed["status"].series == whole["status"].series
    assert failed["payload_bytes"].series != whole["payload_bytes"].series


def test_a_run_that_is_not_at_its_end_gives_only_operations(tmp_path: Path, stored_run: MakeRun) -> None:
    found = points_of(stored_run(tmp_path, images=2, asked=24))
    assert {point.metric for point in found} == {"status", "macs", "parameters"}
    assert {point.on for point in found} == {"exact, forward, 24x16"}


def test_pictures_that_nobody_can_use_do_not_stand_for_missing_ones(tmp_path: Path, stored_run: MakeRun) -> None:
    run = stored_run(tmp_path, images=2, asked=2)
    run.info["images"] = {f"d/{name}": "" for name in run.records.image}
    grey = run.records.iloc[:1].assign(image="grey.png", status="failed", image_sha256="")
    one_lacks = run.records.iloc[:1]
    for records, complete in ((run.records, True), (one_lacks, False)):
        run.records = pd.concat([records, grey], ignore_index=True)
        assert ("payload_bytes" in by_metric(run)) == complete


@pytest.mark.parametrize(
    ("part", "values", "says"),
    [("environment", None, "time"), ("environment", {"time": None}, "time"), ("fingerprint", {}, "machine")],
)
def test_a_run_that_does_not_tell_time_or_machine_is_refused(
    tmp_path: Path, stored_run: MakeRun, part: str, values: object, says: str
) -> None:
    run = stored_run(tmp_path)
    run.info[part] = values
    with pytest.raises(UserError, match=rf"its run.json does not tell its {says} \({part}\)"):
        points_of(run)


def test_memory_that_codecs_share_is_left_out(tmp_path: Path, stored_run: MakeRun) -> None:
    together = {"codecs": ["fake", "jpeg"], "isolate": False}
    assert "peak_encode_rss" not in by_metric(stored_run(tmp_path / "a", config=together))
    assert "peak_encode_rss" in by_metric(stored_run(tmp_path / "b", config=together | {"isolate": True}))


@pytest.mark.parametrize("part", [{"threads": 3}, {"protocol": "other"}, {"device": "other"}, {"isolate": False}])
def test_what_may_not_be_compared_is_another_series(
    tmp_path: Path, stored_run: MakeRun, part: dict[str, object]
) -> None:
    other = points_of(stored_run(tmp_path / "b", config=part))
    assert points_of(stored_run(tmp_path / "a"))[0].series != other[0].series


def test_another_version_of_a_library_stays_in_the_series(tmp_path: Path, stored_run: MakeRun) -> None:
    before, after = (
        points_of(stored_run(tmp_path / torch, fingerprint={"torch": torch}))[0] for torch in ("2.15.0", "2.16.0")
    )
    assert before.series == after.series
    assert before.software != after.software


def test_points_are_of_the_commit_that_measured_them(tmp_path: Path, stored_run: MakeRun) -> None:
    run = stored_run(tmp_path)
    assert {point.commit for point in points_of(run)} == {"0123456789ab"}
    run.records["commit"] = "ba9876543210"
    assert {(point.on, point.commit, point.dirty) for point in points_of(run)} == {
        ("d", "ba9876543210", False),
        ("exact, forward, 24x16", "0123456789ab", True),
    }


def test_images_measured_at_several_commits_are_of_none(tmp_path: Path, stored_run: MakeRun) -> None:
    run = stored_run(tmp_path)
    run.records["commit"] = ["ba9876543210", "0123456789ab-dirty"]
    assert {point.on for point in points_of(run)} == {"exact, forward, 24x16"}


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("0123456789ab", ("0123456789ab", False)),
        ("0123456789ab-dirty", ("0123456789ab", True)),
        ("0123456789ab-dirty-89abcdef", ("0123456789ab", True)),
        ("v0.2.0-13-g0123456789ab-dirty", ("0123456789ab", True)),
        ("v0.2.0", ("v0.2.0", False)),
        (None, (None, None)),
    ],
)
def test_the_commit_is_taken_out_of_what_git_describes(described: str | None, expected: tuple[object, ...]) -> None:
    assert commit_of(described) == expected

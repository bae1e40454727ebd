"""The runs that come with the project: sound, found by name, and never beside the same measured again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.report import reference_runs
from lic_bench.report.write_report import write_report
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def kodak() -> Run:
    return Run(reference_runs.choose_references("kodak")[0])


def test_every_classical_codec_is_there_with_six_points_over_all_images(kodak: Run) -> None:
    records = kodak.records
    assert set(records.codec) == {"jpeg", "jpeg2000", "webp", "avif", "jpeg-xl", "vvenc", "hevc", "av1"}
    assert set(records.groupby("codec").quality.nunique()) == {6}
    assert set(records.groupby(["codec", "quality"]).image.nunique()) == {24}
    assert set(records.status) == {"ok"}
    assert set(records.decode_max_abs) == {0}
    assert kodak.info["config"]["images"] == {"kodak": 24}


def test_their_times_are_of_the_same_bitstreams() -> None:
    run, times = (Run(folder) for folder in reference_runs.choose_references("kodak,kodak-times"))
    (joined,) = reference_runs.merge_times([run, times])
    timed = joined.records[joined.records.encode_s.map(len) > 0]
    assert len(timed) == len(times.records) == 48
    assert set(timed.groupby("codec").quality.nunique()) == {6}
    assert set(timed.image) == {"kodim01.png"}


def test_rate_and_distortion_rise_with_quality(kodak: Run) -> None:
    means = kodak.records.groupby(["codec", "quality"])[["payload_bytes", "psnr_db"]].mean().reset_index()
    for _, curve in means.groupby("codec"):
        assert curve.sort_values("payload_bytes").psnr_db.is_monotonic_increasing


def test_names() -> None:
    assert reference_runs.choose_references("none") == []
    assert [folder.name for folder in reference_runs.choose_references("all")] == list(
        reference_runs.reference_folders()
    )
    with pytest.raises(UserError, match=r"Unknown reference run 'kodac'. Did you mean 'kodak'\?"):
        reference_runs.choose_references("kodac")
    for nothing in ("", " , "):
        with pytest.raises(UserError, match=r"--reference '[ ,]*' names no run; give kodak, .*all or none\."):
            reference_runs.choose_references(nothing)


def test_what_the_user_measured_on_the_same_images_is_left_out(make_run: MakeRun, tmp_path: Path) -> None:
    reference = make_run(tmp_path / "reference", {"jpeg": 1.5, "webp": 1.2})
    own = make_run(tmp_path / "own", {"jpeg": 1.4})
    (left,) = reference_runs.without_remeasured([reference], [own])
    assert set(left.records.codec) == {"webp"}
    assert reference_runs.without_remeasured([left], [make_run(tmp_path / "more", {"webp": 1.1})]) == []


def test_times_of_some_images_become_part_of_the_run_with_the_same_bitstreams(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run, times = (make_run(tmp_path / name, {"jpeg": 1.5, "webp": 1.2}) for name in ("mine", "mine-times"))
    for name, values in (("bitstream_sha256", run.records.index.astype(str)), ("encode_s", [[]] * len(run.records))):
        run.records[name] = values
    times.records["bitstream_sha256"] = times.records.index.astype(str)
    times.records = times.records.iloc[[3, 0]]
    (joined,) = reference_runs.merge_times([run, times])
    assert joined is run
    assert [bool(samples) for samples in run.records.encode_s[:5]] == [True, False, False, True, False]
    assert run.records.encode_s[3] == times.records.encode_s[3]
    assert run.records.conditions[0] == times.records.conditions[0]


def test_times_of_other_bitstreams_or_machines_stay_apart(make_run: MakeRun, tmp_path: Path) -> None:
    run, times = (make_run(tmp_path / name, {"jpeg": 1.5}) for name in ("mine", "mine-times"))
    for frame in (run.records, times.records):
        frame["bitstream_sha256"] = frame.index.astype(str)
    assert reference_runs.merge_times([run, times]) == [run, times]  # it has times of its own
    run.records["encode_s"] = [[]] * len(run.records)
    times.info["fingerprint"] = run.info["fingerprint"] | {"cpu": "another"}
    assert reference_runs.merge_times([run, times]) == [run, times]
    times.info["fingerprint"] = run.info["fingerprint"]
    times.records.loc[0, "bitstream_sha256"] = "another"
    assert reference_runs.merge_times([run, times]) == [run, times]


def test_other_images_leave_it_as_it_is(make_run: MakeRun, tmp_path: Path) -> None:
    reference = make_run(tmp_path / "reference", {"jpeg": 1.5})
    few = make_run(tmp_path / "few", {"jpeg": 1.4}, images=3)
    assert len(reference_runs.without_remeasured([reference], [few])[0].records) == 96


def test_a_report_shows_it_beside_published_values(tmp_path: Path) -> None:
    written = write_report([], tmp_path, reference="kodak")
    text = (tmp_path / "bd_rate.md").read_text()
    assert "VVenC" in text
    assert written.index.is_file()
    alone = write_report([], tmp_path / "alone", published="none", reference="kodak", anchor="jpeg")
    assert alone.index.is_file()

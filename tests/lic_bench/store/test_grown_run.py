from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.grown_run import joined_runs

CONFIG: dict[str, Any] = {
    "codecs": ["jpeg"], "datasets": ["kodak"], "images": {"kodak": 2}, "qualities": {"jpeg": [50, 10]},
    "weights": {}, "measure": ["quality"], "device": "cpu", "threads": 1, "repeats": 5, "isolate": False, "limit": 2,
    "complexity_size": [512, 768], "protocol": "p",
}  # fmt: skip
RUN: dict[str, Any] = {
    "config": CONFIG,
    "images": {"kodak/a": "1", "kodak/b": "2"},
    "fingerprint": {"cpu": "x", "programs": {}, "cores_kept": None},
    "environment": {"time": "then"},
    "conversions": {},
    "warnings": [],
}


def run(
    images: dict[str, str] | None = None, fingerprint: dict[str, Any] | None = None, **config: Any
) -> dict[str, Any]:
    return RUN | {
        "config": CONFIG | config,
        "images": images or RUN["images"],
        "fingerprint": RUN["fingerprint"] | (fingerprint or {}),
    }


def config_of(stored: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    return joined_runs(Path("run"), stored, asked)["config"]


def test_the_same_run_again_changes_nothing() -> None:
    assert joined_runs(Path("run"), RUN, RUN) == RUN


def test_codecs_qualities_data_sets_and_measurements_are_added() -> None:
    asked = run(
        images={"clic/c": "3"}, codecs=["webp"], datasets=["clic"], qualities={"webp": [7], "jpeg": [90]},
        measure=["memory"], limit=None,
    )  # fmt: skip
    config = config_of(RUN, asked)
    assert (config["codecs"], config["datasets"]) == (["jpeg", "webp"], ["kodak", "clic"])
    assert config["qualities"] == {"jpeg": [50, 10, 90], "webp": [7]}
    assert (config["measure"], config["limit"]) == (["quality", "memory"], None)
    assert config["images"] == {"kodak": 2, "clic": 1}
    assert joined_runs(Path("run"), RUN, asked)["environment"] == {"time": "then"}


def test_fewer_images_of_a_larger_run_leave_it_as_it_is() -> None:
    assert config_of(RUN, run(images={"kodak/a": "1"}, limit=1)) == CONFIG


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (run(device="cuda"), "device was 'cpu', now 'cuda'"),
        (run(threads=2), "threads was 1, now 2"),
        (run(crop=256), "crop was None, now 256"),
        (run(protocol="q"), "protocol was 'p', now 'q'"),
        (run(images={"kodak/a": "9"}), "image kodak/a was '1', now '9'"),
        (run(fingerprint={"cpu": "y"}), "cpu was 'x', now 'y'"),
        (run(fingerprint={"programs": {"vtm": ["2"]}}), r"programs vtm was \['1'\], now \['2'\]"),
        (run(weights={"lalic": {"3": "no"}}), "weights of lalic 3 was 'yes', now 'no'"),
        (run(sizes=[32]), r"sizes was None, now \[32\]"),
    ],
)
def test_what_makes_rows_incomparable_is_refused_by_name(asked: dict[str, Any], says: str) -> None:
    stored = run(weights={"lalic": {"3": "yes"}}, fingerprint={"programs": {"vtm": ["1"]}})
    with pytest.raises(
        UserError, match=f"run holds a run whose rows could not be compared with these: {says}; .*--fresh"
    ):
        joined_runs(Path("run"), stored, asked)


def test_repeats_and_isolation_count_only_between_rows_with_costs() -> None:
    timed = run(measure=["latency"], isolate=True, repeats=9, fingerprint={"cores_kept": 2})
    for stored, asked in ((RUN, timed), (timed, RUN)):
        grown = joined_runs(Path("run"), stored, asked)
        assert (grown["config"]["isolate"], grown["config"]["repeats"]) == (True, 9)
        assert grown["fingerprint"]["cores_kept"] == 2
    with pytest.raises(UserError, match="repeats was 9, now 5; isolate was True, now False"):
        joined_runs(Path("run"), timed, run(measure=["memory"], fingerprint={"cores_kept": 2}))


def test_a_size_of_counting_counts_only_where_both_count() -> None:
    small = run(measure=["complexity"], complexity_size=[256, 256])
    assert config_of(RUN, small)["complexity_size"] == [256, 256]
    with pytest.raises(UserError, match="complexity_size was"):
        config_of(small, run(measure=["complexity"]))


SOME = st.lists(st.sampled_from("abcd"), unique=True)


@given(first=SOME, second=SOME)
def test_the_order_of_growth_does_not_matter_for_what_is_in_a_run(first: list[str], second: list[str]) -> None:
    def growing(codecs: list[str]) -> dict[str, Any]:
        return run(codecs=codecs, qualities={codec: [ord(codec)] for codec in codecs})

    one, other = config_of(growing(first), growing(second)), config_of(growing(second), growing(first))
    assert sorted(one["codecs"]) == sorted(other["codecs"]) == sorted({*first, *second})
    assert one["qualities"] == other["qualities"]

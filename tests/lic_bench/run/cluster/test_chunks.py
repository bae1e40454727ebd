from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import Failure
from lic_bench.run.cluster.chunks import (
    IMAGES,
    Answer,
    BatchChunk,
    CountChunk,
    ImageChunk,
    batch_chunks,
    image_chunks,
    smaller_chunks,
    with_files_at,
)
from lic_bench.run.counting import failed_counts
from lic_bench.run.job_result import JobResult
from lic_bench.run.jobs import Job, plan
from lic_bench.run.throughput import BatchJob
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Throughput

SPECS = [
    CodecSpec(name="network", label="N", kind="learned", load="n:N", qualities=(1, 2, 3)),
    CodecSpec(name="program", label="P", kind="classical", load="p:P", qualities=(5, 6), programs="p:found"),
    CodecSpec(name="library", label="L", kind="classical", load="l:L", qualities=(9,)),
]


def picture(number: int) -> Image:
    return Image(name=f"{number}.png", path=Path(f"/data/{number}.png"), sha256=f"{number:064}", width=8, height=8)


def jobs_of(specs: Sequence[CodecSpec], images: int, sets: int) -> list[Job]:
    datasets = [
        Dataset(name=f"set{number}", images=tuple(picture(10 * number + i) for i in range(images)))
        for number in range(sets)
    ]
    return list(plan(specs, {spec.name: spec.qualities for spec in specs}, datasets))


SOME_JOBS = st.builds(
    lambda specs, images, sets, data: [job for job in jobs_of(specs, images, sets) if data.random() < 0.8],
    st.lists(st.sampled_from(SPECS), min_size=1, max_size=3, unique_by=lambda spec: spec.name),
    st.integers(1, 9),
    st.integers(1, 2),
    st.randoms(use_true_random=False),
)


@given(SOME_JOBS)
def test_chunks_hold_each_job_once(jobs: list[Job]) -> None:
    for timed in (False, True):
        chunks = list(image_chunks(jobs, timed=timed))
        assert Counter(job.key for chunk in chunks for job in chunk.jobs) == Counter(job.key for job in jobs)
        parts = [part for chunk in chunks for part in smaller_chunks(chunk)]
        assert Counter(job.key for part in parts for job in part.jobs) == Counter(job.key for job in jobs)  # type: ignore[union-attr]


@given(SOME_JOBS)
def test_without_times_a_chunk_has_one_codec_and_quality_and_they_come_together(jobs: list[Job]) -> None:
    chunks = list(image_chunks(jobs, timed=False))
    loaded = [chunk.codecs for chunk in chunks]
    assert all(len(codecs) == 1 for codecs in loaded)
    changes = [codecs for codecs, before in zip(loaded, [None, *loaded], strict=False) if codecs != before]
    assert len(changes) == len(set(changes))
    for chunk in chunks:
        assert len(chunk.jobs) <= (1 if chunk.jobs[0].spec.programs else IMAGES)


@given(SOME_JOBS)
def test_for_times_a_chunk_has_one_image_through_all_codecs_in_the_run_s_order(jobs: list[Job]) -> None:
    chunks = list(image_chunks(jobs, timed=True))
    assert [job for chunk in chunks for job in chunk.jobs] == jobs
    for chunk in chunks:
        assert len({(job.dataset, job.rung, job.image.name) for job in chunk.jobs}) == 1
    assert len(chunks) == len({(job.dataset, job.rung, job.image.name) for job in jobs})
    assert all(smaller_chunks(chunk) == [chunk] for chunk in chunks if len(chunk.codecs) > 1)


def test_a_chunk_that_was_lost_is_tried_again_image_by_image() -> None:
    (chunk,) = image_chunks(jobs_of([SPECS[2]], 3, 1), timed=False)
    assert [[image.name for image in part.images] for part in smaller_chunks(chunk)] == [
        ["0.png"],
        ["1.png"],
        ["2.png"],
    ]
    count = CountChunk(SPECS[0], 1, (64, 64))
    assert smaller_chunks(count) == [count]


def test_batches_go_together_by_codec_quality_and_data_set() -> None:
    images = (picture(0), picture(1))
    jobs = [
        BatchJob(spec=SPECS[0], quality=quality, dataset=dataset, batch=batch, images=images)
        for quality in (1, 2)
        for dataset in ("x", "y")
        for batch in (1, 2)
    ]
    chunks = list(batch_chunks(jobs))
    assert [[job.batch for job in chunk.jobs] for chunk in chunks] == [[1, 2]] * 4
    assert chunks[0].images == images
    assert chunks[0].codecs == (("network", 1),)


def test_pictures_have_the_paths_of_the_node() -> None:
    places = {Path("/data/0.png"): Path("/node/0.png")}
    chunk = ImageChunk(tuple(jobs_of([SPECS[2]], 2, 1)))
    assert [image.path for image in with_files_at(chunk, places).images] == [Path("/node/0.png"), Path("/data/1.png")]
    builtin = replace(picture(0), path=None)
    batch = BatchJob(spec=SPECS[0], quality=1, dataset="x", batch=1, images=(builtin, picture(0)))
    assert [image.path for image in with_files_at(BatchChunk((batch,)), places).images] == [None, Path("/node/0.png")]


def test_an_answer_says_whether_any_of_it_failed() -> None:
    failure = Failure("crash", "ended")
    result = JobResult.begun(jobs_of([SPECS[2]], 1, 1)[0], "cpu", ())
    good = replace(failed_counts(SPECS[0], 1, (64, 64), failure)[0], status="ok", error=None, failure=None)
    assert not Answer(counts=[good]).has_failures
    result.failure = failure
    batch = BatchJob(spec=SPECS[0], quality=1, dataset="x", batch=1, images=(picture(0),))
    for answer in (
        Answer(records=[(result.record, 0.0)]),
        Answer(counts=[good, *failed_counts(SPECS[0], 1, (64, 64), failure)]),
        Answer(batches=[Throughput(**batch.fields("cpu"), status="failed", error="ended", failure="crash")]),
        Answer(problem="no such picture"),
    ):
        assert answer.has_failures


def test_labels_say_what_a_chunk_is() -> None:
    job = jobs_of([SPECS[1]], 1, 1)[0]
    assert ImageChunk((job,)).label == "program q5 set0/0.png"
    assert CountChunk(SPECS[0], 1, (64, 96)).label == "network: operations at 96 x 64"

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.run.jobs import plan
from lic_bench.spec import CodecSpec


def spec(name: str) -> CodecSpec:
    return CodecSpec(name=name, label=name, kind="classical", load="x:y", qualities=(1,))


def dataset(name: str, count: int) -> Dataset:
    images = (Image(name=str(i), path=None, width=1, height=1, sha256=None) for i in range(count))
    return Dataset(name=name, images=tuple(images))


def test_the_plan_goes_rung_by_rung_and_interleaves_codecs() -> None:
    ladders = {"a": (1, 2), "b": (7,)}
    jobs = plan([spec("a"), spec("b")], ladders, [dataset("x", 2), dataset("y", 1)])
    assert ["".join(map(str, job.key)) for job in jobs] == [
        *["a1x0", "b7x0", "a1x1", "b7x1"],
        *["a2x0", "a2x1"],
        *["a1y0", "b7y0", "a2y0"],
    ]

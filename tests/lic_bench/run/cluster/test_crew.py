"""Who is taken in and who is refused, told by what workers say of themselves; no Dask."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.run.cluster import crew as crew_module
from lic_bench.run.cluster.chunks import Introduction, NodeFile
from lic_bench.run.cluster.crew import Crew, Facts

ENVIRONMENT = {"lic_bench": "1.0", "git_commit": "abc", "memory_bytes": 2**34}
FINGERPRINT = {
    "cpu": "Example CPU",
    "torch": "2.0",
    "packages": {"numpy": "2.0", "pillow": "11"},
    "coders": {"jpeg": "libjpeg-turbo 3.0"},
    "programs": {"vvenc": ["1.9", "f" * 64]},
    "kernels": {},
}


class Cluster:
    """Of a connection what is used here: every worker that is there says what it was given."""

    address = "tcp://here:1"

    def __init__(self, **workers: Introduction | BaseException | None) -> None:
        self.there = dict(workers)
        self.resources = {"machine": 1}
        self.asked: list[str] = []

    def check(self) -> None: ...

    def refusals(self) -> list[str]:
        return []

    def workers(self) -> dict[str, Any]:
        return {address: {"resources": self.resources} for address in self.there}

    def tell(self, *arguments: object, at: Sequence[str], wait: bool = True) -> None: ...

    def cancel(self, futures: object) -> None: ...

    def submit(self, name: str, *arguments: object, at: str) -> Any:
        self.asked.append(at)
        said = self.there[at]
        status = "pending" if said is None else "error" if isinstance(said, BaseException) else "finished"
        future = SimpleNamespace(status=status, exception=lambda: said, result=lambda timeout: said)
        future.add_done_callback = lambda told: told(future) if said is not None else None
        return future


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "LOOK_S", 0.0)


def said_by(host: str, environment: dict[str, Any] | None = None, **fingerprint: object) -> Introduction:
    return Introduction(host=host, environment=ENVIRONMENT | (environment or {}), fingerprint=FINGERPRINT | fingerprint)


def crew_of(
    cluster: Cluster, *, timed: bool = False, files: Sequence[NodeFile] = (), **more: Any
) -> tuple[Crew, list[str]]:
    notes: list[str] = []
    orders: Any = SimpleNamespace(timed=timed, run="run", folder="folder", files=files)
    connection: Any = cluster
    here = Facts(ENVIRONMENT, FINGERPRINT)
    return Crew(connection, orders, here, notes.append, waits_s=more.pop("waits_s", 60.0), **more), notes


def look(crew: Crew) -> list[str]:
    """After one look and what was said then: the names of who is there."""
    crew.look()
    for event, address, future in crew.news():
        assert event == "introduced"
        crew.admit(address, future)
    return [member.name for member in crew.members.values()]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"environment": {"git_commit": "def"}}, "git_commit: def there, abc in the run"),
        ({"torch": "2.1"}, "torch: 2.1 there, 2.0 in the run"),
        ({"packages": {"numpy": "2.0", "pillow": "12"}}, "packages: pillow 12 there, 11 in the run"),
        ({"coders": {}}, "coders: jpeg None there, libjpeg-turbo 3.0 in the run"),
        ({"programs": {"vvenc": ["2.0", "e" * 64]}}, "programs: vvenc ['2.0', 'eeee"),
    ],
)
def test_software_that_decides_the_bytes_must_be_the_run_s(other: dict[str, Any], named: str) -> None:
    crew, notes = crew_of(Cluster(good=said_by("good"), bad=said_by("bad", **other)))
    assert look(crew) == ["good"]
    (refused,) = [note for note in notes if note.startswith("refused")]
    assert refused.startswith(f"refused worker bad (bad): {named}")


def test_another_kind_of_machine_matters_for_times_only() -> None:
    cluster = Cluster(first=said_by("first"), other=said_by("other", cpu="Another CPU"))
    assert look(crew_of(cluster)[0]) == ["first", "other"]
    crew, notes = crew_of(cluster, timed=True)
    assert look(crew) == ["first"]
    assert notes[-1].endswith(
        "another kind of machine: cpu: Another CPU there, Example CPU in the run; it needs a run of its own"
    )
    stored = Facts(ENVIRONMENT, FINGERPRINT | {"cpu": "Another CPU"})
    assert look(crew_of(cluster, timed=True, kind=stored)[0]) == ["other"]


def test_two_workers_of_one_machine_take_no_times_beside_each_other() -> None:
    cluster = Cluster(one=said_by("node"), two=said_by("node"))
    assert look(crew_of(cluster)[0]) == ["node", "node"]
    crew, notes = crew_of(cluster, timed=True)
    assert look(crew) == ["node"]
    assert notes[-1] == "refused worker node (two): another worker is on that machine, and times are taken alone"


def test_a_worker_that_is_not_alone_takes_no_times() -> None:
    cluster = Cluster(one=said_by("node"))
    cluster.resources = {}
    crew, notes = crew_of(cluster, timed=True)
    assert look(crew) == cluster.asked == []
    assert notes[-2].endswith("start it with --resources machine=1")


def test_one_name_is_one_set_of_facts_also_over_resumed_runs() -> None:
    crew, _ = crew_of(Cluster(one=said_by("node")))
    look(crew)
    later, _ = crew_of(Cluster(one=said_by("node"), two=said_by("node", cpu="Another CPU")), facts=dict(crew.facts))
    assert look(later) == ["node", "node#2"]
    assert later.facts["node"] == crew.facts["node"]
    assert later.facts["node#2"]["cpu"] == "Another CPU"
    with_more_codecs, _ = crew_of(Cluster(one=said_by("node", kernels={"net": "cpu"})), facts=dict(crew.facts))
    assert look(with_more_codecs) == ["node"]


def test_who_comes_back_is_asked_again_and_who_stays_refused_is_not() -> None:
    cluster = Cluster(one=said_by("node", torch="1.0"))
    crew, notes = crew_of(cluster)
    assert [look(crew), look(crew)] == [[], []]
    assert cluster.asked == ["one"]
    cluster.there = {}
    look(crew)
    cluster.there = {"one": said_by("node")}
    assert look(crew) == ["node"]
    cluster.there = {}
    assert look(crew) == []
    assert notes[-2:] == ["worker node is gone; 0 left", "no usable worker: waiting 60 s for one"]


def test_what_fails_as_a_worker_says_who_it_is_refuses_it_in_one_line() -> None:
    crew, notes = crew_of(Cluster(one=UserError("lic_bench: 2.0 there, 1.0 in the run"), two=KeyError("x\ny")))
    assert look(crew) == []
    assert [note for note in notes if note.startswith("refused")] == [
        "refused worker one: lic_bench: 2.0 there, 1.0 in the run",
        "refused worker two: KeyError: 'x\\ny'",
    ]


def test_a_worker_that_never_says_who_it_is_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, notes = crew_of(Cluster(one=None), waits_s=0.0)
    assert look(crew) == []
    monkeypatch.setattr(crew_module, "INTRODUCE_S", 0.0)
    with pytest.raises(UserError, match="no worker: all were refused: did not say who it is within 0 s"):
        [look(crew) for _ in range(9)]
    assert notes[0] == "refused worker one: did not say who it is within 0 s"


def test_a_first_worker_is_waited_for_no_longer_than_allowed() -> None:
    crew, notes = crew_of(Cluster(), waits_s=0.01)
    with pytest.raises(UserError, match=r"no worker: none came within 0.01 s. What was measured is stored"):
        crew.wait_for_first()
    assert notes == ["no usable worker: waiting 0.01 s for one"]


def test_a_worker_that_has_gigabytes_to_read_is_given_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "INTRODUCE_S", 0.0)
    crew, notes = crew_of(Cluster(one=None), files=[NodeFile(Path("weights"), "", 10**9)])
    assert [look(crew) for _ in range(3)] == [[]] * 3
    assert not [note for note in notes if note.startswith("refused")]

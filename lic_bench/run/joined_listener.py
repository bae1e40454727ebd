"""One listener for a run that begins several times, once for each of its parts."""

from collections.abc import Sequence

from lic_bench.run.jobs import Job
from lic_bench.run.session import Listener


class JoinedListener:
    """A Listener that tells another one of the parts of a run, codec after codec, as if they were one run."""

    def __init__(self, listener: Listener, jobs: Sequence[Job]) -> None:
        """jobs: of all parts; each part has those of one codec, in the order in which the codecs first appear."""
        self.job, self.record, self.note = listener.job, listener.record, listener.note
        self._listener = listener
        names = dict.fromkeys(job.spec.name for job in jobs)
        self._parts = [[job for job in jobs if job.spec.name == name] for name in names]
        self._done = 0
        self._expected: Sequence[Job] | None = None  # of the part that begins next, as the listener was told

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """Tell the listener of this part and all later ones, if it was told something else before.

        What is stored of a later part is known only when that part begins.
        """
        later_parts = self._parts[1:]
        if self._expected is None or [job.key for job in self._expected] != [job.key for job in jobs]:
            self._listener.started([*jobs, *(job for part in later_parts for job in part)], self._done + done)
        self._parts, self._done = later_parts, self._done + len(jobs) + done
        self._expected = later_parts[0] if later_parts else None

"""Where replicates run: in this process, in processes beside it, on a cluster."""

from dataclasses import dataclass

from loky import cpu_count

from compare.errors import check_count


@dataclass(frozen=True)
class Place:
    """Where shards run.

    Attributes
    ----------
    workers : int
        1: this process. More: as many processes of their own.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers run the shards instead.
    companion : bool
        Whether, with one worker, a process beside this one shall begin.
    """

    workers: int = 1
    scheduler: str | None = None
    companion: bool = False

    def __post_init__(self) -> None:
        check_count("workers", self.workers)

    @property
    def here(self) -> bool:
        """Whether shards run in this process."""
        return self.workers == 1 and self.scheduler is None


HERE = Place()


def usual_place(replicates: int, workers: int | None = None, scheduler: str | None = None) -> Place:
    """Return where so many replicates a side run, unless it is said: a process spends seconds to import TensorFlow."""
    if workers is None:
        workers = max(1, min(replicates // 500, cpu_count()))
        if workers > 2 or scheduler is not None:
            return Place(workers, scheduler)
        # This process is one of two, and a copy of it, the other, has no TensorFlow to import.
        return Place(companion=replicates >= 100 and cpu_count() > 1)
    return Place(workers, scheduler)

"""What the process that plans the work tells its jobs on other machines, which read the configuration again.

Were they to look at the data and at the bundles' states for themselves, they would find what has happened since: the
data is there by now, or files were put back after a failure; and their numbers would not be those of the plan.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gradgrid.core.files import replacing
from gradgrid.core.prepared import Prepared


@dataclass(frozen=True)
class Handover:
    """The dataset as the plan saw it, and the :attr:`~gradgrid.core.work.Work.generation` of each bundle by key.

    ``forced`` are the bundles whose runs are trained whatever is there, as :data:`gradgrid.core.work.RETRAIN` has
    them; ``source`` is a digest of the modules that train, which must be the same where the jobs run.
    """

    data: Prepared
    generations: Mapping[str, int]
    forced: tuple[str, ...]
    source: str

    @classmethod
    def read(cls, path: Path) -> "Handover":
        """What :meth:`write` wrote."""
        record = json.loads(path.read_text(encoding="utf-8"))
        attempt, known = record["data"]["attempt"], record["data"]["known"]
        data = Prepared(attempt, tuple(known) if known else None)
        return cls(data, record["generations"], tuple(record["forced"]), record["source"])

    def write(self, path: Path) -> None:
        """Write it, whole or not at all: jobs of an earlier plan may be reading it."""
        with replacing(path) as part:
            part.write_text(json.dumps(asdict(self)), encoding="utf-8")

"""What the grid's jobs used: which of them count, and the report's table."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from configs import config

from gradgrid.core.cost import bundle_seconds
from gradgrid.core.plan import plan
from gradgrid.core.trainings import TRAINING_KEY
from gradgrid.core.usage import Used, usage
from gradgrid.report import jobs

CONFIG = config(depth=[1, 2], execution={"bundle_minutes": 0.01})
BUNDLES = plan(CONFIG).bundles
HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
LINE = "{s}\t0:00:33\t{rss}\t4735.84\t746.02\t780.98\t28.42\t0.00\t11.60\t{cpu}\n"
WHOLE = {"device": "cpu", "torch": "2.15.0", "seconds": 20.0, "peak_memory_mib": 1048}


def timed(results, bundle, *, s="33.45", rss="1034.96", cpu="3.99", text=None):
    """The file with a job's times."""
    path = results / "benchmarks" / "train" / f"{bundle.key}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + LINE.format(s=s, rss=rss, cpu=cpu) if text is None else text)


def trained(results, bundle, *trainings):
    """The runs file of a bundle, with facts of what trained it; by default all of its runs in one go."""
    path = results / "grid" / "runs" / f"{bundle.key}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    every = [run.run_id for run in bundle.runs]
    facts = [{**WHOLE, "runs": every, **changed} for changed in trainings or ({},)]
    metadata = {TRAINING_KEY: json.dumps(facts)}
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), path)


@pytest.fixture
def results(tmp_path):
    """Results of four bundles, all trained whole."""
    for bundle in BUNDLES:
        timed(tmp_path, bundle)
        trained(tmp_path, bundle)
    return tmp_path


def counted(results):
    """How many jobs count, by depth."""
    return {entry["depth"]: entry["measured"] for entry in usage(CONFIG, "mnist", results=results)}


def test_given_and_used_stand_side_by_side(results):
    timed(results, BUNDLES[0], s="50.00", rss="1100.5", cpu="40.01")
    first, second = usage(CONFIG, "mnist", results=results)
    shallow = [bundle for bundle in BUNDLES if bundle.depth == 1]
    estimate = sum(bundle_seconds(bundle, CONFIG, "mnist") for bundle in shallow)
    assert BUNDLES[0] in shallow
    assert first == {
        "depth": 1,
        "bundles": 2,
        "measured": 2,
        "runtime_minutes": 10,
        "longest_seconds": 50.0,
        "memory_mb": 2000,
        "largest_memory_mb": 1100.5,
        "cpu_seconds": 44.0,
        "seconds": 83.45,
        "estimated_seconds": round(estimate, 2),
    }
    assert (second["depth"], second["longest_seconds"]) == (2, 33.45)


def test_of_some_bundles_only_these_are_counted(results):
    (entry,) = usage(CONFIG, "mnist", BUNDLES[:1], results)
    assert (entry["bundles"], entry["measured"]) == (1, 1)


def test_without_results_there_is_no_entry(tmp_path):
    assert usage(CONFIG, "mnist", results=tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        "something else\n1\n",
        HEAD + LINE.format(s="0.31", rss="NA", cpu="NA"),
        HEAD + LINE.format(s="0.31", rss="-", cpu="-"),
        HEAD + "33.45\n",
        "\0\n\0",
    ],
)
def test_files_that_say_nothing_are_left_out(results, text):
    timed(results, BUNDLES[0], text=text)
    assert counted(results) == {1: 1, 2: 2}


def test_a_binary_file_is_left_out(results):
    (results / "benchmarks" / "train" / f"{BUNDLES[0].key}.tsv").write_bytes(b"\xff\xfe\x00")
    assert counted(results) == {1: 1, 2: 2}


@pytest.mark.parametrize(
    ("times", "trainings"),
    [
        ({}, [{"runs": ["a"]}]),
        ({}, [{"runs": [BUNDLES[0].runs[0].run_id]}, {"runs": [BUNDLES[0].runs[1].run_id]}]),
        ({"s": "3.10"}, [{}]),
        ({"s": "3.10", "rss": "180.00"}, [{"seconds": 0.6}]),
        ({"s": "33.00"}, [{"seconds": 90.0}]),
        ({}, [{"device": "an accelerator"}]),
    ],
    ids=["other runs", "kept some", "kept all", "kept all of a short one", "went on", "not on the CPU"],
)
def test_jobs_that_did_not_train_their_whole_bundle_do_not_count(results, times, trainings):
    timed(results, BUNDLES[0], **times)
    trained(results, BUNDLES[0], *trainings)
    assert counted(results) == {1: 1, 2: 2}


def test_a_bundle_without_its_runs_does_not_count(results):
    (results / "grid" / "runs" / f"{BUNDLES[0].key}.parquet").unlink()
    assert counted(results) == {1: 1, 2: 2}


def test_runs_that_a_bundle_has_no_more_were_trained_too(results):
    bundle = replace(BUNDLES[0], runs=BUNDLES[0].runs[:1])
    assert usage(CONFIG, "mnist", [bundle], results) == []


def test_one_job_read(results):
    path = results / "benchmarks" / "train" / f"{BUNDLES[0].key}.tsv"
    assert Used.read(path) == Used(seconds=33.45, cpu_seconds=3.99, memory_mb=1034.96)


def test_the_table_has_a_row_for_each_depth_and_one_for_all(results):
    trained(results, BUNDLES[0], {"runs": ["a"]})
    table = jobs.table(usage(CONFIG, "mnist", results=results))
    assert [title for title, _ in table.groups] == ["1", "2", "all"]
    assert {len(row) + 1 for _, rows in table.groups for row in rows} == {len(table.headings)}
    ((whole,),) = [rows for title, rows in table.groups if title == "all"]
    assert whole[:7] == ["3", "10 min", "33 s", "2,000", "1,035", "12 s", "1 min 40 s"]
    _, *deep = (bundle_seconds(b, CONFIG, "mnist") for b in sorted(BUNDLES, key=lambda bundle: bundle.depth))
    assert float(whole[8]) == pytest.approx(3 * 33.45 / sum(deep), rel=0.03)
    assert "Counted are 3 of the 4 bundles' jobs" in table.caption


def test_one_depth_needs_no_sum_and_no_job_no_table(results):
    assert [title for title, _ in jobs.table(usage(CONFIG, "mnist", BUNDLES[:1], results)).groups] == ["1"]
    assert jobs.table([]) is None

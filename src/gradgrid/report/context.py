"""What the page says: from what was read to the words and numbers that the templates set."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.datasets import TITLES
from gradgrid.core.entries import UNSAID
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.numbers import listed
from gradgrid.core.results import RESULTS
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.core.verdicts import Verdicts, rules
from gradgrid.report import book, cells, explorer, honesty, jobs, laboratory, statistics
from gradgrid.report.asking import Cells
from gradgrid.report.contents import contents, titles
from gradgrid.report.explorer import BEST_FIRST
from gradgrid.report.findings import Grid, findings
from gradgrid.report.glossary import glossary
from gradgrid.report.inputs import Inputs
from gradgrid.report.looks import looks
from gradgrid.report.numbers import count, duration
from gradgrid.report.pictures import chapters
from gradgrid.report.questions import questions

NOT_THERE = "not there yet"
"""What stands in that table for runs that are asked for and still to be trained."""
CHAPTERS = {"book": "the book's chapter", "laboratory": "the laboratory"}
BESIDE = {"book": (book, BOOK_TABLES), "laboratory": (laboratory, LABORATORY_TABLES)}
"""The chapters beside the grid: what makes each, and its tables."""


def context(inputs: Inputs) -> dict[str, Any]:
    """Every name that the templates use."""
    title = data_title(inputs.dataset)
    limits = Verdicts(**inputs.provenance["config"].get("verdicts", {}))
    page = {
        "version": inputs.provenance["versions"]["gradgrid"],
        "data_title": title,
        "runs": _runs(inputs),
        "part": _part(inputs),
        "lede": _lede(inputs),
        "findings": findings(Grid(inputs.runs, inputs.found, inputs.accuracy, inputs.statistics, title)),
        "interval_note": _interval_note(inputs.runs),
        "facts": _facts(inputs),
        "rests": honesty.grounds(inputs.runs, inputs.provenance, _seeds(inputs), inputs.book is not None),
        "factors": _factors(inputs.cells),
        "provenance": _provenance(inputs.provenance),
        "verdict_rules": rules(limits),
        "jobs": jobs.table(inputs.provenance.get("jobs", ())),
        "settings": _yaml(inputs.provenance["config"]),
        "config_name": inputs.config_name,
        "config_text": inputs.config_text,
        **_notice(inputs.provenance["dataset"]),
        **_cells(inputs),
        **_chapters(inputs),
    }
    entries = contents(page)
    return {
        **page,
        "contents": entries,
        "glossary": glossary(titles(entries)),
        "looks": looks(inputs.runs, page, inputs.statistics),
        "questions": questions(_asked(inputs, page["explorer"]["header"], limits)),
    }


def _asked(inputs: Inputs, header: Mapping[str, Any], limits: Verdicts) -> Cells:
    """What the questions are about."""
    steps = header["times"]["gradients"]["steps"]
    return Cells(inputs.found.reset_index(drop=True), inputs.statistics["ranks"], int(steps[-1]), limits)


def _chapters(inputs: Inputs) -> dict[str, Any]:
    """The chapters beside the grid, or None, those of the other figures, and the tables of the data dictionary."""
    made, others, tables = {}, inputs.figures, dict(RESULTS)
    compared = [figure for figure in others if figure[0].chapter == statistics.TITLE]
    others = [figure for figure in others if figure[0].chapter != statistics.TITLE]
    made["statistics"] = statistics.chapter(inputs.statistics, compared, len(_seeds(inputs)))
    for name, (module, described) in BESIDE.items():
        given = getattr(inputs, name)
        if given is None:
            made[name] = None
            continue
        own = [figure for figure in others if figure[0].chapter == module.TITLE]
        others = [figure for figure in others if figure[0].chapter != module.TITLE]
        made[name] = module.chapter(given, own, inputs.dataset)
        tables |= {f"{name}/{table}": schema for table, schema in described.items()}
    return {**made, "chapters": chapters(others), "tables": tables}


def _runs(inputs: Inputs) -> str:
    """Their number: ``4,320``, or ``2,304 of 4,320`` where more were asked for."""
    return count(len(inputs.runs)) + (f" of {count(inputs.part.asked)}" if inputs.part else "")


def _part(inputs: Inputs) -> dict[str, Any] | None:
    """Of a part of what was asked for, the chapters that are not there yet."""
    if not inputs.part:
        return None
    asked = inputs.provenance["config"]
    missing = [CHAPTERS[name] for name in BESIDE if asked.get(name) and getattr(inputs, name) is None]
    return {"missing": missing, "words": listed(missing) if missing else ""}


def data_title(dataset: str) -> str:
    """The dataset as a reader knows it; a name without a title stands for itself."""
    return TITLES.get(dataset, dataset)


def _notice(dataset: Mapping[str, Any]) -> dict[str, str | None]:
    """The banner that says loudly that another dataset was used than asked for."""
    if not dataset["fallback"]:
        return {"notice": None}
    first, _, rest = dataset["message"].partition("\n")
    return {"requested_title": data_title(dataset["requested"]), "notice": first, "notice_details": rest}


def _lede(inputs: Inputs) -> str:
    seeds = len(_seeds(inputs))
    each = f" and each of {seeds} seeds" if seeds > 1 else " with one seed"
    return (
        f"{_runs(inputs)} fully connected nets, one for each of {count(len(inputs.cells))} "
        f"combinations of {listed(_varying(inputs.cells) or ['fixed factors'])}{each}, "
        f"trained for {_number_of(inputs.epochs, 'epoch')}, with the gradient of every layer measured "
        "on the way."
    )


def _seeds(inputs: Inputs) -> list[int]:
    """The seeds asked for."""
    return sorted(inputs.part.seeds if inputs.part else inputs.runs["seed"].unique())


def _varying(frame: pd.DataFrame) -> list[str]:
    return [name.replace("_", " ") for name in FACTOR_NAMES if frame[name].nunique() > 1]


def _number_of(number: int, word: str) -> str:
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def _interval_note(runs: pd.DataFrame) -> str:
    seeds = runs["seed"].nunique()
    if seeds < 2:
        return "With one seed there are no intervals: nothing here tells a difference from chance."
    return (
        f"Intervals are over the {seeds} seeds; the methods below say how they are made and what they cover."
    )


def _facts(inputs: Inputs) -> list[tuple[str, str]]:
    dataset, training = inputs.provenance["dataset"], inputs.provenance["config"]["training"]
    sizes = (f"{count(size)} {split}" for split, size in dataset["sizes"].items())
    seeds = _seeds(inputs)
    diverged = int((inputs.runs["status"] == "diverged").sum())
    return [
        ("Data", f"{data_title(inputs.dataset)}: {listed(sizes)} images"),
        ("Grid", f"{count(len(inputs.cells))} cells × {_number_of(len(seeds), 'seed')}"),
        ("Runs", f"{_runs(inputs)}, of which {count(diverged)} diverged"),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Length", f"{_number_of(inputs.epochs, 'epoch')}, minibatches of {training['minibatch']}"),
        ("Loss", training["loss"].replace("_", "-")),
        ("Weight decay (the book's λ)", f"{training['weight_decay']:g}"),
        ("Biases", {"normal": "standard normal", "zero": "zero"}[training["bias"]]),
        ("Training time, summed over runs", duration(inputs.runs["seconds"].sum())),
    ]


def _factors(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Each factor with its levels in the order of the grid."""
    return [
        {"name": name.replace("_", " "), "levels": [str(level) for level in frame[name].unique()]}
        for name in FACTOR_NAMES
    ]


def _cells(inputs: Inputs) -> dict[str, Any]:
    frame, explored = inputs.cells, explorer.context(inputs)
    constant = (name for name in FACTOR_NAMES if frame[name].nunique() == 1 and _said(frame, name))
    return {
        "explorer": explored,
        "options": cells.options(frame, explored["columns"]),
        "constant": ", ".join(f"{name.replace('_', ' ')} {frame[name].iloc[0]}" for name in constant),
        "outcomes": _outcomes(inputs),
        "tables_folder": "results/partial/tables" if inputs.part else "results/tables",
    }


def _said(frame: pd.DataFrame, factor: str) -> bool:
    """Whether a factor with one level is worth a word."""
    return frame[factor].iloc[0] != UNSAID.get(factor)


def _outcomes(inputs: Inputs) -> dict[str, Any]:
    """Number of runs with each verdict that occurs, and of those that are not there yet, by depth and in all."""
    cells, runs = inputs.cells, inputs.runs
    depths = sorted(cells["depth"].unique())
    table = pd.crosstab(runs["verdict"], runs["depth"]).reindex(columns=depths, fill_value=0)
    order = [word for word in BEST_FIRST if word in table.index]
    if inputs.part:
        asked = cells.groupby("depth").size() * len(inputs.part.seeds)
        order.append(NOT_THERE)
        table.loc[NOT_THERE] = asked - cells.groupby("depth")["seeds"].sum()
    rows = [(word, [count(n) for n in (*table.loc[word], table.loc[word].sum())]) for word in order]
    return {"depths": list(table.columns), "rows": rows}


def _provenance(record: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Titled lists of names and values."""
    return [
        ("Data", _data_rows(record["dataset"])),
        ("Source", _source_rows(record)),
        ("Machine", _machine_rows(record)),
        ("Versions", list(record["versions"].items())),
        *([("Training", _training_rows(record["training"]))] if record["training"] else []),
    ]


def _data_rows(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    files = [(file["name"], f"md5 {file['md5']} ({file['checksum']})") for file in dataset["files"]]
    return [
        ("asked for", data_title(dataset["requested"])),
        ("used", data_title(dataset["dataset"])),
        ("from", dataset["source"]),
        ("digest of images and labels", dataset["digest"]),
        ("training pixels, 0 to 1", f"mean {dataset['mean']:.4f}, standard deviation {dataset['std']:.4f}"),
        *files,
    ]


def _source_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    git = record["git"]
    return [("git", git["state"]), ("commit", git["commit"] or "–"), ("written", record["time"])]


def _machine_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    hardware = record["hardware"]
    memory = hardware["memory_gib"]
    return [
        ("processor", f"{hardware['cpu']} ({hardware['architecture']})"),
        ("logical cores", f"{hardware['cores']}, of which {hardware['cores_usable']} usable"),
        ("memory", "unknown" if memory is None else f"{memory:g} GiB"),
        ("operating system", record["operating_system"]),
    ]


def _training_rows(setups: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """One row for each setup that trained bundles; a second one says that they are mixed."""
    return [(_number_of(setup["bundles"], "bundle"), "; ".join(_training_words(setup))) for setup in setups]


def _training_words(setup: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} {value}" for name, value in setup.items() if isinstance(value, str))
    if "seconds" in setup:
        yield duration(setup["seconds"])
    if "peak_memory_mib" in setup:
        yield f"at most {count(setup['peak_memory_mib'])} MiB of memory"


def _yaml(settings: Mapping[str, Any]) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)

"""What a good configuration means, and how files and the command line are merged."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from configs import GOOD, changed

from gradgrid.core.config import Config, from_merged, load
from gradgrid.core.entries import Entry
from gradgrid.core.errors import ConfigError
from gradgrid.core.schema import json_schema, schema_text

REPOSITORY = Path(__file__).parents[2]
DEFAULT = REPOSITORY / "config.yaml"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes files into an empty current folder."""
    monkeypatch.chdir(tmp_path)
    return lambda name, text: Path(name).write_text(text, encoding="utf-8")


def told(values, *files):
    """The problems of a merged configuration."""
    with pytest.raises(ConfigError) as caught:
        from_merged(values, files)
    return list(caught.value.problems)


def test_the_default_configuration_is_the_grid_of_the_readme():
    config = load(DEFAULT)
    factors = config.factors
    assert (factors.depth, factors.width, factors.learning_rate) == ((1, 2, 4, 8), (30,), (0.1,))
    assert [entry.name for entry in factors.activation] == [
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "elu",
        "gelu",
    ]
    assert len(factors.initializer) == 12
    assert factors.clipping == (
        None,
        Entry.of("norm", {"threshold": 1}),
        Entry.of("value", {"threshold": 0.1}),
    )
    assert config.seeds == (0, 1, 2, 3, 4)
    assert (config.dataset.name, config.dataset.root, config.dataset.fallback) == ("mnist", None, "digits")


def test_every_key_that_may_be_left_out_stands_in_the_default_configuration_with_its_default():
    written = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    required = {name: written["factors"][name] for name in ("depth", "activation", "initializer")}
    bare = {"seeds": written["seeds"], "factors": required | {"clipping": written["factors"]["clipping"]}}
    assert from_merged(bare, []) == load(DEFAULT)
    for section in ("dataset", "factors", "training", "execution"):
        fields = Config.model_fields[section].annotation.model_fields
        assert list(written[section]) == list(fields)


def test_a_level_alone_and_in_a_list_and_a_parameter_at_its_default_are_the_same(write):
    write("a.yaml", GOOD)
    write(
        "b.yaml", GOOD.replace("sigmoid", "[sigmoid]").replace("normal,", "{normal: {std: 1, mean: -0.0}},")
    )
    assert load("a.yaml") == load("b.yaml")


def test_the_short_form_gives_the_only_required_parameter(write):
    write("a.yaml", GOOD + "  clipping: [{norm: 2}, {value: {threshold: 0.5}}]\n")
    labels = [(entry.name, entry.keywords) for entry in load("a.yaml").factors.clipping]
    assert labels == [("norm", {"threshold": 2.0}), ("value", {"threshold": 0.5})]


def test_seeds_are_a_count_or_a_list(write):
    write("a.yaml", GOOD.replace("seeds: 2", "seeds: [7, 3]"))
    assert load("a.yaml").seeds == (7, 3)
    assert load("a.yaml", overrides={"seeds": 3}).seeds == (0, 1, 2)


def test_anchors_and_merge_keys_are_followed(write):
    write("a.yaml", GOOD + "training: &recipe {epochs: 2, minibatch: 20}\n")
    write("b.yaml", "training:\n  <<: {epochs: 3, bias: zero}\n  minibatch: 5\n")
    training = load("a.yaml", "b.yaml").training
    assert (training.epochs, training.bias, training.minibatch) == (3, "zero", 5)


def test_an_anchor_in_itself_is_a_problem_and_no_endless_loop(write):
    write("a.yaml", "seeds: &s [1, *s]\n" + GOOD.partition("\n")[2])
    with pytest.raises(ConfigError, match=r"a\.yaml:1: an anchor that contains itself"):
        load("a.yaml")


def test_what_a_configuration_holds_is_read_back_as_itself():
    config = load(DEFAULT)
    assert Config.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load(DEFAULT).device = "cpu"


def test_problems_stand_in_the_last_file_that_gives_the_value(write):
    write("config.yaml", GOOD)
    write("mine.yaml", "# mine\nfactors:\n  depth: [0]\n")
    values = {
        "seeds": 2,
        "factors": {"depth": [0], "activation": "sigmoid", "initializer": ["x", "lecun_normal"]},
    }
    found = told(values, "config.yaml", "mine.yaml")
    assert [problem.partition(" ")[0] for problem in found] == ["mine.yaml:3", "--config"]


def test_what_the_command_line_gives_as_text_is_read_as_yaml_reads_it(write):
    write("config.yaml", GOOD)
    values = yaml.safe_load(GOOD) | {
        "training": {"epochs": "2", "weight_decay": "0.5"},
        "dataset": {"fallback": "null"},
    }
    values["factors"]["clipping"] = ["null", {"norm": "1.0"}]
    values["factors"]["activation"] = {"leaky_relu": {"negative_slope": "0.2"}}
    config = from_merged(values, ["config.yaml"])
    assert (config.training.epochs, config.training.weight_decay, config.dataset.fallback) == (2, 0.5, None)
    assert config.factors.clipping == (None, Entry.of("norm", {"threshold": 1.0}))
    assert config.factors.activation == (Entry.of("leaky_relu", {"negative_slope": 0.2}),)


def test_text_in_a_file_stays_text_though_the_command_line_gives_other_values(write):
    write("config.yaml", GOOD.replace("depth: [1, 2]", 'depth: "2"'))
    values = yaml.safe_load(Path("config.yaml").read_text()) | {"seeds": 4, "device": "gpu"}
    found = told(values, "config.yaml")
    assert [problem.partition(";")[0] for problem in found] == [
        "config.yaml:3 factors.depth: '2' is text in YAML, not a whole number: write 2 without quotes",
        "--config device: 'gpu' is not a device",
    ]


def test_a_key_that_no_file_holds_is_missing_in_the_first(write):
    write("config.yaml", GOOD.replace("seeds: 2\n", ""))
    write("mine.yaml", "device: cpu\n")
    with pytest.raises(ConfigError, match=r"^config\.yaml:1 seeds: missing: replicates of every cell"):
        load("config.yaml", "mine.yaml")


def test_later_files_are_laid_over_earlier_ones_key_by_key(write):
    write("config.yaml", GOOD)
    write("mine.yaml", "factors: {depth: 3}\n")
    config = load("config.yaml", "mine.yaml", overrides={"training": {"epochs": 1}})
    assert (config.factors.depth, config.factors.initializer[0].name, config.training.epochs) == (
        (3,),
        "normal",
        1,
    )


def test_the_schema_for_editors_is_up_to_date():
    written = (REPOSITORY / "config.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "run: gradgrid schema > config.schema.json"
    assert DEFAULT.read_text().startswith("# yaml-language-server: $schema=config.schema.json\n")


def test_the_schema_accepts_the_default_configuration_and_refuses_what_gradgrid_refuses():
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    good = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    assert list(validator.iter_errors(good)) == []
    for path, value in {
        "device": "gpu",
        "seeds": 0,
        "factors.depth": [],
        "factors.activation": "sigmiod",
        "factors.initializer": {"uniform": {"lo": 1}},
        "factors.clipping": "norm",
        "factors.learning_rate": 0,
        "factors.optimizer": {"momentum": {"momentum": 1.0}},
        "training.epochs": 1.5,
        "training.measure_steps": "often",
    }.items():
        assert list(validator.iter_errors(changed(good, path, value))) != [], path

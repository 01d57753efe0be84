"""How problems are worded: values as YAML shows them, what is allowed, and what was probably meant."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from itertools import islice
from reprlib import Repr

_ALSO_KNOWN_AS = {
    "he_normal": "kaiming_normal",
    "he_uniform": "kaiming_uniform",
    "glorot_normal": "xavier_normal",
    "glorot_uniform": "xavier_uniform",
    "kaiming": "kaiming_normal",
    "xavier": "xavier_uniform",
    "truncated_normal": "trunc_normal",
    "gaussian": "normal",
    "eye": "identity",
    "linear": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "softmax": "softmax_cross_entropy",
    "mse": "quadratic",
    "gpu": "cuda",
    "batch_size": "minibatch",
    "lr": "learning_rate",
    "eta": "learning_rate",
    "lambda": "weight_decay",
    "layers": "depth",
}
"""Names that other books and libraries use for what config.yaml calls otherwise."""

_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxlong = 40, 24
_LONGEST = 80
"""Characters of a value in a sentence."""


def shown(value: object) -> str:
    """A value as config.yaml would hold it, shortened to fit in a sentence."""
    text = _written(value, depth=0)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def bare(value: object) -> str:
    """A word without quotes, anything else as :func:`shown`."""
    return value if isinstance(value, str) and value.isidentifier() and len(value) <= 40 else shown(value)


def _written(value: object, depth: int) -> str:
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
        case date():
            return value.isoformat()
        case Mapping():
            items = (f"{bare(key)}: {_item(item, depth)}" for key, item in value.items())
            return f"{{{_few(items, depth)}}}"
        case list() | tuple():
            return f"[{_few((_item(item, depth) for item in value), depth)}]"
    return _SHORT.repr(value)


def _item(value: object, depth: int) -> str:
    return _written(value, depth + 1) if isinstance(value, Mapping | list | tuple) else bare(value)


def _few(items: Iterator[str], depth: int) -> str:
    """The first few items of a list or mapping, and none of one that is nested deeply."""
    first = list(islice(items, 7)) if depth < 3 else ["…"]
    return ", ".join([*first[:6], "…"] if len(first) > 6 else first)


def nearest(given: object, allowed: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The allowed name that was probably meant, if any is near; ``cutoff`` is how near, from 0 to 1."""
    names = list(allowed)
    plain = str(given).strip().lower().replace("-", "_").replace(" ", "_")
    if (known := _ALSO_KNOWN_AS.get(plain)) in names:
        return known
    with_it = [name for name in names if plain in name.split("_")]
    near = get_close_matches(plain, names, n=1, cutoff=cutoff) or (with_it if len(with_it) == 1 else [])
    return next(iter(near), None)


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """``; did you mean sigmoid?``, or nothing where no allowed name is near."""
    near = nearest(given, allowed)
    return f"; did you mean {near}?" if near else ""


def among(given: object, what: str, allowed: Iterable[str]) -> str:
    """``'sigmiod' is not an activation; allowed: …; did you mean sigmoid?``."""
    names = list(allowed)
    return f"{shown(given)} is not {what}; allowed: {', '.join(names)}{did_you_mean(given, names)}"


def not_a_number(value: object, allowed: str, *, whole: bool = False) -> str:
    """Why ``value`` is no (whole) number, with the trap of YAML that it may have fallen into."""
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool):
        why = f"{shown(value)} is a truth value (YAML reads yes, no, on and off as such), not {kind}"
    elif isinstance(value, str) and (written := _as_yaml_number(value.strip(), whole)):
        why = f"{shown(value)} is text in YAML, not {kind}: write {written}"
        why += " without quotes" if written == value.strip() else ""
    else:
        why = f"{shown(value)} is not {kind}"
    return f"{why}; allowed: {allowed}"


def _as_yaml_number(text: str, whole: bool) -> str | None:
    """The number in ``text`` as YAML wants it (a point, a signed exponent), or None if it holds none."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if whole and number.is_integer() and "e" in text.lower():
        return str(int(number))
    mantissa, with_exponent, exponent = text.lower().partition("e")
    if not with_exponent:
        return text
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa}{point}e{sign}{exponent}"

"""How problems are worded: values as YAML shows them, what is allowed, and what was probably meant."""

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
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
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxstring, _SHORT.maxlong = 3, 6, 40, 24


def shown(value: object) -> str:
    """A value as config.yaml would hold it, shortened to fit in a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_bare(key)}: {_bare(item)}" for key, item in list(value.items())[:3])
        return f"{{{inside}{', …' if len(value) > 3 else ''}}}"
    return _SHORT.repr(value)


def _bare(value: object) -> str:
    return value if isinstance(value, str) and value.isidentifier() and len(value) <= 40 else shown(value)


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """``; did you mean sigmoid?``, or nothing where no allowed name is near."""
    names = list(allowed)
    plain = str(given).strip().lower().replace("-", "_").replace(" ", "_")
    known = _ALSO_KNOWN_AS.get(plain)
    near = [known] if known in names else get_close_matches(plain, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def among(given: object, what: str, allowed: Iterable[str]) -> str:
    """``'sigmiod' is not an activation; allowed: …; did you mean sigmoid?``."""
    names = list(allowed)
    return f"{shown(given)} is not {what}; allowed: {', '.join(names)}{did_you_mean(given, names)}"


def not_a_number(value: object, kind: str, allowed: str) -> str:
    """Why ``value`` is not a number of this ``kind``, with the trap of YAML that it may have fallen into."""
    if isinstance(value, bool):
        why = f"{shown(value)} is a truth value (YAML reads yes, no, on and off as such), not {kind}"
    elif isinstance(value, str) and (written := _as_yaml_number(value)):
        quoted = written == value.strip()
        why = f"{shown(value)} is text{'' if quoted else ' in YAML'}, not {kind}: write {written}"
        why += " without quotes" if quoted else ""
    else:
        why = f"{shown(value)} is not {kind}"
    return f"{why}; allowed: {allowed}"


def _as_yaml_number(text: str) -> str | None:
    """The number in ``text`` as YAML wants it (a point, a signed exponent), or None if it holds none."""
    text = text.strip()
    try:
        if not math.isfinite(float(text)):
            return None
    except ValueError:
        return None
    mantissa, exponent_sign, exponent = text.lower().partition("e")
    if not exponent_sign:
        return text
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa}{point}e{sign}{exponent}"

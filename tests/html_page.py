"""A page of HTML as tests read it: elements, text, scripts and styles."""

import gzip
import json
import math
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest


class Page(HTMLParser):
    """The elements of a page, the text of each, and the texts of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self._within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in self.raw:
            self.raw[tag].append("")
            self._within.append(tag)

    def handle_endtag(self, tag):
        if tag in self.raw:
            self._within.pop()

    def handle_data(self, data):
        if self._within:
            self.raw[self._within[-1]][-1] += data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def script(self, name: str) -> str:
        """The text of the script with this id."""
        return self.raw["script"][[script.get("id") for script in self.all("script")].index(name)]

    @property
    def header(self) -> dict:
        """What the explorer knows beside its numbers."""
        text = self.script("explorer-header")
        return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    @property
    def numbers(self) -> dict[str, np.ndarray]:
        """The explorer's numbers by name."""
        planes = np.frombuffer(gzip.decompress(b64decode(self.script("explorer-numbers"))), np.uint8)
        numbers = np.ascontiguousarray(planes.reshape(4, -1).T).view("<f4").ravel()
        shapes = dict(self.header["shapes"])
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
        assert ends[-1] == len(numbers)
        parts = zip(shapes.items(), np.split(numbers, ends[:-1]), strict=True)
        return {name: values.reshape(shape) for (name, shape), values in parts}

    @property
    def levels(self) -> dict[str, list]:
        """The levels of every factor."""
        return {factor["name"]: factor["levels"] for factor in self.header["factors"]}


def section(name: str, text: str) -> str:
    """The section of a page with this id, up to the next one."""
    return text.partition(f'<section id="{name}"')[2].partition("<section ")[0]


def rows(text: str, table: str) -> list[list[str]]:
    """The cells of the body of one of the page's tables, as plain text."""
    body = text.partition(f'id="{table}"')[2].partition("</table>")[0].partition("</thead>")[2]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("</tr>")[:-1]]
    return [[" ".join(Page(cell).text.split()) for cell in row] for row in found]

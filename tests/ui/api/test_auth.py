"""Keys come by header alone, and files only from where a caller may take them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from hugginggpt.core.errors import HuggingGPTError, RequestError, ResourceError
from hugginggpt.core.settings import Settings
from hugginggpt.ui.api.auth import Keys, read_keys, take_files
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({}, Keys()),
        ({"X-HF-Token": " hf_mine "}, Keys(hf_token="hf_mine")),
        ({"Authorization": "Bearer hf_mine"}, Keys(hf_token="hf_mine")),
        ({"authorization": "Bearer hf_other", "x-hf-token": "hf_mine"}, Keys(hf_token="hf_mine")),
        ({"Authorization": "Bearer sk-of-a-proxy"}, Keys()),
        ({"Authorization": "Basic aGY6aGY="}, Keys()),
        ({"X-HF-Authorization": "Bearer hf_of_the_owner"}, Keys()),  # Gradio's client sends it unasked
        ({"X-HF-Token": "hf_mine", "X-HF-Bill-To": "my-org"}, Keys(hf_token="hf_mine", bill_to="my-org")),
        ({"X-OpenAI-Key": "sk-1"}, Keys(openai_key="sk-1")),
        (
            {"X-OpenAI-Key": "sk-1", "X-OpenAI-Base-URL": "http://127.0.0.1:1/v1", "X-OpenAI-Model": "m"},
            Keys(openai_key="sk-1", base_url="http://127.0.0.1:1/v1", model="m"),
        ),
    ],
)
def test_keys_are_read_from_headers(headers: dict[str, str], keys: Keys) -> None:
    assert read_keys(headers) == keys


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-HF-Token": "sk-1234"}, "begins with hf_"),
        ({"X-OpenAI-Base-URL": "http://127.0.0.1:1/v1", "X-HF-Token": "hf_mine"}, "without X-OpenAI-Key"),
        ({"X-OpenAI-Base-URL": "http://127.0.0.1:1/v1", "X-OpenAI-Key": "sk"}, "without X-OpenAI-Model"),
        ({"X-OpenAI-Model": "m"}, "without X-OpenAI-Key"),
        ({"X-HF-Bill-To": "my org"}, "no name of an organization"),
    ],
)
def test_half_a_set_of_headers_is_refused_in_a_sentence(headers: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        read_keys(headers)
    assert "sk-1234" not in str(refused.value)


def test_keys_do_not_show() -> None:
    assert "secret" not in repr(Keys("hf_secret", "sk-secret"))


async def test_a_space_does_not_call_its_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(openai_key="sk-1", base_url="http://127.0.0.1:1/v1", model="m")
    assert (await keys.make_language_model()) is not None
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")
    with pytest.raises(HuggingGPTError, match="private"):
        await keys.make_language_model()


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "cat.jpg").write_bytes((MEDIA / "cat.jpg").read_bytes())
    return tmp_path / "uploads"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(Settings(sessions=tmp_path / "sessions"))


async def test_a_file_is_an_upload_an_address_of_one_a_data_text_or_an_example(workspace: Workspace, uploads: Path) -> None:
    upload = uploads / "cat.jpg"
    data = base64.b64encode(upload.read_bytes()).decode()
    files = [
        {"path": str(upload), "orig_name": "../my cat.jpg", "meta": {"_type": "gradio.FileData"}},
        str(upload),
        f"http://127.0.0.1:7860/gradio_api/file={upload}",
        f"data:image/jpeg;base64,{data}",
        "sign.jpg",
    ]
    taken = await take_files(workspace, files, uploads, max_bytes=10**6)
    assert [resource.kind.value for resource in taken] == ["image"] * 5
    assert [resource.origin.label for resource in taken] == ["my cat.jpg", "cat.jpg", "cat.jpg", "file.jpeg", "sign.jpg"]
    assert upload.is_file()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"path": "/etc/passwd"}, "was not uploaded"),
        ({"path": "/etc/passwd", "orig_name": "cat.jpg", "meta": {"_type": "gradio.FileData"}}, "was not uploaded"),
        ({"path": "{uploads}/../outside.txt"}, "was not uploaded"),
        ({"path": "{uploads}/link.txt"}, "was not uploaded"),
        ({"path": "\0"}, "was not uploaded"),
        ("/etc/passwd", "There is no"),
        ("{uploads}/../outside.txt", "There is no"),
        ("http://127.0.0.1:7860/gradio_api/file=/etc/passwd", "private or reserved"),
        ("file:///etc/passwd", "only http and https"),
        ("http://127.0.0.1:1/cat.jpg", "private or reserved"),
        ("data:image/png;base64,%%%", "not valid base64"),
        ("data:image/png;base64," + "A" * 3000, "at most"),
        ("data:text/plain,hello", "must be base64"),
        (7, "neither an upload nor a URL"),
        ({"url": "http://127.0.0.1:1/cat.jpg"}, "neither an upload nor a URL"),
    ],
)
async def test_nothing_else_is_taken(workspace: Workspace, uploads: Path, file: object, said: str) -> None:
    (uploads.parent / "outside.txt").write_text("not yours")
    (uploads / "link.txt").symlink_to(uploads.parent / "outside.txt")
    filled = file.replace("{uploads}", str(uploads)) if isinstance(file, str) else file
    if isinstance(file, dict):
        filled = {key: v.replace("{uploads}", str(uploads)) if isinstance(v, str) else v for key, v in file.items()}
    with pytest.raises(ResourceError, match=said):
        await take_files(workspace, [filled], uploads, max_bytes=2000)
    assert workspace.resources == ()
    assert [path for path in workspace.folder.rglob("*") if path.is_file()] == []

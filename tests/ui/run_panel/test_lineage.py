"""What was made from what, over several requests."""

from __future__ import annotations

from hugginggpt.core.events import Event, ModelRef, Planned, RequestStarted, ResourcesFetched, TaskDone
from hugginggpt.core.plan import Argument, Plan, Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.ui.run_panel.lineage import trace_lineage

MODEL = ModelRef("some/model", "bundled")
PHOTO = Resource("image-1", Kind.IMAGE, Origin("upload", "Cat.jpg"))


def made(name: str, task_id: int) -> Resource:
    return Resource(name, Kind(name.partition("-")[0]), Origin("task", "a task", task_id), text="…")


def task(name: str, number: int, **args: Argument) -> Task:
    return Task(name, number, (), args)


def recorded(tasks: list[Task], outputs: dict[int, list[str]], *before: Event) -> Recording:
    done = (TaskDone(n, MODEL, tuple(made(name, n) for name in names), 1.0) for n, names in outputs.items())
    events = (*before, Planned(Plan(tuple(tasks)), 0.1), *done)
    return Recording(events, tuple(float(i) for i in range(len(events))))


def test_a_chain_over_two_requests() -> None:
    first = recorded(
        [task("image-to-text", 0, image="image-1"), task("text-to-speech", 1, text="<resource>-0")],
        {0: ["text-1"], 1: ["audio-1"]},
        RequestStarted("read it", (PHOTO,), "built-in planner"),
    )
    second = recorded([task("automatic-speech-recognition", 0, audio="audio-1")], {0: ["text-2"]})
    assert trace_lineage([first, second], load_task_table()) == {
        "text-1": ("image-1",),
        "audio-1": ("text-1",),
        "text-2": ("audio-1",),
    }


def test_of_several_results_the_kind_that_is_wanted_goes_on() -> None:
    tasks = [task("object-detection", 0, image="cat.JPG"), task("text-to-speech", 1, text="<resource>-0")]
    told = RequestStarted("find it", (PHOTO,), "built-in planner")
    found = trace_lineage([recorded(tasks, {0: ["image-2", "text-1"], 1: ["audio-1"]}, told)], load_task_table())
    assert found == {"image-2": ("image-1",), "text-1": ("image-1",), "audio-1": ("text-1",)}


def test_what_was_fetched_is_known_by_its_address() -> None:
    page = Resource("image-1", Kind.IMAGE, Origin("url", "fox.png"))
    tasks = [task("image-to-text", 0, image="https://example.org/a/fox.png?size=2")]
    assert trace_lineage([recorded(tasks, {0: ["text-1"]}, ResourcesFetched((page,)))], load_task_table()) == {
        "text-1": ("image-1",)
    }


def test_several_inputs_are_all_named_and_words_alone_are_not() -> None:
    tasks = [
        task("text-to-image", 0, text="a red fox, in the snow"),
        task("sentence-similarity", 1, text="text-1,text-2", other_text="A fox."),
    ]
    texts = tuple(Resource(f"text-{n}", Kind.TEXT, Origin("upload", f"{n}.txt"), text="…") for n in (1, 2))
    told = RequestStarted("compare", texts, "built-in planner")
    found = trace_lineage([recorded(tasks, {0: ["image-1"], 1: ["text-3"]}, told)], load_task_table())
    assert found == {"text-3": ("text-1", "text-2")}


def test_a_task_that_is_not_over_has_made_nothing() -> None:
    assert trace_lineage([recorded([task("image-to-text", 0, image="image-1")], {})], load_task_table()) == {}

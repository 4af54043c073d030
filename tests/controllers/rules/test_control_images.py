"""New pictures from control pictures, masks, and labels for pictures: what the built-in planner makes of their words."""

from typing import Any

import pytest

from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from tests.controllers.rules.test_controller import plan


def picture(label: str, number: int = 1) -> Resource:
    return Resource(f"image-{number}", Kind.IMAGE, Origin("upload", label))


@pytest.mark.parametrize(
    ("kind", "request_", "prompt"),
    [
        ("canny", "Take the Canny edges of photo.jpg and paint a golden bridge from them", "a golden bridge"),
        ("canny", "edges of this please, then a stained glass window made from the edges", "a stained glass window"),
        ("canny", "Run canny on it, then use the edges to paint a chapel at night", "a chapel at night"),
        ("hed", "Make a snowy owl with the soft outlines of photo.jpg", "a snowy owl"),
        ("mlsd", "Keep the straight lines of photo.jpg and make a modern kitchen", "a modern kitchen"),
        ("mlsd", "Get the straight lines, then make a picture of a tea house with the same lines", "a tea house"),
        ("normal", "Use the normal map of photo.jpg for a new picture of a bronze bust", "a bronze bust"),
        ("normal", "first the normal map, then from the normal map: a marble bust in moss", "a marble bust in moss"),
        ("openpose", "A knight in the same pose as the man in photo.jpg, please", "A knight"),
        ("openpose", "Draw me a robot that stands exactly like my brother does", "a robot"),
        ("depth", "With the depth of photo.jpg, generate a street on Mars", "a street on Mars"),
        ("depth", 'make a depth control image of it and generate "an alien canyon" with it', "an alien canyon"),
        ("seg", "Take the segments of photo.jpg and make a city at night", "a city at night"),
    ],
)
def test_a_control_picture_and_a_picture_from_it_are_a_pair(kind: str, request_: str, prompt: str) -> None:
    assert plan(request_, picture("photo.jpg")) == [
        (f"{kind}-control", {"image": "image-1"}),
        (f"{kind}-text-to-image", {"image": "<resource>-0", "text": prompt}),
    ]


@pytest.mark.parametrize(
    ("request_", "label", "task", "prompt"),
    [
        ("Paint a mountain village from this segment map.", "segments.png", "seg-text-to-image", "a mountain village"),
        ("Here is a normal map. Turn it into a clay pot.", "x.png", "normal-text-to-image", "a clay pot"),
        ("x.png shows a pose. Draw an astronaut standing like that.", "x.png", "openpose-text-to-image", "an astronaut"),
        ("From this straight-line drawing, make a cosy library.", "lines.png", "mlsd-text-to-image", "a cosy library"),
    ],
)
def test_a_control_picture_that_is_there_is_not_made_again(request_: str, label: str, task: str, prompt: str) -> None:
    assert plan(request_, picture(label)) == [(task, {"image": "image-1", "text": prompt})]


@pytest.mark.parametrize(
    ("request_", "task"),
    [
        ("Draw the edges of this photo.", "canny-control"),
        ("I want to make a colouring page of this, just the contours", "canny-control"),
        ("Get me the stick figure of how she is standing.", "openpose-control"),
        ("Draw the soft outlines of her face.", "hed-control"),
        ("Make the segment map of it as a control image", "seg-control"),
        ("Show me the depth map of photo.jpg", "depth-estimation"),
    ],
)
def test_a_control_picture_alone_is_one_task(request_: str, task: str) -> None:
    assert plan(request_, picture("photo.jpg")) == [(task, {"image": "image-1"})]


def test_the_depth_of_one_and_the_content_of_another() -> None:
    request = "Make a picture that has the depth of room.jpg but shows what's in forest.jpg"
    assert plan(request, picture("room.jpg"), picture("forest.jpg", 2)) == [
        ("image-to-text", {"image": "image-2", "instruction": "describe"}),
        ("depth-control", {"image": "image-1"}),
        ("depth-text-to-image", {"image": "<resource>-1", "text": "<resource>-0"}),
    ]


def test_what_is_done_with_the_new_picture_comes_after_it() -> None:
    request = (
        "generate a picture where a girl is reading a book, and her pose is the same as the boy in the image example.jpg, "
        "then please describe the new image with your voice."
    )
    assert plan(request, picture("example.jpg")) == [
        ("openpose-control", {"image": "image-1"}),
        ("openpose-text-to-image", {"image": "<resource>-0", "text": "a girl is reading a book"}),
        ("image-to-text", {"image": "<resource>-1", "instruction": "describe"}),
        ("text-to-speech", {"text": "<resource>-2"}),
    ]


@pytest.mark.parametrize(
    ("request_", "labels", "args"),
    [
        (
            "fill the white part of the mask with roses",
            ("garden.jpg", "garden_mask.png"),
            {"image": "image-1", "mask": "image-2", "text": "roses"},
        ),
        (
            "Paint a vase over the masked part.",
            ("mask.png", "table.jpg"),
            {"image": "image-2", "mask": "image-1", "text": "a vase"},
        ),
        (
            "The first is the room, the second is the mask. Put a sofa there.",
            ("a.jpg", "b.png"),
            {"image": "image-1", "mask": "image-2", "text": "a sofa"},
        ),
    ],
)
def test_a_mask_says_where_to_paint(request_: str, labels: tuple[str, str], args: dict[str, str]) -> None:
    files = [picture(label, number) for number, label in enumerate(labels, start=1)]
    assert plan(request_, *files) == [("inpainting", args)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("cat, fox or raccoon? pick one", ("zero-shot-image-classification", {"labels": "cat, fox, raccoon"})),
        ("Is this a logo, a photo or a drawing?", ("zero-shot-image-classification", {"labels": "logo, photo, drawing"})),
        ("Is the light red or green?", ("visual-question-answering", {"text": "Is the light red or green?"})),
        ("Find the garden gnome and the rusty key", ("zero-shot-object-detection", {"labels": "garden gnome, rusty key"})),
        ("Where is the blue kite? Put a box around it.", ("zero-shot-object-detection", {"labels": "blue kite"})),
        ("Find all cars and mark them", ("object-detection", {})),
        ("Mark everything that's lying on my desk", ("object-detection", {})),
        ("Outline every single object in it.", ("mask-generation", {})),
        ("make her hair green", ("image-to-image", {"text": "make her hair green"})),
    ],
)
def test_what_is_asked_of_a_photo(request_: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert plan(request_, picture("IMG_1.jpg")) == [(expected[0], {"image": "image-1", **expected[1]})]


@pytest.mark.parametrize(
    ("label", "tasks"),
    [("IMG_1.jpg", ["zero-shot-image-classification"]), ("letter.png", ["image-to-text", "zero-shot-classification"])],
)
def test_labels_are_for_the_look_of_a_photo_and_for_the_text_of_a_document(label: str, tasks: list[str]) -> None:
    assert [task for task, _ in plan("Sort it as private, official or junk.", picture(label))] == tasks


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            "paint a lighthouse and count the seagulls in it",
            [("text-to-image", {"text": "a lighthouse"}), ("object-detection", {"image": "<resource>-0"})],
        ),
        (
            "Draw a dancing robot and turn it into a short film",
            [("text-to-image", {"text": "a dancing robot"}), ("image-to-video", {"image": "<resource>-0"})],
        ),
        (
            "make a picture of a paper boat and animate it so that the boat drifts away",
            [
                ("text-to-image", {"text": "a paper boat"}),
                ("image-to-video", {"image": "<resource>-0", "text": "the boat drifts away"}),
            ],
        ),
        (
            "need a short video of a volcano and a deep rumbling sound to go with it",
            [("text-to-video", {"text": "a volcano"}), ("text-to-audio", {"text": "a deep rumbling sound to go with it"})],
        ),
        (
            "Write a story about a whale, illustrate it and read it aloud.",
            [
                ("text-generation", {"text": "Write a story about a whale"}),
                ("text-to-image", {"text": "<resource>-0"}),
                ("text-to-speech", {"text": "<resource>-0"}),
            ],
        ),
    ],
)
def test_what_is_made_is_worked_on(request_: str, expected: list[Any]) -> None:
    assert plan(request_) == expected

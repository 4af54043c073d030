"""Pose estimation: keypoints by ViTPose (arXiv 2204.12484), drawn as the skeleton that ControlNet-openpose takes.

ViTPose looks at one person at a time, so an object detector of the cache says first where people are.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.local.runtime.task_matching import match_tasks
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_MAX_SIDE: Final = 2_048
_MIN_SIDE: Final = 16  # pictures with a shorter side, in pixels, show nobody
_MIN_PERSON_SCORE: Final = 0.5  # lowest score of a detector's box that counts as a person
_MIN_KEYPOINT_SCORE: Final = 0.3  # lowest score of a keypoint that is drawn
_MIN_KEYPOINTS: Final = 4  # fewest keypoints that count as a person
_MAX_PEOPLE: Final = 32
_BATCH_SIZE: Final = 8  # people that go through the model together
_COCO_EXPERT: Final = 0  # index of the expert of ViTPose+ that was trained on COCO's keypoints

_COCO_KEYPOINTS: Final = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
    "right ankle",
)  # fmt: skip
"""Keypoints that the model finds, in its order; models with more keypoints begin with these."""
_OPENPOSE_KEYPOINTS: Final = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
    "right ear", "left ear",
)  # fmt: skip
"""OpenPose's 18 keypoints (arXiv 1812.08008). Each has one of 18 hues, evenly around the circle, red first."""
_LIMBS: Final = (
    ("neck", "right shoulder"), ("neck", "left shoulder"), ("right shoulder", "right elbow"),
    ("right elbow", "right wrist"), ("left shoulder", "left elbow"), ("left elbow", "left wrist"),
    ("neck", "right hip"), ("right hip", "right knee"), ("right knee", "right ankle"), ("neck", "left hip"),
    ("left hip", "left knee"), ("left knee", "left ankle"), ("neck", "nose"), ("nose", "right eye"),
    ("right eye", "right ear"), ("nose", "left eye"), ("left eye", "left ear"),
)  # fmt: skip
"""Pairs of keypoints that are joined, each limb in the hue of its number."""

PersonBox = tuple[float, float, float, float]
"""Left, top, width, height in pixels, as COCO has it."""


@dataclass(frozen=True, slots=True)
class Keypoint:
    """Position of a part of a body, in pixels."""

    x: float
    y: float
    score: float
    """0..1"""


Pose = dict[str, Keypoint]
"""One person: the keypoints that were found, by their OpenPose names."""


def draw_pose(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run openpose-control: a PNG of the picture's shape, at most 2,048 pixels a side: coloured skeletons on black.

    ``data["people"]`` holds for each person its keypoints, {"name", "x", "y", "score"}, in pixels of the drawing.

    Raises:
        InputError: The picture is tiny, or nobody is in it.
    """
    from PIL import Image

    (call,) = calls
    image = call.picture()
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))  # in place, never larger
    if min(image.size) < _MIN_SIDE:
        raise InputError(f"The picture is too small to show a person: {image.width} × {image.height} pixels.")
    detector, boxes = _find_people(image, call, runtime)
    if not boxes:
        raise InputError("Nobody was found in this picture, so there is no pose to draw.")
    poses = _estimate_poses(image, boxes, call, runtime)
    if not poses:
        raise InputError("No pose could be made out in this picture, so there is none to draw.")
    path = call.new_path(".png")
    Image.fromarray(draw_skeletons(poses, image.width, image.height)).save(path)
    note = "" if detector else "No detector of people is cached, so the picture was taken to show one person."
    models = (detector, runtime.checkpoint.id) if detector else ()
    return [Result((Output(Kind.IMAGE, path=path, data={"people": [_describe_pose(pose) for pose in poses]}),), note, models)]


def _describe_pose(pose: Pose) -> dict[str, Any]:
    points = [
        {"name": name, "x": round(p.x, 1), "y": round(p.y, 1), "score": round(min(p.score, 1.0), 3)} for name, p in pose.items()
    ]
    return {"keypoints": points}


def _find_people(image: Image.Image, call: Call, runtime: Runtime) -> tuple[str, list[PersonBox]]:
    """Return the detector's id and the people's boxes, the surest first; without a detector, "" and the whole picture."""
    for detector in _list_detectors(runtime):
        try:
            return detector.id, _detect_people(image, detector, call, runtime)
        except ExpertError:  # damaged, or too large for what is left: the next one may do
            call.token.check()
    return "", [(0.0, 0.0, float(image.width), float(image.height))]


def _list_detectors(runtime: Runtime) -> Iterator[Checkpoint]:
    for other in runtime.cached_checkpoints:
        if "person" in map(str.lower, other.labels) and any(match.task == "object-detection" for match in match_tasks(other)):
            yield other


def _detect_people(image: Image.Image, detector: Checkpoint, call: Call, runtime: Runtime) -> list[PersonBox]:
    import torch

    call.progress("Looking for people", None)
    load = make_loader(runtime, "AutoModelForObjectDetection")
    held = runtime.load_model("object detector", load, call.token, checkpoint=detector)
    with held as (processor, model), torch.inference_mode():
        inputs = processor(images=stretch_to_fit(image), return_tensors="pt").to(runtime.device.name, runtime.dtype)
        size = [(image.height, image.width)]
        (found,) = processor.post_process_object_detection(model(**inputs), threshold=_MIN_PERSON_SCORE, target_sizes=size)
        labels = [str(model.config.id2label[number]).lower() for number in found["labels"].tolist()]
    ranked = sorted(zip(found["scores"].tolist(), labels, found["boxes"].tolist(), strict=True), key=lambda each: -each[0])
    boxes = [_clip_box(box, image) for _, label, box in ranked if label == "person"]  # a detector's box may reach beyond it
    return [box for box in boxes if box[2] >= 1 and box[3] >= 1][:_MAX_PEOPLE]  # a box outside the picture is clipped away


def _clip_box(corners: Sequence[float], image: Image.Image) -> PersonBox:
    left, top = max(corners[0], 0.0), max(corners[1], 0.0)
    return left, top, min(corners[2], image.width) - left, min(corners[3], image.height) - top


def _estimate_poses(image: Image.Image, boxes: Sequence[PersonBox], call: Call, runtime: Runtime) -> list[Pose]:
    """Estimate the poses of the people in the boxes; those with too few keypoints are left out."""
    import torch

    load = make_loader(runtime, "AutoModelForPoseEstimation")
    found: list[Pose] = []
    with runtime.load_model("pose estimator", load, call.token) as (processor, model), torch.inference_mode():
        if model.config.num_labels < len(_COCO_KEYPOINTS):  # of an animal, or a face
            raise ExpertError(f"{runtime.checkpoint.id} finds {model.config.num_labels} keypoints, not those of a person.")
        has_experts = getattr(model.config.backbone_config, "num_experts", 1) > 1
        for start in range(0, len(boxes), _BATCH_SIZE):
            call.token.check()
            call.progress(f"{start} of {len(boxes)} people", start / len(boxes))
            batch = [list(box) for box in boxes[start : start + _BATCH_SIZE]]
            inputs = processor(images=image, boxes=[batch], return_tensors="pt").to(runtime.device.name, runtime.dtype)
            if has_experts:
                inputs["dataset_index"] = torch.full((len(batch),), _COCO_EXPERT, device=runtime.device.name)
            outputs = model(**inputs)
            outputs.heatmaps = outputs.heatmaps.float()  # SciPy, which smooths them, has no half precision
            (people,) = processor.post_process_pose_estimation(outputs, boxes=[batch])
            found += [_convert_to_openpose(each["keypoints"].tolist(), each["scores"].tolist(), image.size) for each in people]
    return [pose for pose in found if len(pose) >= _MIN_KEYPOINTS]


def _convert_to_openpose(points: Sequence[Sequence[float]], scores: Sequence[float], size: tuple[int, int]) -> Pose:
    """Convert COCO's keypoints inside the picture to OpenPose's, with the neck half-way between the shoulders."""
    found = {
        name: Keypoint(x, y, score)
        for name, (x, y), score in zip(_COCO_KEYPOINTS, points, scores, strict=False)  # what follows COCO's has no limbs
        if score >= _MIN_KEYPOINT_SCORE and 0 <= x < size[0] and 0 <= y < size[1]
    }
    left, right = found.get("left shoulder"), found.get("right shoulder")
    if left and right:
        found["neck"] = Keypoint((left.x + right.x) / 2, (left.y + right.y) / 2, min(left.score, right.score))
    return {name: found[name] for name in _OPENPOSE_KEYPOINTS if name in found}


def draw_skeletons(poses: Sequence[Pose], width: int, height: int) -> NDArray[np.uint8]:
    """Draw people as OpenPose does for ControlNet (arXiv 2302.05543): limbs at 60 % brightness, joints above them.

    Limbs and joints are 8 pixels thick where the shorter side has 512, and in proportion elsewhere.

    Args:
        poses: The people, in pixels of the drawing.
        width: Width of the drawing, in pixels.
        height: Its height, in pixels.

    Returns:
        RGB, shape (height, width, 3).
    """
    import cv2
    import numpy as np

    canvas = np.zeros((height, width, 3), np.uint8)
    radius = max(1, round(min(width, height) / 128))  # half of the thickness
    for number, limb in enumerate(_LIMBS):
        for pose in poses:
            if limb[0] in pose and limb[1] in pose:
                start, end = pose[limb[0]], pose[limb[1]]
                centre = round((start.x + end.x) / 2), round((start.y + end.y) / 2)
                length = math.hypot(end.x - start.x, end.y - start.y)
                angle = math.degrees(math.atan2(end.y - start.y, end.x - start.x))
                ellipse = cv2.ellipse2Poly(centre, (round(length / 2), radius), round(angle), 0, 360, 1)
                cv2.fillConvexPoly(canvas, np.array(ellipse, np.int32), _get_colour(number, 0.6))
    for number, name in enumerate(_OPENPOSE_KEYPOINTS):
        for pose in poses:
            if name in pose:
                cv2.circle(canvas, (round(pose[name].x), round(pose[name].y)), radius, _get_colour(number, 1.0), -1)
    return canvas


def _get_colour(number: int, brightness: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number / len(_OPENPOSE_KEYPOINTS), 1.0, brightness)
    return int(255 * red), int(255 * green), int(255 * blue)

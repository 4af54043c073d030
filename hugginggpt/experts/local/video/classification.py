"""Video classification (https://huggingface.co/docs/transformers/tasks/video_classification)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.class_scores import build_scored_result, compute_class_scores
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import Runtime, select_weights
from hugginggpt.experts.local.video.frames import read_frames
from hugginggpt.hub.cache import Checkpoint

_FRAME_COUNT_NAMES: Final = ("num_frames", "frames_per_clip")
"""Names of the number of frames in configurations."""
_SETTINGS_FILES: Final = ("preprocessor_config.json", "video_preprocessor_config.json")


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run video-classification: a sentence; ``data["classes"]`` holds label and score (0..1) of the five likeliest.

    As many frames as the model was trained on are taken evenly from the whole video. VideoMAE (arXiv 2203.12602),
    TimeSformer (2102.05095), ViViT (2103.15691), V-JEPA 2 (2506.09985).

    Raises:
        InputError: There is no moving picture in the file, or it can't be decoded.
    """
    import torch

    (call,) = calls

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForVideoClassification

        model = AutoModelForVideoClassification.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        return _load_processor(checkpoint), model.to(runtime.device.name).eval()

    path = call.file("video")
    with runtime.load_model("video classifier", load, call.token) as (processor, model), torch.inference_mode():
        config = model.config
        count = next(getattr(config, name) for name in _FRAME_COUNT_NAMES if hasattr(config, name))
        frames = read_frames(path, count=count, max_pixels=call.limits.max_pixels, token=call.token)
        pixels = processor(list(frames), return_tensors="pt")["pixel_values"]
        with make_interruptible(model, call):
            logits = model(**{model.main_input_name: pixels.to(runtime.device.name, runtime.dtype)}).logits[0].float()
    return [build_scored_result(compute_class_scores(logits.cpu(), config), config)]


def _load_processor(checkpoint: Checkpoint) -> Any:
    """Load a processor that scales, crops and normalizes frames as the checkpoint's file says.

    transformers' own classes for most video models need torchvision; VideoMAE's has a twin that works on Pillow and
    does the same steps.
    """
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

    return VideoMAEImageProcessorPil(**_read_settings(checkpoint.folder, checkpoint.model_type))


def _read_settings(folder: Path, model_type: str) -> dict[str, Any]:
    """Read the processor's settings; ViViT's extra step is put into the mean."""
    file = next((folder / name for name in _SETTINGS_FILES if (folder / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(f"{folder} has no {_SETTINGS_FILES[0]}")  # the runtime turns it into a sentence
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    supported = (
        "do_resize", "size", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize", "image_mean",
        "image_std", "resample",
    )  # fmt: skip
    settings = {name: found[name] for name in supported if name in found}
    if model_type == "vivit" and found.get("offset", True):  # it scales to -1..1 first and normalizes then
        settings.setdefault("rescale_factor", 1 / 127.5)
        settings["image_mean"] = [mean + 1 for mean in settings.get("image_mean", (0.5, 0.5, 0.5))]  # x / 127.5 - 1 - mean
        settings.setdefault("image_std", [0.5, 0.5, 0.5])
    return settings

"""Pictures from words and a control image, by ControlNets beside a diffusion pipeline (https://arxiv.org/abs/2302.05543)."""

from collections.abc import Sequence
from typing import Any

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.image.diffusion import (
    choose_pace,
    compose_pipeline,
    fit_size,
    get_native_size,
    hold_diffusion_base,
    run,
)
from hugginggpt.experts.local.image.text_to_image import MAX_PIXELS, build_result
from hugginggpt.experts.local.runtime.companions import find_partner
from hugginggpt.experts.local.runtime.runtime import Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint


def generate_image(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run canny-, hed-, mlsd-, normal-, openpose-, depth- or seg-text-to-image: a PNG of the text in the picture's layout.

    The picture is the control image itself (edges, a pose, a depth map), of any size; the result has its proportions and
    about as many pixels as the pipeline makes by itself. ``data`` holds width and height in pixels. All ControlNets of a
    pipeline share its weights, which the pool counts once. The result names the ControlNet and the pipeline.

    Raises:
        InputError: The text is empty.
        ExpertError: No pipeline of the cache fits the ControlNet.
    """
    (call,) = calls
    text, control = call.text(), call.picture()
    base_checkpoint = find_partner(runtime.checkpoint, runtime.cached_checkpoints)  # by the rule by which its card was made
    if base_checkpoint is None:
        raise ExpertError(f"{runtime.checkpoint.id} steers a Stable Diffusion model of its kind, and the cache holds none.")

    def load(checkpoint: Checkpoint) -> Any:
        from diffusers import AutoModel

        model = AutoModel.from_pretrained(str(checkpoint.folder), dtype=runtime.dtype, **select_weights(checkpoint))
        return model.to(runtime.device.name).eval()

    with (
        hold_diffusion_base(runtime, call.token, base_checkpoint) as base,
        runtime.load_model("controlnet", load, call.token) as controlnet,
    ):
        pipeline = compose_pipeline(base, call, "Text2Image", controlnet=controlnet)
        width, height = get_native_size(base)
        width, height = fit_size(control.size, min(width * height, MAX_PIXELS))
        output = run(
            pipeline,
            prompt=text,
            image=control.resize((width, height)),
            width=width,
            height=height,
            **choose_pace(pipeline, runtime, base_checkpoint),  # the base's id tells whether it is distilled
        )
    return [build_result(call, output.images[0], output, (runtime.checkpoint.id, base_checkpoint.id))]

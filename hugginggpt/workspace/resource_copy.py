"""Copies of one session's resources in another session's workspace."""

import shutil
from dataclasses import replace
from pathlib import Path

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types, media
from hugginggpt.workspace.workspace import Workspace


def copy_resource(resource: Resource, workspace: Workspace, file_name: str = "", *, max_pixels: int = 50_000_000) -> Resource:
    """Copy a resource into a workspace, after identifying its file by its content.

    The copy keeps the name where that is free there, and gets the next one of its kind where it isn't.

    Args:
        resource: Its file, where it has one, may lie anywhere.
        workspace: Workspace that gets the copy.
        file_name: Name of the file where it comes from; by default the resource's label.
        max_pixels: A picture with more is refused before it is decoded.

    Raises:
        ResourceError: The file can't be used, or isn't what the resource says.
    """
    if resource.path is None:
        added = workspace.add_output(resource.kind, resource.origin, text=resource.text, data=resource.data, name=resource.name)
        # a text has no file to measure
        return replace(added, measure=resource.measure, file=resource.file, part_of=resource.part_of)
    label = file_name or resource.origin.label
    kind, suffix = file_types.identify(resource.path, label, max_pixels=max_pixels)
    if kind is not resource.kind:  # somebody may have edited the trace that names it
        raise ResourceError(f"“{label}” should hold {resource.kind.value}, but it holds {kind.value}.")
    text = media.read_text(resource.path, label) if kind is Kind.TEXT else None
    copy = Path(shutil.copyfile(resource.path, workspace.new_path(suffix)))  # a copy: the original isn't ours to move
    measure = resource.measure if kind is Kind.TEXT else ""  # of a text its pages, which the file doesn't tell
    return workspace.add_resource(replace(resource, path=copy, text=text, measure=measure))

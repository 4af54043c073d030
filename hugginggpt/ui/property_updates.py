"""Property updates that are sent to the browser alone.

To hide a component, or to leave it as it is (`gr.skip`), Gradio makes it anew at the server with all that its endpoints would
tell of it, several milliseconds a component and view. The parts of a view are of classes that spare it that.
"""

import abc
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from gradio.components.base import Component
from gradio.data_classes import GradioModel, GradioRootModel


@dataclass(frozen=True, slots=True)
class PropertyUpdate:
    """New values of a component's properties, by name; the others stay. The server's own copy of it stays, too."""

    properties: Mapping[str, Any]


UNCHANGED: Final = PropertyUpdate(MappingProxyType({}))
"""The update that changes nothing."""


class _UpdatableMixin:
    """Mixin that lets a component take a `PropertyUpdate`."""

    skip_api = True  # no endpoint shows it: no schema is made of it

    def postprocess(self, value: Any) -> Any:
        """Return the value, or the update, as it is sent to the browser."""
        process = super().postprocess  # type: ignore[misc] # the component's
        if not isinstance(value, PropertyUpdate):
            return process(value)
        sent = dict(value.properties)
        if "value" in sent:
            made = process(sent["value"])
            sent["value"] = made.model_dump() if isinstance(made, GradioModel | GradioRootModel) else made
        return {"__type__": "update", **sent}


@functools.cache
def make_updatable(component: type[Component]) -> type[Any]:
    """Return a class of components of that kind for which a handler may return a `PropertyUpdate`."""
    # of the same name, by which the browser's side knows the class; not made by calling Gradio's metaclass, which would
    # write a stub file beside the source
    members = {"__module__": component.__module__, "__doc__": component.__doc__}
    return abc.ABCMeta.__new__(type(component), component.__name__, (_UpdatableMixin, component), members)

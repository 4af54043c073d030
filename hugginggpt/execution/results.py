"""Joining of the results of a task that ran several times: their models, their notes, their doubt."""

from collections.abc import Sequence
from dataclasses import replace

from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.experts.base import Result


def name_models(results: Sequence[Result], card: ModelCard) -> str:
    """Join the names of all models that ran for any of the inputs, each once."""
    return " + ".join(dict.fromkeys(model for result in results for model in result.models or (card.id,)))


def mark_unsure(result: Result) -> Result:
    """Mark the outputs of a result as unsure, for the tasks that are made from them in turn."""
    return replace(result, outputs=tuple(replace(output, data={**output.data, "unsure": True}) for output in result.outputs))


def join_notes(results: Sequence[Result], outputs_by_run: Sequence[Sequence[Resource]]) -> str:
    """Join the results' notes; of several inputs, name the resources that each note is about."""
    names_by_note: dict[str, list[str]] = {}
    for result, resources in zip(results, outputs_by_run, strict=True):
        if result.note:
            names_by_note.setdefault(result.note, []).extend(resource.name for resource in resources)
    if len(results) == 1:
        return " ".join(names_by_note)
    return " ".join(f"{', '.join(names)}: {note}" if names else note for note, names in names_by_note.items())

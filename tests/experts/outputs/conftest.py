"""Fixture of a call that writes into a session's folder."""

import pytest

from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call
from hugginggpt.workspace.workspace import Workspace


@pytest.fixture
def call(workspace: Workspace) -> Call:
    return Call(ModelCard("some/model", "any-task", "test", "made up"), {}, workspace.new_path)

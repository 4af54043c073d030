"""A call whose results lie in a session's folder."""

import pytest

from hugginggpt.catalog.cards import ModelCard
from hugginggpt.experts.base import Call
from hugginggpt.resources import Workspace


@pytest.fixture
def call(workspace: Workspace) -> Call:
    return Call(ModelCard("some/model", "any-task", "test", "made up"), {}, workspace.new_path)

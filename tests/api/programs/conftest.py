"""A program with each class of agent."""

import pytest

from tests.api.programs.agents import Program


@pytest.fixture(params=[False, True], ids=["BighubOpenAI", "AsyncBighubOpenAI"])
def program(request: pytest.FixtureRequest) -> Program:
    return Program(request.param)

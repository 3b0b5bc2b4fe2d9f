"""Descriptions of parameters, from the three usual styles."""

from bot.actions.docstrings import parameter_descriptions, summary

GOOGLE = """Grant access to a group.

    For a limited time.

    Args:
        user_id (str): Who gets it,
            by login.
        group: The group: exactly as in Okta.

        *rest: Ignored.

    Returns:
        ok: not a parameter.
    """
NUMPY = """Grant access.

    Parameters
    ----------
    user_id : str
        Who gets it,
        by login.
    group, other
        The group.

    Returns
    -------
    bool
        Not a parameter.
    """
SPHINX = """Grant access.

    :param str user_id: Who gets it,
        by login.
    :param group: The group.
    :returns: not a parameter.
    """


def test_google_style() -> None:
    assert summary(GOOGLE) == "Grant access to a group.\n\nFor a limited time."
    assert parameter_descriptions(GOOGLE) == {
        "user_id": "Who gets it, by login.",
        "group": "The group: exactly as in Okta.",
        "rest": "Ignored.",
    }


def test_numpy_style() -> None:
    assert summary(NUMPY) == "Grant access."
    assert parameter_descriptions(NUMPY) == {
        "user_id": "Who gets it, by login.",
        "group": "The group.",
        "other": "The group.",
    }


def test_sphinx_style() -> None:
    assert summary(SPHINX) == "Grant access."
    assert parameter_descriptions(SPHINX) == {"user_id": "Who gets it, by login.", "group": "The group."}


def test_no_docstring_and_no_sections() -> None:
    assert summary(None) == "" and parameter_descriptions(None) == {}
    assert summary("One\nline.") == "One line." and parameter_descriptions("One: line.") == {}
    assert parameter_descriptions("Args:") == {} and parameter_descriptions("Parameters\n---") == {}

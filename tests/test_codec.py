"""A timeline that was written once can always be read."""

import pytest
from builders import NOW, policy, subject

from escalation import codec
from escalation.clock import open_case


def test_what_a_newer_version_wrote_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown event 'Teleported'"):
        codec.decode({"kind": "Teleported", "at": NOW.isoformat()})


def test_a_field_that_came_later_takes_its_default() -> None:
    written = codec.encode(open_case(1, subject(), policy(), NOW))
    del written["subject"]["cause"], written["policy"]["follow_up"]
    read = codec.decode(written)
    assert read.subject.cause == ""  # type: ignore[union-attr]
    assert read.policy.follow_up.days == 1  # type: ignore[union-attr]


def test_a_field_that_went_away_is_passed_over() -> None:
    written = codec.encode(open_case(1, subject(), policy(), NOW)) | {"mood": "grim"}
    assert codec.decode(written) == open_case(1, subject(), policy(), NOW)

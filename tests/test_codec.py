"""A timeline that was written once can always be read."""

import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from builders import NOW, policy, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation import codec
from escalation.clock import open_case
from escalation.events import Event
from escalation.policy import NEVER

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(timedelta, st.timedeltas(NEVER, timedelta(days=900)))


@given(st.sampled_from(get_args(Event)).flatmap(st.builds))
@settings(max_examples=60)
def test_whatever_an_event_holds_survives_being_written_down(event: Event) -> None:
    """Every kind, with every field filled: leave, shifts, compensation, whatever comes later."""
    assert codec.decode(json.loads(json.dumps(codec.encode(event)))) == event


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

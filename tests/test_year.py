"""Weeks of a care team with shifts, holidays, forgetful people and outages: at the end everything balances."""

from datetime import timedelta

import pytest
from year import HOUR, Year

from escalation.notices import Kind
from listener.storage.contract import Store


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_weeks_of_ordinary_life_every_account_balances(store: Store, seed: int) -> None:
    year = Year(store, seed=seed, tick=12 * HOUR)
    await year.live(days=21, cases=16)
    year.now += timedelta(seconds=1)
    report = await year.settle()
    assert report.balanced, report.findings
    assert report.cases > 5 and year.messenger.kinds[Kind.DIRECT] > report.cases

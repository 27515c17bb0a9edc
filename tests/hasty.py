"""`listener` with leases of seconds, so that a test can wait for one to end."""

from datetime import timedelta

from escalation import courier
from listener import cycle, running
from listener.cli import main
from listener.storage.postgres import leases, session

if __name__ == "__main__":
    courier.LEASE = cycle.LEASE = running.LEASE = timedelta(seconds=3)
    courier.TIME_LIMIT = 2.0
    running.HELD, running.AGAIN = 0.8, timedelta(seconds=0.5)
    leases.STEPPED = "3 seconds"
    session.LIMITS["idle_in_transaction_session_timeout"] = "2s"
    main()

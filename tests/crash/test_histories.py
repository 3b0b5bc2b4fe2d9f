"""T0, the short form: any history, on the door, the inbox and the doer (contract R1, R7, R16). The long form is the soak's."""

from hypothesis import settings

from tests.crash.histories import AnyHistory

TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

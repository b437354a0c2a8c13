"""The workflow of one production line; it runs for ever."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.judging import JudgeLine
    from activities.line_judging import LineJudging
    from domain.keys import name_in
    from domain.model import Model
    from workflows.options import FOR_EVER, LINE_HEARTBEAT, LINE_STAY, PASSES_BEFORE_NEW_HISTORY


class Line(Model):
    """Names the line to watch."""

    line: str


@workflow.defn(name="LineWatch")
class LineWatch:
    """Judges a line's events whenever there are any.

    The signal carries no data, because the events are in storage. So a flood needs only a few signals, and a lost
    signal loses no event.
    """

    @workflow.init
    def __init__(self, _line: Line) -> None:
        self._line = Line(line=name_in(workflow.info().workflow_id))
        self._woken = True

    @workflow.run
    async def run(self, _line: Line) -> None:
        for _ in range(PASSES_BEFORE_NEW_HISTORY):
            await workflow.wait_condition(lambda: self._woken)
            self._woken = False
            judged = await workflow.execute_activity_method(
                LineJudging.judge_line,
                JudgeLine(line=self._line.line),
                start_to_close_timeout=LINE_STAY,
                heartbeat_timeout=LINE_HEARTBEAT,
                retry_policy=FOR_EVER,
            )
            if not judged.rested:
                self._woken = True
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(self._line)

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """Events were stored for the line."""
        self._woken = True

"""The examination of a draft in a process of its own: `python -m millwright.policy_operations.examining`.

The API starts it, because a draft is a text from outside: its compilation takes long, its proof uses a native solver
that must not be used from two threads and can crash, and neither bounds its memory. It reads one line of JSON from
stdin, answers on stdout with a line that gives the size of the answer in bytes, and the answer as JSON, and ends. It
ends at once if stdin is closed.
"""

import sys
from collections.abc import Sequence
from typing import Final, Literal

from domain.errors import Rejected
from domain.model import Model
from millwright.policy_operations.draft_checks import DraftName, draft_name, examine_draft, never_asks_for_more
from millwright.runtime.process_limits import limit_processor_time, limit_this_process, lines_of_stdin
from millwright.storage.policies.drafts import Draft, MachineFindings
from millwright.storage.policies.versions import StoredVersion

LARGEST: Final = 1 << 30
"""Bytes of address space. The shipped policy needs a quarter of it."""
LONGEST: Final = 60
"""Seconds for everything."""
OUT_OF_MEMORY: Final = 3
"""The exit code of an examination that needed more memory."""
COMMAND: Final = (sys.executable, "-m", "millwright.policy_operations.examining")


class Examination(Model):
    """What is wanted: the name of a document or, with a `draft`, also its check and its proof.

    With `other`, whether it is proved that this document never asks for more than `document`.
    """

    document: str = ""
    other: str | None = None
    draft: Draft | None = None
    stored: Sequence[StoredVersion] = ()


class Examined(Model):
    """The result, or the first thing that is wrong with the draft."""

    result: Literal["named", "examined", "compared", "rejected"]
    name: DraftName | None = None
    findings: MachineFindings | None = None
    asks_for_no_more: bool = False
    problem: str = ""
    field: str | None = None
    fix: str | None = None


def main() -> None:
    """Answers one examination from stdin."""
    limit_this_process(memory=LARGEST)
    limit_processor_time(LONGEST)
    try:
        answer = examined(Examination.model_validate_json(next(lines_of_stdin()))).model_dump_json().encode()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(b"%d\n%b" % (len(answer), answer))
    sys.stdout.buffer.flush()


def examined(asked: Examination) -> Examined:
    """Does what is asked."""
    try:
        if asked.other is not None:
            return Examined(result="compared", asks_for_no_more=never_asks_for_more(asked.document, asked.other))
        if asked.draft is None:
            return Examined(result="named", name=draft_name(asked.document, "document"))
        return Examined(result="examined", findings=examine_draft(asked.draft, asked.stored))
    except Rejected as error:
        return Examined(result="rejected", problem=error.problem, field=error.field, fix=error.fix)


if __name__ == "__main__":
    main()

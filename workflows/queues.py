"""The engine's task queues, by name: where a task waits until a worker takes it.

Lines and polls wait on the queue that is set, cases on one of their own, and calls to a CMMS or an MES on one for each
instance. A system that does not answer fills the slots of its own queue and no other.
"""

_CASES = "-cases"


def case_queue(task_queue: str) -> str:
    """Where cases are worked on."""
    return f"{task_queue}{_CASES}"


def cmms_queue(task_queue: str, system: str) -> str:
    """Where calls to an instance of a CMMS wait.

    Args:
        task_queue: the queue that is set, or that of its cases.
        system: the instance's id.
    """
    return f"{task_queue.removesuffix(_CASES)}-cmms-{system}"


def mes_queue(task_queue: str, system: str) -> str:
    """Where calls to an instance of an MES wait; see `cmms_queue`."""
    return f"{task_queue.removesuffix(_CASES)}-mes-{system}"

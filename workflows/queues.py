"""The names of the engine's task queues, on which tasks wait until a worker takes them.

Lines and polls use the queue of the settings, cases have a separate queue, and calls to a CMMS or an MES have one queue
for each instance. A system that does not answer fills only the slots of its own queue. The worker in the plant's zone
takes the calls to an MES that stands apart from a queue of their own.
"""

_CASES = "-cases"


def case_queue(task_queue: str) -> str:
    """The queue of cases."""
    return f"{task_queue}{_CASES}"


def cmms_queue(task_queue: str, system: str) -> str:
    """The queue of calls to an instance of a CMMS.

    Args:
        task_queue: the queue of the settings, or that of its cases.
        system: the instance's id.
    """
    return f"{task_queue.removesuffix(_CASES)}-cmms-{system}"


def mes_queue(task_queue: str, system: str) -> str:
    """The queue of calls to an instance of an MES; see `cmms_queue`."""
    return f"{task_queue.removesuffix(_CASES)}-mes-{system}"


def plant_zone_queue(task_queue: str, system: str) -> str:
    """The queue of the worker in the plant's zone that calls an instance of an MES; see `cmms_queue`."""
    return f"{task_queue.removesuffix(_CASES)}-plant-zone-{system}"

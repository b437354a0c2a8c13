"""Results of method calls, in asyncua's types."""

from __future__ import annotations

from typing import Any

from asyncua import ua

from sandbox.jobcontrol import address_space


def method_result(*outputs: Any) -> Any:
    """The result of a call that was made, with its output arguments."""
    result = ua.CallMethodResult()
    result.OutputArguments = list(outputs)
    return result


def status_variant(status: int) -> Any:
    """A ReturnStatus as an output argument."""
    return ua.Variant(int(status), ua.VariantType.UInt64)


def method_refusal(operation: str, status: int) -> Any:
    """The result of a method that did nothing: its ReturnStatus, behind an empty response where the method has one."""
    asks_for_responses = operation in (address_space.BY_ID, address_space.BY_STATE)
    return method_result(*([ua.Variant()] if asks_for_responses else []), status_variant(status))

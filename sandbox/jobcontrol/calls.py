"""The Call service: what it refuses before a method runs (OPC 10000-4, 5.12.2).

asyncua runs any method on any object, with any arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asyncua import Node, Server, ua

_CODES: Final = ua.StatusCodes
_IS_ARRAY: Final = {-1: False, 1: True}
"""By ValueRank: Scalar and OneDimension (OPC 10000-3, 5.6.2)."""
_ANY_TYPE: Final = 24
"""BaseDataType. Lower numbers of namespace 0 are the built-in types, numbered as Variant types (OPC 10000-6, 5.1.2)."""


class CheckedCalls:
    """Takes the place of asyncua's own service, which it asks for every call that is not refused.

    The types of arguments are checked as far as Job Control has them: built-in types, its own structures, and arrays
    of both.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._service = server.iserver.method_service
        self._methods: dict[Any, dict[Any, Node]] = {}
        self._arguments: dict[Any, list[Any]] = {}

    async def call(self, requests: Sequence[Any]) -> list[Any]:
        """The result of each call, in order."""
        return [await self._answer(request) for request in requests]

    def stop(self) -> None:
        """Stop asyncua's service."""
        self._service.stop()

    async def _answer(self, request: Any) -> Any:
        node_class = await self._node_class(request.ObjectId)
        if node_class is None:
            return _refusal(_CODES.BadNodeIdUnknown)
        if node_class not in (ua.NodeClass.Object, ua.NodeClass.ObjectType):
            return _refusal(_CODES.BadNodeIdInvalid)
        method = (await self._methods_of(request.ObjectId)).get(request.MethodId)
        if method is None:
            return _refusal(_CODES.BadMethodInvalid)
        if self._server.iserver.aspace[method.nodeid].call is None:
            return _refusal(_CODES.BadNotImplemented)
        refusal = _refusal_of_arguments(request.InputArguments or [], await self._arguments_of(method))
        if refusal is not None:
            return refusal
        request.MethodId = method.nodeid
        (result,) = await self._service.call([request])
        return result

    async def _node_class(self, number: Any) -> Any:
        if number not in self._server.iserver.aspace:
            return None
        return await self._server.get_node(number).read_node_class()

    async def _methods_of(self, owner: Any) -> dict[Any, Node]:
        """The methods that may be called on an object or type, by every node id that names them there.

        An object's method may be called by the id that it has in the object's type or a supertype.
        """
        if owner not in self._methods:
            node = self._server.get_node(owner)
            own = await self._components(node)
            names = {name: method for method, name in own}
            self._methods[owner] = {method.nodeid: method for method, _ in own}
            for type_ in await self._types_of(node):
                for method, name in await self._components(type_):
                    self._methods[owner].setdefault(method.nodeid, names.get(name, method))
        return self._methods[owner]

    async def _types_of(self, node: Node) -> list[Node]:
        """The type of an object, or the supertype of a type, and all above it."""
        found: list[Node] = []
        reference, direction = ua.ObjectIds.HasTypeDefinition, ua.BrowseDirection.Forward
        if await node.read_node_class() is ua.NodeClass.ObjectType:
            reference, direction = ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
        while above := await node.get_referenced_nodes(reference, direction):
            node = above[0]
            found.append(node)
            reference, direction = ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
        return found

    @staticmethod
    async def _components(node: Node) -> list[tuple[Node, str]]:
        methods = await node.get_children(ua.ObjectIds.HasComponent, ua.NodeClass.Method)
        return [(method, (await method.read_browse_name()).to_string()) for method in methods]

    async def _arguments_of(self, method: Node) -> list[Any]:
        if method.nodeid not in self._arguments:
            properties = await method.get_properties()
            names = {(await each.read_browse_name()).Name: each for each in properties}
            inputs = names.get("InputArguments")
            self._arguments[method.nodeid] = await inputs.read_value() or [] if inputs is not None else []
        return self._arguments[method.nodeid]


def _refusal(status: int) -> Any:
    result = ua.CallMethodResult()
    result.StatusCode = ua.StatusCode(status)
    return result


def _refusal_of_arguments(given: Sequence[Any], wanted: Sequence[Any]) -> Any:
    """The refusal of a call whose arguments are too few, too many or of wrong types; None if they fit."""
    if len(given) < len(wanted):
        return _refusal(_CODES.BadArgumentsMissing)
    if len(given) > len(wanted):
        return _refusal(_CODES.BadTooManyArguments)
    fits = [_fits(value, argument) for value, argument in zip(given, wanted, strict=True)]
    if all(fits):
        return None
    result = _refusal(_CODES.BadInvalidArgument)
    result.InputArgumentResults = [ua.StatusCode(0 if each else _CODES.BadTypeMismatch) for each in fits]
    return result


def _fits(given: Any, argument: Any) -> bool:
    """Whether a Variant has the data type and rank of an Argument."""
    if argument.ValueRank in _IS_ARRAY and _IS_ARRAY[argument.ValueRank] != bool(given.is_array):
        return False
    kind = argument.DataType
    if kind.NamespaceIndex == 0:
        return kind.Identifier >= _ANY_TYPE or bool(given.VariantType.value == kind.Identifier)
    values = given.Value or [] if given.is_array else [given.Value]
    return given.VariantType is ua.VariantType.ExtensionObject and all(
        getattr(value, "data_type", None) == kind for value in values
    )

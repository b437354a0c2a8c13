"""Maximo's refusals and their JSON shape."""

from collections.abc import Sequence

from sandbox.maximo.mbo import Json

UNSTATED = "BMXAA0000E"
"""Where no source names the vendor's code we answer this one: a client has to go by the HTTP status there."""


class MaximoError(Exception):
    """One refusal: a BMX reason code, an HTTP status and, where a value is to blame, the attribute that holds it."""

    def __init__(
        self,
        reason_code: str,
        text: str,
        *,
        status: int = 400,
        attribute: str | None = None,
        object_name: str | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(f"{reason_code} - {text}")
        self.reason_code = reason_code
        self.status = status
        self.attribute = attribute
        self.object_name = object_name
        self.value = value
        self.all: tuple[MaximoError, ...] = (self,)

    def body(self, base: str, *, lean: bool, batch: bool) -> dict[str, Json]:
        """The answer's JSON; `batch` adds every refused attribute, as the request header `batcherror: 1` asks."""
        more_info = f"{base}/error/messages/{self.reason_code}"
        if not lean:
            return {
                "oslc:Error": {
                    "oslc:statusCode": str(self.status),
                    "spi:reasonCode": self.reason_code,
                    "oslc:message": str(self),
                    "oslc:extendedError": {"oslc:moreInfo": {"rdf:resource": more_info}},
                }
            }
        answer: dict[str, Json] = {"Error": self._error(more_info)}
        if batch:
            answer["attrerrors"] = [
                {"Error": error._error(f"{base}/error/messages/{error.reason_code}")}  # noqa: SLF001 - same class
                for error in self.all
            ]
        return answer

    def _error(self, more_info: str) -> Json:
        error: dict[str, Json] = {
            "reasonCode": self.reason_code,
            "message": str(self),
            "statusCode": str(self.status),
            "extendedError": {"moreInfo": {"href": more_info}},
        }
        if self.attribute is not None:
            error["errorattrname"] = self.attribute
        if self.object_name is not None:
            error["errorobjpath"] = self.object_name
        if self.value is not None:
            error["errattrvalue"] = self.value
        return error


def raise_first(errors: Sequence[MaximoError]) -> None:
    """Raise the first of `errors`, which then knows all of them; nothing where there is none."""
    if errors:
        errors[0].all = tuple(errors)
        raise errors[0]

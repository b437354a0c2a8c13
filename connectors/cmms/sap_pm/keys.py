"""Whether a notification has the key of a case: in its reference, by which it is found, and in its long text."""

from connectors.call import Call
from connectors.cmms.sap_pm import long_text as texts
from connectors.cmms.sap_pm import mapping
from connectors.cmms.sap_pm.models import REFERENCE, SapPmNotification
from connectors.text import key_in
from domain.errors import ActionRequired
from domain.work_orders import WorkOrderRef


def check_key(call: Call, row: SapPmNotification, key: str) -> None:
    """Refuses a notification whose text names another key: people copy notifications with their reference.

    Raises:
        ActionRequired: it does.
    """
    written = key_in(texts.text_of(row))
    reference = row.upper_reference
    if reference != key.upper() or (written is not None and written.upper() != reference):
        raise call.error(
            ActionRequired,
            f"notification {row.number} has {reference} in {REFERENCE}, and {written or 'no key'} in its long text",
            field=REFERENCE,
        )


def check_place(call: Call, row: SapPmNotification, ref: WorkOrderRef) -> None:
    """Refuses the notification of a reference that has another key now. Without any it is still the one of its place.

    Raises:
        ActionRequired: it has another key.
    """
    if not ref.key:
        found, expected = mapping.key_on_a_persons(row), "though a person made it"
    else:
        found, expected = row.upper_reference, "not the key of its case"
    if found and found != ref.key.upper():
        words = f"notification {ref.id} has {found} in {REFERENCE} now, {expected}"
        raise call.error(ActionRequired, words, field=REFERENCE)

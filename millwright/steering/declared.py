"""Which settings steer: what is judged, ordered, held or read back, where, when, and who may act. No others do.

A connector's own setting stands under the connector's name. `docs/settings.md` shows both lists.
"""

from collections.abc import Mapping
from typing import Final

from domain.processes import ProcessKind

_ALL: Final = frozenset(ProcessKind)
_JUDGING, _CASES, _INTAKE, _API = (frozenset({process}) for process in ProcessKind)

STEERS: Final[Mapping[str, frozenset[ProcessKind]]] = {
    "clock": _ALL,
    "local_mode": _API,
    "poll_interval": _JUDGING | _CASES,
    "hold_interval": _CASES,
    "order_interval": _CASES,
    "shelving_limits": _API,
    "window_limit": _API,
    "work_window": _CASES,
    "head_anchor": _CASES,
    "head_twin": _CASES,
    "cmms": _CASES | _API,
    "cmms_instances": _CASES | _API,
    "mes": _CASES | _API,
    "mes_instances": _CASES | _API,
    "twins": _CASES,
    "bus": _INTAKE,
    "maximo.url": _CASES,
    "maximo.api_key": _CASES,
    "maximo.user": _CASES,
    "maximo.site": _CASES,
    "maximo.time_zone": _CASES,
    "maximo.work_type": _CASES,
    "maximo.priorities": _CASES,
    "maximo.approved_status": _CASES,
    "maximo.cancelled_status": _CASES,
    "maximo.overlap": _CASES,
    "maximo.outcomes": _CASES,
    "opcua_job_control.url": _CASES,
    "opcua_job_control.user": _CASES,
    "opcua_job_control.password": _CASES,
    "opcua_job_control.security": _CASES,
    "opcua_job_control.server_thumbprints": _CASES,
    "opcua_job_control.shared_for": _CASES,
    "opcua_job_control.settle": _CASES,
    "opcua_job_control.stop_masters": _CASES,
    "opcua_job_control.shortest_stop": _CASES,
    "opcua_job_control.silent_success": _CASES,
    "opcua_job_control.enforcement": _CASES,
    "odoo_mrp.url": _CASES,
    "odoo_mrp.database": _CASES,
    "odoo_mrp.api_key": _CASES,
    "odoo_mrp.company": _CASES,
    "odoo_mrp.loss_reason": _CASES,
    "odoo_mrp.enforcement": _CASES,
    "factorysemantics.url": _CASES,
    "factorysemantics.user": _CASES,
    "factorysemantics.password": _CASES,
    "factorysemantics.enforcement": _CASES,
    "factorysemantics.settle": _CASES,
    "packml.url": _CASES,
    "packml.user": _CASES,
    "packml.password": _CASES,
    "packml.security": _CASES,
    "packml.server_thumbprints": _CASES,
    "digital_twins.endpoint": _CASES,
    "digital_twins.vocabulary": _CASES,
    "service_bus.connection_string": _INTAKE,
    "service_bus.namespace": _INTAKE,
    "service_bus.entities": _INTAKE,
}
"""The settings that steer, each with the processes that it steers. Others do not read it, and do not record it."""

_ENGINE: Final = "it says how the workflow engine is reached, and the engine decides nothing"
_FAULTS: Final = "it says how long a fault of the engine delays work, and changes no result"
_CALLS: Final = "it says how requests are made; an answer that does not come is asked for again"
_OUR_FILES: Final = "it says where a file of ours is; whether it is needed and whom to trust are settings above"
_LISTENS: Final = "it says where the API listens, and for whom; who may act is said by keys, never by addresses"

DOES_NOT_STEER: Final[Mapping[str, str]] = {
    "home": "it says where files are",
    "database_url": "it says where the record is",
    "temporal_address": _ENGINE,
    "temporal_namespace": _ENGINE,
    "temporal_api_key": _ENGINE,
    "temporal_tls": _ENGINE,
    "temporal_server_ca": _ENGINE,
    "temporal_server_name": _ENGINE,
    "temporal_client_certificate": _ENGINE,
    "temporal_client_key": _ENGINE,
    "time_zone": "it says in which local time a signature is shown, beside UTC",
    "task_queue": "it says which workers get the steps; what a step does is in the record and in the settings above",
    "worker_build": "it says which workers get the steps; the engine that judges is recorded with its verdicts",
    "sticky_timeout": _FAULTS,
    "workflow_task_timeout": _FAULTS,
    "log": "it is the format of the log",
    "api_host": _LISTENS,
    "api_port": _LISTENS,
    "api_names": _LISTENS,
    "api_proxies": _LISTENS,
    "installation_key": "it says where the key is; the record has which key is in force",
    "intake_batch": "each message is read by itself, however many are stored at once",
    "maximo.timeout": _CALLS,
    "maximo.concurrency": _CALLS,
    "maximo.page_size": _CALLS,
    "opcua_job_control.client_certificate": _OUR_FILES,
    "opcua_job_control.client_key": _OUR_FILES,
    "opcua_job_control.timeout": _CALLS,
    "opcua_job_control.connect_timeout": _CALLS,
    "odoo_mrp.timeout": _CALLS,
    "odoo_mrp.concurrency": _CALLS,
    "factorysemantics.timeout": _CALLS,
    "factorysemantics.concurrency": _CALLS,
    "packml.client_certificate": _OUR_FILES,
    "packml.client_key": _OUR_FILES,
    "packml.timeout": _CALLS,
    "packml.connect_timeout": _CALLS,
    "digital_twins.timeout": _CALLS,
    "digital_twins.page_size": _CALLS,
    "digital_twins.patch_attempts": _CALLS,
    "service_bus.max_wait": _CALLS,
    "service_bus.longest_backoff": _CALLS,
    "service_bus.linger": _CALLS,
}
"""The settings that do not steer, and why."""

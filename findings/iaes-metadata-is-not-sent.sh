#!/usr/bin/env bash
# iaes 2.0.2: every event takes `metadata`, and none of them puts it into what is sent.
#
# Expected: what is given to the constructor is in to_dict(), or the constructor refuses it.
# Happens: all seven classes of events accept metadata and keep it as an attribute. to_dict() leaves it out without a
# word, and from_object() does not read it: an envelope that has it loses it.
#
# Seen, for each of the seven:
#   AssetMeasurement         in to_dict: False, after from_object: {}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check iaes==2.0.2

cat > "$dir/check.py" <<'END'
import json

import iaes

required = {
    iaes.AssetMeasurement: {"measurement_type": "temperature", "value": 71.5, "unit": "C"},
    iaes.AssetHealth: {},
    iaes.WorkOrderIntent: {"title": "Inspect bearing"},
    iaes.MaintenanceCompletion: {"work_order_id": "WO-1"},
    iaes.AssetHierarchy: {"hierarchy_level": "equipment", "relationship_type": "parent_child"},
    iaes.SensorRegistration: {"sensor_id": "S-1", "registration_status": "discovered"},
    iaes.SparePartUsage: {"work_order_id": "WO-1", "spare_part_id": "SP-1", "quantity_used": 1},
}
for event_class, fields in required.items():
    event = event_class(asset_id="PUMP-7", **fields, metadata={"shift": "night-7311"})
    sent = event.to_dict()
    read = event_class.from_object({**sent, "metadata": event.metadata})
    inside = "night-7311" in json.dumps(sent)
    print(f"{event_class.__name__:24} in to_dict: {inside}, after from_object: {read.metadata}")
    assert not inside
    assert read.metadata == {}
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi

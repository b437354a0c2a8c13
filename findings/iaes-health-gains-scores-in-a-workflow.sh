#!/usr/bin/env bash
# iaes 2.0.2 with temporalio 1.35.0: a health event that passes through a workflow has scores nobody computed.
#
# Expected: a dataclass that goes through Temporal's payload converter is the same event afterwards. The IAES
# specification says that a producer must omit a score that it was not given.
# Happens: iaes marks "not given" by a subclass of float that is equal to 0.0. JSON writes 0.0, and what is read back is
# a given score of 0.0. The two objects are equal by ==, and only one of them states an anomaly score and a confidence.
# The content hash differs as well. The default converter and the pydantic one do the same.
#
# Seen:
#   sent      {'health_index': 0.4, 'severity': 'high'}
#   default   {'health_index': 0.4, 'anomaly_score': 0.0, 'severity': 'high', 'fault_confidence': 0.0}  equal: True
#   pydantic  {'health_index': 0.4, 'anomaly_score': 0.0, 'severity': 'high', 'fault_confidence': 0.0}  equal: True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check iaes==2.0.2 temporalio==1.35.0 pydantic==2.14.4

cat > "$dir/check.py" <<'END'
from iaes import AssetHealth
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import default

event = AssetHealth(asset_id="PUMP-7", health_index=0.4, severity="high", source="plant.detector")
sent = event.to_dict()
print(f"sent      {sent['data']}")
assert "anomaly_score" not in sent["data"]
for name, converter in {"default": default(), "pydantic": pydantic_data_converter}.items():
    payload = converter.payload_converter.to_payload(event)
    read = converter.payload_converter.from_payload(payload, AssetHealth)
    print(f"{name:9} {read.to_dict()['data']}  equal: {read == event}")
    assert read == event
    assert read.to_dict()["data"] == {**sent["data"], "anomaly_score": 0.0, "fault_confidence": 0.0}
    assert read.to_dict()["content_hash"] != sent["content_hash"]
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi

#!/usr/bin/env bash
# azure-digitaltwins-core 1.3.0: an etag without a match condition is dropped, and the twin is overwritten.
#
# Expected: update_digital_twin(…, etag="…") sends If-Match with this etag, or refuses an etag that stands alone. In
# azure-core both arguments exist to be used together, and the reverse, IfNotModified without an etag, is refused here.
# Happens: no header is sent and nothing is said. What another writer changed since the etag was read is overwritten.
#
# Seen, with a transport that prints instead of sending:
#   etag alone                        If-Match: None
#   etag and IfNotModified            If-Match: W/"1"
#   IfNotModified without etag        ValueError: The 'IfNotModified' match condition must be paired with an etag.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check azure-digitaltwins-core==1.3.0 azure-core==1.41.0

cat > "$dir/check.py" <<'END'
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import HttpResponse, HttpTransport
from azure.digitaltwins.core import DigitalTwinsClient


class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken("made-up", 2**33)


class NoContent(HttpResponse):
    def __init__(self, request):
        super().__init__(request, None)
        self.status_code, self.reason, self.headers, self.content_type = 204, "No Content", {}, None

    def body(self):
        return b""


class Recorder(HttpTransport):
    """Keeps the last request and answers 204 No Content."""

    def open(self):
        pass

    def close(self):
        pass

    def __exit__(self, *error):
        pass

    def send(self, request, **options):
        self.request = request
        return NoContent(request)


recorder = Recorder()
client = DigitalTwinsClient("https://twins.example", Credential(), transport=recorder)
patch = [{"op": "replace", "path": "/state", "value": "running"}]


def if_match(**condition):
    client.update_digital_twin("press-1", patch, **condition)
    return recorder.request.headers.get("If-Match")


alone = if_match(etag='W/"1"')
print(f"etag alone                        If-Match: {alone}")
both = if_match(etag='W/"1"', match_condition=MatchConditions.IfNotModified)
print(f"etag and IfNotModified            If-Match: {both}")
try:
    refused = if_match(match_condition=MatchConditions.IfNotModified)
except ValueError as error:
    refused = f"ValueError: {error}"
print(f"IfNotModified without etag        {refused}")
assert alone is None
assert both == 'W/"1"'
assert refused.startswith("ValueError")
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi

"""The token of local mode for applications that tests call in the process."""

from typing import Final

from millwright.people.persons import api_key_hash

LOCAL_TOKEN: Final = "token-of-local-mode"
LOCAL_TOKEN_HASH: Final = api_key_hash(LOCAL_TOKEN)
AS_LOCAL: Final = {"Authorization": f"Bearer {LOCAL_TOKEN}"}

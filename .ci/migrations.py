"""Every migration both ways on a fresh embedded database, and the tables compared with the code."""

import shutil
import tempfile
from pathlib import Path

from millwright.runtime.embedded import postgres
from millwright.storage.database import schema


def main() -> None:
    # Not under the checkout: as root, the server runs as another user, who must be able to reach its files.
    home = Path(tempfile.mkdtemp(prefix="millwright-migrations-"))
    directory = home / "postgres"
    try:
        url = postgres.start(directory)
        schema.upgrade(url)
        schema.check(url)
        schema.downgrade(url)
        schema.upgrade(url)
        schema.check(url)
    finally:
        postgres.stop(directory)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()

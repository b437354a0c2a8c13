#!/usr/bin/env bash
# Installs Odoo for the foreign tests into .tools/odoo: the package of Debian sid by its SHA-256, and what it needs of PyPI
# by the hashes of requirements.lock. Arguments: uv, and the Python that Odoo is to run on. The machine's apt stays as it
# is: sources, lists and cache are the script's own, and signatures are checked as always.
set -euo pipefail
uv=$1 python=$2
here=$(cd "$(dirname "$0")" && pwd)
target=$PWD/.tools/odoo
pinned=$(sed 's/.*  //' "$here/package.sha256")
version=${pinned#odoo-19_}; version=${version%_all.deb}

for tool in apt-get dpkg-deb sha256sum; do
  command -v "$tool" >/dev/null || { echo "make test-foreign needs Debian for Odoo: there is no $tool on the PATH." >&2; exit 1; }
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror that this machine's apt uses. To print the addresses downloads nothing.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris | sed -n "s#^'\([^']*\)/dists/$codename/.*#\1#p" | head -1)
if [ ! -e "$keyring" ] || [ -z "$mirror" ]; then
  echo "make test-foreign needs Debian for Odoo: its keys ($keyring), and a mirror in the sources of apt." >&2
  exit 1
fi

apt=$target/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' "$mirror" "$keyring" >"$apt/sid.sources"
sid() {
  local command=$1
  shift
  "$command" -q -o Dir::Etc::SourceList="$apt/sid.sources" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$apt/lists" \
    -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

cd "$target"
if ! sha256sum --status -c "$here/package.sha256" 2>/dev/null; then
  rm -f odoo-19_*.deb
  sid apt-get update >"$apt/update.log" 2>&1 || { cat "$apt/update.log" >&2; exit 1; }
  if ! sid apt-get download "odoo-19=$version" >"$apt/download.log" 2>&1; then
    cat "$apt/download.log" >&2
    echo "Debian sid does not give odoo-19 $version. It has: $(sid apt-cache madison odoo-19 | cut -d'|' -f2 | xargs)." >&2
    echo "Take its version: write its file name and SHA-256 into ${here#"$OLDPWD/"}/package.sha256, and let the tests pass." >&2
    exit 1
  fi
  sha256sum --quiet -c "$here/package.sha256" || { echo "The package of Odoo is not that of package.sha256." >&2; exit 1; }
fi
rm -rf root
mkdir root
dpkg-deb --fsys-tarfile "$pinned" | tar -x -C root --exclude='*/i18n/*' --exclude='*/l10n_*' \
  --exclude='*/static/description/*' ./usr/lib/python3/dist-packages/odoo
"$OLDPWD/$uv" venv --quiet --clear --python "$OLDPWD/$python" venv
"$OLDPWD/$uv" pip sync --quiet --require-hashes --python venv/bin/python "$here/requirements.lock"

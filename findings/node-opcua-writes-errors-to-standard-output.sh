#!/usr/bin/env bash
# node-opcua 2.182.2: its warnings and errors go to standard output, even where no function of it is called.
#
# Expected: a library writes diagnostics to standard error, or nowhere.
# Happens: warnings and errors alike go through console.log. On Node.js 20 the mere require() has two lines written a
# moment later. A program that answers on standard output, as JSON or to a pipe, has them in its answer, and 2>/dev/null
# keeps none of them away.
#
# Seen, for a program that prints {"ready":true}, on standard output:
#   …  an error
#   {"ready":true}
#   …  [NODE-OPCUA-W27] node version v20.20.2
#   …  and one line more
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund node-opcua@2.182.2

cat > "$dir/program.cjs" <<'END'
require("node-opcua");
// What node-opcua's packages report their errors with.
require("node-opcua-debug").make_errorLog("program")("an error");
process.stdout.write('{"ready":true}\n');
END

node "$dir/program.cjs" >"$dir/out" 2>"$dir/err"
echo "standard output:"
cat "$dir/out"
echo "standard error: $(wc -c <"$dir/err") bytes"
if grep -q "NODE-OPCUA-W27" "$dir/out" && grep -q "an error" "$dir/out" && [ ! -s "$dir/err" ]; then
  echo "as found"
else
  echo "changed"
  exit 1
fi

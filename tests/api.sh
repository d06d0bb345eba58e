#!/usr/bin/env bash
# Holds a running server against its own description: schemathesis asks the admin address of a demo for whatever
# /openapi.json allows, and for what it forbids. It builds nothing.
#
#   tests/api.sh target/debug/meridian [schemathesis]
set -euo pipefail

meridian=$(realpath "${1:?the path of the binary}")
schemathesis=$(command -v "${2:-schemathesis}") || { echo "there is no ${2:-schemathesis}: pip install it" >&2; exit 2; }
schemathesis=$(realpath --no-symlinks "$schemathesis")
work=$(mktemp -d)
demo=

# Ends what was started here, and shows what it said if something went wrong.
finish() {
    local code=$?
    [ -z "$demo" ] || { kill "$demo" 2>/dev/null && wait "$demo"; } || true
    [ $code -eq 0 ] || tail -n 40 "$work/demo.log" || true
    rm -rf "$work"
    exit $code
}
trap finish EXIT

"$meridian" demo --dns 127.0.0.1:0 --admin 127.0.0.1:0 --control 127.0.0.1:0 --directory "$work/zones" \
    >"$work/demo.log" 2>&1 &
demo=$!

# The configuration that the demo writes names the port that it has found.
for _ in $(seq 300); do
    admin=$(sed -n 's/^admin: *"\{0,1\}\([0-9.:]*\)"\{0,1\}.*/\1/p' "$work/zones/server.yaml" 2>/dev/null || true)
    [ -n "$admin" ] && python3 -c "import urllib.request as u; u.urlopen('http://$admin/healthz')" 2>/dev/null && break
    kill -0 "$demo" || exit 1
    sleep 0.1
done

# /events and /peers/stream never end. A sentence for people is all that most refusals say, and which of them depends on what is the
# case, so that what is checked is that each is one of those that are described.
# It leaves its notes where it is run. One worker: CPython before 3.11.5 cannot parse in two threads at a time (its issue 106905),
# and then the tool ends with "AST constructor recursion depth mismatch".
cd "$work"
"$schemathesis" run "http://$admin/openapi.json" \
    --header "Authorization: Bearer $(cat "$work/zones/.token")" \
    --exclude-path /events \
    --exclude-path /peers/stream \
    --exclude-deprecated \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing \
    --max-examples "${EXAMPLES:-30}" \
    --seed 1 \
    --workers 1 \
    --request-timeout 20 \
    --suppress-health-check all

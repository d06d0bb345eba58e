#!/usr/bin/env bash
# Builds the image `meridian` from the Rust toolchain of this machine: one static program in an empty image. It pulls
# nothing, so it needs no registry; docker/Dockerfile builds the same in containers alone.
#
#   docker/build.sh [TAG]          the tag is `meridian` unless it is given
#   PROFILE=dist docker/build.sh   with link-time optimisation: takes minutes longer
#
# It makes up the secrets of docker/compose.yaml, too, unless they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=${1:-meridian}
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir -p "$context"/root/{usr/share/meridian,etc/ssl/certs,etc/meridian} "$context"/owned/{var/lib/meridian,tmp}
docker/static.sh "$context/root/meridian"
install -m 644 geoip/README.md LICENSE-MIT LICENSE-APACHE "$context/root/usr/share/meridian"
# What https canaries trust; without it none of a public authority is trusted.
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -s "$certificates" ]; then
    install -m 644 "$certificates" "$context/root/etc/ssl/certs"
else
    echo "warning: no $certificates here; https canaries will trust no public authority" >&2
fi
if [ ! -e docker/secrets.env ]; then
    secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
    (umask 077 && printf 'MERIDIAN_TOKEN=%s\nMERIDIAN_PEERS_SECRET=%s\n' "$(secret)" "$(secret)" >docker/secrets.env)
fi
cp docker/image.Dockerfile "$context/Dockerfile"
docker build --quiet --tag "$tag" "$context"

#!/usr/bin/env bash
# Builds what is handed to others, into DIR: a package for Debian and its relatives, an archive for all other Linux
# systems, the bill of materials (CycloneDX) and the checksums of all three.
#
#   docker/package.sh [DIR]                    DIR is target/package unless it is given
#   BINARY=FILE docker/package.sh [DIR]        packs this program, and builds none
#
# Equal sources give equal packages: times are those of the commit.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-target/package}
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -n "${BINARY:-}" ]; then
    install -m 755 "$BINARY" "$work/meridian"
else
    PROFILE=${PROFILE:-dist} docker/static.sh "$work/meridian"
fi
version=$("$work/meridian" --version | awk '{ print $2 }')
architecture=$(dpkg --print-architecture)
name=meridian_${version}_${architecture}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# Fills a directory with the files of the package, as they lie on a system.
fill() {
    local root=$1 shell
    install -D -m 755 "$work/meridian" "$root/usr/bin/meridian"
    install -D -m 644 docker/meridian.service "$root/usr/lib/systemd/system/meridian.service"
    install -d -m 750 "$root/etc/meridian"
    install -d "$root/usr/share/doc/meridian" "$root/usr/share/man/man1"
    install -m 644 LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$root/usr/share/doc/meridian"
    install -m 644 geoip/README.md "$root/usr/share/doc/meridian/location-data.md"
    "$work/meridian" man --output "$root/usr/share/man/man1"
    gzip -9n "$root"/usr/share/man/man1/*
    for shell in bash:bash-completion/completions/meridian zsh:zsh/vendor-completions/_meridian \
        fish:fish/vendor_completions.d/meridian.fish; do
        mkdir -p "$(dirname "$root/usr/share/${shell#*:}")"
        "$work/meridian" completions "${shell%%:*}" >"$root/usr/share/${shell#*:}"
    done
    "$work/meridian" docs --alerts >"$root/usr/share/doc/meridian/alerts.yaml"
    "$work/meridian" docs --dashboard >"$root/usr/share/doc/meridian/dashboard.json"
}

root=$work/deb
umask 022
fill "$root"
install -d "$root/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" \
    -e "s/@SIZE@/$(du -sk "$root" | cut -f1)/" docker/deb/control >"$root/DEBIAN/control"
install -m 755 docker/deb/{postinst,prerm,postrm} "$root/DEBIAN"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/$name.deb" >/dev/null

archive=meridian-$version-$(uname -m)
rm -rf "$root/DEBIAN"
mv "$root" "$work/$archive"
tar --create --xz --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --directory "$work" --file "$out/$archive.tar.xz" "$archive"

docker/materials.py >"$out/meridian-$version.cdx.json"
cd "$out"
sha256sum "$name.deb" "$archive.tar.xz" "meridian-$version.cdx.json" | tee SHA256SUMS

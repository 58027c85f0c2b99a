#!/usr/bin/env bash
# Builds the image polso:latest of contrib/Containerfile around bin/polso, by buildah; root and nothing else is needed.
set -euo pipefail
cd "$(dirname "$0")/../.."
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp bin/polso LICENSE "$context"
go run ./tools/sbom --licences bin/polso >"$context/NOTICE"
buildah --storage-driver vfs bud --isolation chroot --timestamp "$(git log -1 --format=%ct)" -t polso -f contrib/Containerfile "$context"

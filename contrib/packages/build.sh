#!/usr/bin/env bash
# Builds dist/: deb, rpm and a tar of the binary for each architecture, bills of materials and checksums.
#   contrib/packages/build.sh VERSION COMMIT [ARCH...]
# The same commit and Go give the same bytes: dates are the commit's, and nothing of the machine gets in.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
version=${1#v} commit=$2
shift 2
nfpm=$PWD/.lab/bin/nfpm-v2.43.0 # newer ones want a newer Go
if [ ! -x "$nfpm" ]; then
	GOBIN=${nfpm%/*} go install github.com/goreleaser/nfpm/v2/cmd/nfpm@"${nfpm##*-}"
	mv "${nfpm%-*}" "$nfpm"
fi
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} LC_ALL=C TZ=UTC
export CGO_ENABLED=0 # static, whatever this machine has

# v1.2.0, 1.2.0-5-gabc (five commits later) and a bare commit, as both kinds of packages sort them.
case $version in
[0-9]*) version=${version/-/+} ;;
*) version=0.0.0+$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$version ;;
esac
export VERSION=${version//-/.}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p dist
go build -o "$work/sbom" ./tools/sbom
sbom=$work/sbom

build() { go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$commit" -o "$1" ./cmd/polso; }
pages() { # what this machine's program says of itself
	"$native" man "$1/usr/share/man" 2>/dev/null
	find "$1/usr/share/man" -type f -exec gzip -9n {} +
	mkdir -p "$1"/usr/share/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
	"$native" completion bash >"$1/usr/share/bash-completion/completions/polso"
	"$native" completion zsh >"$1/usr/share/zsh/vendor-completions/_polso"
	"$native" completion fish >"$1/usr/share/fish/vendor_completions.d/polso.fish"
}

native=$work/polso
build "$native"
for arch in "${@:-$(go env GOARCH)}"; do
	export ARCH=$arch
	stage=$work/$arch root=$work/$arch/root
	doc=$root/usr/share/doc/polso
	mkdir -p "$root"/usr/{bin,lib/systemd/system} "$doc/examples"
	if [ "$arch" = "$(go env GOARCH)" ]; then cp "$native" "$root/usr/bin/polso"; else GOARCH=$arch build "$root/usr/bin/polso"; fi
	pages "$root"
	cp contrib/polso.service "$root/usr/lib/systemd/system/"
	cp docs/examples/*.hcl contrib/polso.init contrib/polso-realserver.service "$doc/examples/"
	cp -r contrib/metrics "$doc/examples/"
	cp contrib/packages/copyright "$doc/"
	"$sbom" --licences "$root/usr/bin/polso" | gzip -9n >"$doc/NOTICE.gz"
	gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
	printf 'polso (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- Polso maintainers <maintainers@polso.example>  %s\n' \
		"$VERSION" "$(date -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.Debian.gz"
	cp -r contrib/node.hcl contrib/packages/{nfpm.yaml,overrides,deb,rpm} "$stage/"
	find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$stage" && for kind in deb rpm; do "$nfpm" package -f nfpm.yaml -p $kind -t "$OLDPWD/dist/"; done) >&2
	mkdir -p "$stage/tar/polso-$VERSION"
	cp -r "$root/usr/bin/polso" "$root/usr/share/man" LICENSE CHANGELOG.md contrib/*.service contrib/polso.init contrib/node.hcl docs/examples "$stage/tar/polso-$VERSION/"
	gunzip <"$doc/NOTICE.gz" >"$stage/tar/polso-$VERSION/NOTICE"
	tar -C "$stage/tar" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "polso-$VERSION" | gzip -9n >"dist/polso-$VERSION-linux-$arch.tar.gz"
	"$sbom" "$root/usr/bin/polso" >"dist/polso-$VERSION-linux-$arch.cdx.json"
done
(cd dist && sha256sum polso?"$VERSION"* | sort -k2 >SHA256SUMS)

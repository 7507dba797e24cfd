#!/bin/sh
# Installs what only a distribution has and the tests need; names what it cannot install.
# Arguments: other packages instead of those of `make test`.
set -u

packages="${*:-mariadb-server nginx libnginx-mod-http-lua lua-resty-core redis-server chromium
fonts-noto-cjk bubblewrap libseccomp2 wrk}"

. /etc/os-release 2>/dev/null || ID=unknown VERSION_ID=unknown
case "$ID $VERSION_ID" in
    "debian 12"*) ;;
    "ubuntu 24.04") packages=$(echo $packages | sed 's/ chromium / chromium-browser /') ;;
    *)
        echo "make test: needs Debian 12 or Ubuntu 24.04 for its servers and browser; this is" \
            "$ID $VERSION_ID. Install by hand:" $packages >&2
        exit 1
        ;;
esac

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" ||
        missing="$missing $package"
done
works() {
    case "$packages" in *chromium*) ;; *) return 0 ;; esac
    chromium --version >/dev/null 2>&1 || chromium-browser --version >/dev/null 2>&1 || {
        echo "make test: needs a chromium that runs; Ubuntu's is a snap: snap install chromium" >&2
        exit 1
    }
}
[ -z "$missing" ] && works && exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo="sudo"
    command -v sudo >/dev/null || {
        echo "make test: neither root nor sudo; install by hand:$missing" >&2
        exit 1
    }
fi
echo "make test: installing through apt${sudo:+ with sudo}:$missing"
# Run level 1 keeps the packages from starting their services: the tests run their own.
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c '
    apt-get update -qq && apt-get install -y -qq --no-install-recommends '"$missing" >/dev/null ||
    {
        echo "make test: apt could not install all of:$missing" >&2
        exit 1
    }
works

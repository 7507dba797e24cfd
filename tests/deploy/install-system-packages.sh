#!/bin/sh
# Installs what tests/deploy needs: the tools that make bare Debian machines, and a browser.
exec "$(dirname "$0")/../install-system-packages.sh" \
    debootstrap debian-archive-keyring iproute2 iptables openssh-client chromium openssl

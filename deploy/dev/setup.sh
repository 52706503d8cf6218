#!/usr/bin/env bash
# Checks what building needs, and installs what is missing where that can be done without asking: Debian packages as root.
# setup.sh browser, setup.sh servers: also what tests in a real browser, and on a real Kafka, need.
# setup.sh schemas: what holds the deployment's files against their schemas.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc build-essential
need cmake cmake
need pkg-config pkg-config
# For TLS to Kafka's brokers.
pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
[ "${1:-}" != browser ] || need chromium chromium
if [ "${1:-}" = servers ]; then
  need java openjdk-17-jre-headless
  need mvn maven
  # Debian keeps the server's programs out of PATH.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb postgresql
fi
if [ "${1:-}" = schemas ]; then
  need python3 python3
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
fi

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    say "missing: ${missing[*]}"
    say "install them with your package manager, for example: sudo apt-get install ${missing[*]}"
    exit 1
  fi
fi

if ! command -v cargo >/dev/null 2>&1; then
  say 'missing: Rust. Install it with rustup (https://rustup.rs); the version that is needed stands in rust-toolchain.toml'
  exit 1
fi
if ! command -v node >/dev/null 2>&1 || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  say 'missing: Node.js 20 or newer, which builds the page (https://nodejs.org)'
  exit 1
fi

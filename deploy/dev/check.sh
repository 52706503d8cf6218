#!/usr/bin/env bash
# Holds compose file and Kubernetes manifests against their schemas: no container engine is needed. Python's packages go to
# cargo's target folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${CARGO_TARGET_DIR:-$here/../../target}/schemas
packages=(kubernetes-validate==1.37.0 compose-spec==0.2.1)

command -v python3 >/dev/null 2>&1 || { echo 'python3 is missing: deploy/dev/setup.sh schemas' >&2; exit 1; }
if [ "$(cat "$venv/packages" 2>/dev/null)" != "${packages[*]}" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" > "$venv/packages"
fi

"$venv/bin/kubernetes-validate" --strict --no-warn --quiet "$here"/../k8s/*.yaml
"$venv/bin/python" - "$here/../compose.yml" <<'P'
import json
import sys
import compose_spec
import yaml
with open(sys.argv[1]) as file:
    compose_spec.PyCompose.from_json(json.dumps(yaml.safe_load(file)))
P
echo 'compose.yml and k8s/ keep to their schemas'

#!/usr/bin/env bash
# From a fresh machine to a trained, evaluated and exported model, with pictures.
set -euo pipefail
usage() {
    cat <<'TEXT'
usage: bash scripts/quickstart.sh [MODEL] [--folder DIR]

Installs what is missing into .venv (or uses PYTHON), makes the embedded data, trains MODEL (default simple_pose)
on it, evaluates, exports MindIR, runs the exported file over the same pictures and prints the scores.
Running it again reuses what is there.
TEXT
}
case "${1:-}" in -h|--help) usage; exit 0 ;; esac
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
model=simple_pose
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    model="$1"
    shift
fi
prepare_python requirements.txt
exec "$PYTHON" -m src.tools.quickstart --model "$model" "$@"

#!/usr/bin/env bash
# Exports a checkpoint.
set -euo pipefail
usage() {
    cat >&2 <<'TEXT'
usage: bash scripts/run_export.sh MODEL CKPT [MINDIR|ONNX|AIR] [FILE_NAME] [--key value ...]

Output: FILE_NAME.mindir, .onnx or .air (default ./MODEL) and the manifest FILE_NAME.json, log: ./logs/export_MODEL.log
TEXT
    exit 2
}
[ $# -ge 2 ] && [ "${1#-}" = "$1" ] || usage
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
model="$1"; checkpoint="$2"; shift 2
[ -f "$checkpoint" ] || fail "CKPT $checkpoint: no such file"
format=MINDIR; name="./$model"
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then format="$1"; shift; fi
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then name="$1"; shift; fi
prepare_python requirements.txt
run_logged "./logs/export_$model.log" "$PYTHON" "$ROOT/export.py" --model "$model" --checkpoint_file_path "$checkpoint" \
    --file_format "$format" --file_name "$name" "$@"

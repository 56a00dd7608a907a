#!/usr/bin/env bash
# Scores a checkpoint.
set -euo pipefail
usage() {
    cat >&2 <<'TEXT'
usage: bash scripts/run_eval.sh MODEL DATASET_PATH CKPT [--key value ...]

Output: ./result/MODEL (metrics.json, predictions, pictures), log: ./logs/eval_MODEL.log
TEXT
    exit 2
}
[ $# -ge 3 ] && [ "${1#-}" = "$1" ] || usage
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
model="$1"; data="$2"; checkpoint="$3"; shift 3
[ -e "$data" ] || fail "DATASET_PATH $data: no such folder (or file, for a model that takes one)"
[ -f "$checkpoint" ] || fail "CKPT $checkpoint: no such file"
prepare_python requirements.txt
run_logged "./logs/eval_$model.log" "$PYTHON" "$ROOT/eval.py" --model "$model" --data_path "$data" \
    --checkpoint_file_path "$checkpoint" --result_path "./result/$model" "$@"

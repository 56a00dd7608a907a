#!/usr/bin/env bash
# Trains a model on one device.
set -euo pipefail
usage() {
    cat >&2 <<'TEXT'
usage: bash scripts/run_standalone_train.sh MODEL [DATASET_PATH] [PRETRAINED_CKPT] [--key value ...]

  MODEL            a section of config.yaml, for example simple_pose
  DATASET_PATH     folder of the data set (default: data_path of config.yaml)
  PRETRAINED_CKPT  checkpoint of the whole network to start from
  --key value      any key of config.yaml
Output: ./output/MODEL, log: ./logs/train_MODEL.log
TEXT
    exit 2
}
[ $# -ge 1 ] && [ "${1#-}" = "$1" ] || usage
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
model="$1"; shift
options=(--model "$model" --ckpt_dir "./output/$model")
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    [ -e "$1" ] || fail "DATASET_PATH $1: no such folder (or file, for a model that takes one)"
    options+=(--data_path "$1"); shift
fi
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    [ -f "$1" ] || fail "PRETRAINED_CKPT $1: no such file"
    options+=(--checkpoint_file_path "$1"); shift
fi
prepare_python requirements.txt
run_logged "./logs/train_$model.log" "$PYTHON" "$ROOT/train.py" "${options[@]}" "$@"

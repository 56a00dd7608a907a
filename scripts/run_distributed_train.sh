#!/usr/bin/env bash
# Trains a model with several workers.
set -euo pipefail
usage() {
    cat >&2 <<'TEXT'
usage: bash scripts/run_distributed_train.sh MODEL RANK_TABLE_FILE DATASET_PATH [PRETRAINED_CKPT] [--key value ...]
       bash scripts/run_distributed_train.sh MODEL msrun:N DATASET_PATH [PRETRAINED_CKPT] [--key value ...]

  MODEL            a section of config.yaml, for example simple_pose
  RANK_TABLE_FILE  HCCL rank table (.json) of Ascend devices; without such a device as many CPU workers run
  msrun:N          N workers on this machine, on any device (--device_target)
  DATASET_PATH     folder of the data set, or its file where the model takes one
  PRETRAINED_CKPT  checkpoint of the whole network to start from
  --key value      any key of config.yaml, --resume true to go on, and of the launcher: --master_addr, --master_port,
                   --node_count, --node_rank, --log_dir, --pin_cores, --check_only
Output: ./output/MODEL, logs: ./logs/train_MODEL, one per worker
TEXT
    exit 2
}
[ $# -ge 3 ] && [ "${1#-}" = "$1" ] && [ "${2#-}" = "$2" ] && [ "${3#-}" = "$3" ] || usage
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
model="$1"; workers="$2"; data="$3"; shift 3
case "$workers" in
    msrun:*) ;;
    *) [ -f "$workers" ] || fail "RANK_TABLE_FILE $workers: no such file (or msrun:N for N workers)" ;;
esac
[ -e "$data" ] || fail "DATASET_PATH $data: no such folder (or file, for a model that takes one)"
options=(--model "$model" --ckpt_dir "./output/$model" --data_path "$data")
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    [ -f "$1" ] || fail "PRETRAINED_CKPT $1: no such file"
    options+=(--checkpoint_file_path "$1"); shift
fi
launcher=(--workers "$workers")
while [ $# -gt 0 ]; do
    case "$1" in
        --master_addr|--master_port|--node_count|--node_rank|--log_dir|--pin_cores)
            [ $# -ge 2 ] || fail "$1: a value is missing"
            launcher+=("$1" "$2"); shift 2 ;;
        --master_addr=*|--master_port=*|--node_count=*|--node_rank=*|--log_dir=*|--pin_cores=*|--check_only)
            launcher+=("$1"); shift ;;
        *) options+=("$1"); shift ;;
    esac
done
prepare_python requirements.txt
exec "$PYTHON" -m src.tools.launch "${launcher[@]}" train.py "${options[@]}"

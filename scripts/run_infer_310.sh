#!/usr/bin/env bash
# Records, inference by the C++ application and scores: the whole Ascend 310 flow.
set -euo pipefail
usage() {
    cat >&2 <<'TEXT'
usage: bash scripts/run_infer_310.sh [MODEL] MINDIR_PATH DATASET DATA_PATH [DEVICE_ID] [--key value ...]

  MODEL        a section of config.yaml (default: the one that the manifest beside MINDIR_PATH names)
  MINDIR_PATH  .mindir or .onnx file that export.py wrote
  DATASET      name of the data set, for example coco
  DATA_PATH    its folder, or its file where the model takes one
  DEVICE_ID    number of the card (default 0)
  --key value  any key of config.yaml, as for the export
DEVICE_TYPE=Ascend310, Ascend, GPU or CPU chooses the device (default Ascend310, or CPU where the application was
built without a card's library), BUILD_DIR the folder of the application (default ascend310_infer/out).
Output: ./preprocess_Result, ./result_Files, ./time_Result, and the logs ./preprocess.log, ./build.log, ./infer.log
and ./acc.log. Records that are whole and younger than data, code and model are used again, and so are results.
TEXT
    exit 2
}
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# stage NAME COMMAND...: runs one stage with its log; ends the script when it fails.
stage() {
    local name="$1" status=0
    shift
    run_logged "./$name.log" "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        echo "$(basename "$0"): error: $name failed with status $status; its log is above and in ./$name.log" >&2
        exit "$status"
    fi
}

# Prints model and batch of a manifest.
read_contract() {
    "$PYTHON" - "$1" <<'CODE'
import sys

from src.deploy.manifest import read_manifest
from src.errors import InputError

try:
    contract, _ = read_manifest(sys.argv[1])
except InputError as mistake:
    sys.exit(f"run_infer_310.sh: error: {mistake}")
print(contract.model, contract.batch)
CODE
}

# Writes the records, unless those that are there are of the same arguments, data and code.
write_records() {
    local stamp="./preprocess_Result/arguments.txt"  # is there once all records are written
    local sources=("$data" "$manifest" "$ROOT/src" "$ROOT/model_utils" "$ROOT/config.yaml" "$ROOT/preprocess.py")
    local text argument
    text="$(printf '%q ' "${common[@]}")"
    for argument in "${common[@]}"; do
        [ ! -f "$argument" ] || sources+=("$argument")
    done
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$text" ] && \
        [ -z "$(find -L "${sources[@]}" -newer "$stamp" -type f ! -name '*.pyc' -print -quit)" ]; then
        echo "the records in ./preprocess_Result are of the same arguments and data: used again"
        return
    fi
    rm -f "$stamp"
    mkdir -p ./preprocess_Result
    printf '%s\n' "$text" > "$stamp.part"  # of the time before data and code are read, which a rename keeps
    "$PYTHON" "$ROOT/preprocess.py" "${common[@]}" --output_path ./preprocess_Result || return
    mv "$stamp.part" "$stamp"
}

# Builds where there is no application yet, or where its sources are younger.
build_application() {
    local sources="$ROOT/ascend310_infer"
    if [ -x "$program" ] && [ -z "$(find "$sources/src" "$sources/inc" "$sources/host_runtime" \
                                         "$sources/CMakeLists.txt" -newer "$program" -type f -print -quit)" ]; then
        echo "$program is up to date"
        return
    fi
    BUILD_DIR="$BUILD_DIR" bash "$sources/build.sh"
}

infer() {
    local device="${DEVICE_TYPE:-Ascend310}"
    if [ -z "${DEVICE_TYPE:-}" ] && [ "$(cat "$BUILD_DIR/runtime.txt")" = host ]; then
        device=CPU
    fi
    MS_HOST_PYTHON="$PYTHON" "$program" --model "$mindir" --records ./preprocess_Result --output ./result_Files \
        --times ./time_Result --device_type "$device" --device_id "$device_id"
}

model=""
case "${1:-}" in
    *.mindir|*.onnx|-*|"") ;;
    *) model="$1"; shift ;;
esac
[ $# -ge 3 ] && [ "${1#-}" = "$1" ] && [ "${2#-}" = "$2" ] && [ "${3#-}" = "$3" ] || usage
mindir="$1"; dataset="$(printf '%s' "$2" | tr '[:upper:]' '[:lower:]')"; data="$3"; shift 3
device_id=0
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then device_id="$1"; shift; fi
[ -f "$mindir" ] || fail "MINDIR_PATH $mindir: no such file"
[ -e "$data" ] || fail "DATA_PATH $data: no such folder (or file, for a model that takes one)"
case "$device_id" in *[!0-9]*) fail "DEVICE_ID $device_id: expected a number" ;; esac
manifest="${mindir%.*}.json"
BUILD_DIR="${BUILD_DIR:-$ROOT/ascend310_infer/out}"
program="$BUILD_DIR/main"

prepare_python requirements.txt
contract="$(read_contract "$manifest")" || exit 2
read -r named batch <<< "$contract"
[ -z "$model" ] || [ "$model" = "$named" ] || fail "MODEL $model: $manifest is of $named"
common=(--model "$named" --data_path "$data" --dataset "$dataset" --eval_batch_size "$batch" "$@")

stage preprocess write_records
stage build build_application
stage infer infer
stage acc "$PYTHON" "$ROOT/postprocess.py" "${common[@]}" --pre_path ./preprocess_Result --result_path ./result_Files

#!/usr/bin/env bash
# Installs what is missing and runs the tests.
set -euo pipefail
usage() {
    cat <<'TEXT'
usage: bash scripts/run_tests.sh [--slow] [--with-torch] [--with-openvino] [PYTEST OPTIONS]

  --slow           run the slow tests instead of the others
  --with-torch     install PyTorch too, which the tests of weight conversion need
  --with-openvino  install OpenVINO too, which the tests of C++ inference on ONNX files need

Two test processes run side by side, each of up to 8 GB and on a core of its own; -n 0 runs them in one, as slow tests do.
TEXT
}
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
files=(requirements-test.txt)
selection=(-m "not slow" -n 2 --dist loadfile --no-loadscope-reorder)
while [ $# -gt 0 ]; do
    case "$1" in
        -h|--help) usage; exit 0 ;;
        --slow) selection=(-m slow); shift ;;
        --with-torch) files+=(requirements-convert.txt); shift ;;
        --with-openvino) files+=(requirements-openvino.txt); shift ;;
        *) break ;;
    esac
done
prepare_python "${files[@]}"
cd "$ROOT"
exec "$PYTHON" -m pytest "${selection[@]}" "$@"

#!/usr/bin/env bash
# Builds the C++ application into ascend310_infer/out (or BUILD_DIR).
set -euo pipefail
usage() {
    cat <<'TEXT'
usage: [MS_ROOT=DIR] [PYTHON=FILE] [BUILD_DIR=DIR] bash ascend310_infer/build.sh [--tests] [--sanitize] [-DNAME=VALUE ...]

  MS_ROOT     package of MindSpore Lite, or an old full package for Ascend; without it the application
              is built with the host runtime, against the headers of the MindSpore in PYTHON
  PYTHON      Python of the host runtime (default: .venv of the project, which is made when missing)
  BUILD_DIR   where to build (default ascend310_infer/out)
  CMAKE_BUILD_PARALLEL_LEVEL  compile jobs at a time (default: one per core)
  --tests     build and run the unit tests
  --sanitize  with AddressSanitizer and UndefinedBehaviorSanitizer
The JSON library is that of the distribution (nlohmann-json3-dev), or the copy in MindSpore's wheel.
TEXT
}
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../scripts/environment.sh"
options=()
run_tests=false
while [ $# -gt 0 ]; do
    case "$1" in
        -h|--help) usage; exit 0 ;;
        --tests) run_tests=true; options+=(-DBUILD_UNIT_TESTS=ON) ;;
        --sanitize) options+=(-DSANITIZE=ON) ;;
        -D?*) options+=("$1") ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
for tool in cmake "${CXX:-c++}"; do
    command -v "$tool" > /dev/null || fail "$tool was not found: install cmake and g++ (Debian: apt-get install cmake g++)"
done
if [ -n "${MS_ROOT:-}" ]; then
    [ -d "$MS_ROOT" ] || fail "MS_ROOT $MS_ROOT: no such folder"
    MS_ROOT="$(cd "$MS_ROOT" && pwd)"
else
    prepare_python requirements.txt
fi
python=""
if [ -n "${PYTHON:-}" ]; then
    python="$("$PYTHON" -c 'import sys; print(sys.executable)')" || fail "PYTHON $PYTHON: cannot be run"
fi
folder="${BUILD_DIR:-$here/out}"
mkdir -p "$folder"
# a cache of another place (the project was moved or copied) cannot be used
if [ -f "$folder/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$here" "$folder/CMakeCache.txt"; then
    rm "$folder/CMakeCache.txt"
fi
cmake -S "$here" -B "$folder" -DMS_ROOT="${MS_ROOT:-}" -DPYTHON="$python" ${options[@]+"${options[@]}"}
cmake --build "$folder" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
if [ "$run_tests" = true ]; then
    (cd "$folder" && ctest --output-on-failure)
fi
echo "built $folder/main with the $(cat "$folder/runtime.txt") runtime"

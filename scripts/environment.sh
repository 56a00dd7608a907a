# Sourced by the other scripts: finds the project and a Python that has what it needs.
# PYTHON=/path/to/python uses that interpreter; otherwise .venv in the project is made and used.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}"

fail() {
    echo "$(basename "$0"): error: $*" >&2
    exit 2
}

# A Python 3.9 to 3.12 on this machine.
find_python() {
    local name
    for name in python3 python3.11 python3.12 python3.10 python3.9 python; do
        if "$name" -c 'import sys, venv; sys.exit(not (3, 9) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.9 to 3.12 with the venv module was found; set PYTHON to one"
}

# Sets PYTHON, and installs the given requirement files where they have changed since the last time.
prepare_python() {
    if [ -z "${PYTHON:-}" ]; then
        if [ ! -x "$ROOT/.venv/bin/python" ]; then
            local base
            base="$(find_python)"
            echo "making $ROOT/.venv with $base"
            "$base" -m venv "$ROOT/.venv"
        fi
        PYTHON="$ROOT/.venv/bin/python"
    fi
    export PYTHON
    local file stamp
    for file in "$@"; do
        stamp="$("$PYTHON" -c 'import sys; print(sys.prefix)')/.installed-$(basename "$file" .txt)"
        if ! cat "$ROOT"/requirements*.txt | cmp -s - "$stamp"; then
            echo "installing $file (MindSpore alone is a download of 0.8 GB)"
            "$PYTHON" -m pip install --disable-pip-version-check -r "$ROOT/$file"
            cat "$ROOT"/requirements*.txt > "$stamp"
        fi
    done
}

# run_logged LOGFILE COMMAND...: shows the output, keeps it in LOGFILE, returns the command's status.
run_logged() {
    local log="$1"
    shift
    mkdir -p "$(dirname "$log")"
    echo "log: $log"
    local status=0
    "$@" 2>&1 | tee "$log" || status="${PIPESTATUS[0]}"
    return "$status"
}

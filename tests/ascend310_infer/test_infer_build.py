"""What is built, against which headers."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
# the public API as an application of either kind of package needs it; strings go in and out as vector<char>
LITE = {"AscendDeviceInfo::SetDeviceID", "AscendDeviceInfo::SetPrecisionMode", "Context::Context",
        "Context::MutableDeviceInfo", "Context::SetThreadNum", "DeviceInfoContext::DeviceInfoContext",
        "GPUDeviceInfo::SetDeviceID", "MSTensor::CharName", "MSTensor::Data", "MSTensor::DataSize",
        "MSTensor::DataType", "MSTensor::MSTensor", "MSTensor::Shape", "MSTensor::~MSTensor", "Model::Build",
        "Model::GetInputs", "Model::Model", "Model::Predict", "Model::Resize", "Model::~Model",
        "Status::GetErrDescriptionChar", "Status::ToCString", "Status::operator!="}
FULL = LITE | {"Graph::Graph", "Graph::~Graph", "GraphCell::GraphCell", "Serialization::Load", "Status::Status"}
VARIANTS = {"lite": ([], LITE), "full": (["-DWITH_FULL_PACKAGE"], FULL)}


@pytest.fixture(scope="module")
def wheel():
    """Folder of the installed MindSpore."""
    return Path(find_spec("mindspore").submodule_search_locations[0])


@pytest.fixture(scope="module")
def declarations(root):
    """The host runtime's declarations of the API, for wheels without headers."""
    return root / "ascend310_infer" / "host_runtime" / "declarations"


@pytest.fixture(scope="module")
def headers(wheel):
    """The headers of the installed MindSpore."""
    if not (wheel / "include" / "api" / "model.h").is_file():
        pytest.skip("the wheel of the installed MindSpore has no include/api (those up to 2.7 have)")
    return wheel


@pytest.fixture
def needed_symbols(root, compiler, wheel, tmp_path):
    """What session.cc wants from the library when it is compiled against some headers, by option."""

    def call(headers, *options):
        target = tmp_path / "session.o"
        subprocess.run(["c++", "-std=c++17", *WARNINGS, "-D_GLIBCXX_USE_CXX11_ABI=0", *options, "-isystem", headers,
                        "-isystem", headers / "include", "-isystem", wheel / "include" / "third_party",
                        "-I", root / "ascend310_infer" / "inc", "-c", root / "ascend310_infer" / "src" / "session.cc",
                        "-o", target], check=True)
        symbols = subprocess.run(["nm", "-C", "-u", target], check=True, text=True, capture_output=True).stdout
        return {line.split(maxsplit=1)[1] for line in symbols.splitlines() if re.match(r"\s+U mindspore::", line)}

    return call


def names_of(symbols):
    """The functions among symbols; constructors that headers define in line depend on the optimisation."""
    names = {re.match(r"mindspore::([~\w:!=]+)", symbol)[1].removesuffix("[abi:cxx11]") for symbol in symbols}
    return names - {"Cell", "CellBase"}


def test_the_unit_tests_pass(built):
    process = subprocess.run(["ctest", "--output-on-failure"], cwd=built, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    passed = re.search(r"100% tests passed, 0 tests failed out of (\d+)", process.stdout)
    assert passed and int(passed[1]) == 8


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_package_needs_the_public_api_and_no_string_of_either_abi(needed_symbols, headers, variant):
    options, expected = VARIANTS[variant]
    symbols = needed_symbols(headers, *options)
    assert not [symbol for symbol in symbols if "string" in symbol]
    assert names_of(symbols) == expected


def test_the_own_declarations_name_the_same_functions(needed_symbols, declarations):
    symbols = needed_symbols(declarations)
    assert not [symbol for symbol in symbols if "string" in symbol]
    assert names_of(symbols) == LITE


def test_the_own_declarations_are_those_of_the_wheel(needed_symbols, declarations, headers):
    assert needed_symbols(declarations) == needed_symbols(headers)


def test_the_host_runtime_is_built_with_its_own_declarations(build, tmp_path):
    process = build(tmp_path / "out", "-DOWN_DECLARATIONS=ON")
    assert "host_runtime/declarations" in process.stdout and "with the host runtime" in process.stdout


def test_nothing_of_the_host_runtime_is_exported(built):
    symbols = subprocess.run(["nm", "-D", "-C", "--defined-only", built / "main"], check=True, text=True,
                             capture_output=True).stdout
    assert "mindspore::" not in symbols


def test_a_second_build_compiles_nothing(build, built):
    before = (built / "main").stat().st_mtime_ns
    process = build(built, "-DBUILD_UNIT_TESTS=ON")
    assert "Building CXX" not in process.stdout and (built / "main").stat().st_mtime_ns == before
    assert f"built {built}/main with the host runtime" in process.stdout


@pytest.mark.parametrize(("arguments", "environment", "expected"), [
    (["--no-such-option"], {}, "usage: "),
    ([], {"MS_ROOT": "/no/such"}, "MS_ROOT /no/such: no such folder"),
    ([], {"MS_ROOT": "/usr/include"}, "neither lib/libmindspore-lite.so nor lib/libmindspore.so is there"),
    ([], {"CXX": "no-such-compiler"}, "no-such-compiler was not found: install cmake and g++"),
])
def test_a_mistake_of_the_build_is_named(build, tmp_path, arguments, environment, expected):
    process = build(tmp_path / "out", *arguments, check=False, **environment)
    assert process.returncode != 0 and expected in " ".join(process.stderr.split())


def test_help_is_given(build, tmp_path):
    assert "MS_ROOT" in build(tmp_path, "--help").stdout


@pytest.mark.slow
def test_a_package_of_mindspore_lite_is_built_against_and_run(root, build, infer, case, wheel, headers, tmp_path):
    """The folders of a Lite package with the host runtime as its library: paths, ABI and the call of Build."""
    package = tmp_path / "lite" / "runtime"
    (package / "lib").mkdir(parents=True)
    (package / "include").symlink_to(headers / "include")
    sources = root / "ascend310_infer" / "host_runtime"
    subprocess.run(["c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-D_GLIBCXX_USE_CXX11_ABI=0",
                    f'-DHOST_PYTHON="{sys.executable}"', f'-DHOST_WORKER="{sources / "worker.py"}"',
                    "-isystem", package, "-isystem", package / "include",
                    "-isystem", wheel / "include" / "third_party",
                    *(sources / name for name in ("context.cc", "model.cc", "openvino_model.cc", "tensor.cc",
                                                  "worker_model.cc", "worker_process.cc")),
                    "-o", package / "lib" / "libmindspore-lite.so"], check=True)
    process = build(tmp_path / "out", MS_ROOT=str(tmp_path / "lite"))
    assert "with the lite runtime" in process.stdout
    libraries = subprocess.run(["ldd", tmp_path / "out" / "main"], check=True, text=True, capture_output=True).stdout
    assert str(package / "lib" / "libmindspore-lite.so") in libraries
    assert infer(*case.arguments, program=tmp_path / "out" / "main").returncode == 0
    assert case.results() == case.expected


@pytest.mark.slow
def test_sanitizers_find_nothing(build, infer, case, tmp_path):
    """Unit tests, hostile input and a whole run under AddressSanitizer and UndefinedBehaviorSanitizer."""
    build(tmp_path / "out", "--sanitize", "--tests")
    program = tmp_path / "out" / "main"
    process = infer(*case.arguments, program=program)
    assert process.returncode == 0, process.stderr
    assert case.results() == case.expected
    manifest = case.manifest.read_bytes()
    records = (case.records / "records.json").read_bytes()
    for size in range(0, len(manifest), 40):
        case.manifest.write_bytes(manifest[:size])
        process = infer(*case.arguments, program=program)
        assert process.returncode == 2 and len(process.stderr.splitlines()) == 1, process.stderr
    for old, new in ((b'"batch": 4', b'"batch": 9223372036854775807'), (b"[6]", b"[-6]"), (b"[6]", b"[1e18]"),
                     (b"[6]", b"[4294967296, 4294967296]"), (b'"float32"', b'"float33"'), (b'"tiny"', b'"../tiny"')):
        assert old in manifest and old in records
        case.manifest.write_bytes(manifest.replace(old, new))
        (case.records / "records.json").write_bytes(records.replace(old, new))
        process = infer(*case.arguments, program=program)
        assert process.returncode == 2 and len(process.stderr.splitlines()) == 1, process.stderr

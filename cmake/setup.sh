#!/bin/sh
# Installs what building needs and this machine lacks:
#   sh cmake/setup.sh             for `cmake --workflow --preset sine` and `--preset test`
#   sh cmake/setup.sh formats     for `cmake --workflow --preset formats` as well: what the model files of other programs need
#   sh cmake/setup.sh tools       for `cmake --workflow --preset tools`, the program carousel: the same, and libsndfile
#   sh cmake/setup.sh mpi         for carousel::mpi: training over several machines, and its tests
#   sh cmake/setup.sh docs        for `cmake --workflow --preset docs`, the manual (Debian)
#   sh cmake/setup.sh live        for the manual with its live page: the same, and Emscripten (840 MB)
#   sh cmake/setup.sh ci          for .ci/run as well
#   sh cmake/setup.sh platforms   for .ci/platforms: other processors' compilers, emulators, MinGW, Emscripten (Debian)
#   sh cmake/setup.sh benchmark   for `cmake --workflow --preset benchmark` as well: the libraries it compares with
set -eu

has() { command -v "$1" >/dev/null 2>&1; }

has_header() {
    for folder in /usr/include /usr/local/include /opt/homebrew/include /opt/local/include "${MINGW_PREFIX:-/usr}/include"; do
        [ ! -e "$folder/$1" ] || return 0
    done
    return 1
}

has_file() { [ -e "$1" ]; }

has_cmake() { # 3.25 or newer
    has cmake && cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25)) }'
}

has_sanitizers() { # and libFuzzer, which comes with them
    has clang++ && echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
        clang++ -x c++ -fsanitize=fuzzer,address,undefined -o /dev/null - >/dev/null 2>&1
}

has_python_module() { # of the system's Python where there is one, as docs/CMakeLists.txt takes it
    python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)
    "$python" -c "import $1" >/dev/null 2>&1
}

found() {
    case $1 in
    compiler) has c++ || has g++ || has clang++ ;;
    cmake) has_cmake ;;
    ninja) has ninja || has ninja-build ;;
    eigen) has_header eigen3/Eigen/Core || has_header Eigen/Core ;;
    catch2) has_header catch2/catch.hpp || has_header catch2/catch_all.hpp ;;
    cli11) has_header CLI/CLI.hpp ;;
    gnuplot) has gnuplot ;;
    clang) has clang++ ;;
    sanitizers) has_sanitizers ;;
    clang-format) has clang-format-14 || has clang-format ;;
    json) has_header nlohmann/json.hpp ;;
    newer-clang) has clang++-19 ;;
    pkg-config) has pkg-config ;;
    aarch64) has aarch64-linux-gnu-g++ ;;
    armhf) has arm-linux-gnueabihf-g++ ;;
    cortex-m) has arm-none-eabi-g++ ;;
    i386) has i686-linux-gnu-g++ ;;
    riscv64) has riscv64-linux-gnu-g++ ;;
    s390x) has s390x-linux-gnu-g++ ;;
    qemu) has qemu-aarch64-static ;;
    mingw) has x86_64-w64-mingw32-g++-posix ;;
    wine) has wine ;;
    emscripten) has em++ ;;
    node) has node ;;
    npm) has npm ;;
    doxygen) has doxygen ;;
    graphviz) has dot ;;
    python-markdown) has_python_module markdown ;;
    python-pygments) has_python_module pygments ;;
    chromium) has chromium || has chromium-browser || has google-chrome ;;
    libc++) has_file '/usr/lib/llvm-19/include/c++/v1/vector' ;;
    libc++abi) has_file '/usr/lib/llvm-19/lib/libc++abi.so' ;;
    benchmark) has_header benchmark/benchmark.h ;;
    zip) has_header zip.h ;;
    hdf5) has_header hdf5.h || has_header hdf5/serial/hdf5.h ;;
    sndfile) has_header sndfile.h ;;
    protobuf) has_header google/protobuf/io/coded_stream.h ;;
    onednn) has_header dnnl.hpp ;;
    torch) has_header torch/csrc/api/include/torch/torch.h ;;
    openblas) has_openblas ;;
    mpi) has mpicxx && has mpiexec ;;
    esac
}

has_openblas() { # found by the loader: Debian's PyTorch calls whatever BLAS there is, and the reference BLAS is slow
    PATH="$PATH:/sbin:/usr/sbin"
    ldconfig -p 2>/dev/null | grep -q libopenblas
}

# The package that brings a thing, by package manager; nothing where there is none.
package() {
    case $manager-$1 in
    apt-get-compiler) echo g++ ;;
    apt-get-ninja) echo ninja-build ;;
    apt-get-eigen) echo libeigen3-dev ;;
    apt-get-cli11) echo libcli11-dev ;;
    apt-get-gnuplot) echo gnuplot-nox ;;
    apt-get-sanitizers) echo libclang-rt-dev ;;
    apt-get-clang-format) echo clang-format-14 ;;
    apt-get-json) echo nlohmann-json3-dev ;;
    apt-get-zip) echo libzip-dev ;;
    apt-get-hdf5) echo libhdf5-dev ;;
    apt-get-protobuf) echo libprotobuf-dev ;;
    apt-get-sndfile) echo libsndfile1-dev ;;
    apt-get-newer-clang) echo clang-19 ;;
    apt-get-aarch64 | apt-get-riscv64 | apt-get-s390x) echo "g++-$1-linux-gnu" ;;
    apt-get-armhf) echo g++-arm-linux-gnueabihf ;;
    apt-get-cortex-m) echo libstdc++-arm-none-eabi-newlib ;;
    apt-get-i386) echo g++-i686-linux-gnu ;;
    apt-get-qemu) echo qemu-user-static ;;
    apt-get-mingw) echo g++-mingw-w64-x86-64-posix ;;
    apt-get-node) echo nodejs ;;
    apt-get-python-markdown | apt-get-python-pygments) echo "python3-${1#python-}" ;;
    apt-get-libc++) echo libc++-19-dev ;;
    apt-get-libc++abi) echo libc++abi-19-dev ;;
    apt-get-wine) echo wine wine64 ;;
    apt-get-benchmark) echo libbenchmark-dev ;;
    apt-get-onednn) echo libdnnl-dev ;;
    apt-get-torch) echo libtorch-dev ;;
    apt-get-openblas) echo libopenblas0-pthread ;;
    apt-get-mpi) echo libopenmpi-dev openmpi-bin ;;
    dnf-compiler) echo gcc-c++ ;;
    dnf-ninja) echo ninja-build ;;
    dnf-eigen) echo eigen3-devel ;;
    dnf-catch2) echo catch-devel ;;
    dnf-cli11) echo cli11-devel ;;
    dnf-sanitizers) echo compiler-rt ;;
    dnf-clang-format) echo clang-tools-extra ;;
    dnf-json) echo json-devel ;;
    dnf-zip) echo libzip-devel ;;
    dnf-hdf5) echo hdf5-devel ;;
    dnf-protobuf) echo protobuf-devel ;;
    dnf-sndfile) echo libsndfile-devel ;;
    brew-sndfile) echo libsndfile ;;
    brew-zip) echo libzip ;;
    dnf-python-markdown | dnf-python-pygments) echo "python3-${1#python-}" ;;
    brew-python-markdown | brew-python-pygments) ;; # pip install markdown pygments
    dnf-mpi) echo openmpi-devel ;; # and `module load mpi`
    brew-mpi) echo open-mpi ;;
    dnf-benchmark) echo google-benchmark-devel ;;
    dnf-onednn) echo onednn-devel ;;
    dnf-torch | dnf-openblas | brew-openblas) ;;
    brew-benchmark) echo google-benchmark ;;
    brew-torch) echo pytorch ;;
    brew-json) echo nlohmann-json ;;
    brew-compiler | brew-clang | brew-sanitizers) ;; # xcode-select --install
    dnf-newer-clang | brew-newer-clang) ;;
    *) echo "$1" ;; # the same name everywhere
    esac
}

missing() {
    for thing; do
        found "$thing" || printf '%s ' "$thing"
    done
}

install() {
    packages=$(for thing; do package "$thing"; done | sort -u)
    [ -n "$packages" ] || return 1
    # shellcheck disable=SC2086 # one word a package
    case $manager in
    apt-get) $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages ;;
    dnf) $as_root dnf install -y $packages ;;
    brew) brew install $packages ;;
    *) return 1 ;;
    esac
}

needed='compiler cmake ninja' # nothing goes without them
wanted='eigen catch2 cli11'   # CMake downloads those that are not installed
optional='gnuplot json sndfile' # pictures; saved models; audio
case ${1-} in
formats)
    needed="$needed json zip hdf5 protobuf"
    ;;
tools)
    needed="$needed json zip hdf5 protobuf"
    wanted='eigen cli11'
    optional=sndfile
    ;;
mpi)
    needed="$needed mpi"
    ;;
docs | live)
    needed="$needed doxygen graphviz python-markdown python-pygments"
    [ "$1" = docs ] || needed="$needed emscripten"
    wanted=eigen
    optional='chromium node npm' # for the manual's own test
    ;;
ci)
    needed="$needed clang sanitizers clang-format json zip hdf5 protobuf mpi"
    optional="$optional newer-clang pkg-config"
    ;;
platforms)
    needed="$needed clang eigen catch2 json"
    wanted=
    optional='newer-clang libc++ libc++abi aarch64 armhf cortex-m i386 riscv64 s390x qemu mingw wine emscripten node'
    ;;
benchmark)
    wanted="$wanted benchmark"
    optional="$optional onednn torch openblas"
    ;;
esac

# shellcheck disable=SC2086 # one word a thing
lacking=$(missing $needed $wanted $optional)
if [ -z "$lacking" ]; then
    echo "setup: everything is installed"
    exit 0
fi
echo "setup: installing $lacking"

manager=none
for candidate in apt-get dnf brew; do
    if has $candidate; then
        manager=$candidate
        break
    fi
done

as_root=
if [ "$(id -u)" -ne 0 ] && has sudo; then
    as_root=sudo
fi

if [ $manager = apt-get ]; then
    $as_root apt-get update || echo "setup: apt-get update failed, going on with the lists that are there"
fi

# All at once, or else one by one, so that a package this system does not have keeps none of the others out.
# shellcheck disable=SC2086 # one word a thing
if ! install $lacking; then
    for thing in $lacking; do
        install "$thing" || echo "setup: $thing could not be installed"
    done
fi

# shellcheck disable=SC2086
lacking=$(missing $optional)
[ -z "$lacking" ] || echo "setup: going on without $lacking"
# shellcheck disable=SC2086
lacking=$(missing $wanted)
[ -z "$lacking" ] || echo "setup: CMake will download $lacking"
# shellcheck disable=SC2086
lacking=$(missing $needed)
if [ -n "$lacking" ]; then
    echo "setup: please install $lacking(cmake: 3.25 or newer)" >&2
    exit 1
fi

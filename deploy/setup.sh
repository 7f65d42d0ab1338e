#!/usr/bin/env bash
# Sets up all that a centre needs on Debian or Ubuntu: Debian packages where we may, and .venv with
# the pinned Python packages. Run again it does nothing; `setup.sh test` adds what the tests need.
set -euo pipefail
cd "$(dirname "$0")/.."

packages="espeak-ng libegl1 libgl1 libmtdev1 libusb-1.0-0 python3-venv"
if [ "${1:-}" = test ]; then
    packages="$packages chromium mosquitto procps"
    # Any Node that is there will do; it runs the terminals' firmware.
    command -v npm >/dev/null || packages="$packages nodejs npm"
fi

missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
# A python3 that can make a venv by itself does not need Debian's package for it.
if python3 -c 'import venv, ensurepip' 2>/dev/null; then missing="${missing/ python3-venv/}"; fi
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if { [ -z "$sudo" ] || $sudo true 2>/dev/null; } && command -v apt-get >/dev/null; then
        echo "installing Debian packages:$missing"
        $sudo apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
        # The broker's package starts a service of its own; ours is started by the tests.
        case "$missing" in *mosquitto*) $sudo systemctl disable --now mosquitto >/dev/null 2>&1 || true ;; esac
    else
        echo "please install these packages first:  apt-get install$missing" >&2
        exit 1
    fi
fi

python=""
for candidate in python3.12 python3.13 python3.11 python3; do
    if command -v "$candidate" >/dev/null &&
        "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11, 3.12 or 3.13 with venv is needed" >&2
    exit 1
fi

stamp=".venv/.installed"
wanted="$(cat requirements.txt pyproject.toml | sha256sum | cut -d' ' -f1)"
if [ ! -x .venv/bin/python ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing Python packages into .venv (once)"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null ||
        .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
    echo "compiling the twin (once)"
    .venv/bin/python -m queue_server.twin.warm || echo "not compiled now; the twin does it at its first start" >&2
    echo "$wanted" >"$stamp"
fi

# The tests run the terminals' firmware in real MicroPython, which comes as a package for Node.
if [ "${1:-}" = test ]; then
    stamp="tests/firmware/node_modules/.installed"
    wanted="$(sha256sum <tests/firmware/package-lock.json)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "installing MicroPython for Node into tests/firmware/node_modules (once)"
        if npm ci --prefix tests/firmware --no-audit --no-fund --silent; then
            echo "$wanted" >"$stamp"
        else
            echo "not installed: the tests of the terminals' firmware will fail" >&2
        fi
    fi
fi

# Shared by ./start, ./test and .ci/run: the virtual environment, and the system's packages for the browser tests.

make_venv() {  # $1: extras, "" or "[test]"
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Lotse needs Python 3.11 or newer; on Debian 12: apt-get install python3" >&2
        exit 1
    }
    stamp=".venv/lotse$1.stamp"
    if [ -x .venv/bin/lotse ] && [ -f "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ]; then
        return
    fi
    "$python" -c 'import venv, ensurepip' 2>/dev/null || {
        echo "Python's venv is missing. Type: apt-get install python3-venv" >&2
        exit 1
    }
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    echo "installing Lotse into .venv …" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$1"
    : > "$stamp"
}

install_system_packages() {
    command -v chromium >/dev/null && fc-list 2>/dev/null | grep -qi 'NotoSansArabic\|Noto Sans Arabic\|NotoNaskh' && return
    [ "$(id -u)" = 0 ] || { echo "./test --system installs packages and needs root" >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fontconfig fonts-noto-core >/dev/null
}

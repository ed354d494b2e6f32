# Sourced text for scripts that install Python packages: finds uv, or gets it.

use_env() { # NAME=value…: for everything this script runs
  local assignment
  for assignment; do export "${assignment?}"; done
}

# Steps run side by side, and two that made the same environment would spoil it for each other: the second one waits.
# Goes with the process, however that ends. Where there is no flock they are merely unlikely to meet.
lock_tools() { # PI
  mkdir -p -- "$1/tools"
  exec {tools_lock}>"$1/tools/.lock"
  if type -P flock >/dev/null; then flock "$tools_lock"; fi
}
unlock_tools() { exec {tools_lock}>&-; }

# Sets $uv. Looked for on PATH, then where pi put it; else from PyPI, else from astral.sh.
need_uv() { # PI
  local own=$1/tools/uv
  export UV_CACHE_DIR=$1/cache/uv UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
  export UV_PYTHON_INSTALL_DIR=$1/python
  unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV CONDA_PREFIX
  uv=$(type -P uv || true)
  [[ -n $uv ]] || uv=$own/bin/uv
  if uv_runs; then return 0; fi
  lock_tools "$1"
  uv=$own/bin/uv
  if ! uv_runs; then # nobody else got it meanwhile
    say "getting uv"
    uv_by_venv "$own" || uv_by_pip "$own" || uv_by_download "$own" || no_uv
  fi
  unlock_tools
}

uv_runs() { [[ -x $uv ]] && "$uv" --version >/dev/null 2>&1; }

no_uv() {
  die "uv can be had neither from PyPI (with python3 and pip or venv) nor from astral.sh (with curl or wget)"
}

uv_by_venv() { # OWN
  type -P python3 >/dev/null || return 1
  python3 -m venv -- "$1" >/dev/null 2>&1 || return 1
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check uv || return 1
  [[ -x $1/bin/uv ]]
}

uv_by_pip() { # OWN
  type -P python3 >/dev/null || return 1
  python3 -m pip install --quiet --disable-pip-version-check --target "$1" uv >/dev/null 2>&1 || return 1
  [[ -x $1/bin/uv ]]
}

uv_by_download() { # OWN
  local get
  if type -P curl >/dev/null; then get=(curl -fsSL --max-time 120)
  elif type -P wget >/dev/null; then get=(wget -qO- --timeout=120)
  else return 1; fi
  "${get[@]}" https://astral.sh/uv/install.sh >"$1.install" || return 1
  UV_UNMANAGED_INSTALL=$1/bin INSTALLER_NO_MODIFY_PATH=1 sh "$1.install" >/dev/null 2>&1 || return 1
  rm -f -- "$1.install"
  [[ -x $1/bin/uv ]]
}

# An environment with the wanted Python. One that is there already is preferred to a download: that version, else one of
# the others that do. `headers`: one for which C can be compiled, as long as that can be had.
make_venv() { # DIRECTORY PYTHON OTHERS [headers]
  local wanted found spare='' chosen=''
  if [[ -x $1/bin/python ]] && suits "$1/bin/python" "${4-}"; then return 0; fi
  for wanted in "$2" ${3:+"$3"}; do
    found=$("$uv" python find --no-python-downloads "$wanted" 2>/dev/null) || continue
    if suits "$found" "${4-}"; then
      chosen=$found
      break
    fi
    spare=${spare:-$found}
  done
  if [[ -n $chosen ]]; then
    if "$uv" venv --quiet --allow-existing --python "$chosen" -- "$1"; then return 0; fi
  elif UV_PYTHON_PREFERENCE=only-managed "$uv" venv --quiet --allow-existing --python "$2" -- "$1"; then
    return 0
  elif [[ -n $spare ]] && "$uv" venv --quiet --allow-existing --python "$spare" -- "$1"; then
    say "$spare has no headers, and another Python could not be downloaded"
    return 0
  fi
  die "there is no Python $2, and it could not be downloaded"
}

# Whether a Python runs, and has its headers if they are wanted.
suits() { # PYTHON [headers]
  "$1" -c '
import os, sys, sysconfig
if sys.argv[1:] == ["headers"]:
    scheme = getattr(sysconfig, "get_default_scheme", lambda: "posix_prefix")()
    include = sysconfig.get_path("include", "posix_prefix" if scheme == "posix_local" else scheme)
    sys.exit(not os.path.isfile(os.path.join(include, "Python.h")))
' ${2:+"$2"} 2>/dev/null
}

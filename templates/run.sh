# Sourced text for the run scripts: a server's session notes who it is, then becomes the engine.

# Writes `PID STARTTIME BOOT_ID` of this very process, which `exec` keeps; reads the secrets it was started with.
begin_session() { # DIRECTORY
  local line rest boot
  read -r line </proc/$$/stat
  read -ra rest <<<"${line##*) }"
  read -r boot </proc/sys/kernel/random/boot_id
  put "$1/pid" "$$ ${rest[19]} $boot"
  while IFS= read -r line; do
    case $line in
      api_key=*) api_key=${line#*=} ;;
      hf_token=*) export HF_TOKEN=${line#*=} ;;
    esac
  done <"$1/secrets"
}

take_env() { # NAME=value…
  local assignment
  for assignment; do export "${assignment?}"; done
}

# Prints where a commit's files are: the commit itself, or what the cache says that a branch or tag means.
snapshot() { # MODELS REPOSITORY REVISION
  local cache=$1/hub/models--${2/\//--} commit=${3:-main}
  if [[ -f $cache/refs/$commit ]]; then read -r commit <"$cache/refs/$commit" || [[ -n $commit ]]; fi
  printf '%s\n' "$cache/snapshots/$commit"
}

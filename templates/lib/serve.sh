# Sourced text for the run scripts: a server's session notes who it is, then becomes the engine, or watches over it.

# Writes `PID STARTTIME BOOT_ID` of this very process, which `exec` keeps, and in a second line its unit, if it gets
# one; reads the secrets it was started with. PI_SESSION, which is the same, is inherited by all that it starts: also by
# what leaves the session.
begin_session() { # DIRECTORY
  local line server=${1%/runs/*}
  read_stat $$
  read -r boot </proc/sys/kernel/random/boot_id
  enter_unit "${server##*/}"
  leader=$$ started=$born
  # before the secrets are read: what it starts knows none
  keep_log_short
  put "$1/pid" "$$ $started $boot${unit:+$'\n'$unit}"
  export PI_SESSION="$$ $started $boot"
  while IFS= read -r line; do
    case $line in
      api_key=*) api_key=${line#*=} ;;
      hf_token=*) export HF_TOKEN=${line#*=} ;;
    esac
  done <"$1/secrets"
}

# Becomes the engine; where it shall be started again, stays its session's leader and does that.
serve() { # DIRECTORY RESTART COMMAND…
  if [[ $2 != on-failure ]]; then exec "${@:3}"; fi
  watch_over "$1" "${@:3}"
}

# Runs the engine until it ends well, is stopped, or fails before it ever answered: that is a failed start, which whoever
# started it is told. After 5 failures in 10 minutes it is given up.
watch_over() { # DIRECTORY COMMAND…
  local dir=$1 code began now at pause=1 count=0 stopping='' recent=() earlier
  shift
  read_record "$dir"
  # what stops a server reaches the engine too, and this only behind it
  trap 'stopping=yes' TERM INT HUP
  set +e
  while :; do
    began=$SECONDS
    "$@"
    code=$?
    end_rest
    if [[ -n $stopping || $code == 0 || ! -f $dir/answered ]]; then exit "$code"; fi
    now=$SECONDS earlier=("${recent[@]}") recent=("$now")
    for at in "${earlier[@]}"; do
      if ((now - at < 600)); then recent+=("$at"); fi
    done
    if ((now - began > 600)); then pause=1; fi
    if ((${#recent[@]} > 5)); then
      put "$dir/restarts" "$count $code given-up"$'\n'
      say "pi: it ended with exit code $code, the sixth time in 10 minutes: given up"
      exit "$code"
    fi
    ((++count))
    put "$dir/restarts" "$count $code again"$'\n'
    say "pi: it ended with exit code $code; started again in $pause s"
    sleep "$pause"
    if [[ -n $stopping ]]; then exit "$code"; fi
    pause=$((pause * 2 > 60 ? 60 : pause * 2))
  done
}

# Ends what an engine that died has left in the session: workers hold GPU memory and the port.
end_rest() {
  local pid tick rest
  for ((tick = 0; tick < 50; tick++)); do
    read_members
    rest=()
    for pid in "${members[@]}"; do
      if ((pid != $$ && pid != log_keeper)); then rest+=("$pid"); fi
    done
    ((${#rest[@]})) || return 0
    kill -KILL "${rest[@]}" 2>/dev/null
    sleep 0.1
  done
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

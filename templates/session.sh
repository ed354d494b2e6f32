# Sourced text for scripts that deal with a server's processes: a server is a session, known by its leader's PID,
# the leader's start time and the pod's boot id, and whatever else is in its unit, where it has one.

# Sets $leader, $started and $unit, a control group's directory or why there is none, from DIRECTORY/pid; fails when
# there is no record, or it is from before a reboot.
read_record() { # DIRECTORY
  local boot now
  leader='' started='' unit=''
  [[ -f $1/pid ]] || return 1
  { read -r leader started boot && read -r unit; } <"$1/pid" || [[ -n $leader || -n $unit ]] || return 1
  read -r now </proc/sys/kernel/random/boot_id
  [[ $boot == "$now" && $leader == [1-9]* ]]
}

# Sets $state, $session and $start of a process; fails when it is gone.
read_stat() { # PID
  local line
  { read -r line </proc/"$1"/stat; } 2>/dev/null || return 1
  # the name may hold anything, also `)`: the fields begin behind the last one. No here-string: before bash 5.1 that is a
  # file in /tmp, which may be full
  # shellcheck disable=SC2086 # a letter and numbers
  set -- ${line##*) }
  state=$1 session=$4 start=${20}
}

# Whether the recorded leader itself runs.
leader_runs() {
  read_stat "$leader" && [[ $start == "$started" && $state != [ZX] ]]
}

# Sets $escaped: every living process of the recorded unit that is in another session.
read_escaped() {
  local pid pids=()
  escaped=()
  [[ $unit == /sys/fs/cgroup/*/pi-*.scope && $unit != *..* ]] || return 0
  { mapfile -t pids <"$unit/cgroup.procs"; } 2>/dev/null || true
  for pid in "${pids[@]}"; do
    if read_stat "$pid" && [[ $session != "$leader" && $state != [ZX] ]]; then escaped+=("$pid"); fi
  done
}

# Sets $members: every living process of the recorded session, and those that $escaped from it.
read_members() {
  local entry pid
  read_escaped
  members=("${escaped[@]}")
  # a PID that another process carries now means that nothing of the session is left: the kernel does not give a
  # session's number away while one of its processes lives
  if read_stat "$leader" && [[ $start != "$started" ]]; then return 0; fi
  for entry in /proc/[0-9]*/stat; do
    pid=${entry#/proc/} pid=${pid%/stat}
    if read_stat "$pid" && [[ $session == "$leader" && $state != [ZX] ]]; then members+=("$pid"); fi
  done
}

# Starts DIRECTORY/run.sh in a session of its own, with an empty log, and waits for its record.
# shellcheck disable=SC2329 # not every script calls it
start_session() { # DIRECTORY
  local tick
  fence
  : >"$1/server.log"
  setsid -f bash -p "$1/run.sh" "$1" </dev/null >>"$1/server.log" 2>&1
  for ((tick = 0; tick < 400; tick++)); do
    if read_record "$1"; then
      if [[ $unit == [!/]* ]]; then say "warning"$'\t'"\`${1##*/}\` runs without a systemd unit of its own: $unit"; fi
      return 0
    fi
    sleep 0.05
  done
  die "the server's session did not begin"
}

# Ends the session: TERM to the leader's group and to what left it, SECONDS to drain, KILL to whatever is left; then its
# GPU memory is waited for.
end_session() { # DIRECTORY SECONDS
  local tick were=()
  read_record "$1" || return 0
  read_members
  ((${#members[@]})) || return 0
  were=("${members[@]}")
  fence
  # TERM must not come twice: to many servers the second one says not to drain
  if leader_runs; then members=("-$leader" "${escaped[@]}"); fi
  kill -TERM -- "${members[@]}" 2>/dev/null || true
  for ((tick = 0; tick < $2 * 10; tick++)); do
    sleep 0.1
    read_members
    if ((${#members[@]} == 0)); then
      await_gpus "${were[@]}"
      return 0
    fi
  done
  say "still there after $2 s, killing: ${members[*]}"
  were+=("${members[@]}")
  for ((tick = 0; tick < 50; tick++)); do
    kill -KILL "${members[@]}" 2>/dev/null || true
    sleep 0.1
    read_members
    if ((${#members[@]} == 0)); then
      await_gpus "${were[@]}"
      return 0
    fi
  done
  die "these processes can't be killed: ${members[*]}"
}

# Ends what was started beside a server, and forgets it; its log is kept as the server's server.log.failed.
# shellcheck disable=SC2329 # not every script calls it
end_beside() { # PI NAME SECONDS
  local dir=$1/beside/$2
  if [[ ! -d $dir ]]; then return 0; fi
  end_session "$dir" "$3"
  if [[ -s $dir/server.log && -d $1/servers/$2 ]]; then
    mv -f -- "$dir/server.log" "$1/servers/$2/server.log.failed" 2>/dev/null || true
  fi
  forget "$dir"
  rmdir -- "$1/beside" 2>/dev/null || true
}

# Removes the record of a server that was ended. A disk that can't be written to is no reason to let one run on.
# shellcheck disable=SC2329
forget() { # DIRECTORY
  local why
  why=$(rm -rf -- "$1" 2>&1) || caution "it was ended, and its record stays: ${why##*: }"
}

# Waits until the driver lists none of these processes, which are gone, for at most 20 s: it may take so long to clear
# their memory away, and who starts before that finds too little. In a container it may number them otherwise, or list
# none: then there is nothing to wait for.
await_gpus() { # PID...
  local end=$((SECONDS + 20)) listed pid held said='' code
  type -P nvidia-smi >/dev/null || return 0
  while true; do
    code=0
    listed=$(timeout -s KILL 10 nvidia-smi --query-compute-apps=pid --format=csv,noheader 2>/dev/null) || code=$?
    # 137: it was killed, it hangs; otherwise a GPU may be lost, and the others are listed all the same
    if ((code == 137)); then
      say "nvidia-smi hangs: whether its GPU memory is free again can't be told"
      return 0
    fi
    held=''
    for pid in "$@"; do
      if [[ $'\n'$listed$'\n' == *$'\n'"$pid"$'\n'* && " $held " != *" $pid "* ]]; then held+=${held:+ }$pid; fi
    done
    if [[ -z $held ]]; then return 0; fi
    if ((SECONDS >= end)); then
      say "its GPU memory is not free after 20 s: nvidia-smi still lists PID $held"
      return 0
    fi
    if [[ -z $said ]]; then say "waiting for its GPU memory"; fi
    said=1
    sleep 0.5
  done
}

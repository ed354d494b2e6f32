# Sourced text for scripts that deal with a server's processes: a server is a session, known by its leader's PID,
# the leader's start time and the pod's boot id, and whatever else is in its unit, where it has one, or inherited the
# variable PI_SESSION from it.

# Sets $leader, $started, $boot and $unit, a control group's directory or why there is none, from DIRECTORY/pid; fails
# when there is no record, or it is from before a reboot.
read_record() { # DIRECTORY
  local now
  leader='' started='' boot='' unit=''
  [[ -f $1/pid ]] || return 1
  { read -r leader started boot && read -r unit; } <"$1/pid" || [[ -n $leader || -n $unit ]] || return 1
  read -r now </proc/sys/kernel/random/boot_id
  [[ $boot == "$now" && $leader == [1-9]* ]]
}

# Whether the recorded leader itself runs.
leader_runs() {
  read_stat "$leader" && [[ $born == "$started" && $state != [ZX] ]]
}

# Sets $escaped: every living process that is in another session, and in the recorded unit or with what all inherit that
# the recorded session starts.
read_escaped() {
  local file pid pids=()
  escaped=()
  if [[ $unit == /sys/fs/cgroup/*/pi-*.scope && $unit != *..* ]]; then
    { mapfile -t pids <"$unit/cgroup.procs"; } 2>/dev/null || true
  fi
  # looking at the environment of a process that is stuck in a driver may take forever: it is tried once
  if [[ -z ${environs_hang-} ]]; then
    while IFS= read -r file; do
      case $file in
        137) environs_hang=yes ;;
        /proc/*) file=${file#/proc/} pids+=("${file%/environ}") ;;
      esac
    done < <(
      timeout -s KILL 5 grep -lszxF -e "PI_SESSION=$leader $started $boot" -- /proc/[0-9]*/environ 2>/dev/null
      printf '%s\n' "$?"
    )
    if [[ -n ${environs_hang-} ]]; then
      say "warning"$'\t'"a process here hangs so that its environment can't be read: what left the session without a trace is not seen"
    fi
  fi
  for pid in "${pids[@]}"; do
    if read_stat "$pid" && [[ $session != "$leader" && $state != [ZX] && " ${escaped[*]} " != *" $pid "* ]]; then
      escaped+=("$pid")
    fi
  done
}

# Sets $members: every living process of the recorded session, and those that $escaped from it. An empty list counts
# only where $blind is empty, too: else processes can't be seen here.
read_members() {
  local entry pid
  blind=yes
  read_escaped
  members=("${escaped[@]}")
  for entry in /proc/[0-9]*/stat; do
    pid=${entry#/proc/} pid=${pid%/stat}
    # shellcheck disable=SC2034 # who ends sessions asks
    if [[ $pid == "$$" ]]; then blind=''; fi
    if read_stat "$pid" && [[ $session == "$leader" && $state != [ZX] ]]; then members+=("$pid"); fi
  done
  # a PID that another process carries now means that nothing of the session is left: the kernel does not give a
  # session's number away while one of its processes lives
  if read_stat "$leader" && [[ $born != "$started" ]]; then members=("${escaped[@]}"); fi
}

# Sets $holders: whoever listens on a port, 0 where that can't be seen.
# shellcheck disable=SC2329 # not every script calls it
read_holders() { # PORT
  local hex table fields line inode pid=0
  local -A found=()
  holders=()
  printf -v hex '%04X' "$1"
  for table in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $table ]] || continue
    while read -ra fields; do
      if [[ ${fields[0]} == sl ]]; then continue; fi
      [[ ${fields[3]} == 0A ]] || break # they come first
      if [[ ${fields[1]##*:} == "$hex" ]]; then found[${fields[9]}]=''; fi
    done <"$table"
  done
  ((${#found[@]})) || return 0
  # links alone are read: following one may hang, and -b keeps a hostile name on its line
  while IFS= read -r line; do
    case $line in
      /proc/*/fd:) pid=${line#/proc/} pid=${pid%/fd:} ;;
      *' -> socket:['*']')
        inode=${line##*\[} inode=${inode%\]}
        if [[ -n ${found[$inode]+there} ]]; then found[$inode]+=" $pid"; fi
        ;;
    esac
  done < <(ls -gGUb --time-style=+ /proc/[0-9]*/fd 2>/dev/null)
  for inode in "${!found[@]}"; do
    # shellcheck disable=SC2206 # numbers
    holders+=(${found[$inode]:-0})
  done
}

# Starts DIRECTORY/run.sh in a session of its own, with DIRECTORY/server.log, and waits for its record.
# shellcheck disable=SC2329 # not every script calls it
start_session() { # DIRECTORY NAME
  local tick
  fence
  setsid -f bash -p "$1/run.sh" "$1" </dev/null >>"$1/server.log" 2>&1 || exit "$EXIT_NOT_BEGUN"
  for ((tick = 0; tick < 400; tick++)); do
    if read_record "$1"; then
      if [[ $unit == [!/]* ]]; then say "warning"$'\t'"\`$2\` runs without a systemd unit of its own: $unit"; fi
      return 0
    fi
    sleep 0.05
  done
  printf '%s\n' "the server's session did not begin" >&2
  exit "$EXIT_NOT_BEGUN"
}

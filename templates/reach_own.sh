# shellcheck shell=bash
# Sourced text for scripts that ask one of two servers on one port (SO_REUSEPORT). The kernel chooses one of them for each
# connection; which one it was is seen in /proc, before anything is said.

# Opens $connection to a port, to a process of the session of LEADER or of its UNIT. Fails when none of those listens
# there, or none was reached in SECONDS.
reach_own() { # HOST PORT LEADER UNIT SECONDS
  local end=$((SECONDS + $5))
  listens "$2" "$3" "$4" || return 1
  while ((SECONDS <= end)); do
    { exec {connection}<>"/dev/tcp/$1/$2"; } 2>/dev/null || return 1
    if is_reached "$connection" "$3" "$4"; then return 0; fi
    exec {connection}>&-
  done
  return 1
}

# Whether one of them listens on a port.
listens() { # PORT LEADER UNIT
  local hex rows row fields
  printf -v hex '%04X' "$1"
  read_rows
  for row in "${rows[@]}"; do
    [[ $row == *":$hex "*' 0A '* ]] || continue
    # shellcheck disable=SC2206 # numbers
    fields=($row)
    if [[ ${fields[3]} == 0A && ${fields[1]} == *:"$hex" ]] && holds "${fields[9]}" "$2" "$3"; then return 0; fi
  done
  return 1
}

# Sets $rows to the kernel's table of connections.
read_rows() {
  local table
  rows=()
  for table in /proc/net/tcp /proc/net/tcp6; do
    if [[ -r $table ]]; then mapfile -t -s 1 -O "${#rows[@]}" rows <"$table"; fi
  done
}

# Whether it was they who accepted a connection. Until somebody has, a second at most, the kernel tells of no owner.
is_reached() { # CONNECTION LEADER UNIT
  local inode here='' there='' end='' tick code
  inode=$(readlink "/proc/self/fd/$1") || return 1
  inode=${inode//[!0-9]/}
  for ((tick = 0; tick < 50; tick++)); do
    both_ends "$inode"
    if ((${end:-0})); then
      holds "$end" "$2" "$3"
      return
    fi
    # nobody speaks before it was asked: this waits, without a fork
    code=0
    read -r -t 0.02 -u "$1" _ || code=$?
    ((code > 128)) || return 1
  done
  return 1
}

# Sets $end to the inode of the other end of this connection, 0 before it is accepted; it is on this machine.
both_ends() { # INODE
  local rows row fields
  read_rows
  if [[ -z $here ]]; then
    for row in "${rows[@]}"; do
      [[ $row == *" $1 "* ]] || continue
      # shellcheck disable=SC2206 # numbers
      fields=($row)
      if [[ ${fields[9]} == "$1" ]]; then here=${fields[1]} there=${fields[2]}; fi
    done
  fi
  # the server's row may show the same addresses as IPv6 ones, behind a prefix
  for row in "${rows[@]}"; do
    [[ -n $here && $row == *"$there "*"$here "* ]] || continue
    # shellcheck disable=SC2206
    fields=($row)
    if [[ ${fields[1]} == *"$there" && ${fields[2]} == *"$here" ]]; then end=${fields[9]}; fi
  done
}

# Whether a socket is one of theirs.
holds() { # INODE LEADER UNIT
  local line pid=''
  while IFS= read -r line; do
    case $line in
      /proc/*/fd:) pid=${line#/proc/} pid=${pid%/fd:} ;;
      *" -> socket:[$1]") if belongs "$pid" "$2" "$3"; then return 0; fi ;;
    esac
  done < <(ls -gGUb --time-style=+ /proc/[0-9]*/fd 2>/dev/null)
  return 1
}

belongs() { # PID LEADER UNIT
  local line fields pids=()
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2206 # numbers and one letter: a command may have blanks and `)` in it
  fields=(${line##*) })
  if [[ ${fields[3]} == "$2" ]]; then return 0; fi
  [[ $3 == /sys/fs/cgroup/*/pi-*.scope && $3 != *..* ]] || return 1
  { mapfile -t pids <"$3/cgroup.procs"; } 2>/dev/null || return 1
  [[ " ${pids[*]} " == *" $1 "* ]]
}

# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# The machine: what it is, its limits, disks and mounts.

host() {
  local line lines
  printf -v clock '%(%s)T' -1
  read -r uptime _ </proc/uptime
  uptime=${uptime%.*}
  first_line /proc/sys/kernel/random/boot_id
  boot_id=$REPLY
  emit host boot_id "$boot_id"
  first_line /etc/machine-id && emit host machine_id "$REPLY"
  emit host clock "$clock"
  emit host uptime "$uptime"
  emit host user "$user"
  emit host home "$home"
  first_line /proc/sys/kernel/hostname; emit host hostname "$REPLY"
  first_line /proc/sys/kernel/osrelease; emit host kernel "$REPLY"
  emit host arch "$HOSTTYPE"
  first_line /proc/1/comm; emit host init "$REPLY"
  mapfile -t lines </etc/os-release
  for line in "${lines[@]}"; do
    [[ $line == PRETTY_NAME=* ]] && emit host os "${line#*=}"
  done
  root
  libc
  memory
  limits
}

who() { # → home, user
  local name id
  user=${USER:-${LOGNAME:-}} home=${HOME:-}
  [[ -n $home ]] || { unset HOME; home=~; }
  if [[ -z $user ]]; then
    while IFS=: read -r name _ id _; do
      [[ $id == "$EUID" ]] && { user=$name; break; }
    done </etc/passwd
  fi
  [[ -n $user ]] || user=$(id -un)
}

root() {
  if ((EUID == 0)); then
    emit host root login
  elif find_program sudo && timeout -s KILL 5 "$REPLY" -n true </dev/null >/dev/null; then
    emit host root sudo
  else
    emit host root no
  fi
}

libc() { # by the library that bash itself has loaded
  local text loader=
  IFS= read -r -d '' text </proc/self/maps
  [[ $text == */ld-musl-* ]] && { emit host libc musl; return; }
  [[ $text =~ /libc-(2\.[0-9.]*[0-9])\.so ]] && { emit host libc "glibc ${BASH_REMATCH[1]}"; return; }
  [[ $text =~ (/[^$'\n']*/ld-linux[^$'\n']*) ]] && loader=${BASH_REMATCH[1]}
  # newer ones do not carry it in their name; ldd is a script that does
  IFS= read -r -d '' -n 4096 text </usr/bin/ldd
  [[ $text =~ \'ldd\ \([^$'\n']*\)\ ([0-9.]+)\' ]] && { emit host libc "glibc ${BASH_REMATCH[1]}"; return; }
  [[ -n $loader && $("$loader" --version) =~ version\ ([0-9]+\.[0-9]+) ]] && emit host libc "glibc ${BASH_REMATCH[1]}"
}

memory() { # mapfile reads a file of /proc once, `read` once a line
  local line lines
  mapfile -t -n 8 lines </proc/meminfo
  for line in "${lines[@]}"; do
    line=${line% kB}
    case $line in
      MemTotal:*) emit host memory_kib "${line##* }" ;;
      MemAvailable:*) emit host available_kib "${line##* }" ;;
    esac
  done
}

limits() { # of CPUs and memory: the container's, of either version of cgroups
  local text value id controllers path unified='' cpu='' mem=''
  IFS= read -r -d '' text </proc/self/status
  [[ $text =~ Cpus_allowed_list:$'\t'([0-9,-]+) ]] && emit host cpus_allowed "${BASH_REMATCH[1]}"
  while IFS=: read -r id controllers path; do
    case ,$controllers, in
      ,,) unified=$path ;;
      *,cpu,*) cpu=$path ;;
      *,memory,*) mem=$path ;;
    esac
  done </proc/self/cgroup
  path=$unified
  while :; do # every group above counts too
    limit "/sys/fs/cgroup$path" memory.max memory.current inactive_file
    first_line "/sys/fs/cgroup$path/cpu.max" && emit host cpu_quota "$REPLY"
    [[ $path == */* ]] || break
    path=${path%/*}
  done
  # inside a container the path may be the host's, the files lie at the top
  for path in "$mem" ''; do
    limit "/sys/fs/cgroup/memory$path" memory.limit_in_bytes memory.usage_in_bytes total_inactive_file
  done
  for path in "$cpu" ''; do
    first_line "/sys/fs/cgroup/cpu$path/cpu.cfs_quota_us" || continue
    value=$REPLY
    first_line "/sys/fs/cgroup/cpu$path/cpu.cfs_period_us" && emit host cpu_quota "$value $REPLY"
  done
}

limit() { # directory limit usage reclaimable: names of files, and of a line of memory.stat
  local most used name value
  first_line "$1/$2" || return
  most=$REPLY
  # `max`, or more than there can be, is none
  [[ $most =~ ^[0-9]{1,18}$ ]] && first_line "$1/$3" || return
  used=$REPLY
  while read -r name value; do
    [[ $name == "$4" ]] && ((used -= value))
  done <"$1/memory.stat"
  emit host memory_limit "$most $used"
}

disks() { # the last section: its shell becomes df. The parents too: df takes the first that is there
  local path asked=()
  for path in "$pi_path" "$models_path"; do
    while [[ $path == /?* ]]; do
      asked+=("$path")
      path=${path%/*}
    done
  done
  echo raw
  exec df -B1 --output=fstype,size,avail,target,file -- "${asked[@]}" / /dev/shm /tmp
}

tell_disks() { # what df said
  local lines row
  split "$1"
  ((${#lines[@]})) || gap disks 'df said nothing'
  for row in "${lines[@]:1}"; do emit df "$row"; done
  whole disks
}

mounts() {
  local lines line fields target escaped source
  ((${#mount_targets[@]})) || return
  mapfile -t lines </proc/self/mountinfo
  for target in "${mount_targets[@]}"; do
    target=${target%/} escaped=${target//\\/\\134} source=
    escaped=${escaped// /\\040}
    for line in "${lines[@]}"; do
      # shellcheck disable=SC2206 # blanks are written \040 there
      [[ $line == *" $escaped "* ]] && fields=($line) && [[ ${fields[4]} == "$escaped" ]] || continue
      # shellcheck disable=SC2206
      fields=(${line#* - })
      source=${fields[1]}$'\t'${fields[0]} # the last one covers those before it
    done
    emit mount "$target" "${source%%$'\t'*}" "${source#*$'\t'}"
  done
}

programs() { # as find_program, but bash itself looks for all of them at once, and where installers put things
  local name dir dirs='' IFS=:
  for dir in $PATH "$home/.local/bin" "$pi_path/bin"; do [[ $dir == /* ]] && dirs+=:$dir; done
  local PATH=${dirs#:}
  hash -- "${programs[@]}"
  for name in "${programs[@]}"; do
    [[ -n ${BASH_CMDS[$name]} ]] && emit program "$name" "${BASH_CMDS[$name]}"
  done
}

absolute() { # path → REPLY, as `expand` prints it
  case $1 in
    \~) REPLY=$home ;;
    \~/*) REPLY=$home/${1#\~/} ;;
    *) REPLY=$1 ;;
  esac
  [[ $REPLY == / ]] || REPLY=${REPLY%/}
}

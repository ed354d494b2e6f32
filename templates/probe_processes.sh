# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# Who listens, and what the provider tells PID 1. In a section of its own: /proc/PID/cmdline and environ hang when
# the process is stuck in a driver.

processes() {
  local found=()
  local -A owner=()
  provider
  flush
  listening
  ((${#found[@]})) || return
  others && owners
  listeners
}

listening() { # → found: address and inode, owner: one key per inode
  local name count rows row fields
  local -A sockets=([TCP:]=1000 [TCP6:]=1000)
  for name in /proc/net/sockstat /proc/net/sockstat6; do
    while read -r name _ count _; do [[ $name == TCP* ]] && sockets[$name]=$count; done <"$name"
  done
  for name in TCP: TCP6:; do
    # asking for more lines than there are walks the kernel's table of connections once more: 2 ms and up
    ((sockets[$name])) || continue
    count=${name,,}
    mapfile -t -s 1 -n "${sockets[$name]}" rows <"/proc/net/${count%:}"
    for row in "${rows[@]}"; do
      # shellcheck disable=SC2206
      fields=($row)
      [[ ${fields[3]} == 0A ]] || break # they come first
      found+=("${fields[1]} ${fields[9]}") owner[${fields[9]}]=0
    done
  done
}

others() { # whether anybody listens but who has let us in
  local row us
  printf -v us ':%04X' "${SSH_CONNECTION##* }"
  for row in "${found[@]}"; do [[ ${row% *} == *"$us" ]] || return 0; done
  return 1
}

owners() { # → owner: the lowest pid that has the socket open
  local lines line inode pid=
  # links alone are read: following one may hang, and -b keeps a hostile name on its line
  split "$(ls -gGUb --time-style=+ /proc/[0-9]*/fd)"
  for line in "${lines[@]}"; do
    case $line in
      /proc/*/fd:) pid=${line#/proc/} pid=${pid%/fd:} ;;
      *' -> socket:['*']')
        inode=${line##*\[} inode=${inode%\]}
        [[ -n ${owner[$inode]} ]] && ((owner[$inode] == 0 || pid < owner[$inode])) && owner[$inode]=$pid
        ;;
    esac
  done
}

listeners() {
  local row pid state parent session started
  for row in "${found[@]}"; do
    pid=${owner[${row#* }]}
    if ((pid)) && read_stat "$pid"; then
      command_of "$pid"
      emit listener "${row% *}" "$pid" "$session" "$REPLY"
    else
      emit listener "${row% *}" 0 0 ''
    fi
  done
}

command_of() { # pid → REPLY: its command line, at most 200 characters
  local word line=
  while ((${#line} < 200)) && IFS= read -r -d '' -n 200 word; do
    line+=${line:+ }$word
  done <"/proc/$1/cmdline"
  REPLY=${line:0:200}
}

provider() { # what providers tell a pod about itself: these names alone, other variables may be secrets
  local line name
  while IFS= read -r -d '' line; do
    variable "${line%%=*}" "${line#*=}"
  done </proc/1/environ
  for name in "${!RUNPOD_@}" "${!PUBLIC_IPADDR@}" "${!VAST_@}" "${!HF_HOME@}"; do
    variable "$name" "${!name}"
  done
}

variable() { # name value
  case $1 in
    RUNPOD_PUBLIC_IP | RUNPOD_POD_ID | RUNPOD_TCP_PORT_[0-9]* | PUBLIC_IPADDR | VAST_TCP_PORT_[0-9]* | \
      VAST_CONTAINERLABEL | HF_HOME) emit env "$1" "$2" ;;
  esac
}

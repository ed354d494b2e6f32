# Sourced text for scripts that end servers. A server has ended when all of it is seen gone: not when nothing is seen.

# Ends the session: TERM to the leader's group and to what left it, time to drain, KILL to whatever is left; then its GPU
# memory is waited for. It has ended when all of it is seen gone. Dies, and the record stays, where that can't be
# seen, or where something holds its port or its GPUs that may have left it without a trace.
end_session() { # DIRECTORY
  local end told were=() holders=() own_port=''
  if [[ -d $1 && ! -x $1 ]]; then die "which processes are its own is not known: cannot look into $1"; fi
  if [[ -f $1/pid && ! -r $1/pid ]]; then die "which processes are its own is not known: $1/pid can't be read"; fi
  if [[ ! -r /proc/$$/stat || ! -r /proc/sys/kernel/random/boot_id ]]; then
    die "whether it runs is not known: /proc shows no processes here"
  fi
  read_record "$1" || return 0
  local text=''
  { IFS= read -r text <"$1/spec.json"; } 2>/dev/null || true
  read_spec "$text"
  read_members
  see
  if ((${#members[@]} == 0)); then
    name_left "$1"
    return 0
  fi
  were=("${members[@]}")
  find_own_port
  fence
  # TERM must not come twice: to many servers the second one says not to drain
  if leader_runs; then members=("-$leader" "${escaped[@]}"); fi
  kill -TERM -- "${members[@]}" 2>/dev/null || true
  # behind its drain an engine takes some time to go: vLLM 0.32 gives its workers 5 s
  end=$((SECONDS + drain + 5))
  told=$((SECONDS + 5))
  while ((SECONDS <= end)); do
    sleep 0.1
    read_members
    see
    if ((${#members[@]} == 0)); then break; fi
    if ((SECONDS >= told)); then
      say "it may take $((end - SECONDS)) s more to finish what it is answering"
      told=$((SECONDS + 30))
    fi
  done
  if ((${#members[@]})); then
    say "still there after $((drain + 5)) s, killing: ${members[*]}"
    were+=("${members[@]}")
    end=$((SECONDS + 5))
    while ((SECONDS <= end)); do
      kill -KILL "${members[@]}" 2>/dev/null || true
      sleep 0.1
      read_members
      see
      if ((${#members[@]} == 0)); then break; fi
    done
    ((${#members[@]} == 0)) || die "these processes can't be killed: ${members[*]}"
  fi
  await_gpus "${were[@]}"
  find_left "$1"
  name_left "$1"
}

see() {
  [[ -z $blind ]] || die "whether it has ended is not known: /proc does not show all processes here"
}

# Sets $own_port where one of the session's own processes listens on its port.
find_own_port() {
  local pid
  if [[ -z $port ]]; then return 0; fi
  read_holders "$port"
  for pid in "${holders[@]}"; do
    if [[ " ${members[*]} " == *" $pid "* ]]; then own_port=yes; fi
  done
}

# Notes in DIRECTORY/left what holds the port or the GPUs of a session that has just ended, was started after it, and is
# nobody else's: whether it is the session's own can't be told, so that it is named and not killed.
find_left() { # DIRECTORY
  local pid uuid mib index text=''
  local -A index_of=()
  if [[ -n $port ]]; then
    read_holders "$port"
    for pid in "${holders[@]}"; do
      if ((pid)); then
        if is_suspect "$1" "$pid"; then text+="$pid $born listens on port $port (${REPLY})"$'\n'; fi
      elif [[ -z $own_port && -e $1/answered ]]; then
        text+="0 0 listens on port $port, and this user can't see which process it is"$'\n'
      fi
    done
  fi
  if [[ -n $gpus ]] && type -P nvidia-smi >/dev/null; then
    while IFS=', ' read -r index uuid; do
      if [[ -n $uuid ]]; then index_of[$uuid]=$index; fi
    done < <(timeout -s KILL 10 nvidia-smi --query-gpu=index,uuid --format=csv,noheader 2>/dev/null)
    while IFS=', ' read -r uuid pid mib; do
      index=${index_of[${uuid:-none}]-}
      # whose parent lives is somebody's at work
      if [[ -n $index && $gpus == *",$index,"* && $pid == [1-9]* ]] && is_suspect "$1" "$pid" && ((parent == 1)); then
        text+="$pid $born holds $mib MiB of GPU $index (${REPLY})"$'\n'
      fi
    done < <(timeout -s KILL 10 nvidia-smi --query-compute-apps=gpu_uuid,pid,used_memory --format=csv,noheader,nounits 2>/dev/null)
  fi
  # also where the disk takes no note of it, it is named
  left=$text
  rm -f -- "$1/left" 2>/dev/null || true
  if [[ -n $text ]]; then { put "$1/left" "$text"; } 2>/dev/null || caution "what is left could not be noted on the pod"; fi
}

# Whether a process was started after the session, and belongs to no other; REPLY is its command then.
is_suspect() { # DIRECTORY PID
  local file other
  read_stat "$2" && [[ $state != [ZX] ]] && ((born >= started)) || return 1
  for file in "$pi"/{servers/*/runs,servers,beside}/*/pid; do
    other=''
    { read -r other _ <"$file"; } 2>/dev/null || true
    if [[ $other == "$session" && $other != "$leader" ]]; then return 1; fi
  done
  # what has not shed its environment says whose it is: another server's, or nobody's
  if timeout -s KILL 5 grep -qszE '^(PI_SESSION|PATH|HOME)=' "/proc/$2/environ"; then return 1; fi
  REPLY=$(timeout -s KILL 5 head -c 200 -- "/proc/$2/cmdline" 2>/dev/null | tr '\0' ' ') || true
  REPLY=${REPLY//[[:cntrl:]]/ } REPLY=${REPLY% }
}

# Dies while something of DIRECTORY/left is there, and names it.
name_left() { # DIRECTORY
  local pid began what text='' numbers=''
  if [[ -z ${left-} && -f $1/left ]]; then left=$(<"$1/left")$'\n'; fi
  if [[ -z ${left-} ]]; then return 0; fi
  while read -r pid began what; do
    if ((pid == 0)); then
      read_holders "${port:-0}"
      if ((${#holders[@]})); then text+="; something $what"; fi
    elif read_stat "$pid" && [[ $born == "$began" && $state != [ZX] ]]; then
      text+="; PID $pid $what"
      if [[ " $numbers " != *" $pid "* ]]; then numbers+=" $pid"; fi
    fi
  done < <(printf %s "$left")
  left=''
  if [[ -n $text ]]; then
    die "its session has ended, but not what may have left it: ${text#; }. End it on the pod${numbers:+: kill$numbers}; if it is none of this server's, remove $1/left"
  fi
  rm -f -- "$1/left" 2>/dev/null || true
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

# Sourced text for scripts that write into an HF cache, which several pods may share over the network.

# Sets $mine: who this script is, on one line, so that another one can tell whether it still runs.
introduce() {
  local boot host
  read -r boot </proc/sys/kernel/random/boot_id
  read -r host </proc/sys/kernel/hostname
  read_stat $$
  # containers of one machine have one boot id and each their own PIDs
  mine="$host $boot $(readlink /proc/self/ns/pid) $$ $born"
}

# Whether the holder can be seen to be gone: a process of this very machine that no longer runs.
is_gone() { # HOLDER
  local them us
  read -ra them <<<"$1"
  read -ra us <<<"$mine"
  [[ ${them[0]-} == "${us[0]}" ]] || return 1
  if [[ ${them[1]-} != "${us[1]}" ]]; then return 0; fi
  [[ ${them[2]-} == "${us[2]}" && ${them[3]-} == [1-9]* ]] || return 1
  read_stat "${them[3]}" || return 0
  [[ $born != "${them[4]-}" ]]
}

# Waits until this script alone may write; runs $tick every second while it waits. The holder's file changes every
# few seconds: no sign of life is seen by this machine's clock alone, the others' may be wrong.
take_cache() { # LOCK SECONDS
  local holder='' seen since=$SECONDS waiting='' tries=0
  introduce
  mkdir -p -- "${1%/*}"
  until mkdir -- "$1" 2>/dev/null; do
    if [[ ! -d $1 ]] && ((++tries > 10)); then die "cannot write in ${1%/*}"; fi
    seen=$({ cat -- "$1/holder"; } 2>/dev/null || true)
    if [[ $seen != "$holder" ]]; then holder=$seen since=$SECONDS; fi
    if ((SECONDS - since > $2)) || { [[ -n $seen ]] && is_gone "$seen"; }; then
      # moved away first: of two who find it forgotten only one gets to remove it
      if mv -T -- "$1" "$1.stale.$$" 2>/dev/null; then rm -rf -- "$1.stale.$$"; fi
      continue
    fi
    if [[ -z $waiting && -n $seen ]]; then
      say "${seen%% *} downloads it already: waiting"
      waiting=yes
    fi
    tick
    sleep 1
  done
  beat=0
  put "$1/holder" "$mine $beat"
  held=$1
}

# A sign of life, at most every 5 s. Ends the script when another has taken the cache over.
keep_cache() {
  if ((SECONDS - beat < 5)); then return 0; fi
  if [[ $({ cat -- "$held/holder"; } 2>/dev/null || true) != "$mine "* ]]; then
    held=''
    die "another pi has taken this download over: this one gave no sign of life for too long"
  fi
  beat=$SECONDS
  put "$held/holder" "$mine $beat"
}

give_cache_back() {
  if [[ -n ${held-} ]]; then rm -rf -- "$held"; fi
  held=''
}

# Prints the bytes that the blobs of a repository take, half ones too. Blocks count where the file system tells them:
# a file that is written in pieces is as long as its last piece from the start.
blob_bytes() { # CACHE
  local line size blocks unit sum=0 rows=()
  mapfile -t rows < <(stat -L --printf '%s %b %B\n' -- "$1"/blobs/* 2>/dev/null)
  for line in "${rows[@]}"; do
    read -r size blocks unit <<<"$line"
    if ((blocks && blocks * unit < size)); then size=$((blocks * unit)); fi
    sum=$((sum + size))
  done
  printf '%s\n' "$sum"
}

# Removes what interrupted downloads left, which the hub's client never takes up again; not what somebody writes to:
# a process here, or one elsewhere, which makes it grow.
clear_halves() { # CACHE
  local file fd sizes=() halves=() at
  for file in "$1"/blobs/*.incomplete; do
    if [[ -f $file ]]; then halves+=("$file") sizes+=("$(stat -c %s -- "$file" 2>/dev/null || true)"); fi
  done
  if ((${#halves[@]} == 0)); then return 0; fi
  say "clearing away what an interrupted download left"
  sleep 2
  for at in "${!halves[@]}"; do
    file=${halves[at]}
    if [[ $(stat -c %s -- "$file" 2>/dev/null || true) != "${sizes[at]}" ]]; then continue; fi
    for fd in /proc/[0-9]*/fd/*; do
      if [[ $fd -ef $file ]]; then continue 2; fi
    done
    rm -f -- "$file"
  done
}

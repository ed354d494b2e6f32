{## Tells what is on a pod: one record a line, `key<TAB>field…`, from `pi-probe` to `end`. It changes nothing.

   Needs bash 4.2 and coreutils. A section that fails or hangs becomes a `gap` record, the others go on.
   Forks are what it costs: values come back in REPLY and other variables, never through $( ). ##}
pi_path={{ pi_path }}
models_path={{ models_path }}
mount_targets=({{ mount_targets | words }})
model_paths=({{ model_paths | words }})
repos=({{ repos | words }})
programs=({{ programs | words }})
salt={{ salt }}

set +e +u +o pipefail
shopt -s nullglob
export LC_ALL=C
exec 3>&1 2>/dev/null

## how records are written

emit() { # key field…: control characters become spaces, so that a field stays a field
  local IFS=$'\t' fields=("$@")
  case "$*" in *[[:cntrl:]]*) fields=("${fields[@]//[[:cntrl:]]/ }") ;; esac
  printf '%s\n' "${fields[*]}"
}

gap() { # section why
  emit gap "$1" "$2"
}

stop() { # pid: ends a section that hangs, and what it waits for
  local pid=$1 children
  read -r children <"/proc/$pid/task/$pid/children"
  # shellcheck disable=SC2086 # a list of pids
  kill -KILL "$pid" $children
}

section() { # seconds name: runs the function of this name on its own; what hangs ends
  local fd pid=
  # its standard output is the pod's; the pipe tells by its end that the section and its children are done
  exec {fd}< <(printf '%s\n' "$BASHPID"; exec 4>&1 >&3 3>&-; "$2")
  read -r -u "$fd" pid
  if [[ -z $pid ]]; then
    gap "$2" 'could not be started'
  elif read -r -t "$1" -u "$fd" _ || (($? > 128)); then
    stop "$pid"
    printf '\n' # it may have been cut off in the middle of a line
    gap "$2" "did not end within $1 s"
  fi
  exec {fd}<&-
}

first_line() { # file: its first line → REPLY; fails when there is none. A fifo would hang: only plain files.
  REPLY=
  [[ -f $1 && -r $1 ]] && IFS= read -r -n 262144 REPLY <"$1"
  [[ -n $REPLY ]]
}

split() { # text → lines. No here-string: that would be a file in /tmp
  local IFS=$'\n'
  set -f
  # shellcheck disable=SC2206 # at line ends, and without globbing
  lines=($1)
  set +f
}

process() { # pid → state, parent, session, started (ticks since boot); fails when there is none
  local line='' fields
  IFS= read -r -d '' line <"/proc/$1/stat"
  [[ -n $line ]] || return 1
  # a command may have blanks and `)` in it: what counts is behind the last one
  # shellcheck disable=SC2206 # numbers and one letter
  fields=(${line##*) })
  state=${fields[0]} parent=${fields[1]} session=${fields[3]} started=${fields[19]}
}

find_program() { # name → REPLY; as `type -P`, without a fork, and where installers put things
  local dir IFS=:
  for dir in $PATH "$home/.local/bin" "$pi_path/bin"; do
    REPLY=$dir/$1
    [[ $dir == /* && -f $REPLY && -x $REPLY ]] && return
  done
  return 1
}

## the machine

host() {
  local line
  printf -v clock '%(%s)T' -1
  read -r uptime _ </proc/uptime
  uptime=${uptime%.*}
  first_line /proc/sys/kernel/random/boot_id
  boot_id=$REPLY
  emit host boot_id "$boot_id"
  emit host clock "$clock"
  emit host uptime "$uptime"
  emit host user "$user"
  emit host home "$home"
  first_line /proc/sys/kernel/hostname; emit host hostname "$REPLY"
  first_line /proc/sys/kernel/osrelease; emit host kernel "$REPLY"
  emit host arch "$HOSTTYPE"
  first_line /proc/1/comm; emit host init "$REPLY"
  while IFS= read -r line; do
    [[ $line == PRETTY_NAME=* ]] && emit host os "${line#*=}"
  done </etc/os-release
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
  local line lines loader=
  mapfile -t lines </proc/self/maps
  for line in "${lines[@]}"; do
    case $line in
      */libc-2.*.so) line=${line##*/libc-}; emit host libc "glibc ${line%.so}"; return ;;
      */ld-musl-*) emit host libc musl; return ;;
      */ld-linux*) loader=/${line#*/} ;;
    esac
  done
  # newer ones do not carry it in their name; ldd is a script that does
  mapfile -t -n 80 lines </usr/bin/ldd
  for line in "${lines[@]}"; do
    [[ $line =~ \'ldd\ \(.*\)\ ([0-9.]+)\' ]] && { emit host libc "glibc ${BASH_REMATCH[1]}"; return; }
  done
  [[ -n $loader && $("$loader" --version) =~ version\ ([0-9]+\.[0-9]+) ]] && emit host libc "glibc ${BASH_REMATCH[1]}"
}

memory() {
  local name value
  while read -r name value _; do
    case $name in
      MemTotal:) emit host memory_kib "$value" ;;
      MemAvailable:) emit host available_kib "$value"; break ;;
    esac
  done </proc/meminfo
}

limits() { # of CPUs and memory: the container's, of either version of cgroups
  local name value id controllers path unified='' cpu='' mem=''
  while read -r name value; do
    [[ $name == Cpus_allowed_list: ]] && { emit host cpus_allowed "$value"; break; }
  done </proc/self/status
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

disks() { # the parents too: df takes the first that is there, and nothing here touches what may hang
  local path asked=() lines row
  for path in "$pi_path" "$models_path"; do
    while [[ $path == /?* ]]; do
      asked+=("$path")
      path=${path%/*}
    done
  done
  split "$(df -B1 --output=fstype,size,avail,target,file -- "${asked[@]}" / /dev/shm /tmp)"
  ((${#lines[@]})) || gap disks 'df said nothing'
  for row in "${lines[@]:1}"; do emit df "$row"; done
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
    emit mount "$target" "${source#*$'\t'}" "${source%%$'\t'*}"
  done
}

## who listens

processes() {
  local found=()
  local -A owner=()
  provider
  listening
  ((${#found[@]})) || return
  owners
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
    if ((pid)) && process "$pid"; then
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

## what pi has put here

servers() {
  local dir asked=() deadline=$((SECONDS + 4))
  local -A members=()
  for dir in "$pi_path"/servers/*/; do server "${dir%/}"; done
  answers
}

server() { # directory
  local dir=$1 name=${1##*/} spec run pid='' start='' boot=''
  first_line "$dir/spec.json"
  spec=$REPLY
  emit server "$name" spec "$spec"
  first_line "$dir/pid"
  run=$REPLY
  [[ $run =~ ^([0-9]+)\ ([0-9]+)\ ([0-9a-f-]+)$ ]] &&
    pid=${BASH_REMATCH[1]} start=${BASH_REMATCH[2]} boot=${BASH_REMATCH[3]}
  if [[ -z $pid ]]; then
    emit server "$name" never
  elif [[ $boot == "$boot_id" ]] && process "$pid" && [[ $started == "$start" && $state != [ZX] ]]; then
    emit server "$name" running "$pid" $((uptime - start / 100))
    ask_health "$name" "$spec"
  else
    left "$name" "$pid" "$start" "$boot"
  fi
  [[ -e $dir/stopped ]] && emit server "$name" stopped
  first_line "$dir/answered" && [[ -n $pid && $REPLY == "$pid $start" ]] && emit server "$name" answered
  [[ -f $dir/secrets ]] && secrets "$dir/secrets" server "$name" secret
}

left() { # name pid start boot: what is left of a dead server's session
  local pid
  if [[ $4 != "$boot_id" ]] || { process "$2" && [[ $started != "$3" ]]; }; then
    emit server "$1" dead '' # booted since, or another process has its pid: the kernel gives that only to nobody
    return
  fi
  if ((${#members[@]} == 0)); then
    for pid in /proc/[0-9]*; do
      pid=${pid#/proc/}
      process "$pid" && [[ $state != [ZX] ]] && members[$session]+="$pid "
    done
  fi
  emit server "$1" dead "${members[$2]}"
}

ask_health() { # name spec
  local fd port address
  [[ $2 =~ \"port\":([0-9]+) ]] || return
  port=${BASH_REMATCH[1]}
  [[ $2 =~ \"listen\":\"([0-9a-fA-F:.]+)\" ]] && address=${BASH_REMATCH[1]}
  case $address in
    '' | 0.0.0.0) address=127.0.0.1 ;;
    ::) address=::1 ;;
  esac
  exec {fd}< <(printf '%s\n' "$BASHPID"; exec 4>&-; health "$address" "$port")
  asked+=("$fd $1")
}

health() { # address port: prints the status of GET /health
  local fd code=
  exec {fd}<>"/dev/tcp/$1/$2" || return
  printf 'GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n' >&"$fd"
  read -r -t 3 -u "$fd" _ code _
  printf '%s\n' "$code"
}

answers() { # of those that were asked, all within one deadline
  local one fd pid code left
  for one in "${asked[@]}"; do
    fd=${one%% *} pid='' code='' left=$((deadline - SECONDS))
    read -r -u "$fd" pid
    read -r -t $((left > 0 ? left : 1)) -u "$fd" code
    (($? > 128)) && stop "$pid"
    exec {fd}<&-
    emit server "${one#* }" health "$code"
  done
}

engines() {
  local dir
  for dir in "$pi_path"/engines/*/; do
    dir=${dir%/}
    first_line "$dir/pi-recipe"
    emit engine "${dir##*/}" "$REPLY"
  done
}

secrets() { # file key…: names and salted digests, never a value
  local line value digest
  [[ -r $1 ]] || { gap secrets "cannot read $1"; return; }
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == ?*=* ]] || continue
    value=${line#*=} digest=${digests[=$value]}
    if [[ -z $digest ]]; then
      digest=$(printf '%s' "$salt$value" | sha256sum)
      digest=${digest%% *} digests[=$value]=$digest
    fi
    emit "${@:2}" "${line%%=*}" "$digest"
  done <"$1"
}

lock() {
  local lines=() since
  [[ -d $pi_path/lock ]] || return
  [[ -f $pi_path/lock/holder ]] && mapfile -t -n 3 lines <"$pi_path/lock/holder"
  since=$(stat -c %Y -- "$pi_path/lock/holder" || stat -c %Y -- "$pi_path/lock")
  emit lock "${lines[0]}" "${lines[1]}" "${lines[2]}" "$((clock - since))"
}

home() {
  local -A digests=()
  [[ -e $pi_path ]] || return
  [[ -r $pi_path && -x $pi_path ]] || { gap home "cannot read $pi_path"; return; }
  engines
  lock
  [[ -f $pi_path/env ]] && secrets "$pi_path/env" secret
  servers
}

## weights

weights() {
  local repo path found=()
  shopt -s dotglob globstar
  for repo in "${repos[@]}"; do repository "$repo" "$models_path/hub/models--${repo//\//--}"; done
  for path in "${model_paths[@]}"; do
    [[ $path == / ]] || path=${path%/}
    emit model "$path"
    found+=("$path")
    [[ -d $path ]] && found+=("$path"/*)
  done
  sizes
}

repository() { # name directory
  local ref snapshot tree lines
  [[ -d $2 ]] || return
  emit repo "$1"
  [[ -r $2 && -x $2 ]] || { gap weights "cannot read $2"; return; }
  for ref in "$2"/refs/**; do
    first_line "$ref" && emit ref "$1" "${ref#"$2/refs/"}" "$REPLY"
  done
  for snapshot in "$2"/snapshots/*/; do
    snapshot=${snapshot%/}
    emit snapshot "$1" "${snapshot##*/}"
    tree=$2/trees/${snapshot##*/}.json
    [[ -f $tree ]] || continue
    mapfile -t lines <"$tree"
    emit tree "$1" "${snapshot##*/}" "${lines[*]}"
  done
  found+=("$2"/snapshots/*/** "$2"/blobs/*)
}

sizes() { # of what was found, links followed; names with control characters are none of ours
  local i name clean=("${found[@]}")
  case "${found[*]}" in *[[:cntrl:]]*)
    clean=()
    for name in "${found[@]}"; do [[ $name == *[[:cntrl:]]* ]] || clean+=("$name"); done
    ;;
  esac
  for ((i = 0; i < ${#clean[@]}; i += 4000)); do
    stat -L --printf 'file\t%f\t%i\t%s\t%n\n' -- "${clean[@]:i:4000}"
    (($? > 1)) && gap weights 'stat cannot be run'
  done
}

## GPUs

gpus() {
  local smi text code lines row
  find_program nvidia-smi || { emit smi none; return; }
  smi=$REPLY
  ask_smi 'index,uuid,name,memory.total,memory.used,driver_version,compute_cap,mig.mode.current,ecc.errors.uncorrected.volatile.total'
  # drivers before about 510 do not know all of them
  [[ $text == *'not a valid field'* ]] && ask_smi 'index,uuid,name,memory.total,memory.used,driver_version'
  emit smi "$code"
  split "$text"
  for row in "${lines[@]}"; do emit gpu "$row"; done
  holds_memory && apps
}

ask_smi() { # fields → text, code
  text=$("$smi" --query-gpu="$1" --format=csv,noheader,nounits 2>&1)
  code=$?
}

holds_memory() { # whether any process can: a CUDA context takes some 100 MiB, and asking costs as much as the GPUs did
  local row
  for row in "${lines[@]}"; do
    [[ $row =~ ^[0-9]+,\ .*,\ [0-9]+,\ ([0-9]+),\  && ${BASH_REMATCH[1]} -lt 32 ]] || return 0
  done
  return 1
}

apps() {
  local state parent session started pid
  text=$("$smi" --query-compute-apps=gpu_uuid,pid,used_memory,process_name --format=csv,noheader,nounits 2>&1) ||
    gap gpus 'nvidia-smi does not tell the processes'
  split "$text"
  for row in "${lines[@]}"; do
    pid=${row#*, } pid=${pid%%,*} parent=0 session=0
    [[ $pid =~ ^[0-9]+$ ]] && process "$pid"
    emit app "$parent" "$session" "$row"
  done
}

collect_gpus() {
  local pid='' text=''
  read -r -u "$gpu_fd" pid
  IFS= read -r -t 20 -N 1000000 -u "$gpu_fd" text
  if (($? > 128)); then
    stop "$pid"
    [[ $text == smi* ]] || emit smi 124 'nvidia-smi did not answer within 20 s'
    gap gpus 'did not end within 20 s'
  fi
  printf '%s' "$text"
}

## the rest

programs() {
  local name
  for name in "${programs[@]}"; do
    find_program "$name" && emit program "$name" "$REPLY"
  done
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

absolute() { # path → REPLY
  case $1 in
    '~') REPLY=$home ;;
    '~/'*) REPLY=$home/${1#'~/'} ;;
    *) REPLY=$1 ;;
  esac
  [[ $REPLY == / ]] || REPLY=${REPLY%/}
}

emit pi-probe 1
who
absolute "$pi_path"; pi_path=$REPLY
absolute "$models_path"; models_path=$REPLY
exec {gpu_fd}< <(printf '%s\n' "$BASHPID"; exec 3>&-; gpus)
emit path pi "$pi_path"
emit path models "$models_path"
host
mounts
programs
section 5 disks
section 5 processes
((${#repos[@]} + ${#model_paths[@]})) && section 5 weights
section 8 home
collect_gpus
emit end

# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# What pi has put on the pod: servers, engines, secrets, the lock.

servers() {
  local server asked=() deadline=$((SECONDS + 4))
  local -A members=()
  listable "$pi_path/servers"
  listable "$pi_path/beside"
  for server in "$pi_path"/servers/*/; do
    server "${server%/}"
    flush
  done
  for server in "$pi_path"/beside/*/; do # an earlier pi's: of its server nothing else may be left
    server=${server%/} server=$pi_path/servers/${server##*/}
    [[ -d $server ]] || server "$server"
  done
  answers
}

server() { # directory: of its runs the one that is the server, and as beside/NAME the newest of the others that may live
  local name=${1##*/} dir id other='' previous runs current last
  listable "$1"
  [[ ! -d $1/runs ]] || listable "$1/runs"
  read_runs "$1"
  for id in "${runs[@]}"; do
    ((id != current)) || continue
    find_run "$1" "$id"
    [[ -x $REPLY ]] || listable "$REPLY"
    if ((id >= other)) && [[ -e $REPLY/pid || -L $REPLY/pid ]]; then other=$id; fi
  done
  if [[ -d $1 ]]; then
    # a record that can't be read is told, too: it is somebody's
    if is_there "$1/owner"; then
      first_line "$1/owner"
      emit server "$name" owner "$REPLY"
    fi
    find_run "$1" "$current"
    dir=$REPLY
    emit server "$name" run "$current" "$last"
    run "$name"
    [[ -e $1/stopped ]] && emit server "$name" stopped
    first_line "$1/took" && emit server "$name" took "$REPLY"
    if first_line "$1/failed" && [[ $REPLY =~ ^([0-9a-f]+)\ ([0-9]+)\ (.*)$ ]]; then
      emit server "$name" failed "${BASH_REMATCH[@]:1:3}"
    fi
    if first_line "$1/previous" && [[ $REPLY =~ ^[0-9]+$ ]]; then
      find_run "$1" "$REPLY"
      first_line "$REPLY/spec.json" && emit server "$name" previous "$REPLY"
    else
      # an earlier pi's
      first_line "$1/former/spec.json" && emit server "$name" previous "$REPLY"
    fi
  fi
  if [[ -n $other ]]; then
    find_run "$1" "$other"
    dir=$REPLY
    emit server "beside/$name" run "$other" "$last"
    first_line "$dir/owner" && emit server "beside/$name" owner "$REPLY"
    run "beside/$name"
  fi
}

run() { # name: of the run in dir
  local spec run pid='' start='' boot='' name=$1
  listable "$dir"
  first_line "$dir/spec.json"
  spec=$REPLY
  emit server "$name" spec "$spec"
  record "$dir/pid"
  run=$REPLY
  [[ $run =~ ^([0-9]+)\ ([0-9]+)\ ([0-9a-f-]+)$ ]] &&
    pid=${BASH_REMATCH[1]} start=${BASH_REMATCH[2]} boot=${BASH_REMATCH[3]}
  if [[ -z $pid ]]; then
    emit server "$name" never
  elif [[ $boot == "$boot_id" ]] && read_stat "$pid" && [[ $born == "$start" && $state != [ZX] ]]; then
    emit server "$name" running "$pid" $((uptime - start / 100))
    begin_health "$name" "$spec"
  else
    left "$dir" "$pid" "$start" "$boot"
  fi
  first_line "$dir/answered" && [[ -n $pid && $REPLY == "$pid $start" ]] && emit server "$name" answered
  [[ -f $dir/measured && -r $dir/measured ]] && measured "$name" "$dir/measured"
  [[ -f $dir/secrets ]] && secrets "$dir/secrets" server "$name" secret
  first_line "$dir/restarts" && [[ $REPLY =~ ^([0-9]+)\ ([0-9]+)\ ([a-z-]+)$ ]] &&
    emit server "$name" restarts "${BASH_REMATCH[@]:1:3}"
}

listable() { # directory: that it can't be seen what is in it is a gap
  [[ -d $1 && -r $1 && -x $1 ]] || ! is_there "$1" || gap home "cannot look into $1"
}

record() { # file: its first line → REPLY; that it is there and can't be read is a gap
  first_line "$1" || { [[ -f $1 && -r $1 ]] || ! is_there "$1" || gap home "$1 is no file that can be read"; }
}

is_there() { # path
  [[ -e $1 || -L $1 ]]
}

measured() { # name file: lines of its log
  local line lines=()
  mapfile -t -n 99 lines <"$2"
  for line in "${lines[@]}"; do [[ -n $line ]] && emit server "$1" measured "${line:0:400}"; done
}

left() { # directory pid start boot: what is left of the session and the unit of the server of this name
  local pid
  [[ $4 == "$boot_id" ]] || { emit server "$name" dead ''; return; }
  escaped "$1" "$2"
  strays "$1"
  if read_stat "$2" && [[ $born != "$3" ]]; then
    emit server "$name" dead "$REPLY" # another process has its pid: the kernel gives that only to nobody
    return
  fi
  if ((${#members[@]} == 0)); then
    for pid in /proc/[0-9]*; do
      pid=${pid#/proc/}
      # pi-log keeps the log short, and ends when nothing else is left
      read_stat "$pid" && [[ $state != [ZX] && $comm != pi-log ]] && members[$session]+="$pid "
    done
  fi
  emit server "$name" dead "${members[$2]}$REPLY"
}

escaped() { # directory pid → REPLY: what is in the unit of a server, but not in its session
  local lines=() pids=() pid
  REPLY=
  mapfile -t -n 2 lines <"$1/pid"
  [[ ${lines[1]} == /sys/fs/cgroup/*/pi-*.scope && ${lines[1]} != *..* ]] || return
  mapfile -t pids <"${lines[1]}/cgroup.procs"
  for pid in "${pids[@]}"; do
    read_stat "$pid" && [[ $session != "$2" && $state != [ZX] ]] && REPLY+="$pid "
  done
}

strays() { # directory → REPLY, added: what may have left the session, as the script noted that stopped it
  local lines=() line
  [[ -f $1/left && -r $1/left ]] && mapfile -t -n 99 lines <"$1/left"
  for line in "${lines[@]}"; do
    read_stat "${line%% *}" && [[ $state != [ZX] && ${line#* } == "$born "* ]] && REPLY+="${line%% *} "
  done
}

begin_health() { # name spec; of the server in dir that runs
  local fd port address gpus drain
  read_spec "$2"
  [[ -n $port ]] || return
  exec {fd}< <(printf '%s\n' "$BASHPID"; health "$address" "$port")
  asked+=("$fd $1")
}

health() { # address port: prints the status of GET /health
  local connection code said
  http_get "$1" "$2" /health || return
  http_status 3 /health
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

engines() { # and how long they took, and how fast the last download of weights was
  local dir digest
  listable "$pi_path/engines"
  for dir in "$pi_path"/engines/*/; do
    dir=${dir%/}
    listable "$dir"
    record "$dir/pi-recipe"
    digest=$REPLY
    first_line "$dir/pi-took"
    emit engine "${dir##*/}" "$digest" "$REPLY"
  done
  first_line "$pi_path/tools/hf/pi-rate" && emit rate "$REPLY"
}

rest() { # what installers and pi itself need beside servers and engines
  local name
  for name in env tools python cache; do
    [[ -e $pi_path/$name ]] && emit rest "$name"
  done
}

secrets() { # file key…: names and salted digests, never a value
  local line value digest
  [[ -r $1 ]] || { gap secrets "cannot read $1"; return; }
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == ?*=* ]] || continue
    value=${line#*=} digest=${digests[=$value]}
    if [[ -z $digest ]]; then
      sha256 "$salt$value" || incomparable=yes
      digest=$REPLY digests[=$value]=$digest
    fi
    emit "${@:2}" "${line%%=*}" "$digest"
  done <"$1"
}

sha256() { # text → REPLY, by whatever program is there; fails, with nothing, where none is
  local program
  for program in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r' 'busybox sha256sum'; do
    find_program "${program%% *}" || continue
    # shellcheck disable=SC2086 # a program and its words
    REPLY=$($program < <(printf '%s' "$1"))
    REPLY=${REPLY%% *}
    [[ ${#REPLY} == 64 && $REPLY != *[!0-9a-f]* ]] && return
  done
  REPLY=
  return 1
}

lock() {
  local place places holder since
  lock_places "$pi_path"
  # one in memory was made where the disk took none: what is left on the disk beside it is older
  for place in "${places[1]}" "${places[0]}"; do
    read_lock "$place" || continue
    since=$(last_beat "$place")
    emit lock "${holder[3]}" "${holder[4]}" "${holder[1]}" "$((clock - since))" "${holder[0]}"
    return
  done
}

inode() { # of pi's directory, or of the nearest above it that is there: by it one machine is known under two names
  local path=$pi_path
  until [[ -e $path || -z $path ]]; do path=${path%/*}; done
  emit path pi_inode "$(stat -L -c %d:%i -- "${path:-/}")"
}

home() {
  local -A digests=()
  local incomparable=
  inode
  searchable "$pi_path" || { gap home "cannot look into $REPLY"; return; }
  is_there "$pi_path" || { whole secrets; return; }
  [[ -d $pi_path && -r $pi_path && -x $pi_path ]] || { gap home "cannot read $pi_path"; return; }
  engines
  rest
  lock
  # those of the project count where both have one
  local file
  for file in "$pi_path/env" ${project:+"$pi_path/secrets/$project"}; do
    if [[ -f $file ]]; then
      secrets "$file" secret
    elif is_there "$file"; then
      gap secrets "$file is no file that can be read"
    fi
  done
  whole secrets
  flush
  servers
  [[ -z $incomparable ]] ||
    gap secrets 'nothing here can compare them (sha256sum, shasum, openssl, busybox): a changed one is not noticed'
}

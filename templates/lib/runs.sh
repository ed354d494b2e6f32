# shellcheck shell=bash disable=SC2034,SC2154,SC2329 # parts of scripts: each uses what others set
# Sourced text: a server's runs. Each start is a run of its own, servers/NAME/runs/ID, with its record, its processes and its
# log; it never moves. The link servers/NAME/current names the run that is the server. What outlives a run lies next to that
# link: owner, stopped, failed, took, previous. A run that pi has ended has no file `pid` any more.
#
# An earlier pi had no runs: servers/NAME was the record of the server, and beside/NAME that of the one started to replace it.
# Where these are found, they are runs 0 and 1, and stay where they are until they have ended.

# Whether an earlier pi's record of a server is in its place; the link is this pi's own (mark_runs).
is_in_place() { # SERVER
  [[ -e $1/spec.json || (-e $1/pid && ! -L $1/pid) ]]
}

# Sets $runs to the IDs of a server's runs, $current to the one that is the server, 0 where none is, and $last to the highest.
read_runs() { # SERVER
  local path id
  runs=() current=0 last=0
  # 1 is kept for beside/NAME, which the earlier pi may still make
  if is_in_place "$1"; then runs+=(0) last=1; fi
  if [[ ! -e $1/runs/1 && -d ${1%/servers/*}/beside/${1##*/} ]]; then runs+=(1) last=1; fi
  for path in "$1"/runs/*; do
    id=${path##*/}
    [[ $id =~ ^(0|[1-9][0-9]{0,8})$ ]] || continue
    if ((id > 0)) || ! is_in_place "$1"; then runs+=("$id"); fi
    if ((id > last)); then last=$id; fi
  done
  # to read the link would take a process; it is one of the newest
  for ((id = ${#runs[@]} - 1; id >= 0; id--)); do
    if [[ $1/current -ef $1/runs/${runs[id]} ]]; then
      current=${runs[id]}
      return 0
    fi
  done
}

# Sets REPLY to a run's directory.
find_run() { # SERVER RUN
  REPLY=$1/runs/$2
  case $2 in
    0) if is_in_place "$1"; then REPLY=$1; fi ;;
    1)
      if [[ ! -e $REPLY && -d ${1%/servers/*}/beside/${1##*/} ]]; then REPLY=${1%/servers/*}/beside/${1##*/}; fi
      ;;
  esac
}

# Has an earlier pi leave a server alone: it would take it for one that was never started, and start another one. Of a record
# that can't be read it says so, and does nothing on that pod.
mark_runs() { # SERVER
  if ! is_in_place "$1" && [[ ! -L $1/pid ]]; then ln -s -- 'a newer pi started this server' "$1/pid"; fi
}

# Sets REPLY to the directory of a run that was to be started, or, where the server answered after all and was left alone, of
# the one that is the server.
find_started() { # SERVER RUN
  find_run "$1" "$2"
  [[ -d $REPLY ]] || find_current "$1"
}

# Sets REPLY to the directory of the run that is the server.
find_current() { # SERVER
  local runs current last
  read_runs "$1"
  find_run "$1" "$current"
}

# Has a run be the server, at once: whoever looks sees the one before it or this one.
make_current() { # SERVER RUN
  prepare_current "$1" "$2"
  mv -fT -- "$1/current.new" "$1/current"
}

# Makes what that takes on the disk.
prepare_current() { # SERVER RUN
  if [[ ! -e $1/runs/$2 ]]; then
    mkdir -p -- "$1/runs"
    case $2 in
      0) ln -s -- .. "$1/runs/0" ;;
      1) ln -s -- "../../../beside/${1##*/}" "$1/runs/1" ;;
    esac
  fi
  rm -f -- "$1/current.new"
  ln -s -- "runs/$2" "$1/current.new"
}

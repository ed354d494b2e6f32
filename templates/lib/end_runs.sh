# shellcheck shell=bash disable=SC2154,SC2329 # parts of scripts: each uses what others set
# Sourced text for scripts that end a server's runs.

# Ends all runs of a server but those that are named.
end_runs() { # SERVER RUN…
  local id runs current last
  read_runs "$1"
  for id in "${runs[@]}"; do
    if [[ " ${*:2} " == *" $id "* ]]; then continue; fi
    find_run "$1" "$id"
    end_run "$REPLY"
  done
}

# Ends a run. Without its number nobody has to look for its processes again, and it needs no secrets any more.
end_run() { # DIRECTORY
  end_session "$1"
  rm -f -- "$1/pid" "$1"/secrets{,.new} 2>/dev/null || true
}

# Removes the runs that have ended but for the last three: their logs say why. One that is to be started again if the current
# one fails stays as well. What fails here leaves the server as it is, and fails no step.
tidy_runs() { # SERVER
  local id oldest ended=() runs current last previous=''
  take_in "$1"
  read_runs "$1"
  { IFS= read -r previous <"$1/previous"; } 2>/dev/null || true
  for id in "${runs[@]}"; do
    find_run "$1" "$id"
    if [[ $id == "$current" || -e $REPLY/pid ]]; then continue; fi
    if [[ $id != "$previous" ]]; then ended+=("$id"); fi
  done
  while ((${#ended[@]} > 3)); do
    oldest=${ended[0]} runs=()
    for id in "${ended[@]}"; do
      if ((id < oldest)); then oldest=$id; fi
    done
    for id in "${ended[@]}"; do
      if ((id != oldest)); then runs+=("$id"); fi
    done
    ended=("${runs[@]}")
    rm -rf -- "$1/runs/$oldest" || return 0
  done
}

# Puts what an earlier pi has started, and what has ended, where runs are.
take_in() { # SERVER
  local file beside=${1%/servers/*}/beside/${1##*/}
  if [[ -L $1/current && ! $1/current -ef $1 && ! -f $1/pid && -f $1/spec.json ]]; then
    if [[ -L $1/runs/0 ]]; then rm -f -- "$1/runs/0"; fi
    mkdir -p -- "$1/runs/0" || return 0
    for file in "$1"/*; do
      case ${file##*/} in
        former | former.new) rm -rf -- "$file" ;;
        owner | stopped | failed | took | previous | current | runs | pid) ;;
        *.new) rm -f -- "$file" ;;
        # last: by it all of this is begun again
        spec.json) ;;
        *) mv -fT -- "$file" "$1/runs/0/${file##*/}" || return 0 ;;
      esac
    done
    mv -fT -- "$1/spec.json" "$1/runs/0/spec.json" || return 0
  fi
  if is_in_place "$1"; then return 0; fi
  mark_runs "$1" || return 0
  if [[ -d $beside && ! -e $beside/pid && (! -e $1/runs/1 || -L $1/runs/1) ]]; then
    mkdir -p -- "$1/runs" || return 0
    rm -f -- "$1/runs/1"
    mv -T -- "$beside" "$1/runs/1" || return 0
    rmdir -- "${beside%/*}" 2>/dev/null || true
  fi
}

# Removes the record of a server that was ended. A disk that can't be written to is no reason to let one run on.
forget() { # SERVER
  local why beside=${1%/servers/*}/beside/${1##*/}
  why=$(rm -rf -- "$1" "$beside" 2>&1) || caution "it was ended, and its record stays: ${why##*: }"
  rmdir -- "${beside%/*}" 2>/dev/null || true
}

# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# How the probe writes records, and the tools of all its sections. Values come back in REPLY and other variables,
# never through $( ): forks are what a probe costs.

# Records that are not written yet: each write that gets to pi wakes sshd, ssh and pi, which costs as much as a small
# section. So those of all sections are gathered here, and told when there are no more, or after a second.
out=

emit() { # key field…: control characters become spaces, so that a field stays a field
  local IFS=
  case "$*" in *[[:cntrl:]]*) set -- "${@//[[:cntrl:]]/ }" ;; esac
  IFS=$'\t'
  out+="$*"$'\n'
}

flush() { # before anything that may hang: what is known by then is told; by a section to the main shell, with its length
  [[ -z $out ]] || echo -n "${section:+${#out}$'\n'}$out" # printf would make one write of each line
  out=
}

gap() { # section why: it is not whole
  emit gap "$1" "$2"
  torn[$1]=yes
}

declare -A torn=()

whole() { # section: all that there is to tell of it was told; its last record. Without it nothing of it counts.
  [[ -n ${torn[$1]} ]] || emit 'done' "$1"
}

stop() { # pid: ends a section that hangs, and what it waits for; before bash 5.2 that is a shell which waits, too
  local child children
  read -r children <"/proc/$1/task/$1/children"
  kill -KILL "$1"
  for child in $children; do stop "$child"; done
}

sections() { # seconds name…: runs the functions of these names beside this shell; one that hangs ends alone
  local fd pid code block
  while (($#)); do
    exec {fd}< <(printf '%s\n' "$BASHPID"; exec 8<&- 9>&-; out=; one_by_one "$@")
    pid='' code=0
    read -r -u "$fd" pid
    while (($#)) && ((code == 0)); do
      hear "$1" "$fd"
      code=$?
      if [[ $REPLY == raw ]]; then # its shell is a program now: all that comes is what that says
        hear "$1" "$fd" -N 1000000
        code=$(($? > 128 ? 142 : 0))
        ((code)) || "tell_$2" "$REPLY"
      elif ((code == 0 && ${#REPLY})); then
        IFS= read -r -N "$REPLY" -u "$fd" block
        out+=$block
        continue
      fi
      if ((code > 128)); then
        stop "$pid"
        gap "$2" "did not end within $1 s"
      elif ((code)); then
        gap "$2" 'ended before it was done'
      fi
      shift 2
    done
    exec {fd}<&-
  done
}

hear() { # seconds fd option…: what `read` gets → REPLY, and its exit code; more than 128 when the time is over
  local left part code
  REPLY=
  for ((left = $1; left > 0; left--)); do
    IFS= read -r -t 1 "${@:3}" -u "$2" part
    code=$?
    REPLY+=$part
    ((code > 128)) || return "$code"
    watch
    flush
  done
  return 142
}

watch() { # ends all of this when pi does; where templates/alone.sh runs it, which has told how pi is heard
  local line
  [[ -n $pi_lease ]] || return
  while read -r -t 0 -u 8; do
    IFS= read -r -u 8 line && [[ $line != stop ]] || kill -KILL 0
    pi_heard=$SECONDS
  done
  ((SECONDS - pi_heard < pi_lease)) || kill -KILL 0
}

one_by_one() { # seconds name…: an empty line tells that one is done
  local section
  while (($#)); do
    section=$2
    "$2"
    whole "$2"
    flush
    echo
    shift 2
  done
}

first_line() { # file: its first line → REPLY; fails when there is none. A fifo would hang: only plain files.
  REPLY=
  [[ -f $1 && -r $1 ]] && IFS= read -r -n 262144 REPLY <"$1"
  [[ -n $REPLY ]]
}

searchable() { # path: whether it can be told if it is there; else the directory that hides it → REPLY
  REPLY=${1%/*}
  while [[ -n $REPLY && ! -e $REPLY ]]; do REPLY=${REPLY%/*}; done
  [[ -z $REPLY || ! -d $REPLY || -x $REPLY ]]
}

split() { # text → lines. No here-string: that would be a file in /tmp
  local IFS=$'\n'
  set -f
  # shellcheck disable=SC2206 # at line ends, and without globbing
  lines=($1)
  set +f
}

find_program() { # name → REPLY; as `type -P`, without a fork
  local dir IFS=:
  for dir in $PATH; do
    REPLY=$dir/$1
    [[ $dir == /* && -f $REPLY && -x $REPLY ]] && return
  done
  return 1
}

# shellcheck shell=bash disable=SC2034 # not every script asks for all that is set here
# Sourced text: what the kernel says of a process. It works with and without strict mode.

# Sets $comm, $state, $parent, $session and $born, its start time in ticks since boot; fails when it is gone.
read_stat() { # PID
  local line='' fields threads
  # a name may have a line break in it
  { IFS= read -r -d '' line <"/proc/$1/stat"; } 2>/dev/null || true
  if [[ -z $line ]]; then return 1; fi
  # and `)`: the fields begin behind the last one. No here-string: before bash 5.1 that is a file in /tmp, which may be full
  # shellcheck disable=SC2206 # a letter and numbers
  fields=(${line##*) })
  comm=${line#*(} comm=${comm%)*}
  state=${fields[0]} parent=${fields[1]} session=${fields[3]} born=${fields[19]}
  # a process whose first thread has ended looks like a zombie while others of its threads run
  if [[ $state == Z ]]; then
    threads=(/proc/"$1"/task/*)
    if ((${#threads[@]} > 1)); then state=S; fi
  fi
}

# shellcheck shell=bash disable=SC2154,SC2329 # parts of scripts: each uses what others set
# Sourced text: whether the lock is still the one under which this was begun. $fenced_by is that lock's token, $fenced_in
# pi's directory; without a token there is nothing to look at.

is_fenced_in() {
  local place places holder
  if [[ -z ${fenced_by-} ]]; then return 0; fi
  lock_places "$fenced_in"
  for place in "${places[@]}"; do
    if read_lock "$place" && [[ ${holder[0]-} == "$fenced_by" ]]; then return 0; fi
  done
  return 1
}

# Ends the script with exit code 76 where the lock is another one, or gone. It stands before what can't be taken back.
fence() {
  if ! is_fenced_in; then
    printf 'the lock of this pod is no longer the one under which this was begun\n' >&2
    exit "$EXIT_LOCK_LOST"
  fi
}

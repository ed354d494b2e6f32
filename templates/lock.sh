# Holds the pod's lock for as long as this script runs; a heartbeat shows that it does. The lock goes with the
# script, however that ends; one whose heartbeat is old, or that is from before a reboot, is broken.
# Exit 75: somebody else holds it; `held`, who, project and since come out as one line. 76: it was lost, and whose it is
# now comes out in the same way, if anybody's. 1: it can't be made, stderr says why.
pi={{ pi | path }}
token={{ token }}
who={{ who }}
project={{ project }}
expiry={{ expiry }}
beat={{ beat }}
# before its place is asked for: that goes by where links lead
mkdir -p -- "$pi" 2>/dev/null || true
lock_places "$pi"
read -r boot </proc/sys/kernel/random/boot_id
boot=${boot:0:8}
lock='' why='' stays=''

# Whether the holder has given no sign of life for too long.
is_stale() { # PLACE
  local last off
  last=$(last_beat "$1") || return 1
  if [[ -n ${holder[2]-} && ${holder[2]} != "$boot" ]]; then return 0; fi
  off=$(($(date +%s) - last))
  if ((off <= expiry && off >= -expiry)); then return 1; fi
  # a clock may have been set, or the disk's be another one: whoever holds it gives a sign within a heartbeat
  sleep $((beat + 2))
  [[ $(last_beat "$1") == "$last" ]]
}

# Whether nobody else has the lock. One without a sign of life is broken; it counts for nothing also where the disk
# does not let it be removed, and then `stays` is set.
is_free() {
  local place
  stays=''
  for place in "${places[@]}"; do
    # another pod of the same apply may lead to the same place: then its lock is not this one's
    if ! read_lock "$place" || [[ $place == "$lock" && ${holder[0]-} == "$token" ]]; then continue; fi
    is_stale "$place" || return 1
    break_lock "$place" || stays=yes
  done
}

tell() {
  printf 'held\t%s\t%s\t%s\n' "${holder[3]:-somebody}" "${holder[4]-}" "${holder[1]:-0}"
}

# Makes the lock; $why is why it could not.
make() { # PLACE
  local target
  target=$token:$(date +%s):$boot:$who:$project
  lock=$1
  if why=$(ln -s -T -- "${target:0:255}" "$1" 2>&1) || why=$(ln -s -T -- "${target:0:59}" "$1" 2>&1); then
    # some file systems make links and set no time of theirs: there it could give no sign of life
    if why=$(touch -h -c -- "$1" 2>&1); then return 0; fi
    rm -f -- "$1"
    why='Operation not supported'
  fi
  lock=''
  return 1
}

is_mine() { [[ -n $lock ]] && read_lock "$lock" && [[ ${holder[0]-} == "$token" ]]; }

release() {
  if is_mine; then rm -f -- "$lock"; fi
}

# Whether a script runs that was begun under this lock. The words are not in this one's own command line.
# shellcheck disable=SC2062 # they are files
scripts_run() { printf '%s\n' "fenced_by='$token'" | grep -qsF -f - /proc/[0-9]*/cmdline; }

# Where pi was lost, its other scripts are being ended at this moment: the lock outlasts them. A server's session that
# one of them has begun then has a second to note who it is, so that whoever is next finds it.
outlast() {
  local tick
  scripts_run || return 0
  for ((tick = 0; tick < 10; tick++)); do
    sleep 0.1
    scripts_run || break
  done
  sleep 1
}

trap release EXIT
trap 'outlast; exit 143' TERM INT HUP
while true; do
  if ! is_free; then
    tell
    exit "$EXIT_HELD"
  fi
  if why=$(mkdir -p -- "$pi" 2>&1) && make "${places[0]}"; then break; fi
  case $why in
    *'File exists')
      if [[ -z $stays ]] && read_lock "${places[0]}"; then # somebody else was faster
        sleep 0.2
        continue
      fi
      [[ -n $stays ]] || die "${why#*: }"
      ;;
    *'No space left on device' | *'Disk quota exceeded' | *'Read-only file system' | *'Input/output error') ;;
    # no symbolic links on this file system
    *'Operation not permitted' | *'Operation not supported' | *'Function not implemented') ;;
    *) die "${why#*: }" ;;
  esac
  first=$why
  if make "${places[1]}"; then break; fi
  if [[ $why != *'File exists' ]] || ! read_lock "${places[1]}"; then die "${first#*: }; ${why#*: }"; fi
  sleep 0.2
done
# somebody may have made one in the other place at the same moment: then both give way
if ! is_free; then
  tell
  exit "$EXIT_HELD"
fi
say locked
while is_mine; do
  touch -h -c -- "$lock"
  sleep "$beat" &
  wait "$!"
done
trap - EXIT
for place in "${places[@]}"; do
  if read_lock "$place"; then
    tell
    break
  fi
done
exit "$EXIT_LOCK_LOST"

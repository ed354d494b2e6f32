# Holds the pod's lock for as long as this script runs; a heartbeat shows that it does. The lock goes with the
# script, however that ends; one whose heartbeat is old, or that is from before a reboot, is broken.
# Exit 75: somebody else holds it; `held`, who, project and since come out as one line.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
who={{ who }}
project={{ project }}
expiry={{ expiry }}

pi=$(expand "$pi")
mkdir -p -- "$pi"
lock=$pi/lock
read -r boot </proc/sys/kernel/random/boot_id
mine="$who"$'\n'"$project"$'\n'"$(date +%s)"$'\n'"$boot $$"

# When the holder gave its last sign of life.
last_beat() { stat -c %Y -- "$lock/holder" 2>/dev/null || stat -c %Y -- "$lock" 2>/dev/null; }

# Whether the holder has given no sign of life for too long.
is_stale() {
  local beat off line
  local lines=()
  beat=$(last_beat) || return 1
  { mapfile -t lines <"$lock/holder"; } 2>/dev/null || true
  line=${lines[3]-}
  if [[ -n $line && ${line% *} != "$boot" ]]; then return 0; fi
  off=$(($(date +%s) - beat))
  if ((off <= expiry && off >= -expiry)); then return 1; fi
  # a clock may have been set, or the disk's be another one: whoever holds it gives a sign within 5 s
  sleep 7
  [[ $(last_beat) == "$beat" ]]
}

release() {
  if [[ -f $lock/holder && $(<"$lock/holder") == "$mine" ]]; then rm -rf -- "$lock"; fi
}
trap release EXIT
trap 'exit 143' TERM INT HUP

tries=0
until mkdir -- "$lock" 2>/dev/null; do
  if is_stale; then
    # moved away first: of two who find it stale only one gets to remove it
    if mv -T -- "$lock" "$lock.stale.$$" 2>/dev/null; then rm -rf -- "$lock.stale.$$"; fi
    continue
  fi
  lines=()
  { mapfile -t lines <"$lock/holder"; } 2>/dev/null || true
  if ((${#lines[@]} < 3 && tries++ < 20)); then
    sleep 0.1
    continue
  fi
  trap - EXIT
  printf 'held\t%s\t%s\t%s\n' "${lines[0]-somebody}" "${lines[1]-}" "${lines[2]-0}"
  exit 75
done
put "$lock/holder" "$mine"
say locked
while [[ -f $lock/holder && $(<"$lock/holder") == "$mine" ]]; do
  touch -c -- "$lock/holder"
  sleep 5 &
  wait "$!"
done
trap - EXIT
exit 76

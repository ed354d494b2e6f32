# Breaks the pod's lock, if it is still the one that was looked at. Its holder ends when it notices.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
since={{ since }}

pi=$(expand "$pi")
lock=$pi/lock
if [[ ! -d $lock ]]; then
  say "it is gone already"
  return 0
fi
lines=()
{ mapfile -t lines <"$lock/holder"; } 2>/dev/null || true
if [[ ${lines[2]:-0} != "$since" ]]; then die "somebody else has taken the lock meanwhile"; fi
# moved away first: its holder may write there at this moment
if mv -T -- "$lock" "$lock.stale.$$" 2>/dev/null; then rm -rf -- "$lock.stale.$$"; fi

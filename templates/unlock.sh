# Breaks the pod's lock, if it is still the one that was looked at. Its holder ends when it notices.
pi={{ pi | path }}
token={{ token }}
since={{ since }}

lock_places "$pi"
others=''
for place in "${places[@]}"; do
  if ! read_lock "$place"; then continue; fi
  if [[ ${holder[0]-} == "$token" && ${holder[1]:-0} == "$since" ]]; then
    break_lock "$place" || die "$place can't be removed"
    return 0
  fi
  others=yes
done
if [[ -n $others ]]; then die "somebody else has taken the lock meanwhile"; fi
say "it is gone already"

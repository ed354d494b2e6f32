# Does a step, which is a function `step`, under a lock, and notes what became of it: one line in the pod's journal.
# Exit 76: the lock is no longer that one, and nothing is noted; the step may have been broken off.
fenced_in={{ pi | path }}
deed={{ deed }}
# whose deed it is: for steps that make a server somebody's, or use secrets
# shellcheck disable=SC2034 # not every step does
owner={{ owner }}
# shellcheck disable=SC2034
project_id={{ project_id }}
noted={{ noted }}
limit={{ limit }}
fenced_by={{ token }}

# Appends the line; the former journal is kept as journal.jsonl.1. A line that a full disk cut short stays alone.
note() { # OUTCOME EXIT
  local directory=$fenced_in file now
  file=$directory/journal.jsonl
  if [[ -e $file && ! -f $file ]]; then
    printf '%s: not a regular file\n' "$file" >&2
    return 1
  fi
  mkdir -p -- "$directory" || return
  if (($(stat -c %s -- "$file" 2>/dev/null || printf 0) > limit)); then mv -f -- "$file" "$file.1" || return; fi
  if [[ -s $file && -n $(tail -c 1 -- "$file") ]]; then printf '\n' >>"$file" || return; fi
  TZ=UTC0 printf -v now '%(%Y-%m-%dT%H:%M:%SZ)T' -1
  printf '{"when":"%s","seconds":%d,"outcome":"%s","exit":%d,%s\n' "$now" "$SECONDS" "$1" "$2" "$deed" >>"$file"
}

# Ends the step where a FIFO or a device stands in the place of a file of pi's: to open one takes for ever, or reading it.
plain_files() {
  local directory target='' file
  directory=$fenced_in
  if [[ $deed =~ \"target\":\"([A-Za-z0-9._-]+)\" ]]; then target=${BASH_REMATCH[1]}; fi
  for file in "$directory"/{env,journal.jsonl,journal.jsonl.1} "$directory"/{servers,beside,engines}/"$target"/* "$directory/servers/$target"/runs/*/*; do
    if [[ -p $file || -c $file || -b $file ]]; then die "$file is a FIFO or a device, and no file of pi's: remove it"; fi
  done
}

# what ends the step does not end this: it waits for the step, and notes that, also where nobody listens any more
trap : TERM INT HUP PIPE
set +e
fence
(
  plain_files
  step "$@"
)
code=$?
fence
# this code says that the lock was lost, and nothing else
if ((code == EXIT_LOCK_LOST)); then code=1; fi
case $code in
  0) outcome='done' ;;
  129 | 130 | 143) outcome=stopped ;;
  *) outcome=failed ;;
esac
told=$code
if [[ $noted == failed ]]; then outcome=failed told=1; fi
if [[ $noted != interruptions || $outcome == stopped ]]; then
  if ! why=$(note "$outcome" "$told" 2>&1); then
    caution "this could not be noted in the pod's journal: ${why##*: }"
  fi
fi
exit "$code"

# shellcheck shell=bash
# Behind reset.sh: runs one script for pi and answers for it. Bash alone, no other program but sleep, no file.
#
# Arguments: the script's length in bytes (0: the script is the 5th argument), the input's length, the lease in
# seconds, a mark, the script or nothing, the script's name.
# Standard input, when `begin` was heard: the script, the script's input, then lines: `stop`, or empty ones as a sign of life. The end
# of it, or silence for longer than the lease, means stop, too: nothing pi started outlives pi. If it is to stop
# before all has arrived, the exit code is 1, and the script has not run; else it is always 0.
# Output: the mark and `begin` on both streams, what the script prints, the mark and `end` on both.
printf '\036%s begin\n' "$4"
printf '\036%s begin\n' "$4" >&2
exec 3<&0 </dev/null
script=$5
if (($1)); then
  IFS= read -r -u 3 -N "$1" script
  ((${#script} == $1)) || exit 1
fi
if (($2)); then
  IFS= read -r -u 3 -N "$2" input
  ((${#input} == $2)) || exit 1
  exec 4< <(exec 3<&- && printf %s "$input")
  unset input
else
  exec 4</dev/null
fi
while read -r -u 3 -t 0; do # a slow login shell: has pi thought better of it?
  IFS= read -r -u 3 line && [[ $line != stop ]] || exit 1
done
# what a login ignores bash can't heed again, but this program can (coreutils 8.31)
heed=()
if [[ -n $(trap -p HUP INT PIPE TERM) ]] && env --default-signal=HUP,INT,PIPE,TERM true 2>/dev/null; then
  heed=(env --default-signal=HUP,INT,PIPE,TERM)
fi
exec 5>&2 2>/dev/null # bash itself has something to say of jobs that were killed
set -m                # a process group of its own for the script
if ((${#script} < 100000)); then
  "${heed[@]}" bash --norc -p -c "$script" "$6" <&4 2>&5 3<&- 4<&- 5>&- &
else # longer than an argument may be
  "${heed[@]}" bash --norc -p <(exec 3<&- 4<&- 5>&- && printf %s "$script") <&4 2>&5 3<&- 4<&- 5>&- &
fi
group=$!
set +m
exec 4<&-
unset script

# Is anything of the group left? Zombies do not count: PID 1 of many pods never reaps.
alive() {
  local file stat
  for file in /proc/[0-9]*/stat; do
    stat=
    IFS= read -r -d '' stat <"$file"
    [[ ${stat##*') '} == [!ZX]\ +([0-9])\ "$group"\ * ]] && return 0
  done
  return 1
}

# TERM to the group, about 3 s of grace, KILL. What left the group (setsid) stays.
sweep() {
  kill -s TERM -- "-$group" || return 0
  for _ in {1..30}; do
    alive || return 0
    sleep 0.1
  done
  kill -s KILL -- "-$group"
}

(
  trap '' INT TERM HUP
  while IFS= read -r -u 3 -t "$3" line; do
    [[ $line == stop ]] && break
  done
  sweep
) >/dev/null 5>&- &
watch=$!
exec 3<&-
wait "$group"
code=$?
kill -s KILL "$watch"
wait "$watch"
sweep
printf '\036%s end\n' "$4" >&5
printf '\036%s end %s\n' "$4" "$code"

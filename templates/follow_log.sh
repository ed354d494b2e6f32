# Prints the end of a server's log and what is added to it, each line behind the place where it ends, so that nothing
# is lost or told twice when somebody takes up there again. It changes nothing.
#
# Out: `file<TAB>ID` for every file that is begun, `END<TAB>line<TAB>$` for every line. Exit 3: there is no log.
pi={{ pi | path }}
name={{ name }}
count={{ count }}
follow={{ follow }}
last_file={{ last_file }}
last_end={{ last_end }}
previous={{ previous }}

set +e +o pipefail
server=$pi/servers/$name

# Sets $newest to the run whose log is told, and $found to that log: of two that run the one that is starting.
find_log() {
  local id runs current last
  read_runs "$server"
  newest=$current
  for id in "${runs[@]}"; do
    find_run "$server" "$id"
    if ((id > newest)) && read_record "$REPLY" && leader_runs; then newest=$id; fi
  done
  if [[ -n $previous ]]; then find_one_before "$newest"; fi
  find_run "$server" "$newest"
  found=$REPLY/server.log
}

# Sets $newest to the newest of the other runs.
find_one_before() { # RUN
  newest=''
  for id in "${runs[@]}"; do
    find_run "$server" "$id"
    # one that never began has nothing to tell
    if ((id != $1)) && [[ -s $REPLY/server.log && (-z $newest || $id -gt $newest) ]]; then newest=$id; fi
  done
  [[ -n $newest ]] || exit "$EXIT_GONE"
}

find_log
log=$found told=$newest

identity() { stat -c '%i:%W' -- "$1" 2>/dev/null; } # the number alone may be given to a new file

# A log that was cut (templates/lib/log_limit.sh) goes on behind that which log.old has: places count from its beginning.
# Sets $cut to what log.old says of itself, $from to where it begins, and $base to where the log itself does; $old is
# open on it.
look_back() {
  local size
  cut='' from=0 base=0
  wait_for_cut
  [[ -z $old ]] || exec {old}<&-
  old=''
  { exec {old}<"$log.old"; } 2>/dev/null || return 0
  IFS= read -r -n 100 cut <&"$old"
  [[ $cut == 'pi: from byte '*([0-9])' on' ]] || cut=''
  if [[ -n $cut ]] && size=$(stat -L -c %s -- "/proc/$$/fd/$old"); then
    from=${cut//[!0-9]/} base=$((from + size - ${#cut} - 1))
  fi
}

# While the log is cut, log.old.new is there; it becomes log.old. One that was killed at that leaves it.
is_being_cut() { [[ -z $given_up && -e $log.old.new ]]; }

wait_for_cut() {
  local tick
  for ((tick = 0; tick < 100; tick++)); do
    is_being_cut || return 0
    sleep 0.05
  done
  given_up=yes
}

# Whether the log, which $fd is open on, is cut or was since look_back: what was read of it last may be from behind.
was_cut() {
  [[ $log -ef /proc/self/fd/$fd ]] || return 1
  is_being_cut && return 0
  if [[ -n $old ]]; then
    [[ ! $log.old -ef /proc/self/fd/$old ]]
  else
    [[ -e $log.old ]]
  fi
}

# Goes on where the telling stopped, if the log was cut.
go_on_behind_cut() {
  was_cut || return 1
  look_back
  [[ -n $cut ]] || return 1
  exec {fd}<&-
  begin_before "$((end + ${#rest}))"
}

open_at() { # FILE OFFSET: sets $fd
  exec {fd}<"$1" || return
  dd bs=64K skip="$2" iflag=skip_bytes count=0 status=none <&"$fd"
}

begin() { # FILE OFFSET BASE: opens it there
  open_at "$1" "$2" || return
  file=$(identity "$1") end=$(($2 + $3)) rest=''
  printf 'file\t%s\n' "$file"
}

begin_log() { # OFFSET
  begin "$log" "$1" "$base"
}

# Tells what log.old has from PLACE on, and goes on with the log. A line that begins in the one ends in the other.
begin_before() { # PLACE
  local was=$rest
  file=$(identity "$log") end=$1
  if ((end < from)); then end=$from was=''; fi
  printf 'file\t%s\n' "$file"
  open_at "/proc/$$/fd/$old" "$((end - from + ${#cut} + 1))" || return
  rest=$was end=$((end - ${#was}))
  drain
  exec {fd}<&-
  open_at "$log" 0
}

# What a progress bar has painted over is not told; a line without end is cut.
tell() { # LINE
  local line=${1%$'\r'}
  line=${line##*$'\r'}
  printf '%s\t%s\t$\n' "$end" "${line:0:30000}"
}

drain() { # tells all that is there
  local line painted
  while IFS= read -r -u "$fd" line; do
    was_cut && return
    line=$rest$line rest=''
    end=$((end + ${#line} + 1))
    tell "$line"
  done
  was_cut && return
  rest+=$line
  if ((${#rest} > 1000000)); then # no line at all
    end=$((end + ${#rest}))
    tell "$rest"
    rest=''
  fi
  if [[ $rest == *$'\r'* ]]; then # a progress bar that goes on
    painted=${rest%$'\r'*} rest=${rest##*$'\r'}
    end=$((end + ${#painted} + 1))
    [[ -z $painted ]] || tell "$painted"
  fi
}

finish() { # a file to which nothing comes any more
  drain
  while go_on_behind_cut; do drain; done
  if [[ -n $rest ]]; then
    end=$((end + ${#rest}))
    tell "$rest"
  fi
  exec {fd}<&-
}

# Begins where the last lines do. Of a huge log only the end is looked at.
begin_last_lines() {
  local size skip lines bytes
  while :; do
    look_back
    open_at "$log" 0 || return
    size=$(stat -c %s -- "$log") skip=0
    ((size > 67108864)) && skip=$((size - 67108864))
    read -r lines bytes < <(tail -c "+$((skip + 1))" -- "$log" | head -c "$((size - skip))" | tail -n "$count" | wc -lc)
    was_cut || break
    exec {fd}<&-
  done
  exec {fd}<&-
  if [[ -n $cut ]] && ((lines < count && skip == 0)); then
    bytes=$(tail -c "+$((${#cut} + 2))" -- "/proc/$$/fd/$old" | tail -n "$((count - lines))" | wc -c)
    begin_before "$((base - bytes))"
  else
    begin_log "$((size - bytes))"
  fi
}

# Goes on with the log that is told now: from its beginning, or, where that of a newer run ended, from its end.
go_on_with_found() {
  local place
  while :; do
    find_log
    log=$found place=0
    look_back
    if ((newest < told)); then place=$(stat -c %s -- "$log" 2>/dev/null || printf 0); fi
    if begin_log "$place" 2>/dev/null; then break; fi
    sleep 0.2
  done
  told=$newest
}

take_up() { # where somebody has stopped before
  local size id runs current last
  read_runs "$server"
  look_back
  if [[ $(identity "$log") == "$last_file" ]]; then
    size=$(stat -c %s -- "$log")
    if ((last_end < base)); then
      begin_before "$last_end"
    else
      begin_log "$((last_end - base <= size ? last_end - base : 0))"
    fi
  else
    for id in "${runs[@]}"; do
      find_run "$server" "$id"
      if [[ $(identity "$REPLY/server.log") == "$last_file" ]]; then
        begin "$REPLY/server.log" "$last_end" 0 && finish
      fi
    done
    begin_log 0
  fi
}

[[ -f $log ]] || exit "$EXIT_GONE"
rest='' old='' given_up=''
if [[ -n $last_file ]]; then
  take_up || exit "$EXIT_GONE"
else
  begin_last_lines || exit "$EXIT_GONE"
fi
if [[ -z $follow ]]; then
  finish
  exit 0
fi
tick=0 emptied=0
while :; do
  drain
  go_on_behind_cut && continue
  find_log
  if [[ $found != "$log" || (-f $log && ! $log -ef /proc/self/fd/$fd) ]]; then
    finish
    go_on_with_found
    continue
  fi
  # a log that somebody emptied in its place, once it is sure that it was not cut
  if ((++tick % 8 == 0)) && size=$(stat -c %s -- "$log" 2>/dev/null) && ((size + base < end + ${#rest})); then
    if ((++emptied > 1)); then
      exec {fd}<&-
      while ! begin_log 0; do sleep 0.2; done
    fi
  else
    ((tick % 8)) || emptied=0
  fi
  sleep 0.25
done

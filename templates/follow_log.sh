# Prints the end of a server's log and what is added to it, each line behind the place where it ends, so that nothing
# is lost or told twice when somebody takes up there again. It changes nothing.
#
# Out: `file<TAB>ID` for every file that is begun, `END<TAB>line<TAB>$` for every line. Exit 3: there is no log.
pi={{ pi }}
name={{ name }}
count={{ count }}
follow={{ follow }}
last_file={{ last_file }}
last_end={{ last_end }}

set +e +o pipefail
pi=$(expand "$pi")
log=$pi/servers/$name/server.log
# of two the one that is starting: it comes into this place when it is ready
[[ -f $pi/beside/$name/server.log ]] && log=$pi/beside/$name/server.log

identity() { stat -c '%i:%W' -- "$1" 2>/dev/null; } # the number alone may be given to a new file

begin() { # FILE OFFSET: opens it there, sets $fd
  exec {fd}<"$1" || return
  file=$(identity "$1") end=$2 rest=''
  dd bs=64K skip="$end" iflag=skip_bytes count=0 status=none <&"$fd"
  printf 'file\t%s\n' "$file"
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
    line=$rest$line rest=''
    end=$((end + ${#line} + 1))
    tell "$line"
  done
  rest+=$line
  if [[ $rest == *$'\r'* ]]; then # a progress bar that goes on
    painted=${rest%$'\r'*} rest=${rest##*$'\r'}
    end=$((end + ${#painted} + 1))
    [[ -z $painted ]] || tell "$painted"
  fi
}

finish() { # a file to which nothing comes any more
  drain
  if [[ -n $rest ]]; then
    end=$((end + ${#rest}))
    tell "$rest"
  fi
  exec {fd}<&-
}

last_lines() { # sets $start: where the last lines begin. Of a huge log only the end is looked at
  local size from bytes
  size=$(stat -c %s -- "$log") from=0
  ((size > 67108864)) && from=$((size - 67108864))
  bytes=$(tail -c "+$((from + 1))" -- "$log" | head -c "$((size - from))" | tail -n "$count" | wc -c)
  start=$((size - bytes))
}

take_up() { # where somebody has stopped before
  local size
  if [[ $(identity "$log") == "$last_file" ]]; then
    size=$(stat -c %s -- "$log")
    begin "$log" "$((last_end <= size ? last_end : 0))"
  else
    if [[ $(identity "$log.1") == "$last_file" ]]; then
      begin "$log.1" "$last_end" && finish
    fi
    begin "$log" 0
  fi
}

[[ -f $log ]] || exit 3
if [[ -n $last_file ]]; then
  take_up || exit 3
else
  last_lines
  begin "$log" "$start" || exit 3
fi
if [[ -z $follow ]]; then
  finish
  exit 0
fi
tick=0
while :; do
  drain
  if [[ -f $log && ! $log -ef /proc/self/fd/$fd ]]; then
    finish
    while ! begin "$log" 0; do sleep 0.2; done
    continue
  fi
  # a log that was emptied in its place
  if ((++tick % 8 == 0)) && size=$(stat -c %s -- "$log" 2>/dev/null) && ((size < end)); then
    exec {fd}<&-
    while ! begin "$log" 0; do sleep 0.2; done
    continue
  fi
  sleep 0.25
done

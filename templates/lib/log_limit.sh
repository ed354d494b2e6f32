# Sourced text for the run scripts: a server's log keeps to a limit. A process beside the engine looks how long the log
# is, and empties it in its place, as logrotate's copytruncate does. So nothing stands between the engine and its log: it
# waits for no reader and gets no SIGPIPE, whatever becomes of that process. The price: lines that are written between
# the copy and the cut, less than a millisecond, are lost.
#
# server.log.head keeps how the start began, server.log.old what stood before that which server.log has now. With a copy
# while the log is cut, these are at most $log_limit bytes.

# Begins that process, and sets $log_keeper to its PID. Its parent is not this shell: an engine that waits for all of its
# children must not find one that it does not know.
keep_log_short() {
  exec 5>&1
  log_keeper=$(
    limit_log >&5 5>&- &
    printf '%s\n' "$!"
  )
  exec 5>&-
}

# Empties standard output, the server's log, whenever it is too long. Ends with the last other process of the session.
limit_log() {
  local cut=$((log_limit / 25 * 6)) head=$((log_limit / 25)) me=$BASHPID file end=0 seen=0 base=0 tick=0 pause=0.25 never
  set +e
  exec 2>/dev/null
  # what stops a server reaches this, too: it may write most while it stops
  trap '' TERM INT HUP
  printf pi-log >/proc/self/comm
  file=/proc/$me/fd/1
  exec {never}<> <(:)
  while :; do
    read -r -t "$pause" -u "$never" _ # a pause without a fork
    # where the engine, which has the same file, last wrote: that costs no fork either
    { read -r _ end; } <"/proc/$me/fdinfo/1"
    # it may have opened its standard output once more
    if ((++tick % 8 == 0)); then end=$(stat -L -c %s -- "$file"); fi
    pause=0.25
    if ((end != seen && end > cut)); then
      cut_log
      seen=$end pause=0.02
    elif ! leader_runs && ((tick % 4 == 0)) && is_last; then
      return 0
    fi
  done
}

# Whether no other process of the session is left.
is_last() {
  local pid
  read_members
  for pid in "${members[@]}"; do
    if [[ $pid != "$me" ]]; then return 1; fi
  done
}

# Keeps the end of the log, and empties it. Where that can't be kept, as on a full disk, it is emptied all the same.
cut_log() {
  local size log from place copied
  size=$(stat -L -c %s -- "$file")
  if ((size <= cut)); then return 0; fi
  log=$(readlink -- "$file")
  if [[ ! $log -ef $file ]]; then
    : >"$file"
    return 0
  fi
  if [[ ! -e $log.head ]]; then head -c "$head" -- "$log" >"$log.head"; fi
  copy_end "$size" || true
  # It is emptied once all of it is copied: the engine may end meanwhile, and say why. One that writes faster than this
  # copies is not followed for ever.
  while :; do
    copied=$((from + $(stat -c %s -- "$log.old.new" || printf 0) - 18 - ${#place}))
    { read -r _ end; } <"/proc/$me/fdinfo/1"
    # it may have opened its standard output once more
    if ((end < copied)); then end=$(stat -L -c %s -- "$file"); fi
    if ((end <= copied || end > 10 * cut)); then break; fi
    if ((end - copied > cut || copied - from > cut)); then
      copy_end "$end" || break
    else
      dd if="$log" bs=1M skip="$copied" count="$cut" iflag=skip_bytes,count_bytes status=none >>"$log.old.new" || break
    fi
  done
  : >"$file"
  base=$((base + copied))
  mv -f -- "$log.old.new" "$log.old" || rm -f -- "$log.old.new"
}

# Begins the copy: the last bytes of a log of this size, behind a line that says where in all that was written they stood.
copy_end() { # SIZE
  from=$(($1 - cut)) place=$((base + $1 - cut))
  rm -f -- "$log.old.new"
  { printf 'pi: from byte %d on\n' "$place" &&
    dd if="$log" bs=1M skip="$from" count="$cut" iflag=skip_bytes,count_bytes status=none; } >"$log.old.new"
}

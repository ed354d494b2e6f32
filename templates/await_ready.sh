# Waits until a server's own process answers GET /health with 200. Log lines come out as they are written, up to a limit.
# Exit 0: it answers. 3: its process is gone. 4: no progress for too long. 5: another process has the port. 8: it answers on
# another address. The last line of standard error says why.
pi={{ pi | path }}
name={{ name }}
run={{ run }}
host={{ host }}
port={{ port }}
stall={{ stall }}

# Bytes of the log that are told, and that count as progress: what goes on writing behind that gets no nearer.
most=33554432
find_started "$pi/servers/$name" "$run"
dir=$REPLY
log=$dir/server.log
read_record "$dir" || exit "$EXIT_GONE"
exec {written}< <(exec tail -n +1 -s 0.2 -F -- "$log" 2>/dev/null)
follower=$!
# dd, since head keeps lines back until it has a block of them
dd bs=64K count="$most" iflag=count_bytes status=none <&"$written" 2>/dev/null &
teller=$!
exec {written}<&-
trap 'kill "$follower" "$teller" 2>/dev/null || true' EXIT

# Prints the end of the log, also of one that is being cut (templates/lib/log_limit.sh): then log.old.new is there.
end_of_log() {
  local tick before='' last
  for ((tick = 0; tick < 50; tick++)); do
    if [[ ! -e $log.old.new ]]; then
      before=$(stat -c '%i %Z' -- "$log.old" 2>/dev/null || true)
      last=$({ cat -- "$log.old" "$log" || true; } 2>/dev/null | tail -c 65536 | tr -d '\0')
      [[ -e $log.old.new || $before != "$(stat -c '%i %Z' -- "$log.old" 2>/dev/null || true)" ]] || break
    fi
    sleep 0.1
  done
  printf '%s\n' "${last-}"
}

# Whether one of the session's processes has the listening socket. True as well where /proc does not tell.
owns_port() {
  local pid
  read_holders "$port"
  ((${#holders[@]})) || return 0
  read_members
  for pid in "${holders[@]}"; do
    if ((pid == 0)) || [[ " ${members[*]} " == *" $pid "* ]]; then return 0; fi
  done
  return 1
}

# Sets $code and $said, as ask_health. One that listens for the other version of IP alone is found, too: $elsewhere
# counts how often that answered in place of the address that it was given.
ask() {
  local other=''
  ask_health "$host" "$port" "$patience"
  case $host in
    127.0.0.1) other=::1 ;;
    ::1) other=127.0.0.1 ;;
  esac
  if [[ -n $code || -z $other || $said != 'nothing listens'* ]]; then
    elsewhere=0
    return 0
  fi
  local nothing=$said
  ask_health "$other" "$port" "$patience"
  if [[ $said == 'nothing listens'* ]]; then
    elsewhere=0 said=$nothing
    return 0
  fi
  said="$nothing; on $(address "$other" "$port") $said"
  if [[ $code == 200 ]] && owns_port; then ((++elsewhere)); fi
  code=''
}

# Sets $now to how much the log has said, the first $most bytes of it; that somebody asks for /health, as this does, and
# gets no answer is no progress.
measure() {
  local size new
  size=$(stat -c %s -- "$log" 2>/dev/null || printf 0)
  if ((size < seen)); then seen=0; fi # it was cut
  if ((size == seen || now >= most)); then return 0; fi
  new=$({ tail -c "+$((seen + 1))" -- "$log" | head -c "$((size - seen < most ? size - seen : most))" |
    grep -avE '/health|code (404|405|501|503)' || true; } 2>/dev/null | wc -c)
  seen=$size now=$((now + new))
}

seen=0 now=0 before=0 quiet=$SECONDS elsewhere=0 patience=$((stall < 5 ? stall : 5))
while :; do
  if ! leader_runs; then
    sleep 0.5
    # why it ended stands at the end of its log, which was perhaps not told where that is long
    if [[ -e $log.old || $(stat -c %s -- "$log" 2>/dev/null) -gt 1000000 ]]; then
      kill "$follower" 2>/dev/null || true
      wait "$teller" || true
      say $'\npi: the end of its log:'
      end_of_log
    fi
    exit "$EXIT_GONE"
  fi
  ask
  if [[ $code == 200 ]]; then
    if owns_port; then break; fi
    exit "$EXIT_PORT_TAKEN"
  fi
  measure
  if ((now >= most)); then said+="; it goes on writing its log"; fi
  # for a few seconds: it may be about to listen on the other one as well
  if ((elsewhere > 9)); then
    printf '%s\n' "$said" >&2
    exit "$EXIT_ELSEWHERE"
  fi
  if [[ $now != "$before" ]]; then before=$now quiet=$SECONDS; fi
  if ((SECONDS - quiet >= stall)); then
    printf '%s\n' "$said" >&2
    exit "$EXIT_STALLED"
  fi
  sleep 0.2
done

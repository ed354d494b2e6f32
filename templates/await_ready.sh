# Waits until a server's own process answers GET /health with 200. Log lines come out as they are written.
# Exit 0: it answers. 3: its process is gone. 4: no progress for too long. 5: another process has the port, which it
# shares with nobody, unless `shared` says so.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}
place={{ place }}
host={{ host }}
port={{ port }}
shared={{ shared }}
stall={{ stall }}

pi=$(expand "$pi")
dir=$pi/$place/$name
log=$dir/server.log
read_record "$dir" || exit 3
tail -n +1 -s 0.2 -F -- "$log" 2>/dev/null &
follower=$!
trap 'kill "$follower" 2>/dev/null || true' EXIT

# Sets $code to what GET /health answers, empty when nothing does.
ask_health() {
  local line
  code=''
  if [[ -n $shared ]]; then
    reach_own "$host" "$port" "$leader" "$unit" 5 || return 0
  else
    { exec {connection}<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 0
  fi
  { printf 'GET /health HTTP/1.0\r\nHost: %s\r\n\r\n' "$host" >&"$connection"; } 2>/dev/null || true
  if IFS= read -r -t 5 line <&"$connection"; then read -r _ code _ <<<"$line"; fi
  exec {connection}>&-
}

# Whether one of the session's processes has the listening socket. True as well where /proc does not tell.
owns_port() {
  local table fields hex inode=() pid link links
  printf -v hex '%04X' "$port"
  for table in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $table ]] || continue
    while read -ra fields; do
      if [[ ${fields[3]} == 0A && ${fields[1]##*:} == "$hex" ]]; then inode+=("${fields[9]}"); fi
    done <"$table"
  done
  ((${#inode[@]})) || return 0
  read_members
  for pid in "${members[@]}"; do
    links=$(ls -l "/proc/$pid/fd" 2>/dev/null) || return 0
    for link in "${inode[@]}"; do
      if [[ $links == *"socket:[$link]"* ]]; then return 0; fi
    done
  done
  return 1
}

# Sets $now to how much the log says; that somebody asks for /health, as this does, and gets no answer is no progress.
measure() {
  local size
  size=$(stat -c %s -- "$log" 2>/dev/null || printf 0)
  if [[ $size == "$measured" ]]; then return 0; fi
  measured=$size
  now=$({ grep -avE '/health|code (404|405|501|503)' -- "$log" || true; } 2>/dev/null | wc -c)
}

measured=-1 now=0 before=-1 quiet=0
while :; do
  if ! leader_runs; then
    sleep 0.5
    exit 3
  fi
  ask_health
  if [[ $code == 200 ]]; then
    if [[ -n $shared ]] || owns_port; then break; fi
    exit 5
  fi
  measure
  if [[ $now != "$before" ]]; then before=$now quiet=$SECONDS; fi
  if ((SECONDS - quiet >= stall)); then exit 4; fi
  sleep 0.2
done

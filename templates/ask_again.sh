# Asks a server that did not answer the probe once more, with patience: a busy one may be late.
# Exit 0: it is silent. 6: it answers GET /health with 200, and needs nothing.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}
host={{ host }}
port={{ port }}
patience={{ patience }}

pi=$(expand "$pi")
dir=$pi/servers/$name
if ! read_record "$dir" || ! leader_runs; then return 0; fi

answers() {
  local line code=''
  { exec {connection}<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 1
  { printf 'GET /health HTTP/1.0\r\nHost: %s\r\n\r\n' "$host" >&"$connection"; } 2>/dev/null || true
  if IFS= read -r -t "$patience" line <&"$connection"; then read -r _ code _ <<<"$line"; fi
  exec {connection}>&-
  [[ $code == 200 ]]
}

say "asking it once more"
for ((until = SECONDS + patience; SECONDS < until; )); do
  if answers; then exit 6; fi
  sleep 1
done

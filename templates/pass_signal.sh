# Sends a signal to the process that carries a mark as a word of its command line; it passes it on to its job. Waits a
# little for a process that is about to start.
mark={{ mark }}
signal={{ signal }}

set +e

send() { # PID: KILL alone can't be passed on
  local job jobs=()
  if [[ $signal == KILL ]]; then
    { read -ra jobs <"/proc/$1/task/$1/children"; } 2>/dev/null
    for job in "${jobs[@]}"; do kill -s KILL -- "-$job" 2>/dev/null; done
  else
    kill -s "$signal" -- "$1" 2>/dev/null
  fi
}

pass() { # fails when there is none
  local file word words pid
  for file in /proc/[0-9]*/cmdline; do
    { mapfile -d '' -t words <"$file"; } 2>/dev/null || continue
    for word in "${words[@]}"; do
      if [[ $word == "$mark" ]]; then
        pid=${file#/proc/} pid=${pid%/cmdline}
        send "$pid"
        return
      fi
    done
  done
  return 1
}

for _ in {1..10}; do
  if pass; then break; fi
  sleep 0.1
done

# Tells how servers are, in their own words: what their /metrics say, and the end of the log of those that are not up.
# One record a line, `key<TAB>server<TAB>text`. It changes nothing. The key for /metrics stays on the pod.
pi={{ pi | path }}

set +e +u +o pipefail
shopt -s nullglob
exec 2>/dev/null

vital() { # SERVER
  local dir name=${1##*/} answered='' spec
  [[ ! -e $1/stopped ]] || return
  find_current "$1"
  dir=$REPLY
  [[ -f $dir/pid ]] || return
  if read_record "$dir" && leader_runs; then
    first_line "$dir/answered" && answered=$REPLY
    if [[ $answered == "$leader $started" ]]; then
      first_line "$dir/spec.json" && spec=$REPLY
      metrics "$name" "$spec" && return
    fi
  fi
  ending
}

metrics() { # NAME SPEC: fails when the server does not answer at all
  local port address gpus drain key='' line lines text asker pid=''
  read_spec "$2"
  [[ -n $port ]] || return
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == api_key=* ]] && key="Authorization: Bearer ${line#*=}"$'\r\n'
  done <"$dir/secrets"
  # by a process of its own: it may be reset, or be held up before it is connected
  exec {asker}< <(printf '%s\n' "$BASHPID"; ask_metrics)
  read -r -u "$asker" pid
  text=$(timeout -s KILL 3 head -c 1000000 <&"$asker" | tr -d '\0')
  kill -KILL "$pid"
  exec {asker}<&-
  [[ $text == HTTP/1.* ]] || return
  [[ $text == HTTP/1.?' 200'* ]] || return 0
  split "$text"
  for line in "${lines[@]}"; do
    case $line in
      vllm:num_requests_* | llamacpp:requests_*) emit metric "$name" "$line" ;;
    esac
  done
}

ask_metrics() { # of the server in dir, with its address, port and key
  local connection
  trap '' PIPE
  http_get "$address" "$port" /metrics "$key" || return
  exec timeout -s KILL 2 cat <&"$connection"
}

ending() { # the last lines of the log; of a progress bar what stands there now
  local line
  [[ -f $dir/server.log ]] || return
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    emit log "$name" "${line##*$'\r'}"
  done < <({ tail -c 65536 -- "$dir/server.log.old"; tail -c 65536 -- "$dir/server.log"; } | tail -n 300)
}

fds=()
for dir in "$pi"/servers/*/; do
  exec {fd}< <(vital "${dir%/}"; flush)
  fds+=("$fd")
done
for fd in "${fds[@]}"; do cat <&"$fd"; done
emit end
flush

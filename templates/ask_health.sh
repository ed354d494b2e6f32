# Sourced text for scripts that ask a server for its health. A process of its own does: a server can hold up or end that
# one alone, and what it says is read up to a limit in bytes and in time.

# Sets $code to the status that GET /health answers, empty where there is none, and $said to what came of it in words.
ask_health() { # HOST PORT SECONDS
  local asker pid='' ended=0
  code='' said=''
  exec {asker}< <(printf '%s\n' "$BASHPID"; read_health "$@" 2>/dev/null)
  IFS= read -r -u "$asker" pid || true
  IFS=$'\t' read -r -t "$(($3 + 1))" -u "$asker" code said || ended=$?
  if ((ended > 128)); then
    kill -KILL "$pid" 2>/dev/null || true
    said="no connection to $1:$2 came about within $(($3 + 1)) s"
  fi
  exec {asker}<&-
  code=${code#-}
}

# Prints the status, `-` where there is none, and what is to be said.
read_health() { # HOST PORT SECONDS
  local connection line count code='' end=0 until=$((SECONDS + $3))
  set +e
  trap '' PIPE # it may close the connection at any time, also before it is asked
  exec {connection}<>"/dev/tcp/$1/$2" || { printf -- '-\tnothing listens on %s\n' "$(address "$1" "$2")"; return; }
  printf 'GET /health HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" >&"$connection"
  for ((count = 0; count < 100; count++)); do
    line=''
    IFS= read -r -t "$((until > SECONDS ? until - SECONDS : 1))" -n 4096 -u "$connection" line
    end=$?
    if [[ $line =~ ^HTTP/[0-9.]+\ ([0-9]{3})([^0-9]|$) ]]; then
      code=${BASH_REMATCH[1]}
      # 100 Continue and the like: the answer comes behind it
      if [[ $code == 1?? ]]; then continue; fi
      printf '%s\tGET /health says %s\n' "$code" "$code"
      return
    fi
    if ((end > 128 || until <= SECONDS)); then
      printf -- '-\tit takes the connection, and did not answer GET /health within %s s\n' "$3"
      return
    elif ((end)) && [[ -z $line ]]; then
      printf -- '-\tit closes the connection without an answer to GET /health\n'
      return
    elif [[ -z $code ]]; then
      printf -- '-\twhat it answers is no HTTP\n'
      return
    fi
  done
  printf -- '-\tits answer has no end\n'
}

# An address with its port, as a URL has it.
address() { # HOST PORT
  if [[ $1 == *:* ]]; then printf '[%s]:%s\n' "$@"; else printf '%s:%s\n' "$@"; fi
}

# shellcheck shell=bash disable=SC2329 # not every script uses all of it
# Sourced text: asking a server over HTTP, by bash alone. It works with and without strict mode.

# Opens $connection and asks for a path; fails where nothing listens. The other end may close it at any time: who calls
# this ignores SIGPIPE.
http_get() { # HOST PORT PATH [HEADER_LINES]
  exec {connection}<>"/dev/tcp/$1/$2" || return 1
  # it may have been reset already: reading tells
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n%s\r\n' "$3" "${4-}" >&"$connection" || true
}

# Reads an answer up to its status: $code is that, or empty, and $said what came instead.
http_status() { # SECONDS PATH
  local line count end=0 until=$((SECONDS + $1))
  code='' said=''
  for ((count = 0; count < 100; count++)); do
    line=''
    IFS= read -r -t "$((until > SECONDS ? until - SECONDS : 1))" -n 4096 -u "$connection" line && end=0 || end=$?
    if [[ $line =~ ^HTTP/[0-9.]+\ ([0-9]{3})([^0-9]|$) ]]; then
      # 100 Continue and the like: the answer comes behind it
      if [[ ${BASH_REMATCH[1]} == 1?? ]]; then
        code=100
        continue
      fi
      code=${BASH_REMATCH[1]}
      return 0
    fi
    if ((end > 128 || until <= SECONDS)); then
      said="it takes the connection, and did not answer GET $2 within $1 s"
    elif ((end)) && [[ -z $line ]]; then
      said="it closes the connection without an answer to GET $2"
    elif [[ -z $code ]]; then
      said='what it answers is no HTTP'
    else
      continue # headers behind a 100
    fi
    code=''
    return 1
  done
  code='' said='its answer has no end'
  return 1
}

# Sets $code to the status that GET /health answers, empty where there is none, and $said to what came of it in words. A
# process of its own asks: a server can hold up or end that one alone.
ask_health() { # HOST PORT SECONDS
  local asker pid='' ended=0
  code='' said=''
  exec {asker}< <(printf '%s\n' "$BASHPID"; tell_health "$@" 2>/dev/null)
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
tell_health() { # HOST PORT SECONDS
  local connection code said
  set +e
  trap '' PIPE
  if ! http_get "$1" "$2" /health; then
    printf -- '-\tnothing listens on %s\n' "$(address "$1" "$2")"
  elif http_status "$3" /health; then
    printf '%s\tGET /health says %s\n' "$code" "$code"
  else
    printf -- '-\t%s\n' "$said"
  fi
}

# An address with its port, as a URL has it.
address() { # HOST PORT
  if [[ $1 == *:* ]]; then printf '[%s]:%s\n' "$@"; else printf '%s:%s\n' "$@"; fi
}

# Sourced text for scripts that make a server somebody's.

# Notes whose the server is: the project's whose deed this is. Without an id nobody's is noted, as before there were ids.
own() { # SERVER
  local now
  if [[ -z ${owner-} ]]; then return 0; fi
  printf -v now '%(%s)T' -1
  put "$1/owner" "${owner%\}},\"since\":$now}"$'\n'
  # an earlier pi noted it for each of the two
  rm -f -- "${1%/servers/*}/beside/${1##*/}/owner" "$1"/runs/*/owner
}

# shellcheck shell=bash disable=SC2034 # not every script asks for all that is set here
# Sourced text: what scripts have to know of a server's spec.json, without a program that reads JSON. Strings in it are
# escaped, so that nothing in them looks like a key.

# Sets $port; $address, where the pod itself reaches it; $gpus, its list between commas; and $drain, in seconds.
read_spec() { # TEXT
  port='' address=127.0.0.1 gpus='' drain=15 # as pi.toml's default
  if [[ $1 =~ \"port\":([0-9]+) ]]; then port=${BASH_REMATCH[1]}; fi
  if [[ $1 =~ \"listen\":\"([0-9a-fA-F:.]+)\" ]]; then address=${BASH_REMATCH[1]}; fi
  case $address in
    0.0.0.0) address=127.0.0.1 ;;
    ::) address=::1 ;;
  esac
  if [[ $1 =~ \"drain\":([0-9]+) ]]; then drain=${BASH_REMATCH[1]}; fi
  if [[ $1 =~ \"gpus\":\[([0-9,]+)\] ]]; then gpus=,${BASH_REMATCH[1]},; fi
}

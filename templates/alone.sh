# shellcheck shell=bash disable=SC2034,SC2154 # the script behind it uses what this sets
# Behind reset.sh: stands before a script that keeps watch itself, and runs in this very shell: no other one waits beside it, which
# saves three processes. Such a script never waits for longer than a second without looking whether pi still listens.
#
# Arguments: the lease in seconds, a mark. Standard input and output: as runner.sh has them, but for a script on it.
exec 8<&0 9>&2 </dev/null
pi_lease=${1%.*} pi_mark=$2 pi_heard=$SECONDS
set --
printf '\036%s begin\n' "$pi_mark"
printf '\036%s begin\n' "$pi_mark" >&9
while read -r -u 8 -t 0; do # a slow login shell: has pi thought better of it?
  IFS= read -r -u 8 pi_line && [[ $pi_line != stop ]] || exit 1
done
trap 'kill -KILL 0' HUP INT PIPE TERM # what hangs would stay
trap 'pi_code=$?; printf "\036%s end\n" "$pi_mark" >&9; printf "\036%s end %s\n" "$pi_mark" "$pi_code"' EXIT

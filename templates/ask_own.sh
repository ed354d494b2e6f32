# Asks a server that shares its port with the one beside which it was started. The request is standard input; the status
# of the answer is printed, and its body below. Exit 3: its process is gone. 7: it was not reached. 124: no answer in time.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}
place={{ place }}
host={{ host }}
port={{ port }}
patience={{ patience }}

pi=$(expand "$pi")
if ! read_record "$pi/$place/$name" || ! leader_runs; then exit 3; fi
reach_own "$host" "$port" "$leader" "$unit" 30 || exit 7
cat >&"$connection"
code=''
IFS= read -r -t "$patience" line <&"$connection" || exit 124
read -r _ code _ <<<"$line"
while IFS= read -r -t "$patience" line <&"$connection" && [[ $line != $'\r' ]]; do :; done
printf '%s\n' "$code"
timeout "$patience" cat <&"$connection"

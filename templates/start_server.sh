# Starts a server in a session of its own: in its place, where all that is left of a former one is ended first, or, where
# `place` says so, beside the one that runs, which is left alone. The former log is kept as server.log.1.
pi={{ pi | path }}
name={{ name }}
place={{ place }}
spec={{ spec }}
run={{ run }}
secret_names=({{ secret_names | words }})
helpers=({{ helpers | words }})
dir=$pi/$place/$name
mkdir -p -- "$dir"
# all that may refuse comes before anything is ended
secrets=''
read_secrets "$pi"
for secret in "${secret_names[@]}"; do
  if [[ -n ${known[$secret]-} ]]; then secrets+=$secret=${known[$secret]}$'\n'; fi
done
if [[ -n $secrets ]]; then
  guard_directories "$pi" "$pi/secrets" "$pi/servers" "$pi/servers/$name" "$pi/$place" "$dir"
  guard_files "$pi/env" ${project_id:+"$pi/secrets/$project_id"}
fi
if [[ $place == servers ]]; then end_beside "$pi" "$name"; fi
end_session "$dir"
own "$dir"
rm -f -- "$dir/pid" "$dir/answered" "$dir/stopped" "$dir/measured" "$dir/restarts"
if [[ -f $dir/server.log ]]; then mv -f -- "$dir/server.log" "$dir/server.log.1"; fi
for ((at = 0; at < ${#helpers[@]}; at += 2)); do put "$dir/${helpers[at]}" "${helpers[at + 1]}"; done
put "$dir/run.sh" "$run"
put "$dir/secrets" "$secrets"
# last: a record without a process reads as a server that has to be started
put "$dir/spec.json" "$spec"
start_session "$dir"

# Starts a run of a server, in a session of its own: beside the current one, which is left alone, or in its place. Then that
# one ends first, but not before all of the new one is written: what may refuse, as a full disk does, does so while it runs.
pi={{ pi | path }}
name={{ name }}
run={{ run }}
beside={{ beside }}
spec={{ spec }}
script={{ script }}
secret_names=({{ secret_names | words }})
helpers=({{ helpers | words }})
server=$pi/servers/$name
dir=$server/runs/$run
mkdir -p -- "$dir"
secrets=''
read_secrets "$pi"
for secret in "${secret_names[@]}"; do
  if [[ -n ${known[$secret]-} ]]; then secrets+=$secret=${known[$secret]}$'\n'; fi
done
if [[ -n $secrets ]]; then
  guard_directories "$pi" "$pi/secrets" "$pi/servers" "$server" "$server/runs" "$dir"
  guard_files "$pi/env" ${project_id:+"$pi/secrets/$project_id"}
fi

# Sets $previous to the run that answered last, if it runs or was ended for one that has not answered since: it is started
# again if this one does not come up.
find_previous() {
  local answered='' from
  find_run "$server" "$current"
  from=$REPLY previous=''
  { IFS= read -r answered <"$from/answered"; } 2>/dev/null || true
  if [[ $current != "$run" ]] && read_record "$from" && leader_runs && [[ $answered == "$leader $started" ]]; then
    previous=$current
  elif [[ -f $from/previous ]]; then
    IFS= read -r previous <"$from/previous" || true
  fi
}

read_runs "$server"
replaced=$current
find_previous
# what this has begun, if it was broken off
end_run "$dir"
rm -f -- "$dir"/{answered,measured,restarts} "$dir"/server.log*
: >"$dir/server.log"
for ((at = 0; at < ${#helpers[@]}; at += 2)); do put "$dir/${helpers[at]}" "${helpers[at + 1]}"; done
put "$dir/run.sh" "$script"
put "$dir/secrets" "$secrets"
if [[ -n $previous ]]; then put "$dir/previous" "$previous"$'\n'; fi
put "$dir/spec.json" "$spec"
own "$server"
if [[ -n $beside ]]; then
  end_runs "$server" "$run" "$replaced"
else
  end_runs "$server" "$run"
  fence
  rm -f -- "$server/stopped"
  make_current "$server" "$run" || exit "$EXIT_NOT_BEGUN"
fi
start_session "$dir" "$name"
tidy_runs "$server"

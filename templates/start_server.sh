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

# Notes the run that is about to end, if it runs and has answered: it is started again if the new one does not come up. One that
# was ended for a run that has not answered stays noted.
note_previous() {
  local answered=''
  find_run "$server" "$current"
  { IFS= read -r answered <"$REPLY/answered"; } 2>/dev/null || true
  if [[ $current != "$run" ]] && read_record "$REPLY" && leader_runs && [[ $answered == "$leader $started" ]]; then
    put "$server/previous" "$current"$'\n'
  fi
}

read_runs "$server"
replaced=$current
# what this has begun, if it was broken off
end_run "$dir"
rm -f -- "$dir"/{answered,measured,restarts} "$dir"/server.log*
: >"$dir/server.log"
for ((at = 0; at < ${#helpers[@]}; at += 2)); do put "$dir/${helpers[at]}" "${helpers[at + 1]}"; done
put "$dir/run.sh" "$script"
put "$dir/secrets" "$secrets"
put "$dir/spec.json" "$spec"
own "$server"
if [[ -n $beside ]]; then
  end_runs "$server" "$run" "$replaced"
else
  note_previous
  prepare_current "$server" "$run"
  end_runs "$server" "$run"
  fence
  mark_runs "$server" || exit "$EXIT_NOT_BEGUN"
  rm -f -- "$server/stopped"
  mv -fT -- "$server/current.new" "$server/current" || exit "$EXIT_NOT_BEGUN"
fi
start_session "$dir" "$name"
tidy_runs "$server"

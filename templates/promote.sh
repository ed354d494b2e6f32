# Has the run that was started beside the current one, and has answered, be the server, and ends the other. Wherever this is
# broken off, the server is a run that answers.
pi={{ pi | path }}
name={{ name }}
run={{ run }}
server=$pi/servers/$name
read_runs "$server"
if [[ $current != "$run" ]]; then
  find_run "$server" "$run"
  if ! read_record "$REPLY" || ! leader_runs; then die "what was started to take its place is gone; it was left alone"; fi
  fence
  rm -f -- "$server/stopped"
  make_current "$server" "$run"
fi
end_runs "$server" "$run"
tidy_runs "$server"

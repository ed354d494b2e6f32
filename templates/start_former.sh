# Starts the server again that answered last, from the record that was kept of it. What was started in its place is
# ended; its log is kept as server.log.1.
pi={{ pi | path }}
name={{ name }}
dir=$pi/servers/$name
if [[ ! -f $dir/former/spec.json ]]; then die "no former record of it is left"; fi
if [[ -s $dir/former/secrets ]]; then guard_directories "$pi" "$pi/servers" "$dir" "$dir/former"; fi
end_session "$dir"
rm -f -- "$dir/pid" "$dir/answered" "$dir/stopped" "$dir/restarts"
if [[ -f $dir/server.log ]]; then mv -f -- "$dir/server.log" "$dir/server.log.1"; fi
for file in "$dir"/former/*; do
  if [[ ${file##*/} != spec.json ]]; then
    cp -p --remove-destination -- "$file" "$dir/${file##*/}.new"
    mv -f -- "$dir/${file##*/}.new" "$dir/${file##*/}"
  fi
done
# last: a record without a process reads as a server that has to be started
put "$dir/spec.json" "$(<"$dir/former/spec.json")"
start_session "$dir"
